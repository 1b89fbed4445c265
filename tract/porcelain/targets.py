"""targets.py - what a target means: a commit, or an entry of the current context.

An entry is named by its id (letters k-z, 4 or more), by its slot (an int), or by a revision that
wrote exactly one entry. Object ids never look like entry ids; ref names win over both.
"""

from __future__ import annotations

import re
from functools import partial
from itertools import islice
from typing import NamedTuple

from tract.errors import (
    AmbiguousRevision,
    BadRevision,
    EntryNotFound,
    RevisionNotFound,
    UsageError,
)
from tract.plumbing import revs
from tract.plumbing.head import ORIG_HEAD, branch_of, switches
from tract.plumbing.objects import Commit, read_commit
from tract.plumbing.ref_names import HEADS
from tract.plumbing.repo import CommitId
from tract.porcelain import history
from tract.porcelain.decoded import Item
from tract.porcelain.workspace import Workspace

Target = str | int
_ENTRY_ID = re.compile(r"[k-z]{4,16}\Z")
_BEFORE = re.compile(r"(?:-|@\{-(\d{1,9})\})\Z")
_CANDIDATES_MAX = 10
ID_LETTERS = 16


class Located(NamedTuple):
    """An entry where it stands on the branch's tip."""

    tip: Commit
    item: Item


def commit_of(ws: Workspace, target: Target) -> CommitId:
    """The commit that a revision names.

    Raises:
        BadRevision, AmbiguousRevision, RevisionNotFound: see revs.resolve.
    """
    ws.check_open()
    if not isinstance(target, str):
        raise UsageError(f"{target!r} is no revision", "name a branch, a tag or a commit id")
    ws.tip()
    return _resolve(ws, target)


def _resolve(ws: Workspace, target: str) -> CommitId:
    return revs.resolve(ws.repo, target, head=ws.head, own=partial(_own_word, ws))


def _own_word(ws: Workspace, word: str) -> str | None:
    """What a word means in this handle alone: where it stood before, what its reset left."""
    if word == ORIG_HEAD and not ws.follows_head:
        return ws.orig_head
    count = moves_ago(word)
    if count is None:
        return None
    place = place_before(ws, count)
    branch = branch_of(place)
    return HEADS + branch if branch else place


def moves_ago(word: str) -> int | None:
    """How many moves back `-` and `@{-N}` mean; None for any other word."""
    before = _BEFORE.match(word)
    return int(before[1] or 1) if before is not None else None


def place_before(ws: Workspace, count: int) -> str:
    """Where the handle stood `count` moves ago, as a value of HEAD's (plumbing/head.py).

    Raises:
        RevisionNotFound: it has not moved so often.
    """
    if ws.follows_head:
        places = (each.before for each in switches(ws.repo))
    else:
        places = (each for each in reversed(ws.places))
    place = next(islice(places, count - 1, None), None) if count else None
    if place is None:
        raise RevisionNotFound(
            "there is no earlier place to go back to"
            if count == 1
            else f"there is no place {count} moves ago",
            "name a branch or a commit: `tract checkout NAME`",
        )
    return place


def entry_of(ws: Workspace, target: Target) -> Located:
    """The entry that a target names, as it stands on the branch's tip.

    Raises:
        EntryNotFound: no entry of the current context answers to it.
        AmbiguousRevision: several do; `candidates` lists them.
        BadRevision: it is a revision that wrote several entries, or none.
    """
    tip = ws.tip_commit()
    if tip is None:
        raise EntryNotFound(
            f"{ws.branch_name} has no entries yet", "write a first one, then name it"
        )
    if isinstance(target, int):
        item = ws.context(tip.tree).item_at(target)
        if item is None:
            raise EntryNotFound(f"nothing stands at slot {target}", "see `tract log` for slots")
        return Located(tip, item)
    found = _by_id(ws, tip, target) if looks_like_entry(ws, target) else None
    return found or _by_revision(ws, tip, target)


def looks_like_entry(ws: Workspace, target: Target) -> bool:
    """Whether a target is an entry's rather than a revision's: a slot, or an id no ref has."""
    ws.check_open()
    if isinstance(target, int):
        return True
    return bool(_ENTRY_ID.match(target)) and not _is_ref(ws, target)


def _is_ref(ws: Workspace, name: str) -> bool:
    try:
        _resolve(ws, name)
    except (BadRevision, RevisionNotFound):
        return False
    except AmbiguousRevision:
        return True
    return True


def _by_id(ws: Workspace, tip: Commit, prefix: str) -> Located:
    items = ws.context(tip.tree).items_called(prefix)
    if not items:
        raise EntryNotFound(
            f"no entry of {ws.branch_name or 'this context'} has an id that begins {prefix}",
            _where_else(ws, prefix),
        )
    if len(items) > 1:
        ids = [item.id for item in items[:_CANDIDATES_MAX]]
        raise AmbiguousRevision(
            f"{len(items)} entry ids begin {prefix}: {', '.join(ids)}",
            "write more letters",
            candidates=ids,
        )
    return Located(tip, items[0])


def _where_else(ws: Workspace, entry_id: str) -> str:
    """What to do about an entry that is not in the context: the index may know who wrote it."""
    writer = ws.derived.writer(entry_id) if len(entry_id) == ID_LETTERS else None
    if writer is None or writer not in ws.repo.odb:
        return "see `tract log` for the ids; an entry of another branch needs --branch"
    return f"it was written on another branch or taken out: `tract show {writer[:12]}`"


def _by_revision(ws: Workspace, tip: Commit, target: Target) -> Located:
    commit = commit_of(ws, target)
    step = history.read_step(ws, read_commit(ws.repo, commit))
    ids = [ws.contexts.item(file).entry.id for file in step.written]
    if len(ids) != 1:
        raise BadRevision(
            f"{target} wrote {len(ids)} entries, not one",
            f"name one of them: {', '.join(ids[:_CANDIDATES_MAX])}" if ids else "name an entry",
            candidates=ids,
        )
    found = ws.context(tip.tree).items_called(ids[0])
    if not found:
        raise EntryNotFound(
            f"the entry that {target} wrote is no longer in {ws.branch_name or 'this context'}",
            f"it is {ids[0]}; `tract show {target}` still shows it",
        )
    return Located(tip, found[0])
