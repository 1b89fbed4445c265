"""test_head.py - HEAD: its value, its moves, the lines by which git and we know where it stood."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.git import git
from tests.plumbing.commits import MAIN, commit
from tract.errors import BadObject, StaleRef
from tract.plumbing import head, reflog, refs
from tract.plumbing.head import on_branch
from tract.plumbing.operations import mark_of
from tract.plumbing.repo import CommitId, Repo

K, L = "k" * 15, "l" * 15


@pytest.fixture
def tips(repo: Repo) -> list[CommitId]:
    """Commits on main (two), dev and side."""
    made = [commit(repo, "1", ref=MAIN)]
    made.append(commit(repo, "2", made[0], ref=MAIN))
    for name in ("dev", "side"):
        with repo.lock:
            refs.update_ref(repo, f"refs/heads/{name}", made[0], old=None, verb="branch")
    return made


def go(repo: Repo, new: str, old: str, **more: str) -> None:
    """Move HEAD under the write lock."""
    with repo.lock:
        head.move_head(repo, new, old=old, **more)


def lines(repo: Repo) -> list[str]:
    """The reasons in HEAD's log, the oldest first."""
    return [each.message for each in reflog.read_lines(repo.path, "HEAD")][::-1]


def false_line(repo: Repo, before: str, after: str, new: str = "a" * 40) -> None:
    """The line of a switch that a killed writer left; HEAD never went."""
    with open(reflog.log_path(repo.path, "HEAD"), "a") as file:
        said = f"checkout: moving from {before} to {after} (tract #{L})"
        file.write(f"{'b' * 40} {new} C <c@example.org> 1700000000 +0000\t{said}\n")


def stood(repo: Repo) -> list[str]:
    """Where HEAD stood, newest first, as the lines name it."""
    return [head.said(each.before) for each in head.switches(repo)]


# -- where it stands


def test_place_is_a_branch_or_a_commit(repo: Repo, tips: list[CommitId]) -> None:
    """HEAD's value is the whole ref of a branch, or a commit where it is detached."""
    assert head.read_place(repo) == "ref: refs/heads/main" == on_branch("main")
    git(repo.path, "update-ref", "--no-deref", "HEAD", tips[0])
    assert head.read_place(repo) == tips[0]


def test_branch_of_a_place() -> None:
    """A place is a branch's, or a commit; either is said as git's lines say it."""
    assert head.branch_of(on_branch("a/b")) == "a/b" == head.said(on_branch("a/b"))
    assert head.branch_of("c" * 40) is None
    assert head.said("c" * 40) == "c" * 40


@pytest.mark.parametrize("content", [None, "", "junk\n"])
def test_head_that_cannot_be_read_is_named(repo: Repo, content: str | None) -> None:
    """A HEAD that is gone or damaged is no branch: BadObject names it."""
    path = Path(repo.path, "HEAD")
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(BadObject, match="HEAD"):
        head.read_place(repo)


# -- moves


def test_to_a_branch(repo: Repo, tips: list[CommitId]) -> None:
    """HEAD goes to a branch; stock git reads where it was, and when."""
    go(repo, on_branch("dev"), on_branch("main"))
    assert git(repo.path, "symbolic-ref", "HEAD") == "refs/heads/dev"
    assert git(repo.path, "rev-parse", "--abbrev-ref", "@{-1}") == "main"
    assert git(repo.path, "rev-parse", "@{-1}", "HEAD") == f"{tips[1]}\n{tips[0]}"
    assert git(repo.path, "log", "-g", "-1", "--format=%H", "HEAD") == tips[0]


def test_to_a_commit(repo: Repo, tips: list[CommitId]) -> None:
    """HEAD is detached at a commit; the line names it by its whole id, as git's own does."""
    go(repo, tips[0], on_branch("main"))
    assert Path(repo.path, "HEAD").read_text() == f"{tips[0]}\n"
    assert re.fullmatch(rf"checkout: moving from main to {tips[0]} \(tract #\S+\)", lines(repo)[-1])
    go(repo, tips[1], tips[0])
    go(repo, on_branch("dev"), tips[1])
    assert git(repo.path, "rev-parse", "@{-1}", "@{-2}", "@{-3}").split() == [
        tips[1],
        tips[0],
        tips[1],
    ]
    assert stood(repo) == [tips[1], tips[0], "main"]


