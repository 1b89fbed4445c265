"""transcript.py - the shapes that conversations come in: JSON, JSON lines, Python lists.

Taken: a list of messages, `{"messages": […]}`, a list of those, or JSON lines of either; lines
that are single messages make one conversation. Damage is never passed over: a torn last line costs
itself, damage before it ends what can be trusted, and both are named by line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

from tract.errors import BadContent, TractError

_BOM = b"\xef\xbb\xbf"
_RECORD = "messages"
_SHAPES = 'a list of messages, {"messages": […]}, a list of those, or JSON lines of them'


class Conversation(NamedTuple):
    """Messages in order, each with the line it stands on (None: not from a file of lines).

    `fields` are the record's other keys. `error` says why the messages end where they do.
    `is_lines`: its messages are lines of their own, so that a bad one leaves those before it good.
    """

    messages: list[object]
    fields: dict[str, Any]
    line: int | None
    lines: list[int]
    error: TractError | None = None
    is_lines: bool = False


def read_text(data: bytes | str) -> list[Conversation]:
    """The conversations in a file's content.

    Raises:
        BadContent: nothing in it can be read as a conversation; names the line.
    """
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    data = data.removeprefix(_BOM)
    if not data.strip():
        raise BadContent("there is nothing in it to import", f"give {_SHAPES}")
    try:
        whole = _loads(data)
    except ValueError as error:
        return _read_lines(data, error)
    return read_value(whole)


def read_value(value: object) -> list[Conversation]:
    """The conversations in a Python value of one of the shapes.

    Raises:
        BadContent: it has none of the shapes.
    """
    if isinstance(value, list | tuple) and value and all(map(_is_record, value)):
        return [_record(item, number) for number, item in enumerate(value, 1)]
    if _is_record(value):
        return [_record(value, 1)]
    if isinstance(value, Mapping) and "role" in value:
        return [Conversation([value], {}, 1, [1], is_lines=True)]
    if isinstance(value, list | tuple) and value:
        return [_record(value, 1)]
    raise BadContent("this holds no conversation", f"give {_SHAPES}")


def _is_record(value: object) -> bool:
    """Whether a value is a conversation of its own rather than a message."""
    if isinstance(value, Mapping):
        return _RECORD in value and "role" not in value
    return isinstance(value, list | tuple) and bool(value)


def _record(value: Any, line: int) -> Conversation:
    if not isinstance(value, Mapping):
        if value and all(_is_record(item) for item in value):
            error = BadContent(f"record {line} is a list of lists of lists", f"give {_SHAPES}")
            return Conversation([], {}, line, [], error)
        return Conversation(list(value), {}, line, [line] * len(value))
    fields = {str(key): item for key, item in value.items() if key != _RECORD}
    messages = value[_RECORD]
    if not isinstance(messages, list | tuple) or not messages:
        what = "is no list" if not isinstance(messages, list | tuple) else "is empty"
        return Conversation(
            [], fields, line, [], BadContent(f"messages {what} in record {line}", f"give {_SHAPES}")
        )
    return Conversation(list(messages), fields, line, [line] * len(messages))


# Lines


class _Line(NamedTuple):
    number: int
    value: object
    error: str | None


def _read_lines(data: bytes, whole_error: ValueError) -> list[Conversation]:
    lines = [
        _read_line(number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()
    ]
    if not any(_is_usable(line.value) for line in lines):
        raise BadContent(f"it is no JSON: {_said(whole_error)}", f"give {_SHAPES}")
    first = next(line.value for line in lines if _is_usable(line.value))
    if isinstance(first, Mapping) and "role" in first:
        return [_single_messages(lines)]
    return [_line_record(line) for line in lines]


def _read_line(number: int, line: bytes) -> _Line:
    try:
        return _Line(number, _loads(line), None)
    except ValueError as error:
        return _Line(number, None, f"line {number} is no JSON: {_said(error)}")


def _is_usable(value: object) -> bool:
    return (isinstance(value, Mapping) and ("role" in value or _RECORD in value)) or (
        isinstance(value, list) and bool(value)
    )


def _line_record(line: _Line) -> Conversation:
    if line.error is not None:
        return Conversation([], {}, line.number, [], BadContent(line.error))
    if not _is_record(line.value):
        error = BadContent(f"line {line.number} holds no conversation", f"give {_SHAPES}")
        return Conversation([], {}, line.number, [], error)
    return _record(line.value, line.number)


def _single_messages(lines: list[_Line]) -> Conversation:
    messages: list[object] = []
    numbers: list[int] = []
    for at, line in enumerate(lines):
        error = line.error
        if error is None and not (isinstance(line.value, Mapping) and "role" in line.value):
            error = f"line {line.number} is no message"
        if error is not None:
            stop = stopped(error, line.number, len(lines) - at - 1)
            return Conversation(messages, {}, lines[0].number, numbers, stop, is_lines=True)
        messages.append(line.value)
        numbers.append(line.number)
    return Conversation(messages, {}, lines[0].number, numbers, is_lines=True)


def stopped(why: str, line: int, following: int, hint: str | None = None) -> BadContent:
    """The error for a line at which an import of single messages ends."""
    if not following:
        return BadContent(
            f"{why}; it is the last line, and all before it is imported",
            hint or "the file was cut off there: mend that line to import it too",
            line=line,
            following=0,
        )
    count = f"{following} message{'' if following == 1 else 's'}"
    return BadContent(
        f"{why}; {count} after it {'was' if following == 1 else 'were'} not imported",
        hint or "mend that line, then import the rest with --onto",
        line=line,
        following=following,
    )


def _loads(data: bytes) -> object:
    try:
        return json.loads(data.decode(), parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _said(error: ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    return str(error)


# Lone surrogates


def without_surrogates(value: Any) -> Any:
    """The value with U+FFFD for every lone surrogate; the same object where there is none."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {without_surrogates(k): without_surrogates(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [without_surrogates(item) for item in value]
    return value


def has_surrogates(value: object) -> bool:
    """Whether a lone surrogate stands anywhere in the value."""
    if isinstance(value, str):
        return any("\ud800" <= char <= "\udfff" for char in value)
    if isinstance(value, Mapping):
        return any(has_surrogates(item) for pair in value.items() for item in pair)
    return isinstance(value, list | tuple) and any(has_surrogates(item) for item in value)
