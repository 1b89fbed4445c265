"""reflog.py - the lines of a ref's history, and the one a killed writer left false.

libgit2 appends the line before it renames the ref, so a kill in between leaves a line for a move
that never was. Such a line can only be the last one; the next writer cuts it off while it holds
the ref's lock. An operation's id (`#…`) is read from here too, so that ids sort by time.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from tract.plumbing.repo import Repo, storage_error

_LINE = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) .*> \d+ [+-]\d{4}(?:\t(.*))?\Z", re.S)
_OPERATION = re.compile(r"#([k-z]{15})\b")
_TAIL = 512


class ReflogLine(NamedTuple):
    """One move of a ref: old and new value (40 digits), the reason, where its line begins."""

    old: str
    new: str
    message: str
    start: int


def log_path(repo: Repo, ref: str) -> str:
    """The file that holds the ref's history."""
    return f"{repo.path}logs/{ref}"


def last_line(repo: Repo, ref: str) -> ReflogLine | None:
    """The newest line of the ref's history; None where there is none.

    A line that cannot be read (torn by a power loss) comes back with empty values.
    """
    try:
        fd = os.open(log_path(repo, ref), os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        size, span = os.fstat(fd).st_size, _TAIL
        while True:
            start = max(0, size - span)
            body = os.pread(fd, size - start, start).removesuffix(b"\n")
            cut = body.rfind(b"\n")
            if cut >= 0 or start == 0:
                break
            span *= 8
    except IsADirectoryError:
        return None
    finally:
        os.close(fd)
    if not body:
        return None
    return _parse(body[cut + 1 :], start + cut + 1)


def _parse(line: bytes, start: int) -> ReflogLine:
    match = _LINE.match(line)
    if match is None:
        return ReflogLine("", "", "", start)
    message = (match[3] or b"").decode("utf-8", "replace")
    return ReflogLine(match[1].decode(), match[2].decode(), message, start)


def operation_of(line: ReflogLine | None) -> str | None:
    """The operation id in a reflog line, if it carries one."""
    match = _OPERATION.search(line.message) if line is not None else None
    return match[1] if match else None


def is_real(line: ReflogLine | None, value: str | None) -> bool:
    """Whether the newest line tells of the move to the value that the ref has (None: no ref)."""
    return line is None or line.new == value or (value is None and not line.new.strip("0"))


def is_checkout(line: ReflogLine | None) -> bool:
    """Whether a line of HEAD's log is a switch's; its other lines repeat a branch's."""
    return line is not None and line.message.startswith("checkout:")


def cut(repo: Repo, ref: str, line: ReflogLine | None) -> None:
    """Remove the newest line, a false one; the ref's lock is held."""
    assert line is not None
    try:
        os.truncate(log_path(repo, ref), line.start)
    except OSError as error:
        raise storage_error(error, f"remove the false last line of the log of {ref}") from error
