"""write.py - the one write path: every change of a context goes through `write`.

A plan is made on the branch's tip, and made again on the tip found under the write lock if that
moved meanwhile: so an append finds its place, and an edit of what somebody else just edited is
refused. Blobs, trees and commits are written first; the branch moves last, by compare-and-swap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from tract.content import codec
from tract.content.entry import Entry
from tract.content.media import extension_of
from tract.plumbing import pages, refs
from tract.plumbing.objects import (
    Commit,
    Person,
    clean_name,
    write_blob,
    write_commit,
)
from tract.plumbing.pages import Attachment, SlotFile
from tract.plumbing.repo import CommitId, Repo, TreeId
from tract.porcelain import repair, trailers
from tract.porcelain.decoded import entry_tokens
from tract.porcelain.history import CommitInfo, make_info
from tract.porcelain.moment import committer_at, later_than
from tract.porcelain.trailers import Written
from tract.porcelain.workspace import Workspace


class Draft(NamedTuple):
    """One commit to be made: an entry, and where it goes.

    `place` is None for an append, else the file whose slot the entry takes. `raw` are the bytes
    of its attachments by number. `said_ms` is when it was said, None for now.
    """

    entry: Entry
    operation: str = "append"
    place: SlotFile | None = None
    raw: tuple[tuple[int, str, bytes], ...] = ()
    author: tuple[str, str | None] | None = None
    said_ms: int | None = None
    message: str | None = None
    response_to: str | None = None
    via: str | None = None


Plan = Callable[[Commit | None], Sequence[Draft]]


def write(
    ws: Workspace,
    plan: Plan,
    *,
    verb: str | None = None,
    branch: str | None = None,
    on_commit: Callable[[], object] | None = None,
) -> list[CommitInfo]:
    """Carry out what `plan` drafts on the branch's tip: one commit a draft, one move of the branch.

    `plan` may refuse by raising; an empty plan writes nothing. `branch` writes to another branch
    than the handle's (imports). Several drafts are built before the lock is taken, so that a long
    import keeps nobody waiting; `on_commit` is called after each of them, outside the lock.

    Raises:
        StaleRef: stock git moved the branch in between.
        RepoLocked, StorageFull, ReadOnly: nothing was changed.
    """
    ref = ws.writable_ref(branch)
    before = _read_tip(ws, ref, branch)
    drafts = plan(before)
    if not drafts:
        return []
    blobs = _write_blobs(ws.repo, drafts)
    ahead = len(drafts) > 1
    infos = _commit_all(ws, before, drafts, blobs, on_commit) if ahead else []
    with ws.repo.lock:
        ws.repo.prepare_for_writing()
        now = before
        if refs.read_ref(ws.repo, ref) != (before.id if before is not None else None):
            now = _read_tip(ws, ref, branch)
            drafts, ahead = plan(now), False
            blobs = _write_blobs(ws.repo, drafts)
        if not ahead:
            infos = _commit_all(ws, now, drafts, blobs)
        if infos:
            verb = verb or drafts[0].operation
            old = now.id if now is not None else None
            refs.update_ref(ws.repo, ref, CommitId(infos[-1].commit_hash), old=old, verb=verb)
            ws.tip()  # the handle now knows that its branch has commits
    return infos


def _read_tip(ws: Workspace, ref: str, branch: str | None) -> Commit | None:
    tip = ws.tip() if branch is None else refs.read_ref(ws.repo, ref)
    return ws.newest.read(tip) if tip is not None else None


def _write_blobs(repo: Repo, drafts: Sequence[Draft]) -> list[SlotFile]:
    """The blobs of each draft, as a file whose slot is still to be found."""
    encoded = [codec.encode(draft.entry) for draft in drafts]
    return [
        SlotFile(-1, draft.entry.label, write_blob(repo, data), _attach(repo, draft))
        for draft, data in zip(drafts, encoded, strict=True)
    ]


def _attach(repo: Repo, draft: Draft) -> tuple[Attachment, ...]:
    fresh = [
        Attachment(n, extension_of(media_type), write_blob(repo, data))
        for n, media_type, data in draft.raw
    ]
    numbers = {each.n for each in draft.entry.attachments} - {each.n for each in fresh}
    kept = [each for each in (draft.place.attachments if draft.place else ()) if each.n in numbers]
    return tuple(sorted([*kept, *fresh]))


def _commit_all(
    ws: Workspace,
    tip: Commit | None,
    drafts: Sequence[Draft],
    blobs: Sequence[SlotFile],
    on_commit: Callable[[], object] | None = None,
) -> list[CommitInfo]:
    if tip is not None:
        tip = repair.separated(ws.repo, ws.contexts, tip, ws.sound_tree)
    infos = []
    for draft, blob in zip(drafts, blobs, strict=True):
        tip, info = _commit(ws, tip, draft, blob)
        infos.append(info)
        if on_commit is not None:
            on_commit()
    if tip is not None:
        ws.newest.keep(tip)
        ws.sound_tree = tip.tree
    return infos


def _commit(
    ws: Workspace, tip: Commit | None, draft: Draft, blob: SlotFile
) -> tuple[Commit, CommitInfo]:
    tree, file = _place(ws.repo, tip.tree if tip is not None else None, draft, blob)
    now_ms = later_than(ws.repo, tip)
    committer = committer_at(ws.repo, now_ms)
    message = trailers.compose(
        draft.operation,
        [Written(file.slot, draft.entry)],
        time_ms=now_ms % 1000,
        message=draft.message,
        via=draft.via,
        response_to=draft.response_to,
    )
    said_ms = now_ms if draft.said_ms is None else draft.said_ms
    author = Person(*author_of(draft.entry, draft.author or ws.author), said_ms // 1000)
    parents = (tip.id,) if tip is not None else ()
    made = write_commit(ws.repo, tree, parents, author=author, committer=committer, message=message)
    commit = Commit(made, tree, parents, author, committer, message)
    info = make_info(
        ws,
        commit,
        operation=draft.operation,
        file=file,
        entry=draft.entry,
        count=cache(lambda: entry_tokens(draft.entry, ws.counter)),
    )
    return commit, info


def _place(
    repo: Repo, tree: TreeId | None, draft: Draft, blob: SlotFile
) -> tuple[TreeId, SlotFile]:
    if draft.place is None:
        made, slot = pages.append(repo, tree, blob.label, blob.blob, blob.attachments)
        return made, blob._replace(slot=slot)
    file = blob._replace(slot=draft.place.slot)
    return pages.replace(repo, tree, {file.slot: (file,)}), file


def author_of(entry: Entry, given: tuple[str, str | None] | None) -> tuple[str, str]:
    """Who said an entry: the caller's word, else the tool's or the role's name."""
    role = {"tool_io": "tool", "reasoning": "assistant"}.get(entry.type, entry.compiled_role or "")
    name = (entry.tool_name if entry.is_result else None) or role
    mail = f"{role}@tract"
    if given is not None:
        name, mail = given[0], given[1] or mail
    return clean_name(name, role), clean_name(mail, f"{role}@tract").replace(" ", "")


def new_id(repo: Repo) -> str:
    """A name for an entry, for life: 8 random bytes as 16 letters k-z."""
    return refs.random_letters(repo, 8)
