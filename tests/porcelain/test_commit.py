"""test_commit.py - commit and its options: what each does to the entry and to git's commit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.git import fsck_clean, git
from tests.porcelain.saying import contents, unchanged
from tract import DialogueContent, OutputContent
from tract.errors import BadContent, EntryNotFound, UsageError
from tract.testing import PinnedClock
from tract.tract import Tract

SAID = DialogueContent("user", "hi")


def trailers(t: Tract, commit: str = "main") -> list[str]:
    """The trailers of a commit, as stock git reads them."""
    shown = git(t.path, "log", "-1", "--format=%(trailers:only,unfold)", commit)
    return [line for line in shown.splitlines() if line]


def test_content_may_be_a_struct_or_a_dict(t: Tract) -> None:
    """A content struct and a dict with `content_type` are two ways to say the same."""
    t.commit(OutputContent("x", "markdown"))
    t.commit({"content_type": "output", "text": "x", "format": "markdown"})
    one, two = t.entry(0), t.entry(1)
    assert (one.text, one.format) == (two.text, two.format) == ("x", "markdown")


def test_bad_content_writes_nothing(t: Tract) -> None:
    """A content that is refused leaves the repository as it was."""
    t.user("x")
    for content in ({"content_type": "nonsense"}, {"content_type": "output", "text": 5}, None):
        with pytest.raises(BadContent), unchanged(t):
            t.commit(content)


# -- operation


def test_operation_of_one_s_own(t: Tract) -> None:
    """`x-NAME` appends under a name of the program's own."""
    info = t.commit(SAID, operation="x-observe")
    assert info.operation == "x-observe"
    assert t.log()[0].operation == "x-observe"
    assert "Tract-Operation: x-observe" in trailers(t)
    assert contents(t) == ["hi"]


@pytest.mark.parametrize(
    "operation", ["", "x-", "annotate", "merge", "x-a b", "x-a\nb", "X-a", "x-ä", "x-" + "a" * 63]
)
def test_other_operations_are_refused(t: Tract, operation: str) -> None:
    """An operation is append, edit or `x-NAME`."""
    with pytest.raises(UsageError), unchanged(t):
        t.commit(SAID, operation=operation)


def test_edit_is_an_operation_with_a_target(t: Tract) -> None:
    """`operation="edit"` edits the entry that `response_to` names, and needs one."""
    first = t.user("hi")
    info = t.commit(DialogueContent("user", "ho"), operation="edit", response_to=first.entry_id)
    assert (info.operation, info.entry_id, contents(t)) == ("edit", first.entry_id, ["ho"])
    with pytest.raises(UsageError):
        t.commit(SAID, operation="edit")


# -- response_to


def test_response_to_names_the_entry(t: Tract) -> None:
    """The entry that is answered stands in a trailer, by its id, whatever target named it."""
    asked = t.user("What?")
    for target in (asked.entry_id, asked.commit_hash, 0, "HEAD"):
        info = t.commit(DialogueContent("assistant", "That."), response_to=target)
        assert info.response_to == asked.entry_id
        assert f"Tract-Response-To: {asked.entry_id}" in trailers(t)
        t.git("update-ref", "refs/heads/main", asked.commit_hash)


def test_response_to_nothing_is_refused(t: Tract) -> None:
    """An answer to an entry that is not there is refused."""
    with pytest.raises(EntryNotFound), unchanged(t):
        t.commit(SAID, response_to="kkkkkkkk")
    t.user("x")
    with pytest.raises(EntryNotFound), unchanged(t):
        t.commit(SAID, response_to="kkkkkkkk")


# -- message


def test_message_replaces_subject_and_body(t: Tract) -> None:
    """A caller's message is the commit's subject and body."""
    info = t.commit(SAID, message="why this\n\nA body.\r\nTwo lines.\n\n")
    assert info.message == "why this"
    assert git(t.path, "log", "-1", "--format=%b").startswith("A body.\nTwo lines.\n\nTract-")


@pytest.mark.parametrize("message", ["", " ", "\n\n", "\t\n "])
def test_empty_message_counts_as_none(t: Tract, message: str) -> None:
    """A message of blanks is no message: the entry's own subject stands."""
    assert t.commit(SAID, message=message).message == "user: hi"


@pytest.mark.parametrize(
    "message",
    [
        "Tract-Operation: merge",
        "x\n\nTract-Operation: merge\nTract-Entry: 0000009 kkkkkkkkkkkkkkkk",
        "x\n\nTract-Time: 999\n\n\n",
        "---\nx\n---\n\nTract-Operation: merge\n---",
        "x\n\nTract-Response-To: kkkkkkkkkkkkkkkk\n\n---\n",
    ],
)
def test_message_cannot_reach_the_trailers(t: Tract, message: str) -> None:
    """A message that looks like trailers leaves ours alone: ours are the last paragraph."""
    info = t.commit(SAID, message=message)
    assert (info.operation, info.response_to) == ("append", None)
    again = t.get(info.commit_hash)
    assert (again.operation, again.response_to) == ("append", None)
    assert (again.entry_id, again.created_at) == (info.entry_id, info.created_at)


@pytest.mark.parametrize("message", ["a\0b", "\0", "half \ud800"])
def test_message_that_git_cannot_hold_is_refused(t: Tract, message: str) -> None:
    """NUL and half characters in a message are refused before anything is written."""
    with pytest.raises(UsageError), unchanged(t):
        t.commit(SAID, message=message)


def test_message_of_odd_characters_is_sound(t: Tract) -> None:
    """Any other characters are kept, and stock git finds the commit sound."""
    info = t.commit(SAID, message="\x1b[31m ü 🎉 \x7f\r x")
    assert info.message == "\x1b[31m ü 🎉 \x7f\r x"
    fsck_clean(t.path)


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("a\nb\tc", "user: a b c"),
        ("\x1b[31mred\x85\u2028", "user:  [31mred"),
        ("x" * 66, "user: " + "x" * 66),
        ("x" * 67, "user: " + "x" * 65 + "…"),
        ("", "user:"),
        ("日" * 100, "user: " + "日" * 65 + "…"),
    ],
)
def test_subject_is_the_text_on_one_line(t: Tract, text: str, subject: str) -> None:
    """A subject is the label and the text, control characters as spaces, at most 72 long."""
    assert t.user(text).message == subject


def test_trailers_say_what_was_written(t: Tract) -> None:
    """The trailers are the operation, the entry with its slot, its type and the milliseconds."""
    t.repo.clock = PinnedClock(1_700_000_000_347)
    info = t.user("hi")
    assert trailers(t) == [
        "Tract-Operation: append",
        f"Tract-Entry: 0000000 {info.entry_id}",
        "Tract-Type: dialogue",
        "Tract-Time: 347",
    ]
    assert info.created_at == datetime.fromtimestamp(1_700_000_000.347, UTC)


# -- metadata


def test_metadata_is_any_json_object(t: Tract) -> None:
    """Metadata is kept with its entry, and comes back equal."""
    kept = {"a": [1, None, {"b": "ü"}], "": 1.5}
    assert t.commit(SAID, metadata=kept).metadata == kept
    assert t.entry(0).metadata == kept
    assert t.get("HEAD").metadata == kept


@pytest.mark.parametrize("metadata", [[1], "x", {"a": float("nan")}, {1: 2}, {"a": "\ud800"}])
def test_metadata_that_is_no_json_object_is_refused(t: Tract, metadata: Any) -> None:
    """Anything that JSON would not give back is refused."""
    with pytest.raises(BadContent), unchanged(t):
        t.commit(SAID, metadata=metadata)
