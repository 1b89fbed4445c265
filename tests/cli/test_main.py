"""test_main.py - the group: help, misspelling, exit codes, errors as text and as JSON."""

import json
from pathlib import Path

import click
import pytest

from tests.cli.conftest import Run
from tract.cli.main import FAMILIES, cli

COMMANDS = [one for family in FAMILIES.values() for one in family]


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_help_lists_every_command(run: Run, words: tuple[str, ...]) -> None:
    """`tract`, `tract --help` and `tract -h` name all commands."""
    said = run(*words)
    assert said.exit_code == 0
    assert all(str(one.name) in said.stdout for one in COMMANDS)


@pytest.mark.parametrize("one", COMMANDS, ids=[str(one.name) for one in COMMANDS])
def test_every_command_has_help_with_an_example(run: Run, one: click.Command) -> None:
    """The help of each command explains it, and shows how it is typed."""
    said = run(str(one.name), "--help")
    assert said.exit_code == 0
    assert "Examples:" in said.stdout
    assert f"tract {one.name}" in said.stdout or "tract --branch" in said.stdout


@pytest.mark.parametrize("one", [cli, *COMMANDS], ids=lambda one: str(one.name))
def test_every_option_has_help(one: click.Command) -> None:
    """No option is listed without a word."""
    options = [each for each in one.params if isinstance(each, click.Option)]
    assert [each.name for each in options if not each.help] == []


def test_version(run: Run) -> None:
    """`tract --version` prints one line."""
    assert run("--version").stdout.startswith("tract ")


@pytest.mark.parametrize(
    ("typed", "meant"), [("lgo", "log"), ("comit", "commit"), ("stats", "status")]
)
def test_misspelt_command(run: Run, typed: str, meant: str) -> None:
    """A misspelt command is told what it is close to."""
    said = run(typed)
    assert said.exit_code == 2
    assert f"did you mean {meant}" in said.stderr


def test_misspelt_option(run: Run) -> None:
    """A misspelt option is told what it is close to."""
    said = run("log", "--onelin")
    assert said.exit_code == 2
    assert "did you mean --oneline?" in said.stderr


@pytest.mark.parametrize(
    "words", [("edit",), ("log", "-n", "many"), ("compile", "--format", "x"), ("log", "a", "b")]
)
def test_misuse_is_one_sentence_and_a_hint(run: Run, words: tuple[str, ...]) -> None:
    """What click refuses looks like every other error, with exit code 2."""
    said = run(*words)
    assert said.exit_code == 2
    assert said.stdout == ""
    error, hint = said.stderr.splitlines()
    assert error.startswith("error: ")
    assert hint == f"hint: see tract {words[0]} --help"


@pytest.mark.parametrize(
    "words",
    [
        ("log",),
        ("status",),
        ("show",),
        ("diff",),
        ("compile",),
        ("fsck",),
        ("user", "x"),
        ("edit", ":0", "x"),
        ("git", "log"),
        ("cancel-tool-calls",),
    ],
    ids=lambda words: words[0],
)
def test_no_repository(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Without a repository these end with 3, and make none."""
    said = run(*words)
    assert said.exit_code == 3
    assert "there is no tract repository" in said.stderr
    assert "hint: " in said.stderr
    assert list(tmp_path.iterdir()) == []


def test_exit_code_of_a_refusal(repo: Run) -> None:
    """A refusal ends with 5."""
    calls = '[{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]'
    repo("assistant", "--tool-calls", calls)
    said = repo("compile", "--format", "openai")
    assert said.exit_code == 5
    assert said.stdout == ""


def test_exit_code_of_damage(run: Run, tmp_path: Path) -> None:
    """A repository of a newer format ends with 8."""
    from tests.git import git

    run("init")
    run("user", "x")
    tree = git(
        tmp_path / ".tract",
        "mktree",
        stdin="100644 blob "
        + git(tmp_path / ".tract", "hash-object", "-w", "--stdin", stdin="# tract 99\n")
        + "\t.gitattributes\n",
    )
    commit = git(tmp_path / ".tract", "commit-tree", tree, "-m", "newer")
    git(tmp_path / ".tract", "update-ref", "refs/heads/main", commit)
    assert run("log").exit_code == 8


def test_json_error(run: Run) -> None:
    """With --json an error is one document on standard error, and nothing on standard output."""
    said = run("--json", "log")
    assert said.exit_code == 3
    assert said.stdout == ""
    error = json.loads(said.stderr)["error"]
    assert error["type"] == "RepoNotFound"
    assert error["exit_code"] == 3
    assert error["hint"]


def test_json_error_of_a_misuse(run: Run) -> None:
    """What cannot even be parsed is answered in JSON too."""
    error = json.loads(run("log", "--onelin", "--json").stderr)["error"]
    assert error["type"] == "UsageError"
    assert error["exit_code"] == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(run: Run, shell: str) -> None:
    """`tract completion SHELL` prints a script that asks tract."""
    said = run("completion", shell)
    assert said.exit_code == 0
    assert f"_TRACT_COMPLETE={shell}_complete" in said.stdout


def test_completion_of_commands(run: Run) -> None:
    """The shell is told the commands that begin with what was typed."""
    said = run(_TRACT_COMPLETE="bash_complete", COMP_WORDS="tract st", COMP_CWORD="1")
    assert said.stdout == "plain,status\n"


def test_completion_of_options(run: Run) -> None:
    """The shell is told the options of a command."""
    said = run(_TRACT_COMPLETE="bash_complete", COMP_WORDS="tract log --on", COMP_CWORD="2")
    assert said.stdout == "plain,--oneline\n"
