"""test_write.py - init, the speakers, commit, edit, cancel-tool-calls."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tract.content.entry import Entry
from tract.tract import Tract

CALLS = '[{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]'


def entry(folder: Path, slot: int) -> Entry:
    """The entry at a slot, as it is stored."""
    with Tract.open(folder, create=False) as t:
        return t.entry(slot)


def editor(folder: Path, code: str) -> str:
    """An editor that runs Python on `data`, the bytes of the file it is given."""
    script = folder / "editor.py"
    script.write_text(
        "import pathlib, sys\n"
        "path = pathlib.Path(sys.argv[-1])\n"
        f"data = path.read_bytes()\n{code}\npath.write_bytes(data)\n",
        encoding="utf-8",
    )
    return f"'{sys.executable}' '{script}'"


def test_init(run: Run, tmp_path: Path) -> None:
    """`tract init` makes .tract in the current directory."""
    assert run("init").exit_code == 0
    assert (tmp_path / ".tract" / "HEAD").is_file()


def test_init_elsewhere(run: Run, tmp_path: Path) -> None:
    """`tract init DIR` makes DIR as well."""
    assert run("init", "a/b").exit_code == 0
    assert (tmp_path / "a" / "b" / ".tract" / "HEAD").is_file()


def test_init_again(repo: Run) -> None:
    """A second init changes nothing and is no error."""
    said = repo("init")
    assert said.exit_code == 0
    assert "is already a tract repository" in said.stderr
    assert len(json.loads(repo("log", "--json").stdout)) == 2


def test_init_below_another(repo: Run, tmp_path: Path) -> None:
    """Init makes a repository here, even where one stands above."""
    (tmp_path / "sub").mkdir()
    assert repo("-C", "sub", "init").exit_code == 0
    assert (tmp_path / "sub" / ".tract").is_dir()


@pytest.mark.parametrize("created", [True, False])
def test_init_as_json(run: Run, tmp_path: Path, created: bool) -> None:
    """With --json: where it is, and whether it was made."""
    if not created:
        run("init")
    said = json.loads(run("init", "--json").stdout)
    assert said["created"] is created
    assert Path(said["path"]) == tmp_path / ".tract"


@pytest.mark.parametrize(
    ("verb", "kind", "role"),
    [
        ("system", "instruction", "system"),
        ("user", "dialogue", "user"),
        ("assistant", "dialogue", "assistant"),
    ],
)
def test_speakers(run: Run, verb: str, kind: str, role: str) -> None:
    """system, user and assistant each write an entry of their role."""
    run("init")
    info = json.loads(run(verb, "Words.", "--json").stdout)
    assert (info["content_type"], info["role"]) == (kind, role)


def test_line_of_a_commit(run: Run) -> None:
    """A write prints branch, commit, place, entry id and subject."""
    run("init")
    assert re.fullmatch(
        r"\[main [0-9a-f]{10}\] :0 [k-z]{16} user: Hello\n", run("user", "Hello").stdout
    )


def test_options_about_an_entry(repo: Run, tmp_path: Path) -> None:
    """Name, author, message, metadata and priority reach the entry and its commit."""
    words = ("--name", "ann", "--author", "Ann <ann@example.org>", "-m", "ask", "--json")
    said = repo("user", "x", *words, "--metadata", '{"a": 1}', "--priority", "important")
    info = json.loads(said.stdout)
    assert (info["author"], info["message"]) == ("Ann", "ask")
    kept = entry(tmp_path, 2)
    assert (kept.name, kept.metadata, kept.priority) == ("ann", {"a": 1}, "important")


def test_tool_calls_without_text(repo: Run, tmp_path: Path) -> None:
    """A turn that only calls tools needs no text."""
    assert repo("assistant", "--tool-calls", CALLS).exit_code == 0
    kept = entry(tmp_path, 2)
    assert kept.text == ""
    assert list(kept.tool_calls) == json.loads(CALLS)


def test_tool_calls_from_a_file(repo: Run, tmp_path: Path) -> None:
    """`--tool-calls @PATH` reads them from a file."""
    (tmp_path / "calls.json").write_text(CALLS, encoding="utf-8")
    assert repo("assistant", "Calling.", "--tool-calls", "@calls.json").exit_code == 0
    assert entry(tmp_path, 2).tool_calls[0]["id"] == "call_1"


KINDS: list[tuple[str, str, list[str], dict[str, Any]]] = [
    ("instruction", "Be kind.", ["--name", "n"], {"text": "Be kind.", "name": "n"}),
    ("dialogue", "Hi", ["--role", "assistant"], {"text": "Hi", "role": "assistant"}),
    ("dialogue", "Hi", [], {"role": "user"}),
    ("reasoning", "Hm.", ["--signature", "s"], {"text": "Hm.", "signature": "s"}),
    (
        "artifact",
        "print(1)",
        ["--language", "python", "--artifact-type", "file"],
        {"text": "print(1)", "language": "python", "artifact_type": "file"},
    ),
    ("output", "# Title", ["--format", "markdown"], {"text": "# Title", "format": "markdown"}),
]


@pytest.mark.parametrize(("kind", "text", "options", "kept"), KINDS, ids=[k[0] for k in KINDS])
def test_kinds(
    repo: Run, tmp_path: Path, kind: str, text: str, options: list[str], kept: dict[str, Any]
) -> None:
    """`commit --type` writes each kind, with the options that go with it."""
    assert repo("commit", "--type", kind, *options, text).exit_code == 0
    found = entry(tmp_path, 2)
    assert found.type == kind
    assert {key: getattr(found, key) for key in kept} == kept


def test_tool_result(repo: Run, tmp_path: Path) -> None:
    """`commit --type tool_io` answers an open call."""
    repo("assistant", "--tool-calls", CALLS)
    words = ("--tool-call-id", "call_1", "--tool-name", "f", "--status", "ok", '{"a": 1}')
    assert repo("commit", "--type", "tool_io", *words).exit_code == 0
    found = entry(tmp_path, 3)
    assert (found.tool_call_id, found.tool_name, found.status) == ("call_1", "f", "ok")
    assert found.text == '{"a": 1}'


def test_tool_result_without_a_call(repo: Run) -> None:
    """A result that answers no open call is refused with 5."""
    assert repo("commit", "--type", "tool_io", "--tool-call-id", "z", "x").exit_code == 5


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("freeform", {"anything": [1, 2]}),
        ("session", {"session_type": "handoff", "summary": "Half done."}),
    ],
)
def test_kinds_of_fields(repo: Run, tmp_path: Path, kind: str, fields: dict[str, Any]) -> None:
    """freeform and session take their fields as a JSON object."""
    assert repo("commit", "--type", kind, json.dumps(fields)).exit_code == 0
    found = entry(tmp_path, 2)
    assert found.type == kind
    assert json.loads(found.text).items() >= fields.items()


@pytest.mark.parametrize("text", ["no json", "[1]", '{"summary": "no type"}'])
def test_session_that_is_none(repo: Run, text: str) -> None:
    """Fields that are no object, or incomplete, are refused with 2."""
    assert repo("commit", "--type", "session", text).exit_code == 2


def test_option_of_another_kind(repo: Run) -> None:
    """An option that does not go with the kind is refused, and says where it belongs."""
    said = repo("commit", "--type", "dialogue", "--language", "python", "x")
    assert said.exit_code == 2
    assert "--language does not go with --type dialogue" in said.stderr
    assert "artifact" in said.stderr


@pytest.mark.parametrize("kind", ["nonsense", "x-unregistered"])
def test_unknown_kind(repo: Run, kind: str) -> None:
    """A kind that nobody knows is refused with 2."""
    assert repo("commit", "--type", kind, "{}").exit_code == 2


def test_said_at(repo: Run, tmp_path: Path) -> None:
    """--at keeps when it was said."""
    assert repo("commit", "--at", "2026-11-25T09:30:00Z", "x").exit_code == 0
    assert entry(tmp_path, 2).at == "2026-11-25T09:30:00.000Z"


def test_said_at_no_time(repo: Run) -> None:
    """--at of no time is refused with 2."""
    assert repo("commit", "--at", "yesterday", "x").exit_code == 2


def test_in_response_to_the_first_entry(repo: Run) -> None:
    """--response-to takes a place, 0 among them."""
    first = json.loads(repo("log", "--json").stdout)[-1]["entry_id"]
    info = json.loads(repo("commit", "--response-to", ":0", "x", "--json").stdout)
    assert info["response_to"] == first


def test_own_operation(repo: Run) -> None:
    """--operation takes an x-NAME."""
    info = json.loads(repo("commit", "--operation", "x-mark", "x", "--json").stdout)
    assert info["operation"] == "x-mark"


@pytest.mark.parametrize("target", [":1", "HEAD", "main"])
def test_edit(repo: Run, tmp_path: Path, target: str) -> None:
    """edit changes the text, whichever way the entry is named."""
    assert repo("edit", target, "Hello again.").exit_code == 0
    assert entry(tmp_path, 1).text == "Hello again."


def test_edit_by_entry_id(repo: Run, tmp_path: Path) -> None:
    """The first letters of an entry id are enough."""
    entry_id = json.loads(repo("log", "--json").stdout)[0]["entry_id"]
    assert repo("edit", entry_id[:8], "Hello again.").exit_code == 0
    assert entry(tmp_path, 1).id == entry_id


def test_edit_to_the_same(repo: Run) -> None:
    """An edit to the same text says so, and writes nothing."""
    said = repo("edit", ":1", "Hello there.")
    assert said.exit_code == 0
    assert "unchanged" in said.stdout
    assert len(json.loads(repo("log", "--json").stdout)) == 2


def test_edit_of_nothing(repo: Run) -> None:
    """An entry that is not there ends with 3."""
    assert repo("edit", ":99", "x").exit_code == 3


def test_edit_in_an_editor(repo: Run, tmp_path: Path) -> None:
    """Without a text the editor gets the entry's, and one newline comes and goes."""
    code = "assert data == b'Hello there.\\n'\ndata = data.upper()"
    assert repo("edit", ":1", EDITOR=editor(tmp_path, code)).exit_code == 0
    assert entry(tmp_path, 1).text == "HELLO THERE."


