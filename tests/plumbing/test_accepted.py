"""test_accepted.py - the list of what is in force here: whole lines, and closed where in doubt."""

from __future__ import annotations

from pathlib import Path

import pytest

from tract.errors import CorruptRepo
from tract.plumbing.accepted import accept, read_accepted
from tract.plumbing.repo import Repo

A, B, C = "a" * 40, "b" * 40, "c" * 40


@pytest.fixture
def path(repo: Repo) -> Path:
    """The file of the list, which is not there yet."""
    return Path(repo.path, "tract", "accepted")


def test_nothing_is_accepted_at_first(repo: Repo, path: Path) -> None:
    """Without the file nothing is accepted, and reading makes none."""
    assert read_accepted(repo) == frozenset()
    assert not path.exists()


def test_added_a_line_each(repo: Repo, path: Path) -> None:
    """Each id is a line of the file; those before stay."""
    accept(repo, [B])
    accept(repo, [C, A])
    assert path.read_text() == f"{B}\n{A}\n{C}\n"
    assert read_accepted(repo) == {A, B, C}


def test_what_is_there_is_not_added(repo: Repo, path: Path) -> None:
    """An id that is there already is not written again."""
    accept(repo, [A])
    accept(repo, [A])
    accept(repo, [])
    assert path.read_text() == f"{A}\n"


@pytest.mark.parametrize(
    "torn",
    [
        A[:39],
        A,
        "\0" * 41,
        "\0" * 4 + A + "\n",
        A[:39] + "\n",
        A + "a\n",
        A.upper() + "\n",
        f"{A}\r\n",
        f" {A}\n",
        "refs/heads/main\n",
    ],
)
def test_lines_that_are_not_whole(repo: Repo, path: Path, torn: str) -> None:
    """A torn line, one of NULs and one that is no id say nothing; what is added behind counts."""
    path.write_bytes(f"{B}\n{torn}".encode())
    assert read_accepted(repo) == {B}
    accept(repo, [C])
    assert {B, C} <= read_accepted(repo) <= {A, B, C}


def test_emptied_or_removed(repo: Repo, path: Path) -> None:
    """Where the file was emptied or removed nothing is accepted, until it is again."""
    accept(repo, [A])
    path.write_bytes(b"")
    assert read_accepted(repo) == frozenset()
    accept(repo, [B])
    path.unlink()
    assert read_accepted(repo) == frozenset()


def test_file_that_cannot_be_used(repo: Repo, path: Path) -> None:
    """What is no file accepts nothing, and an id that cannot be written is an error."""
    path.mkdir()
    assert read_accepted(repo) == frozenset()
    with pytest.raises(CorruptRepo, match="write down what is accepted"):
        accept(repo, [A])
