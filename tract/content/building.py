"""building.py - content becomes an entry: which keys each kind fills, and its default priority."""

from __future__ import annotations

from typing import Any

import msgspec

from tract.content import kinds
from tract.content.checks import check_entry, check_json, check_parts, checked_calls
from tract.content.entry import Entry, with_fields
from tract.content.kinds import DIALOGUE_ROLES, KINDS, PriorityName
from tract.errors import BadContent


def from_content(content: object) -> Entry:
    """What a content struct or dict is kept as, still without an id; default priority included.

    Raises:
        BadContent: it does not fit its kind, or holds what JSON or UTF-8 cannot.
    """
    checked = kinds.check(content)
    entry = _BUILD[type(checked)](checked)
    priority = KINDS[entry.type].priority
    return check_entry(with_fields(entry, priority=priority))


def _instruction(content: kinds.InstructionContent) -> Entry:
    return Entry(type="instruction", text=content.text, name=content.name)


def _dialogue(content: kinds.DialogueContent) -> Entry:
    calls = checked_calls(content.tool_calls)
    if calls and content.role != "assistant":
        raise BadContent(f"a {content.role} turn cannot call tools", "only the assistant can")
    return Entry(
        type="dialogue",
        role=content.role,
        text=content.text,
        name=content.name,
        tool_calls=calls,
        parts=check_parts(content.parts, content.text),
    )


def _tool_io(content: kinds.ToolIOContent) -> Entry:
    if content.direction == "call":
        return _call(content)
    return Entry(
        type="tool_io",
        direction="result",
        tool_call_id=content.tool_call_id,
        tool_name=content.tool_name,
        status=content.status,
        text=payload_text(content.payload),
    )


def _call(content: kinds.ToolIOContent) -> Entry:
    function = {"name": content.tool_name or "", "arguments": payload_text(content.payload)}
    call = {"id": content.tool_call_id, "type": "function", "function": function}
    if content.tool_call_id is None:
        del call["id"]
    return Entry(
        type="dialogue",
        role="assistant",
        tool_calls=checked_calls([call]),
        status=content.status,
    )


def _session(content: kinds.SessionContent) -> Entry:
    fields = {
        name: value
        for name in content.__struct_fields__
        if (value := getattr(content, name)) not in ("", ())
    }
    return Entry(type="session", text=fields_text(fields))


_BUILD: dict[type, Any] = {
    kinds.InstructionContent: _instruction,
    kinds.DialogueContent: _dialogue,
    kinds.ToolIOContent: _tool_io,
    kinds.ReasoningContent: lambda c: Entry(type="reasoning", text=c.text, signature=c.signature),
    kinds.ArtifactContent: lambda c: Entry(
        type="artifact", text=c.content, artifact_type=c.artifact_type, language=c.language
    ),
    kinds.OutputContent: lambda c: Entry(type="output", text=c.text, format=c.format),
    kinds.FreeformContent: lambda c: Entry(type="freeform", text=fields_text(c.payload)),
    kinds.SessionContent: _session,
}


def from_fields(kind: str, role: str, priority: PriorityName, fields: dict[str, Any]) -> Entry:
    """An entry of a registered kind: its fields are kept as JSON, its role in the header."""
    assert role in DIALOGUE_ROLES
    entry = Entry(type=kind, role=role, priority=priority, text=fields_text(fields))
    return check_entry(entry)


def fields_text(fields: object) -> str:
    """Fields as they are stored and shown: JSON, indented by two."""
    check_json(fields, "a field")
    return msgspec.json.format(msgspec.json.encode(fields), indent=2).decode()


def payload_text(payload: object) -> str:
    """A payload as text: text as it is, anything else as compact JSON."""
    if isinstance(payload, str):
        return payload
    check_json(payload, "the payload")
    return msgspec.json.encode(payload).decode()
