"""messages.py - the compiled message, and how an entry becomes one.

A message is what formats/ work on: it knows no slot and no commit, only what was said, and which
entries said it. `content` is always text; how an empty one was spelled (null, absent) and what
else a provider's record held come along so that `to_dicts()` gives back what went in.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from tract.content.entry import Entry

_FENCES = re.compile(r"`{3,}")
_SECTIONS = {
    "summary": "Summary",
    "decisions": "Decisions",
    "failed_approaches": "Failed approaches",
    "next_steps": "Next steps",
}


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message of a compiled context.

    `tool_calls` are OpenAI's objects as received. `parts`, `spelled` and `provider` are the
    entry's keys `parts`, `content` and `provider`; `kind` is its type.
    """

    role: str
    content: str
    entry_ids: tuple[str, ...] = ()
    name: str | None = None
    tool_calls: tuple[dict[str, Any], ...] = ()
    tool_call_id: str | None = None
    kind: str = "dialogue"
    parts: tuple[dict[str, Any], ...] | None = None
    spelled: str | None = None
    provider: dict[str, Any] | None = None


class PendingCall(msgspec.Struct, frozen=True):
    """A tool call that nothing answers yet."""

    id: str | None
    name: str
    arguments: str
    entry_id: str


def render(entry: Entry) -> Message | None:
    """The message of an entry; None where it is skipped, or of a kind that is left out."""
    role = entry.compiled_role
    if role is None or entry.priority == "skip":
        return None
    return Message(
        role=role,
        content=_text(entry),
        entry_ids=(entry.id,),
        name=entry.tool_name if entry.is_result else entry.name,
        tool_calls=entry.tool_calls,
        tool_call_id=entry.tool_call_id,
        kind=entry.type,
        parts=entry.parts,
        spelled=entry.content,
        provider=entry.provider,
    )


def _text(entry: Entry) -> str:
    if entry.type == "artifact":
        return _fenced(entry.text, entry.language or "")
    if entry.type == "session":
        return _session(entry.text)
    if entry.type == "summary":
        count = entry.replaces or 0
        return f"Summary of {count} earlier message{'' if count == 1 else 's'}:\n\n{entry.text}"
    return entry.text


def _fenced(text: str, language: str) -> str:
    longest = max((len(run) for run in _FENCES.findall(text)), default=2)
    fence = "`" * (longest + 1)
    end = "" if text.endswith("\n") or not text else "\n"
    return f"{fence}{language}\n{text}{end}{fence}"


def _session(text: str) -> str:
    """The sections of a session; a text that was edited into no JSON is shown as it is."""
    try:
        fields = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    if not isinstance(fields, dict):
        return text
    sections = []
    for key, title in _SECTIONS.items():
        value = fields.get(key)
        if not value:
            continue
        points = "\n".join(f"- {item}" for item in value) if isinstance(value, list) else value
        sections.append(f"## {title}\n\n{points}")
    return "\n\n".join(sections)


def text_slices(message: Message) -> list[str] | None:
    """The texts of a message of several text parts; None where it is one text.

    Slices past the end or inside a character make it one text (FORMAT.md, parts).
    """
    sizes = [part["text"] for part in message.parts or () if isinstance(part.get("text"), int)]
    if not sizes or len(sizes) != len(message.parts or ()):
        return None
    data, at = message.content.encode(), 0
    slices: list[bytes] = []
    for size in sizes[:-1]:
        slices.append(data[at : at + size])
        at += size
    slices.append(data[at:])
    try:
        return [piece.decode() for piece in slices] if at <= len(data) else None
    except UnicodeDecodeError:
        return None


def call_name(call: dict[str, Any]) -> str:
    """The name of the tool that a call calls."""
    function = call.get(str(call.get("type") or "function"))
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else ""


def call_arguments(call: dict[str, Any]) -> str:
    """The arguments of a call as text; OpenAI's custom tools call them input."""
    function = call.get(str(call.get("type") or "function"))
    if not isinstance(function, dict):
        return ""
    given = function.get("arguments", function.get("input", ""))
    return given if isinstance(given, str) else msgspec.json.encode(given).decode()
