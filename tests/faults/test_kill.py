"""test_kill.py - SIGKILL at every write: what was acknowledged stays, the next write works."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.child import KilledAt, forked
from tests.git import fsck_clean, git
from tract.plumbing import refs
from tract.plumbing.repo import Repo
from tract.tract import Tract

CONVERSATION = [{"role": "user", "content": f"imported {n}"} for n in range(5)]
WORK: dict[str, tuple[Callable[[Tract], object], int]] = {
    "append": (lambda t: t.user("new"), 5),
    "edit": (lambda t: t.edit(3, "changed"), 5),
    "import": (lambda t: t.import_messages(CONVERSATION), 25),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A repository of 20 entries, closed."""
    with Tract.open(tmp_path / ".tract") as t:
        t.import_messages([{"role": "user", "content": str(n)} for n in range(20)])
    return tmp_path / ".tract"


def check(path: Path, tip: str, before: list[str]) -> None:
    """The last acknowledged commit is the tip, nothing is half there, and writing goes on."""
    assert git(path, "rev-parse", "main") == tip
    fsck_clean(path)
    with Tract.open(path) as t:
        assert [each["content"] for each in t.compile().to_dicts()] == before
        t.user("goes on")
        assert [each["content"] for each in t.compile().to_dicts()] == [*before, "goes on"]
    fsck_clean(path)
    newest = git(path, "rev-parse", "main")
    assert git(path, "reflog", "--format=%H", "main").split("\n") == [newest, tip]


@pytest.mark.parametrize("verb", WORK)
def test_killed_at_every_write(path: Path, verb: str, say: Callable[[str], None]) -> None:
    """A process killed at write 1 … N of an append, an edit or an import costs nothing."""
    work, writes = WORK[verb]
    with Tract.open(path) as t:
        before = [each["content"] for each in t.compile().to_dicts()]
    tip = git(path, "rev-parse", "main")
    for n in range(1, writes + 1):
        copy = path.parent / f"{n}" / ".tract"
        shutil.copytree(path, copy)

        def killed(copy: Path = copy, n: int = n) -> None:
            with Tract.open(copy) as t:
                t.repo.odb = KilledAt(t.repo.odb, n)  # type: ignore[assignment]
                work(t)

        assert forked(killed) == -signal.SIGKILL, f"write {n}"
        check(copy, tip, before)
    say(f"SIGKILL at each of {writes} writes of an {verb}: nothing lost")


def test_killed_between_lock_and_move(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process killed while it holds the ref's lock leaves one that the next writer removes."""
    with Tract.open(path) as t:
        before = [each["content"] for each in t.compile().to_dicts()]
    tip = git(path, "rev-parse", "main")

    def die(repo: Repo, now_ms: int) -> None:
        assert os.path.exists(os.path.join(repo.path, "refs/heads/main.lock"))
        os.kill(os.getpid(), signal.SIGKILL)

    def killed() -> None:
        monkeypatch.setattr(refs, "_signature", die)
        with Tract.open(path) as t:
            t.user("never")

    assert forked(killed) == -signal.SIGKILL
    assert (path / "refs/heads/main.lock").exists()
    check(path, tip, before)


def test_false_last_lines_are_cut(path: Path) -> None:
    """Lines of a move that never was, in the branch's log and HEAD's, go with the next write."""
    tip = git(path, "rev-parse", "main")
    false = (
        f"{tip} {'1' * 40} tract <tract@localhost> 1700000000 +0000\ttract: append #{'k' * 15}\n"
    )
    for name in ("logs/refs/heads/main", "logs/HEAD"):
        with (path / name).open("a") as file:
            file.write(false)
    with Tract.open(path) as t:
        t.user("next")
    for name in ("logs/refs/heads/main", "logs/HEAD"):
        lines = (path / name).read_text().splitlines()
        assert "1" * 40 not in "".join(lines)
        assert lines[-1].startswith(tip)


@pytest.mark.parametrize("content", ["{new}\n", ""])
def test_lock_of_a_dead_writer_is_taken_over(path: Path, content: str) -> None:
    """The lock that the write file names is removed if it holds that value, or stays empty."""
    new = "2" * 40
    (path / "tract").mkdir(exist_ok=True)
    (path / "tract" / "write").write_text(f"999999 refs/heads/main {new}\n")
    (path / "refs/heads/main.lock").write_text(content.format(new=new))
    with Tract.open(path) as t:
        t.user("next")
        assert any("999999" in warning for warning in t.status().warnings)
    assert not (path / "refs/heads/main.lock").exists()
    assert (path / "tract" / "write").read_text().split("\n")[0] == str(os.getpid())
