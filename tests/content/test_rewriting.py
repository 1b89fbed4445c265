"""test_rewriting.py - an edited entry: what stays, and what described only the old text.

Source of the rules: FORMAT.md, Entry, `parts`: an edit by a string drops parts of text and
thinking, signatures, `content`, `raw` and `provider`; attachments and calls stay, after the text.
"""

from __future__ import annotations

from typing import Any

import pytest

from tract.content.building import from_content
from tract.content.entry import Attached, Entry, with_fields
from tract.content.kinds import (
    ArtifactContent,
    DialogueContent,
    FreeformContent,
    InstructionContent,
    OutputContent,
    SessionContent,
    ToolIOContent,
)
from tract.content.rewriting import replaced_by, with_text
from tract.errors import BadContent

ID = "kqpxzmwvtlrsnoky"
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
SURVIVES = {
    "id": ID,
    "priority": "important",
    "retain": "the dates",
    "retain_match": ("20..",),
    "cache": True,
    "at": "2026-11-25T03:16:25.347Z",
    "external": {"url": "x"},
    "metadata": {"m": 1},
    "unknown": {"later": [1]},
}
DROPPED = {
    "content": "absent",
    "signature": "s",
    "provider": {"refusal": None},
    "raw": 2,
    "parts": ({"text": 3},),
}


def entry_of(content: object, /, **keys: Any) -> Entry:
    """A content as an entry, with more keys in its header."""
    return with_fields(from_content(content), **({"id": ID} | keys))


@pytest.mark.parametrize("key", SURVIVES)
@pytest.mark.parametrize(
    ("content", "text"),
    [
        (DialogueContent("user", "old"), "new"),
        (InstructionContent("old"), "new"),
        (ArtifactContent("old", "file", "python"), "new"),
        (OutputContent("old", "markdown"), "new"),
        (FreeformContent({"a": 1}), '{"a":2}'),
        (SessionContent("handoff", "old"), '{"session_type":"end","summary":"new"}'),
        (ToolIOContent("f", payload="old", status="error", tool_call_id="c"), "new"),
    ],
)
def test_edit_by_a_text_keeps(content: object, text: str, key: str) -> None:
    """Keys that do not describe the text survive an edit by a text, in every kind."""
    before = entry_of(content, **SURVIVES)
    after = with_text(before, text)
    assert getattr(after, key) == SURVIVES[key]


@pytest.mark.parametrize("key", ["name", "artifact_type", "language", "format", "status",
                                 "tool_call_id", "tool_name", "direction", "replaces"])  # fmt: skip
def test_edit_by_a_text_keeps_what_its_kind_says(key: str) -> None:
    """What else stands in a header (language, status, name …) survives an edit by a text."""
    fields = {"name": "ada", "artifact_type": "file", "language": "python", "format": "md",
              "status": "error", "tool_call_id": "c", "tool_name": "f", "direction": "result",
              "replaces": 3}  # fmt: skip
    before = Entry(type="summary", id=ID, text="old", **fields)  # type: ignore[arg-type]
    assert getattr(with_text(before, "new"), key) == fields[key]


@pytest.mark.parametrize("key", DROPPED)
def test_edit_by_a_text_drops(key: str) -> None:
    """Keys that described the old text alone are gone after an edit by a text."""
    attached = (Attached(2, "application/json", 9),)
    before = entry_of(DialogueContent("assistant", "old"), attachments=attached, **DROPPED)
    assert getattr(with_text(before, "new"), key) is None


def test_edit_by_a_text_keeps_calls() -> None:
    """An edited turn still calls what it called."""
    before = entry_of(DialogueContent("assistant", "old", tool_calls=(CALL,)))
    assert with_text(before, "new").tool_calls == (CALL,)


def test_edit_by_a_text_keeps_attachments_but_the_record() -> None:
    """Attachments stay; the one that held the provider's record of the old text goes."""
    attached = (Attached(1, "image/png", 3), Attached(2, "application/json", 9))
    before = entry_of(DialogueContent("user", "old"), attachments=attached, raw=2)
    assert with_text(before, "new").attachments == attached[:1]


