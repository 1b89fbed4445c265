"""derived.py - what is computed of pages and commits, kept in the index beside the objects.

Facts are keyed by object id, so they cannot be stale; what the index lacks is computed by whoever
asks, handed to `keep`, and added to the index by the next `save`. Without an index (plumbing/
index.py says when) everything is computed, and every answer is the same.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

import msgspec

from tract.plumbing.index import Index, Line
from tract.plumbing.inventory import remove_file
from tract.plumbing.pages import SlotChange
from tract.plumbing.threads import ThreadLock

COMMITS_MAX = 20_000
PAGES_MAX = 4_000
NUMBERS_MAX = 1_000
FRESH_MAX = 1_000
CHANGES_MAX = 200
F = TypeVar("F")


class PageFacts(msgspec.Struct, frozen=True, array_like=True):
    """A page as the counter sees it: tokens of each entry in path order, and what is shown.

    `is_closed`: its tool groups are whole; `has_nameless`: a result there has no id.
    """

    tokens: tuple[int, ...]
    shown_tokens: int
    pinned: int
    skipped: int
    is_closed: bool
    has_nameless: bool
    has_shared: bool


class CommitFacts(msgspec.Struct, frozen=True, array_like=True):
    """How a commit changed the context of its first parent.

    `operation` is what it did; `entries` are the ids of what it set itself, which of a merge is
    less than it changed, None where nobody asked yet; `number` is how many commits lead to it
    along first parents, 0 where nobody counted.
    """

    operation: str
    changes: tuple[SlotChange, ...]
    entries: tuple[str, ...] | None = None
    number: int = 0


class _Facts(Generic[F]):
    """Facts of one sort by object id: the most recent in memory, and which the index lacks."""

    def __init__(self, kind: type[F], size_max: int) -> None:
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._size_max = size_max
        self.known: OrderedDict[str, F] = OrderedDict()
        self.fresh: dict[str, F] = {}

    def remember(self, key: str, facts: F) -> None:
        self.known[key] = facts
        self.known.move_to_end(key)
        while len(self.known) > self._size_max:
            self.known.popitem(last=False)

    def remember_rows(self, rows: Mapping[str, bytes]) -> None:
        for key, row in rows.items():
            try:
                self.remember(key, self._decoder.decode(row))
            except msgspec.DecodeError:
                continue  # another version's: computed anew

    def missing(self, ids: Iterable[str]) -> list[str]:
        return [key for key in ids if key not in self.known and key not in self.fresh]

    def of(self, ids: Iterable[str]) -> dict[str, F]:
        found = ((key, self.known.get(key) or self.fresh.get(key)) for key in ids)
        return {key: facts for key, facts in found if facts is not None}

    def rows(self) -> dict[str, bytes]:
        return {key: msgspec.msgpack.encode(facts) for key, facts in self.fresh.items()}


class Derived:
    """Facts of one repository, under one counter."""

    def __init__(self, index: Index, counter_key: str) -> None:
        self._index = index
        self._counter_key = counter_key
        self._pages: _Facts[PageFacts] = _Facts(PageFacts, PAGES_MAX)
        self._commits: _Facts[CommitFacts] = _Facts(CommitFacts, COMMITS_MAX)
        self._numbers: dict[str, int] = {}
        self._lock = ThreadLock()

    def pages(self, ids: Iterable[str]) -> dict[str, PageFacts]:
        """What is known of these pages."""
        ids = list(ids)
        with self._lock:
            missing = self._pages.missing(ids)
            if missing and self._counter_key:
                self._pages.remember_rows(self._index.pages(self._counter_key, missing))
            return self._pages.of(ids)

    def commits(self, ids: Iterable[str]) -> dict[str, CommitFacts]:
        """What is known of these commits."""
        ids = list(ids)
        with self._lock:
            missing = self._commits.missing(ids)
            if missing:
                self._commits.remember_rows(self._index.commits(missing))
            return self._commits.of(ids)

    def writer(self, entry_id: str) -> str | None:
        """A commit that wrote an entry, of whatever branch; None where the index knows none."""
        return next(iter(self._index.writers([entry_id]).get(entry_id, ())), None)

    def noted(self, ref: str) -> dict[str, tuple[str, list[Line]]]:
        """Of each folder of a notes ref that is known: its tree, and the lines in it."""
        return self._index.noted(ref)

    def keep_notes(self, ref: str, folders: Mapping[str, tuple[str, list[Line]]]) -> None:
        """Keep the lines of folders of a notes ref; the tree "" forgets one."""
        self._index.set_notes(ref, folders)

    def number(self, commit_id: str) -> int:
        """How many commits lead to this one along first parents; 0 where nobody counted."""
        facts = self._commits.known.get(commit_id)
        return self._numbers.get(commit_id) or (facts.number if facts is not None else 0)

    def keep_number(self, commit_id: str, number: int) -> None:
        """Keep how many commits lead to one: in its row if it has one, else in memory."""
        with self._lock:
            self._numbers[commit_id] = number
            while len(self._numbers) > NUMBERS_MAX:
                del self._numbers[next(iter(self._numbers))]
            facts = self._commits.known.get(commit_id)
            if facts is not None and not facts.number:
                self.keep_commit(commit_id, msgspec.structs.replace(facts, number=number))

    def keep_page(self, page_id: str, facts: PageFacts) -> None:
        """Keep what was computed of a page."""
        with self._lock:
            self._pages.remember(page_id, facts)
            self._pages.fresh[page_id] = facts
            self._save_many()

    def keep_commit(self, commit_id: str, facts: CommitFacts) -> None:
        """Keep what was computed of a commit; very large changes are not worth keeping."""
        if len(facts.changes) > CHANGES_MAX:
            return
        with self._lock:
            self._commits.remember(commit_id, facts)
            self._commits.fresh[commit_id] = facts
            self._save_many()

    def _save_many(self) -> None:
        """Save when many have gathered; the index may be out of order, memory is bounded still."""
        if len(self._pages.fresh) + len(self._commits.fresh) >= FRESH_MAX:
            self.save()

    def save(self) -> None:
        """Add to the index what it lacks; where it cannot be written, nothing happens."""
        with self._lock:
            pages, commits = self._pages.rows(), self._commits.rows()
            entries = [
                (entry_id, commit_id)
                for commit_id, facts in self._commits.fresh.items()
                for entry_id in facts.entries or ()
            ]
            self._pages.fresh.clear()
            self._commits.fresh.clear()
        if pages or commits:
            self._index.add(
                counter=self._counter_key, pages=pages if self._counter_key else {},
                commits=commits, writers=entries,
            )  # fmt: skip

    def texts(self, blobs: Iterable[str]) -> dict[str, bytes]:
        """What is known of what is searched of these blobs, as it was added."""
        return self._index.texts(list(blobs))

    def add_texts(self, texts: Mapping[str, bytes]) -> None:
        """Add what is searched of these blobs to the index."""
        self._index.add(texts=texts)

    def without_pages(self) -> Derived:
        """One that knows no page, and asks no index for any."""
        return Derived(self._index, "")

    @property
    def path(self) -> str:
        """Where the index's file is."""
        return self._index.path

    def remove(self) -> None:
        """Forget everything, and remove the index's file; it is made again."""
        with self._lock:
            for facts in (self._pages, self._commits):
                facts.known.clear()
                facts.fresh.clear()
            self._numbers.clear()
            self._index.close()
            for end in ("", "-wal", "-shm"):
                remove_file(self._index.path + end)

    def close(self) -> None:
        """Let go of the index's file."""
        self._index.close()
