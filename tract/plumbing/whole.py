"""whole.py - which commits are whole: their tree and every file in it can be read from the disk.

Asked where something was found damaged, so objects are read anew from the disk, through a database
that has cached nothing, each once: trees and blobs that commits share cost nothing again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

import pygit2
from pygit2.enums import ObjectType

from tract.errors import CorruptRepo
from tract.plumbing import reflog
from tract.plumbing.object_store import ObjectStore
from tract.plumbing.objects import FOLDER, parse_tree
from tract.plumbing.ref_names import OBJECT_ID, stored_value
from tract.plumbing.reflog import NOTHING
from tract.plumbing.repo import Repo

LOOKS_MAX = 300_000
_DEPTH_MAX = 40
_KINDS = {each.name.lower(): each for each in ObjectType if each.value > 0}
_MODULE = b"160000"
_LINKS_MAX = 5


class Fault(NamedTuple):
    """What cannot be read: an object by kind and id, or a ref by its name (kind `ref`)."""

    kind: str
    name: str


class Found(NamedTuple):
    """Where a ref stands as far as that is known, what is wrong there, and what is whole.

    `tip` is the value, or the newest one in the log where the ref itself cannot be read; `fault`
    is None where the tip is whole.
    """

    tip: str | None
    fault: Fault | None
    whole: str | None


class TooMuch(Exception):
    """So much would have to be read that it is given up."""


class Disk:
    """The objects as they are on the disk at this moment."""

    def __init__(self, repo: Repo, looks_max: int = LOOKS_MAX) -> None:
        self._odb = ObjectStore(os.path.join(repo.path, "objects"))
        self._shallow = repo.shallow
        self._left = looks_max
        self._known: dict[str, Fault | None] = {}

    def read(self, kind: str, name: str) -> bytes | None:
        """The content of an object; None where it cannot be read, or is of another kind."""
        self._left -= 1
        if self._left < 0:
            raise TooMuch
        try:
            found, data = self._odb.read(name)
        except (KeyError, ValueError, pygit2.GitError, OSError):
            return None
        return data if found == _KINDS[kind] else None

    def __contains__(self, name: str) -> bool:
        """Whether an object of any kind can be read."""
        return any(self.read(kind, name) is not None for kind in _KINDS)

    def root(self, commit: str) -> set[str]:
        """The ids that stand in the root of a commit's tree; none where it cannot be read."""
        found = self.commit(commit)
        items = self.tree(found[0]) if found is not None else None
        return {item[2].hex() for item in items or ()}

    def commit(self, name: str) -> tuple[str, list[str]] | None:
        """Tree and parents of a commit; None where it cannot be read."""
        data = self.read("commit", name)
        if data is None:
            return None
        lines = data.partition(b"\n\n")[0].decode("utf-8", "replace").split("\n")
        trees = [line[5:] for line in lines if line.startswith("tree ")]
        parents = [line[7:] for line in lines if line.startswith("parent ")]
        return (trees[0], [] if name in self._shallow else parents) if trees else None

    def tree(self, name: str) -> list[tuple[bytes, bytes, bytes]] | None:
        """The lines of a tree; None where it cannot be read."""
        data = self.read("tree", name)
        try:
            return parse_tree(data, name) if data is not None else None
        except CorruptRepo:
            return None

    def fault_of_commit(self, name: str) -> Fault | None:
        """The first thing that a commit's context needs and that cannot be read."""
        found = self.commit(name)
        return Fault("commit", name) if found is None else self.fault_of_tree(found[0])

    def fault_of_tree(self, name: str, depth: int = 0) -> Fault | None:
        """The same of a tree."""
        if name not in self._known:
            items = self.tree(name) if depth < _DEPTH_MAX else None
            faults = (self._fault_of_item(item, depth + 1) for item in items or ())
            first = next((each for each in faults if each is not None), None)
            self._known[name] = Fault("tree", name) if items is None else first
        return self._known[name]

    def _fault_of_item(self, item: tuple[bytes, bytes, bytes], depth: int) -> Fault | None:
        mode, _, raw = item
        name = raw.hex()
        if mode == FOLDER:
            return self.fault_of_tree(name, depth)
        return self.fault_of_blob(name) if mode != _MODULE else None

    def fault_of_blob(self, name: str) -> Fault | None:
        """The same of a blob."""
        if name not in self._known:
            is_sound = self.read("blob", name) is not None
            self._known[name] = None if is_sound else Fault("blob", name)
        return self._known[name]

    def first_parents(self, start: str) -> Iterator[tuple[str, bool]]:
        """The commits from `start` back, each with whether it can be read; the first that cannot
        be is the last."""
        at: str | None = start
        while at is not None:
            found = self.commit(at)
            yield at, found is not None
            at = found[1][0] if found is not None and found[1] else None


def find_whole(repo: Repo, ref: str, disk: Disk | None = None) -> Found:
    """Where a ref stands, and its newest whole commit: the tip itself, or one before it.

    Goes back along first parents; past a commit that cannot be read, the older values in the
    ref's log lead on. Of values that the branch had left before (an undo, a reset) those that
    come after the same damaged commit do not count.
    """
    disk = disk or Disk(repo)
    value = value_of(repo, ref)
    tip = value or logged_value(repo, ref)
    fault: Fault | None = Fault("ref", ref)
    try:
        if value is not None:
            fault = disk.fault_of_commit(value)
        whole = next((c for c in _back(repo, disk, ref, tip) if not disk.fault_of_commit(c)), None)
    except TooMuch:
        whole = None
    return Found(tip, fault, whole)


def value_of(repo: Repo, ref: str) -> str | None:
    """The value of a ref as it is on the disk; None where there is none, or it is no id."""
    for _ in range(_LINKS_MAX):
        value = stored_value(repo.path, ref)
        if value is None or not value.startswith("ref: "):
            return value if value is not None and OBJECT_ID.match(value) else None
        ref = value.removeprefix("ref: ")
    return None


def logged_value(repo: Repo, ref: str) -> str | None:
    """The newest value that a ref's log tells of."""
    lines = reflog.read_lines(repo.path, ref)
    return next((line.new for line in lines if line.new not in ("", NOTHING)), None)


def _back(repo: Repo, disk: Disk, ref: str, tip: str | None) -> Iterator[str]:
    """The commits that a ref may go back to, nearest first."""
    if tip is None:
        return
    behind_damage: set[str] = set()
    is_broken = False
    for commit, is_sound in disk.first_parents(tip):
        behind_damage.add(commit)
        is_broken = not is_sound
        if is_sound:
            yield commit
    seen: set[str] = set()
    for value in _logged(repo, ref) if is_broken else ():
        chain: list[str] = []
        for commit, is_sound in disk.first_parents(value):
            if commit in behind_damage or not is_sound:
                behind_damage |= {*chain, commit}
                break
            chain.append(commit)
            if commit in seen:
                break
        if chain and chain[-1] not in behind_damage:
            yield from (commit for commit in chain if commit not in seen)
            seen.update(chain)


def _logged(repo: Repo, ref: str) -> Iterator[str]:
    for line in reflog.read_lines(repo.path, ref):
        yield from (each for each in (line.new, line.old) if each not in ("", NOTHING))
