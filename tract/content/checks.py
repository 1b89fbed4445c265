"""checks.py - what JSON and UTF-8 cannot hold is refused here, before anything is written."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from tract.content.entry import Entry
from tract.errors import BadContent

# Far below what Python's own stack takes, so that what was written can be read from anywhere.
DEPTH_MAX = 100


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
        _walk(value, where, 0)
        msgspec.json.encode(value)
    except (TypeError, ValueError) as error:
        raise BadContent(f"{where} cannot be stored as JSON: {error}") from error


def _walk(value: object, where: str, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise BadContent(
            f"{where} is nested more than {DEPTH_MAX} deep", "flatten it, or keep it as text"
        )
    if isinstance(value, str):
        check_text(value, where)
    elif isinstance(value, float) and not math.isfinite(value):
        raise BadContent(f"{where} holds {value}, which JSON cannot hold", "use null or a text")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise BadContent(f"{where} has the key {key!r}; JSON keys are text")
            check_text(key, where)
            _walk(item, where, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _walk(item, where, depth + 1)
    elif not (value is None or isinstance(value, bool | int | float)):
        raise BadContent(
            f"{where} holds a {type(value).__name__}, which JSON does not have",
            "give texts, numbers, true, false, null, lists and objects",
        )


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
        raise BadContent(
            f"a tool call is an object, not {type(call).__name__}", "give it as OpenAI spells it"
        )
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
        raise BadContent("tool_calls is no list", "give a list of calls as OpenAI spells them")
    return tuple(_checked_call(call) for call in calls)
