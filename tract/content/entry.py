"""entry.py - an entry in memory: its header's keys, its text, and what content becomes one.

One struct for all kinds, because the header is one list of keys (FORMAT.md, Entry); keys nobody
uses yet, and keys we do not know, ride along so that a rewrite loses nothing. `text` is what was
said, byte for byte; how it is spelled in the file is codec.py's business.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec

from tract.content import kinds
from tract.content.kinds import CALL_LABEL, DIALOGUE_ROLES, KINDS
from tract.errors import BadContent

PriorityName = Literal["skip", "normal", "important", "pinned"]


class Attached(msgspec.Struct, frozen=True, omit_defaults=True):
    """An attachment as the header names it; its blob stands beside the entry."""

    n: int
    media_type: str
    bytes: int
    name: str | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message-sized piece of context. Fields in the order of FORMAT.md's list of keys."""

    type: str
    role: str | None = None
    id: str = ""
    priority: PriorityName = "normal"
    retain: str | None = None
    retain_match: tuple[str, ...] | None = None
    name: str | None = None
    content: Literal["", "null", "absent"] | None = None
    tool_calls: tuple[dict[str, Any], ...] = ()
    tool_call_id: str | None = None
    tool_name: str | None = None
    direction: Literal["call", "result"] | None = None
    status: str | None = None
    artifact_type: str | None = None
    language: str | None = None
    format: str = "text"
    signature: str | None = None
    attachments: tuple[Attached, ...] = ()
    parts: tuple[dict[str, Any], ...] | None = None
    replaces: int | None = None
    provider: dict[str, Any] | None = None
    cache: bool = False
    at: str | None = None
    raw: int | None = None
    external: Any = None
    metadata: dict[str, Any] | None = None
    text: str = ""
    unknown: dict[str, Any] = {}

    @property
    def label(self) -> str:
        """The word in the entry's file name and commit subject."""
        if self.type == "dialogue":
            bare_call = self.role == "assistant" and self.tool_calls and not self.text
            return CALL_LABEL if bare_call else str(self.role)
        return KINDS[self.type].label if self.type in KINDS else self.type

    @property
    def compiled_role(self) -> str | None:
        """The role of the message it becomes; None where it is left out."""
        if self.type in KINDS and self.type != "dialogue":
            return KINDS[self.type].role
        return self.role

    @property
    def is_result(self) -> bool:
        """Whether it answers a tool call."""
        return self.type == "tool_io"


def with_fields(entry: Entry, **changes: Any) -> Entry:
    """The entry with some keys changed."""
    return msgspec.structs.replace(entry, **changes)


# From content


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
    calls = tuple(_checked_call(call) for call in content.tool_calls)
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
        tool_calls=(_checked_call(call),),
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


# Changing


def with_text(entry: Entry, text: str) -> Entry:
    """The entry saying something else: what described the old text is dropped (FORMAT, parts).

    Raises:
        BadContent: the kind keeps fields, and the text is no JSON object of them.
    """
    if entry.type == "session":
        return with_fields(from_content(_json_object(entry, text)), **_kept(entry))
    if entry.type not in KINDS or entry.type == "freeform":
        text = fields_text(_json_object(entry, text))
    stay = tuple(
        part for part in entry.parts or () if part.keys() & {"attachment", "call", "block"}
    )
    attachments = tuple(each for each in entry.attachments if each.n != entry.raw)
    changed = with_fields(
        entry,
        text=text,
        parts=({"text": len(text.encode("utf-8", "replace"))}, *stay) if stay else None,
        signature=None,
        content=None,
        raw=None,
        provider=None,
        attachments=attachments,
    )
    return check_entry(changed)


def _json_object(entry: Entry, text: str) -> dict[str, Any]:
    try:
        fields = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        fields = None
    if not isinstance(fields, dict):
        raise BadContent(
            f"the text of a {entry.type} entry is a JSON object, and this is none",
            "see `tract show` for the fields it has",
        )
    return {"content_type": "session", **fields} if entry.type == "session" else fields


def _kept(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "priority": entry.priority,
        "metadata": entry.metadata,
        "at": entry.at,
        "unknown": entry.unknown,
    }


