"""diff.py - what changed between two commits, entry by entry.

Aligned by entry id, never by slot: an entry that moved is moved, not removed and added. Only pages
that differ are opened, so the cost is that of the change and not of the history.
"""

from __future__ import annotations

import difflib

import msgspec

from tract.content.entry import Entry
from tract.plumbing import pages
from tract.plumbing.objects import Commit, read_commit
from tract.plumbing.pages import SlotFile
from tract.porcelain.decoded import Item
from tract.porcelain.targets import commit_of
from tract.porcelain.workspace import Workspace

_KEYS_SHOWN = ("priority", "name", "tool_call_id", "tool_name", "status", "language", "role")


class MessageDiff(msgspec.Struct, frozen=True):
    """One entry's change: `status` is added, removed, modified or moved.

    `text` is a unified diff of what it says; slots are None where the entry is absent;
    `token_delta` is by how much what is shown of it grew.
    """

    entry_id: str
    status: str
    label: str
    content_type: str
    role: str | None
    slot_before: int | None
    slot_after: int | None
    text: str
    token_delta: int


class DiffStat(msgspec.Struct, frozen=True):
    """How many entries changed, by status."""

    added: int
    removed: int
    modified: int
    moved: int


class DiffResult(msgspec.Struct, frozen=True):
    """The change from commit `a` to commit `b` (None: before the first)."""

    a: str | None
    b: str | None
    message_diffs: tuple[MessageDiff, ...]
    stat: DiffStat
    token_delta: int


def diff(ws: Workspace, a: str | None = None, b: str = "HEAD") -> DiffResult:
    """What changed from `a` to `b`; without `a`, what `b` changed on its first parent.

    Raises:
        BadRevision, AmbiguousRevision, RevisionNotFound: `a` or `b`.
    """
    after = read_commit(ws.repo, commit_of(ws, b))
    if a is not None and a != f"{b}~1":
        return between(ws, read_commit(ws.repo, commit_of(ws, a)), after)
    return of_commit(ws, after)


def of_commit(ws: Workspace, commit: Commit) -> DiffResult:
    """What a commit changed on its first parent; all of it, for a first commit."""
    parent = read_commit(ws.repo, commit.parents[0]) if commit.parents else None
    return between(ws, parent, commit)


def between(ws: Workspace, a: Commit | None, b: Commit) -> DiffResult:
    """What changed from `a` (None: the empty context) to `b`."""
    changes = pages.diff(ws.repo, a.tree if a is not None else None, b.tree)
    before = _by_id(ws, [file for change in changes for file in change.before])
    after = _by_id(ws, [file for change in changes for file in change.after])
    diffs = [
        _one(before.get(entry_id), after.get(entry_id))
        for entry_id in dict.fromkeys((*after, *before))
        if not _same(before.get(entry_id), after.get(entry_id))
    ]
    diffs.sort(
        key=lambda each: each.slot_after if each.slot_after is not None else each.slot_before or 0
    )
    counts = [each.status for each in diffs]
    stat = DiffStat(*(counts.count(word) for word in DiffStat.__struct_fields__))
    return DiffResult(
        a.id if a is not None else None,
        b.id,
        tuple(diffs),
        stat,
        sum(each.token_delta for each in diffs),
    )


def _by_id(ws: Workspace, files: list[SlotFile]) -> dict[str, Item]:
    items = (ws.contexts.item(file) for file in files)
    return {item.id: item for item in items}


def _same(before: Item | None, after: Item | None) -> bool:
    return before is not None and after is not None and before.file == after.file


def _one(before: Item | None, after: Item | None) -> MessageDiff:
    item = after or before
    assert item is not None
    if before is None or after is None:
        status = "added" if before is None else "removed"
    else:
        status = "moved" if before.entry == after.entry else "modified"
    return MessageDiff(
        entry_id=item.id,
        status=status,
        label=item.entry.label,
        content_type=item.entry.type,
        role=item.entry.compiled_role,
        slot_before=before.file.slot if before else None,
        slot_after=after.file.slot if after else None,
        text=_unified(before, after),
        token_delta=(after.shown_tokens if after else 0) - (before.shown_tokens if before else 0),
    )


def _unified(before: Item | None, after: Item | None) -> str:
    lines = difflib.unified_diff(
        _lines(before.entry) if before else [],
        _lines(after.entry) if after else [],
        before.file.path if before else "/dev/null",
        after.file.path if after else "/dev/null",
        lineterm="",
    )
    return "\n".join(lines)


def _lines(entry: Entry) -> list[str]:
    """What an entry is, key by key where set, then what it says, line by line."""
    heads = [f"{key}: {value}" for key in _KEYS_SHOWN if (value := getattr(entry, key)) is not None]
    calls = [f"call: {msgspec.json.encode(call).decode()}" for call in entry.tool_calls]
    return [*heads, *calls, "", *entry.text.split("\n")]
