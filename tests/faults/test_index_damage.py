"""test_index_damage.py - the derived index gone, damaged, locked or refused: nothing fails.

Whatever happened to the file, an answer is what was put in or nothing, and rows can be added
again where the file can be written.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha1
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.child import forked, start
from tract.plumbing import sqlite_file
from tract.plumbing.index import SCHEMA, Index

NOBODY = 65534
REF = "refs/notes/tract/generation"
COUNTER = "o200k_base"


def ids(sort: str, count: int) -> list[str]:
    """Object ids, always the same."""
    return [sha1(f"{sort}{number}".encode()).hexdigest() for number in range(count)]


A, B = ids("new", 2)
PAGES = {key: key.encode() * 8 for key in ids("page", 40)}
COMMITS = {key: key.encode() for key in ids("commit", 200)}
WRITERS = list(zip(ids("entry", 200), COMMITS, strict=True))
LINES = [(commit, entry, "line " * 20) for entry, commit in WRITERS]
NOTES = {f"{n:02x}": (commit, LINES[n::8]) for n, commit in enumerate(list(COMMITS)[:8])}
TEXTS = {key: f"text {key} ".encode() * 5 for key in ids("text", 60)}


def unheard(said: str) -> None:
    """Fail on any warning."""
    raise AssertionError(said)


def fill(path: Path) -> Path:
    """Make an index with rows of every sort."""
    index = Index(str(path), warn=unheard)
    index.add(counter=COUNTER, pages=PAGES, commits=COMMITS, writers=WRITERS, texts=TEXTS)
    index.set_notes(REF, NOTES)
    index.close()
    return path


def check(index: Index) -> int:
    """Ask for everything: each answer is true or absent. How many rows there were."""
    pages = index.pages(COUNTER, list(PAGES))
    commits = index.commits(list(COMMITS))
    writers = index.writers([entry for entry, _ in WRITERS])
    notes, lines = index.notes(REF), index.note_lines(REF)
    folders = index.noted(REF)
    texts = index.texts(list(TEXTS))
    assert pages.items() <= PAGES.items()
    assert commits.items() <= COMMITS.items()
    pairs = {(entry, commit) for entry, commits in writers.items() for commit in commits}
    assert pairs <= set(WRITERS)
    assert notes.items() <= {folder: tree for folder, (tree, _) in NOTES.items()}.items()
    assert set(lines) <= set(LINES)
    assert all(NOTES[folder] == kept for folder, kept in folders.items())
    assert texts.items() <= TEXTS.items()
    return sum(map(len, (pages, commits, pairs, notes, lines, folders, texts)))


ALL = len(PAGES) + 200 + 200 + 8 + 200 + 8 + 60


def works(index: Index) -> bool:
    """Whether rows can be added and come back; False where the question met damage."""
    index.add(commits={A: b"a"}, texts={B: b"another text"})
    texts, commits = index.texts([B]), index.commits([A])
    assert texts in ({}, {B: b"another text"})
    assert commits in ({}, {A: b"a"})
    return bool(texts and commits)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with rows of every sort, closed; to be copied."""
    return fill(tmp_path_factory.mktemp("filled") / "index.sqlite")


@pytest.fixture
def path(filled: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copy(filled, tmp_path / "index.sqlite"))


@contextmanager
def opened(path: Path, warn: Callable[[str], object] = unheard) -> Iterator[Index]:
    """An Index that is closed at the end."""
    index = Index(str(path), warn=warn)
    try:
        yield index
    finally:
        index.close()


def test_undamaged(path: Path) -> None:
    """What is checked here finds every row of a sound file."""
    with opened(path) as index:
        assert check(index) == ALL


# Damage


def test_zero_length(path: Path) -> None:
    """An empty file is an index without rows."""
    path.write_bytes(b"")
    with opened(path) as index:
        assert check(index) == 0
        assert works(index)


def test_cut_off(filled: Path, tmp_path: Path) -> None:
    """A file cut off at any length answers truly or not at all, and is begun anew."""
    content = filled.read_bytes()
    lengths = [*range(1, 101, 9), *range(512, len(content), 1536), len(content) - 1]
    for length in lengths:
        path = tmp_path / f"{length}.sqlite"
        path.write_bytes(content[:length])
        with opened(path) as index:
            assert check(index) < ALL
            assert works(index)


