"""test_checkout.py - a handle goes to another branch or commit; HEAD goes along, others stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.git import fsck_clean, git
from tests.porcelain.moving import (
    beside,
    branch,
    lines,
    moved,
    refs,
    stranger,
    three,
    tip,
    untouched,
)
from tests.porcelain.saying import contents
from tests.porcelain.test_handle import VERBS, WRITING
from tract.errors import (
    BadObject,
    BadRevision,
    BranchNotFound,
    CheckedOut,
    Closed,
    DetachedHead,
    RevisionNotFound,
    TractError,
    UnknownFormat,
    UsageError,
)
from tract.tract import Tract

DEV = "ref: refs/heads/dev"
MAIN = "ref: refs/heads/main"


@pytest.fixture
def ids(t: Tract) -> list[str]:
    """Three entries on main: the commits; `dev` is a branch at the first."""
    made = [t.user(text).commit_hash for text in "123"]
    branch(t, "dev", made[0])
    return made


def head(t: Tract) -> str:
    """What git's HEAD holds."""
    return refs(t)["HEAD"]


# -- to a branch


def test_to_a_branch(t: Tract, ids: list[str]) -> None:
    """The handle and HEAD are on the branch, and the commit where it stands comes back."""
    info = t.checkout("dev")
    assert info is not None
    assert info.commit_hash == ids[0]
    assert (t.branch_name, head(t), contents(t)) == ("dev", DEV, ["1"])
    assert not t.status().is_detached
    fsck_clean(t.path)


def test_writing_goes_to_that_branch(t: Tract, ids: list[str]) -> None:
    """What is written next, one by one or as a batch, goes there; the other branch stays."""
    t.checkout("dev")
    assert t.user("x").parents == (ids[0],)
    with t.batch() as b:
        b.user("y")
    assert contents(t) == ["1", "x", "y"]
    assert tip(t) == ids[2]


def test_branch_itself_does_not_move(t: Tract, ids: list[str]) -> None:
    """A checkout moves no branch, and keeps nothing."""
    before = refs(t)
    t.checkout("dev")
    assert refs(t) == before | {"HEAD": DEV}
    assert not (Path(t.path) / "ORIG_HEAD").exists()


@pytest.mark.parametrize("name", ["import/a", "agents/x/main", "a/b", "ä"])
def test_any_branch_that_is_there(t: Tract, ids: list[str], name: str) -> None:
    """An import's branch, an agent's, one in a folder."""
    branch(t, name, ids[1])
    t.checkout(name)
    assert (t.branch_name, head(t)) == (name, f"ref: refs/heads/{name}")


def test_branch_wins_over_an_abbreviation(t: Tract, ids: list[str]) -> None:
    """A branch whose name is the beginning of an id is meant, not the id."""
    branch(t, ids[2][:6], ids[0])
    t.checkout(ids[2][:6])
    assert t.branch_name == ids[2][:6]


def test_other_handles_stay(t: Tract, ids: list[str]) -> None:
    """A handle that is open already does not follow, whether it was given a branch or not."""
    with Tract.open(t.path) as other, Tract.open(t.path, branch="main") as named:
        t.checkout("dev")
        assert (other.branch_name, named.branch_name) == ("main", "main")
        other.user("4")
        named.user("5")
    assert tip(t, "dev") == ids[0]
    with Tract.open(t.path) as later:
        assert later.branch_name == "dev"


def test_branch_without_commits(t: Tract, ids: list[str]) -> None:
    """Going back to a branch that has no commits yet gives None, and the context is empty."""
    with Tract.open(t.path, branch="new") as named:
        named.checkout("dev")
        assert named.checkout("-") is None
        assert (named.branch_name, contents(named)) == ("new", [])
        assert named.user("x").parents == ()


def test_current_branch_without_commits(t: Tract) -> None:
    """HEAD's branch can be gone back to by its name before it has a commit."""
    with Tract.open(t.path, branch="dev") as named:
        named.user("1")
    t.checkout("dev")
    assert t.checkout("-") is None
    assert (t.branch_name, head(t)) == ("main", MAIN)
    assert t.checkout("main") is None
    with Tract.open(t.path, branch="dev") as named:
        assert named.checkout("main") is None
        assert named.branch_name == "main"


# -- to a commit


