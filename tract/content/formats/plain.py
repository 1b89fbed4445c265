"""plain.py - what was said: verbatim dicts, text for people, and the digest.

`to_dict` gives back exactly what an import took in, so it may hold what a provider would refuse;
provider formats stand in files of their own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from tract.content.messages import Message, call_arguments, call_name, text_slices

DIGEST_VERSION = 1
LEGACY_CALL = "function_call"


def to_dict(message: Message) -> dict[str, Any]:
    """One message as it was said; `provider` overlays what tract has no field for."""
    made: dict[str, Any] = {"role": message.role}
    content = _content(message)
    if content is not _ABSENT:
        made["content"] = content
    if message.name is not None:
        made["name"] = message.name
    if message.tool_calls and not _is_legacy(message):
        made["tool_calls"] = list(message.tool_calls)
    if message.tool_call_id is not None:
        made["tool_call_id"] = message.tool_call_id
    for key, value in (message.provider or {}).items():
        made[key] = _overlaid(made.get(key), value) if key == "content" else value
    return {key: _fresh(value) for key, value in made.items()}


def _is_legacy(message: Message) -> bool:
    """Whether its one call came as `function_call`, which is spelled so again."""
    legacy = (message.provider or {}).get(LEGACY_CALL)
    only = {"type": "function", "function": legacy}
    return legacy is not None and message.tool_calls == (only,)


def _fresh(value: Any) -> Any:
    """A copy that its receiver may change: what is kept is shared by all who ask."""
    if isinstance(value, dict):
        return {key: _fresh(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_fresh(item) for item in value]
    return value


_ABSENT = object()


def _content(message: Message) -> object:
    slices = text_slices(message)
    if slices is not None:
        return [{"type": "text", "text": text} for text in slices]
    if message.content:
        return message.content
    spelled = message.spelled
    if spelled is None:
        return None if message.tool_calls else ""
    return {"null": None, "absent": _ABSENT, "": ""}[spelled]


def _overlaid(parts: object, extras: object) -> object:
    """Text parts with the fields beside the text that each came with."""
    if not isinstance(parts, list) or not isinstance(extras, list):
        return parts
    padded = [*extras, *[{}] * (len(parts) - len(extras))]
    return [part | (extra or {}) for part, extra in zip(parts, padded, strict=False)]


def to_text(messages: Iterable[Message]) -> str:
    """The context for people to read: a heading a message, then what it says."""
    return "\n\n".join(_for_people(message) for message in messages)


def _for_people(message: Message) -> str:
    heading = f"[{message.role}{f' {message.name}' if message.name else ''}]"
    lines = [heading] + ([message.content] if message.content else [])
    lines += [f"→ {call_name(call)}({call_arguments(call)})" for call in message.tool_calls]
    return "\n".join(lines)


def hash_of(value: object) -> bytes:
    """SHA-256 of a message or tool in canonical JSON (docs/api.md, digest)."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def digest(message_hashes: Iterable[bytes], tools: Sequence[object]) -> str:
    """What stands for a compiled context: equal digests, equal contexts, on any machine."""
    whole = hashlib.sha256(b"".join(message_hashes))
    whole.update(bytes(32))
    whole.update(b"".join(hash_of(tool) for tool in tools))
    return f"{DIGEST_VERSION}:{whole.hexdigest()}"
