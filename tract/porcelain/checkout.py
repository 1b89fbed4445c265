"""checkout.py - move: the handle to another branch or commit, or its branch to another commit.

There is no work tree, so a reset's modes differ in one thing: `soft` keeps a way back to what the
branch leaves (ORIG_HEAD and a keep ref), `hard` leaves it to the reflog alone.
"""

from __future__ import annotations

import msgspec

from tract.errors import BranchNotFound, CheckedOut, UsageError
from tract.plumbing import landing, reflog, refs
from tract.plumbing import repo as repos
from tract.plumbing.head import ORIG_HEAD, branch_of, move_head, on_branch, read_place, switches
from tract.plumbing.keep import keep
from tract.plumbing.objects import read_commit, read_raw_tree
from tract.plumbing.pending import Move
from tract.plumbing.ref_names import HEADS, is_branch_name
from tract.plumbing.repo import CommitId
from tract.porcelain import history
from tract.porcelain.commit_info import CommitInfo
from tract.porcelain.targets import commit_of, moves_ago, place_before
from tract.porcelain.workspace import Workspace

_MODES = ("soft", "hard")


def checkout(ws: Workspace, target: str) -> CommitInfo | None:
    """Go to a branch, or to a commit (HEAD is then detached, and nothing can be written).

    `-` and `@{-1}` are where this handle stood before. HEAD moves along, for a handle that was
    opened without `branch=`; other handles never follow. Returns the commit where it stands now,
    None on a branch without commits.

    Raises:
        RevisionNotFound, BranchNotFound, AmbiguousRevision, BadRevision: the target.
        CheckedOut: HEAD belongs to a git work tree.
        UsageError: in a batch.
    """
    ws.check_moves()
    place = _place_of(ws, target)
    branch = branch_of(place)
    tip = refs.read_ref(ws.repo, HEADS + branch) if branch else CommitId(place)
    if tip is not None:
        _check_context(ws, tip)
        history.info_at(ws, tip)  # what is damaged is found before anything moves
    if ws.follows_head:
        _move_head(ws, place)
    ws.go(place)
    tip = ws.tip()
    return history.info_at(ws, tip) if tip is not None else None


def _place_of(ws: Workspace, target: str) -> str:
    """What a target means as a place: a branch by its short name, else a commit."""
    if not isinstance(target, str):
        raise UsageError(f"{target!r} is no revision", "name a branch, a tag or a commit id")
    if target in ("HEAD", "@"):
        return ws.place
    count = moves_ago(target)
    if count is not None:
        return _place_before(ws, count)
    if _is_branch(ws, target):
        return on_branch(target)
    return commit_of(ws, target)


def _is_branch(ws: Workspace, name: str) -> bool:
    """Whether it is a branch that is there, or the current one, which may have no commits yet."""
    if not is_branch_name(name):
        return False
    if on_branch(name) == ws.place:
        ws.tip()  # refuses a branch that was deleted under this handle
        return True
    there = refs.read_ref(ws.repo, HEADS + name) is not None
    return there or on_branch(name) == read_place(ws.repo) or refs.was_undone(ws.repo, HEADS + name)


def _place_before(ws: Workspace, count: int) -> str:
    place = place_before(ws, count)
    branch = branch_of(place)
    if branch is None or refs.read_ref(ws.repo, HEADS + branch) is not None:
        return place
    if refs.check_absent(ws.repo, HEADS + branch) is None and not _was_unborn(ws, place):
        raise BranchNotFound(
            f"the branch {branch}, where this handle stood, was deleted",
            "name another one: `tract checkout NAME`",
        )
    return place


def _was_unborn(ws: Workspace, place: str) -> bool:
    """Whether the branch had no commits when HEAD left it."""
    if not ws.follows_head:
        return True
    left = (each.line.old for each in switches(ws.repo) if each.before == place)
    return next(left, reflog.NOTHING) == reflog.NOTHING


def _move_head(ws: Workspace, place: str) -> None:
    if not ws.repo.git.is_bare:
        raise CheckedOut(
            "HEAD belongs to a git work tree, whose files a move would belie",
            "use `git switch` there, or open with branch=NAME",
        )
    with ws.repo.lock:
        ws.repo.prepare_for_writing()
        found = read_place(ws.repo)
        if found != place:
            move_head(ws.repo, place, old=found)


def reset(ws: Workspace, target: str, *, mode: str = "soft") -> CommitInfo:
    """Move the branch to another commit; what it leaves stays in the repository.

    `soft` keeps the commit that it leaves: ORIG_HEAD names it, and a ref in `refs/tract/keep/`.
    `hard` keeps it in the reflog alone, until gc removes what only a reflog names. Either way
    `undo()` goes back. A branch that stands there already stays, and nothing is written.

    Raises:
        RevisionNotFound, AmbiguousRevision, BadRevision: the target.
        UnknownFormat: the target is no context of tract's.
        DetachedHead, CheckedOut: there is no branch to move, or a git work tree holds it.
        UsageError: another mode; in a batch.
    """
    ws.check_moves()
    if mode not in _MODES:
        raise UsageError(
            f"a reset has no mode {mode!r}", "use soft, which keeps a way back, or hard"
        )
    ref = ws.writable_ref()
    with ws.repo.lock:
        goal, tip = commit_of(ws, target), ws.tip()
        _check_context(ws, goal)
        info = history.info_at(ws, goal)
        if goal == tip:
            return msgspec.structs.replace(info, changed=False)
        ws.repo.prepare_for_writing()
        view = ws.repo.staged()
        assert view.pending is not None
        refs.update_ref(view, ref, goal, old=tip, verb="reset")
        if mode == "soft" and tip is not None:
            keep(view, tip, ref, verb="reset")
            if ws.follows_head:
                view.pending.move(ORIG_HEAD, Move(None, tip, "reset"))
        landing.land(ws.repo, view.pending)
        ws.know_born(ref)
        if mode == "soft" and tip is not None:
            ws.orig_head = tip
    return info


def _check_context(ws: Workspace, commit: CommitId) -> None:
    """Refuse a commit that is damaged, or holds something else than a context."""
    read_raw_tree(ws.repo, read_commit(ws.repo, commit).tree)
    repos.check_context(ws.repo, commit)
