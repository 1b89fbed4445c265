"""test_undo_together.py - what a handle sees of others, and takes back of theirs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.child import forked, start
from tests.git import git
from tests.porcelain.moving import (
    KEEP,
    beside,
    branch,
    by_hand,
    done,
    kept,
    lines,
    refs,
    tip,
    untouched,
)
from tests.porcelain.saying import contents
from tract.errors import NothingToUndo, StaleRef
from tract.tract import Tract


@pytest.fixture
def ids(t: Tract) -> list[str]:
    """Three entries on main: the commits."""
    return [t.user(text).commit_hash for text in "123"]


# -- keep refs, and who sees what


@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_reset_of_another_branch_is_its_own_matter(t: Tract, ids: list[str], mode: str) -> None:
    """What another branch did, or lost, does not come between a handle and its own writes."""
    branch(t, "dev")
    with beside(t, branch="dev") as named:
        named.reset(ids[0], mode=mode)
        named.user("x")
        assert done(t) == ["append"] * 3
        t.undo()
        assert (contents(t), contents(named)) == (["1", "2"], ["1", "x"])
        named.undo()
        named.undo()
        assert contents(named) == ["1", "2", "3"]


def test_named_handle_never_looks_at_head(t: Tract, ids: list[str]) -> None:
    """A checkout is no matter of a handle with `branch=`: its branch's last write goes."""
    branch(t, "dev")
    with beside(t, branch="main") as named:
        t.checkout("dev")
        assert done(named) == ["append"] * 3
        named.undo()
        assert contents(named) == ["1", "2"]
    assert refs(t)["HEAD"] == "ref: refs/heads/dev"


def test_named_handle_looks_at_its_branch_alone(t: Tract, ids: list[str]) -> None:
    """What other branches lost is not a matter of it; what its own lost is."""
    branch(t, "dev")
    with (
        beside(t, branch="dev") as dev,
        beside(t, branch="main") as main,
    ):
        dev.user("x")
        dev.reset(ids[0])
        assert done(main) == ["append"] * 3
        assert done(dev) == ["reset", "append"]
        main.undo()
        assert (contents(main), contents(dev)) == (["1", "2"], ["1"])
        dev.undo()
        assert contents(dev) == ["1", "2", "3", "x"]


def test_named_handle_s_own_moves_are_no_operations(t: Tract, ids: list[str]) -> None:
    """Its checkouts are kept in memory: an undo takes back what was written where it stands."""
    branch(t, "dev", ids[1])
    with beside(t, branch="main") as named:
        named.checkout("dev")
        with pytest.raises(NothingToUndo):
            named.undo()
        named.checkout("main")
        named.undo()
        assert contents(named) == ["1", "2"]


def test_soft_reset_is_one_operation_with_its_keep_ref(t: Tract, ids: list[str]) -> None:
    """It is listed and taken back once, though two refs tell of it; ORIG_HEAD stays."""
    t.reset(ids[0])
    assert done(t) == ["reset", "append", "append", "append"]
    t.undo()
    assert (tip(t), kept(t)) == (ids[2], {ids[2]})
    assert git(t.path, "rev-parse", "ORIG_HEAD") == ids[2]
    assert lines(t, KEEP + ids[2]) == ["tract: undo", "tract: reset"]
    t.redo()
    assert tip(t) == ids[0]


# -- others did it


def test_another_handle_takes_it_back(t: Tract, ids: list[str]) -> None:
    """Which handle did it does not matter, nor whether it is still open."""
    t.close()
    with beside(t) as other:
        other.undo()
        assert contents(other) == ["1", "2"]
    with beside(t, branch="main") as named:
        named.redo()
        assert contents(named) == ["1", "2", "3"]


def test_another_process_takes_it_back(t: Tract, ids: list[str]) -> None:
    """Nor which process."""
    branch(t, "dev")
    t.checkout("dev")

    def work() -> None:
        with beside(t) as other:
            other.undo()
            other.undo()

    assert forked(work) == 0
    assert (refs(t)["HEAD"], tip(t), contents(t)) == (
        "ref: refs/heads/main",
        ids[1],
        ["1", "2", "3"],
    )
    with beside(t) as later:
        later.redo()
        later.redo()
        assert (later.branch_name, tip(t)) == ("dev", ids[2])


def test_two_processes_at_once(tmp_path: Path) -> None:
    """Each takes another operation back: none twice, none is lost."""
    with Tract.open(tmp_path / ".tract") as t:
        made = [t.user(f"{n}").commit_hash for n in range(21)]

        def work() -> None:
            with beside(t) as other:
                for _ in range(5):
                    other.undo()

        pids = [start(work) for _ in range(4)]
        assert [os_wait(pid) for pid in pids] == [0] * 4
        assert tip(t) == made[0]
        undos = [each for each in t.operations(100) if each.verb == "undo"]
        assert len({each.of for each in undos}) == len(undos) == 20
        for _ in range(20):
            t.redo()
        assert tip(t) == made[-1]


def test_batch_that_was_open_meanwhile(t: Tract, ids: list[str]) -> None:
    """The appends of a batch go behind what another handle has left; anything else is StaleRef."""
    with beside(t) as other:
        with t.batch() as b:
            b.user("x")
            other.undo()
        assert contents(t) == ["1", "2", "x"]
        with pytest.raises(StaleRef), t.batch() as b:
            b.edit(0, "one")
            other.undo()
    assert (contents(t), done(t)[0]) == (["1", "2"], "undo")


def test_batch_open_while_the_first_commit_is_taken_back(t: Tract) -> None:
    """Appends of a batch that was open meanwhile begin the branch anew, like any next write."""
    t.user("1")
    with beside(t) as other, t.batch() as b:
        b.user("2")
        other.undo()
    assert contents(t) == ["2"]
    assert t.log()[-1].parents == ()


def os_wait(pid: int) -> int:
    """How a child ended."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_commits_of_stock_git_are_passed_over(t: Tract, ids: list[str]) -> None:
    """What another program did is not ours to take back, once ours over it is: it stays."""
    by_hand(t)
    t.user("x")
    t.undo()
    assert contents(t) == ["1", "2", "3"]
    assert git(t.path, "log", "-1", "--format=%s", "main") == "by hand"
    t.redo()
    assert contents(t) == ["1", "2", "3", "x"]


def test_undo_in_a_shallow_clone(t: Tract, ids: list[str], tmp_path: Path) -> None:
    """In a shallow clone what was done there can be taken back; what came with it cannot."""
    git(t.path, "clone", "--quiet", "--bare", "--depth=1", f"file://{t.path}", str(tmp_path / "c"))
    with Tract.open(tmp_path / "c") as clone:
        clone.user("4")
        clone.undo()
        assert contents(clone) == ["1", "2", "3"]
        with untouched(clone), pytest.raises(NothingToUndo):
            clone.undo()
