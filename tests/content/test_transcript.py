"""test_transcript.py - the shapes that conversations come in, and what is said of damage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.content.strategies import json_values, texts
from tract.content.transcript import (
    Conversation,
    has_surrogates,
    read_text,
    read_value,
    without_surrogates,
)
from tract.errors import BadContent

HI = {"role": "user", "content": "hi"}
HO = {"role": "assistant", "content": "ho"}


def lines(*values: object) -> bytes:
    """JSON lines."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def messages_of(found: list[Conversation]) -> list[list[object]]:
    """The messages of each conversation."""
    return [each.messages for each in found]


def single(data: bytes | str) -> Conversation:
    """The one conversation in a file."""
    found = read_text(data)
    assert len(found) == 1
    return found[0]


# -- shapes


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (json.dumps([HI, HO]), [[HI, HO]]),
        (json.dumps({"messages": [HI, HO]}), [[HI, HO]]),
        (json.dumps([{"messages": [HI]}, {"messages": [HO]}]), [[HI], [HO]]),
        (json.dumps([[HI], [HO]]), [[HI], [HO]]),
        (json.dumps([[HI], {"messages": [HO]}]), [[HI], [HO]]),
        (json.dumps(HI), [[HI]]),
        (lines({"messages": [HI]}, {"messages": [HO]}), [[HI], [HO]]),
        (lines([HI], [HO, HI]), [[HI], [HO, HI]]),
        (lines([HI], {"messages": [HO]}), [[HI], [HO]]),
        (lines(HI, HO), [[HI, HO]]),
        (lines({"messages": [HI]}), [[HI]]),
        (lines(HI), [[HI]]),
        (json.dumps([HI, HO], indent=2), [[HI, HO]]),
        (json.dumps({"id": "a", "messages": [HI]}, indent=1), [[HI]]),
        ('{"role":"user","content":"hi"}', [[HI]]),
        (json.dumps({"messages": [HI], "tools": []}), [[HI]]),
        (json.dumps({"role": "user", "messages": 5}), [[{"role": "user", "messages": 5}]]),
    ],
)
def test_shape(data: bytes | str, expected: object) -> None:
    """Every shape that the API names gives its conversations, without an error."""
    found = read_text(data)
    assert messages_of(found) == expected
    assert [each.error for each in found] == [None] * len(found)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([HI, HO], [[HI, HO]]),
        ((HI, HO), [[HI, HO]]),
        ({"messages": [HI]}, [[HI]]),
        ({"messages": (HI,)}, [[HI]]),
        ([[HI], [HO]], [[HI], [HO]]),
        ([{"messages": [HI]}], [[HI]]),
        (HI, [[HI]]),
    ],
)
def test_shape_in_python(value: Any, expected: object) -> None:
    """The same shapes serve as Python values."""
    assert messages_of(read_value(value)) == expected


@pytest.mark.parametrize("value", [[], {}, None, 5, "x", b"x", {"message": [HI]}, ()])
def test_value_of_no_shape_is_refused(value: object) -> None:
    """A value that holds no conversation is BadContent."""
    with pytest.raises(BadContent):
        read_value(value)


def test_other_fields_are_kept() -> None:
    """What a record holds beside its messages comes along."""
    found = read_text(lines({"id": 7, "messages": [HI], "task": {"a": [1]}, "reward": 0.5}, [HO]))
    assert [each.fields for each in found] == [{"id": 7, "task": {"a": [1]}, "reward": 0.5}, {}]


def test_lines_are_numbered_as_in_the_file() -> None:
    """Blank lines are passed over and still count."""
    data = b"\n" + lines([HI]) + b"\n  \r\n" + lines([HO])
    assert [each.line for each in read_text(data)] == [2, 5]
    assert single(b"\n\n" + lines(HI) + b"\n" + lines(HO)).lines == [3, 5]


def test_records_of_a_list_are_numbered() -> None:
    """Records of a JSON list are numbered from one."""
    found = read_text(json.dumps([{"messages": [HI]}, [HO]]))
    assert [each.line for each in found] == [1, 2]


def test_byte_order_mark_is_skipped() -> None:
    """A byte order mark at the start is no part of the file, in bytes and in text."""
    for data in (json.dumps([HI]).encode(), lines(HI), lines([HI])):
        assert messages_of(read_text(b"\xef\xbb\xbf" + data)) == [[HI]]
    assert messages_of(read_text("\ufeff" + json.dumps([HI]))) == [[HI]]


@pytest.mark.parametrize("inside", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_lines_end_at_a_newline_alone(inside: str) -> None:
    """Other characters that some programs take for line ends are part of a text."""
    said = {"role": "user", "content": f"a{inside}b"}
    data = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in (said, HO))
    if inside in "\x0b\x0c\x1c":
        data = data.replace(inside, f"\\u{ord(inside):04x}")
    assert single(data).messages == [said, HO]


def test_carriage_returns_are_no_harm() -> None:
    """Lines that end as on Windows are read like others."""
    assert single(lines(HI, HO).replace(b"\n", b"\r\n")).messages == [HI, HO]


@given(st.lists(texts, min_size=1, max_size=4), st.booleans())
def test_any_text_in_lines(said: list[str], ascii_only: bool) -> None:
    """Messages with any text come out of JSON lines as they went in."""
    records = [{"role": "user", "content": text} for text in said]
    data = "".join(json.dumps(record, ensure_ascii=ascii_only) + "\n" for record in records)
    assert single(data).messages == records


# -- half characters


def test_half_characters_become_replacement_characters() -> None:
    """Each lone surrogate becomes U+FFFD, in values and keys; pairs become their character."""
    value = {"a\ud800": ["\udc00x", "\ud83c\udf89", {"b": "\udfff"}], "n": 1.5}
    assert without_surrogates(value) == {"a\ufffd": ["\ufffdx", "🎉", {"b": "\ufffd"}], "n": 1.5}


@given(json_values)
def test_whole_characters_stay(value: Any) -> None:
    """A value without lone surrogates is left equal, and is told to have none."""
    assert without_surrogates(value) == value
    assert not has_surrogates(value)


@pytest.mark.parametrize("value", ["\ud800", ["\ud800"], {"\ud800": 1}, {"a": [{"b": "x\udfff"}]}])
def test_half_characters_are_seen(value: object) -> None:
    """A lone surrogate is seen wherever it stands."""
    assert has_surrogates(value)
