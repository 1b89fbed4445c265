"""test_options.py - what every command takes: shared options, texts, targets, JSON values."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tract.cli.options import read_target
from tract.tract import Tract


def text_of(folder: Path, slot: int) -> str:
    """The text at a slot, as it is stored."""
    with Tract.open(folder, create=False) as t:
        return t.entry(slot).text


@pytest.mark.parametrize("words", [("--json", "status"), ("status", "--json")])
def test_shared_options_stand_anywhere(repo: Run, words: tuple[str, ...]) -> None:
    """A shared option works before the command and after it."""
    assert json.loads(repo(*words).stdout)["branch_name"] == "main"


def test_c_runs_elsewhere(repo: Run, tmp_path: Path) -> None:
    """`-C DIR` works on the repository of DIR, and leaves the process where it was."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert repo("-C", "elsewhere", "init").exit_code == 0
    assert (elsewhere / ".tract").is_dir()
    assert Path.cwd() == tmp_path


def test_c_reads_paths_from_there(repo: Run, tmp_path: Path) -> None:
    """With `-C DIR` a path is relative to DIR, in whatever order they are given."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x.txt").write_text("from sub", encoding="utf-8")
    assert repo("user", "-F", "x.txt", "-C", "sub").exit_code == 0
    assert text_of(tmp_path, 2) == "from sub"


def test_c_looks_above(repo: Run, tmp_path: Path) -> None:
    """Like git's, `-C DIR` finds the repository above DIR."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert repo("-C", "a/b", "log").exit_code == 0


def test_c_takes_a_bare_repository(repo: Run) -> None:
    """`-C` may name the repository itself."""
    assert repo("-C", ".tract", "log").exit_code == 0


def test_c_of_no_directory(run: Run) -> None:
    """`-C` of a directory that is not there ends with 3."""
    said = run("-C", "nowhere", "log")
    assert said.exit_code == 3
    assert "nowhere" in said.stderr


def test_tract_dir(repo: Run, tmp_path: Path) -> None:
    """TRACT_DIR names the repository, above the current directory."""
    other = tmp_path / "other"
    assert repo("init", "other").exit_code == 0
    assert repo("user", "there", TRACT_DIR=str(other / ".tract")).exit_code == 0
    assert text_of(other, 0) == "there"


def test_branch(repo: Run) -> None:
    """`--branch` works on another branch."""
    repo("--branch", "side", "import", "-", stdin='[{"role": "user", "content": "aside"}]')
    assert "aside" in repo("--branch", "side", "log").stdout
    assert "aside" not in repo("log").stdout


def test_branch_that_does_not_exist(repo: Run) -> None:
    """A branch that is not there is not made by a slip of the finger."""
    said = repo("--branch", "mian", "user", "x")
    assert said.exit_code == 3
    assert "mian" in said.stderr


def test_quiet(repo: Run) -> None:
    """`--quiet` says nothing of what was written."""
    said = repo("-q", "user", "x")
    assert said.output == ""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"no newline",
        b"one newline\n",
        b"two\n\n",
        b"\r\n tabs\t \r\n",
        b"\xef\xbb\xbfmark",
        b"nul \x00 esc \x1b[31m",
        b"---\n{}\n---\n",
        "漢字 👩🏽‍🍳 é\u202e".encode(),
    ],
)
@pytest.mark.parametrize("way", ["-", "-F -", "-F x"])
def test_text_is_stored_byte_for_byte(repo: Run, tmp_path: Path, data: bytes, way: str) -> None:
    """Neither standard input nor a file loses or gains a byte."""
    (tmp_path / "x").write_bytes(data)
    assert repo("user", *way.split(), stdin=data).exit_code == 0
    assert text_of(tmp_path, 2).encode() == data


@pytest.mark.parametrize("way", ["-", "-F x"])
def test_text_that_is_not_utf8(repo: Run, tmp_path: Path, way: str) -> None:
    """Other bytes are refused with 2 and the place, and nothing is written."""
    (tmp_path / "x").write_bytes(b"caf\xe9")
    said = repo("user", *way.split(), stdin=b"caf\xe9")
    assert said.exit_code == 2
    assert "not UTF-8: byte 4 is 0xe9" in said.stderr
    assert "iconv" in said.stderr
    assert len(json.loads(repo("log", "--json").stdout)) == 2


def test_text_given_twice(repo: Run, tmp_path: Path) -> None:
    """An argument and a file exclude each other."""
    assert repo("user", "a", "-F", "b").exit_code == 2


def test_text_of_a_missing_file(repo: Run) -> None:
    """A file that is not there ends with 3 and is named."""
    said = repo("user", "-F", "missing.txt")
    assert said.exit_code == 3
    assert "missing.txt" in said.stderr


def test_no_text(repo: Run) -> None:
    """Without a text and without a terminal: an error that says the three ways."""
    said = repo("user")
    assert said.exit_code == 2
    assert "-F FILE" in said.stderr


def test_a_text_that_begins_with_a_dash(repo: Run, tmp_path: Path) -> None:
    """What follows -- is text."""
    assert repo("user", "--", "-5 degrees").exit_code == 0
    assert text_of(tmp_path, 2) == "-5 degrees"


@pytest.mark.parametrize(
    ("typed", "target"),
    [
        (":0", 0),
        (":17", 17),
        ("17", "17"),
        (":", ":"),
        (":/fix", ":/fix"),
        (":١٧", ":١٧"),
        (":-1", ":-1"),
        ("HEAD~2", "HEAD~2"),
    ],
)
def test_targets(typed: str, target: str | int) -> None:
    """`:17` is a slot, all else goes to the facade as it is."""
    assert read_target(typed) == target


@pytest.mark.parametrize("value", ["{", "[1]", "3", "nonsense"])
def test_metadata_that_is_no_object(repo: Run, value: str) -> None:
    """--metadata takes a JSON object, or is refused with 2."""
    assert repo("user", "x", "--metadata", value).exit_code == 2


def test_metadata_from_a_file(repo: Run, tmp_path: Path) -> None:
    """`@PATH` takes JSON from a file."""
    (tmp_path / "m.json").write_text('{"a": [1, "é"]}', encoding="utf-8")
    said = repo("user", "x", "--metadata", "@m.json", "--json")
    assert json.loads(said.stdout)["metadata"] == {"a": [1, "é"]}


def test_importing_the_command_line_is_cheap() -> None:
    """Neither rich nor what the lower floors need is loaded before it is used."""
    import subprocess

    from tests.cli.conftest import environment

    heavy = "{'rich', 'litellm', 'tiktoken', 'pydantic', 'pygit2'}"
    code = f"import sys, tract.cli.main; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment(), check=True
    )
    assert ran.stdout.strip() == b"[]"