def test_visual_comes_before_editor(repo: Run, tmp_path: Path) -> None:
    """VISUAL is used where both are set."""
    env = {"VISUAL": editor(tmp_path, "data = b'visual'"), "EDITOR": "false"}
    assert repo("edit", ":1", **env).exit_code == 0
    assert entry(tmp_path, 1).text == "visual"


@pytest.mark.parametrize("text", ["", "a\n", "\n\n", "a\r\nb\r\n", "\ufeffmark", "nul \x00"])
def test_editor_that_leaves_it(repo: Run, tmp_path: Path, text: str) -> None:
    """A text that the editor leaves as it is comes back byte for byte: nothing is written."""
    repo("user", "-", stdin=text.encode())
    said = repo("edit", ":2", EDITOR="true")
    assert said.exit_code == 0
    assert "unchanged" in said.stdout
    assert entry(tmp_path, 2).text == text


@pytest.mark.parametrize("command", ["false", "no-such-editor-anywhere"])
def test_editor_that_fails(repo: Run, command: str) -> None:
    """An editor that fails ends with 2 and a hint, and writes nothing."""
    said = repo("edit", ":1", EDITOR=command)
    assert said.exit_code == 2
    assert "EDITOR" in said.stderr


def test_no_editor(repo: Run) -> None:
    """Without a text, an editor and a terminal: an error and a hint."""
    said = repo("edit", ":1")
    assert said.exit_code == 2
    assert "EDITOR" in said.stderr


def test_cancel_tool_calls(repo: Run) -> None:
    """Each open call gets a result with the reason, and OpenAI's format compiles again."""
    repo("assistant", "--tool-calls", CALLS)
    assert repo("cancel-tool-calls", "--reason", "window closed").exit_code == 0
    messages = json.loads(repo("compile", "--format", "openai").stdout)
    assert messages[-1] == {"role": "tool", "tool_call_id": "call_1", "content": "window closed"}


def test_nothing_to_cancel(repo: Run) -> None:
    """Without an open call nothing is written, and that is no error."""
    said = repo("cancel-tool-calls")
    assert said.exit_code == 0
    assert "No tool call is open" in said.stderr
    assert json.loads(repo("cancel-tool-calls", "--json").stdout) == []
