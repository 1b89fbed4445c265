"""test_undo_refusals.py - what cannot be taken back is said, and nothing is changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.git import fsck_clean, git
from tests.porcelain.moving import beside, branch, by_hand, done, refs, three, tip, untouched
from tests.porcelain.saying import contents
from tract.errors import (
    BadObject,
    BranchNotFound,
    CheckedOut,
    Closed,
    NothingToUndo,
    StaleRef,
    UsageError,
)
from tract.plumbing import notes
from tract.tract import Tract

BOTH = pytest.mark.parametrize("verb", ["undo", "redo"])


@pytest.fixture
def ids(t: Tract) -> list[str]:
    """Three entries on main: the commits."""
    return [t.user(text).commit_hash for text in "123"]


def lose(t: Tract, revision: str) -> str:
    """Remove a loose object; its id."""
    name = git(t.path, "rev-parse", revision)
    (Path(t.path) / "objects" / name[:2] / name[2:]).unlink()
    return name


# -- moved by another program


def test_branch_that_stock_git_moved(t: Tract, ids: list[str]) -> None:
    """What stock git built on is not taken back: StaleRef names the branch, and both values."""
    made = by_hand(t)
    with untouched(t), pytest.raises(StaleRef, match="main moved") as caught:
        t.undo()
    assert (caught.value.expected, caught.value.found) == (ids[2], made)
    assert caught.value.hint


def test_refusal_names_the_operation_and_who_moved(t: Tract, ids: list[str]) -> None:
    """The message says after which operation, and what the other program said of its move."""
    made = git(t.path, "commit-tree", "main^{tree}", "-p", "main", "-m", "x")
    git(t.path, "update-ref", "-m", "commit: by hand", "refs/heads/main", made)
    last = t.operations()[0]
    with pytest.raises(StaleRef, match=re.escape(f"append #{last.id}")) as caught:
        t.undo()
    assert "commit: by hand" in caught.value.message


def test_other_program_s_move_is_named_under_our_own(t: Tract, ids: list[str]) -> None:
    """Where ours over it was taken back, it is the other program's move that is named."""
    made = git(t.path, "commit-tree", "main^{tree}", "-p", "main", "-m", "x")
    git(t.path, "update-ref", "-m", "commit: by hand", "refs/heads/main", made)
    t.user("4")
    t.undo()
    with untouched(t), pytest.raises(StaleRef, match="commit: by hand"):
        t.undo()


def test_redo_of_what_stock_git_built_on(t: Tract, ids: list[str]) -> None:
    """A redo is refused in the same way."""
    t.undo()
    by_hand(t)
    with untouched(t), pytest.raises(StaleRef, match="main moved"):
        t.redo()


def test_calling_again_once_it_is_moved_back(t: Tract, ids: list[str]) -> None:
    """When the other program's move is gone again, the same call goes through."""
    by_hand(t)
    with pytest.raises(StaleRef):
        t.undo()
    git(t.path, "update-ref", "refs/heads/main", ids[2])
    t.undo()
    assert contents(t) == ["1", "2"]


def test_one_of_several_branches_moved(t: Tract) -> None:
    """Of an import the branch that was built on is named, and none of the others goes."""
    t.import_messages(three())
    by_hand(t, "import/b")
    with untouched(t), pytest.raises(StaleRef, match="import/b moved"):
        t.undo()
    git(t.path, "update-ref", "refs/heads/import/b", "import/b~1")
    t.undo()
    assert (t.branch_name, tip(t, "import/b")) == ("main", None)
    fsck_clean(t.path)


def test_tract_itself_built_on_one_of_several(t: Tract) -> None:
    """What another handle wrote there is in the way, too; taken back first, all goes."""
    t.import_messages(three())
    with beside(t, branch="import/c") as other:
        other.user("more")
        with untouched(t), pytest.raises(StaleRef, match="import/c moved"):
            t.undo()
        other.undo()
        t.undo()
        assert contents(other) == []


