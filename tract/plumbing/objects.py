"""objects.py - read and write blobs, trees and commits as git stores them.

Trees and commits are taken apart and put together here, byte by byte, instead of through
libgit2's objects: a page of 100 files costs one regular expression, and what we promise
about bytes (trailing newline, +0000, names as trimmed) stands in one place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

import pygit2
from pygit2.enums import ObjectType

from tract.errors import BadObject
from tract.plumbing.failures import missing, storage_error
from tract.plumbing.repo import BlobId, CommitId, Repo, TreeId

_TRIES = 8
FILE = b"100644"
FOLDER = b"40000"
_TREE_ITEM = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.S)
# What git and libgit2 trim from both ends of a name (libgit2's is_crud).
_CRUD = "".join(map(chr, range(33))) + ".,:;<>\"\\'"
_FORBIDDEN = str.maketrans("", "", "<>\n\r\0")
_PERSON = re.compile(r"(.*?) ?<([^>]*)> (-?\d+) ([+-]\d{4})\Z", re.S)


# One line of a tree: mode as git writes it, name, and the 20 bytes of the id. A plain tuple, since
# an append looks at two hundred of them.
TreeItem = tuple[bytes, bytes, bytes]


class Person(NamedTuple):
    """Who, and when in seconds since 1970 (written +0000)."""

    name: str
    email: str
    time_s: int


class Commit(NamedTuple):
    """A commit, read; `message` whole, trailers included."""

    id: CommitId
    tree: TreeId
    parents: tuple[CommitId, ...]
    author: Person
    committer: Person
    message: str


def read(repo: Repo, object_id: str, kind: ObjectType) -> bytes:
    """The content of an object of that kind.

    Raises:
        BadObject: it is missing, damaged, or of another kind.
    """
    held = repo.pending.objects.get(object_id) if repo.pending is not None else None
    try:
        found, data = (held.kind, held.data) if held is not None else repo.odb.read(object_id)
    except (KeyError, ValueError, pygit2.GitError, OSError) as error:
        raise missing(kind.name.lower(), object_id) from error
    if found != kind:
        raise BadObject(f"{object_id[:12]} is no {kind.name.lower()}", "run `tract fsck`")
    return data


def _write(repo: Repo, kind: ObjectType, data: bytes, follows: str = "") -> str:
    if repo.pending is not None:
        return repo.pending.add(kind, data, follows)
    return write_loose(repo, kind, data)


def write_loose(repo: Repo, kind: ObjectType, data: bytes, odb: pygit2.Odb | None = None) -> str:
    """Store an object in a file of its own; `odb` is a database that was opened just now.

    A stock prune removes the folder of an object that has become empty, also between libgit2's
    making it and using it: then it is tried again.
    """
    for left in reversed(range(_TRIES)):
        try:
            return str((odb or repo.odb).write(kind, data))
        except (pygit2.GitError, OSError) as error:
            if left == 0 or "no such file" not in str(error).lower():
                raise storage_error(error, f"write a {kind.name.lower()}") from error
    raise AssertionError("the last try returned or raised")


def read_blob(repo: Repo, blob: str) -> bytes:
    """The bytes of a blob."""
    return read(repo, blob, ObjectType.BLOB)


def blob_id(data: bytes) -> BlobId:
    """The id that these bytes have as a blob."""
    return BlobId(str(pygit2.hash(data)))


def write_blob(repo: Repo, data: bytes) -> BlobId:
    """Store bytes; the id is the same for the same bytes."""
    return BlobId(_write(repo, ObjectType.BLOB, data))


def read_tree(repo: Repo, tree: str) -> list[TreeItem]:
    """The lines of a tree in git's order."""
    return parse_tree(read_raw_tree(repo, tree), tree)


def read_raw_tree(repo: Repo, tree: str) -> bytes:
    """A tree as git stores it, for a writer that only adds to it."""
    return read(repo, tree, ObjectType.TREE)


def parse_tree(data: bytes, tree: str) -> list[TreeItem]:
    """The lines of a raw tree."""
    items: list[TreeItem] = _TREE_ITEM.findall(data)
    if sum(map(len, chain.from_iterable(items))) + 2 * len(items) != len(data):
        raise missing("tree", tree)
    return items


def write_tree(repo: Repo, items: Iterable[TreeItem], *, follows: str = "") -> TreeId:
    """Store a tree; the lines are put into git's order (a folder sorts as if it ended in /).

    `follows` is the version of the same tree before this one, where there is one.
    """
    items = list(items)
    order = _tree_order if any(mode == FOLDER for mode, _, _ in items) else by_name
    return write_raw_tree(repo, raw_tree(sorted(items, key=order)), follows=follows)


def raw_tree(items: Iterable[TreeItem]) -> bytes:
    """The lines as git stores them, in the order given."""
    return b"".join(map(b"%s %s\0%s".__mod__, items))


def write_raw_tree(repo: Repo, data: bytes, *, follows: str = "") -> TreeId:
    """Store a tree whose lines are in git's order already."""
    return TreeId(_write(repo, ObjectType.TREE, data, follows))


by_name = itemgetter(1)


def _tree_order(item: TreeItem) -> bytes:
    return item[1] + b"/" if item[0] == FOLDER else item[1]


def read_commit(repo: Repo, commit: str) -> Commit:
    """Take a commit apart.

    Raises:
        BadObject: it is missing, or no commit.
    """
    text = read(repo, commit, ObjectType.COMMIT).decode("utf-8", "surrogateescape")
    head, _, message = text.partition("\n\n")
    tree, author, committer = "", None, None
    parents: list[CommitId] = []
    for line in head.split("\n"):
        key, _, value = line.partition(" ")
        if key == "tree":
            tree = value
        elif key == "parent":
            parents.append(CommitId(value))
        elif key == "author":
            author = _read_person(value)
        elif key == "committer":
            committer = _read_person(value)
    if commit in repo.shallow:
        parents.clear()
    if not tree or author is None or committer is None:
        raise missing("commit", commit)
    message = message.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return Commit(CommitId(commit), TreeId(tree), tuple(parents), author, committer, message)


def _read_person(text: str) -> Person | None:
    match = _PERSON.match(text)
    if match is None:
        return None
    name = match[1].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return Person(name, match[2], int(match[3]))


def write_commit(
    repo: Repo,
    tree: TreeId,
    parents: Iterable[CommitId],
    *,
    author: Person,
    committer: Person,
    message: str,
) -> CommitId:
    """Store a commit; no ref moves. `message` is written as it is."""
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    for role, who in (("author", author), ("committer", committer)):
        lines.append(f"{role} {who.name} <{who.email}> {who.time_s} +0000")
    data = ("\n".join(lines) + "\n\n" + message).encode()
    return CommitId(_write(repo, ObjectType.COMMIT, data))


def clean_name(name: str, otherwise: str) -> str:
    """A name as git can write it: `<`, `>`, line breaks and NUL out, ends trimmed as git does."""
    return name.translate(_FORBIDDEN).strip(_CRUD) or otherwise
