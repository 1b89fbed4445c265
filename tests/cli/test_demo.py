"""test_demo.py - `tract demo`: the whole tour, twice, on our conversations and on a user's."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run, Spawn
from tests.git import fsck_clean, git
from tract.cli import demo


def facts(run: Run, *words: str) -> dict[str, Any]:
    """What the demo did, as JSON."""
    said = run("--json", "demo", *words)
    assert said.exit_code == 0, said.stderr
    document: dict[str, Any] = json.loads(said.stdout)
    return document


def test_demo(spawn: Spawn, tmp_path: Path) -> None:
    """The demo ends with 0, shows every stop, and says nothing on standard error."""
    ran = spawn("demo")
    assert (ran.returncode, ran.stderr) == (0, b"")
    said = ran.stdout.decode()
    for stop in (
        "== Import",
        "60 messages",
        "== Edit",
        "+Answer in one sentence.",
        "== Compile",
        "(tiktoken:o200k_base)",
        "== Status",
        "On branch import/",
        "git log --stat",
        "1 file changed",
        "== A refusal",
        "error: ",
        "hint: ",
        "== Next",
    ):
        assert stop in said
    fsck_clean(tmp_path / "tract-demo" / ".tract")


def test_demo_imports_the_five_conversations(run: Run) -> None:
    """Each of the five shipped conversations gets a branch."""
    imports = facts(run)["imports"]
    assert len(imports) == len({one["branch"] for one in imports}) == 5
    assert [one["error"] for one in imports] == [None] * 5


def test_demo_twice(run: Run, tmp_path: Path) -> None:
    """A second run works, gives its imports new branches and loses nothing of the first."""
    refs = ("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads")
    facts(run)
    before = git(tmp_path / "tract-demo" / ".tract", *refs).splitlines()
    imports = facts(run)["imports"]
    after = git(tmp_path / "tract-demo" / ".tract", *refs).splitlines()
    assert set(before) < set(after)
    assert len(after) == 10
    assert all(one["branch"].startswith("import/") for one in imports)
    fsck_clean(tmp_path / "tract-demo" / ".tract")


def test_demo_says_what_was_refused(run: Run) -> None:
    """The conversation with an open call is refused by its name."""
    refused = facts(run)["refused"]
    assert refused["type"] == "UnpairedToolCall"
    assert "cancel-tool-calls" in refused["hint"]


def test_commands_that_the_demo_suggests(run: Run) -> None:
    """Each command that is suggested at the end works as it is printed."""
    suggested = facts(run)["next"]
    assert len(suggested) >= 5
    for line in suggested:
        words = shlex.split(line)
        said = run(*words[words.index("-C") :])
        assert said.exit_code == 0, line


def test_demo_of_ones_own_file(run: Run, tmp_path: Path) -> None:
    """`tract demo FILE` takes a user's conversation."""
    path = tmp_path / "my chat.json"
    path.write_text('[{"role": "user", "content": "Hi"}]', encoding="utf-8")
    document = facts(run, "my chat.json", "--dir", "my demo")
    assert document["imports"][0]["branch"] == "import/my-chat"
    assert "refused" not in document
    assert (tmp_path / "my demo" / ".tract").is_dir()


def test_demo_of_a_damaged_file(run: Run, tmp_path: Path) -> None:
    """A bad line is told, the tour goes on with the rest, and the exit code is 2."""
    path = tmp_path / "chat.jsonl"
    path.write_text('{"role": "user", "content": "Hi"}\n{"role": "assi', encoding="utf-8")
    said = run("demo", "chat.jsonl")
    assert said.exit_code == 2
    assert "error: chat.jsonl: line 2" in said.stdout
    assert "== Next" in said.stdout


def test_demo_of_a_file_of_which_nothing_comes_in(run: Run, tmp_path: Path) -> None:
    """Where nothing at all can be imported the tour ends with the error."""
    (tmp_path / "chat.json").write_text("{nope", encoding="utf-8")
    said = run("demo", "chat.json")
    assert said.exit_code == 2
    assert "error: " in said.output


def test_demo_of_a_missing_file(run: Run, tmp_path: Path) -> None:
    """A file that is not there ends with 3, before anything is made."""
    assert run("demo", "missing.json").exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_demo_of_an_open_call_alone(run: Run) -> None:
    """A conversation that only has an open call can be shown too."""
    open_call = next(path for path in demo.shipped() if "open-tool-call" in path)
    assert facts(run, open_call)["openai"]["messages"] is None


def test_demo_without_git(spawn: Spawn, tmp_path: Path) -> None:
    """Without git installed one line says so, and the tour goes on."""
    ran = spawn("demo", PATH=str(tmp_path / "empty"))
    assert ran.returncode == 0, ran.stderr
    assert b"git is not installed" in ran.stdout
    assert b"== Next" in ran.stdout


def test_demo_elsewhere(run: Run, tmp_path: Path) -> None:
    """With -C the demo is made there, and its suggestions lead there from here."""
    (tmp_path / "sub").mkdir()
    said = run("-C", "sub", "--json", "demo")
    assert (tmp_path / "sub" / "tract-demo" / ".tract").is_dir()
    assert all(" -C sub/tract-demo " in line for line in json.loads(said.stdout)["next"])


@pytest.mark.parametrize(
    ("started", "typed"),
    [("somewhere/.venv/bin/tract", "somewhere/.venv/bin/tract"), ("pytest", "tract")],
)
def test_how_the_command_is_typed(
    monkeypatch: pytest.MonkeyPatch, started: str, typed: str
) -> None:
    """Suggestions begin with the command as it was started."""
    monkeypatch.setattr(sys, "argv", [started])
    assert demo.invoked_as() == typed


def test_suggestions_under_tract_dir(monkeypatch: pytest.MonkeyPatch) -> None:
    """TRACT_DIR stands above -C, so the suggestions take it out of the way."""
    monkeypatch.setenv("TRACT_DIR", "elsewhere")
    assert demo.invoked_as().startswith("TRACT_DIR= ")
