"""test_handle_branches.py - a handle's branch: new, detached, deleted, checked out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.git import git
from tests.porcelain.saying import contents
from tests.porcelain.test_handle import VERBS, WRITING
from tract.errors import (
    BadRefName,
    BranchNotFound,
    CheckedOut,
    DetachedHead,
    RefExists,
)
from tract.tract import Tract


def test_branch_begins_empty(t: Tract) -> None:
    """`branch=` of a new name starts with an empty context, from no commit; HEAD stays."""
    t.user("1")
    with Tract.open(t.path, branch="work/one") as other:
        assert other.branch_name == "work/one"
        assert (other.compile().messages, other.log()) == ((), [])
        assert other.user("2").parents == ()
    assert contents(t) == ["1"]
    assert git(t.path, "symbolic-ref", "HEAD") == "refs/heads/main"


def test_branch_that_is_not_there(t: Tract) -> None:
    """With `create=False` a branch must exist."""
    t.user("1")
    with pytest.raises(BranchNotFound):
        Tract.open(t.path, branch="other", create=False)
    with Tract.open(t.path, branch="main", create=False) as other:
        assert contents(other) == ["1"]


@pytest.mark.parametrize("name", ["", "a..b", "import", "agents/x", "x.lock", "\ud800"])
def test_branch_name_is_checked(t: Tract, name: str) -> None:
    """A name that no branch can have is refused at open."""
    with pytest.raises(BadRefName):
        Tract.open(t.path, branch=name)


def test_branch_in_the_way(t: Tract) -> None:
    """A branch below or beside an existing one cannot be written, and says which is in the way."""
    t.user("1")
    for name in ("main/x", "Main"):
        with Tract.open(t.path, branch=name) as other, pytest.raises(RefExists, match="main"):
            other.user("2")
    assert git(t.path, "for-each-ref").count("\n") == 0


def test_head_is_read_once(t: Tract) -> None:
    """A handle stays on its branch when somebody moves HEAD."""
    t.user("1")
    git(t.path, "symbolic-ref", "HEAD", "refs/heads/other")
    t.user("2")
    assert git(t.path, "rev-list", "--count", "main") == "2"
    with Tract.open(t.path) as other:
        assert other.branch_name == "other"


# -- a detached HEAD, a deleted branch, a checked-out one


def test_detached_head_reads(t: Tract) -> None:
    """On a detached HEAD everything can be read as it was at that commit."""
    first = t.user("1")
    t.user("2")
    git(t.path, "update-ref", "--no-deref", "HEAD", first.commit_hash)
    with Tract.open(t.path) as other:
        assert other.branch_name is None
        assert contents(other) == ["1"]
        assert other.get("HEAD") == first
        assert other.status().is_detached
        assert other.status().branch_name is None
        assert [info.commit_hash for info in other.log()] == [first.commit_hash]


@pytest.mark.parametrize("verb", WRITING)
def test_detached_head_refuses_to_write(t: Tract, verb: str) -> None:
    """On a detached HEAD every write is refused, with a hint."""
    first = t.user("1")
    git(t.path, "update-ref", "--no-deref", "HEAD", first.commit_hash)
    with Tract.open(t.path) as other:
        with pytest.raises(DetachedHead) as caught:
            VERBS[verb](other)
        assert caught.value.hint
    assert git(t.path, "rev-list", "--all", "--count") == "1"


def test_deleted_branch_refuses_to_write(t: Tract) -> None:
    """A branch that was deleted under an open handle is not made anew by its next write."""
    t.user("1")
    git(t.path, "update-ref", "-d", "refs/heads/main")
    for verb in WRITING:
        with pytest.raises(BranchNotFound):
            VERBS[verb](t)
    assert git(t.path, "for-each-ref") == ""


def test_deleted_branch_is_noticed_by_a_handle_that_only_opened_it(t: Tract) -> None:
    """The same holds for a handle that has not looked at the branch since it was opened."""
    t.user("1")
    with Tract.open(t.path) as other, Tract.open(t.path, branch="main") as named:
        git(t.path, "update-ref", "-d", "refs/heads/main")
        for handle in (other, named):
            with pytest.raises(BranchNotFound):
                handle.user("2")
    assert git(t.path, "for-each-ref") == ""


def test_branch_made_anew_is_an_ordinary_branch(t: Tract) -> None:
    """A branch that comes back under its name can be written again."""
    first = t.user("1")
    git(t.path, "update-ref", "-d", "refs/heads/main")
    git(t.path, "update-ref", "refs/heads/main", first.commit_hash)
    t.user("2")
    assert contents(t) == ["1", "2"]


def test_checked_out_branch_refuses_to_write(t: Tract, tmp_path: Path) -> None:
    """A branch whose files lie in a work tree is refused with a hint; others may be written."""
    t.user("1")
    git(t.path, "clone", "--quiet", t.path, str(tmp_path / "work"))
    with Tract.open(tmp_path / "work") as other:
        assert other.path.rstrip("/").endswith(".git")
        assert contents(other) == ["1"]
        for verb in WRITING:
            with pytest.raises(CheckedOut) as caught:
                VERBS[verb](other)
            assert caught.value.hint
    with Tract.open(tmp_path / "work", branch="talk") as other:
        other.user("2")
        assert contents(other) == ["2"]
    assert git(tmp_path / "work" / ".git", "config", "core.bare") == "false"
