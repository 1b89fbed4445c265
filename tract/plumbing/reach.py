"""reach.py - what refs and reflogs reach among loose objects and packs that are to be folded.

Goes from the newest back, and only through what is inside, so its cost is that of what is new.
Along the way it finds out which trees are versions of one another, which is what a pack needs to
store them as differences.
"""

from __future__ import annotations

import os
import re
from binascii import unhexlify
from collections.abc import Iterator
from contextlib import suppress

import pygit2
from pygit2.enums import ObjectType

from tract.plumbing.inventory import Damaged
from tract.plumbing.objects import FOLDER
from tract.plumbing.ref_names import packed_refs
from tract.plumbing.repo import Repo

_HELD_MAX = 64 << 20
_LOG_BLOCK = 1 << 20
_ID = re.compile(rb"[0-9a-f]{40}")
_LINE = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.S)
_TREE_OF = re.compile(rb"tree ([0-9a-f]{40})\n")
_NAMED = re.compile(rb"^(?:parent|object) ([0-9a-f]{40})$", re.M)
_WITH_HEADER = (ObjectType.COMMIT, ObjectType.TAG)
_UNREADABLE = (KeyError, ValueError, pygit2.GitError, OSError)
_Object = tuple[int, bytes]
_ORDINARY = re.compile(r"HEAD|worktrees/|refs/(heads|tags|remotes|tract/keep)/")


def roots(repo: Repo, wanted: set[bytes]) -> Iterator[tuple[str, bytes]]:
    """Where to begin: every id in HEAD, refs and reflogs that is wanted, with its family's name.

    Refs come before reflogs. Notes and our own documents have trees of another shape, so each of
    their refs is a family of its own.
    """
    for path in _files(repo, "HEAD", "refs", "worktrees"):
        yield from _roots_in(repo, path, wanted)
    with suppress(OSError):
        for ref, raw in packed_refs(repo.path):
            if raw in wanted:
                yield _family(ref), raw
    for path in _files(repo, "logs"):
        yield from _roots_in(repo, path, wanted)


def _files(repo: Repo, *tops: str) -> Iterator[str]:
    for top in tops:
        path = os.path.join(repo.path, top)
        if os.path.isfile(path):
            yield top
        for folder, folders, names in os.walk(path):
            folders.sort()
            for name in sorted(names):
                yield os.path.relpath(os.path.join(folder, name), repo.path)


def _roots_in(repo: Repo, path: str, wanted: set[bytes]) -> Iterator[tuple[str, bytes]]:
    """The ids in a file from its end, where a log has the newest; none in a block: no older."""
    family = _family(path.removeprefix("logs/"))
    with suppress(OSError), open(os.path.join(repo.path, path), "rb") as file:
        end = file.seek(0, os.SEEK_END)
        found = True
        while end > 0 and found:
            start = max(0, end - _LOG_BLOCK)
            block = os.pread(file.fileno(), end - start + 40, start)
            found = False
            for raw in map(unhexlify, reversed(_ID.findall(block))):
                if raw in wanted:
                    found = True
                    yield family, raw
            end = start


def _family(ref: str) -> str:
    return "" if _ORDINARY.match(ref) else ref + ":"


class Walk:
    """Goes over what is loose or to be folded, so that versions of a thing come in order."""

    def __init__(self, repo: Repo, loose: set[bytes], packed: set[bytes]) -> None:
        self.inside = loose | packed
        self.left = set(self.inside)
        self._odb = repo.odb
        self._packed = packed
        self._order: list[tuple[bytes, str]] = []
        self._held: dict[bytes, _Object] = {}
        self._held_bytes = 0

    def go_from(self, start: bytes, family: str) -> None:
        """Walk an object and what it needs, parents before their children."""
        stack: list[tuple[bytes, _Object | None]] = [(start, None)]
        while stack:
            raw, opened = stack.pop()
            if opened is not None:
                self._order.append((raw, ""))
                if opened[0] == ObjectType.COMMIT and (tree := _TREE_OF.match(opened[1])):
                    self._go_down(unhexlify(tree[1]), family + "/")
            elif raw in self.left and (found := self._look(raw)):
                if found[0] in _WITH_HEADER:
                    self.left.discard(raw)
                    stack.append((raw, found))
                    stack += [(each, None) for each in _named_in(found[1])]
                else:
                    self._go_down(raw, family + "/")

    def _go_down(self, start: bytes, family: str) -> None:
        stack = [(start, family)]
        while stack:
            raw, path = stack.pop()
            found = self._look(raw) if raw in self.left else None
            if found is None:
                continue
            self.left.discard(raw)
            is_tree = found[0] == ObjectType.TREE
            self._order.append((raw, path if is_tree else ""))
            for mode, name, child in _LINE.findall(found[1]) if is_tree else ():
                if child in self.left:
                    if mode == FOLDER:
                        stack.append((child, f"{path}{os.fsdecode(name)}/"))
                    else:
                        self._add(child)

    def _add(self, raw: bytes) -> None:
        self.left.discard(raw)
        self._order.append((raw, ""))

    def go_over_the_rest(self) -> None:
        """Take what is in the packs and was not reached: commits first, for their families."""
        rest = sorted(self.left & self._packed)
        for raw in rest:
            if raw in self.left and self._kind(raw) in _WITH_HEADER:
                self.go_from(raw, "")
        for raw in rest:
            if raw in self.left:
                self._add(raw)

    def newest_first(self) -> Iterator[tuple[bytes, int, bytes, str]]:
        """The objects walked, from the last one: id, kind, content, family."""
        for raw, family in reversed(self._order):
            found = self._held.pop(raw, None) or self._read(raw)
            if found is not None:
                yield raw, *found, family

    def _look(self, raw: bytes) -> _Object | None:
        """Read an object that will be written later; it is held, while that is not much."""
        found = self._held.get(raw) or self._read(raw)
        if found is not None and self._held_bytes < _HELD_MAX:
            self._held_bytes += len(found[1])
            self._held[raw] = found
        return found

    def _read(self, raw: bytes) -> _Object | None:
        """Read an object; a loose one that is gone or damaged is None, and stays where it is."""
        try:
            kind, data = self._odb.read(raw.hex())
        except _UNREADABLE as error:
            if raw in self._packed:
                raise Damaged from error
            return None
        return int(kind), data

    def _kind(self, raw: bytes) -> int:
        try:
            return int(self._odb.read_header(raw.hex())[0])
        except _UNREADABLE as error:
            raise Damaged from error


def _named_in(data: bytes) -> list[bytes]:
    """The parents of a commit, the object of a tag."""
    return [unhexlify(each) for each in _NAMED.findall(data.partition(b"\n\n")[0])]
