"""operations.py - which operation a reflog line belongs to, and what it undid.

Every move that tract makes leaves `tract: VERB #OPERATION` in the ref's log, so one operation that
moves several refs is found again in all of them. `tract: undo #NEW of #OLD` takes OLD back; the
line of a keep ref ends with the name of the ref that it keeps a commit of; one in HEAD's log that
does so tells of an operation that was made from there and moved that branch, and others.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tract.plumbing import reflog
from tract.plumbing.reflog import ReflogLine
from tract.plumbing.repo import Repo

UNDOING = ("undo", "redo")
_ID = "#([k-z]{15})"
_OURS = re.compile(rf"tract: ([^ ]+) {_ID}(?: of {_ID})?(?: (refs/[^ ]+))?\Z")
_SWITCH = re.compile(
    rf"checkout: moving from [^ ]+ to [^ ]+ \(tract(?: ([^ ]+))? {_ID}(?: of {_ID})?\)\Z"
)
_SORTED = str.maketrans("0123456789abcdef", "klmnopqrstuvwxyz")
_DIGITS = str.maketrans("klmnopqrstuvwxyz", "0123456789abcdef")
_TIME_DIGITS = 11


class Mark(NamedTuple):
    """What a line says: the verb, its operation, the one it undoes, the ref that lost a commit."""

    verb: str
    operation: str
    of: str | None = None
    lost: str | None = None


def mark_of(line: ReflogLine | None) -> Mark | None:
    """What a line says of its operation; None where it is not one of tract's."""
    if line is None:
        return None
    match = _OURS.match(line.message)
    if match is not None:
        return Mark(match[1], match[2], match[3], match[4])
    match = _SWITCH.match(line.message)
    return Mark(match[1] or "checkout", match[2], match[3]) if match is not None else None


def reason(verb: str, operation: str, tail: str = "") -> str:
    """The line of a move; `tail` is what `of` and `lost` add."""
    return f"tract: {verb} #{operation}{tail}"


def tail(*, of: str | None = None, lost: str | None = None) -> str:
    """The end of a line: the operation that is undone, the ref that lost a commit."""
    return (f" of #{of}" if of else "") + (f" {lost}" if lost else "")


def switch_reason(before: str, after: str, verb: str, operation: str, tail: str = "") -> str:
    """The line of HEAD: git's own at a switch, so that `-` and `@{-1}` work in git too."""
    said = "tract" if verb == "checkout" else f"tract {verb}"
    return f"checkout: moving from {before} to {after} ({said} #{operation}{tail})"


def new_operation(repo: Repo, lines: Iterable[ReflogLine | None], after: str | None = None) -> str:
    """An id for an operation: 11 letters of time, 4 random.

    `lines` are the newest of the refs it moves, `after` an operation that it comes after: it is
    never less than theirs, or than this handle's last one, plus one, so that ids sort as things
    happened.
    """
    now_ms = repo.clock()
    earlier = [mark.operation for mark in map(mark_of, lines) if mark is not None]
    for each in (*earlier, after, repo.newest_operation):
        if each is not None:
            now_ms = max(now_ms, time_ms(each) + 1)
    repo.newest_operation = f"{now_ms:011x}".translate(_SORTED) + repo.random_letters(2)
    return repo.newest_operation


def time_ms(operation: str) -> int:
    """When an operation was begun, in milliseconds since 1970."""
    return int(operation[:_TIME_DIGITS].translate(_DIGITS), 16)


def logged_refs(repo: Repo, prefix: str = "refs/") -> Iterator[str]:
    """The refs in that folder that have a log, in no order; HEAD is not among them."""
    for folder, _, names in os.walk(f"{repo.path}logs/{prefix}"):
        above = os.path.relpath(folder, f"{repo.path}logs")
        yield from (f"{above}/{name}" for name in names if not name.endswith(".lock"))


def last_mark(repo: Repo, ref: str) -> Mark | None:
    """What the newest line of a ref says."""
    return mark_of(reflog.last_line(repo.path, ref))
