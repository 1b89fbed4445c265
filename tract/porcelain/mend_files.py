"""mend_files.py - files that are damaged, each judged by itself: found, and set aside or made anew.

HEAD and configuration first, since git works by them; then packs, so that what they hold is back
before it is missed; then loose objects. The derived index is removed where it disagrees.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

from tract.plumbing import cleaning, upkeep
from tract.plumbing.damage import (
    PackState,
    bad_loose,
    bad_made_again,
    bad_packs,
    fault_of_index,
)
from tract.plumbing.index import Index
from tract.plumbing.inventory import remove_file
from tract.plumbing.mending import mend_config, mend_head
from tract.plumbing.object_store import loose_path
from tract.plumbing.objects import blob_id, write_blob
from tract.plumbing.opening import faults_of_opening
from tract.plumbing.pages import list_pages
from tract.plumbing.program import run_git
from tract.plumbing.ref_names import HEAD, HEADS
from tract.plumbing.refs import list_refs
from tract.plumbing.repo import ATTRIBUTES, TreeId
from tract.plumbing.whole import Disk, value_of
from tract.porcelain.context import ContextCache
from tract.porcelain.derived import Derived
from tract.porcelain.mender import Mender, mended
from tract.porcelain.problem import Problem
from tract.porcelain.workspace import Workspace, counter_key

_CLONE = "a clone or backup may still have it"
_SIDES = (".idx", ".rev", ".bitmap", ".keep")


def head_and_config(ws: Workspace, mender: Mender | None) -> Iterator[Problem]:
    """HEAD and the configuration; libgit2 opened the repository, so its folders are there."""
    for path, what in faults_of_opening(ws.repo.path):
        if path not in (HEAD, "config"):
            continue
        kind = path.lower()
        problem = Problem(kind, path, f"{path} {what}", "`tract fsck --repair` puts it back")
        yield mended(mender, problem, _mend_head if path == HEAD else _mend_config)
    if mender is not None and ws.lost is not None:
        ws.stand_on_head()


def _mend_head(mender: Mender) -> str:
    return mend_head(mender.folder, mender.lock, mender.aside)


def _mend_config(mender: Mender) -> str:
    return mend_config(mender.folder, mender.aside)


# Packs


def packs(ws: Workspace, mender: Mender | None) -> Iterator[Problem]:
    """Packs, their indexes, and what git makes out of both."""
    states = bad_packs(ws.repo)
    for state in states:
        end, what = (".pack", state.pack) if state.pack else (".idx", state.idx)
        where = os.path.relpath(state.path + end, ws.repo.path)
        hint = "`tract fsck --repair` keeps what can be read of it; " + _CLONE
        if state.pack is None:
            hint = "`tract fsck --repair` makes it again from the pack; nothing is lost"
        problem = Problem("pack", where, f"{where} {what}", hint)
        yield mended(mender, problem, partial(_mend_pack, state=state))
    for path, what in bad_made_again(ws.repo):
        problem = Problem("pack", path, f"{path} {what}", "git makes it again; nothing is lost")
        yield mended(mender, problem, partial(_set_aside, path=path))
        states.append(PackState(path, None, None))
    if mender is not None and states:
        upkeep.forget_packs(ws.repo)


def _set_aside(mender: Mender, path: str) -> str:
    return f"it is in {mender.aside.move(path)}"


def _mend_pack(mender: Mender, state: PackState) -> str | None:
    if state.pack is not None:
        return _salvage_pack(mender, os.path.relpath(state.path, mender.folder))
    run_git(mender.repo, "index-pack", state.path + ".pack")
    is_made = fault_of_index(state.path + ".idx") is None
    return "it was made again from the pack; nothing is lost" if is_made else None


def _salvage_pack(mender: Mender, stem: str) -> str:
    """Make loose objects of what can be read; the index goes first, or git takes them for there."""
    for end in _SIDES:
        if os.path.exists(os.path.join(mender.folder, stem + end)):
            mender.aside.move(stem + end)
    path = os.path.join(mender.folder, stem + ".pack")
    if not os.path.exists(path):
        return f"its index is in {mender.aside.name}"
    with open(path, "rb") as file:
        run_git(mender.repo, "unpack-objects", "-r", "-q", stdin=file)
    return f"it is in {mender.aside.move(stem + '.pack')}, and what could be read of it is kept"


# Loose objects


def loose(ws: Workspace, mender: Mender | None) -> Iterator[Problem]:
    """Loose objects whose file is damaged, and the one object that can be written again."""
    for object_id, (path, what) in list(bad_loose(ws.repo)):
        problem = Problem("object", path, f"{path} {what}", _CLONE)
        yield mended(mender, problem, partial(_mend_loose, object_id=object_id, path=path))
    yield from _attributes(ws, mender)


def _mend_loose(mender: Mender, object_id: str, path: str) -> str:
    aside = mender.aside.move(path)
    has_copy = object_id in Disk(mender.repo)
    return f"it is in {aside}" + ("; a pack has the object whole" if has_copy else "")


def _attributes(ws: Workspace, mender: Mender | None) -> Iterator[Problem]:
    """The file that every tree of ours begins with; its content is known."""
    name = blob_id(ATTRIBUTES)
    disk = Disk(ws.repo)
    tips = (value_of(ws.repo, ref) for ref in list_refs(ws.repo, HEADS))
    roots = [disk.root(tip) for tip in tips if tip is not None]
    if name in disk or not any(name in root for root in roots):
        return
    path = loose_path(name)
    hint = "`tract fsck --repair` writes it again; nothing is lost"
    problem = Problem("object", path, f"{path} is missing", hint)
    yield mended(mender, problem, _write_attributes)


def _write_attributes(mender: Mender) -> str:
    write_blob(mender.repo, ATTRIBUTES)
    return "it was written again; nothing is lost"


# The derived index


def index(ws: Workspace, mender: Mender | None) -> Iterator[Problem]:
    """Whether the index says of the tips' pages what they say themselves."""
    key = counter_key(ws.counter)
    stored = Index(ws.derived.path, warn=lambda said: None)
    known = Derived(stored, key)
    cache = ContextCache(ws.repo, ws.counter, known.without_pages())
    wrong = ""
    for tree in _tips_trees(ws):
        pages = list_pages(ws.repo, tree)
        facts = known.pages(page.tree for page in pages)
        for page in pages:
            found = facts.get(page.tree)
            if found is not None and found != cache.page(page).facts:
                wrong = page.tree
    known.close()
    if wrong:
        said = f"the index says of page {wrong[:12]} what is not so"
        hint = "`tract fsck --repair` removes it; it is made again"
        problem = Problem("index", "tract/index.sqlite", said, hint)
        yield mended(mender, problem, lambda _: _remove_index(ws))


