"""test_edit_refusals.py - edits that cannot be: bad content, and targets that name no entry."""

from __future__ import annotations

from typing import Any

import pytest

from tests.git import git
from tests.plumbing.stock import commit_files, entry
from tests.porcelain.saying import contents, unchanged, user
from tract.errors import (
    AmbiguousRevision,
    BadContent,
    BadRevision,
    EntryNotFound,
    RevisionNotFound,
)
from tract.tract import Tract


@pytest.mark.parametrize("text", ["\ud800", None, 5, ["x"], {"content_type": "nonsense"}])
def test_bad_content_writes_nothing(t: Tract, text: Any) -> None:
    """What could not be committed cannot be edited in either."""
    t.user("x")
    with pytest.raises(BadContent), unchanged(t):
        t.edit(0, text)


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", '{"session_type":"lunch"}'])
def test_session_stays_a_session(t: Tract, text: str) -> None:
    """The text of a session is its fields; a text that is none is refused."""
    t.handoff(summary="x")
    with pytest.raises(BadContent), unchanged(t):
        t.edit(0, text)


def test_targets_that_are_not_there(t: Tract) -> None:
    """An entry that is not there is EntryNotFound, a revision RevisionNotFound."""
    with pytest.raises(EntryNotFound):
        t.edit(0, "x")
    t.user("x")
    for target in (1, -1, "kkkkkkkkkkkkkkkk", 99_999_999):
        with pytest.raises(EntryNotFound), unchanged(t):
            t.edit(target, "y")
    with pytest.raises(RevisionNotFound), unchanged(t):
        t.edit("nothing", "y")


def test_revision_that_wrote_several_entries(t: Tract) -> None:
    """A commit that wrote several entries names none; the error lists them."""
    files = {f"000/00/0{n}.user.md": entry(f"{n}", type="dialogue", id=f"{c * 16}")
             for n, c in enumerate("klm")}  # fmt: skip
    commit = commit_files(t.path, files)
    with pytest.raises(BadRevision) as caught:
        t.edit(commit, "x")
    assert caught.value.candidates == ["k" * 16, "l" * 16, "m" * 16]
    assert "k" * 16 in str(caught.value.hint)


def test_ambiguous_entry_id(t: Tract) -> None:
    """The beginning of several entry ids is an error that names them."""
    ids = ("kkkklmnopqrstuvw", "kkkkkmnopqrstuvw")
    commit_files(t.path, {f"000/00/0{n}.user.md": entry("x", type="dialogue", id=one)
                          for n, one in enumerate(ids)})  # fmt: skip
    with pytest.raises(AmbiguousRevision) as caught:
        t.edit("kkkk", "x")
    assert sorted(caught.value.candidates) == sorted(ids)  # type: ignore[call-overload]
    assert t.edit("kkkkl", "y").entry_id == ids[0]


def test_edit_after_another_s_append_is_no_conflict(t: Tract) -> None:
    """An edit finds its entry on the tip of now, whoever wrote since this handle last looked."""
    asked = t.user("x")
    with Tract.open(t.path) as other:
        other.user("y")
    t.edit(str(asked.entry_id), "z")
    assert contents(t) == ["z", "y"]


def test_edit_of_an_import_keeps_its_neighbours(t: Tract) -> None:
    """An edit in the middle of a page leaves every other blob as it was."""
    t.import_messages([user(f"{n}") for n in range(150)])
    before = git(t.path, "ls-tree", "-r", "main").splitlines()
    t.edit(77, "new")
    after = git(t.path, "ls-tree", "-r", "main").splitlines()
    differing = [line for line in after if line not in before]
    assert [line.split("\t")[1] for line in differing] == ["000/00/77.user.md"]
    assert len(after) == len(before)
