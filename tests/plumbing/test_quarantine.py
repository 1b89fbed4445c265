"""test_quarantine.py - damaged files are set aside under their own paths, and none is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from tract.errors import CorruptRepo
from tract.plumbing.quarantine import Quarantine

NOW_MS = 1_700_000_000_123
NAME = "tract/damaged/20231114T221320123Z"


@pytest.fixture
def aside(tmp_path: Path) -> Quarantine:
    """A quarantine in a folder that holds one file."""
    (tmp_path / "refs").mkdir()
    (tmp_path / "refs/main").write_bytes(b"\0\0")
    return Quarantine(str(tmp_path), NOW_MS)


def test_name_tells_the_time(aside: Quarantine) -> None:
    """The folder of a repair is named by its time in UTC."""
    assert aside.name == NAME


def test_nothing_is_made_for_nothing(aside: Quarantine, tmp_path: Path) -> None:
    """The folder is made when something goes there."""
    assert not (tmp_path / "tract").exists()


def test_move(aside: Quarantine, tmp_path: Path) -> None:
    """A moved file keeps its path below the folder, and its bytes."""
    assert aside.move("refs/main") == f"{NAME}/refs/main"
    assert (tmp_path / NAME / "refs/main").read_bytes() == b"\0\0"
    assert not (tmp_path / "refs/main").exists()


def test_copy(aside: Quarantine, tmp_path: Path) -> None:
    """A copied file stays where it is, too."""
    assert aside.copy("refs/main") == f"{NAME}/refs/main"
    assert (tmp_path / NAME / "refs/main").read_bytes() == b"\0\0"
    assert (tmp_path / "refs/main").read_bytes() == b"\0\0"


def test_second_file_of_that_path(aside: Quarantine, tmp_path: Path) -> None:
    """What is set aside is never replaced: the next one gets a number."""
    aside.copy("refs/main")
    (tmp_path / "refs/main").write_bytes(b"other")
    assert aside.copy("refs/main") == f"{NAME}/refs/main-2"
    assert aside.move("refs/main") == f"{NAME}/refs/main-3"
    assert (tmp_path / NAME / "refs/main").read_bytes() == b"\0\0"


def test_another_repair_at_the_same_time(aside: Quarantine, tmp_path: Path) -> None:
    """A second repair within the millisecond replaces nothing either."""
    aside.copy("refs/main")
    other = Quarantine(str(tmp_path), NOW_MS)
    assert other.move("refs/main") == f"{NAME}/refs/main-2"


def test_file_that_somebody_took_away(aside: Quarantine, tmp_path: Path) -> None:
    """A file that is gone meanwhile is no error, since nothing is there to be kept."""
    assert aside.move("refs/gone") == f"{NAME}/refs/gone"


def test_folder_that_cannot_be_made(aside: Quarantine, tmp_path: Path) -> None:
    """What cannot be set aside stays where it is, and the error names it."""
    (tmp_path / "tract").write_bytes(b"")
    with pytest.raises(CorruptRepo, match="set refs/main aside"):
        aside.move("refs/main")
    assert (tmp_path / "refs/main").exists()
