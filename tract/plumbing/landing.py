"""landing.py - bring pending objects and ref moves to disk: loose files, or a pack where many.

Objects first, refs last and each by compare-and-swap. Directly before a ref moves, every object is
looked for once more and written again where it is gone: a stock prune takes what no ref reaches,
and git moves a ref to a missing commit without a word.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pygit2

from tract.plumbing import reflog, refs
from tract.plumbing.failures import storage_error
from tract.plumbing.head import ORIG_HEAD, expect_head, move_head, note_operation, set_orig_head
from tract.plumbing.inventory import remove_file
from tract.plumbing.object_store import DamagedLoose, read_loose
from tract.plumbing.objects import write_loose
from tract.plumbing.operations import new_operation
from tract.plumbing.packs import NewObject, Pack, write_pack
from tract.plumbing.pending import Pending, PendingObject
from tract.plumbing.ref_lock import PACKED_REFS, wait_until_free
from tract.plumbing.ref_names import HEAD, KEEP
from tract.plumbing.repo import CommitId, Repo

Objects = Mapping[str, PendingObject]
# A blob of this size is looked for before it is packed: an image that is there is not stored twice.
REUSED_BYTES_MIN = 16 << 10
PORTION_BYTES_MAX = 512 << 20
NOTES = "refs/notes/"


def land(repo: Repo, pending: Pending) -> None:
    """Write the objects as loose files, then move the refs, notes first; the write lock is held.

    Raises:
        StaleRef, RepoLocked: a ref could not be moved; those before it have moved.
        StorageFull, ReadOnly: nothing was moved.
    """
    objects = pending.take_objects()
    if len(pending.moves) > 1:
        _expect(repo, pending)
    for name, each in objects.items():
        _make_way(repo, name)
        write_loose(repo, each.kind, each.data)
    if repo.is_durable:
        _sync(repo, objects)
    _move(repo, pending, objects)


def pack(repo: Repo, pending: Pending, folder: str) -> list[Pack]:
    """Write the objects as a pack that waits in `folder`; several where they are very much."""
    objects = pending.take_objects()
    for name, each in objects.items():
        if len(each.data) >= REUSED_BYTES_MIN and _has(repo, name):
            pending.reused[name] = each
    portions: list[list[str]] = []
    size = PORTION_BYTES_MAX
    for name, each in objects.items():
        if name in pending.reused:
            continue
        if size >= PORTION_BYTES_MAX:
            portions.append([])
            size = 0
        size += len(each.data)
        portions[-1].append(name)
    return [write_pack(repo, _newest_first(objects, names), folder) for names in portions]


def _newest_first(objects: Objects, names: list[str]) -> Iterator[NewObject]:
    for name in reversed(names):
        kind, data, family = objects[name]
        yield name, int(kind), data, family


def moved(repo: Repo, pending: Pending) -> list[tuple[str, str | None, str | None]]:
    """The refs that no longer stand where the change began, each with where that was and is."""
    now = [(name, move.old, refs.read_ref(repo, name)) for name, move in pending.moves.items()]
    return [(name, old, found) for name, old, found in now if old != found]


def land_packed(repo: Repo, pending: Pending, packs: Sequence[Pack]) -> None:
    """Put the packs in place and move the refs, notes first; the write lock is held.

    What would be refused is refused before the first pack is in place.

    Raises:
        StaleRef, RepoLocked: another program moved a ref, or holds it.
        StorageFull, ReadOnly: a pack could not be put in place.
    """
    _expect(repo, pending)
    try:
        for each in packs:
            each.place()
        _move(repo, pending, pending.reused)
    finally:
        for each in packs:
            each.release()


def _expect(repo: Repo, pending: Pending) -> None:
    """Look at every ref before the first one moves: what would be refused is refused at once."""
    is_less = any(move.new is None for move in pending.moves.values())
    wait_until_free(repo, [*pending.moves, *([PACKED_REFS] if is_less else [])])
    for name, move in pending.moves.items():
        if name == HEAD:
            expect_head(repo, str(move.old))
        elif name != ORIG_HEAD:
            refs.expect(repo, name, move.old)


def _move(repo: Repo, pending: Pending, objects: Objects) -> None:
    names = sorted(pending.moves, key=lambda name: _rank(name, pending.is_taken_back))
    operation = pending.operation or _operation(repo, names, pending.told is not None)
    if pending.told is not None:
        verb, tail = pending.told
        note_operation(repo, verb, str(operation), tail)
    begins = any(move.old is None for move in pending.moves.values())
    taken = refs.taken_names(repo) if begins else None
    for name in names:
        move = pending.moves[name]
        if name == HEAD:
            old, new = str(move.old), str(move.new)
            move_head(repo, new, old=old, verb=move.verb, tail=move.tail, operation=operation)
            continue
        if name == ORIG_HEAD:
            set_orig_head(repo, CommitId(str(move.new)))
            continue
        refs.update_ref(
            repo,
            name,
            CommitId(move.new) if move.new is not None else None,
            old=CommitId(move.old) if move.old is not None else None,
            verb=move.verb,
            tail=move.tail,
            operation=operation,
            taken=taken,
            before=lambda: _write_again(repo, objects),
        )


def _rank(name: str, is_taken_back: bool) -> int:
    """Notes move first, then what keeps commits, branches, HEAD; notes last where they are taken
    back: so a kill leaves at worst a note on a commit that nobody can reach.
    """
    if name.startswith(NOTES):
        return 4 if is_taken_back else 0
    return 3 if name == HEAD else 1 if name.startswith((KEEP, ORIG_HEAD)) else 2


def _operation(repo: Repo, names: Sequence[str], is_told: bool) -> str | None:
    """The id for the moves of several refs; a single one finds its own."""
    if len(names) == 1 and not is_told:
        return None
    lines = [reflog.last_line(repo.path, name) for name in {*names, HEAD}]
    return new_operation(repo, lines)


def _loose_path(repo: Repo, object_id: str) -> str:
    return f"{repo.path}objects/{object_id[:2]}/{object_id[2:]}"


def _make_way(repo: Repo, name: str) -> None:
    """Remove a file that should hold an object about to be written, and does not.

    Git and libgit2 take a file of that name for the object, and would write nothing.
    """
    if not os.path.exists(_loose_path(repo, name)):
        return
    try:
        read_loose(f"{repo.path}objects/", name)
    except DamagedLoose:
        remove_file(_loose_path(repo, name))


def _has(repo: Repo, name: str) -> bool:
    """Whether an object is there, and sound."""
    try:
        repo.odb.read(name)
    except (KeyError, ValueError, pygit2.GitError, OSError):
        return False
    return True


def _write_again(repo: Repo, objects: Objects) -> None:
    """Write what is no longer there; a database opened now knows no pack that is gone."""
    gone = [name for name in objects if not os.path.exists(_loose_path(repo, name))]
    if not gone:
        return
    now = pygit2.Odb(os.path.join(repo.path, "objects"))
    for name in gone:
        if name not in now:
            write_loose(repo, objects[name].kind, objects[name].data, now)
    if repo.is_durable:
        _sync(repo, gone)


def _sync(repo: Repo, names: Iterable[str]) -> None:
    """Flush loose objects, and the folders that name them, to the disk (durability "power")."""
    files = [_loose_path(repo, name) for name in names]
    folders = sorted({os.path.dirname(file) for file in files})
    for path in [*files, *folders, os.path.join(repo.path, "objects")]:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # consolidated meanwhile: a pack is flushed when it is written
        try:
            os.fsync(fd)
        except OSError as error:
            raise storage_error(error, f"flush {path}") from error
        finally:
            os.close(fd)
