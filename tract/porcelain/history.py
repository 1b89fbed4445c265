"""history.py - what a commit did: read by comparing its tree with its first parent's.

The trailers are for people; a commit that stock git made has none and is read all the same: one
new entry is an append, one changed entry an edit, anything else `x-git`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from typing import NamedTuple

from tract.content.entry import Entry
from tract.content.generation import UNKNOWN, Generation
from tract.plumbing import pages, revs
from tract.plumbing.objects import Commit, read_commit
from tract.plumbing.pages import SlotChange, SlotFile
from tract.plumbing.repo import CommitId
from tract.porcelain import trailers
from tract.porcelain.commit_info import CommitInfo
from tract.porcelain.derived import CommitFacts
from tract.porcelain.workspace import Workspace

PORTION_MIN = 16
PORTION_MAX = 500


class Step(NamedTuple):
    """A commit, and how it changed the context it found."""

    commit: Commit
    changes: list[SlotChange]

    @property
    def written(self) -> list[SlotFile]:
        """The files it wrote."""
        return [file for change in self.changes for file in change.after]


def read_step(
    ws: Workspace, commit: Commit, known: Mapping[str, CommitFacts] | None = None
) -> Step:
    """How a commit changed its first parent's context: from the index, else by comparing.

    `known` is what the index knows of several, where they were asked for together.
    """
    facts = (ws.derived.commits([commit.id]) if known is None else known).get(commit.id)
    if facts is not None:
        return Step(commit, list(facts.changes))
    parent = read_commit(ws.repo, commit.parents[0]).tree if commit.parents else None
    step = Step(commit, pages.diff(ws.repo, parent, commit.tree))
    _keep(ws, commit.id, CommitFacts(operation_of(step), tuple(step.changes)))
    return step


def _keep(ws: Workspace, commit: str, facts: CommitFacts) -> None:
    """Keep facts of a commit; at a shallow clone's edge they would change with what is fetched."""
    if commit not in ws.repo.shallow:
        ws.derived.keep_commit(commit, facts)


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
        generation=ws.generations.of(step.commit.id, entry.id if entry is not None else None),
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
    branch: str | None = None,
    generation: Generation = UNKNOWN,
) -> CommitInfo:
    """Put a CommitInfo together out of what is already read."""
    said, time_ms = trailers.read(commit), trailers.committed_ms(commit)
    return CommitInfo(
        commit_hash=commit.id,
        parents=commit.parents,
        entry_id=entry.id if entry is not None else None,
        slot=file.slot if file is not None else None,
        blob_id=file.blob if file is not None else None,
        branch=branch or ws.branch_name,
        content_type=entry.type if entry is not None else None,
        role=entry.compiled_role if entry is not None else None,
        operation=operation,
        response_to=trailers.first(said, "Tract-Response-To"),
        message=trailers.subject(commit),
        priority=entry.priority if entry is not None else None,
        metadata=entry.metadata if entry is not None else None,
        author=commit.author.name,
        created_at=datetime.fromtimestamp(time_ms / 1000, UTC),
        context_tokens=context_tokens,
        generation_config=generation.config,
        usage=generation.usage,
        request_digest=generation.request_digest,
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


def writer_of(ws: Workspace, tip: CommitId, entry_id: str) -> CommitId:
    """The newest reachable commit that wrote or edited an entry of the tip's context."""
    return writers_of(ws, tip, {entry_id}).get(entry_id, tip)


def writers_of(ws: Workspace, tip: CommitId, wanted: set[str]) -> dict[str, CommitId]:
    """For each entry id: the newest reachable commit that wrote or edited it.

    A commit that annotates does not count; a merge only for what it took from no parent.
    """
    found: dict[str, CommitId] = {}
    left = set(wanted)
    if not left:
        return found
    for ids in _in_portions(revs.walk_ids(ws.repo, tip)):
        known = ws.derived.commits(ids)
        for commit_id in ids:
            facts = known.get(commit_id)
            if facts is None or facts.entries is None:
                facts = _complete(ws, commit_id)
            wrote = left.intersection(facts.entries or ())
            if facts.operation == "annotate" or not wrote:
                continue
            found |= dict.fromkeys(wrote, commit_id)
            left -= wrote
            if not left:
                return found
    return found


def _in_portions(ids: Iterator[CommitId]) -> Iterator[list[CommitId]]:
    """Few at first, as what is wanted is most often near the tip; more and more further back."""
    size = PORTION_MIN
    while portion := list(islice(ids, size)):
        yield portion
        size = min(2 * size, PORTION_MAX)


def _complete(ws: Workspace, commit_id: CommitId) -> CommitFacts:
    """The facts of a commit with the ids of what it set; kept, so that they are read once."""
    commit = read_commit(ws.repo, commit_id)
    step = read_step(ws, commit)
    known = ws.derived.commits([commit_id]).get(commit_id)
    own = _own_step(ws, commit) if len(commit.parents) > 1 else step
    entries = tuple(ws.contexts.item(file).entry.id for file in own.written)
    number = known.number if known is not None else 0
    facts = CommitFacts(operation_of(step), tuple(step.changes), entries, number)
    _keep(ws, commit_id, facts)
    return facts


def _own_step(ws: Workspace, commit: Commit) -> Step:
    """What a commit took from none of its parents."""
    changes = read_step(ws, commit).changes
    for parent in commit.parents[1:]:
        tree = read_commit(ws.repo, parent).tree
        differing = {change.slot for change in pages.diff(ws.repo, tree, commit.tree)}
        changes = [change for change in changes if change.slot in differing]
    return Step(commit, changes)


# How many


def count_commits(ws: Workspace, tip: CommitId) -> int:
    """How many commits lead to `tip` along first parents; counted from where it is known."""
    passed = 0
    for portion in _in_portions(revs.walk_first_parent_ids(ws.repo, tip)):
        ws.derived.commits(portion)
        for commit_id in portion:
            known = ws.derived.number(commit_id)
            if known:
                return _counted(ws, tip, passed + known)
            passed += 1
    return _counted(ws, tip, passed)


def _counted(ws: Workspace, tip: CommitId, number: int) -> int:
    """Keep a number; of a shallow clone it would change with what is fetched."""
    if not ws.repo.shallow:
        ws.derived.keep_number(tip, number)
    return number
