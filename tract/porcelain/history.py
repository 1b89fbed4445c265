"""history.py - what a commit did: read by comparing its tree with its first parent's.

The trailers are for people; a commit that stock git made has none and is read all the same: one
new entry is an append, one changed entry an edit, anything else `x-git`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import msgspec

from tract.content.entry import Entry
from tract.plumbing import pages, revs
from tract.plumbing.objects import Commit, read_commit
from tract.plumbing.pages import SlotChange, SlotFile
from tract.plumbing.repo import CommitId, Repo
from tract.porcelain import trailers
from tract.porcelain.workspace import Workspace


class CommitInfo(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A commit as its user sees it.

    `entry_id`, `slot`, `blob_id`, `content_type`, `role`, `priority` and `metadata` are those of
    the entry it wrote (None where it wrote several, or none). `message` is the subject line,
    `created_at` the committer's time, `changed` False where the call found the context already
    as it should be. `context_tokens`, in a log, is what the whole context counted then.
    """

    commit_hash: str
    parents: tuple[str, ...]
    entry_id: str | None
    slot: int | None
    blob_id: str | None
    branch: str | None
    content_type: str | None
    role: str | None
    operation: str
    response_to: str | None
    message: str
    priority: str | None
    metadata: dict[str, Any] | None
    author: str
    created_at: datetime
    changed: bool = True
    context_tokens: int | None = None
    count: Callable[[], int]

    @property
    def parent_hash(self) -> str | None:
        """The first parent; None for a first commit."""
        return self.parents[0] if self.parents else None

    @property
    def token_count(self) -> int:
        """Tokens of the entries this commit wrote, each counted by itself."""
        return self.count()

    def as_dict(self) -> dict[str, Any]:
        """What is known of the commit, ready for JSON."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__ if name != "count"}
        fields |= {"parent_hash": self.parent_hash, "token_count": self.token_count}
        return fields | {"created_at": self.created_at.isoformat()}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CommitInfo):
            return NotImplemented
        mine, theirs = self.as_dict(), other.as_dict()
        ignored = {"context_tokens", "branch"}
        return all(mine[key] == theirs[key] for key in mine.keys() - ignored)

    def __hash__(self) -> int:
        return hash(self.commit_hash)


class Step(NamedTuple):
    """A commit, and how it changed the context it found."""

    commit: Commit
    changes: list[SlotChange]

    @property
    def written(self) -> list[SlotFile]:
        """The files it wrote."""
        return [file for change in self.changes for file in change.after]


def read_step(ws: Workspace, commit: Commit) -> Step:
    """Compare a commit's context with its first parent's."""
    parent = read_commit(ws.repo, commit.parents[0]).tree if commit.parents else None
    return Step(commit, pages.diff(ws.repo, parent, commit.tree))


def operation_of(step: Step) -> str:
    """What the commit says it did, or what its trees say where stock git made it."""
    said = trailers.first(trailers.read(step.commit), trailers.OPERATION)
    if said:
        return said
    if len(step.changes) == 1:
        change = step.changes[0]
        if len(change.after) == 1:
            return "edit" if change.before else "append"
    return "x-git"


def info_of(ws: Workspace, step: Step, *, context_tokens: int | None = None) -> CommitInfo:
    """The commit as its user sees it."""
    written = step.written
    entry = single_entry(ws, step)
    return make_info(
        ws,
        step.commit,
        operation=operation_of(step),
        file=written[0] if entry is not None else None,
        entry=entry,
        count=cache(lambda: count_files(ws, written)),
        context_tokens=context_tokens,
    )


def make_info(
    ws: Workspace,
    commit: Commit,
    *,
    operation: str,
    file: SlotFile | None,
    entry: Entry | None,
    count: Callable[[], int],
    context_tokens: int | None = None,
    changed: bool = True,
) -> CommitInfo:
    """Put a CommitInfo together out of what is already read."""
    said, time_ms = trailers.read(commit), trailers.committed_ms(commit)
    return CommitInfo(
        commit_hash=commit.id,
        parents=commit.parents,
        entry_id=entry.id if entry is not None else None,
        slot=file.slot if file is not None else None,
        blob_id=file.blob if file is not None else None,
        branch=ws.branch_name,
        content_type=entry.type if entry is not None else None,
        role=entry.compiled_role if entry is not None else None,
        operation=operation,
        response_to=trailers.first(said, "Tract-Response-To"),
        message=trailers.subject(commit),
        priority=entry.priority if entry is not None else None,
        metadata=entry.metadata if entry is not None else None,
        author=commit.author.name,
        created_at=datetime.fromtimestamp(time_ms / 1000, UTC),
        changed=changed,
        context_tokens=context_tokens,
        count=count,
    )


def single_entry(ws: Workspace, step: Step) -> Entry | None:
    """The one entry that a commit wrote; None where it wrote several, or none."""
    written = step.written
    return ws.contexts.item(written[0]).entry if len(written) == 1 else None


def count_files(ws: Workspace, files: list[SlotFile]) -> int:
    """Tokens of the entries in these files, each counted by itself."""
    return sum(ws.contexts.item(file).tokens for file in files)


def info_at(ws: Workspace, commit: CommitId) -> CommitInfo:
    """The commit of that id as its user sees it."""
    return info_of(ws, read_step(ws, read_commit(ws.repo, commit)))


# Who wrote what


def writers_of(ws: Workspace, tip: CommitId, wanted: set[str]) -> dict[str, Step]:
    """For each entry id: the newest reachable commit that wrote or edited it.

    A commit that annotates does not count; a merge only for what it took from no parent.
    """
    found: dict[str, Step] = {}
    left = set(wanted)
    for step in _steps(ws.repo, tip):
        if not left:
            break
        if operation_of(step) == "annotate":
            continue
        for file in step.written:
            entry_id = ws.contexts.item(file).entry.id
            if entry_id in left:
                left.discard(entry_id)
                found[entry_id] = step
    return found


def _steps(repo: Repo, tip: CommitId) -> Iterator[Step]:
    for commit in revs.walk_all(repo, tip):
        parents = [read_commit(repo, parent).tree for parent in commit.parents]
        changes = pages.diff(repo, parents[0] if parents else None, commit.tree)
        for parent in parents[1:]:
            differing = {change.slot for change in pages.diff(repo, parent, commit.tree)}
            changes = [change for change in changes if change.slot in differing]
        yield Step(commit, changes)
