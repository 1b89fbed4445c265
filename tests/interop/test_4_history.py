"""test_3_history.py - what `git log`, blame, shortlog and diff show, and writers beside us."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.git import fsck_clean, git
from tract.tract import Tract


@pytest.fixture
def said(t: Tract) -> Tract:
    """A short conversation with a tool call and an edit."""
    t.system("Be kind.")
    question = t.user("What is Python?\nAnd why?")
    function = {"name": "look", "arguments": "{}"}
    t.assistant("", tool_calls=[{"id": "c", "type": "function", "function": function}])
    t.tool_result("c", "a snake", name="look")
    t.edit(str(question.entry_id), "What is Python?\nAnd how?")
    return t


def test_log_p_shows_a_turn_as_an_added_file(said: Tract) -> None:
    """`git log -p` of an append is one new file."""
    shown = git(said.path, "log", "-p", "-1", "--format=", "main~3")
    assert shown.count("diff --git") == 1
    assert "new file mode 100644" in shown
    assert "+What is Python?" in shown


def test_log_stat_shows_an_edit_as_changed_lines(said: Tract) -> None:
    """`git log --stat` of an edit is one file, one line out and one in."""
    shown = git(said.path, "log", "--stat", "-1", "--format=")
    assert "000/00/01.user.md | 2 +-" in shown
    assert "1 insertion(+), 1 deletion(-)" in shown


def test_blame(said: Tract) -> None:
    """`git blame` tells which commit said each line."""
    lines = git(said.path, "blame", "-s", "main", "--", "000/00/01.user.md").split("\n")
    commits = {line.split("main")[0].split(" ")[0] for line in lines[-2:]}
    assert len(commits) == 2


def test_log_of_one_path(said: Tract) -> None:
    """`git log -- PATH` is the history of that slot."""
    shown = git(said.path, "log", "--format=%s", "main", "--", "000/00/01.user.md").split("\n")
    assert shown == ["user: What is Python? And how?", "user: What is Python? And why?"]


def test_shortlog_counts_who_spoke(said: Tract) -> None:
    """`git shortlog -s` counts by role and tool."""
    counted = dict(
        line.split("\t")[::-1] for line in git(said.path, "shortlog", "-s", "main").split("\n")
    )
    assert {name: int(count) for name, count in counted.items()} == {
        "system": 1, "user": 2, "assistant": 1, "look": 1,
    }  # fmt: skip


def test_trailers_for_git(said: Tract) -> None:
    """git's own parser finds the trailers."""
    form = "%(trailers:key=Tract-Operation,valueonly,separator=%x2C)"
    shown = git(said.path, "log", f"--format={form}").split("\n")
    assert shown == ["edit", "append", "append", "append", "append"]


def test_diff_of_two_commits(said: Tract) -> None:
    """`git diff main~3 main` names what was added and what was edited."""
    shown = git(said.path, "diff", "--name-status", "main~3", "main").split("\n")
    assert shown == [
        "M\t000/00/01.user.md",
        "A\t000/00/02.tool-call.md",
        "A\t000/00/03.tool-result.md",
    ]


def test_commit_of_stock_git_is_seen_and_built_on(said: Tract) -> None:
    """What stock git commits beside an open handle is read, and appended to."""
    tree = git(said.path, "rev-parse", "main~1^{tree}")
    commit = git(said.path, "commit-tree", "-p", "main", "-m", "undo by hand", tree)
    git(said.path, "update-ref", "refs/heads/main", commit)
    assert said.compile().to_dicts()[1]["content"].endswith("And why?")
    made = said.user("next")
    assert made.parent_hash == commit
    fsck_clean(said.path)


def merged_by_stock_git(t: Tract) -> list[str]:
    """Two branches that grew apart, merged by stock git into slots that are shared."""
    t.user("base")
    with Tract.open(t.path, branch="side") as side:
        git(t.path, "update-ref", "refs/heads/side", git(t.path, "rev-parse", "main"))
        ids = [str(side.assistant("theirs").entry_id)]
    ids += [str(t.user("ours").entry_id), str(t.user("after").entry_id)]
    tree = git(t.path, "merge-tree", "--write-tree", "main", "side").split("\n")[0]
    args = ["commit-tree", "-p", "main", "-p", "side", "-m", "merge", tree]
    git(t.path, "update-ref", "refs/heads/main", git(t.path, *args))
    return ids


def test_shared_slots_are_read_in_path_order(t: Tract) -> None:
    """Entries that share a slot are all read, and fsck and status say so."""
    merged_by_stock_git(t)
    contents = [each["content"] for each in t.compile().to_dicts()]
    assert contents == ["base", "theirs", "ours", "after"]
    assert "slot" in {problem.kind for problem in t.fsck()}
    assert any("share slot 1" in warning for warning in t.status().warnings)


def test_shared_slots_are_mended_by_the_next_write(t: Tract) -> None:
    """The next write gives each its own slot in a commit of its own; ids stay."""
    ids = merged_by_stock_git(t)
    t.user("next")
    context = t.compile()
    assert [each["content"] for each in context.to_dicts()] == [
        "base", "theirs", "ours", "after", "next",
    ]  # fmt: skip
    assert context.entry_ids[1:4] == ids
    assert [info.operation for info in t.log(2)] == ["append", "repair"]
    assert t.fsck() == []
    fsck_clean(t.path)


def test_cherry_pick_by_stock_git_is_mended_too(t: Tract) -> None:
    """A picked commit carries our trailers; a slot it shares is still found by the next write."""
    t.user("base")
    git(t.path, "branch", "side")
    t.user("ours")
    with Tract.open(t.path, branch="side") as side:
        side.assistant("theirs")
    tree = git(t.path, "merge-tree", "--write-tree", "main", "side").split("\n")[0]
    message = git(t.path, "log", "-1", "--format=%B", "side")
    picked = git(t.path, "commit-tree", "-p", "main", "-m", message, tree)
    git(t.path, "update-ref", "refs/heads/main", picked)
    t.user("next")
    contents = [each["content"] for each in t.compile().to_dicts()]
    assert contents == ["base", "theirs", "ours", "next"]
    assert t.fsck() == []


def test_shallow_clone_reads_and_writes(t: Tract, tmp_path: Path) -> None:
    """What a shallow clone left behind ends its history, and breaks nothing."""
    for text in "abcd":
        t.user(text)
    url = Path(t.path).as_uri()
    git(t.path, "clone", "--quiet", "--bare", "--depth", "2", url, str(tmp_path / "shallow.git"))
    with Tract.open(tmp_path / "shallow.git") as clone:
        clone.user("e")
        assert [each["content"] for each in clone.compile().to_dicts()] == list("abcde")
        assert len(clone.log()) == clone.status().commit_count == 3
        assert clone.edit(0, "A").changed
        assert len(clone.compile().commit_hashes) == 5
