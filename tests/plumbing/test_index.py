"""test_index.py - the derived index: rows come back as they were handed in, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path

import pytest

from tests.faults.child import start
from tract.plumbing import sqlite_file
from tract.plumbing.index import Index

REF = "refs/notes/tract/generation"


def ids(sort: str, count: int) -> list[str]:
    """Object ids, always the same."""
    return [sha1(f"{sort}{number}".encode()).hexdigest() for number in range(count)]


A, B, C = ids("x", 3)


def unheard(said: str) -> None:
    """Fail on any warning."""
    raise AssertionError(said)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """An index in a folder that is not there yet, which may not warn."""
    made = Index(str(tmp_path / "tract" / "index.sqlite"), warn=unheard)
    yield made
    made.close()


def test_nothing_is_known_at_first(index: Index) -> None:
    """Without a file every question is answered with nothing, and none is made."""
    assert index.pages("c", [A]) == {}
    assert index.commits([A]) == {}
    assert index.writers([A]) == {}
    assert index.notes(REF) == {}
    assert index.note_lines(REF) == []
    assert index.noted(REF) == {}
    assert index.texts([A]) == {}
    assert not index.is_open
    assert not Path(index.path).parent.exists()


def test_adding_nothing_makes_no_file(index: Index) -> None:
    """A call without rows does nothing."""
    index.add()
    index.set_notes(REF, {})
    assert not Path(index.path).parent.exists()


def test_pages_are_of_a_counter(index: Index) -> None:
    """The same page has facts of its own under each counter."""
    index.add(counter="one", pages={A: b"1", B: b""})
    index.add(counter="two", pages={A: b"2"})
    assert index.pages("one", [A, B, C]) == {A: b"1", B: b""}
    assert index.pages("two", [A, B]) == {A: b"2"}


def test_commits(index: Index) -> None:
    """Facts of commits come back byte for byte, and the last that were added count."""
    index.add(commits={A: bytes(range(256)), B: b"old"})
    index.add(commits={B: b"new"})
    assert index.commits([C, B, A]) == {A: bytes(range(256)), B: b"new"}


def test_many_keys(index: Index) -> None:
    """More keys than a statement takes are asked for in portions."""
    rows = {key: key.encode() for key in ids("many", 1201)}
    index.add(commits=rows)
    assert index.commits(list(rows)) == rows


def test_writers(index: Index) -> None:
    """An entry has the commits that wrote it, each once."""
    index.add(writers=[(A, B), (A, C)])
    index.add(writers=[(A, B)])
    found = index.writers([A, B])
    assert {key: sorted(commits) for key, commits in found.items()} == {A: sorted([B, C])}


@pytest.mark.parametrize("other", ["", "short", "é", "A" * 40, A + A[:24], " " + A[:39], "x" * 19])
def test_ids_that_are_not_git_s(index: Index, other: str) -> None:
    """Any other id comes back as it was given, too."""
    index.add(writers=[(other, A), (A, other)], commits={other: b"facts"})
    assert index.writers([other, A]) == {other: [A], A: [other]}
    assert index.commits([other]) == {other: b"facts"}


def test_notes_by_folder(index: Index) -> None:
    """A folder's tree and lines are replaced together, and removed by an empty tree."""
    index.set_notes(REF, {"ab": (A, [(A, "e1", "x"), (B, "", "y")]), "": (B, [(C, "e2", "z")])})
    assert index.notes(REF) == {"": B, "ab": A}
    index.set_notes(REF, {"ab": (C, [(A, "e1", "new")]), "": ("", [])})
    assert index.notes(REF) == {"ab": C}
    assert index.note_lines(REF) == [(A, "e1", "new")]
    assert index.notes("refs/notes/tract/tokens") == {}


LINES = [
    (A, "e1", '{"a": "\u00e9\\n"}'),
    (A, "e2", "two\nlines\0"),
    (B, "e1", "\ud800"),
    (C, "", ""),
]


def test_note_lines_are_filtered(index: Index) -> None:
    """Lines are asked for by commit, by entry, by both, or all."""
    index.set_notes(REF, {"aa": (A, LINES[:2]), "bb": (B, LINES[2:])})
    assert index.note_lines(REF) == LINES
    assert index.note_lines(REF, commits=[A]) == LINES[:2]
    assert index.note_lines(REF, entries=["e1"]) == [LINES[0], LINES[2]]
    assert index.note_lines(REF, commits=[A, C], entries=["e1", ""]) == [LINES[0], LINES[3]]
    assert index.note_lines(REF, commits=[]) == []
    assert index.note_lines(REF, entries=["x"]) == []
    assert index.note_lines(REF, commits=[*ids("many", 20), B]) == [LINES[2]]


