"""index.py - the derived index: rows computed from objects, kept in SQLite beside them.

Nothing depends on it. A row is keyed by object ids and so never stale, and sealed (sealed.py), so
that what is read is what was written; where the file (sqlite_file.py) cannot be used, nothing is
known.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tract.plumbing.sealed import (
    as_bytes,
    as_text,
    asked,
    check,
    checksum,
    id_of,
    key_of,
    keyed,
    seal,
    unseal,
)
from tract.plumbing.sqlite_file import SqliteFile, Tables

if TYPE_CHECKING:
    from sqlite3 import Connection

SCHEMA = 2  # 1, never released, had full text in tables of FTS5
_KEYS_MAX = 500

_TABLES = (
    "CREATE TABLE pages (counter, page, facts, PRIMARY KEY (counter, page)) WITHOUT ROWID",
    "CREATE TABLE commits (id PRIMARY KEY, facts) WITHOUT ROWID",
    "CREATE TABLE writers (entry, id, crc, PRIMARY KEY (entry, id)) WITHOUT ROWID",
    "CREATE TABLE notes (ref, folder, tree, lines, PRIMARY KEY (ref, folder)) WITHOUT ROWID",
    "CREATE TABLE texts (blob PRIMARY KEY, sealed)",  # long rows: added faster in their own order
)

Line = tuple[str, str, str]


class Index:
    """The index at `path`. Every method answers at once, with nothing where it cannot be used.

    `warn` is told so in one sentence, once; that somebody else is writing is worth it only when it
    lasts. What `warn` raises comes out of the method, after everything is done: the file and the
    Index are as they would be, and the same question asked again is answered. Threads may share
    an Index; after a fork parent and child open the file anew.
    """

    def __init__(self, path: str, *, warn: Callable[[str], object]) -> None:
        path = os.path.abspath(path)

        def tell(reason: str) -> None:
            warn(f"the index {path} cannot be used ({reason}); answers come without it")

        self._file = SqliteFile(path, Tables(SCHEMA, _make_tables), warn=tell)

    @property
    def path(self) -> str:
        """Where the file is, or would be."""
        return self._file.path

    @property
    def is_open(self) -> bool:
        """Whether a connection has been made and works."""
        return self._file.is_open

    def close(self) -> None:
        """Write the log back into the file and let go of it; the next use opens it again."""
        self._file.close()

    # Reading

    def pages(self, counter: str, page_ids: Sequence[str]) -> dict[str, bytes]:
        """The facts known of these pages under a token counter."""
        name = as_bytes(counter)
        sql = "SELECT page, facts FROM pages WHERE counter = ? AND page IN"
        return self._facts(sql, (name,), b"page %b\0" % name, page_ids)

    def commits(self, commit_ids: Sequence[str]) -> dict[str, bytes]:
        """The facts known of these commits."""
        return self._facts("SELECT id, facts FROM commits WHERE id IN", (), b"commit ", commit_ids)

    def texts(self, blob_ids: Sequence[str]) -> dict[str, bytes]:
        """The texts known of these blobs."""
        return self._facts("SELECT blob, sealed FROM texts WHERE blob IN", (), b"text ", blob_ids)

    def _facts(
        self, sql: str, first: tuple[bytes, ...], sort: bytes, ids: Sequence[str]
    ) -> dict[str, bytes]:
        keys = {key_of(each): each for each in ids}

        def read(on: Connection) -> dict[str, bytes]:
            rows = _select(on, sql, first, list(keys))
            return {asked(keys, key): unseal(sealed, sort, key) for key, sealed in rows}

        return self._file.ask(read, {}) if keys else {}

    def writers(self, entry_ids: Sequence[str]) -> dict[str, list[str]]:
        """Of each entry the commits known to have written it."""
        keys = {key_of(each): each for each in entry_ids}

        def read(on: Connection) -> dict[str, list[str]]:
            found: dict[str, list[str]] = {}
            sql = "SELECT entry, id, crc FROM writers WHERE entry IN"
            for entry, commit, crc in _select(on, sql, (), list(keys)):
                entry_id = asked(keys, entry)
                check(crc, b"writer ", entry, commit)
                found.setdefault(entry_id, []).append(id_of(commit))
            return found

        return self._file.ask(read, {}) if keys else {}

    def notes(self, ref: str) -> dict[str, str]:
        """The folders of a notes ref whose lines are known, each with the tree they are of."""
        sql = "SELECT folder, tree FROM notes WHERE ref = ?"
        name = as_bytes(ref)

        def read(on: Connection) -> dict[str, str]:
            rows = on.execute(sql, (name,)).fetchall()
            return dict(_folder(name, *row) for row in rows)

        return self._file.ask(read, {})

    def note_lines(
        self,
        ref: str,
        *,
        commits: Sequence[str] | None = None,
        entries: Sequence[str] | None = None,
    ) -> list[Line]:
        """The known lines of a notes ref as (commit, entry, line), of these commits and entries.

        None asks for all. An empty answer may also mean that the index has gone since `notes`
        was asked: where the difference matters, ask `noted`.
        """
        found = self.noted(ref, commits=commits, entries=entries)
        return [line for _, lines in found.values() for line in lines]

    def noted(
        self,
        ref: str,
        *,
        commits: Sequence[str] | None = None,
        entries: Sequence[str] | None = None,
    ) -> dict[str, tuple[str, list[Line]]]:
        """Folder to (tree, lines): `notes` and `note_lines` as of one moment.

        A folder that is in the answer is known in full, with a line or without.
        """
        sql = "SELECT folder, tree, lines FROM notes WHERE ref = ? ORDER BY folder"
        name = as_bytes(ref)
        wanted = [None if each is None else frozenset(each) for each in (commits, entries)]

        def read(on: Connection) -> dict[str, tuple[str, list[Line]]]:
            found = {}
            for folder, tree, sealed in on.execute(sql, (name,)).fetchall():
                folder_name, tree_id = _folder(name, folder, tree)
                packed = unseal(sealed, b"lines ", name, folder, tree)
                found[folder_name] = (tree_id, _unpacked(packed, *wanted))
            return found

        return self._file.ask(read, {})

    # Writing

    def add(
        self,
        *,
        counter: str = "",
        pages: Mapping[str, bytes] = {},
        commits: Mapping[str, bytes] = {},
        writers: Iterable[tuple[str, str]] = (),
        texts: Mapping[str, bytes] = {},
    ) -> None:
        """Add rows in one transaction: facts of pages and commits, (entry, commit), blob texts."""
        name = as_bytes(counter)
        page_rows = [
            (name, key, seal(facts, b"page %b\0" % name, key)) for key, facts in keyed(pages)
        ]
        commit_rows = [(key, seal(facts, b"commit ", key)) for key, facts in keyed(commits)]
        pairs = sorted({(key_of(entry), key_of(commit)) for entry, commit in writers})
        writer_rows = [(*pair, checksum(b"writer ", *pair)) for pair in pairs]
        text_rows = [(key, seal(text, b"text ", key)) for key, text in keyed(texts)]

        def write(on: Connection) -> None:
            many = on.executemany
            many("INSERT OR REPLACE INTO pages VALUES (?, ?, ?)", page_rows)
            many("INSERT OR REPLACE INTO commits VALUES (?, ?)", commit_rows)
            many("INSERT OR REPLACE INTO writers VALUES (?, ?, ?)", writer_rows)
            many("INSERT OR REPLACE INTO texts VALUES (?, ?)", text_rows)

        if page_rows or commit_rows or writer_rows or text_rows:
            self._file.ask(write, None, writes=True)

    def set_notes(self, ref: str, folders: Mapping[str, tuple[str, Iterable[Line]]]) -> None:
        """Replace what is known of these folders, each given as (tree, lines).

        The tree "" removes a folder.
        """
        name = as_bytes(ref)
        named = [(as_bytes(folder), tree, list(lines)) for folder, (tree, lines) in folders.items()]
        gone = [(name, folder) for folder, tree, _ in named if not tree]
        rows = [
            _note_row(name, folder, key_of(tree), lines) for folder, tree, lines in named if tree
        ]

        def write(on: Connection) -> None:
            many = on.executemany
            many("DELETE FROM notes WHERE ref = ? AND folder = ?", gone)
            many("INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?)", rows)

        if named:
            self._file.ask(write, None, writes=True)


# Rows


def _make_tables(on: Connection) -> None:
    for sql in _TABLES:
        on.execute(sql)


def _select(
    on: Connection, sql: str, first: tuple[bytes, ...], keys: Sequence[bytes]
) -> Iterator[tuple[bytes, ...]]:
    for start in range(0, len(keys), _KEYS_MAX):
        some = keys[start : start + _KEYS_MAX]
        marks = ",".join("?" * len(some))
        yield from on.execute(f"{sql} ({marks})", (*first, *some)).fetchall()


def _note_row(
    ref: bytes, folder: bytes, tree: bytes, lines: list[Line]
) -> tuple[bytes, bytes, bytes, bytes]:
    """A folder is one row, so that its lines are all there or none is."""
    sealed_tree = seal(tree, b"tree ", ref, folder)
    packed = json.dumps(lines, separators=(",", ":")).encode()
    return ref, folder, sealed_tree, seal(packed, b"lines ", ref, folder, sealed_tree)


def _folder(ref: bytes, folder: object, sealed_tree: object) -> tuple[str, str]:
    name = as_text(folder)
    return name, id_of(unseal(sealed_tree, b"tree ", ref, as_bytes(name)))


def _unpacked(
    packed: bytes, commits: frozenset[str] | None, entries: frozenset[str] | None
) -> list[Line]:
    """The lines of these commits and entries; None is all."""
    return [
        (commit, entry, line)
        for commit, entry, line in json.loads(packed)
        if (commits is None or commit in commits) and (entries is None or entry in entries)
    ]