def replaced_by(entry: Entry, other: Entry) -> Entry:
    """`other` in the place of `entry`: same id, priority, metadata and time said.

    Raises:
        BadContent: it would turn a call or a result into something else, or back.
    """
    if _tool_role(entry) != _tool_role(other):
        raise BadContent(
            f"an edit may not turn a {_tool_role(entry)} into a {_tool_role(other)}",
            "the other half of the tool call would be left alone",
        )
    kept = _kept(entry)
    if entry.is_result:
        kept["tool_call_id"] = other.tool_call_id or entry.tool_call_id
        kept["tool_name"] = other.tool_name or entry.tool_name
        if kept["tool_call_id"] != entry.tool_call_id:
            raise BadContent(
                f"an edit may not make this the result of {other.tool_call_id}",
                f"it answers {entry.tool_call_id}",
            )
    elif entry.tool_calls and _ids(entry) != _ids(other):
        raise BadContent(
            "an edit may not change the ids of tool calls", "their results would lose them"
        )
    return with_fields(other, **kept)


def _tool_role(entry: Entry) -> str:
    if entry.is_result:
        return "tool result"
    return "turn with tool calls" if entry.tool_calls else "turn without tool calls"


def _ids(entry: Entry) -> list[object]:
    return [call.get("id") for call in entry.tool_calls]


# Checks


def check_entry(entry: Entry) -> Entry:
    """Refuse what JSON or UTF-8 cannot hold, before anything is written.

    Raises:
        BadContent: a lone surrogate, NaN or Infinity, a key that is no text, nesting without end.
    """
    for where in ("tool_calls", "parts", "provider", "external", "metadata", "unknown"):
        value = getattr(entry, where)
        if value:
            check_json(value, where)
    for where in ("text", "name", "tool_call_id", "tool_name", "status", "artifact_type",
                  "language", "format", "signature", "retain"):  # fmt: skip
        value = getattr(entry, where)
        if value:
            check_text(value, where)
    return entry


def check_text(text: str, where: str) -> None:
    """Refuse a lone surrogate: no UTF-8 can hold it."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadContent(
            f"{where} holds a lone surrogate (character {error.start}), which is no text",
            'import with errors="replace" keeps the record and shows U+FFFD in its place',
        ) from error


def check_json(value: object, where: str) -> None:
    """Refuse what would not come back from JSON as it went in."""
    try:
        _walk(value, where)
        msgspec.json.encode(value)
    except RecursionError:
        raise BadContent(f"{where} is nested too deeply to be stored as JSON") from None
    except (TypeError, ValueError) as error:
        raise BadContent(f"{where} cannot be stored as JSON: {error}") from error


def _walk(value: object, where: str) -> None:
    if isinstance(value, str):
        check_text(value, where)
    elif isinstance(value, float) and not math.isfinite(value):
        raise BadContent(f"{where} holds {value}, which JSON cannot hold", "use null or a text")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise BadContent(f"{where} has the key {key!r}; JSON keys are text")
            check_text(key, where)
            _walk(item, where)
    elif isinstance(value, list | tuple):
        for item in value:
            _walk(item, where)


def check_parts(
    parts: tuple[dict[str, Any], ...] | None, text: str
) -> tuple[dict[str, Any], ...] | None:
    """Parts that divide the text: slices in bytes that end between characters.

    Raises:
        BadContent: a part that is no slice, or one that does not fit the text.
    """
    if parts is None:
        return None
    data, at = text.encode("utf-8", "replace"), 0
    for part in parts:
        size = part.get("text")
        if part.keys() != {"text"} or not isinstance(size, int) or size < 0:
            raise BadContent(f"{part!r} is no part of a text", 'give {"text": BYTES}')
        at += size
        if at > len(data) or (at < len(data) and data[at] & 0xC0 == 0x80):
            raise BadContent(f"a part ends at byte {at}, past the text or inside a character")
    return parts


def _checked_call(call: object) -> dict[str, Any]:
    """A tool call as received, if it is one: an object with a function's name and arguments."""
    if not isinstance(call, dict):
        raise BadContent(f"a tool call is an object, not {type(call).__name__}")
    function = call.get(str(call.get("type") or "function"))
    if call.get("id") is not None and not isinstance(call["id"], str):
        raise BadContent("a tool call's id is no text")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise BadContent(
            "a tool call names no function",
            'give {"id": …, "type": "function", "function": {"name": …, "arguments": "{…}"}}',
        )
    return call


def checked_calls(calls: object) -> tuple[dict[str, Any], ...]:
    """A list of tool calls as received.

    Raises:
        BadContent: it is no list, or one of them is no call.
    """
    if not isinstance(calls, list | tuple):
        raise BadContent("tool_calls is no list")
    return tuple(_checked_call(call) for call in calls)
