"""log.py - look back and around: log, show, status, and one commit or entry at a time."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import islice

import msgspec

from tract.content.entry import Entry
from tract.content.messages import PendingCall
from tract.errors import CorruptRepo, UsageError
from tract.plumbing import revs
from tract.plumbing.objects import Commit, read_commit
from tract.plumbing.pages import SlotFile
from tract.plumbing.repo import CommitId
from tract.porcelain import history, trailers
from tract.porcelain.commit_info import CommitInfo
from tract.porcelain.compile import token_source
from tract.porcelain.context import Summary
from tract.porcelain.decoded import total_tokens
from tract.porcelain.diff import DiffResult, of_commit
from tract.porcelain.history import Step
from tract.porcelain.targets import Target, commit_of, entry_of, looks_like_entry
from tract.porcelain.workspace import Workspace

RECENT = 5
CLOCK_AHEAD_MS = 24 * 3600 * 1000


class ShowResult(msgspec.Struct, frozen=True):
    """A commit, the one entry it wrote (else None), and what it changed."""

    commit: CommitInfo
    entry: Entry | None
    diff: DiffResult


class StatusInfo(msgspec.Struct, frozen=True):
    """Where the handle stands. Counts are of its branch's tip; tokens are what would be sent."""

    head_hash: str | None
    branch_name: str | None
    is_detached: bool
    commit_count: int
    entry_count: int
    token_count: int
    token_budget_max: int | None
    token_source: str
    recent_commits: tuple[CommitInfo, ...]
    pinned_count: int
    skipped_count: int
    pending_tool_calls: tuple[PendingCall, ...]
    warnings: tuple[str, ...]


def log(ws: Workspace, limit: int = 20) -> list[CommitInfo]:
    """The newest commits of the branch, newest first, along first parents.

    `context_tokens` of each is what the whole context counted at that commit.
    """
    if limit < 0:
        raise UsageError(f"a log of {limit!r} commits cannot be shown", "give a number from 0")
    tip = ws.tip_commit()
    if tip is None:
        return []
    shown_tokens = ws.contexts.summary(tip.tree).tokens
    infos = []
    commits = list(islice(revs.walk_first_parents(ws.repo, tip.id), limit))
    known = ws.derived.commits(commit.id for commit in commits)
    for commit in commits:
        step = history.read_step(ws, commit, known)
        total = total_tokens(shown_tokens, ws.counter)
        infos.append(history.info_of(ws, step, context_tokens=total))
        shown_tokens -= _added_tokens(ws, step)
    return infos


def _added_tokens(ws: Workspace, step: Step) -> int:
    def shown(files: Iterable[SlotFile]) -> int:
        return sum(ws.contexts.item(file).shown_tokens for file in files)

    return sum(shown(change.after) - shown(change.before) for change in step.changes)


def get(ws: Workspace, target: Target) -> CommitInfo:
    """The commit that a revision names, or the newest one that wrote or edited an entry.

    Raises:
        RevisionNotFound, EntryNotFound, AmbiguousRevision, BadRevision: the target.
    """
    if not looks_like_entry(ws, target):
        return history.info_at(ws, commit_of(ws, target))
    return history.info_at(ws, _writer(ws, target))


def _writer(ws: Workspace, target: Target) -> CommitId:
    located = entry_of(ws, target)
    return history.writer_of(ws, located.tip.id, located.item.id)


def entry(ws: Workspace, target: Target) -> Entry:
    """An entry as it stands now (named by id or slot), or as a revision wrote it.

    Raises:
        RevisionNotFound, EntryNotFound, AmbiguousRevision, BadRevision: the target.
    """
    if looks_like_entry(ws, target):
        return entry_of(ws, target).item.entry
    commit = read_commit(ws.repo, commit_of(ws, target))
    found = history.single_entry(ws, history.read_step(ws, commit))
    if found is None:
        raise UsageError(f"{target} did not write exactly one entry", "name the entry by its id")
    return found


def show(ws: Workspace, target: Target = "HEAD") -> ShowResult:
    """A commit, its entry, and what it changed; for an entry, the commit that last wrote it.

    Raises:
        RevisionNotFound, EntryNotFound, AmbiguousRevision, BadRevision: the target.
    """
    is_entry = looks_like_entry(ws, target)
    commit = read_commit(ws.repo, _writer(ws, target) if is_entry else commit_of(ws, target))
    step = history.read_step(ws, commit)
    return ShowResult(
        history.info_of(ws, step), history.single_entry(ws, step), of_commit(ws, commit)
    )


def status(ws: Workspace) -> StatusInfo:
    """Branch, counts, open tool calls, and what deserves a look."""
    tip = ws.tip_commit()
    found = ws.contexts.summary(tip.tree if tip is not None else None)
    return StatusInfo(
        head_hash=tip.id if tip is not None else None,
        branch_name=ws.branch_name,
        is_detached=ws.branch_name is None,
        commit_count=history.count_commits(ws, tip.id) if tip is not None else 0,
        entry_count=found.entry_count,
        token_count=total_tokens(found.tokens, ws.counter),
        token_budget_max=_budget(ws),
        token_source=token_source(ws),
        recent_commits=tuple(log(ws, RECENT)),
        pinned_count=found.pinned,
        skipped_count=found.skipped,
        pending_tool_calls=tuple(found.open_calls),
        warnings=tuple(_warnings(ws, tip, found)),
    )


def _warnings(ws: Workspace, tip: Commit | None, found: Summary) -> list[str]:
    said = [
        f"the result {item.id} at slot {item.slot} answers no open call;"
        " providers get it as a user text"
        for item in found.orphans
    ]
    if found.shared:
        said.append(f"entries share slot {found.shared[0]}; the next write gives each its own")
    ahead_ms = trailers.committed_ms(tip) - ws.repo.clock() if tip is not None else 0
    if ahead_ms > CLOCK_AHEAD_MS:
        days = ahead_ms // CLOCK_AHEAD_MS
        said.append(f"the newest commit is {days} days ahead of this machine's clock")
    said += ws.generations.look()
    return said + ws.repo.lock.takeovers + ws.repo.remarks[-1:] + ws.config.warnings()


def _budget(ws: Workspace) -> int | None:
    """The tokens that a context may have; None where no budget is set, or none can be read."""
    with suppress(CorruptRepo):
        tokens: int | None = ws.config.get("budget")
        return tokens
    return None
