"""undo.py - take the last operation back, bring it again, and list what was done.

An undo is an operation of its own: every ref that carries the operation's id goes back by
compare-and-swap, and each log says which one was taken back. So it can be taken back in turn, by
any process, and after a kill in the middle the next call finishes.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import msgspec

from tract.errors import NothingToUndo, StaleRef, UsageError
from tract.plumbing import landing, notes, operations, reflog, refs
from tract.plumbing.failures import missing
from tract.plumbing.head import branch_of, expect_head, read_place, switches
from tract.plumbing.keep import keep
from tract.plumbing.objects import read_commit, read_raw_tree
from tract.plumbing.operations import Mark, mark_of
from tract.plumbing.pending import Move
from tract.plumbing.ref_names import HEAD, HEADS, KEEP, short
from tract.plumbing.repo import CommitId, Repo
from tract.plumbing.whole import Disk
from tract.porcelain.arguments import iso
from tract.porcelain.mender import VERB
from tract.porcelain.operation_log import REDO, UNDO, Done, Trace, all_of, done, since
from tract.porcelain.workspace import Workspace


class RefMove(msgspec.Struct, frozen=True):
    """One ref that an operation moved. None is no ref; HEAD's values are branches or commits."""

    ref: str
    old: str | None
    new: str | None


class Operation(msgspec.Struct, frozen=True):
    """What was done at once: its id, verb, time (UTC), and the refs it moved.

    `of` is the operation that an undo or redo takes back; `is_undone` says whether this one is
    taken back at present.
    """

    id: str
    verb: str
    created_at: str
    moves: tuple[RefMove, ...]
    of: str | None = None
    is_undone: bool = False


def undo(ws: Workspace) -> Operation:
    """Take back the newest operation of this branch, HEAD or a keep ref that is in effect.

    A handle opened with `branch=` looks at its branch alone. Nothing is deleted: `redo()` brings
    it again. Returns the undo, whose `of` is what it took back.

    Raises:
        NothingToUndo: nothing is left that tract did here.
        StaleRef: another program moved one of the refs since; nothing was changed.
        CheckedOut: a git work tree holds one of the branches.
        BadObject: the commit to go back to is gone or damaged.
    """
    return _take_back(ws, UNDO)


def redo(ws: Workspace) -> Operation:
    """Take back the newest undo, unless something else was done since.

    Raises:
        NothingToUndo: there is no undo, or another operation came after it.
        StaleRef, CheckedOut, BadObject: as undo().
    """
    return _take_back(ws, REDO)


def operations_log(ws: Workspace, limit: int = 20) -> list[Operation]:
    """The newest operations that this handle can see, newest first, undone ones too."""
    ws.check_open()
    if type(limit) is not int or limit < 0:
        raise UsageError(f"a list of {limit!r} operations cannot be shown", "give a number from 0")
    found = list(islice(done(ws), limit))
    moves = since(ws.repo, found[-1].mark.operation) if found else {}
    return [_operation(each, moves.get(each.mark.operation, ())) for each in found]


def _operation(each: Done, traces: Iterable[Trace]) -> Operation:
    moves = [
        RefMove(trace.ref, _said(trace.old), _said(trace.new))
        for trace in traces
        if trace.ref != HEAD or trace.new is not None
    ]
    mark = each.mark
    return Operation(
        mark.operation,
        mark.verb,
        str(iso(operations.time_ms(mark.operation))),
        tuple(sorted(moves, key=lambda move: move.ref)),
        mark.of,
        each.is_undone,
    )


def _said(value: str | None) -> str | None:
    return (branch_of(value) or value) if value is not None else None


# Choosing


def _take_back(ws: Workspace, verb: str) -> Operation:
    ws.check_moves()
    with ws.repo.lock:
        ws.tip()  # refuses a branch that was deleted under this handle
        ws.repo.prepare_for_writing()
        newest = next(done(ws), None)
        left = _left(ws, newest)
        if newest is not None and left:
            finished = _carry_out(ws, newest.mark, left)
            if newest.mark.verb == verb:
                return finished
        target = _newest_undo(ws) if verb == REDO else _newest_in_effect(ws)
        if target is None or newest is None:
            raise _nothing(verb)
        traces = _traces(ws, target.mark.operation)
        fresh = operations.new_operation(
            ws.repo,
            [reflog.last_line(ws.repo.path, ref) for ref in {HEAD, *(t.ref for t in traces)}],
            newest.mark.operation,
        )
        return _carry_out(ws, Mark(verb, fresh, target.mark.operation), traces)


def _newest_in_effect(ws: Workspace) -> Done | None:
    return next((each for each in done(ws) if not each.is_undone and each.mark.verb != UNDO), None)


def _newest_undo(ws: Workspace) -> Done | None:
    """The undo that a redo takes back: nothing but undos and redos came after it."""
    for each in done(ws):
        if each.mark.verb == UNDO and not each.is_undone:
            return each
        if each.mark.verb not in (UNDO, REDO):
            return None
    return None


def _nothing(verb: str) -> NothingToUndo:
    if verb == UNDO:
        return NothingToUndo(
            "there is nothing to undo here",
            "see `tract operations` for what was done; `tract reset TARGET` moves anywhere",
        )
    return NothingToUndo(
        "there is nothing to redo here",
        "redo brings back what undo took, until something else is done; see `tract operations`",
    )


def _traces(ws: Workspace, operation: str) -> list[Trace]:
    """What an operation did, and is to be taken back; HEAD is for who follows it, or left alone
    where it stands elsewhere by now.
    """
    found = all_of(ws.repo, operation)
    if ws.follows_head:
        return found
    stays = (read_place(ws.repo), None)
    return [each for each in found if each.ref != HEAD or each.new in stays]


