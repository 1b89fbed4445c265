"""test_dead_writers.py - locks that a killed writer left, and locks of other programs.

A dead writer's lock is known by the write file: it names the ref and the value it was to get.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.aftermath import an_hour_later
from tests.faults.child import forked
from tests.git import fsck_clean, git
from tract.errors import RepoLocked
from tract.plumbing import head, notes, ref_lock, refs
from tract.porcelain.settle import settle
from tract.tract import Tract

NEW = "2" * 40
PID = 999_999
TWO = [{"id": name, "messages": [{"role": "user", "content": name}]} for name in ("a", "b")]
MAIN = "refs/heads/main"


def warned(t: Tract, pid: int = PID) -> list[str]:
    """What status says of that dead process."""
    return [each for each in t.status().warnings if f"process {pid} died" in each]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A repository of two entries with notes; closed."""
    with Tract.open(tmp_path / ".tract") as t:
        t.user("1")
        t.assistant("2", generation_config={"model": "gpt-4o"})
    return tmp_path / ".tract"


def lay(path: Path, ref: str, new: str, content: str) -> Path:
    """The state that a writer killed while it moved a ref leaves; its lock."""
    (path / "tract").mkdir(exist_ok=True)
    (path / "tract/write").write_text(f"{PID} {ref} {new}\n")
    lock = path / f"{ref}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(content)
    return lock


# Laid by hand


@pytest.mark.parametrize("content", [f"{NEW}\n", NEW, ""])
@pytest.mark.parametrize("ref", [MAIN, notes.TOKENS, notes.GENERATION])
def test_lock_of_a_dead_writer_is_taken_over(path: Path, ref: str, content: str) -> None:
    """The lock that the write file names is removed if it holds that value or is empty."""
    lock = lay(path, ref, NEW, content)
    with Tract.open(path) as t:
        t.user("next")
        assert not lock.exists()
        (said,) = warned(t)
        assert ref in said
        t.record_usage({"prompt_tokens": 1, "completion_tokens": 1})
        settle(t)
    assert (path / "tract/write").read_text().split("\n")[0] == str(os.getpid())
    assert git(path, "notes", "--ref=tract/tokens", "list").count("\n") == 2
    fsck_clean(path)


@pytest.mark.parametrize("content", ["ref: refs/heads/import/a\n", ""])
def test_head_lock_of_a_dead_writer_is_taken_over(tmp_path: Path, content: str) -> None:
    """HEAD's lock is removed likewise, and an import of several conversations switches HEAD."""
    path = tmp_path / ".tract"
    with Tract.open(path) as t:
        lock = lay(path, "HEAD", "ref: refs/heads/import/a", content)
        t.import_messages(TWO)
        assert len(warned(t)) == 1
    assert not lock.exists()
    assert git(path, "symbolic-ref", "HEAD") == "refs/heads/import/a"
    fsck_clean(path)


