"""test_reflog.py - a ref's history read from its end: lines that are real, added, cut."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.git import git
from tests.plumbing.commits import commit
from tract.errors import TractError
from tract.plumbing import reflog
from tract.plumbing.reflog import NOTHING, ReflogLine
from tract.plumbing.repo import CommitId, Repo

MAIN = "refs/heads/main"
A, B, C, D = (letter * 40 for letter in "abcd")
WHO = ("C", "c@example.org", 1_700_000_000)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A repository's folder with nothing in it but the place for logs."""
    (tmp_path / "logs/refs/heads").mkdir(parents=True)
    return f"{tmp_path}/"


def lay(folder: str, data: bytes) -> Path:
    """Let main's log hold these bytes."""
    path = Path(reflog.log_path(folder, MAIN))
    path.write_bytes(data)
    return path


def line(old: str, new: str, reason: str = "tract: append #k") -> bytes:
    """A line as git writes it, ended."""
    return f"{old} {new} C <c@example.org> 1700000000 +0000\t{reason}\n".encode()


def read(folder: str) -> list[ReflogLine]:
    """The lines of main's log, newest first."""
    return list(reflog.read_lines(folder, MAIN))


def values(folder: str) -> list[str]:
    """The first letter of each line's new value, newest first; `-` where it cannot be read."""
    return [each.new[:1] or "-" for each in read(folder)]


# -- reading


def test_lines_come_newest_first(folder: str) -> None:
    """Old and new value, reason and where the line begins, the newest first."""
    lay(folder, line(NOTHING, A, "one") + line(A, B, "two"))
    size = len(line(NOTHING, A, "one"))
    assert read(folder) == [ReflogLine(A, B, "two", size), ReflogLine(NOTHING, A, "one", 0)]


@pytest.mark.parametrize("data", [b"", None])
def test_no_lines(folder: str, data: bytes | None) -> None:
    """An empty log, or none, has no lines."""
    if data is not None:
        lay(folder, data)
    assert read(folder) == []
    assert reflog.last_line(folder, MAIN) is None


def test_folder_has_no_lines(folder: str) -> None:
    """Where a folder of logs stands, or another log in the way of the folder, there is no log."""
    assert list(reflog.read_lines(folder, "refs/heads")) == []
    lay(folder, line(A, B))
    assert list(reflog.read_lines(folder, f"{MAIN}/below")) == []


def test_last_newline_may_be_missing(folder: str) -> None:
    """A whole line without its end is a line."""
    lay(folder, (line(NOTHING, A) + line(A, B)).removesuffix(b"\n"))
    assert values(folder) == ["b", "a"]


@pytest.mark.parametrize("left", [1, 17, 40, 41, 81, 100])
def test_torn_line_has_no_values(folder: str, left: int) -> None:
    """A line that a power loss has torn comes with empty values, and with where it begins."""
    whole = line(NOTHING, A)
    lay(folder, whole + line(A, B)[:left])
    assert read(folder)[0] == ReflogLine("", "", "", len(whole))
    assert read(folder)[1].new == A


def test_nul_bytes_are_no_line(folder: str) -> None:
    """Blocks that a file system has filled with NUL are a line that cannot be read."""
    whole = line(NOTHING, A)
    lay(folder, whole + b"\0" * 700)
    assert read(folder)[0] == ReflogLine("", "", "", len(whole))
    assert values(folder) == ["-", "a"]


def test_line_without_a_reason(folder: str) -> None:
    """A line may end after its date; its reason is empty."""
    lay(folder, f"{A} {B} C <c@example.org> 1700000000 -0730\n".encode())
    assert read(folder) == [ReflogLine(A, B, "", 0)]


def test_odd_reason_and_name_are_read(folder: str) -> None:
    """Bytes that are no UTF-8, tabs, and `>` in a name do not keep a line from being read."""
    lay(folder, f"{A} {B} a > b <c@example.org> 1 +0000\tx\t\xff".encode("latin-1") + b"\n")
    assert read(folder) == [ReflogLine(A, B, "x\t�", 0)]


def test_no_more_is_read_than_is_wanted(folder: str) -> None:
    """The newest line is found without a look at the others, however many there are."""
    path = lay(folder, b"")
    with open(path, "wb") as file:
        file.truncate(10 << 30)  # a hole: to read it through would take seconds
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + line(A, B))
    found = reflog.last_line(folder, MAIN)
    assert found is not None
    assert (found.old, found.new) == (A, B)