def test_head_moved_back_by_hand_is_no_obstacle_to_a_branch(t: Tract, ids: list[str]) -> None:
    """Where HEAD stands does not matter to what moved the branch alone."""
    branch(t, "dev")
    git(t.path, "symbolic-ref", "HEAD", "refs/heads/dev")
    t.undo()
    assert (contents(t), refs(t)["HEAD"]) == (["1", "2"], "ref: refs/heads/dev")


def test_head_moved_by_symbolic_ref_after_an_import(t: Tract) -> None:
    """HEAD that another program moved since is named, and no branch goes."""
    t.import_messages(three())
    git(t.path, "symbolic-ref", "HEAD", "refs/heads/import/b")
    with untouched(t), pytest.raises(StaleRef, match="HEAD"):
        t.undo()


def test_head_moved_by_symbolic_ref_after_a_checkout(t: Tract, ids: list[str]) -> None:
    """A checkout after which another program moved HEAD is not passed over."""
    for name in ("dev", "other"):
        branch(t, name)
    t.checkout("dev")
    t.user("4")
    t.checkout("main")
    t.checkout("dev")
    git(t.path, "symbolic-ref", "HEAD", "refs/heads/other")
    with untouched(t), pytest.raises(StaleRef, match="HEAD"):
        t.undo()


def test_branch_to_go_back_to_was_deleted(t: Tract, ids: list[str]) -> None:
    """A checkout is not taken back to a branch that stock git deleted since: it is named."""
    branch(t, "dev", ids[0])
    t.checkout("dev")
    git(t.path, "branch", "-D", "main")
    with untouched(t), pytest.raises(StaleRef, match="main, which was deleted since") as caught:
        t.undo()
    assert (caught.value.expected, caught.value.found) == (ids[2], None)
    assert ids[2][:12] in str(caught.value.hint)
    git(t.path, "branch", "main", ids[2])
    t.undo()
    assert t.branch_name == "main"


@BOTH
def test_branch_that_stock_git_deleted(t: Tract, ids: list[str], verb: str) -> None:
    """A branch deleted under the handle is not made anew: BranchNotFound."""
    t.undo()
    git(t.path, "update-ref", "-d", "refs/heads/main")
    with untouched(t), pytest.raises(BranchNotFound, match="main"):
        getattr(t, verb)()


def test_branch_that_stock_git_deleted_is_unknown_to_a_new_handle(t: Tract, ids: list[str]) -> None:
    """Stock git took the log with the branch: a handle opened since has nothing to take back."""
    git(t.path, "update-ref", "-d", "refs/heads/main")
    with beside(t) as other, untouched(other), pytest.raises(NothingToUndo):
        other.undo()


def test_branch_made_anew_by_stock_git(t: Tract, ids: list[str]) -> None:
    """After an undo of the first commit stock git made the branch: a redo is StaleRef."""
    for _ in range(3):
        t.undo()
    git(t.path, "branch", "main", ids[1])
    with untouched(t), pytest.raises(StaleRef, match="main moved") as caught:
        t.redo()
    assert (caught.value.expected, caught.value.found) == (None, ids[1])


@pytest.mark.parametrize("name", [None, "main"])
def test_ref_that_was_lost_is_not_taken_for_an_undone_one(
    t: Tract, ids: list[str], name: str | None
) -> None:
    """A branch whose file is gone, with a log that ends in a commit, is BadObject."""
    with beside(t, branch=name) as other:
        (Path(t.path) / "refs/heads/main").unlink()
        for verb in (other.undo, other.redo):
            with untouched(other), pytest.raises(BadObject, match="refs/heads/main"):
                verb()


# -- gone, or not to be touched


def test_commit_to_go_back_to_is_gone(t: Tract, ids: list[str]) -> None:
    """An undo to a commit that was pruned is BadObject, which names it."""
    lose(t, ids[1])
    with beside(t) as other, untouched(other), pytest.raises(BadObject, match=ids[1][:12]):
        other.undo()


def test_tree_to_go_back_to_is_gone(t: Tract, ids: list[str]) -> None:
    """So is one whose tree was."""
    gone = lose(t, f"{ids[1]}^{{tree}}")
    with beside(t) as other, untouched(other), pytest.raises(BadObject, match=gone[:12]):
        other.undo()


