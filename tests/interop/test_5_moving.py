"""test_5_moving.py - what reset, checkout, undo and redo leave, as stock git sees it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.git import fsck_clean, git
from tests.porcelain.moving import beside, branch, refs, three
from tests.porcelain.saying import contents
from tract.errors import NothingToUndo
from tract.plumbing import notes
from tract.tract import Tract

KEEP = "refs/tract/keep"
PRUNE = ("-c", "gc.pruneExpire=now", "gc", "--quiet", "--prune=now")
OP = re.compile(r"#[k-z]{15}")


@pytest.fixture
def ids(t: Tract) -> list[str]:
    """Three entries on main: the commits."""
    return [t.user(text).commit_hash for text in "123"]


def reflog(t: Tract, ref: str) -> list[str]:
    """`git reflog` of a ref, the newest first: the reasons, without the ids of operations."""
    return OP.sub("#", git(t.path, "reflog", "--format=%gs", ref)).splitlines()


# -- reset


def test_soft_reset(t: Tract, ids: list[str]) -> None:
    """git sees the branch, ORIG_HEAD, the keep ref, and a line that says `reset` in each log."""
    t.reset("HEAD~2")
    assert git(t.path, "rev-parse", "main", "ORIG_HEAD", "main@{1}").split() == [
        ids[0],
        ids[2],
        ids[2],
    ]
    shown = git(t.path, "for-each-ref", "--format=%(refname) %(objecttype)", KEEP)
    assert shown == f"{KEEP}/{ids[2]} commit"
    assert reflog(t, "main")[0] == "tract: reset #"
    assert reflog(t, f"{KEEP}/{ids[2]}") == ["tract: reset # refs/heads/main"]
    fsck_clean(t.path)


def test_hard_reset(t: Tract, ids: list[str]) -> None:
    """git finds what was left in the reflog, and nowhere else."""
    t.reset("HEAD~2", mode="hard")
    assert git(t.path, "for-each-ref", KEEP) == ""
    assert git(t.path, "rev-list", "--all", "--count") == "1"
    assert git(t.path, "rev-list", "--all", "--reflog", "--count") == "3"


def test_reset_by_git_s_own_orig_head(t: Tract, ids: list[str]) -> None:
    """An ORIG_HEAD that git set is the one that a reset goes to."""
    git(t.path, "update-ref", "ORIG_HEAD", ids[0])
    assert t.reset("ORIG_HEAD").commit_hash == ids[0]


def test_reflog_of_head_tells_of_it(t: Tract, ids: list[str]) -> None:
    """HEAD's log repeats what the current branch did, as it does for git."""
    t.reset("HEAD~1")
    t.undo()
    assert reflog(t, "HEAD")[:2] == ["tract: undo # of #", "tract: reset #"]
    assert git(t.path, "rev-parse", "HEAD@{1}", "HEAD@{2}").split() == [ids[1], ids[2]]


# -- checkout


def test_checkout(t: Tract, ids: list[str]) -> None:
    """git sees HEAD where it went, and finds where it was by `@{-N}`."""
    branch(t, "dev", ids[0])
    t.checkout("dev")
    assert git(t.path, "symbolic-ref", "--short", "HEAD") == "dev"
    t.checkout(ids[1])
    assert git(t.path, "rev-parse", "--abbrev-ref", "HEAD", "@{-1}", "@{-2}").split() == [
        "HEAD",
        "dev",
        "main",
    ]
    t.checkout("main")
    assert git(t.path, "rev-parse", "@{-1}") == ids[1]
    assert [line.split(" (")[0] for line in reflog(t, "HEAD")[:3]] == [
        f"checkout: moving from {ids[1]} to main",
        f"checkout: moving from dev to {ids[1]}",
        "checkout: moving from main to dev",
    ]
    fsck_clean(t.path)


