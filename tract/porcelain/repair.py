"""repair.py - give entries that share a slot slots of their own.

Only stock git leaves such a tree (a merge, a cherry-pick), so what is looked at is what differs
from the tree that this handle last left sound. The repair is a commit of its own before the write
that found it: history shows what happened. An entry that moves takes its id along in a header,
since an id read off the path would change.
"""

from __future__ import annotations

from tract.content import codec
from tract.plumbing import pages
from tract.plumbing.objects import Commit, Person, write_blob, write_commit
from tract.plumbing.pages import SlotFile
from tract.plumbing.repo import Repo, TreeId
from tract.porcelain import trailers
from tract.porcelain.context import ContextCache
from tract.porcelain.moment import committer_at, later_than
from tract.porcelain.trailers import Written


def separated(repo: Repo, contexts: ContextCache, tip: Commit, sound: TreeId | None) -> Commit:
    """The tip, or a commit on it in which every entry has its own slot; no ref moves.

    `sound` is a tree known to hold one entry a slot; None looks at every page that the index does
    not know.
    """
    if tip.tree == sound or not _has_shared(repo, contexts, tip.tree, sound):
        return tip
    items = contexts.read(tip.tree).items
    slots: dict[int, tuple[SlotFile, ...]] = {}
    written = []
    free = 0
    for item in items:
        slot = max(free, item.slot)
        free = slot + 1
        slots.setdefault(item.slot, ())
        slots[slot] = (item.file,)
        if slot != item.slot:
            blob = write_blob(repo, codec.encode(item.entry))
            slots[slot] = (item.file._replace(slot=slot, label=item.entry.label, blob=blob),)
            written.append(Written(slot, item.entry))
    tree = pages.replace(repo, tip.tree, slots)
    now_ms = later_than(repo, tip)
    who = committer_at(repo, now_ms)
    message = trailers.compose(
        "repair",
        written,
        time_ms=now_ms % 1000,
        message=f"repair: {len(written)} entries get slots of their own",
    )
    author = Person("tract", "tract@localhost", who.time_s)
    made = write_commit(repo, tree, (tip.id,), author=author, committer=who, message=message)
    return Commit(made, tree, (tip.id,), author, who, message)


def _has_shared(repo: Repo, contexts: ContextCache, tree: TreeId, sound: TreeId | None) -> bool:
    if sound is None:
        return contexts.has_shared(tree)
    return any(len(change.after) > 1 for change in pages.diff(repo, sound, tree))
