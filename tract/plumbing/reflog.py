"""reflog.py - the lines of a ref's history, and the one a killed writer left false.

libgit2 appends the line before it renames the ref, so a kill in between leaves a line for a move
that never was. A line is real if its new value is the ref's, or the old value of the next real
line. The newest line is cut off, where it is false, by the next writer while it holds the ref's
lock, or by who finds that the writer died.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tract.plumbing.failures import storage_error

NOTHING = "0" * 40
_LINE = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) .*> \d+ [+-]\d{4}(?:\t(.*))?\Z", re.S)
_SWITCH = re.compile(r"checkout: moving from ([^ ]+) to ([^ ]+)")
_TAIL = 512
_SPAN_MAX = 256 << 10


class ReflogLine(NamedTuple):
    """One move of a ref: old and new value (40 digits), the reason, where its line begins."""

    old: str
    new: str
    message: str
    start: int


def log_path(folder: str, ref: str) -> str:
    """The file that holds the ref's history; `folder` is the repository's, with a `/` at its end"""
    return f"{folder}logs/{ref}"


def last_line(folder: str, ref: str) -> ReflogLine | None:
    """The newest line of the ref's history; None where there is none."""
    return next(read_lines(folder, ref), None)


def read_lines(folder: str, ref: str, holding: bytes = b"") -> Iterator[ReflogLine]:
    """The lines of the ref's history, newest first; no more of the file is read than is wanted.

    `holding` passes over lines without these bytes, faster than reading them.
    A line that cannot be read (torn by a power loss) comes with empty values. The file is not kept
    open in between: who merges many logs would run out of files.
    """
    path = log_path(folder, ref)
    start, rest = _read_block(path, None, _TAIL)
    span = _TAIL
    while rest:
        first = rest.find(b"\n") + 1 if start else 0
        if first or not start:
            yield from _parsed(rest[first:], start + first, holding)
            rest = rest[:first]
        if not start:
            return
        span = min(span * 8, _SPAN_MAX)
        start, block = _read_block(path, start, span)
        rest = block + rest


def _read_block(path: str, end: int | None, size: int) -> tuple[int, bytes]:
    """At most `size` bytes before `end` (None: the end of the file), and where they begin."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return 0, b""
    try:
        end = os.fstat(fd).st_size if end is None else end
        start = max(0, end - size)
        return start, os.pread(fd, end - start, start)
    except IsADirectoryError:
        return 0, b""
    finally:
        os.close(fd)


def _parsed(body: bytes, start: int, holding: bytes) -> Iterator[ReflogLine]:
    """The lines of whole text that begins at `start` in the file, newest first."""
    end = len(body.removesuffix(b"\n"))
    while end > 0 and (found := body.rfind(holding, 0, end)) >= 0:
        at = body.rfind(b"\n", 0, found) + 1
        line = body[at:end].split(b"\n", 1)[0] if holding else body[at:end]
        yield _parse(line, start + at)
        end = at - 1


def _parse(line: bytes, start: int) -> ReflogLine:
    match = _LINE.match(line)
    if match is None:
        return ReflogLine("", "", "", start)
    message = (match[3] or b"").decode("utf-8", "replace")
    return ReflogLine(match[1].decode(), match[2].decode(), message, start)


def switch_of(line: ReflogLine) -> tuple[str, str] | None:
    """From where and to where a line of HEAD's log says that HEAD went: git's words at a switch."""
    match = _SWITCH.match(line.message)
    return (match[1], match[2]) if match is not None else None


def is_real(line: ReflogLine | None, value: str | None) -> bool:
    """Whether the newest line tells of the move to the value that the ref has (None: no ref)."""
    return line is None or line.new == (value or NOTHING)


def real_lines(lines: Iterable[ReflogLine], value: str | None) -> Iterator[ReflogLine]:
    """Of the lines of a ref that has that value, newest first, those of moves that were made."""
    expected = value or NOTHING
    for line in lines:
        if line.new == expected:
            yield line
            expected = line.old


def cut(folder: str, ref: str, line: ReflogLine | None) -> None:
    """Remove the newest line, a false one; the ref's lock is held."""
    assert line is not None
    try:
        os.truncate(log_path(folder, ref), line.start)
    except OSError as error:
        raise storage_error(error, f"remove the false last line of the log of {ref}") from error


def append(
    folder: str,
    ref: str,
    line: tuple[str | None, str | None, str],
    who: tuple[str, str, int],
    *,
    is_durable: bool = False,
) -> None:
    """Add a line for a move that libgit2 writes none for; the ref's lock is held.

    `line` is old value, new value (None: no ref) and reason; `who` is name, mail and the time in
    seconds since 1970.
    """
    old, new, reason = line
    name, mail, time_s = who
    text = f"{old or NOTHING} {new or NOTHING} {name} <{mail}> {time_s} +0000\t{reason}\n"
    path = log_path(folder, ref)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            os.write(fd, text.encode("utf-8", "replace"))
            if is_durable:
                os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise storage_error(error, f"write the log of {ref}") from error


def mend(folder: str, ref: str, new: str, found: str | None) -> None:
    """Remove what a dead writer left in the log of a ref that it was moving to `new`.

    `found` is the value that the ref has. The ref's lock, the dead writer's, is still there.
    """
    line = last_line(folder, ref)
    if line is not None and line.new == new and not is_real(line, found):
        cut(folder, ref, line)
