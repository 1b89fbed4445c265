"""notes.py - git notes: lines on commits, found in any fan-out, joined by union.

libgit2's own call writes flat notes trees, which cost O(n) a note; so the trees are ours. A new
note is written to `ab/cdef…` from the first one on; where stock git has put it elsewhere, it is
written where it stands. Only the folders on the way to a changed note are read and written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import TypeVar, cast

import pygit2

from tract.errors import BadObject, UsageError
from tract.plumbing import refs
from tract.plumbing.objects import (
    FILE,
    FOLDER,
    Commit,
    Person,
    TreeItem,
    clean_name,
    read_blob,
    read_commit,
    read_tree,
    write_blob,
    write_commit,
    write_tree,
)
from tract.plumbing.repo import CommitId, Repo, TreeId, missing

TOKENS = "refs/notes/tract/tokens"
GENERATION = "refs/notes/tract/generation"
ANNOTATIONS = "refs/notes/tract/annotations"

_HEX = re.compile(rb"[0-9a-f]+\Z")
_OBJECT_ID = re.compile(r"[0-9a-f]{40}\Z")
_LEVELS = 20  # one for each byte of an object id
_DEPTHS = (*range(1, _LEVELS), 0)  # folders above a note, ours first, flat last

Path = tuple[bytes, ...]
_T = TypeVar("_T")
Of = Mapping[str, _T] | Mapping[CommitId, _T]  # a Mapping of one is not one of the other


# Reading


def read_lines(repo: Repo, ref: str, object_id: str) -> list[str]:
    """The lines of the notes on an object, each once; none where it has no note.

    Bytes that are no UTF-8 come as lone surrogates, and are the same bytes when written back.
    """
    root = _root(repo, _tip(repo, ref))
    return _text(_read(repo, _blobs(root, _checked(object_id))))


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


def fan_out(repo: Repo, ref: str) -> dict[str, str]:
    """The tree of each folder of notes in the root, by name, for a caller that caches by tree.

    Where notes stand in the root itself, its tree is there too, under the name "".
    """
    parent = _tip(repo, ref)
    if parent is None:
        return {}
    items = read_tree(repo, parent.tree)
    found = {item[1].decode(): item[2].hex() for item in items if _is_fan_out(item, 0)}
    if any(_is_note(item, 0) for item in items):
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
    for item in sorted(read_tree(repo, tree), key=_is_folder):  # shallow before deep, as _places
        if _is_note(item, depth):
            yield prefix + item[1].decode(), item[2]
        elif is_deep and _is_fan_out(item, depth):
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
    if not _OBJECT_ID.match(object_id):
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
    parent = _tip(repo, ref)
    return _add(repo, ref, parent, _root(repo, parent), wanted, verb)


def carry(repo: Repo, ref: str, moved: Of[str], *, verb: str) -> bool:
    """Add the notes of each old object (key) to the new one (value), in one notes commit.

    What is carried is what stood there before the call, so `{a: b, b: c}` is a shift.
    """
    parent = _tip(repo, ref)
    root = _root(repo, parent)
    wanted: dict[str, set[bytes]] = {}
    for old, new in moved.items():
        lines = _read(repo, _blobs(root, _checked(old)))
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
    root: _Folder,
    wanted: Mapping[str, set[bytes]],
    verb: str,
) -> bool:
    bodies: dict[str, bytes] = {}
    for object_id, new in wanted.items():
        old = _read(repo, _blobs(root, object_id))
        if not new.issubset(old):
            bodies[object_id] = _body((*old, *new))
    if not bodies:
        return False
    blobs = {body: write_blob(repo, body) for body in dict.fromkeys(bodies.values())}
    for object_id, body in bodies.items():
        _put_note(root, object_id, bytes.fromhex(blobs[body]))
    _commit(repo, ref, (parent,) if parent is not None else (), root, verb)
    return True


def _commit(repo: Repo, ref: str, parents: tuple[Commit, ...], root: _Folder, verb: str) -> None:
    now_s = max(repo.clock() // 1000, *(parent.committer.time_s for parent in parents), 0)
    name, mail = repo.committer
    who = Person(clean_name(name, "tract"), clean_name(mail, "tract@localhost"), now_s)
    tree = root.write() or write_tree(repo, ())
    over = [parent.id for parent in parents]
    message = f"tract: {verb}\n"
    made = write_commit(repo, tree, over, author=who, committer=who, message=message)
    refs.update_ref(repo, ref, made, old=over[0] if over else None, verb=verb)


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
    mine = _tip(repo, ref)
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


def _join(repo: Repo, base: _Folder, ours: _Folder, theirs: _Folder) -> None:
    """Bring into `ours` what changed between the other two; folders that are equal stay shut."""
    paths = list(_differing(base, theirs))
    for object_id in dict.fromkeys(
        b"".join(path).decode() for path in paths if _is_rest(path[-1], len(path) - 1)
    ):
        _join_note(repo, object_id, base, ours, theirs)
    for path in paths:
        item = theirs.find(path)
        if isinstance(item, tuple) and not _is_note(item, len(path) - 1) and ours.is_free(path):
            ours.put(path, item)


def _differing(base: _Folder, theirs: _Folder, above: Path = ()) -> Iterator[Path]:
    for name in sorted(base.items.keys() | theirs.items.keys()):
        pair = base.items.get(name), theirs.items.get(name)
        if pair[0] == pair[1]:
            continue
        is_fan_out = [_is_fan_out(item, len(above)) for item in pair]
        if any(is_fan_out):
            yield from _differing(base.below(name), theirs.below(name), (*above, name))
        if not all(fans or item is None for fans, item in zip(is_fan_out, pair, strict=True)):
            yield (*above, name)


def _join_note(repo: Repo, object_id: str, base: _Folder, ours: _Folder, theirs: _Folder) -> None:
    was, mine, new = (_blobs(root, object_id) for root in (base, ours, theirs))
    if set(new) in (set(was), set(mine)):
        return
    if mine and set(mine) != set(was):
        _put_note(ours, object_id, _write_union(repo, (*mine, *new)))
    elif len(new) == 1:
        _put_note(ours, object_id, new[0])  # as it is: git does not sort what it takes over
    else:
        _put_note(ours, object_id, _write_union(repo, new) if new else None)


def _write_union(repo: Repo, blobs: Iterable[bytes]) -> bytes:
    return bytes.fromhex(write_blob(repo, _body(_read(repo, blobs))))


# The tree


def _tip(repo: Repo, ref: str) -> Commit | None:
    tip = refs.read_ref(repo, ref)
    return read_commit(repo, tip) if tip is not None else None


def _root(repo: Repo, commit: Commit | None) -> _Folder:
    return _Folder(repo, commit.tree if commit is not None else None)


class _Folder:
    """A folder of a notes tree: read when it is looked into, written again where it changed."""

    def __init__(self, repo: Repo, tree: str | None) -> None:
        self.repo = repo
        self.tree = tree
        self.is_changed = False
        items = read_tree(repo, tree) if tree is not None else ()
        self.items: dict[bytes, TreeItem | _Folder] = {item[1]: item for item in items}

    def open(self, name: bytes) -> _Folder | None:
        """The folder of that name, kept open; None where there is none."""
        item = self.items.get(name)
        if isinstance(item, tuple) and _is_folder(item):
            item = self.items[name] = _Folder(self.repo, item[2].hex())
        return item if isinstance(item, _Folder) else None

    def below(self, name: bytes) -> _Folder:
        """The folder of that name; one that holds nothing, and is not kept, where there is none."""
        return self.open(name) or _Folder(self.repo, None)

    def find(self, path: Path) -> TreeItem | _Folder | None:
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


def _is_note(item: TreeItem | _Folder | None, depth: int) -> bool:
    """Whether an item `depth` folders down is a note: a file that is named by the rest of an id."""
    return isinstance(item, tuple) and item[0].startswith(b"100") and _is_rest(item[1], depth)


def _is_rest(name: bytes, depth: int) -> bool:
    return len(name) == 2 * (_LEVELS - depth) and _HEX.match(name) is not None


def _is_folder(item: TreeItem) -> bool:
    return item[0] == FOLDER


def _is_fan_out(item: TreeItem | _Folder | None, depth: int) -> bool:
    """Whether an item `depth` folders down is a folder that notes may stand in."""
    if not isinstance(item, tuple):
        return item is not None
    is_byte = len(item[1]) == 2 and _HEX.match(item[1]) is not None
    return _is_folder(item) and is_byte and depth < _LEVELS - 1


def _path(object_id: str, depth: int) -> Path:
    name = object_id.encode()
    return (*(name[at : at + 2] for at in range(0, 2 * depth, 2)), name[2 * depth :])


def _places(root: _Folder, object_id: str) -> list[Path]:
    """Where notes on an object stand, flat first."""
    found: list[Path] = []
    folder = root
    for depth in range(_LEVELS):
        path = _path(object_id, depth)
        if _is_note(folder.items.get(path[-1]), depth):
            found.append(path)
        below = folder.open(path[-1][:2]) if depth < _LEVELS - 1 else None
        if below is None:
            break
        folder = below
    return found


def _blobs(root: _Folder, object_id: str) -> tuple[bytes, ...]:
    """The blobs of the notes on an object; more than one where it has notes in several places."""
    items = (root.find(path) for path in _places(root, object_id))
    return tuple(dict.fromkeys(item[2] for item in items if isinstance(item, tuple)))


def _put_note(root: _Folder, object_id: str, blob: bytes | None) -> None:
    """Let this blob (None: none) be the note on an object, in one place."""
    found = _places(root, object_id)
    kept = _preferred(root, object_id, found) if blob is not None else None
    for path in found:
        if path != kept:
            root.drop(path)
    if kept is not None and blob is not None:
        root.put(kept, (FILE, kept[-1], blob))


def _preferred(root: _Folder, object_id: str, found: list[Path]) -> Path:
    """Where a note stands, a folder before the root; where it has none, where one may stand."""
    for depth in _DEPTHS:
        path = _path(object_id, depth)
        if path in found or (not found and root.is_free(path)):
            return path
    raise BadObject(
        f"the notes tree has no free place for a note on {object_id[:12]}",
        "files or folders that are no notes stand at its paths; rename them with git",
    )