@pytest.mark.parametrize("target", ["HEAD~1", "main~1", "v1", "refs/tags/v1", "@{1}", None])
def test_to_a_commit(t: Tract, ids: list[str], target: str | None) -> None:
    """A commit or tag detaches HEAD there; it is read as it was."""
    git(t.path, "tag", "v1", ids[1])
    info = t.checkout(target or ids[1][:8])
    assert info is not None
    assert info.commit_hash == ids[1] == head(t)
    assert (t.branch_name, t.detached_at, contents(t)) == (None, ids[1], ["1", "2"])
    assert t.status().is_detached
    assert t.get("HEAD").commit_hash == ids[1]


def test_whole_name_of_a_branch_is_a_commit(t: Tract, ids: list[str]) -> None:
    """`refs/heads/dev` names a commit, as it does for git: HEAD is detached."""
    t.checkout("refs/heads/dev")
    assert (t.branch_name, head(t)) == (None, ids[0])


@pytest.mark.parametrize("verb", WRITING)
def test_detached_refuses_to_write(t: Tract, ids: list[str], verb: str) -> None:
    """Where HEAD is detached every write is refused, with a hint, and nothing is changed."""
    t.checkout(ids[0])
    with untouched(t), pytest.raises(DetachedHead) as caught:
        VERBS[verb](t)
    assert caught.value.hint


def test_detached_is_left_by_a_branch(t: Tract, ids: list[str]) -> None:
    """On a branch again everything can be written again."""
    t.checkout(ids[0])
    t.checkout("main")
    assert t.user("4").parents == (ids[2],)


# -- where it stood before


def test_dash_goes_back_and_forth(t: Tract, ids: list[str]) -> None:
    """`-` is the place before this one, a branch or a commit."""
    t.checkout("dev")
    t.checkout("-")
    assert head(t) == MAIN
    t.checkout("-")
    assert head(t) == DEV
    t.checkout(ids[1])
    t.checkout("-")
    t.checkout("-")
    assert head(t) == ids[1]


def test_places_are_counted(t: Tract, ids: list[str]) -> None:
    """`@{-N}` is the place N moves ago; `@{-1}` is `-`."""
    for target in ("dev", ids[1], "main", ids[2]):
        t.checkout(target)
    assert [t.get(f"@{{-{n}}}").commit_hash for n in (1, 2, 3, 4)] == [
        ids[2],
        ids[1],
        ids[0],
        ids[2],
    ]
    t.checkout("@{-3}")
    assert head(t) == DEV
    t.checkout("@{-1}")
    assert head(t) == ids[2]


def test_dash_is_a_target_everywhere(t: Tract, ids: list[str]) -> None:
    """Reading takes `-` and `@{-1}`, with what git lets follow."""
    t.checkout("dev")
    assert contents(t, at="-") == ["1", "2", "3"]
    assert contents(t, at="@{-1}~1") == ["1", "2"]
    assert t.get("-").commit_hash == ids[2]
    assert len(t.diff("-", "HEAD").message_diffs) == 2


def test_dash_is_shared_by_handles_on_head(t: Tract, ids: list[str]) -> None:
    """For handles without `branch=` it is git's own: what another one did counts."""
    with Tract.open(t.path) as other:
        other.checkout("dev")
        other.checkout(ids[1])
    t.checkout("-")
    assert head(t) == DEV


def test_writing_between_does_not_count(t: Tract, ids: list[str]) -> None:
    """Writes, resets and undos are no places."""
    t.checkout("dev")
    t.user("x")
    t.reset(ids[1])
    t.undo()
    t.checkout("-")
    assert head(t) == MAIN


@pytest.mark.parametrize("target", ["-", "@{-1}", "@{-2}", "@{-0}"])
def test_no_place_before(t: Tract, ids: list[str], target: str) -> None:
    """Where there was no place before, it is not found."""
    with untouched(t), pytest.raises(RevisionNotFound) as caught:
        t.checkout(target)
    assert caught.value.hint


@pytest.mark.parametrize("is_packed", [False, True])
def test_branch_that_stock_git_deleted_is_gone(t: Tract, ids: list[str], is_packed: bool) -> None:
    """`-` does not make a branch anew that was deleted since: BranchNotFound names it."""
    t.checkout("dev")
    if is_packed:
        git(t.path, "pack-refs", "--all")
    git(t.path, "update-ref", "-d", "refs/heads/main")
    with untouched(t), pytest.raises(BranchNotFound, match="main") as caught:
        t.checkout("-")
    assert caught.value.hint


