"""write.py - the one write path: every change of a context goes through `write`.

A plan is made on the branch's tip, and made again on the tip found under the write lock if that
moved meanwhile: so an append finds its place, and an edit of what somebody else just edited is
refused. Objects are built in memory first (plumbing/pending.py); they are written together, notes
move next, and the branch last. In a batch they stay in memory until the batch ends (batch.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tract.content import codec, generation
from tract.content.entry import Entry
from tract.content.generation import UNKNOWN, lines_about
from tract.content.media import extension_of
from tract.errors import StaleRef
from tract.plumbing import landing, notes, pages, refs
from tract.plumbing.objects import (
    Commit,
    Person,
    clean_name,
    write_blob,
    write_commit,
)
from tract.plumbing.pages import Attachment, SlotFile, Tail
from tract.plumbing.ref_names import HEADS
from tract.plumbing.repo import CommitId, Repo
from tract.porcelain import repair, settle, spill, trailers
from tract.porcelain.arguments import iso, moment_ms
from tract.porcelain.behind import Wrote
from tract.porcelain.commit_info import CommitInfo, with_generation
from tract.porcelain.decoded import EntryCount
from tract.porcelain.history import make_info
from tract.porcelain.moment import committer_at, later_than
from tract.porcelain.recording import Call, Carried, NoteCall, Recording, Rename
from tract.porcelain.trailers import Written
from tract.porcelain.workspace import Workspace

TRIES = 5


class Draft(NamedTuple):
    """One commit to be made: an entry, and where it goes.

    `place` is None for an append, else the file whose slot the entry takes. `raw` are the bytes
    of its attachments by number. `said_ms` is when it was said, None for now. `notes` are lines
    of its generation note; `carries` is the commit whose lines about the entry go along, as they
    stand when the branch moves.
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
    notes: tuple[str, ...] = ()
    carries: CommitId | None = None


Plan = Callable[[Commit | None], Sequence[Draft]]


class Made(NamedTuple):
    """A commit that was built, the lines of its generation note, and what its user is told."""

    commit: Commit
    draft: Draft
    file: SlotFile
    lines: list[str]
    info: CommitInfo


class Built(NamedTuple):
    """Commits in a staged repository, and where the next append goes."""

    made: list[Made]
    tail: Tail | None

    @property
    def infos(self) -> list[CommitInfo]:
        """What the user is told of the commits."""
        return [each.info for each in self.made]


def write(
    ws: Workspace,
    plan: Plan,
    *,
    verb: str | None = None,
    branch: str | None = None,
    rename: Rename | None = None,
    on_commit: Callable[[], object] | None = None,
) -> list[CommitInfo]:
    """Carry out what `plan` drafts on the branch's tip: one commit a draft, one move of the branch.

    `plan` may refuse by raising; an empty plan writes nothing. `branch` writes to another branch
    than the handle's (imports), and `rename` finds another name for one that somebody else took
    before a batch landed. `on_commit` is called after each commit that a batch builds.

    Raises:
        StaleRef: stock git moved the branch in between, which an append minds only if it goes on.
        RepoLocked, StorageFull, ReadOnly: nothing was changed.
    """
    ref = ws.writable_ref(branch)
    if ws.recording is not None:
        with ws.recording.lock:
            return _record(ws, ws.recording, ref, plan, branch, rename, on_commit)
    before = _read_tip(ws, ref, branch)
    drafts = plan(before)
    if not drafts:
        return []
    with ws.repo.lock:
        ws.repo.prepare_for_writing()
        for left in reversed(range(TRIES)):
            if refs.read_ref(ws.repo, ref) != (before.id if before is not None else None):
                before = _read_tip(ws, ref, branch)
                drafts = plan(before)
            if not drafts:
                return []
            try:
                built = _land(ws, ref, before, drafts, verb)
                break
            except StaleRef:
                # Stock git, which knows no lock of ours: an append finds its place once more.
                if left == 0 or any(draft.place is not None for draft in drafts):
                    raise
    settle.after_write(ws)
    return built.infos


def _record(
    ws: Workspace,
    recording: Recording,
    ref: str,
    plan: Plan,
    branch: str | None,
    rename: Rename | None,
    on_commit: Callable[[], object] | None,
) -> list[CommitInfo]:
    """Build the commits in the batch's memory, and keep how to build them once more."""
    before = _read_tip(ws, ref, branch)
    drafts = plan(before)
    if not drafts:
        return []
    built = _build(ws, ws.repo, ref, before, drafts, recording.verb, on_commit)
    is_append = all(draft.place is None for draft in drafts)
    recording.calls.append(Call(plan, branch, rename, built.infos, is_append))
    spill.spill(ws)
    return built.infos


def _land(
    ws: Workspace, ref: str, before: Commit | None, drafts: Sequence[Draft], verb: str | None
) -> Built:
    """Build the commits in memory, then write them and move the branch; the lock is held."""
    view = ws.repo.staged()
    assert view.pending is not None
    view.pending.seen[ref] = before.id if before is not None else None
    built = _build(ws, view, ref, before, drafts, verb)
    landing.land(ws.repo, view.pending)
    _remember(ws, ref, built)
    return built


def write_note(
    ws: Workspace, info: CommitInfo, make: Callable[[str], str], *, verb: str = "usage"
) -> CommitInfo:
    """Add a line to the generation note of a commit, at once; `make` is given its `at`.

    That is now, or a moment after the newest line of the note where the clock is behind it: the
    newest line counts.

    Raises:
        RepoLocked, StorageFull, ReadOnly: nothing was changed.
    """
    ws.check_writable()
    if ws.recording is not None:
        with ws.recording.lock:
            ws.recording.calls.append(NoteCall(info, make))
            ws.recording.add_note(info.commit_hash, [make(_note_time(ws, info))])
    else:
        view = ws.repo.staged()
        assert view.pending is not None
        with ws.repo.lock:
            ws.repo.prepare_for_writing()
            ws.generations.forget()
            said = {info.commit_hash: [make(_note_time(ws, info))]}
            notes.add_lines(view, notes.GENERATION, said, verb=verb)
            landing.land(ws.repo, view.pending)
    ws.generations.forget()
    return with_generation(info, ws.generations.of(info.commit_hash, info.entry_id))