def test_a_folder_without_a_match_is_known_all_the_same(index: Index) -> None:
    """`noted` tells a folder in which nothing matches from one that is not known."""
    index.set_notes(REF, {"aa": (A, LINES[:2]), "bb": (B, [])})
    assert index.noted(REF, commits=[B]) == {"aa": (A, []), "bb": (B, [])}


def test_texts(index: Index) -> None:
    """Texts of blobs come back byte for byte, of any length, and only those that are asked for."""
    texts = {A: bytes(range(256)) * 40, B: b""}
    index.add(texts=texts)
    assert index.texts([A, B, C]) == texts
    assert index.texts([B]) == {B: b""}
    assert index.texts([]) == {}


def test_a_text_is_kept_once(index: Index) -> None:
    """The same blob added again takes no more room."""
    for _ in range(3):
        index.add(texts={A: b"text", B: b"other"})
    count = "SELECT count(*) FROM texts"
    assert index._file.ask(lambda on: on.execute(count).fetchone(), None) == (2,)


def test_closed_and_used_again(index: Index) -> None:
    """Close leaves one file, and the next call opens it anew."""
    index.add(commits={A: b"a"})
    assert index.is_open
    index.close()
    index.close()
    assert not index.is_open
    assert os.listdir(Path(index.path).parent) == ["index.sqlite"]
    assert index.commits([A]) == {A: b"a"}


def test_odd_paths(tmp_path: Path) -> None:
    """A path may hold what has a meaning in a URI, and bytes that are no text."""
    for name in ("a b?mode=memory#x", "50%41", os.fsdecode(b"\xff\xfe")):
        index = Index(str(tmp_path / name / "index.sqlite"), warn=unheard)
        index.add(commits={A: b"a"})
        index.close()
        assert os.listdir(tmp_path / name) == ["index.sqlite"]
        assert index.commits([A]) == {A: b"a"}
        index.close()


def test_sqlite_is_imported_when_needed(tmp_path: Path) -> None:
    """Neither the import nor a question without a file costs the import of sqlite3."""
    code = (
        "import sys; from tract.plumbing.index import Index\n"
        f"i = Index({str(tmp_path / 'none')!r}, warn=print)\n"
        "assert i.commits(['a' * 40]) == {}; i.close()\n"
        "assert 'sqlite3' not in sys.modules\n"
        "i.add(commits={'a' * 40: b''}); i.close()\n"
        "assert 'sqlite3' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_threads_share_an_index(index: Index) -> None:
    """Threads that add and ask at once all find their rows."""
    keys = ids("t", 200)
    missing = []

    def work(some: list[str]) -> None:
        for key in some:
            index.add(commits={key: key.encode()})
            if index.commits([key]) != {key: key.encode()}:
                missing.append(key)

    threads = [threading.Thread(target=work, args=(keys[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not missing
    assert len(index.commits(keys)) == 200


def test_two_processes_add_at_once(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that two processes add at the same time are all there, where both may wait."""
    monkeypatch.setattr(sqlite_file, "BUSY_S", 20.0)
    keys = ids("p", 100)

    def add(some: list[str]) -> None:
        for key in some:
            index.add(commits={key: b"x"}, texts={key: key.encode()})
        index.close()

    pid = start(lambda: add(keys[:50]))
    add(keys[50:])
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert len(index.commits(keys)) == 100
    assert index.texts(keys) == {key: key.encode() for key in keys}


def test_a_warning_is_one_sentence(tmp_path: Path) -> None:
    """It names the file and the reason; raised as an error, the next call answers all the same."""

    def warn(said: str) -> None:
        raise UserWarning(said)

    index = Index(str(tmp_path), warn=warn)
    told = f"the index {tmp_path} cannot be used (it is not a file); answers come without it"
    with pytest.raises(UserWarning) as raised:
        index.commits([A])
    assert str(raised.value) == told
    assert index.commits([A]) == {}
    index.add(commits={A: b"a"})
