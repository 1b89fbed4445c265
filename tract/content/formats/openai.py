"""openai.py - OpenAI chat completions: what its API documents, and nothing else; and import.

Source of the rules: OpenAI's API reference, "Create chat completion". Every call is answered right
behind its turn, ids are unique and at most 40 characters, names fit `[a-zA-Z0-9_-]{1,64}`. What is
legal passes unchanged; the rest is mapped, call and result together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tract.content.checks import check_entry, checked_calls
from tract.content.entry import Entry, with_fields
from tract.content.formats.plain import LEGACY_CALL, hash_of, to_dict
from tract.content.kinds import KINDS
from tract.content.messages import (
    Message,
    call_arguments,
    call_name,
    render,
    text_slices,
)
from tract.content.pairing import CallAt, check_closed, pair, pending
from tract.errors import BadContent

ID_MAX = 40
NAME_MAX = 64
EMPTY = "(empty)"
_NOT_IN_NAME = re.compile(r"[^a-zA-Z0-9_-]+")


# Out


def to_openai(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages as `client.chat.completions.create(messages=…)` takes them.

    Raises:
        UnpairedToolCall: a call has no result yet.
    """
    paired = pair(messages)
    check_closed(pending(messages[at.turn], at.number) for at in paired.open)
    spelled = _Spelled(
        ids=_unique_ids(messages),
        tools=_legal_names(call_name(call) for m in messages for call in m.tool_calls),
        speakers=_legal_names(m.name for m in messages if m.name and m.role != "tool"),
    )
    orphans = set(paired.orphans)
    made = []
    for position in paired.order:
        message = messages[position]
        if position in orphans:
            made.append(_orphan(message))
        elif message.role == "tool":
            call_id = spelled.ids[paired.answers[position]]
            made.append({"role": "tool", "tool_call_id": call_id, "content": _content(message)})
        else:
            made.append(_turn(message, position, spelled))
    return made


class _Spelled(NamedTuple):
    """How ids and names are written so that OpenAI takes them."""

    ids: dict[CallAt, str]
    tools: dict[str, str]
    speakers: dict[str, str]


def _turn(message: Message, position: int, spelled: _Spelled) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": _role(message), "content": _content(message)}
    if message.name:
        turn["name"] = spelled.speakers[message.name]
    if message.tool_calls:
        turn["tool_calls"] = [
            _call(call, spelled.ids[CallAt(position, number)], spelled.tools[call_name(call)])
            for number, call in enumerate(message.tool_calls)
        ]
        if not message.content:
            turn["content"] = "" if message.spelled == "" else None
    return turn


def _role(message: Message) -> str:
    said = (message.provider or {}).get("role")
    return "developer" if message.role == "system" and said == "developer" else message.role


def _content(message: Message) -> str | list[dict[str, str]]:
    """The text, or its parts without the blank ones; a message that never had text says so."""
    slices = text_slices(message)
    if slices is not None:
        parts = [{"type": "text", "text": text} for text in slices if text.strip()]
        return parts or EMPTY
    nothing = message.spelled in ("null", "absent")
    return message.content or (EMPTY if nothing and not message.tool_calls else "")


def _call(call: dict[str, Any], call_id: str, name: str) -> dict[str, Any]:
    if call.get("type") == "custom":
        custom = {"name": name, "input": call_arguments(call)}
        return {"id": call_id, "type": "custom", "custom": custom}
    function = {"name": name, "arguments": call_arguments(call)}
    return {"id": call_id, "type": "function", "function": function}


def _orphan(message: Message) -> dict[str, Any]:
    """A result that answers no open call, as a text the model can still use."""
    whose = f"{message.name or 'a tool'} ({message.tool_call_id or 'no call id'})"
    text = f"Result of {whose}, which answers no open call:\n\n{message.content or EMPTY}"
    return {"role": "user", "content": text}


def _unique_ids(messages: Sequence[Message]) -> dict[CallAt, str]:
    """An id for every call: the one it has where that is legal and unused, else one made of it."""
    calls = [
        (CallAt(position, number), _own_id(message, number))
        for position, message in enumerate(messages)
        for number in range(len(message.tool_calls))
    ]
    reserved = {own for _, own in calls if len(own) <= ID_MAX}
    used: set[str] = set()
    ids = {}
    for at, own in calls:
        ids[at] = _free(own, reserved, used)
        used.add(ids[at])
    return ids


def _own_id(message: Message, number: int) -> str:
    given = message.tool_calls[number].get("id")
    if given:
        return str(given)
    nth = f"-{number + 1}" if number else ""
    return f"call_{message.entry_ids[0] if message.entry_ids else hash_of(number).hex()[:16]}{nth}"


def _free(own: str, reserved: set[str], used: set[str]) -> str:
    """`own` itself, shortened if too long, numbered (`ID-2`) if it or its number is taken."""
    candidate = own if len(own) <= ID_MAX else f"call_{hash_of(own).hex()[:24]}"
    stem, count = candidate, 2
    while candidate in used or (candidate != own and candidate in reserved):
        suffix = f"-{count}"
        candidate = stem[: ID_MAX - len(suffix)] + suffix
        count += 1
    return candidate


