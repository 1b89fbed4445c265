"""test_parts.py - a text of several parts: slices in bytes, the last takes the rest."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.content.strategies import texts
from tract.content.formats.openai import from_openai
from tract.content.formats.plain import to_dict
from tract.content.messages import Message, render, text_slices


def slices(text: str, *sizes: Any) -> list[str] | None:
    """The texts that parts of these sizes make."""
    return text_slices(Message("user", text, parts=tuple({"text": size} for size in sizes)))


def test_slices_follow_each_other() -> None:
    """Slices are consecutive, in bytes of UTF-8."""
    assert slices("äbcd", 2, 1, 2) == ["ä", "b", "cd"]


def test_last_slice_takes_the_rest() -> None:
    """What the last slice says does not matter: it takes what is left."""
    assert slices("abcd", 1, 1) == ["a", "bcd"]
    assert slices("abcd", 1, 99) == ["a", "bcd"]
    assert slices("abcd", 0) == ["abcd"]


def test_empty_slices_stay() -> None:
    """A part without text stays a part."""
    assert slices("ab", 0, 2, 0) == ["", "ab", ""]


@pytest.mark.parametrize("sizes", [(5, 1), (1, 1, 1), (3, 3, 3, 3)])
def test_slices_past_the_end_or_inside_a_character_make_one_text(sizes: tuple[int, ...]) -> None:
    """Slices that do not fit the text are read as one text."""
    assert slices("a€", *sizes) is None


def test_no_parts_is_one_text() -> None:
    """A message without parts is one text."""
    assert text_slices(Message("user", "abc")) is None
    assert text_slices(Message("user", "abc", parts=())) is None


def test_other_parts_make_one_text() -> None:
    """A part that this version does not show leaves the text whole."""
    parts = ({"text": 1}, {"attachment": 1}, {"text": 2})
    assert text_slices(Message("user", "abc", parts=parts)) is None


def test_slices_that_do_not_fit_are_shown_as_the_text() -> None:
    """`to_dicts()` of a message with wrong slices is its text."""
    message = Message("user", "a€", parts=({"text": 2}, {"text": 2}))
    assert to_dict(message) == {"role": "user", "content": "a€"}


@given(st.lists(texts, min_size=1, max_size=4))
def test_text_parts_come_back(parts: list[str]) -> None:
    """A list of text parts comes back part by part."""
    record = {"role": "user", "content": [{"type": "text", "text": text} for text in parts]}
    entry = from_openai(record)
    assert entry.text == "".join(parts)
    message = render(entry)
    assert message is not None
    assert to_dict(message) == record