def test_branch_whose_first_commit_was_undone_is_there(t: Tract) -> None:
    """A branch that undo took the commits of is one without commits: `-` goes there."""
    with Tract.open(t.path, branch="dev") as named:
        named.user("1")
        t.checkout("dev")
        named.undo()
    t.checkout("-")
    assert t.checkout("-") is None
    assert (t.branch_name, contents(t)) == ("dev", [])


def test_branch_whose_first_commit_was_undone_is_named(t: Tract) -> None:
    """It can be gone to by its name as it can by `-`: a branch without commits."""
    t.user("1")
    with beside(t, branch="dev") as named:
        named.user("1")
        named.undo()
    assert t.checkout("dev") is None
    assert (t.branch_name, refs(t)["HEAD"]) == ("dev", "ref: refs/heads/dev")


@pytest.mark.parametrize("name", ["a\u00a0b", "日本\u3000x", "a\u2028b", "\u2003x"])
def test_blanks_of_other_scripts_in_a_name(t: Tract, name: str) -> None:
    """A branch whose name has a blank that git takes is gone to, back from, and undone."""
    t.user("1")
    branch(t, name)
    t.checkout(name)
    t.user("2")
    t.checkout("-")
    assert t.branch_name == "main"
    t.checkout("-")
    assert t.branch_name == name
    t.undo()
    assert t.branch_name == "main"
    assert moved(t.operations(1)[0]) == {"HEAD": (name, "main")}


# -- HEAD, @, and staying


@pytest.mark.parametrize("target", ["main", "HEAD", "@"])
def test_same_place_writes_nothing(t: Tract, ids: list[str], target: str) -> None:
    """Going where it stands writes not a byte, and is no place to go back from."""
    with untouched(t):
        info = t.checkout(target)
    assert info is not None
    assert info.commit_hash == ids[2]
    with pytest.raises(RevisionNotFound):
        t.checkout("-")


def test_head_is_the_handle_s_own_place(t: Tract, ids: list[str]) -> None:
    """HEAD means where this handle stands: git's HEAD, which another one moved, comes along."""
    with Tract.open(t.path) as other:
        other.checkout("dev")
        assert head(t) == DEV
        t.checkout("HEAD")
        assert (head(t), t.branch_name, other.branch_name) == (MAIN, "main", "dev")


def test_head_of_a_detached_handle(t: Tract, ids: list[str]) -> None:
    """On a commit `HEAD` is that commit."""
    t.checkout(ids[1])
    with untouched(t):
        info = t.checkout("HEAD")
    assert info is not None
    assert info.commit_hash == ids[1]


# -- a handle with a branch of its own


def test_named_handle_moves_alone(t: Tract, ids: list[str]) -> None:
    """A handle opened with `branch=` moves, HEAD does not, and nothing is written."""
    with Tract.open(t.path, branch="main") as named:
        before = refs(t), lines(t, "HEAD")
        named.checkout("dev")
        assert (named.branch_name, contents(named)) == ("dev", ["1"])
        named.checkout(ids[1])
        assert (named.branch_name, contents(named)) == (None, ["1", "2"])
        assert (refs(t), lines(t, "HEAD")) == before
        with pytest.raises(DetachedHead):
            named.user("no")


def test_named_handle_remembers_its_places(t: Tract, ids: list[str]) -> None:
    """`-` and `@{-N}` of such a handle are its own moves, whatever HEAD did meanwhile."""
    with Tract.open(t.path, branch="main") as named:
        named.checkout("dev")
        named.checkout(ids[1])
        t.checkout(ids[0])
        assert [named.get(f"@{{-{n}}}").commit_hash for n in (1, 2)] == [ids[0], ids[2]]
        named.checkout("-")
        assert named.branch_name == "dev"
        named.checkout("@{-3}")
        assert named.branch_name == "main"


def test_named_handle_has_no_place_before_at_first(t: Tract, ids: list[str]) -> None:
    """What HEAD did is no place of such a handle, and staying is none either."""
    t.checkout("dev")
    with Tract.open(t.path, branch="main") as named:
        named.checkout("main")
        for target in ("-", "@{-1}"):
            with pytest.raises(RevisionNotFound):
                named.checkout(target)
            with pytest.raises(RevisionNotFound):
                named.get(target)


