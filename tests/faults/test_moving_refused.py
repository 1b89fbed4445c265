"""test_moving_refused.py - locks of others, full disks, missing rights: no move is half made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.test_refused import ended, no_large_files, passable, without_rights
from tests.git import fsck_clean, git
from tests.porcelain.moving import KEEP, branch, refs, three, untouched
from tests.porcelain.saying import contents
from tract.errors import ReadOnly, RepoLocked, StorageFull
from tract.plumbing import notes, ref_lock
from tract.tract import Tract

__all__ = ["passable"]
Move = Callable[[Tract], object]
MOVES: dict[str, Move] = {
    "reset": lambda t: t.reset("HEAD~1"),
    "reset hard": lambda t: t.reset("HEAD~1", mode="hard"),
    "checkout": lambda t: t.checkout("dev"),
    "detached": lambda t: t.checkout("HEAD~1"),
    "undo": lambda t: t.undo(),
    "redo": lambda t: t.redo(),
}


@pytest.fixture
def ids(t: Tract, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Four entries on main, the last one undone, and `dev`: the commits."""
    monkeypatch.setattr(ref_lock, "FOREIGN_WAIT_S", 0.05)
    return said(t)


def said(t: Tract) -> list[str]:
    """Write what the moves move among."""
    made = [t.user(text).commit_hash for text in "123"]
    made.append(t.assistant("4", generation_config={"model": "gpt-4o"}).commit_hash)
    t.undo()
    branch(t, "dev", made[0])
    return made


@pytest.mark.parametrize("name", MOVES)
def test_read_only_repository(passable: Path, name: str) -> None:
    """Who may not write is refused with nothing changed, and reads what was done all the same."""
    path = passable / ".tract"
    with Tract.open(path) as t:
        said(t)
    before = refs(t)
    for each in [path, *path.rglob("*")]:
        each.chmod(0o555 if each.is_dir() else 0o444)
    try:
        with Tract.open(path) as t:
            found = ended(passable, lambda: MOVES[name](t), without_rights)
            assert (found["type"], found["code"]) == (ReadOnly.__name__, 9)
            assert found["hint"]
            assert ended(passable, lambda: t.operations(), without_rights) == {"ok": True}
            assert refs(t) == before
    finally:
        for each in [path, *path.rglob("*")]:
            each.chmod(0o755 if each.is_dir() else 0o644)
    fsck_clean(path)


@pytest.mark.parametrize("name", MOVES)
def test_full_disk(t: Tract, tmp_path: Path, ids: list[str], name: str) -> None:
    """Where a log cannot grow the error says so, no branch and no HEAD has moved."""
    before = refs(t)
    found = ended(tmp_path, lambda: MOVES[name](t), no_large_files)
    assert (found["type"], found["code"]) == (StorageFull.__name__, 9)
    after = refs(t)
    assert after == before
    MOVES[name](t)
    assert refs(t) != before
    fsck_clean(t.path)


@pytest.mark.parametrize(
    ("name", "ref"),
    [
        ("reset hard", "refs/heads/main"),
        ("reset", f"{KEEP}TIP"),
        ("checkout", "HEAD"),
        ("detached", "HEAD"),
        ("undo", "refs/heads/main"),
        ("redo", "refs/heads/main"),
        ("redo", notes.GENERATION),
    ],
)
def test_lock_of_another_program(t: Tract, ids: list[str], name: str, ref: str) -> None:
    """A ref that another program holds keeps the whole move; its lock stays, and is named."""
    held = Path(t.path) / f"{ref.replace('TIP', ids[2])}.lock"
    held.parent.mkdir(parents=True, exist_ok=True)
    held.write_text("of somebody else\n")
    before = refs(t)
    with pytest.raises(RepoLocked, match=held.name.replace(".", r"\.")):
        MOVES[name](t)
    assert (refs(t), held.read_text()) == (before, "of somebody else\n")
    held.unlink()
    MOVES[name](t)
    assert refs(t) != before


def test_lock_of_one_of_several_branches(t: Tract, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an import's branches one that another program holds keeps all of it where it is."""
    monkeypatch.setattr(ref_lock, "FOREIGN_WAIT_S", 0.05)
    t.import_messages(three())
    held = Path(t.path) / "refs/heads/import/c.lock"
    held.write_text("of somebody else\n")
    with untouched(t), pytest.raises(RepoLocked, match=r"import/c\.lock"):
        t.undo()
    held.unlink()
    t.undo()
    assert contents(t) == []


def test_lock_of_notes_keeps_an_undo(t: Tract, ids: list[str]) -> None:
    """Notes that another program holds keep the branch where it is: neither goes alone."""
    t.redo()
    held = Path(t.path) / f"{notes.GENERATION}.lock"
    held.write_text("of somebody else\n")
    with untouched(t), pytest.raises(RepoLocked, match=r"generation\.lock"):
        t.undo()
    held.unlink()
    t.undo()
    assert contents(t) == ["1", "2", "3"]


def test_packed_refs_held_by_another_program(t: Tract, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first commit is not taken back while another program packs the refs: it is named."""
    monkeypatch.setattr(ref_lock, "FOREIGN_WAIT_S", 0.05)
    t.user("1")
    git(t.path, "pack-refs", "--all")
    held = Path(t.path) / "packed-refs.lock"
    held.write_text("of somebody else\n")
    before = refs(t)
    with pytest.raises(RepoLocked, match=r"packed-refs\.lock"):
        t.undo()
    assert (refs(t), held.read_text()) == (before, "of somebody else\n")
    held.unlink()
    t.undo()
    assert contents(t) == []
    fsck_clean(t.path)


def test_packed_refs_held_keeps_all_of_an_import(t: Tract, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one of its branches cannot be deleted for that, none of them is."""
    monkeypatch.setattr(ref_lock, "FOREIGN_WAIT_S", 0.05)
    t.import_messages(three())
    git(t.path, "pack-refs", "--all")
    held = Path(t.path) / "packed-refs.lock"
    held.write_text("of somebody else\n")
    with untouched(t), pytest.raises(RepoLocked, match=r"packed-refs\.lock"):
        t.undo()