_VALID = st.builds(
    lambda old, new, said: line(old, new, said).removesuffix(b"\n"),
    st.sampled_from([A, B, NOTHING]),
    st.sampled_from([C, D, NOTHING]),
    st.text("ab \t>ä\0", max_size=80),
)
_JUNK = st.binary(max_size=90).map(lambda data: data.replace(b"\n", b""))
_PARTS = st.lists(st.one_of(_VALID, _VALID, _JUNK.filter(bool)), max_size=12)
_GIT = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) .*> \d+ [+-]\d{4}(?:\t(.*))?", re.S)


def plainly(data: bytes) -> Iterator[ReflogLine]:
    """The same lines by a plain split of the whole."""
    at = 0
    for part in data.split(b"\n"):
        if part:
            match = _GIT.fullmatch(part)
            old, new = (match[1].decode(), match[2].decode()) if match else ("", "")
            said = (match[3] or b"").decode(errors="replace") if match else ""
            yield ReflogLine(old, new, said, at)
        at += len(part) + 1


@given(_PARTS, st.booleans(), st.integers(1, 200), st.integers(1, 300))
def test_blocks_of_any_size_give_the_same_lines(
    parts: list[bytes], is_ended: bool, tail: int, span: int
) -> None:
    """However long the blocks and the lines are, what comes is a plain split, backwards."""
    data = b"\n".join(parts) + (b"\n" if is_ended and parts else b"")
    with tempfile.TemporaryDirectory() as made, pytest.MonkeyPatch.context() as patch:
        patch.setattr(reflog, "_TAIL", tail)
        patch.setattr(reflog, "_SPAN_MAX", span)
        (Path(made) / "logs/refs/heads").mkdir(parents=True)
        lay(f"{made}/", data)
        assert read(f"{made}/") == list(plainly(data))[::-1]


def test_git_reads_the_same(repo: Repo) -> None:
    """Stock git's own lines are read as git itself reads them."""
    made: list[CommitId] = []
    for n in range(30):
        made.append(commit(repo, f"{n}", *made[-1:]))
        git(repo.path, "update-ref", "-m", f"said {n}" * (1 + n % 40), MAIN, made[-1])
    shown = git(repo.path, "log", "-g", "--format=%H %gs", "main").splitlines()
    lines = reflog.read_lines(repo.path, MAIN)
    assert [f"{each.new} {each.message}".rstrip() for each in lines] == [s.rstrip() for s in shown]


# -- real lines


def real(folder: str, value: str | None) -> str:
    """The first letters of the new values of the real lines, newest first."""
    lines = reflog.real_lines(reflog.read_lines(folder, MAIN), value)
    return "".join(each.new[0] for each in lines)


@pytest.mark.parametrize(
    ("moves", "value", "expected"),
    [
        ("0a ab bc", C, "cba"),  # all true
        ("0a ab bc", B, "ba"),  # the last move never was
        ("0a ab ac", C, "ca"),  # one before the last never was
        ("0a ab ac ad", D, "da"),
        ("0a ab b0 0c", C, "c0ba"),  # deleted, and born again
        ("0a ab b0", None, "0ba"),  # deleted
        ("0a ab b0", B, "ba"),  # the deletion never was
        ("0a a0", A, "a"),
        ("0a 0b", B, "b"),  # the first birth never was
        ("0a aa ab", B, "baa"),  # a move to the same value is a line, too
        ("0a ab", D, ""),  # somebody moved it without a line
        ("ab bc", C, "cb"),  # the beginning was expired
        ("", None, ""),
    ],
)  # fmt: skip
def test_real_lines(folder: str, moves: str, value: str | None, expected: str) -> None:
    """A line is real if its new value is the ref's, or the old value of the next real line."""
    lay(folder, b"".join(line(move[0] * 40, move[1] * 40) for move in moves.split()))
    assert real(folder, value) == expected


def test_torn_lines_are_not_real(folder: str) -> None:
    """A line that cannot be read is passed over, wherever it stands."""
    lay(folder, line(NOTHING, A) + b"\0\0\n" + line(A, B) + B[:20].encode())
    assert real(folder, B) == "ba"


@pytest.mark.parametrize(
    ("new", "value", "expected"),
    [(A, A, True), (A, B, False), (A, None, False), (NOTHING, None, True), (NOTHING, A, False)],
)
def test_newest_line_is_judged(new: str, value: str | None, expected: bool) -> None:
    """The newest line is real if it ends with the ref's value, zeros where there is no ref."""
    assert reflog.is_real(ReflogLine(B, new, "", 0), value) is expected


