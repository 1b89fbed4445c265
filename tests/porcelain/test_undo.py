"""test_undo.py - the last operation on a branch or HEAD is taken back, and brought again."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.git import fsck_clean, git
from tests.porcelain.moving import (
    KEEP,
    beside,
    branch,
    done,
    kept,
    lines,
    moved,
    refs,
    tip,
    untouched,
    without_notes,
)
from tests.porcelain.saying import contents, user
from tract.errors import NothingToUndo
from tract.porcelain.undo import RefMove
from tract.testing import PinnedClock, PinnedRandom
from tract.tract import Tract

CONFIG = {"model": "gpt-4o"}
NO_COMMIT = "0" * 40


@pytest.fixture
def ids(t: Tract) -> list[str]:
    """Three entries on main: the commits."""
    return [t.user(text).commit_hash for text in "123"]


# -- one branch


def test_append_is_taken_back(t: Tract, ids: list[str]) -> None:
    """The branch goes back by one, and the context with it."""
    t.undo()
    assert (tip(t), contents(t)) == (ids[1], ["1", "2"])
    fsck_clean(t.path)


def test_append_is_brought_again(t: Tract, ids: list[str]) -> None:
    """A redo brings the same commit."""
    t.undo()
    t.redo()
    assert (tip(t), contents(t)) == (ids[2], ["1", "2", "3"])


def test_undo_says_what_it_did(t: Tract, ids: list[str]) -> None:
    """It returns an operation of its own, which names the one that it took back."""
    last = t.operations()[0]
    made = t.undo()
    assert (made.verb, made.of, made.is_undone) == ("undo", last.id, False)
    assert made.moves == (RefMove("refs/heads/main", ids[2], ids[1]),)
    again = t.redo()
    assert (again.verb, again.of) == ("redo", made.id)
    assert again.moves == (RefMove("refs/heads/main", ids[1], ids[2]),)
    assert last.id < made.id < again.id


def test_undo_stands_in_the_log(t: Tract, ids: list[str]) -> None:
    """The branch's log says which operation was taken back, as FORMAT has it."""
    last = t.operations()[0].id
    made = t.undo()
    again = t.redo()
    assert git(t.path, "log", "-g", "-2", "--format=%gs", "main").splitlines() == [
        f"tract: redo #{again.id} of #{made.id}",
        f"tract: undo #{made.id} of #{last}",
    ]


def test_edit_and_reset_are_taken_back(t: Tract, ids: list[str]) -> None:
    """Whatever moved the branch: an edit, a reset of either mode."""
    t.edit(0, "one")
    t.reset(ids[1])
    t.reset(ids[0], mode="hard")
    for expected in (["1", "2"], ["one", "2", "3"], ["1", "2", "3"]):
        t.undo()
        assert contents(t) == expected
    for expected in (["one", "2", "3"], ["1", "2"], ["1"]):
        t.redo()
        assert contents(t) == expected


def test_batch_is_one_operation(t: Tract, ids: list[str]) -> None:
    """A batch, and an import of one conversation, go at once."""
    with t.batch() as b:
        b.user("4")
        b.edit(0, "one")
    t.import_messages([user("5"), user("6")])
    t.undo()
    assert contents(t) == ["one", "2", "3", "4"]
    t.undo()
    assert contents(t) == ["1", "2", "3"]


def test_what_wrote_nothing_is_no_operation(t: Tract, ids: list[str]) -> None:
    """A reset to the same commit, an edit to the same text: there is nothing to take back of it."""
    t.reset("HEAD")
    t.edit(0, "1")
    t.checkout("main")
    t.undo()
    assert contents(t) == ["1", "2"]


def test_writing_goes_on_after_an_undo(t: Tract, ids: list[str]) -> None:
    """What is written next follows where the branch stands, and is an operation like any other."""
    t.undo()
    assert t.user("x").parents == (ids[1],)
    t.undo()
    t.undo()
    assert contents(t) == ["1"]


def test_new_operation_ends_what_can_be_brought_again(t: Tract, ids: list[str]) -> None:
    """After an undo and a new write there is nothing to redo; the undone one stays in the log."""
    t.undo()
    t.user("x")
    with untouched(t), pytest.raises(NothingToUndo) as caught:
        t.redo()
    assert caught.value.hint
    assert done(t) == ["append", "undo", "(append)", "append", "append"]
    assert t.get("main@{2}").commit_hash == ids[2]


def test_redo_can_be_taken_back(t: Tract, ids: list[str]) -> None:
    """A redo is an operation: an undo takes it back, and a redo brings it again."""
    t.undo()
    t.redo()
    t.undo()
    assert contents(t) == ["1", "2"]
    t.redo()
    assert contents(t) == ["1", "2", "3"]
    with pytest.raises(NothingToUndo):
        t.redo()


