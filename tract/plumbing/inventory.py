"""inventory.py - which files the object database is made of: loose objects, packs, leftovers."""

from __future__ import annotations

import os
from contextlib import suppress
from struct import iter_unpack
from typing import NamedTuple

from tract.plumbing.repo import Repo

SIDE_FILES = (".rev", ".bitmap")


class Damaged(Exception):
    """Something of a pack cannot be read."""


class Storage(NamedTuple):
    """How much there is; garbage is temporary files, and packs without their other half."""

    loose_count: int
    loose_bytes: int
    pack_count: int
    packed_count: int
    pack_bytes: int
    garbage_count: int


def count_storage(repo: Repo) -> Storage:
    """Count files and bytes of the object database; an object in two packs counts twice."""
    folder = object_folder(repo)
    tops = names_in(folder)
    garbage = sum(name.startswith("tmp_") for name in tops) + _pack_garbage(repo)
    loose = loose_bytes = 0
    for top in tops:
        for name in names_in(os.path.join(folder, top)) if len(top) == 2 else ():
            if len(name) == 38:
                loose += 1
                loose_bytes += size_of(os.path.join(folder, top, name))
            garbage += name.startswith("tmp_")
    found = find_packs(repo)
    packed = sum(pack.object_count for pack in found)
    pack_bytes = sum(pack.size_bytes + size_of(pack.path + ".idx") for pack in found)
    return Storage(loose, loose_bytes, len(found), packed, pack_bytes, garbage)


def count_loose(repo: Repo) -> int:
    """How many objects are files of their own; a look into at most 256 folders."""
    folder = object_folder(repo)
    tops = (top for top in names_in(folder) if len(top) == 2)
    return sum(len(name) == 38 for top in tops for name in names_in(os.path.join(folder, top)))


def _pack_garbage(repo: Repo) -> int:
    names = set(names_in(pack_folder(repo)))
    halves = {name.rsplit(".", 1)[0] for name in names if name.endswith((".pack", ".idx"))}
    lonely = sum(not {half + ".pack", half + ".idx"} <= names for half in halves)
    return lonely + sum(is_temporary(name) for name in names)


def is_temporary(name: str) -> bool:
    return name.startswith(("tmp_", "pack_git2_"))


def object_folder(repo: Repo) -> str:
    return os.path.join(repo.path, "objects")


def pack_folder(repo: Repo) -> str:
    return os.path.join(repo.path, "objects", "pack")


def names_in(folder: str) -> list[str]:
    """What a folder holds; nothing where it cannot be read."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def size_of(path: str) -> int:
    """The bytes of a file; none where it is gone."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


class PackFile(NamedTuple):
    """A pack that has its index; `path` without extension."""

    path: str
    object_count: int
    size_bytes: int
    is_foldable: bool


def find_packs(repo: Repo) -> list[PackFile]:
    folder = pack_folder(repo)
    names = set(names_in(folder))
    found = []
    for stem in sorted(name[:-5] for name in names if name.endswith(".pack")):
        if stem + ".idx" in names:
            count, is_known = _count_of(os.path.join(folder, stem + ".idx"))
            is_special = any(stem + end in names for end in (".keep", ".mtimes", ".promisor"))
            size = size_of(os.path.join(folder, stem + ".pack"))
            path = os.path.join(folder, stem)
            found.append(PackFile(path, count, size, is_known and not is_special))
    return found


def _count_of(index: str) -> tuple[int, bool]:
    """How many objects an index names, and whether it is of version 2, which we can read."""
    try:
        with open(index, "rb") as file:
            start = file.read(1032)
    except OSError:
        return 0, False
    if len(start) < 1032:
        return 0, False
    is_known = start.startswith(b"\xfftOc\0\0\0\2")
    return int.from_bytes(start[1028:] if is_known else start[1020:1024], "big"), is_known


def ids_of(pack: PackFile) -> set[bytes]:
    try:
        with open(pack.path + ".idx", "rb") as file:
            file.seek(1032)
            ids = file.read(20 * pack.object_count)
    except OSError as error:
        raise Damaged from error
    if len(ids) != 20 * pack.object_count:
        raise Damaged
    return {each for (each,) in iter_unpack("20s", ids)}


def list_loose(repo: Repo) -> set[bytes]:
    folder = object_folder(repo)
    found = set()
    for top in names_in(folder):
        for name in names_in(os.path.join(folder, top)) if len(top) == 2 else ():
            if len(name) == 38:
                with suppress(ValueError):
                    found.add(bytes.fromhex(top + name))
    return found


def remove_file(path: str) -> None:
    """Remove a file; one that is gone, or may not be removed, is left."""
    with suppress(OSError):
        os.unlink(path)
