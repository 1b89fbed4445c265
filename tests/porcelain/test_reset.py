"""test_reset.py - a branch moves to another commit: with a way back, or without one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.git import fsck_clean, git
from tests.porcelain.moving import beside, branch, kept, lines, refs, stranger, tip, untouched
from tests.porcelain.saying import contents
from tract.errors import (
    AmbiguousRevision,
    BadObject,
    BadRevision,
    BranchNotFound,
    CheckedOut,
    Closed,
    DetachedHead,
    RepoLocked,
    RevisionNotFound,
    TractError,
    UnknownFormat,
    UsageError,
)
from tract.plumbing import ref_lock
from tract.tract import Tract

MODES = ("soft", "hard")


@pytest.fixture
def ids(t: Tract) -> list[str]:
    """Four entries on main: the commits."""
    return [t.user(text).commit_hash for text in "1234"]


# -- what it does


@pytest.mark.parametrize("mode", MODES)
def test_branch_goes_to_the_commit(t: Tract, ids: list[str], mode: str) -> None:
    """The branch stands at the target, the context is that one's, and the commit comes back."""
    info = t.reset("HEAD~2", mode=mode)
    assert (info.commit_hash, info.changed, info.branch) == (ids[1], True, "main")
    assert tip(t) == ids[1]
    assert contents(t) == ["1", "2"]
    fsck_clean(t.path)


@pytest.mark.parametrize("mode", MODES)
def test_writing_goes_on_from_there(t: Tract, ids: list[str], mode: str) -> None:
    """The next entry follows the target, and takes the slot after its last."""
    t.reset(ids[0], mode=mode)
    info = t.user("other")
    assert (info.parents, info.slot) == ((ids[0],), 1)
    assert contents(t) == ["1", "other"]


def test_it_may_go_forward(t: Tract, ids: list[str]) -> None:
    """What was left can be gone to again, like any commit."""
    t.reset(ids[0])
    t.reset(ids[3])
    assert contents(t) == ["1", "2", "3", "4"]


def test_soft_is_the_usual_mode(t: Tract, ids: list[str]) -> None:
    """Without a mode the way back is kept."""
    t.reset(ids[0])
    assert kept(t) == {ids[3]}


def test_soft_keeps_a_way_back(t: Tract, ids: list[str]) -> None:
    """ORIG_HEAD names what was left, and a keep ref, whose line says which branch lost it."""
    t.reset(ids[0], mode="soft")
    assert git(t.path, "rev-parse", "ORIG_HEAD") == ids[3]
    said = git(t.path, "log", "-g", "--format=%gs", f"refs/tract/keep/{ids[3]}")
    assert re.fullmatch(r"tract: reset #[k-z]{15} refs/heads/main", said)
    of_branch = git(t.path, "log", "-g", "-1", "--format=%gs", "main")
    assert said == f"{of_branch} refs/heads/main"


def test_hard_leaves_it_to_the_log(t: Tract, ids: list[str]) -> None:
    """No ref and no ORIG_HEAD names what was left: the reflog alone does."""
    t.reset(ids[0], mode="hard")
    assert refs(t).keys() == {"HEAD", "refs/heads/main"}
    assert kept(t) == set()
    assert not (Path(t.path) / "ORIG_HEAD").exists()
    assert git(t.path, "rev-parse", "main@{1}") == ids[3]
    assert lines(t, "refs/heads/main")[0] == "tract: reset"


def test_each_soft_reset_keeps_what_it_left(t: Tract, ids: list[str]) -> None:
    """Several in a row keep several; ORIG_HEAD is the last."""
    for target in (ids[2], ids[1], ids[0]):
        t.reset(target)
    assert kept(t) == set(ids[1:])
    assert git(t.path, "rev-parse", "ORIG_HEAD") == ids[1]


def test_same_commit_kept_twice_has_two_lines(t: Tract, ids: list[str]) -> None:
    """A commit that is left again gets one more line in the log of its keep ref."""
    for target in (ids[0], ids[3], ids[0]):
        t.reset(target)
    assert lines(t, f"refs/tract/keep/{ids[3]}") == ["tract: reset"] * 2


