"""test_batch_undone.py - a batch that ends badly: nothing is written, and nobody else loses."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.faults.aftermath import goes_on, leftovers, state
from tests.faults.child import forked
from tests.git import fsck_clean, git
from tests.porcelain.saying import contents
from tests.porcelain.test_beside_others import between
from tract.errors import RepoLocked, StaleRef, StorageFull
from tract.plumbing import ref_lock
from tract.porcelain import spill
from tract.tract import Tract

ERRORS = "an error in the block"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A repository of three entries; closed."""
    with Tract.open(tmp_path / ".tract") as t:
        t.import_messages([{"role": "user", "content": each} for each in "012"])
    return tmp_path / ".tract"


def objects(path: Path | str) -> list[str]:
    """Every object there is, reachable or not."""
    return git(path, "cat-file", "--batch-all-objects", "--batch-check").split("\n")


def packs(path: Path | str) -> list[str]:
    """Every file of a pack."""
    return sorted(os.listdir(Path(path, "objects/pack")))


@pytest.fixture(params=["in memory", "in packs"])
def spilled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a batch writes a pack for each entry before it ends, as a very large one does."""
    if request.param == "in packs":
        monkeypatch.setattr(spill, "SPILL_BYTES", 1)
    return bool(request.param == "in packs")


def test_error_in_the_block(path: Path, spilled: bool) -> None:
    """An error in the block leaves no object and no file of a pack."""
    was, files = objects(path), packs(path)
    with Tract.open(path) as t:
        with pytest.raises(ZeroDivisionError, match=ERRORS), t.batch() as b:
            b.user("3")
            b.edit(0, "changed")
            raise ZeroDivisionError(ERRORS)
        assert (objects(path), packs(path)) == (was, files)
        t.user("3")
    assert state(path).contents == ["0", "1", "2", "3"]
    fsck_clean(path)


def test_kill_in_the_block(path: Path, spilled: bool) -> None:
    """A kill in the block leaves the branch as it was, and an hour later no temporary file."""
    was = state(path)

    def child() -> None:
        with Tract.open(path) as t, t.batch() as b:
            b.user("3")
            b.user("4")
            os.kill(os.getpid(), signal.SIGKILL)

    assert forked(child) == -signal.SIGKILL
    assert state(path) == was
    fsck_clean(path)
    goes_on(path, was)


def unreachable(path: Path | str) -> set[str]:
    """Objects that no ref reaches."""
    reached = git(path, "rev-list", "--objects", "--no-object-names", "--all").split("\n")
    return {line.split(" ")[0] for line in objects(path)} - set(reached)


@pytest.mark.parametrize("moment", ["in the block", "before the lock"])
def test_stale_batch(path: Path, spilled: bool, moment: str) -> None:
    """A batch with an edit is refused where the branch moved: no object of it, no pack, no keep."""
    files = packs(path)
    assert not unreachable(path)
    with Tract.open(path) as t, Tract.open(path) as other:
        if moment == "before the lock":
            between(t, lambda: other.user("theirs"))
        with pytest.raises(StaleRef), t.batch() as b:
            b.user("3")
            b.edit(0, "changed")
            if moment == "in the block":
                other.user("theirs")
        assert packs(path) == files
        assert not unreachable(path)
        t.user("next")
        assert contents(t) == ["0", "1", "2", "theirs", "next"]
    fsck_clean(path)


def test_stock_git_at_the_last_moment(path: Path, spilled: bool) -> None:
    """Where stock git moves the branch under our lock the batch is refused; git's move stays."""
    commit = git(path, "commit-tree", "-p", "main", "-m", "by hand", "main^{tree}")
    with Tract.open(path) as t:
        between(t, lambda: git(path, "update-ref", "refs/heads/main", commit), "ref")
        with pytest.raises(StaleRef), t.batch() as b:
            b.user("3")
        assert git(path, "rev-parse", "main") == commit
        assert leftovers(path) == []
        t.user("next")
        assert contents(t) == ["0", "1", "2", "next"]
    fsck_clean(path)


# Others beside it


LARGE = [{"role": "user", "content": "its record is an attachment of 20 KB \ud800" + "x" * 20_000}]


@pytest.mark.parametrize("ends", ["replayed", "stale"])
def test_first_commit_of_somebody_else(tmp_path: Path, ends: str) -> None:
    """What another writer's first commit shares with the pack of a batch outlives that batch."""
    path = tmp_path / ".tract"
    with Tract.open(path) as t, Tract.open(path) as other:
        between(t, lambda: other.user("theirs"))
        with suppress(StaleRef), t.batch() as b:
            b.user("ours")
            if ends == "stale":
                b.edit(0, "changed")
    assert state(path).contents == (["theirs"] if ends == "stale" else ["theirs", "ours"])
    fsck_clean(path)


@pytest.mark.parametrize("ends", ["stale", "an error in the block"])
def test_attachment_of_somebody_else(path: Path, spilled: bool, ends: str) -> None:
    """An attachment that another writer shares with the pack of a batch outlives that batch."""

    def theirs(other: Tract) -> None:
        other.import_messages(LARGE, errors="replace")

    with Tract.open(path) as t, Tract.open(path) as other:
        if ends == "stale":
            between(t, lambda: theirs(other))
        with suppress(StaleRef, ZeroDivisionError), t.batch() as b:
            b.import_messages(LARGE, errors="replace")
            b.edit(0, "changed")
            if ends != "stale":
                theirs(other)
                raise ZeroDivisionError
    assert len(state(path).contents) == 4
    fsck_clean(path)


# The handle afterwards


def refused_by_a_lock(t: Tract, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program holds the branch."""
    monkeypatch.setattr(ref_lock, "FOREIGN_WAIT_S", 0.05)
    lock = Path(t.path, "refs/heads/main.lock")
    lock.write_text("of somebody else\n")
    with pytest.raises(RepoLocked):
        t.user("never")
    lock.unlink()


def refused_by_a_full_disk(t: Tract, monkeypatch: pytest.MonkeyPatch) -> None:
    """No object can be written."""
    real = t.repo.odb
    t.repo.odb = FullDisk(real)  # type: ignore[assignment]
    with pytest.raises(StorageFull):
        t.user("never")
    t.repo.odb = real


def refused_by_git(t: Tract, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stock git moves the branch under our lock."""
    commit = git(t.path, "commit-tree", "-p", "main", "-m", "by hand", "main^{tree}")
    lock = t.repo.lock
    between(t, lambda: git(t.path, "update-ref", "refs/heads/main", commit), "ref")
    with pytest.raises(StaleRef):
        t.edit(0, "never")
    t.repo.lock = lock


class FullDisk:
    """An object database that can be read and takes nothing more."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def write(self, kind: int, data: bytes) -> None:
        """Refuse, with the system's words."""
        raise OSError("No space left on device")

    def __contains__(self, object_id: object) -> bool:
        return object_id in self.real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@pytest.mark.parametrize("refused", [refused_by_a_lock, refused_by_a_full_disk, refused_by_git])
def test_handle_after_a_refusal(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refused: Callable[[Tract, pytest.MonkeyPatch], None],
) -> None:
    """A handle whose write was refused writes on once it can, and tells notes of that alone."""
    with Tract.open(path) as t:
        refused(t, monkeypatch)
        t.user("3")
        assert contents(t) == ["0", "1", "2", "3"]
    noted = {
        line.split()[1] for line in git(path, "notes", "--ref=tract/tokens", "list").split("\n")
    }
    assert noted <= set(git(path, "rev-list", "main").split("\n"))
    fsck_clean(path)