@pytest.mark.parametrize("verb", ["undo", "redo"])
def test_nothing_was_done(t: Tract, verb: str) -> None:
    """In a new repository there is nothing to take back: said with a hint, nothing written."""
    with untouched(t), pytest.raises(NothingToUndo) as caught:
        getattr(t, verb)()
    assert caught.value.hint
    assert t.operations() == []


def test_everything_was_taken_back(t: Tract, ids: list[str]) -> None:
    """Past the first operation there is nothing more, and all can be brought again."""
    for _ in range(3):
        t.undo()
    with untouched(t), pytest.raises(NothingToUndo):
        t.undo()
    for _ in range(3):
        t.redo()
    with untouched(t), pytest.raises(NothingToUndo):
        t.redo()
    assert contents(t) == ["1", "2", "3"]


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_is_a_stack(t: Tract, seed: int) -> None:
    """Writes, undos and redos in any order are a stack of contexts, and one of those taken back."""
    dice = random.Random(seed)
    past: list[list[str]] = [[]]
    future: list[list[str]] = []
    for n in range(60):
        step = dice.choices(("write", "undo", "redo"), (2, 4, 3))[0]
        if step == "write":
            t.user(f"{n}")
            past.append([*past[-1], f"{n}"])
            future.clear()
        elif step == "undo" and len(past) > 1:
            t.undo()
            future.append(past.pop())
        elif step == "redo" and future:
            t.redo()
            past.append(future.pop())
        else:
            with pytest.raises(NothingToUndo):
                getattr(t, step)()
        assert contents(t) == past[-1]
    fsck_clean(t.path)


def test_clock_that_stands_still(tmp_path: Path) -> None:
    """Where every operation has the same time, they are taken back in the order they were made."""
    clock, letters = PinnedClock(step_ms=0), PinnedRandom(7)
    with Tract.open(tmp_path / ".tract", clock=clock, random=letters) as t:
        first = t.user("1").commit_hash
        branch(t, "dev")
        steps: list[Callable[[], object]] = [
            lambda: t.user("2"),
            lambda: t.reset(first),
            lambda: t.assistant("3", generation_config=CONFIG),
            lambda: t.checkout("dev"),
            lambda: t.edit(0, "one"),
            lambda: t.checkout("-"),
            lambda: t.reset("dev", mode="hard"),
        ]
        seen = []
        for step in steps:
            seen.append(refs(t))
            step()
        after = [*seen[1:], refs(t)]
        for expected in reversed(seen):
            t.undo()
            assert without_notes(refs(t)) == without_notes(expected)
        for expected in after:
            t.redo()
            assert without_notes(refs(t)) == without_notes(expected)


def test_clock_that_is_behind_another_handle_s(t: Tract, ids: list[str]) -> None:
    """A move to a branch that was written by a clock ahead of ours comes last all the same."""
    with Tract.open(t.path, branch="dev", clock=PinnedClock(1_800_000_000_000)) as ahead:
        ahead.user("1")
    t.checkout("dev")
    t.undo()
    assert (t.branch_name, tip(t, "dev") is not None) == ("main", True)


# -- the first commit


def test_first_commit_is_taken_back(t: Tract) -> None:
    """The branch is gone, its log is there, and a keep ref keeps the commit for it."""
    first = t.user("1").commit_hash
    made = t.undo()
    assert moved(made) == {"refs/heads/main": (first, None)}
    assert (tip(t), contents(t), kept(t)) == (None, [], {first})
    assert git(t.path, "log", "-g", "--format=%gs", KEEP + first) == (
        f"tract: undo #{made.id} of #{made.of} refs/heads/main"
    )
    last = (Path(t.path) / "logs/refs/heads/main").read_text().splitlines()[-1]
    assert last.startswith(f"{first} {NO_COMMIT} ")
    fsck_clean(t.path)


def test_first_commit_is_brought_again(t: Tract) -> None:
    """The branch comes again at the same commit; the keep ref stays."""
    first = t.user("1").commit_hash
    t.undo()
    t.redo()
    assert (tip(t), contents(t), kept(t)) == (first, ["1"], {first})
    assert lines(t, "refs/heads/main") == ["tract: redo", "tract: undo", "tract: append"]
    fsck_clean(t.path)


def test_next_write_after_that_is_a_new_root(t: Tract) -> None:
    """The branch begins again, with a commit that has no parent, whichever handle writes."""
    t.user("1")
    with beside(t) as other, beside(t, branch="main") as named:
        assert contents(other) == contents(named) == ["1"]
        t.undo()
        assert contents(other) == contents(named) == []
        assert other.log() == []
        info = other.user("x")
        assert (info.parents, info.slot) == ((), 0)
        assert contents(t) == contents(named) == ["x"]
    with pytest.raises(NothingToUndo):
        t.redo()


