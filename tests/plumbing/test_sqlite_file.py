"""test_sqlite_file.py - a SQLite file that any question may find gone, refused or damaged."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.child import forked, start
from tract.plumbing import sqlite_file as module
from tract.plumbing.sealed import Damaged
from tract.plumbing.sqlite_file import SqliteFile, Tables

TABLES = Tables(7, lambda on: on.execute("CREATE TABLE rows (name PRIMARY KEY)"))


def unheard(said: str) -> None:
    """Fail on any warning."""
    raise AssertionError(said)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is going to be, in a folder that is not there yet."""
    return tmp_path / "folder" / "file.sqlite"


@pytest.fixture
def file(path: Path) -> Iterator[SqliteFile]:
    """A file that may not warn."""
    made = SqliteFile(str(path), TABLES, warn=unheard)
    yield made
    made.close()


def names(file: SqliteFile) -> list[str] | None:
    """The rows; None where the file cannot be used."""

    def read(on: sqlite3.Connection) -> list[str] | None:
        return [name.decode() for (name,) in on.execute("SELECT name FROM rows ORDER BY name")]

    return file.ask(read, None)


def add(file: SqliteFile, name: str) -> bool:
    """Add a row; whether it was."""

    def write(on: sqlite3.Connection) -> bool:
        on.execute("INSERT OR IGNORE INTO rows VALUES (?)", (name.encode(),))
        return True

    return file.ask(write, False, writes=True)


def test_reading_makes_no_file(file: SqliteFile) -> None:
    """Without a file the answer is nothing, and none is made."""
    assert names(file) is None
    assert not file.is_open
    assert not Path(file.path).parent.exists()


def test_writing_makes_file_and_tables(file: SqliteFile) -> None:
    """The first who writes makes the file, its tables and their number."""
    assert add(file, "a")
    assert names(file) == ["a"]
    assert file.ask(lambda on: on.execute("PRAGMA user_version").fetchone(), None) == (7,)


def test_what_fails_is_not_half_written(file: SqliteFile) -> None:
    """An error of the caller's own comes out, and nothing of its transaction stays."""
    add(file, "a")

    def write(on: sqlite3.Connection) -> None:
        on.execute("INSERT INTO rows VALUES (x'62')")
        raise KeyError

    with pytest.raises(KeyError):
        file.ask(write, None, writes=True)
    assert names(file) == ["a"]


def test_damage_that_the_reader_finds(file: SqliteFile, path: Path) -> None:
    """Whoever asks may call a row damaged: the file is removed, and the answer is nothing."""
    add(file, "a")

    def read(on: sqlite3.Connection) -> str:
        raise Damaged

    assert file.ask(read, "nothing") == "nothing"
    assert not path.exists()
    assert add(file, "b")
    assert names(file) == ["b"]


def test_damage_that_the_writer_finds(file: SqliteFile) -> None:
    """Who writes and meets damage writes once more, in the new file."""
    add(file, "a")
    met = [Damaged()]

    def write(on: sqlite3.Connection) -> int:
        on.execute("INSERT INTO rows VALUES (x'62')")
        if met:
            raise met.pop()
        return 5

    assert file.ask(write, 0, writes=True) == 5
    assert names(file) == ["b"]


def test_other_schemas(file: SqliteFile, path: Path) -> None:
    """A lower number is begun anew; a higher one is left alone, with one word."""
    add(file, "a")
    file.close()
    told: list[str] = []
    older = SqliteFile(str(path), TABLES._replace(schema=6), warn=told.append)
    assert names(older) is None
    assert not add(older, "b")
    assert told == ["it has schema 7, and this tract reads schema 6"]
    assert names(file) == ["a"]
    file.close()
    newer = SqliteFile(str(path), TABLES._replace(schema=8), warn=unheard)
    assert names(newer) is None
    assert not path.exists()


def test_tables_that_another_process_has_just_made(path: Path) -> None:
    """Tables made between a look at the number and a look for them are no damage."""
    path.parent.mkdir()
    connection = sqlite3.connect(path, isolation_level=None)
    maker = SqliteFile(str(path), TABLES, warn=unheard)

    def make(statement: str) -> None:
        if "sqlite_master" in statement:
            connection.set_trace_callback(None)
            assert add(maker, "a")

    connection.set_trace_callback(make)
    assert module._is_current(connection, 7)
    connection.close()
    maker.close()


# Who else has it open


def test_two_handles_see_each_other(file: SqliteFile) -> None:
    """What one handle adds the other knows at once, and closing one leaves the other's log."""
    other = SqliteFile(file.path, TABLES, warn=unheard)
    add(file, "a")
    assert names(other) == ["a"]
    add(other, "b")
    other.close()
    assert names(file) == ["a", "b"]


def test_forked_child_opens_its_own(file: SqliteFile) -> None:
    """After a fork parent and child both read and write, and the child's end hurts nobody."""
    add(file, "a")

    def child() -> None:
        assert not file.is_open
        assert names(file) == ["a"]
        assert add(file, "b")
        file.close()

    assert forked(child) == 0
    assert add(file, "c")
    assert names(file) == ["a", "b", "c"]