@pytest.mark.parametrize("mode", MODES)
def test_same_commit_writes_nothing(t: Tract, ids: list[str], mode: str) -> None:
    """A reset to where the branch stands is no change: not a byte is written."""
    with untouched(t):
        info = t.reset("HEAD", mode=mode)
    assert (info.commit_hash, info.changed) == (ids[3], False)


def test_branch_without_commits_is_born(t: Tract, ids: list[str]) -> None:
    """A branch that has no commits yet can be set to one; there is nothing to keep."""
    with Tract.open(t.path, branch="dev") as other:
        assert other.reset("main~1").commit_hash == ids[2]
        assert contents(other) == ["1", "2", "3"]
        assert kept(other) == set()
        assert other.user("5").parents == (ids[2],)
    assert contents(t) == ["1", "2", "3", "4"]


def test_other_handles_see_the_branch_move(t: Tract, ids: list[str]) -> None:
    """A handle on the same branch reads its tip afresh: it moves along."""
    with Tract.open(t.path) as other, Tract.open(t.path, branch="main") as named:
        t.reset(ids[0])
        assert contents(other) == contents(named) == ["1"]
        other.user("x")
    assert contents(t) == ["1", "x"]


def test_settling_after_a_reset(t: Tract, ids: list[str], pinned: dict[str, Any]) -> None:
    """What was written and left again does not trouble the end of the handle."""
    t.reset(ids[0], mode="hard")
    t.close()
    with Tract.open(t.path, **pinned) as again:
        assert contents(again) == ["1"]
        assert again.fsck() == []


# -- targets


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("HEAD~1", 2),
        ("@~3", 0),
        ("main@{1}", 2),
        ("@{2}", 1),
        ("v1", 1),
        ("other", 0),
        ("refs/heads/other", 0),
        (":/user: 2", 1),
    ],
)
def test_target_is_any_revision(t: Tract, ids: list[str], target: str, expected: int) -> None:
    """Whatever git's syntax names can be gone to."""
    git(t.path, "tag", "-a", "-m", "words", "v1", ids[1])
    branch(t, "other", ids[0])
    assert t.reset(target).commit_hash == ids[expected]


def test_target_may_be_abbreviated(t: Tract, ids: list[str]) -> None:
    """The beginning of an id is enough."""
    assert t.reset(ids[1][:10]).commit_hash == ids[1]


def test_target_is_where_the_handle_stood(t: Tract, ids: list[str]) -> None:
    """`-` and `@{-1}` are the place before, whose tip the branch goes to."""
    branch(t, "dev", ids[0])
    t.checkout("dev")
    assert t.reset("-").commit_hash == ids[3]
    assert t.reset("@{-1}~1").commit_hash == ids[2]
    assert (tip(t, "dev"), tip(t)) == (ids[2], ids[3])


# -- ORIG_HEAD


def test_orig_head_leads_back(t: Tract, ids: list[str]) -> None:
    """`reset("ORIG_HEAD")` goes back to what the last one left, and forth again."""
    t.reset(ids[0])
    assert t.reset("ORIG_HEAD").commit_hash == ids[3]
    assert t.reset("ORIG_HEAD").commit_hash == ids[0]
    assert t.get("ORIG_HEAD~1").commit_hash == ids[2]


def test_orig_head_is_shared_by_handles_on_head(t: Tract, ids: list[str]) -> None:
    """For handles without `branch=` ORIG_HEAD is git's own file: another handle sees it."""
    t.reset(ids[0])
    with Tract.open(t.path) as other:
        assert other.get("ORIG_HEAD").commit_hash == ids[3]


