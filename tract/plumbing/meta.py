"""meta.py - JSON documents on refs/tract/meta, one file a thing: `settings/chat.json`.

What stands there may come from anybody, so reading it never fails for what a file holds: one that
is no document is given back as that, with the reason. Only a damaged object is an error.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple, NoReturn

import msgspec
import pygit2

from tract.errors import BadContent, BadObject
from tract.plumbing.chain import META, add_commit, read_tip
from tract.plumbing.failures import missing
from tract.plumbing.notes_tree import Folder, Path
from tract.plumbing.objects import (
    FILE,
    FOLDER,
    TreeItem,
    read_blob,
    read_tree,
    write_blob,
    write_tree,
)
from tract.plumbing.repo import BlobId, Repo

REF = META
SIZE_MAX = 1 << 20
DEPTH_MAX = 100
FOLDERS_MAX = 3
DOCUMENTS_MAX = 10_000
BYTES_MAX = 16 << 20
SEQ_MAX = 1 << 53
_LINK, _MODULE = b"120000", b"160000"
_NO_NAMES = (b"", b".", b"..", b".git")

Fields = Mapping[str, Any]


class Document(NamedTuple):
    """A file on the meta ref: its fields without `seq`, which counts how often it was set.

    What is no document has no fields, and `fault` says why. A path that is not UTF-8 comes with
    lone surrogates.
    """

    path: str
    blob: BlobId
    fields: dict[str, Any] | None
    seq: int = 0
    fault: str | None = None
    size: int = 0


# Reading


def read_documents(repo: Repo, folder: str = "", *, bytes_max: int = BYTES_MAX) -> list[Document]:
    """Every file of the meta ref, or of a folder there, by path; none where there is no such ref.

    At most 10,000 are named, and a last one that cannot be read says that there are more; past
    `bytes_max` they are named and not read.

    Raises:
        BadObject: an object is missing or damaged; names the file.
    """
    tree = _folder(repo, folder)
    if tree is None:
        return []
    items = islice(_walk(repo, tree, folder + "/" if folder else ""), DOCUMENTS_MAX + 1)
    found, left = [], bytes_max
    for path, item in items:
        found.append(_document(repo, path, item, left))
        left -= found[-1].size
    if len(found) > DOCUMENTS_MAX:
        more = f"there are more than {DOCUMENTS_MAX:,} files"
        found[DOCUMENTS_MAX] = found[DOCUMENTS_MAX]._replace(fields=None, fault=more)
    times = Counter(each.path for each in found)
    return [each if times[each.path] == 1 else _twice(each) for each in found]


def read_document(repo: Repo, path: str) -> Document | None:
    """The document at a path; None where nothing stands there. No other file is read.

    Raises:
        BadObject: an object is missing or damaged.
    """
    folder, _, name = path.rpartition("/")
    tree = _folder(repo, folder)
    items = read_tree(repo, tree) if tree is not None else ()
    found = [_document(repo, path, item) for item in items if item[1] == name.encode()]
    return found[0] if len(found) == 1 else _twice(found[0]) if found else None


def _folder(repo: Repo, path: str) -> str | None:
    """The tree of a folder; the root where the path is empty, None where there is none."""
    with _named(""):
        tip = read_tip(repo, REF)
        tree: str | None = tip.tree if tip is not None else None
        for name in path.split("/") if path else ():
            items = read_tree(repo, tree) if tree is not None else ()
            found = [item for item in items if item[1] == name.encode()]
            is_folder = len(found) == 1 and found[0][0] == FOLDER
            tree = found[0][2].hex() if is_folder else None
    return tree


def _walk(repo: Repo, tree: str, above: str) -> Iterator[tuple[str, TreeItem]]:
    """What stands in a folder and below, with its path; a `/` in a name is spelled `\\x2f`."""
    with _named(above):
        items = read_tree(repo, tree)
    for item in items:
        path = above + item[1].decode("utf-8", "surrogateescape").replace("/", "\\x2f")
        is_deep = path.count("/") >= FOLDERS_MAX
        if item[0] == FOLDER and not is_deep and not _is_strange(item[1]):
            yield from _walk(repo, item[2].hex(), path + "/")
        else:
            yield path, item


def _document(repo: Repo, path: str, item: TreeItem, left: int = SIZE_MAX) -> Document:
    """The document that an item of a tree is; of what may still be read, `left` bytes are left."""
    mode, name, raw_id = item
    blob = BlobId(raw_id.hex())
    fault, size = _fault(mode, name), 0
    if fault is None:
        with _named(path):
            size = _size(repo, blob)
            try:
                _check_size(size, left)
                fields, seq = _parse(read_blob(repo, blob))
                return Document(path, blob, fields, seq, size=size)
            except ValueError as error:
                fault = str(error)
    return Document(path, blob, None, fault=fault, size=size if size <= SIZE_MAX else 0)


def _fault(mode: bytes, name: bytes) -> str | None:
    """Why an item of a tree is no file that may be a document."""
    if _is_strange(name):
        return "no file may have this name"
    if mode == FOLDER:
        return f"it stands more than {FOLDERS_MAX} folders deep"
    if mode.startswith(b"100"):
        return None
    return {_LINK: "it is a symbolic link", _MODULE: "it is a submodule"}.get(mode, "it is no file")


def _is_strange(name: bytes) -> bool:
    return b"/" in name or name in _NO_NAMES


def _twice(each: Document) -> Document:
    return each._replace(fields=None, fault="several files have this name")


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Name the file in the error for an object that cannot be read."""
    try:
        yield
    except BadObject as error:
        where = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        raise BadObject(
            f"{REF}{':' if where else ''}{where} cannot be read: {error.message}",
            error.hint,
            path=path,
        ) from error


