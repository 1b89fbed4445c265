"""pending.py - objects and ref moves that are planned and not yet on disk.

Every change is built here first, so a change that is refused has written nothing. An append then
becomes loose objects, a batch one pack; either way the objects are kept until the refs have moved,
because a stock prune may take what no ref reaches yet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import pygit2
from pygit2.enums import ObjectType

from tract.plumbing.ref_names import Taken

_NAMES = {kind: kind.name.lower().encode() for kind in ObjectType if kind.value > 0}


class Move(NamedTuple):
    """A ref that is to go from `old` (None: it must not exist) to `new` (None: it is deleted).

    HEAD's values are `ref: refs/heads/NAME`, or a commit where it is detached.
    """

    old: str | None
    new: str | None
    verb: str
    tail: str = ""


class PendingObject(NamedTuple):
    """An object, and the family of versions it belongs to (packs store those as differences)."""

    kind: ObjectType
    data: bytes
    family: str


class Pending:
    """What a change is going to write: objects by id, refs in the order they are to move.

    `operation` is the id of which the moves are a part, where it is known beforehand;
    `is_taken_back` says that notes are taken back, so they move last; `told` is what HEAD's log is
    told first: the verb and the end of the line (head.note_operation).
    """

    def __init__(self) -> None:
        self.objects: dict[str, PendingObject] = {}
        self.reused: dict[str, PendingObject] = {}
        self.moves: dict[str, Move] = {}
        self.seen: dict[str, str | None] = {}
        self.taken: Taken | None = None
        self.size_bytes = 0
        self.operation: str | None = None
        self.is_taken_back = False
        self.told: tuple[str, str] | None = None

    def add(self, kind: ObjectType, data: bytes, follows: str = "") -> str:
        """Keep an object and return its id; `follows` is the id of the version before it."""
        header = b"%s %d\0" % (_NAMES[kind], len(data))
        object_id = hashlib.sha1(header + data, usedforsecurity=False).hexdigest()
        if object_id not in self.objects:
            earlier = self.objects.get(follows)
            family = earlier.family if earlier is not None else follows or object_id
            self.objects[object_id] = PendingObject(kind, data, family)
            self.size_bytes += len(data)
        return object_id

    def move(self, name: str, move: Move) -> None:
        """Plan a ref's move; a later move of the same ref takes the place of the earlier."""
        earlier = self.moves.pop(name, None)
        self.moves[name] = move._replace(old=earlier.old) if earlier is not None else move

    def forget_moves(self, prefix: str) -> None:
        """Plan no move of the refs that begin so, and look at them again."""
        for names in (self.moves, self.seen):
            for name in [name for name in names if name.startswith(prefix)]:
                del names[name]

    def take_objects(self) -> dict[str, PendingObject]:
        """Hand the objects over, to be written."""
        taken, self.objects, self.size_bytes = self.objects, {}, 0
        return taken

    def clear(self) -> None:
        """Forget everything."""
        self.take_objects()
        self.reused.clear()
        self.moves.clear()
        self.seen.clear()
        self.taken = None


class Backend(pygit2.OdbBackend):
    """Shows pending objects to libgit2, for the walks and revisions that it resolves itself."""

    def __init__(self, pending: Pending) -> None:
        super().__init__()
        self._pending = pending

    def read_cb(self, oid: pygit2.Oid) -> tuple[int, bytes]:
        """Kind and content; a KeyError sends libgit2 on to the next backend."""
        found = self._pending.objects[str(oid)]
        return int(found.kind), found.data

    def read_header_cb(self, oid: pygit2.Oid) -> tuple[int, int]:
        """Kind and size."""
        found = self._pending.objects[str(oid)]
        return int(found.kind), len(found.data)

    def read_prefix_cb(self, prefix: object) -> tuple[int, bytes, pygit2.Oid]:
        """Kind, content and id of the one object whose id begins so."""
        oid = self.exists_prefix_cb(prefix)
        return *self.read_cb(oid), oid

    def exists_cb(self, oid: pygit2.Oid) -> bool:
        """Whether it is pending."""
        return str(oid) in self._pending.objects

    def exists_prefix_cb(self, prefix: object) -> pygit2.Oid:
        """The id of the one object whose id begins so; where several do, none is taken."""
        found = [name for name in self._pending.objects if name.startswith(str(prefix))]
        if len(found) != 1:
            raise KeyError(prefix)
        return pygit2.Oid(hex=found[0])

    def refresh_cb(self) -> None:
        """Nothing to look up again."""

    def __iter__(self) -> Iterator[pygit2.Oid]:
        return (pygit2.Oid(hex=object_id) for object_id in self._pending.objects)
