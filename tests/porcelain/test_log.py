"""test_log.py - the log and the status: how it came to be, what it counted, where one stands."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.git import git
from tests.plumbing.stock import commit_files
from tests.porcelain.saying import EXAMPLES, call, calling, result, user
from tract.errors import UsageError
from tract.testing import PinnedClock
from tract.tract import Tract


def talk(t: Tract) -> None:
    """A history with every sort of change."""
    t.system("Be kind.")
    t.user("What is Pyhton?")
    t.reasoning("hm")
    t.assistant("Let me see.", tool_calls=[call()])
    t.user("meanwhile")
    t.tool_result("c1", {"a": 1})
    t.edit(1, "What is Python?")
    t.edit(4, "meanwhile", priority="skip")
    t.edit(4, "meanwhile, again")
    t.edit(4, "back", priority="normal")
    t.user("skipped", priority="skip")
    t.handoff(summary="Done.")


def test_log_is_newest_first(t: Tract) -> None:
    """The log follows first parents from the tip back, one line a commit."""
    made = [t.user(f"{n}") for n in range(5)]
    assert t.log() == made[::-1]
    assert [info.commit_hash for info in t.log()] == git(t.path, "rev-list", "main").split()


def test_log_has_a_limit(t: Tract) -> None:
    """Twenty commits by default, as many as asked for otherwise."""
    t.import_messages([user(f"{n}") for n in range(30)])
    assert len(t.log()) == 20
    assert len(t.log(5)) == len(t.log(limit=5)) == 5
    assert len(t.log(100)) == 30
    assert t.log(0) == []
    with pytest.raises(UsageError):
        t.log(-1)


def test_log_of_nothing(t: Tract) -> None:
    """A branch without commits has an empty log."""
    assert t.log() == []


def test_context_tokens_are_what_was_compiled_then(t: Tract) -> None:
    """At each commit the cumulative count is that of the context compiled there."""
    talk(t)
    for info in t.log(50):
        assert info.context_tokens == t.compile(at=info.commit_hash).token_count


def test_context_tokens_of_a_fresh_handle(t: Tract) -> None:
    """A handle that starts in the middle of history counts the same."""
    talk(t)
    with Tract.open(t.path) as other:
        assert [i.context_tokens for i in other.log(50)] == [i.context_tokens for i in t.log(50)]
        assert [i.token_count for i in other.log(50)] == [i.token_count for i in t.log(50)]


def test_context_tokens_of_an_example(t: Tract) -> None:
    """The same in a conversation as people have them."""
    t.import_file(EXAMPLES / "support-case.jsonl")
    for info in t.log(100)[::7]:
        assert info.context_tokens == t.compile(at=info.commit_hash).token_count


def test_token_count_is_the_entry_s_own(t: Tract) -> None:
    """A commit counts what it wrote, shown or not: an edit the new text, a skip the entry."""
    t.user("one two three")
    own = t.log()[0].token_count
    assert t.compile().token_counts == [own]
    edited = t.edit(0, "one")
    assert edited.token_count < own
    skipped = t.edit(0, "one", priority="skip")
    assert (skipped.token_count, t.log()[0].context_tokens) == (edited.token_count, 0)


def test_appends_add_up(t: Tract) -> None:
    """Where nothing moves, each commit's cumulative count grows by its own."""
    t.import_messages([user(f"number {n}") for n in range(10)])
    log = t.log()
    for newer, older in pairwise(log):
        assert newer.context_tokens == (older.context_tokens or 0) + newer.token_count
    assert log[-1].context_tokens == log[-1].token_count + 3


def test_log_says_who_did_what(t: Tract) -> None:
    """Operation, author, subject and entry stand in the log as the verbs returned them."""
    talk(t)
    log = t.log(50)[::-1]
    assert [info.operation for info in log] == ["append"] * 6 + ["edit"] * 4 + ["append"] * 2
    assert [info.author for info in log[:4]] == ["system", "user", "assistant", "assistant"]
    assert log[6].entry_id == log[1].entry_id
    assert log[6].message == "user: What is Python?"


