"""openai_chat.py - says what is wrong with a request body of OpenAI's "Create chat completion".

Written from the API reference (https://platform.openai.com/docs/api-reference/chat/create), and
sharing no line with `tract.content.formats`: a judge that used the code it judges would agree
with its mistakes. It is narrower than some servers: an unknown key is a problem, a tool call id
serves one call only, and where the rules changed over time (a participant's `name`) the older and
narrower one stands. Messages and tools are checked in depth, other parameters by name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping

__all__ = ["validate"]

Problems = Iterator[str]
Check = Callable[[object, str], Problems]  # takes a value and its place

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
CALL_ID_CHARS_MAX = 40
TOOLS_MAX = 128
_NAMES = (
    "messages model audio frequency_penalty function_call functions logit_bias logprobs "
    "max_completion_tokens max_tokens metadata modalities moderation n parallel_tool_calls "
    "prediction presence_penalty prompt_cache_key prompt_cache_options prompt_cache_retention "
    "reasoning_effort response_format safety_identifier seed service_tier stop store stream "
    "stream_options temperature tool_choice tools top_logprobs top_p user verbosity "
    "web_search_options"
)
PARAMETERS = frozenset(_NAMES.split())


def validate(payload: dict[str, object]) -> list[str]:
    """Return what is wrong with a request body, each as `place: problem`; empty when valid."""
    problems = list(_json(payload, "body"))
    if not isinstance(payload, dict):
        return [*problems, "body: must be an object"]
    problems += [f"{key}: unknown parameter" for key in payload if key not in PARAMETERS]
    problems += [f"{key}: is required" for key in ("model", "messages") if key not in payload]
    if "model" in payload:
        problems += _filled(payload["model"], "model")
    if "messages" in payload:
        problems += _array_of(_message)(payload["messages"], "messages")
        problems += _pairing(payload["messages"])
    if "tools" in payload:
        problems += _array_of(_tool, at_most=TOOLS_MAX)(payload["tools"], "tools")
    else:
        using = [key for key in ("tool_choice", "parallel_tool_calls") if key in payload]
        problems += [f"{key}: is only allowed when tools are given" for key in using]
    return problems


def _json(value: object, where: str) -> Problems:
    """Only what JSON in UTF-8 can carry."""
    if isinstance(value, str):
        if any("\ud800" <= char <= "\udfff" for char in value):
            yield f"{where}: has a lone surrogate"
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield f"{where}: {value} is not JSON"
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _json(item, f"{where}[{number}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                yield f"{where}: key {key!r} is not a string"
            yield from _json(key, f"{where}, a key")
            yield from _json(item, f"{where}.{key}")
    elif value is not None and not isinstance(value, (bool, int)):
        yield f"{where}: {type(value).__name__} is not JSON"


# -- building blocks


def _is(kind: type, words: str) -> Check:
    def check(value: object, where: str) -> Problems:
        if not isinstance(value, kind):
            yield f"{where}: must be {words}"

    return check


_string = _is(str, "a string")
_bool = _is(bool, "true or false")


def _filled(value: object, where: str) -> Problems:
    if not isinstance(value, str) or not value:
        yield f"{where}: must be a non-empty string"


def _name(value: object, where: str) -> Problems:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        yield f"{where}: does not match ^[a-zA-Z0-9_-]{{1,64}}$"


def _call_id(value: object, where: str) -> Problems:
    yield from _filled(value, where)
    if isinstance(value, str) and len(value) > CALL_ID_CHARS_MAX:
        yield f"{where}: is longer than {CALL_ID_CHARS_MAX} characters"


def _schema(value: object, where: str) -> Problems:
    if not isinstance(value, dict) or value.get("type", "object") != "object":
        yield f"{where}: must be a JSON Schema of type object"


def _one_of(*allowed: str) -> Check:
    def check(value: object, where: str) -> Problems:
        if value not in allowed:
            yield f"{where}: must be one of {', '.join(allowed)}"

    return check


def _or_null(inner: Check) -> Check:
    return lambda value, where: iter(()) if value is None else inner(value, where)


def _array_of(item: Check, *, at_most: int | None = None) -> Check:
    def check(value: object, where: str) -> Problems:
        if not isinstance(value, list) or not value:
            yield f"{where}: must be a non-empty array"
            return
        if at_most is not None and len(value) > at_most:
            yield f"{where}: has more than {at_most} items"
        for number, one in enumerate(value):
            yield from item(one, f"{where}[{number}]")

    return check


def _object(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    known = {**required, **(optional or {})}

    def check(value: object, where: str) -> Problems:
        if not isinstance(value, dict):
            yield f"{where}: must be an object"
            return
        yield from (f"{where}.{key}: is required" for key in required if key not in value)
        for key, item in value.items():
            if key in known:
                yield from known[key](item, f"{where}.{key}")
            else:
                yield f"{where}.{key}: unknown key"

    return check


def _variant(key: str, variants: Mapping[str, Check]) -> Check:
    """An object whose `key` says which of several schemas it follows."""

    def check(value: object, where: str) -> Problems:
        kind = value.get(key) if isinstance(value, dict) else None
        if isinstance(kind, str) and kind in variants:
            yield from variants[kind](value, where)
        else:
            yield f"{where}: {key} must be one of {', '.join(variants)}"

    return check


def _typed(kind: str, body: Check, optional: Mapping[str, Check] | None = None) -> Check:
    """`{"type": KIND, KIND: …}`, the shape of parts, calls and tools."""
    return _object({"type": _string, kind: body}, optional)


# -- content

_FILE = _object({}, {"file_data": _string, "file_id": _string, "filename": _string})
_IMAGE = _object({"url": _string}, {"detail": _one_of("auto", "low", "high", "original")})
_AUDIO = _object({"data": _string, "format": _one_of("wav", "mp3")})
_MARK = _object({"mode": _one_of("explicit")}, {"ttl": _one_of("30m", "12h")})
_CACHE = {"prompt_cache_breakpoint": _MARK}
_TEXT = {"text": _typed("text", _string, _CACHE)}
_USER_PARTS = {
    **_TEXT,
    "image_url": _typed("image_url", _IMAGE, _CACHE),
    "input_audio": _typed("input_audio", _AUDIO, _CACHE),
    "file": _typed("file", _FILE, _CACHE),
}
_ASSISTANT_PARTS = {**_TEXT, "refusal": _typed("refusal", _string)}


def _content(parts: Mapping[str, Check]) -> Check:
    def check(value: object, where: str) -> Problems:
        if isinstance(value, str):
            return
        if not isinstance(value, list) or not value:
            yield f"{where}: must be a string or a non-empty array of parts"
            return
        yield from _array_of(_variant("type", parts))(value, where)
        kinds = [part.get("type") for part in value if isinstance(part, dict)]
        if "refusal" in kinds and len(value) > 1:
            yield f"{where}: holds one or more texts, or exactly one refusal"

    return check


# -- messages


def _call(kind: str, text_key: str) -> Check:
    body = _object({"name": _name, text_key: _string})
    return _object({"id": _call_id, "type": _string, kind: body})


_CALL_TYPES = {"function": _call("function", "arguments"), "custom": _call("custom", "input")}
_ASSISTANT = _object(
    {"role": _string},
    {
        "content": _or_null(_content(_ASSISTANT_PARTS)),
        "name": _name,
        "refusal": _or_null(_string),
        "audio": _or_null(_object({"id": _string})),
        "tool_calls": _array_of(_variant("type", _CALL_TYPES)),
        "function_call": _or_null(_object({"name": _name, "arguments": _string})),
    },
)


def _assistant(value: object, where: str) -> Problems:
    yield from _ASSISTANT(value, where)
    # `audio` is the audio guide's: a spoken turn goes back as its id alone.
    enough = ("content", "tool_calls", "function_call", "audio")
    if isinstance(value, dict) and all(value.get(key) is None for key in enough):
        yield f"{where}.content: is required unless tool_calls or function_call is given"


def _speaker(parts: Mapping[str, Check]) -> Check:
    return _object({"role": _string, "content": _content(parts)}, {"name": _name})


_message = _variant(
    "role",
    {
        "developer": _speaker(_TEXT),
        "system": _speaker(_TEXT),
        "user": _speaker(_USER_PARTS),
        "assistant": _assistant,
        "tool": _object({"role": _string, "content": _content(_TEXT), "tool_call_id": _call_id}),
        "function": _object({"role": _string, "content": _or_null(_string), "name": _name}),
    },
)


def _pairing(messages: object) -> Problems:
    """Every call is answered exactly once, directly after its turn, with nothing in between."""
    seen: set[str] = set()
    turn: dict[str, str] = {}  # the calls of the newest turn, id to place
    unanswered: dict[str, str] = {}
    for number, message in enumerate(messages if isinstance(messages, list) else []):
        where = f"messages[{number}]"
        if isinstance(message, dict) and message.get("role") == "tool":
            key = str(message.get("tool_call_id"))
            if unanswered.pop(key, None) is None:
                why = "is answered twice" if key in turn else "answers no call of the turn before"
                yield f"{where}.tool_call_id: {key} {why}"
            continue
        yield from _left(unanswered)
        turn = {}
        for place, key in _call_ids(message, where):
            if key in seen:
                yield f"{place}.id: {key} is used twice"
            seen.add(key)
            turn[key] = place
        unanswered = dict(turn)
    yield from _left(unanswered)


def _call_ids(message: object, where: str) -> Iterator[tuple[str, str]]:
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    for number, call in enumerate(calls if isinstance(calls, list) else []):
        if isinstance(call, dict) and isinstance(call.get("id"), str):
            yield f"{where}.tool_calls[{number}]", call["id"]


def _left(unanswered: Mapping[str, str]) -> Problems:
    for key, place in unanswered.items():
        yield f"{place}: {key} must be followed by the tool message that answers it"


# -- tools

_GRAMMAR = _object({"definition": _string, "syntax": _one_of("lark", "regex")})
_FORMATS = {"text": _object({"type": _string}), "grammar": _typed("grammar", _GRAMMAR)}
_FUNCTION_TOOL = _object(
    {"name": _name},
    {"description": _string, "parameters": _schema, "strict": _or_null(_bool)},
)
_CUSTOM_TOOL = _object(
    {"name": _name}, {"description": _string, "format": _variant("type", _FORMATS)}
)
_tool = _variant(
    "type",
    {"function": _typed("function", _FUNCTION_TOOL), "custom": _typed("custom", _CUSTOM_TOOL)},
)
