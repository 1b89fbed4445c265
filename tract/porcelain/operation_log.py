"""operation_log.py - which operations a handle can take back: read off the logs of refs.

A handle looks at its branch, HEAD, and the keep refs that name its branch; one opened with
`branch=` never at HEAD. Only real lines count (reflog.py), and a keep ref's line only if the ref
that it names tells of the operation too: a writer may have died between the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby, takewhile
from typing import NamedTuple

from tract.plumbing import operations, reflog
from tract.plumbing.head import noted_operations, switches
from tract.plumbing.operations import Mark, mark_of
from tract.plumbing.ref_names import HEAD, HEADS, KEEP
from tract.plumbing.reflog import NOTHING
from tract.plumbing.refs import read_stored
from tract.plumbing.repo import Repo
from tract.porcelain.workspace import Workspace

UNDO, REDO = operations.UNDOING
_DELETING = ("delete-branch", *operations.UNDOING)


class Trace(NamedTuple):
    """What one operation did to one ref; None is no ref, HEAD's values are as in head.py.

    HEAD without values was not moved: its log only tells that the operation was made from there.
    """

    ref: str
    mark: Mark
    old: str | None
    new: str | None

    @property
    def moved(self) -> bool:
        """Whether the operation moved the ref, and did not just leave a line in its log."""
        return self.mark.lost is None


class Done(NamedTuple):
    """An operation that a handle sees, and whether another one has taken it back."""

    mark: Mark
    is_undone: bool


def traces(repo: Repo, ref: str) -> Iterator[Trace]:
    """What operations did to a ref, newest first; the moves of other programs are passed over."""
    if ref == HEAD:
        yield from merge(_switches(repo), _noted(repo), key=_operation, reverse=True)
        return
    for line in reflog.real_lines(reflog.read_lines(repo.path, ref), read_stored(repo, ref)):
        if mark := mark_of(line):
            yield Trace(ref, mark, _value(line.old), _value(line.new))


def _switches(repo: Repo) -> Iterator[Trace]:
    for each in switches(repo):
        if mark := mark_of(each.line):
            yield Trace(HEAD, mark, each.before, each.after)


def _noted(repo: Repo) -> Iterator[Trace]:
    """Operations that were made from HEAD's branch and moved neither: no values."""
    return (Trace(HEAD, mark, None, None) for mark in map(mark_of, noted_operations(repo)) if mark)


def _value(text: str) -> str | None:
    return text if text != NOTHING else None


def done(ws: Workspace) -> Iterator[Done]:
    """The operations that the handle sees, newest first."""
    taken_back: set[str] = set()
    for mark in _marks(ws):
        is_undone = mark.operation in taken_back
        if mark.of is not None and not is_undone:
            taken_back.add(mark.of)
        yield Done(mark, is_undone)


def _marks(ws: Workspace) -> Iterator[Mark]:
    newest_first = merge(*_logs(ws), key=_operation, reverse=True)
    for _, group in groupby(newest_first, key=_operation):
        of_one = list(group)
        sure = [each for each in of_one if each.moved]
        if sure or any(_happened(ws.repo, each.mark) for each in of_one):
            yield (sure or of_one)[0].mark


def _operation(trace: Trace) -> str:
    return trace.mark.operation


def _logs(ws: Workspace) -> Iterator[Iterable[Trace]]:
    if ws.follows_head:
        yield traces(ws.repo, HEAD)
    if ws.branch_name is None:
        return
    own = HEADS + ws.branch_name
    yield traces(ws.repo, own)
    for ref in operations.logged_refs(ws.repo, KEEP):
        yield (each for each in traces(ws.repo, ref) if each.mark.lost == own)


def _happened(repo: Repo, mark: Mark) -> bool:
    """Whether the operation of a line that names a ref moved that ref."""
    if mark.lost is None:
        return False
    if reflog.last_line(repo.path, mark.lost) is None and read_stored(repo, mark.lost) is None:
        return mark.verb in _DELETING  # another program removed the branch's log with it
    newer = takewhile(lambda each: _operation(each) >= mark.operation, traces(repo, mark.lost))
    return any(_operation(each) == mark.operation for each in newer)


def _of(log: Iterable[Trace], operation: str) -> Iterator[Trace]:
    """What an operation did to a ref, unless it was taken back there."""
    for trace in log:
        if trace.mark.operation < operation or trace.mark.of == operation:
            return
        if trace.mark.operation == operation:
            yield trace


def all_of(repo: Repo, operation: str) -> list[Trace]:
    """What an operation did to every ref, where that was not taken back since."""
    found: list[Trace] = []
    for ref in operations.logged_refs(repo):
        newest = operations.last_mark(repo, ref)
        if newest is None or newest.operation >= operation:
            found += _of(traces(repo, ref), operation)
    return [*found, *_of(_switches(repo), operation), *_of(_noted(repo), operation)]


def since(repo: Repo, oldest: str) -> dict[str, list[Trace]]:
    """What each operation from `oldest` on did to every ref, taken back or not."""
    found: dict[str, list[Trace]] = {}
    for ref in (*operations.logged_refs(repo), HEAD):
        newest = operations.last_mark(repo, ref)
        if newest is not None and newest.operation < oldest:
            continue
        for trace in traces(repo, ref):
            if trace.mark.operation < oldest:
                break
            found.setdefault(trace.mark.operation, []).append(trace)
    return found