def test_garbage_at_each_page(filled: Path, tmp_path: Path) -> None:
    """A page that was overwritten costs rows and nothing else."""
    content = filled.read_bytes()
    for at in range(0, len(content), 4096):
        path = tmp_path / f"{at}.sqlite"
        garbage = sha1(b"%d" % at).digest() * 205
        path.write_bytes(content[:at] + garbage[:4096] + content[at + 4096 :])
        with opened(path) as index:
            check(index)
            assert sum(works(index) for _ in range(3)) >= 2


SPOTS = st.lists(st.tuples(st.floats(0, 0.9999), st.binary(min_size=1, max_size=40)), min_size=1)


def scribble(path: Path, spots: list[tuple[float, bytes]]) -> None:
    """Overwrite some bytes of a file, which keeps its length."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        for where, garbage in spots:
            file.seek(min(int(where * size), size - len(garbage)))
            file.write(garbage)


@given(spots=SPOTS)
def test_garbage_anywhere(filled: Path, spots: list[tuple[float, bytes]]) -> None:
    """Whatever bytes are changed, no method raises and no answer is untrue."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(filled, Path(folder, "index.sqlite")))
        scribble(path, spots)
        told: list[str] = []
        with opened(path, told.append) as index:
            check(index)
            index.add(counter=COUNTER, pages=PAGES, commits=COMMITS, writers=WRITERS, texts=TEXTS)
            index.set_notes(REF, NOTES)
            check(index)
        assert len(told) <= 1


