"""test_commit_by_whom.py - who said it, how much it matters, and when it was said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.git import fsck_clean, git
from tests.porcelain.saying import contents, header, unchanged
from tract import DialogueContent, Priority
from tract.errors import TractError, UsageError
from tract.tract import Tract

SAID = DialogueContent("user", "hi")


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("Ada", "Ada <user@tract>"),
        ("Ada <ada@example.org>", "Ada <ada@example.org>"),
        (" Ada  Lovelace <a@x> ", "Ada  Lovelace <a@x>"),
        ("gpt-4o", "gpt-4o <user@tract>"),
        ("日本 <j@x>", "日本 <j@x>"),
        ("Ada\nB <a@x>", "AdaB <a@x>"),
        ("... <a@x>", "user <a@x>"),
    ],
)
def test_author_is_who_said_it(t: Tract, author: str, expected: str) -> None:
    """An author is a name, with a mail where given; what would break a commit is taken out."""
    t.commit(SAID, author=author)
    assert git(t.path, "log", "-1", "--format=%an <%ae>") == expected
    fsck_clean(t.path)


@pytest.mark.parametrize("author", ["", " ", "<a@x>", "a\ud800", "A <a\ud800@x>"])
def test_author_that_is_none_is_refused(t: Tract, author: str) -> None:
    """An author without a name, or with half a character, is a UsageError."""
    with pytest.raises(UsageError), unchanged(t):
        t.commit(SAID, author=author)


def test_handle_s_author_says_everything(pinned: dict[str, Any]) -> None:
    """`author=` at open is the author of all entries of the handle; a call's own wins."""
    with Tract.open(":memory:", author="Ada <a@x>", **pinned) as t:
        assert t.user("x").author == "Ada"
        assert t.assistant("x", author="Bob").author == "Bob"


def test_odd_name_of_a_tool_is_cleaned(t: Tract) -> None:
    """A tool's name that git could not write becomes one that it can."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    t.assistant(tool_calls=[call])
    assert t.tool_result("c", "x", name="<>\n").author == "tool"
    fsck_clean(t.path)


# -- priority


@pytest.mark.parametrize("priority", list(Priority))
def test_priority(t: Tract, priority: Priority) -> None:
    """A priority is kept in the header; normal is the default and not written."""
    assert t.commit(SAID, priority=priority).priority == priority.value
    assert ('"priority"' in header(t, "000/00/00.user.md")) == (priority != "normal")


def test_skipped_entry_is_not_shown(t: Tract) -> None:
    """What is written with the priority skip is kept, and not compiled."""
    info = t.user("x", priority="skip")
    assert contents(t) == []
    assert t.entry(0).text == "x"
    assert info.token_count == t.user("x").token_count


@pytest.mark.parametrize("priority", ["high", "", "PINNED", 5, ["skip"]])
def test_unknown_priority_is_refused(t: Tract, priority: Any) -> None:
    """A priority is one of four words."""
    with pytest.raises(UsageError), unchanged(t):
        t.commit(SAID, priority=priority)


# -- at


@pytest.mark.parametrize(
    ("at", "kept", "seconds"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC), "2026-01-02T03:04:05.678Z", 1_767_323_045),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05.000Z", 1_767_323_045),
        (
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            "2026-01-01T21:34:05.000Z",
            1_767_303_245,
        ),
        ("2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z", 1_767_323_045),
        ("2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05.000Z", 1_767_319_445),
        ("2026-01-02 03:04:05", "2026-01-02T03:04:05.000Z", 1_767_323_045),
        ("2026-01-02", "2026-01-02T00:00:00.000Z", 1_767_312_000),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z", 0),
        ("2100-01-01T00:00:00Z", "2100-01-01T00:00:00.000Z", 4_102_444_800),
    ],
)
def test_at_is_when_it_was_said(t: Tract, at: Any, kept: str, seconds: int) -> None:
    """A time, aware, local or as text, is the author's date and a key in the header."""
    info = t.commit(SAID, at=at)
    assert t.entry(0).at == kept
    assert git(t.path, "log", "-1", "--format=%ad", "--date=raw") == f"{seconds} +0000"
    assert info.created_at.year == 2023
    fsck_clean(t.path)


def test_without_at_both_dates_are_now(t: Tract) -> None:
    """What is said now has no time of its own in the header."""
    t.commit(SAID)
    assert t.entry(0).at is None
    assert git(t.path, "log", "-1", "--format=%at") == git(t.path, "log", "-1", "--format=%ct")


@pytest.mark.parametrize("at", ["", "yesterday", "2026-13-01", 5, 1.5])
def test_what_is_no_time_is_refused(t: Tract, at: Any) -> None:
    """A time is a datetime or a text in ISO 8601."""
    with pytest.raises(UsageError), unchanged(t):
        t.commit(SAID, at=at)


@pytest.mark.parametrize("at", ["1960-01-01T00:00:00Z", "0001-01-01T00:00:00Z", datetime.max])
def test_time_that_git_cannot_hold(t: Tract, at: Any) -> None:
    """A time before git's first date is refused, or kept so that git finds the commit sound."""
    try:
        t.commit(SAID, at=at)
    except TractError:
        return
    assert str(t.entry(0).at)[4] == "-"
    fsck_clean(t.path)


def test_committer_date_never_goes_back(t: Tract) -> None:
    """When the clock goes back, a commit is a millisecond later than its parent all the same."""
    first = t.user("1")
    t.repo.clock = lambda: 5
    second = t.user("2")
    assert second.created_at - first.created_at == timedelta(milliseconds=1)
    assert t.get("HEAD").created_at == second.created_at