def _size(repo: Repo, blob: BlobId) -> int:
    """The bytes of a file, which is not read for it."""
    held = repo.pending.objects.get(blob) if repo.pending is not None else None
    try:
        return len(held.data) if held is not None else int(repo.odb.read_header(blob)[1])
    except (KeyError, ValueError, pygit2.GitError, OSError) as error:
        raise missing("blob", blob) from error


def _check_size(size: int, left: int) -> None:
    if size > SIZE_MAX:
        raise ValueError(f"it has {size:,} bytes, more than {SIZE_MAX:,}")
    if size > left:
        raise ValueError("the files before it are too large to read this one, too")


# Bytes and fields


def _parse(data: bytes) -> tuple[dict[str, Any], int]:
    """The fields of a document and its `seq`.

    Raises:
        ValueError: it is none; says why, and quotes nothing of it.
    """
    try:
        found = json.loads(
            data.decode(),
            object_pairs_hook=_once,
            parse_constant=_no_number,
            parse_float=_finite,
        )
        _check_depth(found)
        msgspec.json.encode(found)
    except UnicodeError:
        raise ValueError("it is not UTF-8, or holds a lone surrogate") from None
    except RecursionError:
        raise ValueError(f"it is nested more than {DEPTH_MAX} deep") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error.msg} (character {error.pos})") from None
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    seq = found.pop("seq", 0)
    if isinstance(seq, bool) or not isinstance(seq, int) or not 0 <= seq <= SEQ_MAX:
        raise ValueError("its seq is no count")
    return found, seq


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("it has a key twice")
    return found


def _no_number(said: str) -> NoReturn:
    raise ValueError(f"it holds {said}, which JSON does not have")


def _finite(said: str) -> float:
    value = float(said)
    if not math.isfinite(value):
        raise ValueError("it holds a number without bound")
    return value


def _check_depth(value: object) -> None:
    level: list[Any] = [value]
    for _ in range(DEPTH_MAX + 1):
        level = [each for each in level if isinstance(each, dict | list)]
        if not level:
            return
        level = [one for each in level for one in _inside(each)]
    raise RecursionError


def _inside(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def encode(fields: Fields, seq: int) -> bytes:
    """The bytes of a document: keys in order, a line each, so that `git diff` shows what changed.

    Raises:
        BadContent: it is more than 1 MiB.
    """
    line = msgspec.json.encode({**fields, "seq": seq}, order="sorted")
    data = msgspec.json.format(line, indent=2) + b"\n"
    if len(data) > SIZE_MAX:
        raise BadContent(
            f"this makes a document of {len(data):,} bytes, and {SIZE_MAX:,} are the most",
            "keep large values elsewhere",
        )
    return data


# Writing


def write_documents(
    repo: Repo, documents: Mapping[str, Fields | None], *, verb: str
) -> dict[str, BlobId]:
    """Set documents, or with None remove them, in one meta commit; the write lock must be held.

    `repo` is staged. The ids of those that were set are returned by path; one that says already
    what it is to say is left as it is, and where all are so there is no commit.

    Raises:
        BadContent: a document is more than 1 MiB.
        BadObject: one that is to be set, or a tree, is damaged.
        StaleRef: somebody else moved the ref first.
    """
    assert repo.pending is not None
    tip = read_tip(repo, REF)
    root = Folder(repo, tip.tree if tip is not None else None)
    written: dict[str, BlobId] = {}
    for path, fields in documents.items():
        place = tuple(path.encode("utf-8", "surrogateescape").split(b"/"))
        if fields is None:
            if root.find(place) is not None:
                root.drop(place)
        elif (data := _next(repo, path, root, place, fields)) is not None:
            written[path] = write_blob(repo, data)
            root.put(place, (FILE, place[-1], bytes.fromhex(written[path])))
    if root.is_changed:
        parents = (tip,) if tip is not None else ()
        add_commit(repo, REF, parents, root.write() or write_tree(repo, ()), verb=verb)
    return written


def _next(repo: Repo, path: str, root: Folder, place: Path, fields: Fields) -> bytes | None:
    """The bytes that are to stand at a place; None where they say what those there say."""
    item = root.find(place)
    if not isinstance(item, tuple):
        return encode(fields, 1)
    was = _document(repo, path, item)
    if was.fields is not None and encode(was.fields, 0) == encode(fields, 0):
        return None
    return encode(fields, was.seq + 1)