def test_to_a_branch_without_commits(repo: Repo, tips: list[CommitId]) -> None:
    """Going to an unborn branch leaves a line, too: its new value is 40 zeros."""
    go(repo, on_branch("new"), on_branch("main"))
    last = reflog.last_line(repo.path, "HEAD")
    assert last is not None
    assert (last.old, last.new) == (tips[1], reflog.NOTHING)
    assert git(repo.path, "symbolic-ref", "HEAD") == "refs/heads/new"
    assert git(repo.path, "rev-parse", "--abbrev-ref", "@{-1}") == "main"
    assert stood(repo) == ["main"]


def test_from_a_branch_without_commits(repo: Repo) -> None:
    """Coming from an unborn branch leaves a line whose old value is 40 zeros."""
    one = commit(repo, "1", ref="refs/heads/dev")
    go(repo, on_branch("dev"), on_branch("main"))
    last = reflog.last_line(repo.path, "HEAD")
    assert last is not None
    assert (last.old, last.new) == (reflog.NOTHING, one)
    assert stood(repo) == ["main"]


def test_between_branches_without_commits(repo: Repo) -> None:
    """From one unborn branch to another: a line of nothing to nothing, and still a switch."""
    go(repo, on_branch("dev"), on_branch("main"))
    go(repo, on_branch("main"), on_branch("dev"))
    assert stood(repo) == ["dev", "main"]
    assert git(repo.path, "symbolic-ref", "HEAD") == "refs/heads/main"


def test_part_of_another_operation(repo: Repo, tips: list[CommitId]) -> None:
    """A switch that is part of an operation carries its verb and id, one that undoes names it."""
    go(repo, on_branch("dev"), on_branch("main"), verb="import", operation=K)
    go(repo, on_branch("main"), on_branch("dev"), verb="undo", operation=L, tail=f" of #{K}")
    assert lines(repo)[-2:] == [
        f"checkout: moving from main to dev (tract import #{K})",
        f"checkout: moving from dev to main (tract undo #{L} of #{K})",
    ]
    assert git(repo.path, "rev-parse", "--abbrev-ref", "@{-1}", "@{-2}") == "dev\nmain"


def test_operations_of_head_rise(repo: Repo, tips: list[CommitId]) -> None:
    """While the clock stands, the ids of switches sort as they were made."""
    repo.clock = lambda: 5
    places = ["main", "dev", "side", "main", "dev"]
    for before, after in pairwise(places):
        go(repo, on_branch(after), on_branch(before))
    marks = [mark_of(each.line) for each in head.switches(repo)]
    found = [mark.operation for mark in marks if mark is not None]
    assert found == sorted(set(found), reverse=True)
    assert len(found) == 4


@pytest.mark.parametrize("old", [on_branch("dev"), "a" * 40])
def test_from_elsewhere_is_refused(repo: Repo, tips: list[CommitId], old: str) -> None:
    """HEAD that stands elsewhere stays, nothing is left behind, and the error says where it is."""
    before = lines(repo)
    with pytest.raises(StaleRef, match="it stands on main") as caught:
        go(repo, on_branch("side"), old)
    assert (caught.value.expected, caught.value.found) == (old, on_branch("main"))
    assert (lines(repo), head.read_place(repo)) == (before, on_branch("main"))
    assert not Path(repo.path, "HEAD.lock").exists()
    assert Path(repo.lock.path).read_text().split("\n")[0] == str(os.getpid())


def test_detached_head_that_moved_is_refused(repo: Repo, tips: list[CommitId]) -> None:
    """A detached HEAD is compared by its commit."""
    git(repo.path, "update-ref", "--no-deref", "HEAD", tips[0])
    with pytest.raises(StaleRef, match=tips[0]):
        go(repo, on_branch("dev"), tips[1])