@given(spots=SPOTS, in_log=st.booleans())
def test_garbage_while_open(filled: Path, spots: list[tuple[float, bytes]], in_log: bool) -> None:
    """The same under an open connection, and in its log."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(filled, Path(folder, "index.sqlite")))
        with opened(path) as index:
            index.set_notes(REF, NOTES)
            scribble(Path(f"{path}-wal") if in_log else path, spots)
            check(index)
            index.add(commits=COMMITS)
            check(index)


def test_changed_byte_of_a_row(path: Path) -> None:
    """SQLite does not notice a changed byte of a row; the index does, and begins anew."""
    content = path.read_bytes()
    key, facts = next(iter(COMMITS.items()))
    assert facts in content
    path.write_bytes(content.replace(facts, facts.swapcase()))
    with opened(path) as index:
        assert index.commits([key]) == {}
        assert check(index) == 0
        assert works(index)


@pytest.mark.parametrize(
    "word", [b"commits", b"CREATE TABLE", b"WITHOUT", b"PRIMARY KEY", b"sealed"]
)
def test_schema_that_is_no_text(path: Path, word: bytes) -> None:
    """SQLite quotes a damaged schema in its message, which then is no UTF-8."""
    path.write_bytes(path.read_bytes().replace(word, b"\x80" + word[1:]))
    with opened(path) as index:
        check(index)
        assert sum(works(index) for _ in range(3)) >= 2


def test_three_rebuilds_are_enough(path: Path, filled: Path) -> None:
    """Damaged a fourth time the file is left alone, with one warning."""
    content = filled.read_bytes()
    damaged = content[:4096] + bytes(len(content) - 4096)
    told: list[str] = []
    with opened(path, told.append) as index:
        for _ in range(3):
            path.write_bytes(damaged)
            assert check(index) == 0
            assert not path.exists()
        assert told == []
        path.write_bytes(damaged)
        assert check(index) == 0
        index.add(commits=COMMITS)
        assert path.read_bytes() == damaged
    assert len(told) == 1
    assert f"the index {path} cannot be used (it was damaged more than 3 times)" in told[0]


def test_damage_seen_in_writing(path: Path) -> None:
    """What a call adds when it meets the damage is in the new file."""
    path.write_bytes(b"no database at all" * 1000)
    with opened(path) as index:
        assert works(index)


# Gone and replaced


def test_deleted_while_open(path: Path) -> None:
    """A file removed under an open connection is noticed, and made again when rows are added."""
    with opened(path) as index:
        assert check(index) == ALL
        path.unlink()
        assert check(index) == 0
        assert works(index)
        assert path.exists()


def test_log_deleted_while_open(path: Path) -> None:
    """Removing the log or its index loses rows at most."""
    with opened(path) as index:
        index.add(commits={A: b"a"})
        Path(f"{path}-wal").unlink()
        Path(f"{path}-shm").unlink()
        check(index)
        assert works(index)
    with opened(path) as index:
        check(index)
        assert works(index)


def test_replaced_while_open(path: Path, filled: Path, tmp_path: Path) -> None:
    """Another file at the same path is the index from then on."""
    with opened(path) as index:
        assert works(index)
        shutil.copy(filled, tmp_path / "other")
        os.replace(tmp_path / "other", path)
        assert check(index) == ALL
        assert works(index)


def test_removed_by_one_of_two(path: Path) -> None:
    """A handle that holds the removed file does not harm the new one when it closes."""
    with opened(path) as first, opened(path) as second:
        works(first)
        works(second)
        path.unlink()
        assert first.commits([A]) == {}
        first.add(commits={A: b"new"})
        second.close()
        assert first.commits([A]) == second.commits([A]) == {A: b"new"}
    with opened(path) as index:
        assert index.commits([A]) == {A: b"new"}


def test_folder_in_its_place(tmp_path: Path) -> None:
    """A folder at the path is left alone, with one warning."""
    path = tmp_path / "index.sqlite"
    path.mkdir()
    told: list[str] = []
    with opened(path, told.append) as index:
        assert check(index) == 0
        index.add(commits=COMMITS)
    assert told == [f"the index {path} cannot be used (it is not a file); answers come without it"]
    assert os.listdir(path) == []


def test_file_in_its_folder_s_place(tmp_path: Path) -> None:
    """Where no folder can be made, writing does nothing, with one warning."""
    (tmp_path / "tract").write_text("a file")
    told: list[str] = []
    with opened(tmp_path / "tract" / "index.sqlite", told.append) as index:
        assert check(index) == 0
        assert told == []
        index.add(commits=COMMITS)
        index.add(commits=COMMITS)
    assert len(told) == 1
    assert (tmp_path / "tract").read_text() == "a file"


# Versions


def set_version(path: Path, version: int) -> bytes:
    """Give the file a schema version; its bytes."""
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={version}")
    connection.close()
    return path.read_bytes()


def test_newer_schema_is_left_alone(path: Path) -> None:
    """An index of a newer tract is neither read nor written nor removed, with one warning."""
    content = set_version(path, SCHEMA + 1)
    told: list[str] = []
    with opened(path, told.append) as index:
        assert check(index) == 0
        index.add(commits={A: b"a"})
        index.set_notes(REF, NOTES)
    assert len(told) == 1
    assert f"schema {SCHEMA + 1}" in told[0]
    assert path.read_bytes() == content


@pytest.mark.parametrize("version", [1, 0, -1])
def test_older_schema_is_begun_anew(path: Path, version: int) -> None:
    """An index of an older tract, or of nobody, is removed without a word."""
    set_version(path, version)
    with opened(path) as index:
        assert check(index) == 0
        assert works(index)


FULL_TEXT = """
    CREATE TABLE pages (counter, page, facts, PRIMARY KEY (counter, page)) WITHOUT ROWID;
    CREATE TABLE commits (id PRIMARY KEY, facts) WITHOUT ROWID;
    CREATE TABLE writers (entry, id, crc, PRIMARY KEY (entry, id)) WITHOUT ROWID;
    CREATE TABLE notes (ref, folder, tree, lines, PRIMARY KEY (ref, folder)) WITHOUT ROWID;
    CREATE VIRTUAL TABLE found USING
        fts5(text, content='', columnsize=0, tokenize='trigram case_sensitive 0');
    CREATE TABLE texts (number INTEGER PRIMARY KEY, blob UNIQUE, crc);
    INSERT INTO found(rowid, text) VALUES (1, 'some text');
    PRAGMA user_version=1;