def _note_time(ws: Workspace, info: CommitInfo) -> str:
    newest = generation.newest_at(ws.generations.lines(info.commit_hash))
    newest_ms = moment_ms(newest) if newest is not None else None
    now_ms = ws.repo.clock()
    return str(iso(now_ms if newest_ms is None else max(now_ms, newest_ms + 1)))


def _read_tip(ws: Workspace, ref: str, branch: str | None) -> Commit | None:
    tip = ws.tip() if branch is None else refs.read_ref(ws.repo, ref)
    if branch is not None and tip is None:
        refs.check_absent(ws.repo, ref)
    elif branch is not None and tip is not None:
        refs.check_present(ws.repo, ref, tip)
    return ws.newest.read(tip) if tip is not None else None


def _build(
    ws: Workspace,
    repo: Repo,
    ref: str,
    tip: Commit | None,
    drafts: Sequence[Draft],
    verb: str | None,
    on_commit: Callable[[], object] | None = None,
) -> Built:
    """Build a commit a draft in a staged repository, and plan the moves of notes and branch."""
    old = tip.id if tip is not None else None
    verb = verb or drafts[0].operation
    if tip is not None:
        tip = repair.separated(repo, ws.contexts, tip, ws.sound_tree)
    tail, made = ws.tail, []
    for draft in drafts:
        each, tail = _commit(ws, repo, ref, tip, draft, tail)
        tip = each.commit
        made.append(each)
        if on_commit is not None:
            on_commit()
    assert tip is not None
    _note(ws, repo, made, verb)
    refs.update_ref(repo, ref, tip.id, old=old, verb=verb)
    built = Built(made, tail)
    if ws.recording is not None:
        _remember(ws, ref, built)
    return built


def _note(ws: Workspace, repo: Repo, made: Sequence[Made], verb: str) -> None:
    """Add the generation notes of the commits to what is going to be written."""
    said = {each.commit.id: each.lines for each in made if each.lines}
    if ws.recording is None:
        if said:
            notes.add_lines(repo, notes.GENERATION, said, verb=verb)
        return
    for commit_id, lines in said.items():
        ws.recording.add_note(commit_id, lines)
    ws.recording.carried += [
        Carried(each.draft.carries, each.commit.id, each.draft.entry.id)
        for each in made
        if each.draft.carries is not None
    ]


def _remember(ws: Workspace, ref: str, built: Built) -> None:
    """What the handle keeps of commits that are there now, for the next write."""
    ws.know_born(ref)
    tip = built.made[-1].commit
    ws.newest.keep(tip)
    ws.sound_tree, ws.tail = tip.tree, built.tail
    for each in built.made:
        draft = each.draft
        ws.behind.add(Wrote(ref, draft.operation, each.commit, draft.place, each.file, draft.entry))


def _commit(
    ws: Workspace,
    repo: Repo,
    ref: str,
    tip: Commit | None,
    draft: Draft,
    tail: Tail | None,
) -> tuple[Made, Tail | None]:
    entry, tree = draft.entry, tip.tree if tip is not None else None
    blob, attachments = write_blob(repo, codec.encode(entry)), _attach(repo, draft)
    if draft.place is None:
        put = pages.append(repo, tree, entry.label, blob, attachments, tail=tail)
        made, tail = put.tree, put.tail
        file = SlotFile(put.slot, entry.label, blob, attachments)
    else:
        file = SlotFile(draft.place.slot, entry.label, blob, attachments)
        made, tail = pages.replace(repo, tree, {file.slot: (file,)}), None
    now_ms = later_than(repo, tip)
    committer = committer_at(repo, now_ms)
    message = trailers.compose(
        draft.operation,
        [Written(file.slot, entry)],
        time_ms=now_ms % 1000,
        message=draft.message,
        via=draft.via,
        response_to=draft.response_to,
    )
    said_ms = now_ms if draft.said_ms is None else draft.said_ms
    author = Person(*author_of(entry, draft.author or ws.author), said_ms // 1000)
    parents = (tip.id,) if tip is not None else ()
    commit_id = write_commit(
        repo, made, parents, author=author, committer=committer, message=message
    )
    commit = Commit(commit_id, made, parents, author, committer, message)
    lines = list(draft.notes)
    if draft.carries is not None:
        lines += lines_about(ws.generations.lines(draft.carries), entry.id)
    info = make_info(
        ws,
        commit,
        branch=ref.removeprefix(HEADS),
        operation=draft.operation,
        file=file,
        entry=entry,
        count=EntryCount(entry, ws.counter),
        generation=generation.of_entry(lines, entry.id) if lines else UNKNOWN,
    )
    return Made(commit, draft, file, lines, info), tail


def _attach(repo: Repo, draft: Draft) -> tuple[Attachment, ...]:
    fresh = [
        Attachment(n, extension_of(media_type), write_blob(repo, data))
        for n, media_type, data in draft.raw
    ]
    numbers = {each.n for each in draft.entry.attachments} - {each.n for each in fresh}
    kept = [each for each in (draft.place.attachments if draft.place else ()) if each.n in numbers]
    return tuple(sorted([*kept, *fresh]))


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
    return repo.random_letters(8)
