"""rewriting.py - an entry that says something else: what stays, and what described the old text.

Source of the rules: FORMAT.md, Entry, `parts`. A tool call and its result can be edited, never
torn from each other.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tract.content.building import fields_text, from_content
from tract.content.checks import check_entry
from tract.content.entry import Entry, with_fields
from tract.content.kinds import KINDS
from tract.errors import BadContent


def with_text(entry: Entry, text: str) -> Entry:
    """The entry saying something else: what described the old text is dropped (FORMAT, parts).

    Raises:
        BadContent: the kind keeps fields, and the text is no JSON object of them.
    """
    if text == entry.text:
        return entry
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
            f"the text of this {entry.type} entry is a JSON object, and this is none",
            "see `tract show` for the fields it has",
        )
    return {"content_type": "session", **fields} if entry.type == "session" else fields


def _kept(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "priority": entry.priority,
        "retain": entry.retain,
        "retain_match": entry.retain_match,
        "cache": entry.cache,
        "external": entry.external,
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