def _legal_names(names: Iterable[str]) -> dict[str, str]:
    """Names as OpenAI takes them: legal ones unchanged, distinct ones distinct."""
    distinct = list(dict.fromkeys(names))
    taken = {name for name in distinct if _is_legal(name)}
    spelled = {name: name for name in taken}
    for name in distinct:
        if name in spelled:
            continue
        stem = _NOT_IN_NAME.sub("_", name)[:NAME_MAX] or "tool"
        candidate, count = stem, 2
        while candidate in taken:
            candidate = f"{stem[: NAME_MAX - len(str(count)) - 1]}_{count}"
            count += 1
        spelled[name] = candidate
        taken.add(candidate)
    return spelled


def _is_legal(name: str) -> bool:
    return 0 < len(name) <= NAME_MAX and not _NOT_IN_NAME.search(name)


# In

_TYPES = {
    "system": "instruction",
    "developer": "instruction",
    "user": "dialogue",
    "assistant": "dialogue",
    "tool": "tool_io",
    "function": "tool_io",
}


def from_openai(record: Mapping[str, Any]) -> Entry:
    """The entry of one message of OpenAI's chat format, still without an id.

    Fields that tract has no key for, and the exact role, are kept in `provider`: rendering the
    entry gives the record back.

    Raises:
        BadContent: unknown role, a part other than text, or something that is no message.
    """
    role = record.get("role")
    if not isinstance(role, str) or role not in _TYPES:
        raise BadContent(
            f"{role!r} is no role of a message" if role is not None else "a message has no role",
            f"roles are {', '.join(_TYPES)}",
        )
    kind = _TYPES[role]
    text, parts, spelled = _read_content(record)
    calls = _read_calls(record)
    entry = Entry(
        type=kind,
        role=role if kind == "dialogue" else None,
        priority=KINDS[kind].priority,
        text=text,
        parts=parts,
        tool_calls=calls,
        **_read_names(record, kind),
    )
    if not text and parts is None and spelled != ("null" if calls else ""):
        entry = with_fields(entry, content=spelled)
    return check_entry(_with_provider(check_entry(entry), record))


def _read_content(
    record: Mapping[str, Any],
) -> tuple[str, tuple[dict[str, Any], ...] | None, str]:
    """The text, the sizes of its parts, and how an empty content was spelled."""
    if "content" not in record:
        return "", None, "absent"
    content = record["content"]
    if content is None:
        return "", None, "null"
    if isinstance(content, str):
        return content, None, ""
    if not isinstance(content, list):
        raise BadContent(
            f"content is {type(content).__name__}, neither text nor a list of parts",
            "give a text, null, or a list of parts",
        )
    texts = [_part_text(part) for part in content]
    if not texts:
        raise BadContent("content is an empty list", "give a text, null, or a list of parts")
    sizes = tuple({"text": len(text.encode("utf-8", "surrogatepass"))} for text in texts)
    return "".join(texts), sizes, ""


def _part_text(part: object) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict) or kind != "text" or not isinstance(part.get("text"), str):
        raise BadContent(
            f"a content part of type {kind!r} cannot be kept yet",
            "only text parts are; images and files come with a later version",
        )
    return str(part["text"])


def _read_calls(record: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    calls = record.get("tool_calls")
    if calls and record.get("role") != "assistant":
        raise BadContent(f"a {record.get('role')} message cannot hold tool_calls")
    if calls:
        return checked_calls(calls)
    legacy = record.get(LEGACY_CALL)
    if legacy and record.get("role") == "assistant":
        return checked_calls([{"type": "function", "function": legacy}])
    return ()


def _read_names(record: Mapping[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {"direction": "result"} if kind == "tool_io" else {}
    keys = {"name": "tool_name" if kind == "tool_io" else "name"}
    if kind == "tool_io":
        keys["tool_call_id"] = "tool_call_id"
    for theirs, ours in keys.items():
        value = record.get(theirs)
        if value is not None and not isinstance(value, str):
            raise BadContent(f"{theirs} is {type(value).__name__}, not a text")
        found[ours] = value
    return found


def _with_provider(entry: Entry, record: Mapping[str, Any]) -> Entry:
    """Keep every difference between the record and what the entry renders as, texts excepted."""
    message = render(with_fields(entry, priority="normal"))
    assert message is not None
    made = to_dict(message)
    provider: dict[str, Any] = {}
    for key, value in record.items():
        if key == "content" and isinstance(value, list):
            extras = [{k: v for k, v in p.items() if k not in ("type", "text")} for p in value]
            if any(extras):
                provider[key] = extras
        elif key not in made or not _same(made[key], value):
            provider[key] = value
    return with_fields(entry, provider=provider) if provider else entry


def _same(one: object, other: object) -> bool:
    """Equal as JSON: unlike Python, 1 is neither true nor 1.0."""
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return one == other and hash_of(one) == hash_of(other)
