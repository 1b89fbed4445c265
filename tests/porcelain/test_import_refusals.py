"""test_import_refusals.py - what an import refuses, and what it mends when it is told to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.git import fsck_clean, git
from tests.porcelain.saying import (
    call,
    calling,
    contents,
    paths,
    unchanged,
    user,
)
from tests.porcelain.test_import import TALK
from tract.errors import BadContent, BadRefName, FileMissing, UsageError
from tract.tract import Tract


@pytest.mark.parametrize(
    "bad",
    [
        {"role": "boss", "content": "x"},
        {"content": "x"},
        user(5),  # type: ignore[arg-type]
        user([{"type": "image_url", "image_url": {"url": "data:,"}}]),  # type: ignore[arg-type]
        user("\ud800"),
        user([{"type": "text", "text": "\ud800"}]),  # type: ignore[arg-type]
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c"}]},
        "just a text",
        5,
        None,
        [user()],
    ],
)
def test_bad_message_stops_its_conversation(t: Tract, bad: Any) -> None:
    """A message that cannot be kept stops its conversation: nothing of it is written."""
    t.user("before")
    with pytest.raises(BadContent, match="message 2 of record 1"), unchanged(t):
        t.import_messages({"messages": [user(), bad, user()]})


def test_missing_file(t: Tract, tmp_path: Path) -> None:
    """A file that is not there is FileMissing, a folder too."""
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(FileMissing) as caught, unchanged(t):
            t.import_file(path)
        assert caught.value.exit_code == 3


@pytest.mark.parametrize("data", [b"", b"\n", b"[]", b"{}", b"5", b"{broken", b"\xff\xfe", b"[[]]"])
def test_file_without_a_conversation(t: Tract, tmp_path: Path, data: bytes) -> None:
    """A file that holds no conversation is an error that names the file, never a success."""
    file = tmp_path / "talk.json"
    file.write_bytes(data)
    with pytest.raises(BadContent) as caught, unchanged(t):
        t.import_file(file)
    assert caught.value.hint


def test_unreadable_file_is_named(t: Tract, tmp_path: Path) -> None:
    """The error for a file that is no JSON begins with the file's name."""
    file = tmp_path / "talk.json"
    file.write_bytes(b"{broken")
    with pytest.raises(BadContent, match=r"^talk\.json: "):
        t.import_file(file)


@pytest.mark.parametrize("options", [{"format": "anthropic"}, {"format": ""}, {"errors": "ignore"}])
def test_options_are_checked(t: Tract, options: dict[str, str]) -> None:
    """An unknown format or way with errors is a UsageError."""
    with pytest.raises(UsageError), unchanged(t):
        t.import_messages(TALK, **options)


def test_format_may_be_named(t: Tract) -> None:
    """`openai` is what `auto` finds."""
    t.import_messages(TALK, format="openai")
    assert t.compile().to_dicts() == TALK


def test_onto_is_a_branch_name(t: Tract) -> None:
    """A branch that cannot be one is refused before anything is written."""
    for onto in ("", "import", "a..b"):
        with pytest.raises(BadRefName), unchanged(t):
            t.import_bytes(json.dumps(TALK).encode(), onto=onto)


# -- half characters


def test_replacing_keeps_the_record(t: Tract) -> None:
    """`errors="replace"` shows U+FFFD, and keeps the record as it was in an attachment."""
    said = {"role": "user", "content": "a\ud800b", "extra": ["\udc00"]}
    t.import_messages([user("x"), said], errors="replace")
    assert contents(t) == ["x", "a\ufffdb"]
    assert paths(t) == ["000/00/00.user.md", "000/00/01.user.1.json", "000/00/01.user.md"]
    raw = git(t.path, "show", "main:000/00/01.user.1.json")
    assert json.loads(raw) == said
    entry = t.entry(1)
    assert entry.raw == 1
    assert (entry.attachments[0].media_type, entry.attachments[0].bytes) == (
        "application/json",
        len(raw.encode()),
    )
    fsck_clean(t.path)


def test_edit_drops_the_record(t: Tract) -> None:
    """A new text is no longer what the record held: the attachment goes with it."""
    t.import_messages([user("\ud800")], errors="replace")
    t.edit(0, "new")
    assert paths(t) == ["000/00/00.user.md"]
    assert (t.entry(0).raw, t.entry(0).attachments) == (None, ())


def test_replacing_touches_what_is_broken_only(t: Tract) -> None:
    """Whole messages are imported as without it."""
    t.import_messages(TALK, errors="replace")
    assert t.compile().to_dicts() == TALK
    assert t.entry(0).raw is None


def test_replacing_reaches_the_record_s_other_keys(t: Tract) -> None:
    """A half character in another key of the record does not cost the conversation."""
    record = {"id": "a", "task": "half \ud800", "model": "m\ud800", "messages": TALK}
    t.import_messages(record, errors="replace")
    assert contents(t) == ["Be kind.", "hi", "ho"]
    assert "\ufffd" in str(t.entry(0).metadata)


def test_half_character_in_a_call(t: Tract) -> None:
    """Half a character in the arguments of a call is replaced, too."""
    t.import_messages([calling(call(arguments='{"a": "\ud800"}'))], errors="replace")
    assert t.compile().to_dicts()[0]["tool_calls"][0]["function"]["arguments"] == '{"a": "\ufffd"}'
    assert t.entry(0).raw == 1


def test_strict_names_what_would_help(t: Tract) -> None:
    """The error for half a character says how to import it all the same."""
    with pytest.raises(BadContent) as caught:
        t.import_messages([user("\ud800")])
    assert "replace" in str(caught.value.hint)


def test_progress_is_told(t: Tract, tmp_path: Path) -> None:
    """Progress counts up to all messages."""
    file = tmp_path / "talk.jsonl"
    file.write_text("".join(json.dumps(TALK) + "\n" for _ in range(3)))
    told: list[tuple[int, int]] = []
    t.import_file(file, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (9, 9)
    assert told == sorted(told)
