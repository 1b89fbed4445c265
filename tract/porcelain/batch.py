"""batch.py - many writes as one: built in memory, stored as one pack, one move of the branch.

A batch is a handle of its own on the same branch, whose repository is staged (plumbing/pending.py).
At its end the objects become a pack that no clean-up touches, then the lock is taken and the refs
move. Where somebody moved a branch meanwhile, appends are made again on the new tip, under the lock
so that it ends; anything else is refused, and nothing of the batch is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tract.content.generation import lines_about
from tract.errors import StaleRef, UsageError
from tract.plumbing import landing, notes, operations
from tract.plumbing.head import on_branch, read_place
from tract.plumbing.pending import Move, Pending
from tract.plumbing.ref_lock import is_held
from tract.plumbing.ref_names import HEAD, HEADS
from tract.porcelain import settle, spill
from tract.porcelain.commit_info import CommitInfo
from tract.porcelain.recording import NoteCall, Recording
from tract.porcelain.workspace import W, Workspace
from tract.porcelain.write import write, write_note


@contextmanager
def batch(ws: W) -> Iterator[W]:
    """Write many entries as one: `with t.batch() as b: b.user(…)`.

    `b` is a handle on the same branch: what is written through it is the batch, and reads through
    it see it. Others, `t` too, see all of it at the end of the block, or nothing: after an error
    in the block nothing is written. One commit a call, one pack, one move of the branch. If
    another writer moved the branch meanwhile, appends are made again on its tip: entry ids stay,
    and `b.commits` has the commit ids that landed.

    Raises:
        UsageError: a write through `t` from inside the block, or a batch in a batch.
        StaleRef: the branch moved, and the batch holds more than appends; nothing was written.
        RepoLocked, StorageFull, ReadOnly: nothing was written.
    """
    ws.writable_ref()
    if ws.recording is not None:
        raise UsageError("a batch is open already", "write through the one that is open")
    with staged(ws, "batch") as inner, ws.guard:
        yield inner


@contextmanager
def staged(ws: W, verb: str) -> Iterator[W]:
    """A batch for a verb; in a batch, that batch itself."""
    if ws.recording is not None:
        yield ws
        return
    ws.check_writable()
    ws.tip()  # refuses where the branch was deleted under this handle
    inner = type(ws)(
        ws.repo.staged_apart(), branch=ws.branch_name, counter=ws.counter, author=ws.author,
        derived=ws.derived, verify_cache=ws.verify_cache,
    )  # fmt: skip
    inner.branch_name, inner.detached_at = ws.branch_name, ws.detached_at
    inner.kinds, inner.sound_tree = ws.kinds, ws.sound_tree
    inner.begin(Recording(verb))
    inner.behind.is_first = ws.behind.is_first
    try:
        yield inner
        inner.check_open()
        ws.check_open()
        _check_own(inner.recording)
        _land(ws, inner)
    finally:
        assert inner.recording is not None
        inner.recording.close()
        inner.release()


def _check_own(recording: Recording | None) -> None:
    """A child that was forked inside the block leaves it, too; the batch is its parent's."""
    assert recording is not None
    if recording.pid != os.getpid():
        raise UsageError(
            "this batch was begun by another process", "leave a forked child with os._exit()"
        )


def _pending(ws: Workspace) -> Pending:
    assert ws.repo.pending is not None
    return ws.repo.pending


def _land(ws: Workspace, inner: Workspace) -> None:
    """Write what the batch holds, and move the refs."""
    assert inner.recording is not None
    if not inner.recording.calls:
        return
    _note(inner)
    spill.pack(inner)
    with ws.repo.lock:
        ws.repo.prepare_for_writing()
        moved = landing.moved(ws.repo, _pending(inner))
        if any(not ref.startswith(landing.NOTES) for ref, _, _ in moved):
            _make_again(ws, inner)
        elif moved:
            _pending(inner).forget_moves(landing.NOTES)
            inner.generations.forget()
        if moved:
            _note(inner)
            spill.pack(inner)
        is_noted = not _leave_tokens(ws, _pending(inner))
        place = _tell_head(ws, inner)
        landing.land_packed(ws.repo, _pending(inner), inner.recording.packs)
        if place is not None:
            ws.go(place)
        for ref in _pending(inner).moves:
            ws.know_born(ref)
        ws.sound_tree = inner.sound_tree
    settle.after_batch(ws, inner, is_noted=is_noted)


def _tell_head(ws: Workspace, inner: Workspace) -> str | None:
    """Plan what HEAD's log is told of other branches, and HEAD's switch to the first of them.

    Both are part of the operation, so that one undo from here takes all of it back. Returns the
    place to go to; HEAD does not leave a git work tree.
    """
    recording, pending = inner.recording, _pending(inner)
    assert recording is not None
    pending.operation = recording.operation
    first = inner.commits[0].branch if recording.leaves_branch else None
    if first is None:
        return None
    if ws.follows_head:
        pending.told = recording.verb, operations.tail(lost=HEADS + first)
    is_free = ws.repo.git.is_bare or not ws.follows_head
    if not (recording.switches and is_free and ws.tip() is None):
        return None
    place = on_branch(first)
    if ws.follows_head and read_place(ws.repo) != place:
        pending.move(HEAD, Move(read_place(ws.repo), place, recording.verb))
    return place


def _note(inner: Workspace) -> None:
    """Add the notes to what the batch is going to write."""
    assert inner.recording is not None
    for each in inner.recording.carried:
        lines = lines_about(inner.generations.lines(each.writer), each.entry_id)
        inner.recording.add_note(each.commit, lines)
    if inner.recording.note_lines:
        verb = inner.recording.verb
        notes.add_lines(inner.repo, notes.GENERATION, inner.recording.note_lines, verb=verb)
    settle.note_tokens(inner)


def _leave_tokens(ws: Workspace, pending: Pending) -> bool:
    """Leave the counts for later where another program holds their ref: the batch does not wait."""
    is_left = notes.TOKENS in pending.moves and is_held(ws.repo, notes.TOKENS)
    if is_left:
        pending.forget_moves(notes.TOKENS)
    return is_left


def _stale(ws: Workspace, pending: Pending) -> StaleRef:
    ref, old, found = next(m for m in landing.moved(ws.repo, pending) if HEADS in m[0])
    return StaleRef(
        f"{ref.removeprefix(HEADS)} moved while the batch was open",
        "run the batch again; it reads the branch afresh",
        expected=old,
        found=found,
    )


def _make_again(ws: Workspace, inner: Workspace) -> None:
    """Make the calls of the batch once more, on the tips that are there now."""
    old = inner.recording
    assert old is not None
    if not old.is_append:
        raise _stale(ws, _pending(inner))
    old.close()
    begun = {name for name, move in _pending(inner).moves.items() if move.old is None}
    _pending(inner).clear()
    inner.begin(old.anew())
    inner.behind.is_first = ws.behind.is_first
    inner.sound_tree = ws.sound_tree
    now: dict[str, CommitInfo] = {}
    names: dict[str, str] = {}
    for call in old.calls:
        if isinstance(call, NoteCall):
            write_note(inner, now.get(call.info.commit_hash, call.info), call.make)
            continue
        branch = call.branch
        if branch is not None and call.rename is not None and HEADS + branch in begun:
            branch = names.get(branch) or names.setdefault(branch, call.rename(branch))
        again = write(inner, call.plan, branch=branch, rename=call.rename)
        by_entry = {info.entry_id: info for info in again}
        now |= {i.commit_hash: by_entry[i.entry_id] for i in call.infos if i.entry_id in by_entry}