def test_no_line_is_not_false() -> None:
    """A ref without a log has no false line."""
    assert reflog.is_real(None, A)
    assert reflog.is_real(None, None)


# -- adding, cutting, mending


def test_line_is_added_as_git_writes_it(repo: Repo) -> None:
    """A line added by hand is one that stock git shows, with who, when and why."""
    one = commit(repo, "1")
    git(repo.path, "update-ref", MAIN, one)
    reflog.append(repo.path, MAIN, (one, one, "tract: reset #k"), ("Ä", "a@x", 1_700_000_000))
    shown = git(repo.path, "log", "-g", "-1", "--date=iso", "--format=%H|%gn <%ge>|%gd|%gs", "main")
    assert shown == f"{one}|Ä <a@x>|main@{{2023-11-14 22:13:20 +0000}}|tract: reset #k"


def test_no_ref_is_zeros(folder: str) -> None:
    """None stands for no ref: 40 zeros."""
    reflog.append(folder, MAIN, (None, A, "x"), WHO)
    reflog.append(folder, MAIN, (A, None, "y"), WHO)
    assert [(each.old, each.new) for each in read(folder)] == [(A, NOTHING), (NOTHING, A)]


def test_folders_of_the_log_are_made(folder: str) -> None:
    """The first line of a ref makes its log, and the folders that it stands in."""
    reflog.append(folder, "refs/tract/keep/x", (None, A, "y"), WHO, is_durable=True)
    found = reflog.last_line(folder, "refs/tract/keep/x")
    assert found == ReflogLine(NOTHING, A, "y", 0)


def test_line_that_cannot_be_written_is_an_error(folder: str) -> None:
    """Where the log cannot be written the tree's error says so."""
    Path(folder, "logs/refs/file").write_bytes(b"")
    with pytest.raises(TractError, match="refs/file/x"):
        reflog.append(folder, "refs/file/x", (None, A, "y"), WHO)


def test_cut_removes_the_newest_line_alone(folder: str) -> None:
    """The newest line goes, to the byte; what stood before it stays."""
    before = line(NOTHING, A) + line(A, B)
    path = lay(folder, before + line(B, C, "x" * 5000))
    reflog.cut(folder, MAIN, reflog.last_line(folder, MAIN))
    assert path.read_bytes() == before


def test_cut_of_the_only_line_leaves_an_empty_log(folder: str) -> None:
    """A log whose only line is cut is empty, and is there."""
    path = lay(folder, line(NOTHING, A))
    reflog.cut(folder, MAIN, reflog.last_line(folder, MAIN))
    assert path.read_bytes() == b""


def test_cut_that_cannot_be_is_an_error(folder: str) -> None:
    """A log that somebody took away meanwhile is named."""
    lay(folder, line(NOTHING, A))
    found = reflog.last_line(folder, MAIN)
    Path(reflog.log_path(folder, MAIN)).unlink()
    with pytest.raises(TractError, match="refs/heads/main"):
        reflog.cut(folder, MAIN, found)


@pytest.mark.parametrize(
    ("new", "found", "expected"),
    [
        (B, A, "a"),  # it died before the rename: the line goes
        (B, B, "ba"),  # it died after: the line is true
        (C, A, "ba"),  # the line is another's
        (NOTHING, B, "ba"),  # a deletion that had no line yet
    ],
)
def test_mend(folder: str, new: str, found: str, expected: str) -> None:
    """The line of the dead writer's move goes, if that never was; any other stays."""
    lay(folder, line(NOTHING, A) + line(A, B))
    reflog.mend(folder, MAIN, new, found)
    assert "".join(values(folder)) == expected


@pytest.mark.parametrize(("found", "expected"), [(A, "a"), (None, "0a")])
def test_mend_of_a_deletion(folder: str, found: str | None, expected: str) -> None:
    """The line of a deletion goes if the ref is still there, and stays if it is not."""
    lay(folder, line(NOTHING, A) + line(A, NOTHING))
    reflog.mend(folder, MAIN, NOTHING, found)
    assert "".join(values(folder)) == expected


def test_mend_without_a_log(folder: str) -> None:
    """Where there is no log there is nothing to mend."""
    reflog.mend(folder, MAIN, A, None)
    assert read(folder) == []
