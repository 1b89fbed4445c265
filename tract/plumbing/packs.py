"""packs.py - write many objects as one pack of our own making, index and all.

libgit2's pack builder searches for deltas, which costs six times the time and finds fewer: we
know which objects are versions of the same thing. The newest version of a family is stored whole
and comes first, as git likes it; the others are deltas of depth 1 against it. A pack waits unseen
until its refs are about to move; its `.keep` stands before it does, and until a ref reaches it, so
that no stock repack drops it in between.
"""

from __future__ import annotations

import errno
import hashlib
import os
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from struct import pack

from tract.errors import StorageFull
from tract.plumbing.deltas import Whole, varint
from tract.plumbing.failures import storage_error
from tract.plumbing.inventory import remove_file
from tract.plumbing.repo import Repo

KEEP_MARK = b"tract "
SIZE_MAX = 2**31 - 1  # past it, an index needs a second table of offsets
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)  # of file systems without hard links
_TREE, _OFS_DELTA = 2, 6
_LEVEL = 6
_SMALL = 7000  # fits a window of 8 KB; one of 32 KB costs 35 µs to set up, this one 8
_TINY = 48  # a delta of a size and an id, which deflating makes 2 bytes smaller, in 5 µs
_STORED = [b"\x78\x01\x01" + pack("<HH", size, size ^ 0xFFFF) for size in range(_TINY + 1)]
_CHUNK = 1 << 20
_BASES_MAX = 64 << 20
_FREE = 64  # what a delta may take without being held against its base


# An object to store: id, kind, content, family. Those of one family are versions of the same thing.
# A plain tuple, as a batch writes fifty thousand of them.
NewObject = tuple[str, int, bytes, str]


class Pack:
    """A pack that was written and, until `place`, is seen by nobody."""

    def __init__(self, pack: str, index: str, path: str) -> None:
        self._pack = pack
        self._index = index
        self.path = path
        self._is_kept = False

    def place(self) -> None:
        """Put it where every git looks, under a `.keep` that lasts until `release`.

        Others may reuse its objects from then on, so it is not taken back.

        Raises:
            StorageFull, ReadOnly: it is not in place.
        """
        with storing():
            self._is_kept = keep(self.path)
            try:
                os.rename(self._pack, self.path + ".pack")
                os.rename(self._index, self.path + ".idx")
            except OSError:
                self._take_back()
                raise
            _sync_folder(os.path.dirname(self.path))

    def _take_back(self) -> None:
        """A pack without its index was seen by nobody yet."""
        if not os.path.exists(self.path + ".idx"):
            remove_file(self.path + ".pack")
        self.discard()
        self.release()

    def release(self) -> None:
        """Take the `.keep` away: refs reach what is in the pack."""
        if self._is_kept:
            remove_file(self.path + ".keep")

    def discard(self) -> None:
        """Remove it before it was placed."""
        remove_file(self._pack)
        remove_file(self._index)


def write_pack(repo: Repo, newest_first: Iterable[NewObject], folder: str | None = None) -> Pack:
    """Write the objects as one pack, to be placed; an id that is given twice is written once.

    Of one family the newest version comes first. The pack waits under a temporary name, or in
    `folder` under the name it is going to have.

    Raises:
        StorageFull, ReadOnly: nothing is left behind.
    """
    seen: set[str] = set()
    with PackWriter(repo, folder) as writer:
        for object_id, kind, data, family in newest_first:
            if object_id not in seen:
                seen.add(object_id)
                writer.add(object_id, kind, data, family)
        assert seen, "a pack holds at least one object"
        return writer.finish()


class _Kept:
    """A version that was stored whole: where, and what deltas against it have cost so far."""

    def __init__(self, whole: Whole, offset: int, size: int) -> None:
        self.whole = whole
        self.offset = offset
        self.size = size
        self.spent = 0