def test_orig_head_of_a_named_handle_is_its_own(t: Tract, ids: list[str]) -> None:
    """A handle with `branch=` keeps ORIG_HEAD in memory: no file is written, no other sees it."""
    with Tract.open(t.path, branch="main") as one, Tract.open(t.path, branch="main") as two:
        one.reset(ids[1])
        assert not (Path(t.path) / "ORIG_HEAD").exists()
        assert one.get("ORIG_HEAD").commit_hash == ids[3]
        for other in (two, t):
            with pytest.raises(RevisionNotFound):
                other.get("ORIG_HEAD")
        assert one.reset("ORIG_HEAD").commit_hash == ids[3]


def test_orig_head_of_a_named_handle_wins_over_the_file(t: Tract, ids: list[str]) -> None:
    """What its own reset left is meant, whatever the file says meanwhile."""
    with Tract.open(t.path, branch="main") as named:
        named.reset(ids[2])
        t.reset(ids[0])
        assert git(t.path, "rev-parse", "ORIG_HEAD") == ids[2]
        assert named.get("ORIG_HEAD").commit_hash == ids[3]


def test_hard_reset_leaves_orig_head_alone(t: Tract, ids: list[str]) -> None:
    """ORIG_HEAD stays what the last soft reset left."""
    t.reset(ids[2])
    t.reset(ids[0], mode="hard")
    assert git(t.path, "rev-parse", "ORIG_HEAD") == ids[3]


@pytest.mark.parametrize("name", [None, "main"])
def test_refused_reset_leaves_orig_head_alone(
    t: Tract, ids: list[str], monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    """Where another program holds the branch, ORIG_HEAD stays what it was, too."""
    monkeypatch.setattr(ref_lock, "FOREIGN_WAIT_S", 0.05)
    with beside(t, branch=name) as other:
        other.reset("HEAD~1")
        held = Path(t.path) / "refs/heads/main.lock"
        held.write_text("of somebody else\n")
        with pytest.raises(RepoLocked):
            other.reset("HEAD~1")
        held.unlink()
        assert other.get("ORIG_HEAD").commit_hash == ids[3]


# -- refused, and nothing is changed


@pytest.mark.parametrize("mode", ["mixed", "", "Soft", None])
def test_other_mode_is_refused(t: Tract, ids: list[str], mode: Any) -> None:
    """There are two modes."""
    with untouched(t), pytest.raises(UsageError) as caught:
        t.reset(ids[0], mode=mode)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("nothing", RevisionNotFound),
        ("f" * 40, RevisionNotFound),
        ("HEAD~9", RevisionNotFound),
        ("ORIG_HEAD", RevisionNotFound),
        ("-", RevisionNotFound),
        ("@{-3}", RevisionNotFound),
        ("", BadRevision),
        ("a b", BadRevision),
        ("HEAD^{tree}", BadRevision),
        ("HEAD:000/00/00.user.md", BadRevision),
        (0, UsageError),
        (None, UsageError),
        (b"HEAD", UsageError),
    ],
)
def test_target_that_names_no_commit(
    t: Tract, ids: list[str], target: Any, error: type[TractError]
) -> None:
    """A target that names nothing, or no commit, is refused with a hint."""
    with untouched(t), pytest.raises(error) as caught:
        t.reset(target)
    assert caught.value.hint or error is BadRevision


def test_entry_is_no_revision(t: Tract, ids: list[str]) -> None:
    """An entry's id names no commit."""
    with untouched(t), pytest.raises(RevisionNotFound):
        t.reset(t.entry(0).id)


def test_ambiguous_target(t: Tract, ids: list[str]) -> None:
    """A name that a branch and a tag share is an error with both."""
    branch(t, "x", ids[0])
    git(t.path, "tag", "x", ids[1])
    with untouched(t), pytest.raises(AmbiguousRevision) as caught:
        t.reset("x")
    assert caught.value.candidates == ["refs/tags/x", "refs/heads/x"]


@pytest.mark.parametrize("mode", MODES)
def test_stranger_s_commit_is_refused(t: Tract, ids: list[str], mode: str) -> None:
    """A commit that holds no context never becomes a branch's tip."""
    made = stranger(t)
    with untouched(t), pytest.raises(UnknownFormat) as caught:
        t.reset(made, mode=mode)
    assert caught.value.hint