def test_attachments_and_calls_stand_after_the_new_text() -> None:
    """Parts other than text and thinking stay in their order, behind the new text."""
    parts = (
        {"thinking": 2, "signature": "s"},
        {"attachment": 1},
        {"text": 3},
        {"call": 0},
        {"block": {"type": "server_tool_use"}},
    )
    before = entry_of(DialogueContent("assistant", "hmold"), parts=parts)
    assert with_text(before, "näw").parts == ({"text": 4}, parts[1], parts[3], parts[4])


def test_session_takes_only_its_fields() -> None:
    """A session's text is edited as the JSON that it is, and checked like new content."""
    before = entry_of(SessionContent("handoff", "old"))
    after = with_text(before, '{"session_type":"end","decisions":["a"]}')
    assert after.text == '{\n  "session_type": "end",\n  "decisions": [\n    "a"\n  ]\n}'
    for text in ("no JSON", "[1]", '{"session_type":"lunch"}', '{"colour":"red"}'):
        with pytest.raises(BadContent):
            with_text(before, text)


@pytest.mark.parametrize("kind", ["freeform", "x-note"])
def test_fields_are_laid_out_again(kind: str) -> None:
    """The text of a kind that keeps fields stays a JSON object over lines."""
    before = Entry(type=kind, role="user" if kind == "x-note" else None, id=ID, text="{}")
    assert with_text(before, '{"b":1,"a":[]}').text == '{\n  "b": 1,\n  "a": []\n}'
    for text in ("no JSON", "5", "[]", ""):
        with pytest.raises(BadContent):
            with_text(before, text)


def test_edit_refuses_half_a_character() -> None:
    """An edit is checked like anything else that is written."""
    with pytest.raises(BadContent):
        with_text(entry_of(DialogueContent("user", "old")), "\ud800")


@pytest.mark.parametrize("key", [key for key in SURVIVES if key != "external"])
def test_edit_by_a_content_keeps(key: str) -> None:
    """Role and kind may change; what does not belong to the content stays."""
    before = entry_of(DialogueContent("user", "old"), **SURVIVES)
    after = replaced_by(before, from_content(InstructionContent("new")))
    assert (after.type, after.text) == ("instruction", "new")
    assert getattr(after, key) == SURVIVES[key]


def test_call_may_not_become_something_else() -> None:
    """A turn with calls, a turn without and a result are three things, and stay what they are."""
    call = entry_of(DialogueContent("assistant", tool_calls=(CALL,)))
    turn = entry_of(DialogueContent("assistant", "x"))
    result = entry_of(ToolIOContent(payload="x", tool_call_id="c"))
    for one, other in [(call, turn), (turn, call), (call, result), (result, call), (result, turn)]:
        with pytest.raises(BadContent):
            replaced_by(one, other)


def test_ids_of_calls_may_not_change() -> None:
    """A call may be edited, but not into a call of another id; its result would lose it."""
    before = entry_of(DialogueContent("assistant", tool_calls=(CALL,)))
    changed = {**CALL, "function": {"name": "g", "arguments": "[]"}}
    assert replaced_by(
        before, from_content(DialogueContent("assistant", tool_calls=(changed,)))
    ).tool_calls == (changed,)
    other = DialogueContent("assistant", tool_calls=({**CALL, "id": "d"},))
    with pytest.raises(BadContent):
        replaced_by(before, from_content(other))


def test_result_keeps_its_call() -> None:
    """A result that is replaced still answers its call, and cannot be given another."""
    before = entry_of(ToolIOContent("f", payload="x", tool_call_id="c"))
    after = replaced_by(before, from_content(ToolIOContent(payload={"a": 1})))
    assert (after.tool_call_id, after.tool_name, after.text) == ("c", "f", '{"a":1}')
    with pytest.raises(BadContent):
        replaced_by(before, from_content(ToolIOContent(payload="x", tool_call_id="d")))
