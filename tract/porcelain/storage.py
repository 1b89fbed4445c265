"""storage.py - what the repository takes on disk: objects, packs, reflogs, the index."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tract.plumbing.inventory import count_storage, size_of
from tract.porcelain.workspace import Workspace


class StorageInfo(msgspec.Struct, frozen=True):
    """Counts and sizes in bytes.

    `garbage_count` are temporary files, of a writer at work or of a killed one (those go after an
    hour), and packs without their other half. The index can be deleted; it is made again.
    """

    loose_count: int
    loose_bytes: int
    pack_count: int
    packed_count: int
    pack_bytes: int
    reflog_bytes: int
    index_bytes: int
    garbage_count: int

    @property
    def object_count(self) -> int:
        """Objects in files of their own and in packs; one that is in both counts twice."""
        return self.loose_count + self.packed_count

    @property
    def total_bytes(self) -> int:
        """All of it, the index apart."""
        return self.loose_bytes + self.pack_bytes + self.reflog_bytes


def storage(ws: Workspace) -> StorageInfo:
    """What the repository takes on disk."""
    ws.check_open()
    counted = count_storage(ws.repo)
    folder = Path(ws.repo.path)
    return StorageInfo(
        **counted._asdict(),
        reflog_bytes=sum(
            size_of(str(path)) for path in (folder / "logs").rglob("*") if path.is_file()
        ),
        index_bytes=sum(map(size_of, map(str, (folder / "tract").glob("index.sqlite*")))),
    )