def test_first_commit_again_and_again(t: Tract) -> None:
    """Undo and redo of a first commit can be repeated, and another first commit be made."""
    for _ in range(3):
        t.user("1")
        t.undo()
        t.redo()
        t.undo()
    assert contents(t) == []
    assert t.user("2").parents == ()
    fsck_clean(t.path)


def test_branch_without_its_first_commit_can_be_opened(t: Tract) -> None:
    """A branch whose first commit was taken back is there, without commits: `create=False` too."""
    with beside(t, branch="dev") as named:
        named.user("1")
        named.undo()
    with beside(t, branch="dev", create=False) as named:
        assert contents(named) == []
        named.redo()
        assert contents(named) == ["1"]


def test_keep_ref_alone_brings_a_branch_again(t: Tract) -> None:
    """Where stock git removed the log of a branch that was taken back, its keep ref tells of it."""
    with beside(t, branch="dev") as named:
        first = named.user("1").commit_hash
        named.undo()
    git(t.path, "branch", "dev", first)
    git(t.path, "branch", "-D", "dev")
    with beside(t, branch="dev") as named:
        assert done(named) == ["undo"]
        named.redo()
        assert (tip(t, "dev"), contents(named)) == (first, ["1"])
        named.user("2")
        named.undo()
        assert tip(t, "dev") == first
    fsck_clean(t.path)


def test_branch_that_a_reset_made_is_taken_back(t: Tract, ids: list[str]) -> None:
    """A branch whose first move was a reset is gone again, too."""
    with beside(t, branch="dev") as named:
        named.reset("main")
        named.undo()
        assert (tip(t, "dev"), contents(named)) == (None, [])
        named.redo()
        assert tip(t, "dev") == ids[2]


# -- HEAD


def test_checkout_is_taken_back(t: Tract, ids: list[str]) -> None:
    """HEAD and this handle go back to where they stood, a branch or a commit."""
    branch(t, "dev", ids[0])
    t.checkout("dev")
    made = t.undo()
    assert moved(made) == {"HEAD": ("dev", "main")}
    assert (t.branch_name, refs(t)["HEAD"]) == ("main", "ref: refs/heads/main")
    t.redo()
    assert t.branch_name == "dev"
    t.checkout(ids[1])
    t.checkout("main")
    t.undo()
    assert refs(t)["HEAD"] == ids[1] == t.detached_at


def test_undo_from_a_detached_head(t: Tract, ids: list[str]) -> None:
    """Where HEAD is detached, it was a checkout that did it: that is taken back."""
    t.checkout(ids[0])
    with beside(t) as other:
        other.undo()
        assert (other.branch_name, contents(other)) == ("main", ["1", "2", "3"])
    assert t.branch_name is None


def test_undo_of_a_checkout_works_with_git_s_own_way_back(t: Tract, ids: list[str]) -> None:
    """The undo of a checkout is a move of HEAD that `-` can go back on."""
    branch(t, "dev")
    t.checkout("dev")
    t.undo()
    assert git(t.path, "rev-parse", "--abbrev-ref", "@{-1}") == "dev"
    t.checkout("-")
    assert t.branch_name == "dev"


def test_checkout_of_a_branch_without_commits(t: Tract) -> None:
    """Going to and from an unborn branch is taken back like any other move."""
    with beside(t, branch="dev") as named:
        named.user("1")
    t.checkout("dev")
    t.undo()
    assert (t.branch_name, contents(t)) == ("main", [])
    t.redo()
    t.checkout("-")
    t.undo()
    assert (t.branch_name, contents(t)) == ("dev", ["1"])


def test_moves_of_branch_and_head_in_turn(t: Tract, ids: list[str]) -> None:
    """Writes on two branches and the moves between them go back one by one."""
    branch(t, "dev", ids[0])
    t.checkout("dev")
    t.user("x")
    t.checkout("main")
    t.user("y")
    stood = []
    for _ in range(4):
        t.undo()
        stood.append((t.branch_name, contents(t)))
    assert stood == [
        ("main", ["1", "2", "3"]),
        ("dev", ["1", "x"]),
        ("dev", ["1"]),
        ("main", ["1", "2", "3"]),
    ]


def test_other_handle_s_checkout_is_taken_back_for_head_alone(t: Tract, ids: list[str]) -> None:
    """HEAD goes back; a handle that never followed it stays where it is."""
    branch(t, "dev", ids[0])
    with beside(t) as other:
        other.checkout("dev")
        t.undo()
        assert refs(t)["HEAD"] == "ref: refs/heads/main"
        assert (t.branch_name, other.branch_name) == ("main", "dev")
