"""upkeep.py - keep few files: loose objects become packs, and small packs one.

Runs beside writers, without the write lock. That is safe because nothing is removed before its
copy is in place and on disk; because what no ref or reflog reaches yet stays loose, since it may
be another writer's, about to be pointed at; and because a folded pack is copied whole, reachable
or not. Upkeep is never why a verb fails: what cannot be done is left.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, groupby

import pygit2

from tract.errors import TractError
from tract.plumbing.failures import storage_error
from tract.plumbing.inventory import (
    SIDE_FILES,
    Damaged,
    PackFile,
    count_loose,
    find_packs,
    ids_of,
    list_loose,
    names_in,
    object_folder,
    pack_folder,
    remove_file,
)
from tract.plumbing.object_store import ObjectStore, guarded
from tract.plumbing.packs import Pack, PackWriter, keep
from tract.plumbing.reach import Walk, roots
from tract.plumbing.repo import Repo

PACKS_MAX = 50  # an append slows from 0.13 ms a blob at one pack to 2.7 at 1,000
ALIKE_MAX = 8
FOLD_MAX = 50_000
_FOLD_BYTES_MAX = 64 << 20
_PACK_BYTES_MAX = 1 << 30


def consolidate(repo: Repo, *, loose_max: int) -> bool:
    """Pack what is loose and reachable, if at least `loose_max` objects are loose.

    Small packs are folded in. The write lock is not needed. False where there was nothing to do,
    somebody else is at it, or it could not be done, in which case nothing has changed.
    """
    return count_loose(repo) >= loose_max and _consolidate_alone(repo)


def needs_fold(repo: Repo) -> bool:
    """Whether there are more packs than there should be."""
    return sum(name.endswith(".pack") for name in names_in(pack_folder(repo))) > PACKS_MAX


def fold(repo: Repo) -> bool:
    """Fold small packs, and what is loose, into one if there are more than 50 packs."""
    return needs_fold(repo) and _consolidate_alone(repo)


def _consolidate_alone(repo: Repo) -> bool:
    with alone(repo) as is_alone:
        if not is_alone:
            return False
        for found in (find_packs(repo), []):
            try:
                return _consolidate(repo, list_loose(repo), found)
            except Damaged:
                continue  # without the packs
            except (TractError, OSError):
                return False
    return False


@contextmanager
def alone(repo: Repo) -> Iterator[bool]:
    """Hold the upkeep file, if nobody else does; the kernel lets go of it when we are killed."""
    path = os.path.join(repo.path, "tract", "upkeep")
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        yield False
        return
    try:
        yield _try_lock(file)
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)  # a forked child may have the file, too
        os.close(file)


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _consolidate(repo: Repo, loose: set[bytes], found: list[PackFile]) -> bool:
    folded = _choose(repo, found, len(loose))
    packed: set[bytes] = set().union(*map(ids_of, folded))
    walk = Walk(repo, loose, packed)
    for family, start in roots(repo, walk.inside):
        walk.go_from(start, family)
    walk.go_over_the_rest()
    if len(folded) < 2 and loose <= walk.left:
        return False  # what is loose waits for its ref
    made, written = _write_packs(repo, walk)
    assert packed <= written, "nothing goes that has no copy"
    for raw in written & loose:
        name = raw.hex()
        remove_file(os.path.join(object_folder(repo), name[:2], name[2:]))
    for pack in folded:
        if pack.path not in {each.path for each in made}:
            _remove(pack.path)
    for each in made:
        each.release()
    if folded:
        forget_packs(repo)
    return bool(made)


def forget_packs(repo: Repo) -> None:
    """Let this handle look anew at which packs there are.

    libgit2 never lets go of a pack that it has seen: each that is gone costs an open file and
    0.7 µs a write. A handle that lives beside others that consolidate needs this now and then.
    """
    try:
        repo.odb = ObjectStore(object_folder(repo))
        repo.git.set_odb(guarded(object_folder(repo)))
    except (pygit2.GitError, KeyError, OSError) as error:
        raise storage_error(error, "open the object database") from error


def _size_class(count: int) -> int:
    """Which power of eight a number of objects is above."""
    return (max(count, 1).bit_length() - 1) // 3


def _choose(repo: Repo, found: list[PackFile], loose: int) -> list[PackFile]:
    """The packs to fold: eight of a size become one, so an object is copied a few times at most.

    Never are more than 50 packs left: past that the smallest go too. An index over many packs,
    which stock git wrote, must not name one that is gone: where it is there, no pack is touched.
    """
    if any(name.startswith("multi-pack-index") for name in names_in(pack_folder(repo))):
        return []
    foldable = sorted((p for p in found if p.is_foldable), key=lambda pack: pack.object_count)
    ordinary = [pack for pack in foldable if not _is_large(pack)]
    chosen: list[PackFile] = []
    folded = loose
    for size_class, packs in groupby(ordinary, key=lambda pack: _size_class(pack.object_count)):
        alike = list(packs)
        arriving = folded > 0 and _size_class(folded) == size_class
        if len(alike) + arriving >= ALIKE_MAX:
            chosen += alike
            folded += sum(pack.object_count for pack in alike)
    excess = len(found) - len(chosen) + 1 - PACKS_MAX
    return chosen + [pack for pack in foldable if pack not in chosen][: max(0, excess)]


def _is_large(pack: PackFile) -> bool:
    return pack.object_count > FOLD_MAX or pack.size_bytes > _FOLD_BYTES_MAX


def _write_packs(repo: Repo, walk: Walk) -> tuple[list[Pack], set[bytes]]:
    """Write what was walked, newest first, as one pack, or several where it is very much."""
    made: list[Pack] = []
    written: set[bytes] = set()
    objects = walk.newest_first()
    try:
        for first in objects:
            with PackWriter(repo) as writer:
                for raw, kind, data, family in chain((first,), objects):
                    writer.add(raw.hex(), kind, data, family)
                    written.add(raw)
                    if writer.size_bytes > _PACK_BYTES_MAX:
                        break
                made.append(writer.finish())
        for each in made:
            each.place()
    except BaseException:
        for each in made:
            each.discard()
            each.release()
        raise
    return made, written


def _remove(path: str) -> None:
    """Remove a folded pack, unless somebody wants it kept.

    Under a `.keep` of our own, so that what a kill leaves half removed is cleaned up later.
    """
    with suppress(OSError):
        if keep(path):
            for end in (".idx", *SIDE_FILES, ".pack", ".keep"):
                remove_file(path + end)