def test_fork_while_another_thread_is_asking(file: SqliteFile) -> None:
    """A child does not inherit a lock that nobody in it can let go of."""
    add(file, "a")
    go_on = threading.Event()

    def ask() -> None:
        while not go_on.is_set():
            names(file)

    thread = threading.Thread(target=ask)
    thread.start()

    def child() -> None:
        assert names(file) == ["a"]
        assert names(SqliteFile(file.path, TABLES, warn=unheard)) == ["a"]

    assert [forked(child) for _ in range(5)] == [0] * 5
    go_on.set()
    thread.join()


def test_a_parent_s_connection_is_kept(file: SqliteFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forked unseen, below Python, a child neither uses nor closes what its parent opened."""
    add(file, "a")
    kept: list[sqlite3.Connection] = []
    monkeypatch.setattr(module, "_of_parents", kept)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert not file.is_open
    assert names(file) == ["a"]
    assert len(kept) == 1
    kept[0].close()
    file.close()


@pytest.mark.parametrize("pause_s", [0.0, module.PAUSE_S])
def test_two_processes_write_at_once(
    path: Path, monkeypatch: pytest.MonkeyPatch, pause_s: float
) -> None:
    """Two processes that make, write, read and close one file hear of nothing."""
    monkeypatch.setattr(module, "PAUSE_S", pause_s)

    def work(sort: str) -> None:
        file = SqliteFile(str(path), TABLES, warn=unheard)
        for number in range(40):
            is_added, known = add(file, f"{sort}{number}"), names(file)
            assert not is_added or known is None or f"{sort}{number}" in known
            if number % 10 == 0:
                file.close()
        file.close()

    pid = start(lambda: work("b"))
    work("a")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    left = SqliteFile(str(path), TABLES, warn=unheard)
    assert names(left)
    left.close()


# What is said


def locker(file: SqliteFile, *statements: str) -> sqlite3.Connection:
    """Somebody else who has a lock of the file until it is rolled back."""
    add(file, "a")
    file.close()
    other = sqlite3.connect(file.path, isolation_level=None)
    for statement in statements:
        other.execute(statement).fetchall()
    return other


WRITING = ("BEGIN IMMEDIATE", "DELETE FROM rows")
EXCLUSIVE = ("PRAGMA locking_mode=EXCLUSIVE", "BEGIN EXCLUSIVE", "DELETE FROM rows")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are not waited for, nor refusals remembered."""
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    monkeypatch.setattr(module, "BUSY_S", 0.0)


@pytest.mark.usefixtures("hasty")
def test_a_write_refused_by_a_lock(file: SqliteFile) -> None:
    """Somebody else writes: twenty refusals in a row are nothing to speak of, one more is."""
    other = locker(file, *WRITING)
    told: list[str] = []
    mine = SqliteFile(file.path, TABLES, warn=told.append)
    assert not any(add(mine, "b") for _ in range(20))
    assert names(mine) == ["a"]
    assert told == []
    other.execute("ROLLBACK")
    assert add(mine, "c")
    other.execute("BEGIN IMMEDIATE")
    assert not any(add(mine, "d") for _ in range(20))
    assert told == []
    assert not any(add(mine, "e") for _ in range(20))
    assert told == ["database is locked"]
    other.close()
    mine.close()


def test_twenty_writes_have_waited_for_a_second() -> None:
    """What a lock may cost writers in all before it is told."""
    assert module.LOCKED_MAX[True] * module.BUSY_S == pytest.approx(1.0)


@pytest.mark.usefixtures("hasty")
def test_a_read_refused_by_a_lock(file: SqliteFile) -> None:
    """A reader who is refused again after the pause says so, once."""
    other = locker(file, *EXCLUSIVE)
    told: list[str] = []
    mine = SqliteFile(file.path, TABLES, warn=told.append)
    assert names(mine) is None
    assert told == []
    assert names(mine) is names(mine) is None
    assert told == ["database is locked"]
    other.close()
    assert names(mine) == ["a"]
    mine.close()


def refused_by(file: SqliteFile, warn: Callable[[str], object]) -> SqliteFile:
    """A handle of a file of a newer schema."""
    add(file, "a")
    return SqliteFile(file.path, TABLES._replace(schema=6), warn=warn)


def test_a_warning_that_raises(file: SqliteFile) -> None:
    """It comes out of the call, once; the next calls answer, and other threads are not blocked."""

    def warn(said: str) -> None:
        raise UserWarning(said)

    mine = refused_by(file, warn)
    with pytest.raises(UserWarning, match="it has schema 7"):
        names(mine)
    assert names(mine) is None
    assert not add(mine, "b")
    mine.close()
    assert names(file) == ["a"]


def test_a_warning_that_asks(file: SqliteFile) -> None:
    """What is told may itself ask: no lock is held meanwhile."""
    answers: list[object] = []
    mine = refused_by(file, lambda said: answers.append(names(mine)))
    assert names(mine) is None
    assert answers == [None]
