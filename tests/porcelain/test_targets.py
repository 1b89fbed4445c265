"""test_targets.py - get, entry and show: what a target names, and what each says of it."""

from __future__ import annotations

import pytest

from tests.git import git
from tests.porcelain.saying import contents
from tract.errors import BadRevision, EntryNotFound, RevisionNotFound, TractError, UsageError
from tract.tract import Tract


def test_get_by_revision(t: Tract) -> None:
    """`get` of a revision is that commit."""
    made = [t.user(f"{n}") for n in range(3)]
    for target, info in [
        (made[0].commit_hash, made[0]),
        (made[1].commit_hash[:7], made[1]),
        ("HEAD", made[2]),
        ("@~1", made[1]),
        ("main", made[2]),
        ("main@{1}", made[1]),
        (":/user: 0", made[0]),
    ]:
        assert t.get(target) == info


def test_get_by_entry_is_its_newest_commit(t: Tract) -> None:
    """`get` of an entry is the newest commit that wrote or edited it."""
    asked = t.user("1")
    t.user("2")
    assert t.get(str(asked.entry_id)) == asked
    assert t.get(0) == asked
    edited = t.edit(0, "3")
    t.user("4")
    assert t.get(str(asked.entry_id)[:5]).commit_hash == edited.commit_hash
    assert t.get(0).commit_hash == edited.commit_hash


def test_entry_by_id_is_as_it_stands_now(t: Tract) -> None:
    """`entry` of an id or slot is the entry of today."""
    asked = t.user("old")
    t.edit(0, "new")
    assert t.entry(str(asked.entry_id)).text == "new"
    assert t.entry(0).text == "new"


def test_entry_by_revision_is_as_it_was_written(t: Tract) -> None:
    """`entry` of a revision is what that commit wrote."""
    asked = t.user("old")
    t.edit(0, "new")
    assert t.entry(asked.commit_hash).text == "old"
    assert t.entry("HEAD").text == "new"
    assert t.entry("HEAD").id == asked.entry_id


def test_get_reads_back_what_was_returned(t: Tract) -> None:
    """A commit read again equals what the writing verb returned, and its JSON form too."""
    t.system("x", metadata={"a": 1}, author="Ada", message="mine")
    info = t.user("y", priority="important")
    assert t.get("HEAD") == info
    assert t.get("HEAD").as_dict() == info.as_dict()
    assert hash(t.get("HEAD")) == hash(info)


def test_show_is_commit_entry_and_change(t: Tract) -> None:
    """`show` gives the commit, the entry it wrote, and the difference it made."""
    t.user("old")
    edited = t.edit(0, "new")
    shown = t.show()
    assert shown.commit == edited
    assert shown.entry is not None
    assert shown.entry.text == "new"
    assert shown.diff.stat.modified == 1
    assert "-old" in shown.diff.message_diffs[0].text
    assert t.show(edited.commit_hash).commit == edited
    assert t.show(0).commit == edited


def test_show_of_the_first_commit(t: Tract) -> None:
    """A first commit's change is all that it wrote."""
    t.user("x")
    shown = t.show("HEAD")
    assert shown.diff.a is None
    assert shown.diff.stat.added == 1


def test_ref_wins_over_an_entry_id(t: Tract) -> None:
    """A branch or tag whose name looks like an entry id is meant."""
    first = t.user("1")
    second = t.user("2")
    name = str(second.entry_id)[:8]
    git(t.path, "tag", name, first.commit_hash)
    assert t.get(name) == first
    assert t.entry(name).text == "1"
    assert t.entry(str(second.entry_id)[:9]).text == "2"


def test_entry_of_another_branch_needs_that_branch(t: Tract) -> None:
    """An entry id names entries of the current context only."""
    t.user("1")
    with Tract.open(t.path, branch="other") as other:
        info = other.user("2")
        assert other.entry(str(info.entry_id)).text == "2"
    with pytest.raises(EntryNotFound) as caught:
        t.entry(str(info.entry_id))
    assert caught.value.hint


def test_entry_that_is_gone_is_not_found(t: Tract) -> None:
    """A commit whose entry is no longer in the context names none there."""
    t.user("1")
    second = t.user("2")
    git(t.path, "update-ref", "refs/heads/main", "main~1")
    with pytest.raises(EntryNotFound):
        t.edit(second.commit_hash, "x")
    assert t.entry(second.commit_hash).text == "2"


@pytest.mark.parametrize("target", ["kkk", "abcd", "nothing", "kkkkkkkkkkkkkkkkk", "f" * 40])
def test_text_of_no_entry_id_is_a_revision(t: Tract, target: str) -> None:
    """A text shorter or longer than an entry id, or of other letters, is looked up as revision."""
    t.user("x")
    for verb in (t.get, t.entry, t.show):
        with pytest.raises(RevisionNotFound):
            verb(target)


@pytest.mark.parametrize("target", ["", "a b", "HEAD^{tree}", "main:000", "\x1b", "x\ny"])
def test_bad_target(t: Tract, target: str) -> None:
    """What is neither an entry nor a revision is BadRevision."""
    t.user("x")
    for verb in (t.get, t.entry, t.show):
        with pytest.raises(BadRevision):
            verb(target)


@pytest.mark.parametrize("target", [None, 1.5, b"main", ["main"]])
def test_target_of_another_type(t: Tract, target: object) -> None:
    """A target is a text or a slot; anything else is a wrong call."""
    t.user("x")
    for verb in (t.get, t.entry, t.show):
        with pytest.raises((UsageError, TypeError)):
            verb(target)  # type: ignore[arg-type]


def test_empty_context_has_no_entries(t: Tract) -> None:
    """Before the first entry every target is not found, in a sentence with a hint."""
    for target in (0, "kkkkkkkk", "HEAD", "main"):
        for verb in (t.get, t.entry, t.show):
            with pytest.raises(TractError) as caught:
                verb(target)
            assert caught.value.exit_code == 3
            assert caught.value.hint


def test_compile_at_any_revision(t: Tract) -> None:
    """`compile(at=)` takes whatever names a commit."""
    made = [t.user(f"{n}") for n in range(3)]
    git(t.path, "tag", "-a", "-m", "x", "v1", made[1].commit_hash)
    for at in (made[1].commit_hash, made[1].commit_hash[:6], "HEAD~1", "@^", "v1", "main@{1}"):
        assert contents(t, at=at) == ["0", "1"]


def test_handle_s_head_is_its_branch(t: Tract) -> None:
    """On a handle with `branch=`, HEAD and @ are that branch."""
    t.user("1")
    with Tract.open(t.path, branch="other") as other:
        other.user("2")
        assert other.get("HEAD").message == "user: 2"
        assert contents(other, at="@") == ["2"]
        assert other.get("main").message == "user: 1"
