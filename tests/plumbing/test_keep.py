"""test_keep.py - refs/tract/keep/ID: a commit is kept, and its line says what lost it."""

from __future__ import annotations

import re

import pytest

from tests.git import fsck_clean, git
from tests.plumbing.commits import MAIN, commit
from tract.errors import StaleRef
from tract.plumbing import landing, reflog
from tract.plumbing.keep import keep
from tract.plumbing.operations import Mark, mark_of
from tract.plumbing.ref_names import KEEP
from tract.plumbing.repo import CommitId, Repo

L = "l" * 15


@pytest.fixture
def one(repo: Repo) -> CommitId:
    """A commit on main."""
    return commit(repo, "1", ref=MAIN)


def kept(
    repo: Repo, one: CommitId, lost: str = MAIN, verb: str = "reset", of: str | None = None
) -> None:
    """Keep a commit: planned, and landed."""
    view = repo.staged()
    assert view.pending is not None
    keep(view, one, lost, verb=verb, of=of)
    with repo.lock:
        landing.land(repo, view.pending)


def marks(repo: Repo, one: CommitId) -> list[Mark]:
    """What the lines of a keep ref say, newest first, the operation left out."""
    found = [mark_of(line) for line in reflog.read_lines(repo.path, KEEP + one)]
    return [mark._replace(operation="") for mark in found if mark is not None]


def test_commit_is_kept_under_its_id(repo: Repo, one: CommitId) -> None:
    """The ref is named by the commit, and stock git sees why it is there."""
    kept(repo, one)
    assert git(repo.path, "for-each-ref", "--format=%(refname) %(objectname)", KEEP) == (
        f"{KEEP}{one} {one}"
    )
    said = git(repo.path, "log", "-g", "--format=%gs", KEEP + one)
    assert re.fullmatch(r"tract: reset #[k-z]{15} refs/heads/main", said)


def test_planning_writes_nothing(repo: Repo, one: CommitId) -> None:
    """Until it lands no ref and no line is written."""
    before = git(repo.path, "for-each-ref")
    keep(repo.staged(), one, MAIN, verb="reset")
    assert git(repo.path, "for-each-ref") == before
    assert reflog.last_line(repo.path, KEEP + one) is None


def test_kept_again_gets_a_line_more(repo: Repo, one: CommitId) -> None:
    """A commit that is kept already stays there, and each time is told in a line of its own."""
    kept(repo, one)
    kept(repo, one, "refs/heads/dev", "delete-branch")
    kept(repo, one, MAIN, "undo", of=L)
    assert marks(repo, one) == [
        Mark("undo", "", L, MAIN),
        Mark("delete-branch", "", None, "refs/heads/dev"),
        Mark("reset", "", None, MAIN),
    ]
    values = [(line.old, line.new) for line in reflog.read_lines(repo.path, KEEP + one)]
    assert values == [(one, one), (one, one), (reflog.NOTHING, one)]
    assert git(repo.path, "log", "-g", "--format=%H", KEEP + one).split() == [one] * 3
    fsck_clean(repo.path)


def test_kept_commit_outlives_its_branch(repo: Repo, one: CommitId) -> None:
    """Stock git's own clean-up does not take what is kept."""
    kept(repo, one)
    git(repo.path, "update-ref", "-d", MAIN)
    git(repo.path, "gc", "--quiet", "--prune=now")
    assert git(repo.path, "cat-file", "-t", one) == "commit"


def test_packed_keep_ref_gets_its_line(repo: Repo, one: CommitId) -> None:
    """A keep ref that stock git has packed is kept again like any other."""
    kept(repo, one)
    git(repo.path, "pack-refs", "--all")
    kept(repo, one)
    assert len(marks(repo, one)) == 2
    assert git(repo.path, "rev-parse", KEEP + one) == one


def test_keep_ref_that_came_meanwhile_is_refused(repo: Repo, one: CommitId) -> None:
    """What was planned as a new ref is refused if somebody made it first."""
    view = repo.staged()
    assert view.pending is not None
    keep(view, one, MAIN, verb="reset")
    git(repo.path, "update-ref", KEEP + one, one)
    with repo.lock, pytest.raises(StaleRef):
        landing.land(repo, view.pending)
