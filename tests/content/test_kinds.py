"""test_kinds.py - the door: which content is taken, as which entry, and what is turned away."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tract.content.building import from_content
from tract.content.entry import Entry
from tract.content.kinds import (
    KINDS,
    TYPES,
    ArtifactContent,
    DialogueContent,
    FreeformContent,
    InstructionContent,
    OutputContent,
    Priority,
    ReasoningContent,
    SessionContent,
    ToolIOContent,
    check,
)
from tract.errors import BadContent

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("content", "label", "role", "priority"),
    [
        (InstructionContent("x"), "system", "system", "pinned"),
        (DialogueContent("system", "x"), "system", "system", "normal"),
        (DialogueContent("user", "x"), "user", "user", "normal"),
        (DialogueContent("assistant", "x"), "assistant", "assistant", "normal"),
        (DialogueContent("assistant", tool_calls=(CALL,)), "tool-call", "assistant", "normal"),
        (DialogueContent("assistant", "x", tool_calls=(CALL,)), "assistant", "assistant", "normal"),
        (ToolIOContent("f", "call", {}, None, "c1"), "tool-call", "assistant", "normal"),
        (ToolIOContent("f", "result", "x", None, "c1"), "tool-result", "tool", "normal"),
        (ReasoningContent("x"), "reasoning", None, "normal"),
        (ArtifactContent("x"), "artifact", "assistant", "normal"),
        (OutputContent("x"), "output", "assistant", "normal"),
        (FreeformContent({"a": 1}), "freeform", "assistant", "normal"),
        (SessionContent("start"), "session", "system", "pinned"),
    ],
)
def test_table(content: object, label: str, role: str | None, priority: str) -> None:
    """Every kind has the label, the role and the default priority of FORMAT's table."""
    entry = from_content(content)
    assert (entry.label, entry.compiled_role, entry.priority) == (label, role, priority)


@pytest.mark.parametrize(
    ("given", "struct"),
    [
        ({"content_type": "instruction", "text": "x"}, InstructionContent("x")),
        (
            {"content_type": "dialogue", "role": "user", "text": "x", "name": "ada"},
            DialogueContent("user", "x", "ada"),
        ),
        (
            {"content_type": "tool_io", "payload": {"a": 1}, "tool_call_id": "c"},
            ToolIOContent(payload={"a": 1}, tool_call_id="c"),
        ),
        ({"content_type": "reasoning", "text": "x", "signature": "s"}, ReasoningContent("x", "s")),
        (
            {"content_type": "artifact", "content": "x", "language": "python"},
            ArtifactContent("x", language="python"),
        ),
        ({"content_type": "output", "text": "x", "format": "md"}, OutputContent("x", "md")),
        ({"content_type": "freeform", "payload": {"a": []}}, FreeformContent({"a": []})),
        (
            {"content_type": "session", "session_type": "end", "decisions": ["a", "b"]},
            SessionContent("end", decisions=("a", "b")),
        ),
    ],
)
def test_dict_serves_for_every_kind(given: dict[str, Any], struct: object) -> None:
    """A dict with `content_type` makes the same entry as the struct."""
    assert from_content(given) == from_content(struct)


def test_every_kind_can_be_a_dict() -> None:
    """The names that `content_type` takes are those of the API."""
    names = "instruction dialogue tool_io reasoning artifact output freeform session"
    assert list(TYPES) == names.split()


