"""test_diff.py - what changed between two commits, entry by entry, never slot by slot."""

from __future__ import annotations

import pytest

from tests.git import git
from tests.plumbing.stock import commit_files, entry
from tests.porcelain.saying import call, calling, result, user
from tract.errors import RevisionNotFound
from tract.tract import Tract

K, L, M = "k" * 16, "l" * 16, "m" * 16


def said(text: str, entry_id: str, **more: object) -> str:
    """A user's entry with an id."""
    return entry(text, type="dialogue", role="user", id=entry_id, **more)


def test_added(t: Tract) -> None:
    """An append is one entry added, with its text and its tokens."""
    t.user("1")
    info = t.user("2\n3")
    found = t.diff()
    assert (found.a, found.b) == (info.parent_hash, info.commit_hash)
    (change,) = found.message_diffs
    assert (change.status, change.entry_id, change.label) == ("added", info.entry_id, "user")
    assert (change.content_type, change.role) == ("dialogue", "user")
    assert (change.slot_before, change.slot_after) == (None, 1)
    assert change.text.splitlines()[:2] == ["--- /dev/null", "+++ 000/00/01.user.md"]
    assert "+2\n+3" in change.text
    assert change.token_delta == found.token_delta == info.token_count
    assert (found.stat.added, found.stat.removed, found.stat.modified) == (1, 0, 0)


def test_modified(t: Tract) -> None:
    """An edit is one entry modified: the lines that changed, and by how many tokens."""
    t.user("one\ntwo\nthree")
    before = t.compile().token_count
    t.edit(0, "one\n2\nthree and four")
    (change,) = t.diff().message_diffs
    assert (change.status, change.slot_before, change.slot_after) == ("modified", 0, 0)
    assert "-two" in change.text
    assert "+2" in change.text
    assert " one" in change.text
    assert change.token_delta == t.compile().token_count - before


def test_headers_are_part_of_it(t: Tract) -> None:
    """A change of priority or role is seen in the text as well."""
    t.user("x")
    t.edit(0, "x", priority="pinned")
    (change,) = t.diff().message_diffs
    assert "-priority: normal\n+priority: pinned" in change.text
    assert change.token_delta == 0


@pytest.mark.parametrize(("priority", "back"), [("skip", "normal"), ("skip", "pinned")])
def test_skip_takes_its_tokens_away(t: Tract, priority: str, back: str) -> None:
    """What is shown no longer counts negative, and positive when it comes back."""
    own = t.user("one two three").token_count
    t.edit(0, "one two three", priority=priority)
    assert t.diff().token_delta == -own
    t.edit(0, "one two three", priority=back)
    assert t.diff().token_delta == own


def test_removed(t: Tract) -> None:
    """An entry that somebody removed is told with its last text."""
    commit_files(t.path, {"000/00/00.user.md": said("a", K), "000/00/01.user.md": said("b", L)})
    commit_files(t.path, {"000/00/00.user.md": None})
    (change,) = t.diff().message_diffs
    assert (change.status, change.entry_id, change.slot_before) == ("removed", K, 0)
    assert "-a" in change.text
    assert change.token_delta < 0


def test_moved(t: Tract) -> None:
    """An entry at another slot is moved, not removed and added."""
    commit_files(t.path, {"000/00/00.user.md": said("a", K)})
    commit_files(t.path, {"000/00/00.user.md": None, "000/01/05.user.md": said("a", K)})
    (change,) = t.diff().message_diffs
    assert (change.status, change.slot_before, change.slot_after) == ("moved", 0, 105)
    assert change.token_delta == 0


def test_moved_and_modified(t: Tract) -> None:
    """An entry that moved and says something else is modified, aligned by its id."""
    commit_files(t.path, {"000/00/00.user.md": said("a", K)})
    commit_files(t.path, {"000/00/00.user.md": said("new", L), "000/00/01.user.md": said("A", K)})
    changes = {change.entry_id: change for change in t.diff().message_diffs}
    assert (changes[K].status, changes[K].slot_before, changes[K].slot_after) == ("modified", 0, 1)
    assert changes[L].status == "added"


def test_swapped(t: Tract) -> None:
    """Two entries that changed places are two moves."""
    first, second = said("a", K), said("b", L)
    commit_files(t.path, {"000/00/00.user.md": first, "000/00/01.user.md": second})
    commit_files(t.path, {"000/00/00.user.md": second, "000/00/01.user.md": first})
    found = t.diff()
    assert [change.status for change in found.message_diffs] == ["moved", "moved"]
    assert found.stat.moved == 2
    assert found.token_delta == 0


def test_between_any_two_commits(t: Tract) -> None:
    """Two revisions are compared whatever lies between, in either direction."""
    made = [t.user(f"{n}") for n in range(4)]
    t.edit(0, "zero")
    there = t.diff(made[1].commit_hash, "HEAD")
    assert [(c.status, c.slot_after) for c in there.message_diffs] == [
        ("modified", 0),
        ("added", 2),
        ("added", 3),
    ]
    back = t.diff("HEAD", made[1].commit_hash)
    assert [c.status for c in back.message_diffs] == ["modified", "removed", "removed"]
    assert back.token_delta == -there.token_delta
    tokens = [t.compile(at=at).token_count for at in (made[1].commit_hash, "HEAD")]
    assert there.token_delta == tokens[1] - tokens[0]


def test_edit_and_undone_is_no_change(t: Tract) -> None:
    """Two commits with one context differ in nothing."""
    t.user("a")
    t.edit(0, "b")
    t.edit(0, "a")
    found = t.diff("HEAD~2", "HEAD")
    assert (found.message_diffs, found.token_delta) == ((), 0)
    assert t.diff("HEAD", "HEAD").message_diffs == ()


def test_branches(t: Tract) -> None:
    """Branches are compared by what their contexts hold."""
    t.user("1")
    git(t.path, "branch", "other")
    t.user("2")
    with Tract.open(t.path, branch="other") as other:
        other.user("3")
    changes = t.diff("main", "other").message_diffs
    assert sorted((c.status, c.slot_before, c.slot_after) for c in changes) == [
        ("added", None, 1),
        ("removed", 1, None),
    ]


def test_first_commit_adds_everything(t: Tract) -> None:
    """Without an earlier commit everything is new."""
    t.user("1")
    assert t.diff().a is None
    assert t.diff().stat.added == 1
    assert t.diff("HEAD~1", "HEAD").stat.added == 1


def test_calls_are_part_of_it(t: Tract) -> None:
    """Calls are compared, too; a result names its call."""
    t.import_messages([calling(call()), result()])
    text = t.show("HEAD~1").diff.message_diffs[0].text
    assert '+call: {"id":"c1"' in text
    assert "+tool_call_id: c1" in t.diff().message_diffs[0].text


def test_revision_that_is_not_there(t: Tract) -> None:
    """A revision that names nothing is refused, on either side."""
    t.import_messages([user(), user()])
    for a, b in (("nothing", "HEAD"), ("HEAD", "nothing"), ("HEAD~9", "HEAD")):
        with pytest.raises(RevisionNotFound):
            t.diff(a, b)


def test_text_is_a_unified_diff(t: Tract) -> None:
    """The text is what `diff -u` would print: hunks with three lines around each change."""
    t.user("\n".join(f"line {n}" for n in range(40)))
    lines = t.entry(0).text.split("\n")
    lines[20] = "changed"
    t.edit(0, "\n".join(lines))
    text = t.diff().message_diffs[0].text
    assert text.count("@@") == 2
    assert text.count("\n ") == 6
