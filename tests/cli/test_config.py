"""test_config.py - `tract config`: list, get, set, unset, accept, in the shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.test_harmless import HARMFUL
from tests.foreign import HOSTILE, bring

THEIRS = {"setting": "chat", "model": "theirs", "extra": {"text": "x" * 300}}


def document(run: Run, *words: str) -> Any:
    """What a command prints with --json."""
    return json.loads(run("--json", *words).stdout)


@pytest.fixture
def theirs(repo: Run, tmp_path: Path) -> Run:
    """A repository with a chat model that somebody else set."""
    bring(tmp_path / ".tract", {"settings/chat.json": THEIRS})
    return repo


def test_nothing_is_set(repo: Run) -> None:
    """Without settings the list is empty, and a remark says so."""
    said = repo("config")
    assert (said.exit_code, said.stdout, said.stderr) == (0, "", "No settings.\n")
    assert document(repo, "config") == {"settings": {}, "waiting": []}


def test_set_get_list_unset(repo: Run) -> None:
    """What is set is printed by get, listed, and gone once it is unset."""
    assert repo("config", "set", "chat.model", "gpt-4o").stderr == "chat.model=gpt-4o\n"
    assert repo("config", "set", "chat.model", "gpt-4o").stderr == "unchanged: chat.model=gpt-4o\n"
    assert repo("config", "get", "chat.model").stdout == "gpt-4o\n"
    assert repo("config", "set", "budget", "5000").exit_code == 0
    assert repo("config", "list").stdout == "budget.tokens=5000\nchat.model=gpt-4o\n"
    assert repo("config").stdout == repo("config", "list").stdout
    assert repo("config", "unset", "chat.model").stderr == "unset chat.model\n"
    said = repo("config", "unset", "chat.model")
    assert (said.exit_code, said.stderr) == (0, "not set: chat.model\n")


@pytest.mark.parametrize(
    ("key", "given", "kept"),
    [
        ("chat.model", "4", "4"),
        ("chat.model", "true", "true"),
        ("encoding", "gpt-4", "gpt-4"),
        ("budget", "4", 4),
        ("budget", '{"tokens": 4, "action": "warn"}', 4),
        ("chat.seed", "4", 4),
        ("chat.temperature", "0", 0.0),
        ("chat.presence_penalty", "-0.5", -0.5),
        ("chat.x", "-5", -5),
        ("chat.x", "true", True),
        ("chat.x", "null", "null"),
        ("chat.x", "NaN", "NaN"),
        ("chat.x", "", ""),
        ("chat.x", "four", "four"),
        ("chat.x", '"4"', "4"),
        ("chat.x", "[", "["),
        ("chat.x", "[1, 2]", [1, 2]),
        ("chat.x", '{"a": 1}', {"a": 1}),
        ("chat.x", "[" * 5000, "[" * 5000),
        ("chat", '{"model": "m"}', {"model": "m"}),
    ],
)
def test_values(repo: Run, key: str, given: str, kept: Any) -> None:
    """A value is JSON where it reads as that, else a text; a model and an encoding always are."""
    assert repo("config", "set", key, given).exit_code == 0
    assert document(repo, "config", "get", key) == {"key": key, "value": kept}


def test_values_are_printed_as_json(repo: Run) -> None:
    """get prints a text as it is, and anything else as JSON."""
    repo("config", "set", "chat", '{"stop_sequences": ["a"], "x": true, "y": "a\\nb"}')
    assert repo("config", "get", "chat.stop_sequences").stdout == '["a"]\n'
    assert repo("config", "get", "chat.x").stdout == "true\n"
    assert repo("config", "get", "chat.y").stdout == "a\nb\n"
    assert "chat.y=a␊b\n" in repo("config").stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("get", "chat.model"), 3),
        (("get", "nope"), 2),
        (("set", "nope", "1"), 2),
        (("set", "chat.api_key", "sk-1"), 2),
        (("set", "chat", '{"extra": {"base_url": "x"}}'), 2),
        (("set", "budget", "many"), 2),
        (("set", "encoding", "klingon"), 2),
        (("set", "chat.temperature", "hot"), 2),
        (("set", "chat.model"), 2),
        (("unset", "nope"), 2),
        (("unset", "policies/x.json"), 2),
        (("accept",), 2),
        (("accept", "--all", "chat"), 2),
        (("accept", "chat"), 3),
        (("chat.model",), 2),
        (("chat.model", "gpt-4o"), 2),
    ],
)
def test_errors(repo: Run, words: tuple[str, ...], code: int) -> None:
    """Each mistake ends with its exit code and a hint; a key is never repeated."""
    said = repo("config", *words)
    assert said.exit_code == code
    assert "hint: " in said.stderr
    assert "sk-1" not in said.stderr
    error = json.loads(repo("--json", "config", *words).stderr)["error"]
    assert error["exit_code"] == code


def test_json_says_whether_it_changed(repo: Run) -> None:
    """With --json a change says key, value, and whether anything changed."""
    for changed in (True, False):
        assert document(repo, "config", "set", "budget", "5") == {
            "key": "budget",
            "value": 5,
            "changed": changed,
        }
    for changed in (True, False):
        assert document(repo, "config", "unset", "budget") == {"key": "budget", "changed": changed}


def test_options_stand_anywhere(repo: Run, tmp_path: Path) -> None:
    """The shared options are taken before config, behind it, and behind its commands."""
    repo("config", "set", "budget", "5")
    (tmp_path / "sub").mkdir()
    for words in (("--json", "config", "list"), ("config", "--json", "list"),
                  ("config", "list", "--json"), ("config", "--json"),
                  ("config", "-C", "sub", "list", "--json")):  # fmt: skip
        assert json.loads(repo(*words).stdout)["settings"] == {"budget.tokens": 5}


def test_status_shows_the_budget(repo: Run) -> None:
    """Status says what the context may count."""
    repo("config", "set", "budget", "5000")
    assert "of a budget of 5,000\n" in repo("status").stdout
    assert document(repo, "status")["token_budget_max"] == 5000


def test_waiting_is_shown_apart(theirs: Run) -> None:
    """What is not in force stands behind the list, or alone with --waiting, and in --json."""
    theirs("config", "set", "budget", "5")
    listed = theirs("config").stdout
    assert listed.startswith("budget.tokens=5\n\nnot in force: settings/chat.json")
    assert "  chat.model=theirs\n" in listed
    alone = theirs("config", "list", "--waiting").stdout
    assert listed == f"budget.tokens=5\n\n{alone}"
    found = document(theirs, "config", "list", "--waiting")
    assert list(found) == ["waiting"]
    assert found["waiting"][0]["name"] == "chat"
    assert theirs("config", "get", "chat.model").exit_code == 3


def test_status_warns(theirs: Run) -> None:
    """Status names what is not in force, and the command that changes it."""
    assert "warning: settings/chat.json is not in force" in theirs("status").stdout
    assert "tract config accept chat" in theirs("status").stdout


def test_status_of_an_empty_branch_warns(run: Run, tmp_path: Path) -> None:
    """So does status where nothing has been committed yet."""
    run("init")
    bring(tmp_path / ".tract", {"settings/chat.json": THEIRS})
    assert "warning: settings/chat.json is not in force" in run("status").stdout


@pytest.mark.parametrize("word", ["chat", "--all"])
def test_accept(theirs: Run, word: str) -> None:
    """accept shows all that it accepts, uncut, and puts it in force."""
    said = theirs("config", "accept", word)
    assert said.exit_code == 0
    assert f"  chat.text={'x' * 300}\n" in said.stdout
    assert said.stderr == "Accepted: chat\n"
    assert theirs("config", "get", "chat.model").stdout == "theirs\n"
    assert theirs("config", "accept", word).stderr == "Nothing was accepted.\n"


def test_accept_as_json(theirs: Run) -> None:
    """With --json the document has what was accepted."""
    assert [each["name"] for each in document(theirs, "config", "accept", "--all")["accepted"]] == [
        "chat"
    ]
    assert document(theirs, "config", "accept", "--all") == {"accepted": []}


def test_hostile_documents(repo: Run, tmp_path: Path) -> None:
    """What may never be in force is listed with its reason, and refused with exit code 5."""
    bring(tmp_path / ".tract", HOSTILE)
    listed = repo("config").stdout
    for path in HOSTILE:
        assert f"not in force: {path}  " in listed
    for name in ("chat", "merge", "compress", "message", "policies/pin.json"):
        said = repo("config", "accept", name)
        assert (said.exit_code, said.stdout) == (5, "")
        assert "says where to send or who pays" in said.stderr
    assert repo("config", "accept", "--all").stderr == "Nothing was accepted.\n"
    assert repo("config", "unset", "policies/pin.json").exit_code == 0
    assert "policies" not in repo("config").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("config",),
        ("config", "--json"),
        ("config", "get", "chat.x"),
        ("config", "get", "chat.x", "--json"),
        ("config", "get", "a\x1b]0;t\x07"),
        ("config", "accept", "--all"),
        ("config", "accept", "a\x1b]0;t\x07"),
        ("config", "unset", "a\x1b]0;t\x07"),
        ("config", "\x1b[2J"),
        ("status",),
        ("status", "--json"),
    ],
    ids=lambda words: ascii(" ".join(words)),
)
def test_control_characters_are_harmless(repo: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    """No text of a setting, of a name or of a document can steer the terminal."""
    evil = "a\x1b]0;t\x07b\x9b31m\u202ec\x7f\r"
    repo("config", "set", "chat.x", evil)
    strange = {"setting": "merge", "model": evil, "extra": {"y": {evil: evil}}}
    bring(tmp_path / ".tract", {"settings/merge.json": strange, '"a\\033[2J/b.json"': {evil: evil}})
    said = repo(*words)
    assert not HARMFUL.search(said.stdout + said.stderr)


def test_help(run: Run) -> None:
    """The help of config lists its commands; each has an example."""
    listed = run("config", "--help").stdout
    for name in ("list", "get", "set", "unset", "accept"):
        assert f"  {name} " in listed
        assert f"tract config {name}" in run("config", name, "--help").stdout


def test_without_a_repository(run: Run) -> None:
    """config makes no repository."""
    assert run("config").exit_code == 3
    assert run("config", "set", "budget", "5").exit_code == 3