def _left(ws: Workspace, newest: Done | None) -> list[Trace]:
    """What an undo that was broken off has left undone, of branches and HEAD."""
    if newest is None or newest.mark.of is None:
        return []
    return [
        each
        for each in _traces(ws, newest.mark.of)
        if not each.ref.startswith((KEEP, landing.NOTES)) and _value(ws.repo, each.ref) == each.new
    ]


def _value(repo: Repo, ref: str) -> str | None:
    return read_place(repo) if ref == HEAD else refs.read_ref(repo, ref)


# Carrying out


def _carry_out(ws: Workspace, mark: Mark, traces: list[Trace]) -> Operation:
    """Move every ref back, all of them compared first; the write lock is held."""
    for each in traces:
        _check(ws, each)
    view = ws.repo.staged()
    assert view.pending is not None
    view.pending.operation = mark.operation
    view.pending.is_taken_back = mark.verb == UNDO
    for each in traces:
        _plan(view, each, mark)
        if each.ref == HEAD and each.new is None:
            view.pending.told = mark.verb, operations.tail(of=mark.of, lost=each.mark.lost)
    stood = ws.place
    landing.land(ws.repo, view.pending)
    if ws.follows_head and any(each.ref == HEAD and each.new == stood for each in traces):
        place = read_place(ws.repo)
        ws.move_to(branch_of(place), None if branch_of(place) else CommitId(place))
    moved = [Trace(ref, mark, move.old, move.new) for ref, move in view.pending.moves.items()]
    return _operation(Done(mark, is_undone=False), moved)


def _check(ws: Workspace, trace: Trace) -> None:
    """Refuse what somebody else has built on, and what can no longer be gone back to."""
    ref, old = trace.ref, trace.old
    if ref.startswith((KEEP, landing.NOTES)):
        return
    if ref == HEAD:
        if trace.new is not None:
            _check_head(ws.repo, trace)
        return
    if ref.startswith(HEADS):
        ws.writable_ref(ref.removeprefix(HEADS))
    found = refs.read_ref(ws.repo, ref)
    if found != trace.new:
        raise _moved(ws.repo, trace, found)
    if old is not None:
        _check_whole(ws.repo, old)
        if trace.mark.verb == VERB:
            _check_repaired(ws.repo, old)


def _check_repaired(repo: Repo, commit: str) -> None:
    """Refuse to go back to what a repair left because it was damaged, unless it is whole again."""
    fault = Disk(repo).fault_of_commit(commit)
    if fault is not None:
        raise missing(fault.kind, fault.name)


def _check_whole(repo: Repo, commit: str) -> None:
    """Refuse to go to a commit that is gone."""
    read_raw_tree(repo, read_commit(repo, commit).tree)


def _check_head(repo: Repo, trace: Trace) -> None:
    """Refuse to move HEAD from elsewhere, or back to a branch that was deleted since."""
    expect_head(repo, str(trace.new))
    branch = branch_of(str(trace.old))
    if branch is None:
        _check_whole(repo, str(trace.old))
        return
    if refs.read_ref(repo, HEADS + branch) is not None:
        return
    left = next(each for each in switches(repo) if mark_of(each.line) == trace.mark)
    if refs.check_absent(repo, HEADS + branch) is None and left.line.old != reflog.NOTHING:
        raise StaleRef(
            f"HEAD stood on {branch}, which was deleted since",
            f"nothing was changed; `tract git branch {branch} {left.line.old[:12]}` makes it again",
            expected=left.line.old,
            found=None,
        )


def _moved(repo: Repo, trace: Trace, found: str | None) -> StaleRef:
    """The refusal that names who moved the ref first, after the operation."""
    by = ""
    for line in reflog.read_lines(repo.path, trace.ref):
        mark = mark_of(line)
        if mark is not None and mark.operation == trace.mark.operation:
            break
        by = by if mark is not None else line.message or "without a word"
    return StaleRef(
        f"{short(trace.ref)} moved after {trace.mark.verb} #{trace.mark.operation}"
        + (f" (by another program: {by})" if by else ""),
        "nothing was changed; `tract reset TARGET` moves the branch, whoever wrote to it",
        expected=trace.new,
        found=found,
    )


def _plan(view: Repo, trace: Trace, mark: Mark) -> None:
    """Plan the move of one ref back to where it was."""
    assert view.pending is not None
    ref, old, new = trace.ref, trace.old, trace.new
    end = operations.tail(of=mark.of)
    if ref.startswith(landing.NOTES):
        notes.take_back(view, ref, old, new, verb=mark.verb, tail=end)
    elif ref.startswith(KEEP):
        _plan_kept(view, trace, mark)
    elif ref == HEAD and new is not None:
        view.pending.move(HEAD, Move(new, str(old), mark.verb, end))
    elif ref != HEAD:
        refs.update_ref(view, ref, _id(old), old=_id(new), verb=mark.verb, tail=end)
        if old is None and new is not None:
            keep(view, CommitId(new), ref, verb=mark.verb, of=mark.of)


def _plan_kept(view: Repo, trace: Trace, mark: Mark) -> None:
    """A keep ref stays, with a line; what it was made for comes again if nothing else tells of it.

    That is a branch whose deletion is taken back after another program removed its log.
    """
    commit, lost = CommitId(trace.ref.removeprefix(KEEP)), trace.mark.lost
    if lost is None or commit not in view.odb:
        return
    keep(view, commit, lost, verb=mark.verb, of=mark.of)
    if reflog.last_line(view.path, lost) is None and refs.read_ref(view, lost) is None:
        end = operations.tail(of=mark.of)
        refs.update_ref(view, lost, commit, old=None, verb=mark.verb, tail=end)


def _id(value: str | None) -> CommitId | None:
    return CommitId(value) if value is not None else None