@pytest.mark.parametrize(
    ("files", "operation", "writes"),
    [
        ({"000/00/01.user.md": "new\n"}, "append", 1),
        ({"000/00/00.user.md": "changed\n"}, "edit", 1),
        ({"000/00/01.user.md": "a\n", "000/00/02.user.md": "b\n"}, "x-git", 2),
        ({"000/00/00.user.md": None}, "x-git", 0),
        ({"README.md": "x\n"}, "x-git", 0),
    ],
)
def test_commit_of_stock_git_is_read_by_its_trees(
    t: Tract, files: dict[str, Any], operation: str, writes: int
) -> None:
    """A commit without our trailers is an append, an edit, or `x-git`."""
    t.user("x")
    commit = commit_files(t.path, files, message="by hand")
    info = t.log()[0]
    assert (info.commit_hash, info.operation, info.author) == (commit, operation, "Stock Git")
    assert (info.entry_id is not None) == (writes == 1)
    assert info.message == "by hand"
    assert [i.context_tokens for i in t.log()] == [
        t.compile(at=i.commit_hash).token_count for i in t.log()
    ]


# -- status


def test_status_of_nothing(t: Tract) -> None:
    """An empty context has a status, too."""
    status = t.status()
    assert (status.head_hash, status.branch_name, status.is_detached) == (None, "main", False)
    assert (status.commit_count, status.entry_count) == (0, 0)
    assert (status.recent_commits, status.pending_tool_calls, status.warnings) == ((), (), ())


def test_status_counts(t: Tract) -> None:
    """Status says where one stands, and how much of what there is."""
    talk(t)
    status = t.status()
    assert status.head_hash == git(t.path, "rev-parse", "main")
    assert (status.commit_count, status.entry_count) == (12, 8)
    assert (status.pinned_count, status.skipped_count) == (2, 1)
    assert status.token_count == t.compile().token_count
    assert status.token_source == "tiktoken:o200k_base"
    assert list(status.recent_commits) == t.log(5)
    assert status.warnings == ()


def test_status_counts_follow_every_write(t: Tract) -> None:
    """The number of commits stays right over appends, other writers and a branch set back."""
    for number in range(1, 4):
        t.user("x")
        assert t.status().commit_count == number
    with Tract.open(t.path) as other:
        other.user("y")
    assert t.status().commit_count == 4
    git(t.path, "update-ref", "refs/heads/main", "main~2")
    assert t.status().commit_count == 2
    t.user("z")
    assert t.status().commit_count == 3


def test_status_names_orphans(t: Tract) -> None:
    """A result that answers no call is a warning with its id and slot."""
    t.import_messages([user(), result("zz")])
    (warning,) = t.status().warnings
    assert str(t.entry(1).id) in warning
    assert "slot 1" in warning


def test_status_names_open_calls(t: Tract) -> None:
    """An open call is listed as pending, and is no warning."""
    t.import_messages([user(), calling(call())])
    assert [each.id for each in t.status().pending_tool_calls] == ["c1"]
    assert t.status().warnings == ()


def test_status_names_shared_slots(t: Tract) -> None:
    """Entries that share a slot are a warning until the next write gives each its own."""
    commit_files(t.path, {"000/00/00.user.md": "a\n", "000/00/00.assistant.md": "b\n"})
    assert "share slot 0" in t.status().warnings[0]
    t.user("c")
    assert t.status().warnings == ()


def test_status_names_a_clock_far_ahead(t: Tract) -> None:
    """A tip more than a day ahead of the clock is a warning; less is not."""
    t.user("x")
    made_ms = t.log()[0].created_at.timestamp() * 1000
    t.repo.clock = PinnedClock(int(made_ms) - 23 * 3600 * 1000)
    assert t.status().warnings == ()
    t.repo.clock = PinnedClock(int(made_ms) - 50 * 3600 * 1000)
    assert "2 days ahead" in t.status().warnings[0]
