"""behind.py - what was written and is still to be told to notes and index.

Counting takes longer than writing, so token notes and index rows are written behind: at the end
of a batch, at close, every 64 commits or 8 MiB of text (settle.py does it). What a killed handle
left near the tip is made up for by the next one that writes some.
"""

from __future__ import annotations

from typing import NamedTuple

from tract.content.entry import Entry
from tract.plumbing.objects import Commit
from tract.plumbing.pages import SlotFile
from tract.plumbing.threads import ThreadLock

EVERY = 64
BYTES = 8 << 20
BACKLOG_MAX = 10 * EVERY
BACKLOG_BYTES_MAX = 64 << 20


class Wrote(NamedTuple):
    """A commit that set one entry: `before` is the file whose place it took."""

    ref: str
    operation: str
    commit: Commit
    before: SlotFile | None
    file: SlotFile
    entry: Entry


class Behind:
    """The commits of a handle that notes and index do not know yet."""

    def __init__(self) -> None:
        self._wrote: list[Wrote] = []
        self._lock = ThreadLock()
        self.is_first = True
        self._bytes = 0
        self._due, self._due_bytes = EVERY, BYTES

    def __len__(self) -> int:
        return len(self._wrote)

    @property
    def is_due(self) -> bool:
        """Whether so much has gathered that it is to be told."""
        return len(self._wrote) >= self._due or self._bytes >= self._due_bytes

    def add(self, wrote: Wrote) -> None:
        """A commit was built; in a batch it counts once the batch has landed."""
        with self._lock:
            self._wrote.append(wrote)
            self._bytes += len(wrote.entry.text)

    def look(self) -> list[Wrote]:
        """What is to be told, left where it is."""
        return list(self._wrote)

    def take(self) -> list[Wrote]:
        """Hand over what is to be told."""
        with self._lock:
            taken, self._wrote, self._bytes = self._wrote, [], 0
            self._due, self._due_bytes = EVERY, BYTES
        return taken

    def put_back(self, wrote: list[Wrote]) -> None:
        """It could not be told now: when as much again has gathered it is tried once more.

        What would be too much is left to the next handle.
        """
        with self._lock:
            kept = wrote[-BACKLOG_MAX:]
            while kept and sum(len(each.entry.text) for each in kept) > BACKLOG_BYTES_MAX:
                kept = kept[len(kept) // 2 + 1 :]
            self._wrote[:0] = kept
            self._bytes = sum(len(each.entry.text) for each in self._wrote)
            self._due, self._due_bytes = len(self._wrote) + EVERY, self._bytes + BYTES