"""


def test_a_file_of_schema_1_is_begun_anew(tmp_path: Path) -> None:
    """Tables of FTS5, as tract had them before its first release, are removed without a word."""
    path = tmp_path / "index.sqlite"
    with sqlite3.connect(path) as connection:
        try:
            connection.executescript(FULL_TEXT)
        except sqlite3.OperationalError as error:
            pytest.skip(f"this SQLite makes no such table: {error}")
    connection.close()
    with opened(path) as index:
        assert check(index) == 0
        assert not path.exists()
        assert works(index)


# Locked

EXCLUSIVE = ("PRAGMA locking_mode=EXCLUSIVE", "BEGIN EXCLUSIVE", "DELETE FROM commits")
WRITING = ("BEGIN IMMEDIATE", "DELETE FROM commits")


@contextmanager
def held(path: Path, statements: tuple[str, ...]) -> Iterator[Callable[[], None]]:
    """Another process in the middle of a transaction, until the function given is called."""
    ready, go_on = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            connection = sqlite3.connect(path, isolation_level=None)
            for statement in statements:
                connection.execute(statement).fetchall()
            os.write(ready[1], b"x")
            os.close(go_on[1])
            os.read(go_on[0], 1)
        finally:
            os._exit(0)
    os.close(ready[1])
    assert os.read(ready[0], 1) == b"x"

    running = [pid]

    def let_go() -> None:
        os.write(go_on[1], b"x")
        os.waitpid(running.pop(), 0)

    try:
        yield let_go
    finally:
        if running:
            let_go()
        for each in (ready[0], *go_on):
            os.close(each)


def test_locked_by_another(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process locks everything nothing is known, with one warning; then it is."""
    monkeypatch.setattr(sqlite_file, "PAUSE_S", 0.0)
    told: list[str] = []
    with held(path, EXCLUSIVE) as let_go, opened(path, told.append) as index:
        assert check(index) == 0
        index.add(commits={A: b"a"})
        let_go()
        assert check(index) == ALL
        assert works(index)
    assert told == [
        f"the index {path} cannot be used (database is locked); answers come without it"
    ]


def test_locked_is_not_tried_again_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that ran into a lock spares the next ones the wait, even when the lock is gone."""
    monkeypatch.setattr(sqlite_file, "PAUSE_S", 3600.0)
    told: list[str] = []
    with held(path, EXCLUSIVE) as let_go, opened(path, told.append) as index:
        assert index.commits(list(COMMITS)) == {}
        let_go()
        assert check(index) == 0
        index.add(commits={A: b"a"})
    assert told == []
    with opened(path) as index:
        assert check(index) == ALL
        assert index.commits([A]) == {}


def test_another_writes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process writes, all can be read, and what is to be added is not; no word."""
    monkeypatch.setattr(sqlite_file, "PAUSE_S", 3600.0)
    with held(path, WRITING), opened(path) as index:
        assert check(index) == ALL
        for _ in range(100):
            index.add(commits={A: b"a"})
        assert index.commits([A]) == {}
        assert check(index) == ALL


def test_another_writes_and_writes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused for a second in all, without a success, adding warns once; reading goes on."""
    monkeypatch.setattr(sqlite_file, "PAUSE_S", 0.0)
    monkeypatch.setattr(sqlite_file, "BUSY_S", 0.001)
    told: list[str] = []
    with held(path, WRITING) as let_go, opened(path, told.append) as index:
        for _ in range(40):
            index.add(commits={A: b"a"})
        assert check(index) == ALL
        let_go()
        assert works(index)
    assert len(told) == 1


def test_a_writer_killed_in_its_transaction(path: Path) -> None:
    """What a killed process had not committed is not there, and nobody is locked out."""
    ready = os.pipe()

    def child() -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        for statement in WRITING:
            connection.execute(statement)
        os.write(ready[1], b"x")
        signal.pause()

    pid = start(child)
    os.read(ready[0], 1)
    with opened(path) as index:
        assert check(index) == ALL
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        assert works(index)
        assert check(index) == ALL
    for each in ready:
        os.close(each)


# Refused


def test_disk_full(path: Path) -> None:
    """Where nothing more can be written rows are lost, with one warning, and the rest is there."""

    def child() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limit = path.stat().st_size + 8192
        told: list[str] = []
        with opened(path, told.append) as index:
            assert check(index) == ALL
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            index.add(commits={key: os.urandom(500) for key in ids("much", 2000)})
            assert index.commits(ids("much", 2000)) == {}
            index.add(commits={key: os.urandom(500) for key in ids("much", 2000)})
        assert len(told) == 1

    assert forked(child) == 0
    with opened(path) as index:
        assert check(index) == ALL
        assert works(index)


def test_file_at_its_largest(path: Path) -> None:
    """SQLite's own "database or disk is full" is one warning, and reading goes on."""
    told: list[str] = []
    with opened(path, told.append) as index:
        assert check(index) == ALL
        index._file.ask(lambda on: on.execute("PRAGMA max_page_count=1").fetchall(), None)
        index.add(commits={key: os.urandom(500) for key in ids("much", 500)})
        assert check(index) == ALL
        index.add(commits={A: b"a"})
    assert told == [
        f"the index {path} cannot be used (database or disk is full); answers come without it"
    ]


