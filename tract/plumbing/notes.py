"""notes.py - git notes: lines on commits, found in any fan-out, joined by union.

libgit2's own call writes flat notes trees, which cost O(n) a note; so the trees are ours. A new
note is written to `ab/cdef…` from the first one on; where stock git has put it elsewhere, it is
written where it stands. Only the folders on the way to a changed note are read and written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import TypeVar, cast

import pygit2

from tract.errors import UsageError
from tract.plumbing import refs
from tract.plumbing.chain import add_commit, read_tip
from tract.plumbing.failures import missing
from tract.plumbing.notes_tree import (
    Folder,
    Path,
    blobs_of,
    is_fan_out,
    is_folder,
    is_note,
    is_rest,
    put_note,
)
from tract.plumbing.objects import (
    Commit,
    read_blob,
    read_commit,
    read_raw_tree,
    read_tree,
    write_blob,
    write_tree,
)
from tract.plumbing.ref_names import OBJECT_ID
from tract.plumbing.repo import CommitId, Repo

TOKENS = "refs/notes/tract/tokens"
GENERATION = "refs/notes/tract/generation"
ANNOTATIONS = "refs/notes/tract/annotations"


_T = TypeVar("_T")
Of = Mapping[str, _T] | Mapping[CommitId, _T]  # a Mapping of one is not one of the other


# Reading


def read_lines(repo: Repo, ref: str, object_id: str) -> list[str]:
    """The lines of the notes on an object, each once; none where it has no note.

    Bytes that are no UTF-8 come as lone surrogates, and are the same bytes when written back.
    """
    root = _root(repo, read_tip(repo, ref))
    return _text(_read(repo, blobs_of(root, _checked(object_id))))


def noted(repo: Repo, ref: str, object_ids: Iterable[str]) -> set[str]:
    """Which of these objects have a note; the tree is read once for all."""
    root = _root(repo, read_tip(repo, ref))
    return {each for each in object_ids if blobs_of(root, _checked(each))}


def list_lines(repo: Repo, ref: str) -> Iterator[tuple[str, list[str]]]:
    """Every annotated object and its lines, by id; files that are no notes are passed over."""
    folders = fan_out(repo, ref)
    flat: dict[str, list[tuple[str, bytes]]] = {}
    if root := folders.pop("", None):
        for note in _walk(repo, root, "", is_deep=False):
            flat.setdefault(note[0][:2], []).append(note)
    for prefix in sorted(folders.keys() | flat.keys()):
        below = _walk(repo, folders[prefix], prefix) if prefix in folders else ()
        yield from _grouped(repo, chain(flat.get(prefix, ()), below))


def check(repo: Repo, ref: str) -> None:
    """Make sure that the ref, its commit and the root of its tree can be read.

    Raises:
        BadObject: one of them is missing or damaged.
    """
    parent = read_tip(repo, ref)
    if parent is not None:
        read_raw_tree(repo, parent.tree)


def fan_out(repo: Repo, ref: str) -> dict[str, str]:
    """The tree of each folder of notes in the root, by name, for a caller that caches by tree.

    Where notes stand in the root itself, its tree is there too, under the name "".
    """
    parent = read_tip(repo, ref)
    if parent is None:
        return {}
    items = read_tree(repo, parent.tree)
    found = {item[1].decode(): item[2].hex() for item in items if is_fan_out(item, 0)}
    if any(is_note(item, 0) for item in items):
        found[""] = parent.tree
    return found


def list_folder(repo: Repo, tree_id: str, prefix: str) -> Iterator[tuple[str, list[str]]]:
    """The notes of one folder that `fan_out` names, by id; of the root those in no folder.

    A note that stands both flat and in a folder comes with either, each time with those lines.
    """
    yield from _grouped(repo, _walk(repo, tree_id, prefix, is_deep=bool(prefix)))


def _walk(
    repo: Repo, tree: str, prefix: str, *, is_deep: bool = True
) -> Iterator[tuple[str, bytes]]:
    depth = len(prefix) // 2
    for item in sorted(read_tree(repo, tree), key=is_folder):  # shallow before deep, as _places
        if is_note(item, depth):
            yield prefix + item[1].decode(), item[2]
        elif is_deep and is_fan_out(item, depth):
            yield from _walk(repo, item[2].hex(), prefix + item[1].decode())


def _grouped(repo: Repo, notes: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, list[str]]]:
    found: dict[str, list[bytes]] = {}
    for object_id, blob in notes:
        found.setdefault(object_id, []).append(blob)
    for object_id in sorted(found):
        yield object_id, _text(_read(repo, found[object_id]))


def _read(repo: Repo, blobs: Iterable[bytes]) -> list[bytes]:
    lines = chain.from_iterable(read_blob(repo, blob.hex()).split(b"\n") for blob in blobs)
    return list(dict.fromkeys(filter(None, lines)))


def _text(lines: Iterable[bytes]) -> list[str]:
    return [line.decode("utf-8", "surrogateescape") for line in lines]


def _checked(object_id: str) -> str:
    """Anything else than an object id would become a path in the tree that no note has."""
    if not OBJECT_ID.match(object_id):
        raise UsageError(f"{object_id!r} is no object id", "notes stand on whole ids, 40 digits")
    return object_id


# Writing


def add_lines(repo: Repo, ref: str, lines: Of[Iterable[str]], *, verb: str) -> bool:
    """Add lines to the notes on objects, in one notes commit; the write lock must be held.

    Lines that stand there stay; a changed note is sorted by bytes. Returns False, and writes
    nothing, where every line stands there already.

    Raises:
        StaleRef: somebody else moved the ref first.
    """
    wanted = {_checked(object_id): _encoded(each) for object_id, each in lines.items()}
    parent = read_tip(repo, ref)
    return _add(repo, ref, parent, _root(repo, parent), wanted, verb)


def carry(repo: Repo, ref: str, moved: Of[str], *, verb: str) -> bool:
    """Add the notes of each old object (key) to the new one (value), in one notes commit.

    What is carried is what stood there before the call, so `{a: b, b: c}` is a shift.
    """
    parent = read_tip(repo, ref)
    root = _root(repo, parent)
    wanted: dict[str, set[bytes]] = {}
    for old, new in moved.items():
        lines = _read(repo, blobs_of(root, _checked(old)))
        wanted.setdefault(_checked(new), set()).update(lines)
    return _add(repo, ref, parent, root, wanted, verb)


def _encoded(lines: Iterable[str]) -> set[bytes]:
    whole = "\n".join(lines).encode("utf-8", "surrogateescape")
    return set(filter(None, whole.split(b"\n")))


def _body(lines: Iterable[bytes]) -> bytes:
    """As `git notes merge -s cat_sort_uniq` writes lines: sorted by bytes, each ended."""
    return b"".join(line + b"\n" for line in sorted(set(lines)))


def _add(
    repo: Repo,
    ref: str,
    parent: Commit | None,
    root: Folder,
    wanted: Mapping[str, set[bytes]],
    verb: str,
) -> bool:
    bodies: dict[str, bytes] = {}
    for object_id, new in wanted.items():
        old = _read(repo, blobs_of(root, object_id))
        if not new.issubset(old):
            bodies[object_id] = _body((*old, *new))
    if not bodies:
        return False
    blobs = {body: write_blob(repo, body) for body in dict.fromkeys(bodies.values())}
    for object_id, body in bodies.items():
        put_note(root, object_id, bytes.fromhex(blobs[body]))
    _commit(repo, ref, (parent,) if parent is not None else (), root, verb)
    return True


def _commit(
    repo: Repo, ref: str, parents: tuple[Commit, ...], root: Folder, verb: str, tail: str = ""
) -> None:
    tree = root.write() or write_tree(repo, ())
    add_commit(repo, ref, parents, tree, verb=verb, tail=tail)


# Taking back


def take_back(
    repo: Repo, ref: str, old: str | None, new: str | None, *, verb: str, tail: str
) -> bool:
    """Take back what one move of the ref, from `old` to `new`, did to its notes.

    The lines that it added go, those that it removed come again, and whatever was written since
    stays: a new commit, never a step back. Returns False where nothing of it is left.

    Raises:
        BadObject: one of the two commits is missing.
    """
    was, then = (_root(repo, read_commit(repo, each) if each else None) for each in (old, new))
    tip = read_tip(repo, ref)
    now = _root(repo, tip)
    paths = [path for path in _differing(was, then) if is_rest(path[-1], len(path) - 1)]
    for object_id in dict.fromkeys(b"".join(path).decode() for path in paths):
        _take_back(repo, object_id, was, then, now)
    if not now.is_changed:
        return False
    _commit(repo, ref, (tip,) if tip is not None else (), now, verb, tail)
    return True


def _take_back(repo: Repo, object_id: str, was: Folder, then: Folder, now: Folder) -> None:
    before, after, lines = (
        set(_read(repo, blobs_of(root, object_id))) for root in (was, then, now)
    )
    wanted = (lines - (after - before)) | (before - after)
    if wanted != lines:
        blob = bytes.fromhex(write_blob(repo, _body(wanted))) if wanted else None
        put_note(now, object_id, blob)


# Joining


def join(repo: Repo, ref: str, theirs: CommitId, *, verb: str) -> bool:
    """Join another notes commit into ours, as `git notes merge -s cat_sort_uniq` does.

    A note that both sides changed gets the lines of both; one that only one side changed or
    removed follows that side; removed against changed: the change stands. A file that is no note
    is taken over where they brought it and we have nothing at its path. Fast-forwards where it
    can; returns False where ours holds theirs already. The write lock must be held.

    Raises:
        BadObject: `theirs` is no commit.
    """
    other = read_commit(repo, theirs)
    mine = read_tip(repo, ref)
    base = _merge_base(repo, mine, theirs)
    if base == theirs:
        return False
    if mine is None or base == mine.id:
        refs.update_ref(repo, ref, theirs, old=mine.id if mine is not None else None, verb=verb)
        return True
    was = _root(repo, read_commit(repo, base) if base is not None else None)
    ours = _root(repo, mine)
    _join(repo, was, ours, _root(repo, other))
    _commit(repo, ref, (mine, other), ours, verb)
    return True


def _merge_base(repo: Repo, ours: Commit | None, theirs: str) -> CommitId | None:
    """The commit both sides come from: where there are several the newest, as git does.

    Of several that were written in the same second, git may take another.
    """
    landed = _landed(repo, ours) if ours is not None else []
    if not landed:
        return None
    try:
        # Of several commits, libgit2 takes all but the first as one that has them as parents.
        ids: list[str | pygit2.Oid] = [theirs, *landed]
        found = cast("pygit2.Oid | None", repo.git.merge_base_many(ids))
    except (pygit2.GitError, KeyError, ValueError) as error:
        raise missing("commit", theirs) from error
    return CommitId(str(found)) if found is not None else None


def _landed(repo: Repo, commit: Commit) -> list[CommitId]:
    """The commit, or where it is not on disk yet the nearest before it that libgit2 can see."""
    if repo.pending is None or commit.id not in repo.pending.objects:
        return [commit.id]
    parents = (read_commit(repo, parent) for parent in commit.parents)
    return [each for parent in parents for each in _landed(repo, parent)]


def _join(repo: Repo, base: Folder, ours: Folder, theirs: Folder) -> None:
    """Bring into `ours` what changed between the other two; folders that are equal stay shut."""
    paths = list(_differing(base, theirs))
    for object_id in dict.fromkeys(
        b"".join(path).decode() for path in paths if is_rest(path[-1], len(path) - 1)
    ):
        _join_note(repo, object_id, base, ours, theirs)
    for path in paths:
        item = theirs.find(path)
        if isinstance(item, tuple) and not is_note(item, len(path) - 1) and ours.is_free(path):
            ours.put(path, item)


def _differing(base: Folder, theirs: Folder, above: Path = ()) -> Iterator[Path]:
    for name in sorted(base.items.keys() | theirs.items.keys()):
        pair = base.items.get(name), theirs.items.get(name)
        if pair[0] == pair[1]:
            continue
        opens = [is_fan_out(item, len(above)) for item in pair]
        if any(opens):
            yield from _differing(base.below(name), theirs.below(name), (*above, name))
        if not all(fans or item is None for fans, item in zip(opens, pair, strict=True)):
            yield (*above, name)


def _join_note(repo: Repo, object_id: str, base: Folder, ours: Folder, theirs: Folder) -> None:
    was, mine, new = (blobs_of(root, object_id) for root in (base, ours, theirs))
    if set(new) in (set(was), set(mine)):
        return
    if mine and set(mine) != set(was):
        put_note(ours, object_id, _write_union(repo, (*mine, *new)))
    elif len(new) == 1:
        put_note(ours, object_id, new[0])  # as it is: git does not sort what it takes over
    else:
        put_note(ours, object_id, _write_union(repo, new) if new else None)


def _write_union(repo: Repo, blobs: Iterable[bytes]) -> bytes:
    return bytes.fromhex(write_blob(repo, _body(_read(repo, blobs))))


# The tree


def _root(repo: Repo, commit: Commit | None) -> Folder:
    return Folder(repo, commit.tree if commit is not None else None)
