"""salvage.py - what of a damaged tree can be read: a tree without the rest.

Where a version of it is known that is whole, what cannot be read is taken from there, so an entry
of which the newest text is lost has the one before. All files of a slot go together: an entry
without its picture would be another entry.
"""

from __future__ import annotations

import re

from tract.plumbing.objects import FOLDER, TreeItem, write_blob, write_tree
from tract.plumbing.repo import ATTRIBUTES, Repo
from tract.plumbing.whole import Disk

_ATTRIBUTES = b".gitattributes"
_SLOT = re.compile(rb"\d\d\.[a-z0-9-]+\.")


def readable_tree(repo: Repo, disk: Disk, tree: str, whole: str | None) -> str | None:
    """The tree with what can be read of it, or of `whole` in its place; None where nothing can."""
    if disk.fault_of_tree(tree) is None:
        return tree
    items, known = disk.tree(tree), _by_name(disk, whole)
    if items is None:
        return whole
    found = {item[1]: _readable_item(repo, disk, item, known.get(item[1])) for item in items}
    kept = {name: item for name, item in found.items() if item is not None}
    for stem in {_slot(name) for name, item in found.items() if item is None}:
        _drop(kept, known, stem)
    return str(write_tree(repo, kept.values())) if kept else None


def _by_name(disk: Disk, tree: str | None) -> dict[bytes, TreeItem]:
    items = disk.tree(tree) if tree is not None else None
    return {item[1]: item for item in items or ()}


def _readable_item(
    repo: Repo, disk: Disk, item: TreeItem, known: TreeItem | None
) -> TreeItem | None:
    mode, name, raw = item
    if mode == FOLDER:
        below = known[2].hex() if known is not None and known[0] == FOLDER else None
        made = readable_tree(repo, disk, raw.hex(), below)
        return (mode, name, bytes.fromhex(made)) if made is not None else None
    if disk.fault_of_blob(raw.hex()) is None:
        return item
    if name == _ATTRIBUTES:
        return mode, name, bytes.fromhex(write_blob(repo, ATTRIBUTES))
    return None


def _slot(name: bytes) -> bytes:
    """What the names of all files of a slot begin with; of any other file its name."""
    slot = _SLOT.match(name)
    return slot[0] if slot is not None else name


def _drop(kept: dict[bytes, TreeItem], known: dict[bytes, TreeItem], stem: bytes) -> None:
    """Take out a file, or all of its slot; what was whole there before comes back."""
    for each in [each for each in kept if each.startswith(stem)]:
        del kept[each]
    kept.update({each: item for each, item in known.items() if each.startswith(stem)})