# -- refused, and nothing is changed


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("nothing", RevisionNotFound),
        ("import", RevisionNotFound),
        ("f" * 40, RevisionNotFound),
        ("HEAD~9", RevisionNotFound),
        ("", BadRevision),
        ("a b", BadRevision),
        ("--", BadRevision),
        ("HEAD^{tree}", BadRevision),
        (0, UsageError),
        (None, UsageError),
    ],
)
def test_target_that_is_no_place(
    t: Tract, ids: list[str], target: Any, error: type[TractError]
) -> None:
    """A target that is neither a branch nor a commit leaves handle and HEAD where they are."""
    with untouched(t), pytest.raises((error, RevisionNotFound)):
        t.checkout(target)


def test_stranger_s_commit_is_refused(t: Tract, ids: list[str]) -> None:
    """A commit that holds no context is not gone to, by its id or by a branch of it."""
    made = stranger(t)
    branch(t, "theirs", made)
    for target in (made, "theirs"):
        with untouched(t), pytest.raises(UnknownFormat):
            t.checkout(target)


def test_notes_commit_is_refused(t: Tract, ids: list[str]) -> None:
    """Nor is a commit of notes."""
    t.assistant("4", generation_config={"model": "gpt-4o"})
    with untouched(t), pytest.raises(UnknownFormat):
        t.checkout("refs/notes/tract/generation")


def test_commit_whose_tree_is_gone_is_refused(t: Tract, ids: list[str]) -> None:
    """A commit whose tree is missing is damaged: the handle stays where it can read."""
    tree = git(t.path, "rev-parse", f"{ids[0]}^{{tree}}")
    (Path(t.path) / "objects" / tree[:2] / tree[2:]).unlink()
    with Tract.open(t.path) as again:
        for target in (ids[0], "dev"):
            with untouched(again), pytest.raises(BadObject, match=tree[:12]):
                again.checkout(target)


@pytest.mark.parametrize("part", ["000/00", "000/00/00.user.md"])
def test_checkout_of_a_damaged_context_moves_nothing(t: Tract, ids: list[str], part: str) -> None:
    """A commit whose page or entry is missing is not gone to: handle and HEAD stay."""
    gone = git(t.path, "rev-parse", f"{ids[0]}:{part}")
    t.release()
    for name in ("", "-wal", "-shm"):
        (Path(t.path) / f"tract/index.sqlite{name}").unlink(missing_ok=True)
    (Path(t.path) / "objects" / gone[:2] / gone[2:]).unlink()
    with beside(t) as again:
        for target in (ids[0], "dev"):
            with untouched(again), pytest.raises(BadObject):
                again.checkout(target)


def test_head_of_a_work_tree_is_not_moved(t: Tract, ids: list[str], tmp_path: Path) -> None:
    """In a work tree HEAD is git's to move; a handle with `branch=` goes where it wants."""
    git(t.path, "clone", "--quiet", t.path, str(tmp_path / "work"))
    git(tmp_path / "work" / ".git", "branch", "dev", ids[0])
    with Tract.open(tmp_path / "work") as clone:
        for target in ("dev", ids[1]):
            with untouched(clone), pytest.raises(CheckedOut) as caught:
                clone.checkout(target)
            assert caught.value.hint
    with Tract.open(tmp_path / "work", branch="main") as clone, untouched(clone):
        clone.checkout("dev")
        assert contents(clone) == ["1"]
        clone.checkout("-")


def test_batch_refuses_it(t: Tract, ids: list[str]) -> None:
    """In a batch, and beside one, nobody goes elsewhere."""
    with t.batch() as b:
        for each in (b, t):
            with pytest.raises(UsageError):
                each.checkout("dev")
        b.user("4")
    assert (contents(t), head(t)) == (["1", "2", "3", "4"], MAIN)


def test_closed_handle_refuses(t: Tract, ids: list[str]) -> None:
    """A closed handle says so."""
    t.close()
    with pytest.raises(Closed):
        t.checkout("dev")


def test_import_of_several_counts_as_a_place(t: Tract) -> None:
    """The switch at the end of an import can be gone back from."""
    t.import_messages(three())
    assert head(t) == "ref: refs/heads/import/a"
    assert t.checkout("-") is None
    assert head(t) == MAIN
    t.checkout("-")
    assert t.branch_name == "import/a"