def _tips_trees(ws: Workspace) -> Iterator[TreeId]:
    """The trees of the branches that can be read."""
    disk = Disk(ws.repo)
    for ref in list_refs(ws.repo, HEADS):
        tip = value_of(ws.repo, ref)
        found = disk.commit(tip) if tip is not None else None
        if found is not None and disk.fault_of_tree(found[0]) is None:
            yield TreeId(found[0])


def _remove_index(ws: Workspace) -> str:
    ws.derived.remove()
    return "it was removed, and is made again"


# What was left behind


def stray(ws: Workspace, mender: Mender | None) -> Iterator[Problem]:
    """What was left behind more than an hour ago; ours was cleared at open, unless it could not be.

    A lock of another program's is never removed.
    """
    for path in cleaning.leftovers(ws.repo):
        is_lock = path.endswith(".lock")
        hint = "if no git runs, remove it" if is_lock else "remove it; no git needs it any more"
        problem = Problem("stray", path, f"{path} was left behind more than an hour ago", hint)
        if cleaning.is_ours(path):
            yield mended(mender, problem, partial(_remove, path=path))
        else:
            yield problem


def _remove(mender: Mender, path: str) -> str | None:
    remove_file(os.path.join(mender.folder, path))
    return None if os.path.exists(os.path.join(mender.folder, path)) else "it was removed"
