"""notes_tree.py - the tree of a notes ref: where in its fan-out a note stands, and may stand.

Folders are read when they are looked into and written where they changed. A new note goes to
`ab/cdef…`; one that stock git put elsewhere stays where it is.
"""

from __future__ import annotations

import re

from tract.errors import BadObject
from tract.plumbing.objects import FILE, FOLDER, TreeItem, read_tree, write_tree
from tract.plumbing.repo import Repo, TreeId

_HEX = re.compile(rb"[0-9a-f]+\Z")
_LEVELS = 20  # one for each byte of an object id
_DEPTHS = (*range(1, _LEVELS), 0)  # folders above a note, ours first, flat last
Path = tuple[bytes, ...]


class Folder:
    """A folder of a notes tree: read when it is looked into, written again where it changed."""

    def __init__(self, repo: Repo, tree: str | None) -> None:
        self.repo = repo
        self.tree = tree
        self.is_changed = False
        items = read_tree(repo, tree) if tree is not None else ()
        self.items: dict[bytes, TreeItem | Folder] = {item[1]: item for item in items}

    def open(self, name: bytes) -> Folder | None:
        """The folder of that name, kept open; None where there is none."""
        item = self.items.get(name)
        if isinstance(item, tuple) and is_folder(item):
            item = self.items[name] = Folder(self.repo, item[2].hex())
        return item if isinstance(item, Folder) else None

    def below(self, name: bytes) -> Folder:
        """The folder of that name; one that holds nothing, and is not kept, where there is none."""
        return self.open(name) or Folder(self.repo, None)

    def find(self, path: Path) -> TreeItem | Folder | None:
        """What stands at a path."""
        folder = self
        for name in path[:-1]:
            folder = folder.below(name)
        return folder.items.get(path[-1])

    def is_free(self, path: Path) -> bool:
        """Whether something may be put at a path: nothing is there, and no file is in the way."""
        folder = self
        for name in path[:-1]:
            if name not in folder.items:
                return True
            below = folder.open(name)
            if below is None:
                return False
            folder = below
        return path[-1] not in folder.items

    def put(self, path: Path, item: TreeItem) -> None:
        """Put an item at a path, in folders that are made where they are missing."""
        self.is_changed = True
        if len(path) == 1:
            self.items[path[0]] = item
            return
        below = self.items[path[0]] = self.below(path[0])
        below.put(path[1:], item)

    def drop(self, path: Path) -> None:
        """Remove what stands at a path."""
        self.is_changed = True
        if len(path) == 1:
            del self.items[path[0]]
        else:
            self.below(path[0]).drop(path[1:])

    def write(self) -> TreeId | None:
        """Store the folder and those below that changed; None where nothing is left in it."""
        if not self.is_changed and self.tree is not None:
            return TreeId(self.tree)
        lines: list[TreeItem] = []
        for name, item in self.items.items():
            if isinstance(item, tuple):
                lines.append(item)
            elif written := item.write():
                lines.append((FOLDER, name, bytes.fromhex(written)))
        return write_tree(self.repo, lines, follows=self.tree or "") if lines else None


def is_note(item: TreeItem | Folder | None, depth: int) -> bool:
    """Whether an item `depth` folders down is a note: a file that is named by the rest of an id."""
    return isinstance(item, tuple) and item[0].startswith(b"100") and is_rest(item[1], depth)


def is_rest(name: bytes, depth: int) -> bool:
    return len(name) == 2 * (_LEVELS - depth) and _HEX.match(name) is not None


def is_folder(item: TreeItem) -> bool:
    return item[0] == FOLDER


def is_fan_out(item: TreeItem | Folder | None, depth: int) -> bool:
    """Whether an item `depth` folders down is a folder that notes may stand in."""
    if not isinstance(item, tuple):
        return item is not None
    is_byte = len(item[1]) == 2 and _HEX.match(item[1]) is not None
    return is_folder(item) and is_byte and depth < _LEVELS - 1


def _path(object_id: str, depth: int) -> Path:
    name = object_id.encode()
    return (*(name[at : at + 2] for at in range(0, 2 * depth, 2)), name[2 * depth :])


def _places(root: Folder, object_id: str) -> list[Path]:
    """Where notes on an object stand, flat first."""
    found: list[Path] = []
    folder = root
    for depth in range(_LEVELS):
        path = _path(object_id, depth)
        if is_note(folder.items.get(path[-1]), depth):
            found.append(path)
        below = folder.open(path[-1][:2]) if depth < _LEVELS - 1 else None
        if below is None:
            break
        folder = below
    return found


def blobs_of(root: Folder, object_id: str) -> tuple[bytes, ...]:
    """The blobs of the notes on an object; more than one where it has notes in several places."""
    items = (root.find(path) for path in _places(root, object_id))
    return tuple(dict.fromkeys(item[2] for item in items if isinstance(item, tuple)))


def put_note(root: Folder, object_id: str, blob: bytes | None) -> None:
    """Let this blob (None: none) be the note on an object, in one place."""
    found = _places(root, object_id)
    kept = _preferred(root, object_id, found) if blob is not None else None
    for path in found:
        if path != kept:
            root.drop(path)
    if kept is not None and blob is not None:
        root.put(kept, (FILE, kept[-1], blob))


def _preferred(root: Folder, object_id: str, found: list[Path]) -> Path:
    """Where a note stands, a folder before the root; where it has none, where one may stand."""
    for depth in _DEPTHS:
        path = _path(object_id, depth)
        if path in found or (not found and root.is_free(path)):
            return path
    raise BadObject(
        f"the notes tree has no free place for a note on {object_id[:12]}",
        "files or folders that are no notes stand at its paths; rename them with git",
    )
