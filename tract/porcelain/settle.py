"""settle.py - tell notes and index what was written, and keep the object store tidy.

Done behind the writes: every 64 commits or 8 MiB of text, at the end of a batch, at close. What
fails here was acknowledged already and can be computed again, so it is kept for the next time,
never raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from itertools import islice

from tract.errors import CorruptRepo, RepoLocked, TractError
from tract.plumbing import landing, notes, refs, revs, upkeep
from tract.plumbing.inventory import count_loose
from tract.plumbing.objects import Commit
from tract.plumbing.pages import SlotChange
from tract.plumbing.ref_lock import is_held
from tract.porcelain import history
from tract.porcelain.behind import EVERY, Wrote
from tract.porcelain.decoded import Item, entry_tokens
from tract.porcelain.derived import CommitFacts
from tract.porcelain.workspace import Workspace, counter_key

OLDER_MAX = 1000
LOOSE_MAX_YOUNG = 250
LOOSE_MAX = 1000
YOUNG_COMMITS = 2000


def after_write(ws: Workspace) -> None:
    """After a write: settle when enough has gathered."""
    if ws.behind.is_due:
        settle(ws)


def settle(ws: Workspace) -> None:
    """Write token notes and index rows for what was written, and pack what has become many."""
    wrote = ws.behind.take()
    counted = _count(ws, wrote)
    with suppress(TractError):
        _keep_facts(ws, wrote, counted)
    try:
        _write_notes(ws, wrote, counted)
    except TractError:
        ws.behind.put_back(wrote)
    _tidy(ws)


def note_tokens(inner: Workspace) -> None:
    """Add the token notes of a batch to what it is going to write."""
    assert inner.recording is not None
    wrote = inner.behind.look()
    counted = inner.recording.counted = _count(inner, wrote, inner.recording.counted)
    lines = _token_lines(inner, wrote, counted)
    if lines:
        with suppress(TractError):
            lines |= _older_lines(inner, wrote) if inner.behind.is_first else {}
        with suppress(CorruptRepo):  # damaged notes cost their counts, and no batch
            notes.add_lines(inner.repo, notes.TOKENS, lines, verb="tokens")


def after_batch(ws: Workspace, inner: Workspace, *, is_noted: bool) -> None:
    """After a batch has landed: hand the index what is known of it, and keep the store tidy."""
    assert inner.recording is not None
    wrote = inner.behind.take()
    with suppress(TractError):
        _keep_facts(inner, wrote, inner.recording.counted)
    if is_noted:
        ws.behind.is_first = False
    else:
        ws.behind.put_back(wrote)
    _tidy(ws)


def close(ws: Workspace) -> None:
    """Let go of the repository; what is written behind is written now. A second time is fine."""
    if not ws.closed and ws.recording is None:
        if ws.behind and (ws.counts_at_close or _is_loaded(ws)):
            settle(ws)
        elif ws.behind:
            _tidy(ws)
        ws.derived.save()
    ws.release()


def _is_loaded(ws: Workspace) -> bool:
    return bool(getattr(ws.counter, "is_loaded", True))


# Token notes


def _token_lines(
    ws: Workspace, wrote: list[Wrote], counted: dict[str, int]
) -> dict[str, list[str]]:
    """The line of each commit's token note; none where counts are not to be kept."""
    name = counter_key(ws.counter)
    known = [each for each in wrote if each.file.blob in counted] if name else []
    return {each.commit.id: [f"{counted[each.file.blob]} {name}"] for each in known}


def _count(ws: Workspace, wrote: list[Wrote], known: Mapping[str, int] = {}) -> dict[str, int]:
    """The tokens of each entry by its blob; none where the program's own counter fails."""
    counted = {**known}
    try:
        for each in wrote:
            if each.file.blob not in counted:
                counted[each.file.blob] = entry_tokens(each.entry, ws.counter)
    except TractError:
        return {}
    return counted


