"""test_search.py - the command `tract search`."""

import json
import re

import pytest

from tests.cli.conftest import Run
from tract.tract import Tract


def test_a_line_a_hit(repo: Run) -> None:
    """A line has the place, the entry, its role and what it says; the newest place is first."""
    repo("-q", "user", "one\nBe well.")
    said = repo("search", "be ")
    assert said.exit_code == 0
    assert said.stderr == ""
    newest, oldest = said.stdout.splitlines()
    assert re.fullmatch(r"   :2 [k-z]{16} user  Be well\.", newest)
    assert re.fullmatch(r"   :0 [k-z]{16} system  Be brief\.", oldest)


def test_places_are_targets(repo: Run) -> None:
    """What is printed of a hit names the entry to other commands."""
    place, entry = repo("search", "Hello").stdout.split()[:2]
    assert "Hello there." in repo("show", place).stdout
    assert repo("show", place).stdout == repo("show", entry).stdout


def test_nothing_found(repo: Run) -> None:
    """Nothing found is no error: a note on standard error, and nothing else."""
    said = repo("search", "goodbye")
    assert (said.exit_code, said.stdout, said.stderr) == (0, "", "Nothing found.\n")
    assert repo("-q", "search", "goodbye").stderr == ""
    assert json.loads(repo("search", "goodbye", "--json").stdout) == []


def test_json(repo: Run) -> None:
    """With --json it is a list of hits with all their fields."""
    (hit,) = json.loads(repo("--json", "search", "hello").stdout)
    assert hit.keys() == {
        *("entry_id", "slot", "commit_hash", "branch", "role", "content_type", "snippet"),
    }
    assert (hit["slot"], hit["branch"], hit["snippet"]) == (1, "main", "Hello there.")


def test_filters(repo: Run) -> None:
    """Pattern, kind, author, time and branch are options."""
    repo("-q", "user", "Hello again.", "--author", "Ada <ada@example.org>")
    with Tract.open(".tract", branch="other") as other:
        other.user("Hello elsewhere.")

    def places(*words: str) -> list[str]:
        return [line.split()[0] for line in repo("search", *words).stdout.splitlines()]

    assert places("--regex", "H.*o") == [":2", ":1"]
    assert places("e", "--type", "instruction") == [":0"]
    assert places("hello", "--author", "ada") == [":2"]
    assert places("hello", "--since", "2100-01-01") == []
    assert places("hello", "--branch", "other") == [":0"]
    assert places("--", "--regex") == []


@pytest.mark.parametrize("option", ["-n", "--limit"])
def test_limit(repo: Run, option: str) -> None:
    """A limit that leaves some out says so; 0 shows all."""
    for number in range(3):
        repo("-q", "user", f"same {number}")
    said = repo("search", "same", option, "2")
    assert len(said.stdout.splitlines()) == 2
    assert said.stderr == "There are more than 2 entries; -n 0 shows all\n"
    assert len(json.loads(repo("search", "same", option, "2", "--json").stdout)) == 2
    for enough in ("0", "3"):
        said = repo("search", "same", option, enough)
        assert (len(said.stdout.splitlines()), said.stderr) == (3, "")


def test_control_characters_are_visible(repo: Run) -> None:
    """No text that is found can steer the terminal, or pass for a line of its own."""
    repo("-q", "user", "evil\x1b[2J\r and more")
    said = repo("search", "evil")
    assert "evil␛[2J␍ and more" in said.stdout
    assert "\x1b" not in said.stdout


@pytest.mark.parametrize("words", [(), ("",), (" ",), ("a", "--regex", "b"), ("--regex", "a(")])
def test_misuse(repo: Run, words: tuple[str, ...]) -> None:
    """No query, a blank one, two at once, or a broken pattern: a sentence, and exit code 2."""
    said = repo("search", *words)
    assert (said.exit_code, said.stdout) == (2, "")
    assert said.stderr.startswith("error: ")