class PackWriter:
    """A pack in the making; objects come one by one, the newest version of a family first."""

    def __init__(self, repo: Repo, folder: str | None = None) -> None:
        self.size_bytes = 0
        self._bases: dict[tuple[str, int], _Kept] = {}
        self._bases_bytes = 0
        self._entries: list[tuple[bytes, int, int]] = []
        self._chunks: list[bytes] = []
        self._chunks_bytes = 0
        self._target = os.path.join(repo.path, "objects", "pack")
        self._folder = folder or self._target
        self._is_finished = False
        with storing():
            os.makedirs(self._target, exist_ok=True)
            self._file, letters = _create(os.path.join(self._folder, "tmp_pack_"), repo.random)
        self._pack = os.path.join(self._folder, f"tmp_pack_{letters}")
        self._index = os.path.join(self._folder, f"tmp_idx_{letters}")
        self._put(pack(">4sII", b"PACK", 2, 0))

    def __enter__(self) -> PackWriter:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no temporary file where it was not finished."""
        os.close(self._file)
        if not self._is_finished:
            remove_file(self._pack)
            remove_file(self._index)

    def add(self, object_id: str, kind: int, data: bytes, family: str = "") -> None:
        """Store an object; the id is taken at its word.

        Raises:
            StorageFull, ReadOnly: it could not be written.
        """
        offset = self.size_bytes
        base = self._bases.get((family, kind)) if family else None
        entry = self._as_delta(base, kind, data, offset) if base is not None else None
        if entry is None:
            packed = _deflate(data)
            entry = _head(kind, len(data)) + packed
            if family:
                self._keep_whole((family, kind), data, offset, len(packed))
        self._entries.append((bytes.fromhex(object_id), zlib.crc32(entry), offset))
        self._put(entry)

    def _keep_whole(self, key: tuple[str, int], data: bytes, offset: int, size: int) -> None:
        self._bases_bytes += len(data)
        if self._bases_bytes > _BASES_MAX:
            self._bases.clear()
            self._bases_bytes = len(data)
        self._bases[key] = _Kept(Whole(data, is_tree=key[1] == _TREE), offset, size)

    def _as_delta(self, base: _Kept, kind: int, data: bytes, offset: int) -> bytes | None:
        """The object as a delta; None where storing it whole is better.

        Versions that differ in ever more places (a notes tree: another folder each time) get
        ever larger deltas. Once those have cost as much as another base, another base it is.
        """
        if base.spent > base.size:
            return None
        delta = base.whole.delta_to(data)
        packed = _store(delta) if len(delta) <= _TINY else _deflate(delta)
        is_surely_small = kind == _TREE and len(delta) * 2 < len(data)  # ids do not deflate
        if not is_surely_small and len(packed) >= len(_deflate(data)):
            return None
        base.spent += max(0, len(packed) - _FREE)
        return _head(_OFS_DELTA, len(delta)) + _back(offset - base.offset) + packed

    def _put(self, data: bytes) -> None:
        self._chunks.append(data)
        self._chunks_bytes += len(data)
        self.size_bytes += len(data)
        if self._chunks_bytes > _CHUNK:
            self._flush()

    def _flush(self) -> None:
        if self.size_bytes >= SIZE_MAX - 20:
            raise StorageFull("a pack of 2 GiB or more cannot be written", "store less at a time")
        with storing():
            _write_all(self._file, b"".join(self._chunks))
        self._chunks.clear()
        self._chunks_bytes = 0

    def finish(self) -> Pack:
        """The pack, written and flushed, ready to be placed.

        Raises:
            StorageFull, ReadOnly: nothing is left behind.
        """
        self._flush()
        with storing():
            os.pwrite(self._file, pack(">I", len(self._entries)), 8)
            checksum = _checksum(self._file)
            _write_all(self._file, checksum)
            os.fsync(self._file)
            with open(self._index, "xb", opener=_read_only) as file:
                file.write(_index(self._entries, checksum))
                file.flush()
                os.fsync(file.fileno())
            name = f"pack-{checksum.hex()}"
            if self._folder != self._target:
                self._show(os.path.join(self._folder, name))
        self._is_finished = True
        return Pack(self._pack, self._index, os.path.join(self._target, name))

    def _show(self, path: str) -> None:
        """Let who looks into the folder see the pack, as git names it."""
        os.rename(self._pack, path + ".pack")
        self._pack = path + ".pack"
        os.rename(self._index, path + ".idx")
        self._index = path + ".idx"


def keep(path: str) -> bool:
    """Make the pack's `.keep`; False where there is one, which is not ours to take away.

    It appears with its content: an empty one could be anybody's.
    """
    aside = f"{os.path.dirname(path)}/tmp_keep_{os.getpid()}_{os.path.basename(path)[5:17]}"
    file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.write(file, b"%s%d\n" % (KEEP_MARK, os.getpid()))
        os.link(aside, path + ".keep")
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.exists(path + ".keep"):
            return False
        os.rename(aside, path + ".keep")
    finally:
        os.close(file)
        remove_file(aside)
    return True


@contextmanager
def storing() -> Iterator[None]:
    """Translate what the system says while a pack is written."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, "write a pack") from error


def _create(stem: str, random: Callable[[int], bytes]) -> tuple[int, str]:
    """A new file `stem` + six letters, and the letters."""
    while True:
        letters = "".join(chr(97 + byte % 26) for byte in random(6))
        with suppress(FileExistsError):
            return _read_only(stem + letters, os.O_RDWR | os.O_CREAT | os.O_EXCL), letters


def _read_only(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o444)


def _write_all(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]


def _sync_folder(path: str) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _deflate(data: bytes) -> bytes:
    if len(data) > _SMALL:
        return zlib.compress(data, _LEVEL)
    small = zlib.compressobj(_LEVEL, zlib.DEFLATED, 13, 6)
    return small.compress(data) + small.flush()


def _store(data: bytes) -> bytes:
    """A zlib stream (RFC 1950) of one block that is not compressed."""
    return _STORED[len(data)] + data + zlib.adler32(data).to_bytes(4, "big")


def _head(kind: int, size: int) -> bytes:
    """Kind and size: four bits beside the kind, then seven a byte."""
    first = kind << 4 | size & 15
    return bytes((first | 0x80,)) + varint(size >> 4) if size > 15 else bytes((first,))


def _back(distance: int) -> bytes:
    """How far before a delta its base begins: seven bits a byte, the highest first, less one."""
    made = bytes((distance & 0x7F,))
    while distance := distance >> 7:
        distance -= 1
        made = bytes((distance & 0x7F | 0x80,)) + made
    return made


def _checksum(file: int) -> bytes:
    """SHA-1 of what is written; the count of objects, at the front, was known last."""
    sha, at = hashlib.sha1(usedforsecurity=False), 0
    while chunk := os.pread(file, _CHUNK, at):
        sha.update(chunk)
        at += len(chunk)
    return sha.digest()


def _index(entries: list[tuple[bytes, int, int]], checksum: bytes) -> bytes:
    """The index, version 2 (gitformat-pack): a table of first bytes, ids, CRCs, offsets."""
    entries = sorted(entries)
    count = len(entries)
    starts = [bisect_left(entries, (bytes((byte,)),)) for byte in range(1, 256)]
    made = b"".join(
        (
            pack(">4sI256I", b"\xfftOc", 2, *starts, count),
            b"".join([entry[0] for entry in entries]),
            pack(f">{count}I", *[entry[1] for entry in entries]),
            pack(f">{count}I", *[entry[2] for entry in entries]),
            checksum,
        )
    )
    return made + hashlib.sha1(made, usedforsecurity=False).digest()