@pytest.fixture
def passable(filled: Path) -> Iterator[Path]:
    """A copy in a folder that everybody may enter and nobody else may write."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(filled, Path(folder, "index.sqlite")))
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        yield path
        Path(folder).chmod(0o755)


def as_nobody(work: Callable[[list[str]], object]) -> int:
    """Run `work` with a list for warnings in a child without rights; how it ended."""

    def child() -> None:
        if os.getuid() == 0:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        work([])

    return forked(child)


def test_read_only_folder(passable: Path) -> None:
    """Where nothing may be written rows are served all the same; adding warns once."""

    def work(told: list[str]) -> None:
        with opened(passable, told.append) as index:
            assert check(index) == ALL
            assert told == []
            index.add(commits={A: b"a"})
            index.set_notes(REF, {"ab": ("", [])})
            assert check(index) == ALL
        assert len(told) == 1

    assert as_nobody(work) == 0
    assert os.listdir(passable.parent) == ["index.sqlite"]


def test_read_only_folder_that_the_owner_writes(passable: Path) -> None:
    """Who may only read sees what the owner has added in the meantime, or nothing."""
    Path(passable.parent).chmod(0o755)
    passable.chmod(0o644)
    said, done = os.pipe(), os.pipe()

    def work(told: list[str]) -> None:
        if os.getuid() != NOBODY:
            Path(passable.parent).chmod(0o555)
        with opened(passable, told.append) as index:
            assert check(index) == ALL
            os.write(said[1], b"x")
            os.read(done[0], 1)
            assert index.commits([A]) == {A: b"a"}

    pid = os.fork()
    if pid == 0:
        os._exit(as_nobody(work))
    os.read(said[0], 1)
    Path(passable.parent).chmod(0o755)
    with opened(passable) as index:
        index.add(commits={A: b"a"})
    os.write(done[1], b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    for each in (*said, *done):
        os.close(each)


def test_read_only_and_damaged(passable: Path) -> None:
    """A damaged file that may not be removed is not used, with one warning."""
    passable.chmod(0o644)
    passable.write_bytes(b"garbage" * 1000)

    def work(told: list[str]) -> None:
        with opened(passable, told.append) as index:
            assert check(index) == 0
            index.add(commits={A: b"a"})
        assert len(told) == 1

    assert as_nobody(work) == 0
    assert passable.read_bytes() == b"garbage" * 1000


def test_unreadable_file(passable: Path) -> None:
    """A file that may not be read is not used, with one warning."""
    passable.chmod(0o000)

    def work(told: list[str]) -> None:
        with opened(passable, told.append) as index:
            assert check(index) == 0
            index.add(commits={A: b"a"})
        assert len(told) == 1

    assert as_nobody(work) == 0


def test_unreadable_folder(passable: Path) -> None:
    """Neither is one in a folder that may not be entered."""
    passable.parent.chmod(0o000)

    def work(told: list[str]) -> None:
        with opened(passable, told.append) as index:
            assert check(index) == 0
            index.add(commits={A: b"a"})
        assert told == [
            f"the index {passable} cannot be used (Permission denied); answers come without it"
        ]

    assert as_nobody(work) == 0


def test_no_file_in_a_read_only_folder(passable: Path) -> None:
    """Reading without a file says nothing; adding warns once and makes none."""
    passable.parent.chmod(0o755)
    passable.unlink()
    passable.parent.chmod(0o555)

    def work(told: list[str]) -> None:
        with opened(passable, told.append) as index:
            assert check(index) == 0
            assert told == []
            index.add(commits={A: b"a"})
            index.add(commits={A: b"a"})
        assert len(told) == 1

    assert as_nobody(work) == 0
    assert os.listdir(passable.parent) == []


def test_a_warning_names_no_contents(path: Path) -> None:
    """What is said is the path and the reason, once for any number of calls."""
    set_version(path, 99)
    told: list[str] = []
    with opened(path, told.append) as index:
        for key, text in TEXTS.items():
            index.add(commits={key: b"secret"}, texts={key: text})
            index.texts([key])
    assert len(told) == 1
    assert "secret" not in told[0]
    assert not any(key in told[0] for key in TEXTS)