def test_places_are_the_same_for_both(t: Tract, ids: list[str]) -> None:
    """`@{-N}` names the same commits here and for git, undos and writes in between."""
    branch(t, "dev", ids[0])
    branch(t, "side", ids[1])
    for step in ("dev", "side", ids[2], "-", "main"):
        t.checkout(step)
        if t.branch_name:
            t.user(f"on {t.branch_name}")
    t.undo()
    t.undo()
    for n in range(1, 7):
        assert t.get(f"@{{-{n}}}").commit_hash == git(t.path, "rev-parse", f"@{{-{n}}}")


def test_git_switches_back(t: Tract, ids: list[str], tmp_path: Path) -> None:
    """In a work tree `git checkout -` goes where tract's line says that HEAD was."""
    branch(t, "dev", ids[0])
    t.checkout("dev")
    t.close()
    work = tmp_path / "work"
    work.mkdir()
    git(t.path, "config", "core.bare", "false")
    git(t.path, f"--work-tree={work}", "checkout", "--quiet", "--force", "-")
    assert git(t.path, "symbolic-ref", "--short", "HEAD") == "main"
    assert (work / "000/00/02.user.md").exists()


def test_git_s_own_switch_can_be_gone_back_from(t: Tract, ids: list[str], tmp_path: Path) -> None:
    """`-` goes back from a switch that stock git made; an undo leaves that alone."""
    branch(t, "dev", ids[0])
    work = tmp_path / "work"
    work.mkdir()
    git(t.path, "-c", "core.bare=false", f"--work-tree={work}", "checkout", "-q", "-f", "dev")
    with beside(t) as other:
        other.checkout("-")
        assert git(t.path, "symbolic-ref", "--short", "HEAD") == "main"
        other.undo()
        with pytest.raises(NothingToUndo):
            other.undo()
        assert git(t.path, "symbolic-ref", "--short", "HEAD") == "dev"


# -- undo


def test_undo_of_an_answer(t: Tract, ids: list[str]) -> None:
    """git sees the branch go back, and the notes go on by one commit that removes the note."""
    made = t.assistant("4", generation_config={"model": "gpt-4o"}).commit_hash
    t.undo()
    assert reflog(t, "main")[0] == "tract: undo # of #"
    assert git(t.path, "notes", "--ref", notes.GENERATION, "list") == ""
    assert git(t.path, "log", "--format=%s", notes.GENERATION).splitlines() == [
        "tract: undo",
        "tract: append",
    ]
    t.redo()
    assert git(t.path, "notes", "--ref", notes.GENERATION, "list").split()[1] == made
    fsck_clean(t.path)


def test_undo_of_a_first_commit(t: Tract) -> None:
    """git sees no branch, and the commit under a keep ref; HEAD is unborn."""
    first = t.user("1").commit_hash
    t.undo()
    assert git(t.path, "for-each-ref", "--format=%(refname)") == f"{KEEP}/{first}"
    assert git(t.path, "branch", "--list") == ""
    assert git(t.path, "symbolic-ref", "--short", "HEAD") == "main"
    assert git(t.path, "log", "-1", "--format=%s", f"{KEEP}/{first}") == "user: 1"
    fsck_clean(t.path)
    t.redo()
    assert reflog(t, "main")[0] == "tract: redo # of #"
    assert git(t.path, "rev-parse", "main") == first
    fsck_clean(t.path)


def test_stock_git_writes_where_a_branch_was_taken_back(t: Tract) -> None:
    """The log that stays keeps git neither from making the branch anew nor from reading it."""
    first = t.user("1").commit_hash
    t.undo()
    git(t.path, "branch", "main", first)
    assert reflog(t, "main")[0].startswith("branch: Created from")
    assert contents(t) == ["1"]
    git(t.path, "branch", "-D", "main")
    assert not (Path(t.path) / "logs/refs/heads/main").exists()
    fsck_clean(t.path)


def test_branch_packed_meanwhile(t: Tract, ids: list[str]) -> None:
    """Refs that stock git packs in between are moved and deleted like loose ones."""
    for expected in (["1", "2"], ["1"], []):
        git(t.path, "pack-refs", "--all", "--prune")
        t.undo()
        assert contents(t) == expected
    git(t.path, "pack-refs", "--all", "--prune")
    for _ in range(3):
        t.redo()
    assert git(t.path, "rev-parse", "main") == ids[2]
    fsck_clean(t.path)