# -- the lines of a killed writer, and of others


def test_false_switch_is_not_seen(repo: Repo, tips: list[CommitId]) -> None:
    """A line that leads to where HEAD does not stand is passed over."""
    go(repo, on_branch("dev"), on_branch("main"))
    false_line(repo, "dev", "side")
    assert stood(repo) == ["main"]


def test_false_switch_is_cut_by_the_next_move(repo: Repo, tips: list[CommitId]) -> None:
    """The next switch removes it, so that git's own `@{-1}` never sees it."""
    go(repo, on_branch("dev"), on_branch("main"))
    false_line(repo, "dev", "side")
    go(repo, on_branch("main"), on_branch("dev"))
    assert [line for line in lines(repo) if L in line] == []
    assert stood(repo) == ["dev", "main"]
    assert git(repo.path, "rev-parse", "--abbrev-ref", "@{-1}", "@{-2}") == "dev\nmain"


def test_switch_is_judged_by_its_name(repo: Repo, tips: list[CommitId]) -> None:
    """A line that leads where HEAD stands is true whatever value it has: no value is compared."""
    go(repo, on_branch("dev"), on_branch("main"))
    false_line(repo, "side", "dev", new=tips[1])
    go(repo, on_branch("main"), on_branch("dev"))
    assert stood(repo) == ["dev", "side", "main"]


def test_head_that_another_program_moved(repo: Repo, tips: list[CommitId]) -> None:
    """Where HEAD stands neither where the newest line leads nor where it comes from, all count."""
    go(repo, on_branch("dev"), on_branch("main"))
    git(repo.path, "symbolic-ref", "HEAD", "refs/heads/side")
    assert stood(repo) == ["main"]
    go(repo, on_branch("main"), on_branch("side"))
    assert stood(repo) == ["side", "main"]


def test_false_detaching_is_cut(repo: Repo, tips: list[CommitId]) -> None:
    """The same holds for a line that leads to a commit."""
    false_line(repo, "main", tips[0], new=tips[0])
    assert stood(repo) == []
    go(repo, on_branch("dev"), on_branch("main"))
    assert stood(repo) == ["main"]
    assert len([line for line in lines(repo) if line.startswith("checkout:")]) == 1


def test_lines_of_writes_are_no_switches(repo: Repo, tips: list[CommitId]) -> None:
    """What a branch's moves leave in HEAD's log leads nowhere, and stays at a switch."""
    before = lines(repo)
    assert stood(repo) == []
    go(repo, on_branch("dev"), on_branch("main"))
    assert lines(repo)[:-1] == before


def test_switch_of_stock_git_counts(repo: Repo, tips: list[CommitId]) -> None:
    """A switch that stock git made is one, and the way back leads there."""
    said = "checkout: moving from main to dev"
    git(repo.path, "symbolic-ref", "-m", said, "HEAD", "refs/heads/dev")
    assert stood(repo) == ["main"]
    assert mark_of(next(head.switches(repo)).line) is None


def test_torn_line_of_head_is_passed_over(repo: Repo, tips: list[CommitId]) -> None:
    """A line that a power loss has torn leads nowhere."""
    go(repo, on_branch("dev"), on_branch("main"))
    with open(reflog.log_path(repo.path, "HEAD"), "ab") as file:
        file.write(b"\0\0\0\n" + tips[0][:20].encode())
    assert stood(repo) == ["main"]


# -- ORIG_HEAD


def test_orig_head_is_git_s(repo: Repo, tips: list[CommitId]) -> None:
    """ORIG_HEAD is the file that git reads, set again and again, and it keeps what it names."""
    for each in (tips[1], tips[0], tips[0]):
        with repo.lock:
            head.set_orig_head(repo, each)
        assert Path(repo.path, "ORIG_HEAD").read_text() == f"{each}\n"
        assert git(repo.path, "rev-parse", "ORIG_HEAD") == each
    assert Path(repo.lock.path).read_text().split("\n")[0] == str(os.getpid())
    assert "ORIG_HEAD" not in git(repo.path, "for-each-ref")
