"""damage.py - which file is damaged: loose objects, packs and what is made from them, refs.

A file of git's ends with a checksum of what stands before it, or is named by one, so each can be
judged by itself.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from tract.plumbing.inventory import Damaged, PackFile, ids_of, names_in, object_folder, pack_folder
from tract.plumbing.object_store import DamagedLoose, loose_path, read_loose
from tract.plumbing.opening import BadFile, fault_of_head, is_nul
from tract.plumbing.ref_names import HEAD
from tract.plumbing.repo import Repo
from tract.plumbing.whole import value_of

_CHUNK = 1 << 20
_SHA_BYTES = 20
_INDEX_START = b"\xfftOc\0\0\0\2"
_INDEX_BYTES_MIN = 1032 + 2 * _SHA_BYTES
# Files that git makes again out of packs and commits, each sealed by a checksum at its end.
_MADE_AGAIN = (".rev", ".bitmap")
_PACKED_LINE = re.compile(rb"#.*|\^[0-9a-f]{40}|[0-9a-f]{40} [^\0-\x20\x7f]+")


# Objects


def fault_of_loose(folder: str, object_id: str) -> str | None:
    """What is wrong with the file of a loose object; None where it is sound."""
    try:
        found = read_loose(os.path.join(folder, "objects", ""), object_id)
    except DamagedLoose as error:
        return str(error)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "is missing" if found is None else None


def bad_loose(repo: Repo) -> Iterator[tuple[str, BadFile]]:
    """The loose objects whose files are damaged, each with its id."""
    folder = object_folder(repo)
    for top in sorted(name for name in names_in(folder) if len(name) == 2):
        for rest in sorted(names_in(os.path.join(folder, top))):
            if len(rest) == 38:
                what = fault_of_loose(repo.path, top + rest)
                if what is not None and what != "is missing":  # it was packed meanwhile
                    yield top + rest, BadFile(loose_path(top + rest), what)


# Packs


def fault_of_sealed(path: str) -> str | None:
    """What is wrong with a file that ends with the SHA-1 of all that stands before."""
    sha = hashlib.sha1(usedforsecurity=False)
    try:
        with open(path, "rb") as file:
            left = os.fstat(file.fileno()).st_size - _SHA_BYTES
            if left < 0:
                return "has 0 bytes" if left == -_SHA_BYTES else "is cut off"
            while left > 0:
                chunk = file.read(min(_CHUNK, left))
                if not chunk:
                    return "is cut off"
                sha.update(chunk)
                left -= len(chunk)
            end = file.read()
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if end == sha.digest():
        return None
    return "holds nothing but NUL" if is_nul(end) else "is cut off or changed"


def fault_of_index(path: str) -> str | None:
    """What is wrong with the index of a pack."""
    what = fault_of_sealed(path)
    if what is not None:
        return what
    with open(path, "rb") as file:
        start = file.read(_INDEX_BYTES_MIN)
    is_index = len(start) == _INDEX_BYTES_MIN and start.startswith(_INDEX_START)
    return None if is_index else "is no index of a pack"


class PackState(NamedTuple):
    """What is wrong with a pack (`path` without extension) and with its index; None is sound."""

    path: str
    pack: str | None
    idx: str | None


def bad_packs(repo: Repo) -> list[PackState]:
    """The packs of which either half is damaged or missing."""
    names = names_in(pack_folder(repo))
    halves = [name for name in names if name.startswith("pack-")]
    stems = sorted({n.rsplit(".", 1)[0] for n in halves if n.endswith((".pack", ".idx"))})
    states = []
    for stem in stems:
        path = os.path.join(pack_folder(repo), stem)
        state = PackState(path, fault_of_sealed(path + ".pack"), fault_of_index(path + ".idx"))
        if state.pack or state.idx:
            states.append(state)
    return states


def bad_made_again(repo: Repo) -> Iterator[BadFile]:
    """Damaged files that git makes again: the index over many packs, commit-graphs, bitmaps."""
    info = os.path.join(object_folder(repo), "info")
    graphs = os.path.join(info, "commit-graphs")
    paths = [
        os.path.join(pack_folder(repo), name)
        for name in names_in(pack_folder(repo))
        if name == "multi-pack-index" or name.endswith(_MADE_AGAIN)
    ]
    paths += [os.path.join(info, name) for name in names_in(info) if name == "commit-graph"]
    paths += [os.path.join(graphs, name) for name in names_in(graphs) if name.endswith(".graph")]
    for path in sorted(paths):
        what = fault_of_sealed(path)
        if what is not None and what != "is missing":
            yield BadFile(os.path.relpath(path, repo.path), what)


# Refs


def fault_of_ref(repo: Repo, name: str) -> BadFile | None:
    """What is wrong with the file of a ref that cannot be read."""
    if name == HEAD:
        what = fault_of_head(repo.path)
        return BadFile(HEAD, what) if what is not None else None
    path = os.path.join(repo.path, name)
    try:
        with open(path, "rb") as file:
            data = file.read(4096)
    except OSError:
        packed = fault_of_packed_refs(repo.path)
        if packed:
            return BadFile("packed-refs", packed)
        has_packed = os.path.exists(os.path.join(repo.path, "packed-refs"))
        return BadFile(name, "is missing" + ("" if has_packed else ", and so is packed-refs"))
    if value_of(repo, name) is not None:
        return None
    if not data:
        return BadFile(name, "has 0 bytes")
    return BadFile(name, "holds nothing but NUL" if is_nul(data) else "is no ref")


def fault_of_packed_refs(folder: str) -> str | None:
    """What is wrong with `packed-refs`; one that is not there is sound."""
    try:
        with open(os.path.join(folder, "packed-refs"), "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return None
    if not data:
        return "has 0 bytes"
    if is_nul(data):
        return "holds nothing but NUL"
    *lines, rest = data.split(b"\n")
    if rest:
        return "is cut off"
    return None if all(map(_PACKED_LINE.fullmatch, lines)) else "has lines that are none of git's"


# Who is it


def file_of(repo: Repo, kind: str, name: str) -> BadFile | None:
    """The damaged file that keeps an object or a ref from being read; None where it can be."""
    if kind == "ref":
        return fault_of_ref(repo, name)
    what = fault_of_loose(repo.path, name)
    if what is None:
        return None
    return (_in_a_pack(repo, name) if what == "is missing" else None) or BadFile(
        loose_path(name), what
    )


def _in_a_pack(repo: Repo, name: str) -> BadFile | None:
    """The pack that has the object, or may have had it: one that is damaged."""
    states = bad_packs(repo)
    for each in states:
        end, what = (".pack", each.pack) if each.pack else (".idx", each.idx)
        if each.idx is not None or bytes.fromhex(name) in _ids(each.path):
            return BadFile(os.path.relpath(each.path + end, repo.path), what or "")
    return None


def _ids(path: str) -> set[bytes]:
    try:
        with open(path + ".idx", "rb") as file:
            count = int.from_bytes(file.read(1032)[1028:], "big")
        return ids_of(PackFile(path, count, 0, is_foldable=False))
    except (OSError, Damaged):
        return set()