def _write_notes(ws: Workspace, wrote: list[Wrote], counted: dict[str, int]) -> None:
    lines = _token_lines(ws, wrote, counted)
    if not lines:
        return
    if ws.behind.is_first:
        with suppress(CorruptRepo):  # a hole in the history costs no newer count
            lines |= _older_lines(ws, wrote)
    if is_held(ws.repo, notes.TOKENS):
        raise RepoLocked("another program holds the token notes", "they are written later")
    view = ws.repo.staged()
    assert view.pending is not None
    with ws.repo.lock:
        if notes.add_lines(view, notes.TOKENS, lines, verb="tokens"):
            landing.land(ws.repo, view.pending)
    ws.behind.is_first = False


def _older_lines(ws: Workspace, wrote: list[Wrote]) -> dict[str, list[str]]:
    """Of commits before these that a handle left without a note: it was killed, or in a hurry.

    They may stand among others' commits, so it is looked some way past what has a note.
    """
    lines: dict[str, list[str]] = {}
    oldest = {each.ref: each.commit for each in reversed(wrote)}
    for commit in oldest.values():
        parent = commit.parents[0] if commit.parents else None
        older = revs.walk_first_parents(ws.repo, parent)
        for _ in range(OLDER_MAX // EVERY):
            portion = list(islice(older, EVERY))
            noted = notes.noted(ws.repo, notes.TOKENS, (each.id for each in portion))
            left = [each for each in portion if each.id not in noted and each.id not in lines]
            lines |= {each.id: _lines_of(ws, each) for each in left}
            if not left:
                break
    return lines


def _lines_of(ws: Workspace, commit: Commit) -> list[str]:
    """The lines of the token note of a commit that is read back; several name their entries."""
    name = counter_key(ws.counter)
    items = [ws.contexts.item(file) for file in history.read_step(ws, commit).written]
    if len(items) == 1:
        return [f"{items[0].tokens} {name}"]
    return [f"{item.tokens} {name} {item.id}" for item in items]


# Index rows


def _keep_facts(ws: Workspace, wrote: list[Wrote], counted: dict[str, int]) -> None:
    """Hand the index what is known of commits just written, and of the pages they end in."""
    numbers: dict[str, int] = {}
    for each in wrote:
        before = (each.before,) if each.before is not None else ()
        change = SlotChange(each.file.slot, before, (each.file,))
        number = _number(ws, each.commit, numbers)
        facts = CommitFacts(each.operation, (change,), (each.entry.id,), number)
        ws.derived.keep_commit(each.commit.id, facts)
    for ref in {each.ref for each in wrote}:
        tip = refs.read_ref(ws.repo, ref)
        if tip is not None:
            items = {
                each.file: Item(each.file, each.entry, ws.counter, counted[each.file.blob])
                for each in wrote
                if each.ref == ref and each.file.blob in counted
            }
            ws.contexts.keep_facts(ws.newest.read(tip).tree, items)
    ws.derived.save()


def _number(ws: Workspace, commit: Commit, numbers: dict[str, int]) -> int:
    """How many commits lead to one just written; what leads to its parent is counted once."""
    if ws.repo.shallow:
        return 0
    before = 0
    if commit.parents:
        parent = commit.parents[0]
        before = numbers.get(parent) or history.count_commits(ws, parent)
    numbers[commit.id] = before + 1
    return before + 1


# Upkeep


def _tidy(ws: Workspace) -> None:
    """Pack loose objects when they have become many, sooner while the history is young."""
    with suppress(TractError):
        upkeep.forget_packs(ws.repo)
        loose = count_loose(ws.repo)
        tip = ws.tip() if loose >= LOOSE_MAX_YOUNG else None
        is_young = tip is None or history.count_commits(ws, tip) < YOUNG_COMMITS
        if loose >= (LOOSE_MAX_YOUNG if is_young else LOOSE_MAX):
            upkeep.consolidate(ws.repo, loose_max=1)
        else:
            upkeep.fold(ws.repo)