@pytest.mark.parametrize("ref", [MAIN, "HEAD"])
def test_lock_with_another_value_is_foreign(
    path: Path, ref: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock that holds something else is not the dead writer's, even where the file names it."""
    monkeypatch.setattr(ref_lock, "FOREIGN_WAIT_S", 0.05)
    lock = lay(path, ref, NEW, "3" * 40 + "\n")
    with Tract.open(path) as t:
        if ref == MAIN:
            with pytest.raises(RepoLocked, match=r"main\.lock"):
                t.user("next")
        else:
            t.user("HEAD itself is not moved by an append")
        assert warned(t) == []
    assert lock.read_text() == "3" * 40 + "\n"


# Really killed


def dies(ref: str, real: Callable[..., Any]) -> Callable[..., Any]:
    """Stands before what is done under a ref's lock; kills the process under that of `ref`."""

    def call(repo: Any) -> Any:
        if (Path(repo.path) / f"{ref}.lock").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return real(repo)

    return call


def killed_under(path: Path, ref: str, work: Callable[[Tract], object]) -> int:
    """Work in a child that is killed while it holds the lock of `ref`; its process id."""
    told = path.parent / "pid"

    def child() -> None:
        told.write_text(str(os.getpid()))
        vars(refs)["signature"] = vars(head)["signature"] = dies(ref, ref_lock.signature)
        with Tract.open(path) as t:
            work(t)

    assert forked(child) == -signal.SIGKILL
    assert (path / f"{ref}.lock").exists()
    return int(told.read_text())


@pytest.mark.parametrize(
    ("ref", "work"),
    [
        (MAIN, lambda t: t.user("never")),
        (notes.GENERATION, lambda t: t.assistant("never", generation_config={"model": "x"})),
        (notes.TOKENS, lambda t: t.import_messages([{"role": "user", "content": "never"}])),
    ],
    ids=["branch", "generation notes", "token notes"],
)
def test_killed_under_a_lock(path: Path, ref: str, work: Callable[[Tract], object]) -> None:
    """A process killed while it moves a branch or notes holds up nobody, and moved no branch."""
    tip = git(path, "rev-parse", "main")
    pid = killed_under(path, ref, work)
    assert git(path, "rev-parse", "main") == tip
    with Tract.open(path) as t:
        t.user("next")
        assert [each["content"] for each in t.compile().to_dicts()] == ["1", "2", "next"]
        assert len(warned(t, pid)) == 1
        assert not (path / f"{ref}.lock").exists()
    assert git(path, "reflog", "-2", "--format=%H", "main").split("\n")[1] == tip
    an_hour_later(path)
    fsck_clean(path)


def test_killed_while_head_moves(tmp_path: Path) -> None:
    """An import killed at the switch of HEAD has landed; HEAD stands where it was, and works on."""
    path = tmp_path / ".tract"
    Tract.open(path).close()
    pid = killed_under(path, "HEAD", lambda t: t.import_messages(TWO))
    assert git(path, "symbolic-ref", "HEAD") == MAIN
    assert git(path, "for-each-ref", "--format=%(refname)", "refs/heads").split("\n") == [
        "refs/heads/import/a",
        "refs/heads/import/b",
    ]
    with Tract.open(path) as t:
        t.user("next")
        assert len(warned(t, pid)) == 1
    an_hour_later(path)
    fsck_clean(path)


# Of others


def test_foreign_lock_of_notes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes locked by another program refuse what needs them now, and nothing else."""
    monkeypatch.setattr(ref_lock, "FOREIGN_WAIT_S", 0.05)
    held = [path / f"{ref}.lock" for ref in (notes.GENERATION, notes.TOKENS)]
    for each in held:
        each.write_text("of somebody else\n")
    with Tract.open(path) as t:
        tip = git(path, "rev-parse", "main")
        with pytest.raises(RepoLocked, match=r"generation\.lock"):
            t.record_usage({"prompt_tokens": 1, "completion_tokens": 1})
        with pytest.raises(RepoLocked, match=r"generation\.lock"):
            t.assistant("never", generation_config={"model": "gpt-4o"})
        assert git(path, "rev-parse", "main") == tip
        t.user("3")
        settle(t)
        assert [each.read_text() for each in held] == ["of somebody else\n"] * 2
        for each in held:
            each.unlink()
        settle(t)
    assert git(path, "notes", "--ref=tract/tokens", "list").count("\n") == 2
    fsck_clean(path)


def test_foreign_lock_of_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HEAD locked by another program: the switch at the end of an import is refused, by name."""
    monkeypatch.setattr(ref_lock, "FOREIGN_WAIT_S", 0.05)
    with Tract.open(tmp_path / ".tract") as t:
        held = Path(t.path) / "HEAD.lock"
        held.write_text("of somebody else\n")
        with pytest.raises(RepoLocked, match=r"HEAD\.lock"):
            t.import_messages(TWO)
        assert held.read_text() == "of somebody else\n"
        held.unlink()
        t.user("next")
    fsck_clean(tmp_path / ".tract")


def test_foreign_lock_of_the_branch_at_a_batch(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch whose branch another program holds is refused, and nothing of it is written."""
    monkeypatch.setattr(ref_lock, "FOREIGN_WAIT_S", 0.05)
    (path / f"{MAIN}.lock").write_text("of somebody else\n")
    everything = git(path, "cat-file", "--batch-all-objects", "--batch-check")
    with Tract.open(path) as t:
        with pytest.raises(RepoLocked), t.batch() as b:
            b.user("3")
        assert git(path, "cat-file", "--batch-all-objects", "--batch-check") == everything
        (path / f"{MAIN}.lock").unlink()
        t.user("next")
    fsck_clean(path)