def test_commit_to_bring_again_is_gone(t: Tract, ids: list[str]) -> None:
    """A redo of a commit that was pruned is refused likewise."""
    t.undo()
    lose(t, ids[2])
    with beside(t) as other, untouched(other), pytest.raises(BadObject, match=ids[2][:12]):
        other.redo()


def test_notes_to_take_back_are_gone(t: Tract, ids: list[str]) -> None:
    """Where the notes commit of an answer is missing, the branch stays, too."""
    t.assistant("4", generation_config={"model": "gpt-4o"})
    gone = lose(t, notes.GENERATION)
    with beside(t) as other, untouched(other), pytest.raises(BadObject, match=gone[:12]):
        other.undo()


def test_notes_ref_that_was_deleted_is_passed_over(t: Tract, ids: list[str]) -> None:
    """Notes that somebody deleted need not be taken back: the branch goes."""
    t.assistant("4", generation_config={"model": "gpt-4o"})
    git(t.path, "update-ref", "-d", notes.GENERATION)
    t.undo()
    assert contents(t) == ["1", "2", "3"]
    t.redo()
    assert contents(t) == ["1", "2", "3", "4"]


@BOTH
def test_branch_of_a_work_tree(t: Tract, ids: list[str], tmp_path: Path, verb: str) -> None:
    """A branch that a work tree holds is not moved under its files."""
    t.undo()
    git(t.path, "worktree", "add", "-q", str(tmp_path / "linked"), "main")
    for other in (t, beside(t, branch="main")):
        with untouched(other), pytest.raises(CheckedOut) as caught:
            getattr(other, verb)()
        assert caught.value.hint


def test_one_of_several_branches_is_checked_out(t: Tract, tmp_path: Path) -> None:
    """Of an import one branch that a work tree holds keeps all of it."""
    t.import_messages(three())
    git(t.path, "worktree", "add", "-q", str(tmp_path / "linked"), "import/b")
    with untouched(t), pytest.raises(CheckedOut, match="import/b"):
        t.undo()


def test_work_tree_of_a_clone(t: Tract, ids: list[str], tmp_path: Path) -> None:
    """In a clone with a work tree, what was written to another branch is taken back."""
    git(t.path, "clone", "--quiet", t.path, str(tmp_path / "work"))
    with Tract.open(tmp_path / "work", branch="dev") as other:
        other.user("1")
        other.user("2")
        other.undo()
        assert contents(other) == ["1"]
        git(other.path, "symbolic-ref", "HEAD", "refs/heads/dev")
        with untouched(other), pytest.raises(CheckedOut):
            other.undo()


# -- wrong calls


VERBS: dict[str, Callable[[Tract], object]] = {
    "undo": lambda t: t.undo(),
    "redo": lambda t: t.redo(),
    "operations": lambda t: t.operations(),
}


@pytest.mark.parametrize("verb", VERBS)
def test_closed_handle_refuses(t: Tract, ids: list[str], verb: str) -> None:
    """A closed handle says so."""
    t.close()
    with pytest.raises(Closed):
        VERBS[verb](t)


@BOTH
def test_batch_refuses_it(t: Tract, ids: list[str], verb: str) -> None:
    """In a batch, and beside one, nothing is taken back; the batch itself goes through."""
    t.undo()
    with t.batch() as b:
        b.user("x")
        for each in (b, t):
            with pytest.raises(UsageError) as caught:
                VERBS[verb](each)
            assert caught.value.hint
    assert contents(t) == ["1", "2", "x"]
    assert done(t)[0] == "batch"


def test_operations_are_read_in_a_batch(t: Tract, ids: list[str]) -> None:
    """A list of what was done can be read there; the batch is not done yet."""
    with t.batch() as b:
        b.user("x")
        assert done(b) == done(t) == ["append"] * 3


@pytest.mark.parametrize("name", [None, "main"])
def test_new_branch_has_nothing_to_take_back(t: Tract, ids: list[str], name: str | None) -> None:
    """A branch that stock git made has no operation, though its commits are ours."""
    branch(t, "dev")
    with beside(t, branch="dev") as other, untouched(other), pytest.raises(NothingToUndo):
        other.undo()