def test_notes_commit_is_refused(t: Tract, ids: list[str]) -> None:
    """Nor does a commit of notes."""
    t.assistant("5", generation_config={"model": "gpt-4o"})
    with untouched(t), pytest.raises(UnknownFormat):
        t.reset("refs/notes/tract/generation")


def test_newer_format_is_refused(t: Tract, ids: list[str]) -> None:
    """A context of a newer format is not gone to."""
    marks = git(t.path, "hash-object", "-w", "--stdin", stdin="# tract 2\n* -text\n")
    root = git(t.path, "mktree", stdin=f"100644 blob {marks}\t.gitattributes\n")
    made = git(t.path, "commit-tree", "-m", "2", root)
    with untouched(t), pytest.raises(UnknownFormat, match="format 2"):
        t.reset(made)


def test_commit_whose_tree_is_gone_is_refused(t: Tract, ids: list[str]) -> None:
    """A commit whose tree is missing is damaged: the branch stays where it can be read."""
    tree = git(t.path, "rev-parse", f"{ids[1]}^{{tree}}")
    (Path(t.path) / "objects" / tree[:2] / tree[2:]).unlink()
    with untouched(t), pytest.raises(BadObject, match=tree[:12]):
        t.reset(ids[1])


def test_detached_handle_has_no_branch_to_move(t: Tract, ids: list[str]) -> None:
    """On a detached HEAD a reset is refused, with a hint."""
    t.checkout(ids[1])
    with untouched(t), pytest.raises(DetachedHead) as caught:
        t.reset(ids[0])
    assert caught.value.hint


def test_checked_out_branch_is_not_moved(t: Tract, ids: list[str], tmp_path: Path) -> None:
    """A branch whose files lie in a work tree stays; another one of that repository moves."""
    git(t.path, "clone", "--quiet", t.path, str(tmp_path / "work"))
    with Tract.open(tmp_path / "work") as clone:
        with untouched(clone), pytest.raises(CheckedOut) as caught:
            clone.reset("HEAD~1")
        assert caught.value.hint
    with Tract.open(tmp_path / "work", branch="dev") as clone:
        assert clone.reset("main~1").commit_hash == ids[2]
        assert clone.reset("main~2").commit_hash == ids[1]


def test_batch_refuses_it(t: Tract, ids: list[str]) -> None:
    """In a batch, and beside one, a branch is not moved; the batch itself goes through."""
    with t.batch() as b:
        for each in (b, t):
            with pytest.raises(UsageError) as caught:
                each.reset(ids[0])
            assert caught.value.hint
        b.user("5")
    assert contents(t) == ["1", "2", "3", "4", "5"]


def test_deleted_branch_is_not_moved(t: Tract, ids: list[str]) -> None:
    """A branch that was deleted under the handle is not made anew by a reset."""
    branch(t, "other")
    git(t.path, "update-ref", "-d", "refs/heads/main")
    with untouched(t), pytest.raises(BranchNotFound):
        t.reset(ids[0])


def test_closed_handle_refuses(t: Tract, ids: list[str]) -> None:
    """A closed handle says so."""
    t.close()
    with pytest.raises(Closed):
        t.reset(ids[0])


def test_reset_in_a_shallow_clone(t: Tract, ids: list[str], tmp_path: Path) -> None:
    """In a shallow clone what is there can be gone to; what lies beyond its edge is not found."""
    git(t.path, "clone", "--quiet", "--bare", "--depth=2", f"file://{t.path}", str(tmp_path / "c"))
    with Tract.open(tmp_path / "c") as clone:
        assert clone.reset("HEAD~1").commit_hash == ids[2]
        assert contents(clone) == ["1", "2", "3"]
        with untouched(clone), pytest.raises(RevisionNotFound):
            clone.reset("HEAD~1")
        clone.undo()
        assert contents(clone) == ["1", "2", "3", "4"]
