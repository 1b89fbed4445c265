"""test_store.py - settings, usage, what is on disk, and how durable a write is, in the shell."""

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.git import git

USAGE = '{"prompt_tokens": 412, "completion_tokens": 88, "cost_usd": 0.0019}'


def test_settings_and_usage_of_an_answer(repo: Run, tmp_path: Path) -> None:
    """--generation-config and --usage are kept as a git note, without keys, and shown by log."""
    settings = '{"model": "gpt-4o", "temperature": 0, "api_key": "sk-1"}'
    said = repo("assistant", "Yes.", "--generation-config", settings, "--usage", USAGE)
    assert said.exit_code == 0
    note = git(tmp_path / ".tract", "notes", "--ref", "tract/generation", "show", "main")
    assert json.loads(note)["usage"] == json.loads(USAGE)
    assert "sk-1" not in note
    shown = repo("log").stdout
    assert "Model:  gpt-4o, temperature 0" in shown
    assert "Usage:  412 prompt, 88 completion tokens, $0.00190" in shown


def test_commit_and_edit_take_settings(repo: Run) -> None:
    """`tract commit` and `tract edit` keep settings, too; the newest are shown."""
    settings = '{"model": "%s"}'
    repo("commit", "--role", "assistant", "--generation-config", settings % "a", "Yes.")
    repo("edit", ":2", "No.", "--generation-config", settings % "b")
    document = json.loads(repo("--json", "show", ":2").stdout)
    assert document["commit"]["generation_config"] == {"model": "b"}


def test_record_usage(repo: Run) -> None:
    """`tract record-usage` tells what is known now, and --json gives the commit."""
    repo("assistant", "Yes.")
    assert "412 prompt" in repo("record-usage", USAGE).stdout
    document = json.loads(repo("--json", "record-usage", USAGE, ":2").stdout)
    assert (document["usage"]["prompt_tokens"], document["cost"]) == (412, 0.0019)


def test_usage_that_is_none(repo: Run) -> None:
    """A report without a number of tokens ends with 2, and an entry that is not there with 3."""
    assert repo("record-usage", "{}").exit_code == 2
    assert repo("record-usage", "nonsense").exit_code == 2
    assert repo("record-usage", USAGE, ":99").exit_code == 3


def test_status_storage(repo: Run, tmp_path: Path) -> None:
    """`tract status --storage` counts what stock git counts."""
    (tmp_path / "chat.json").write_text('[{"role": "user", "content": "hi"}]')
    repo("import", "chat.json")
    counted = git(tmp_path / ".tract", "count-objects", "-v").split("\n")
    stock = {name: int(value) for name, value in (line.split(": ") for line in counted)}
    document = json.loads(repo("--json", "status", "--storage").stdout)
    assert document["loose_count"] == stock["count"]
    assert (document["pack_count"], document["packed_count"]) == (stock["packs"], stock["in-pack"])
    said = repo("status", "--storage").stdout
    assert f"{stock['count']} loose objects" in said
    assert f"{stock['count'] + stock['in-pack']} objects" in said


def test_durability(repo: Run) -> None:
    """--durability power writes as ever; anything else than the two words is refused."""
    assert repo("--durability", "power", "user", "safe").exit_code == 0
    assert repo("log", "--oneline").stdout.count("user: safe") == 1
    assert repo("--durability", "none", "user", "x").exit_code == 2
