"""object_store.py - the object database, with loose objects read by us.

libgit2 1.9.7 reads a loose object that was cut off in an endless loop (its issue 7342, mended
after that release), and nothing can end that but a kill. So a loose object is inflated and
checked here, which is also a little faster; packs, writing and the rest are libgit2's. Where
libgit2 reads by itself (walks, revisions) a backend in front of its own does the same for it, in a
database apart, since one with such a backend writes slowly.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress

import pygit2
from pygit2.enums import ObjectType

_CHUNK = 1 << 16
_REST = 38
KEPT_MAX = 4096
KEPT_BYTES_MAX = 4096
_KEPT_KINDS = (ObjectType.COMMIT, ObjectType.TREE)
_KINDS = {each.name.lower().encode(): each for each in ObjectType if each.value > 0}
_GUARD_PRIORITY = 9  # before libgit2's own (1 and 2), behind pending objects (10)


class DamagedLoose(Exception):
    """The file of a loose object holds something else; the text says what."""


def loose_path(object_id: str) -> str:
    """Where a loose object is, from the repository's folder."""
    return f"objects/{object_id[:2]}/{object_id[2:]}"


def read_loose(folder: str, object_id: str) -> tuple[ObjectType, bytes] | None:
    """Kind and content of a loose object; None where there is no such file.

    `folder` is that of the objects, with a `/` at its end.

    Raises:
        DamagedLoose: the file is not what its name says.
        OSError: it may not be read.
    """
    try:
        file = os.open(f"{folder}{object_id[:2]}/{object_id[2:]}", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        data = os.read(file, _CHUNK)
        while len(data) >= _CHUNK and (more := os.read(file, _CHUNK << 4)):
            data += more
    finally:
        os.close(file)
    whole = _inflated(data)
    if hashlib.sha1(whole, usedforsecurity=False).hexdigest() != object_id:
        raise DamagedLoose("holds another object than its name says")
    head, _, content = whole.partition(b"\0")
    kind = _KINDS.get(head.split(b" ")[0])
    if kind is None:
        raise DamagedLoose("holds no object of git's")
    return kind, content


def _inflated(data: bytes) -> bytes:
    if not data:
        raise DamagedLoose("has 0 bytes")
    stream = zlib.decompressobj()
    try:
        whole = stream.decompress(data)
    except zlib.error:
        what = "cannot be decompressed" if data.strip(b"\0") else "holds nothing but NUL"
        raise DamagedLoose(what) from None
    if not stream.eof:
        raise DamagedLoose("is cut off")
    return whole


def read_file(folder: str, object_id: str) -> tuple[int, bytes] | None:
    """A loose object as `read_loose` reads it; of a damaged one what a pack has.

    Raises:
        pygit2.GitError: it is damaged, and no pack has it.
    """
    try:
        return read_loose(folder, object_id)
    except DamagedLoose as error:
        packs = pygit2.Odb()
        packs.add_backend(pygit2.OdbBackendPack(folder), 1)
        try:
            return packs.read(object_id)
        except KeyError:
            raise pygit2.GitError(f"{loose_path(object_id)} {error}") from error


class ObjectStore:
    """The objects in a folder, opened now; nothing is cached yet."""

    def __init__(self, folder: str) -> None:
        self._folder = os.path.join(folder, "")
        self._odb = pygit2.Odb(folder)
        self._kept: dict[str, tuple[int, bytes]] = {}

    def read(self, object_id: str) -> tuple[int, bytes]:
        """Kind and content of an object.

        Raises:
            KeyError, ValueError, pygit2.GitError, OSError: it is not there, or is damaged.
        """
        found = self._kept.get(object_id)
        if found is None:
            found = read_file(self._folder, object_id) or self._odb.read(object_id)
            if found[0] in _KEPT_KINDS and len(found[1]) <= KEPT_BYTES_MAX:
                self._keep(object_id, found)
        return found

    def _keep(self, object_id: str, found: tuple[int, bytes]) -> None:
        """Commits and small trees are read again and again; libgit2 keeps the same ones."""
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        self._kept[object_id] = found

    def read_header(self, object_id: str) -> tuple[int, int]:
        """Kind and size."""
        return self._odb.read_header(object_id)

    def write(self, kind: int, data: bytes) -> pygit2.Oid:
        """Store an object, as a file of its own."""
        return self._odb.write(kind, data)

    def look_into(self, folder: str) -> None:
        """Read from another folder of objects, too."""
        self._odb.add_disk_alternate(folder)

    def __contains__(self, object_id: object) -> bool:
        return object_id in self._odb  # type: ignore[operator]

    def __iter__(self) -> Iterator[pygit2.Oid]:
        return iter(self._odb)


def guarded(folder: str) -> pygit2.Odb:
    """A database for libgit2 to read from by itself."""
    odb = pygit2.Odb(folder)
    guard(odb, folder)
    return odb


def guard(odb: pygit2.Odb, folder: str) -> None:
    """Let libgit2 read loose objects our way, where it reads by itself."""
    odb.add_backend(_Guard(os.path.join(folder, "")), _GUARD_PRIORITY)


class _Guard(pygit2.OdbBackend):
    """Reads loose objects before libgit2 does; of anything else it knows nothing."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = folder

    def read_cb(self, oid: pygit2.Oid) -> tuple[int, bytes]:
        """Kind and content; a KeyError sends libgit2 on to the next backend."""
        found = read_file(self._folder, str(oid))
        if found is None:
            raise KeyError(oid)
        return int(found[0]), found[1]

    def read_header_cb(self, oid: pygit2.Oid) -> tuple[int, int]:
        """Libgit2's own reads these soundly."""
        raise KeyError(oid)

    def read_prefix_cb(self, prefix: object) -> tuple[int, bytes, pygit2.Oid]:
        """Nothing is found by its first digits here; what is damaged must be found by nobody."""
        digits = str(prefix)
        with suppress(OSError):
            for rest in os.listdir(self._folder + digits[:2]):
                if rest.startswith(digits[2:]) and len(rest) == _REST:
                    read_file(self._folder, digits[:2] + rest)
        raise KeyError(prefix)

    def write_cb(self, oid: pygit2.Oid, data: bytes, kind: int) -> None:
        """Libgit2's own writes it; in front of that stands this."""
        pygit2.Odb(self._folder).write(kind, data)

    def exists_cb(self, oid: pygit2.Oid) -> bool:
        """Whether it is there is libgit2's to say."""
        return False

    def exists_prefix_cb(self, prefix: object) -> pygit2.Oid:
        """The same of its first digits."""
        raise KeyError(prefix)

    def refresh_cb(self) -> None:
        """Nothing to look up again."""

    def __iter__(self) -> Iterator[pygit2.Oid]:
        return iter(())