# -- stock git's clean-up


def prune(t: Tract) -> None:
    """Let stock git remove all that it thinks nobody needs."""
    t.repo.lock.close()
    git(t.path, *PRUNE)
    fsck_clean(t.path)


def test_gc_keeps_what_undo_and_redo_need(t: Tract, ids: list[str]) -> None:
    """With `git gc --prune=now` between any two of them, everything comes back, and again."""
    t.edit(0, "one")
    t.reset(ids[0], mode="hard")
    t.user("x")
    prune(t)
    for expected in (["1"], ["one", "2", "3"], ["1", "2", "3"], ["1", "2"], ["1"], []):
        with beside(t) as other:
            other.undo()
            assert contents(other) == expected
        prune(t)
    for expected in (["1"], ["1", "2"], ["1", "2", "3"], ["one", "2", "3"], ["1"], ["1", "x"]):
        with beside(t) as other:
            other.redo()
            assert contents(other) == expected
    prune(t)


def test_gc_keeps_an_import_that_was_taken_back(t: Tract) -> None:
    """Branches that are gone, and their notes, come again after a `git gc --prune=now`."""
    t.import_messages(three())
    before = refs(t)
    t.undo()
    prune(t)
    with beside(t) as other:
        other.redo()
        assert contents(other) == ["a"]
    after = refs(t)
    assert {k: v for k, v in after.items() if k != notes.TOKENS} == {
        k: v for k, v in before.items() if k != notes.TOKENS
    }
    assert git(t.path, "notes", "--ref", notes.TOKENS, "list").count("\n") == 2


def test_gc_keeps_what_orig_head_names(t: Tract, ids: list[str]) -> None:
    """After a soft reset, ORIG_HEAD is there when git has cleaned up, its log expired or not."""
    t.reset(ids[0])
    git(t.path, "reflog", "expire", "--expire=now", "--all")
    prune(t)
    with beside(t) as other:
        assert other.reset("ORIG_HEAD").commit_hash == ids[2]
        assert contents(other) == ["1", "2", "3"]


def test_gc_with_expired_logs_costs_the_way_back_alone(t: Tract, ids: list[str]) -> None:
    """Who expires the reflogs by hand has nothing to undo, and a whole repository."""
    t.reset(ids[0], mode="hard")
    git(t.path, "reflog", "expire", "--expire=now", "--all")
    prune(t)
    with beside(t) as other:
        assert other.operations() == []
        assert contents(other) == ["1"]
        other.user("goes on")
        other.undo()
        assert contents(other) == ["1"]
        assert other.fsck() == []


def test_gc_by_a_user_s_own_settings(t: Tract, ids: list[str]) -> None:
    """The repository's own settings keep the logs, so a plain `git gc` never costs an undo."""
    t.reset(ids[0], mode="hard")
    git(t.path, "-c", "gc.pruneExpire=now", "gc", "--quiet")
    t.undo()
    with beside(t) as other:
        assert contents(other) == ["1", "2", "3"]


# -- clones


def test_keep_refs_travel_with_a_mirror_alone(t: Tract, ids: list[str], tmp_path: Path) -> None:
    """A plain clone has the branch where it stands; a mirror has what is kept, too."""
    t.reset(ids[0])
    git(t.path, "clone", "--quiet", "--bare", t.path, str(tmp_path / "plain"))
    git(t.path, "clone", "--quiet", "--mirror", t.path, str(tmp_path / "mirror"))
    assert git(tmp_path / "plain", "for-each-ref", KEEP) == ""
    assert git(tmp_path / "mirror", "for-each-ref", KEEP) != ""
    for name in ("plain", "mirror"):
        with Tract.open(tmp_path / name) as clone:
            assert (contents(clone), clone.operations()) == (["1"], [])