@pytest.mark.parametrize(
    "given",
    [
        {"content_type": "dialogue", "role": "boss", "text": "x"},
        {"content_type": "dialogue", "text": "x"},
        {"content_type": "dialogue", "role": "user", "text": 5},
        {"content_type": "dialogue", "role": "user", "text": None},
        {"content_type": "dialogue", "role": "user", "text": b"x"},
        {"content_type": "dialogue", "role": "user", "content": "x"},
        {"content_type": "dialogue", "role": "user", "name": 3},
        {"content_type": "dialogue", "role": "assistant", "tool_calls": "none"},
        {"content_type": "dialogue", "role": "assistant", "tool_calls": ["none"]},
        {"content_type": "dialogue", "role": "assistant", "tool_calls": [{"id": "c"}]},
        {"content_type": "dialogue", "role": "assistant", "tool_calls": [{**CALL, "id": 5}]},
        {"content_type": "dialogue", "role": "user", "tool_calls": [CALL]},
        {"content_type": "dialogue", "role": "user", "text": "x", "parts": [{"text": 9}]},
        {"content_type": "instruction"},
        {"content_type": "tool_io", "direction": "sideways"},
        {"content_type": "tool_io", "tool_call_id": 5},
        {"content_type": "reasoning"},
        {"content_type": "artifact", "content": ["x"]},
        {"content_type": "output", "text": "x", "format": None},
        {"content_type": "freeform", "payload": "x"},
        {"content_type": "freeform", "payload": [1]},
        {"content_type": "session", "session_type": "lunch"},
        {"content_type": "session", "session_type": "end", "decisions": 5},
        {"content_type": "session", "session_type": "end", "decisions": [5]},
        {"content_type": "summary", "text": "x"},
        {"content_type": "nonsense"},
        {"content_type": None},
        {"content_type": ["dialogue"]},
        {"text": "x"},
        {},
        "just a text",
        None,
        5,
        [DialogueContent("user", "x")],
    ],
)
def test_what_fits_no_kind_is_refused(given: object) -> None:
    """A wrong role, type or field, an unknown kind, or no content at all is BadContent."""
    with pytest.raises(BadContent) as caught:
        from_content(given)
    assert caught.value.message


@pytest.mark.parametrize(
    "struct",
    [
        DialogueContent("boss", "x"),  # type: ignore[arg-type]
        DialogueContent("user", 5),  # type: ignore[arg-type]
        InstructionContent(None),  # type: ignore[arg-type]
        FreeformContent("x"),  # type: ignore[arg-type]
        SessionContent("lunch"),  # type: ignore[arg-type]
        ToolIOContent(direction="up"),  # type: ignore[arg-type]
    ],
)
def test_struct_is_checked_too(struct: object) -> None:
    """A struct made with wrong values is checked at the door like a dict."""
    with pytest.raises(BadContent):
        check(struct)


def test_unknown_field_is_named() -> None:
    """The error for a field of no kind names it, and the hint lists those there are."""
    with pytest.raises(BadContent, match="colour") as caught:
        from_content({"content_type": "output", "text": "x", "colour": "red"})
    assert "format" in str(caught.value.hint)


def test_foreign_struct_is_refused() -> None:
    """A msgspec struct that is no kind of ours is refused until it is registered."""

    class Note(msgspec.Struct):
        text: str

    with pytest.raises(BadContent, match="Note"):
        from_content(Note("x"))


def test_checking_does_not_change_what_was_given() -> None:
    """The caller's dict is left as it was."""
    given = {"content_type": "output", "text": "x"}
    from_content(given)
    assert given == {"content_type": "output", "text": "x"}


def test_call_given_as_tool_io_is_an_assistant_s_turn() -> None:
    """A ToolIOContent call is stored as the dialogue entry that an assistant's call is."""
    entry = from_content(ToolIOContent("f", "call", {"a": 1}, None, "c1"))
    function = {"name": "f", "arguments": '{"a":1}'}
    call = {"id": "c1", "type": "function", "function": function}
    assert entry == Entry(type="dialogue", role="assistant", tool_calls=(call,))


def test_session_keeps_the_fields_that_are_set() -> None:
    """A session's text is its fields as JSON over lines, those at their default left out."""
    entry = from_content(SessionContent("handoff", summary="done", next_steps=("a", "b")))
    assert entry.text == (
        '{\n  "session_type": "handoff",\n  "summary": "done",\n'
        '  "next_steps": [\n    "a",\n    "b"\n  ]\n}'
    )


def test_kinds_are_frozen() -> None:
    """A content cannot be changed once it is made."""
    with pytest.raises(AttributeError):
        DialogueContent("user", "x").text = "y"  # type: ignore[misc]


def test_priorities_are_words() -> None:
    """Priority's members are the words that headers hold."""
    assert [str(member) for member in Priority] == ["skip", "normal", "important", "pinned"]
    assert {kind.priority for kind in KINDS.values()} <= set(Priority)
