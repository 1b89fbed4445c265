"""test_transcript_damage.py - what can be trusted of a damaged file, what is said of the rest."""

from __future__ import annotations

import json

import pytest

from tests.content.test_transcript import HI, HO, lines, messages_of, single
from tract.content.transcript import (
    read_text,
    read_value,
)
from tract.errors import BadContent


@pytest.mark.parametrize("data", [b"", b"\n\n", b"  \t", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_empty_file_is_refused(data: bytes) -> None:
    """A file with nothing in it is an error that says so."""
    with pytest.raises(BadContent, match="nothing in it"):
        read_text(data)


def test_torn_last_line_costs_itself() -> None:
    """A last line that was cut off costs only itself, and is named."""
    found = single(lines(HI, HO) + b'{"role": "user", "con')
    assert found.messages == [HI, HO]
    assert found.error is not None
    assert "line 3" in found.error.message
    assert found.error.following == 0


def test_torn_last_record_costs_itself() -> None:
    """A last conversation that was cut off leaves the others whole."""
    found = read_text(lines([HI], [HO]) + b'{"messages": [{"ro')
    assert messages_of(found) == [[HI], [HO], []]
    assert found[2].line == 3
    assert "line 3" in str(found[2].error)


def test_damage_in_the_middle_stops_there() -> None:
    """Damage between messages ends the conversation, names the line, and counts what follows."""
    found = single(lines(HI, HO) + b"{torn\n\n" + lines(HI, HO, HI))
    assert found.messages == [HI, HO]
    assert found.error is not None
    assert "line 3" in found.error.message
    assert "3 messages" in found.error.message
    assert found.error.following == 3


def test_damage_at_the_start_leaves_nothing() -> None:
    """Damage in the first line leaves no message, and still says how many follow."""
    found = single(b"{torn\n" + lines(HI, HO))
    assert found.messages == []
    assert found.error is not None
    assert found.error.following == 2


def test_damaged_record_stops_itself_only() -> None:
    """A damaged conversation between others leaves them whole."""
    found = read_text(lines([HI]) + b"{torn\n" + lines([HO]))
    assert messages_of(found) == [[HI], [], [HO]]
    assert found[1].error is not None
    assert found[1].line == 2


@pytest.mark.parametrize("line", [b"5", b'"x"', b"null", b"[]", b'{"a":1}', b"true"])
def test_line_that_is_no_message_stops(line: bytes) -> None:
    """Among single messages, a line of something else ends the conversation."""
    found = single(lines(HI) + line + b"\n" + lines(HO))
    assert found.messages == [HI]
    assert found.error is not None
    assert found.error.following == 1


@pytest.mark.parametrize("line", [b"5", b"[]", b'{"a":1}', b'{"messages":[]}', b'{"messages":5}'])
def test_line_that_is_no_conversation_costs_itself(line: bytes) -> None:
    """Among conversations, a line of something else is an error of its own."""
    found = read_text(lines([HI]) + line + b"\n" + lines([HO]))
    assert messages_of(found) == [[HI], [], [HO]]
    assert [each.error is None for each in found] == [True, False, True]
    assert found[1].line == 2


@pytest.mark.parametrize("cut", range(1, len(json.dumps([HI, HO], indent=1)) - 1, 7))
def test_damaged_whole_file_is_never_a_success(cut: int) -> None:
    """A JSON file cut off anywhere gives an error, not a shorter conversation."""
    data = json.dumps([HI, HO], indent=1)[:cut]
    try:
        found = read_text(data)
    except BadContent:
        return
    assert any(each.error for each in found)
    assert not any(each.messages for each in found)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_constants_of_python_are_no_json(word: str) -> None:
    """NaN and infinities, which Python's parser would take, are refused."""
    with pytest.raises(BadContent, match=word):
        read_text(f'[{{"role": "user", "content": "x", "n": {word}}}]')


def test_constants_cost_their_line() -> None:
    """A line with NaN is a damaged line like any other."""
    found = single(lines(HI) + b'{"role":"user","content":"x","n":NaN}\n')
    assert found.messages == [HI]
    assert "NaN" in str(found.error)


def test_invalid_utf8_is_named() -> None:
    """A file that is not UTF-8 is refused, and a line of it costs itself."""
    with pytest.raises(BadContent, match="UTF-8"):
        read_text(b'[{"role": "user", "content": "\xff"}]')
    found = single(lines(HI) + b'{"role": "user", "content": "\xff"}\n')
    assert found.messages == [HI]
    assert "UTF-8" in str(found.error)


def test_deep_nesting_is_refused() -> None:
    """Nesting without end is an error, not a crash, for a file and for a line."""
    deep = b"[" * 200_000
    with pytest.raises(BadContent):
        read_text(deep)
    found = single(lines(HI) + b'{"role":"user","content":' + deep + b"\n")
    assert found.messages == [HI]
    assert found.error is not None


def test_list_of_lists_of_lists_is_refused() -> None:
    """A conversation is at most two lists deep."""
    found = read_value([[[HI]], [HO]])
    assert found[0].error is not None
    assert found[1].messages == [HO]


def test_error_gives_the_shapes() -> None:
    """The hint of what cannot be read says which shapes can."""
    with pytest.raises(BadContent) as caught:
        read_text("5")
    assert "messages" in str(caught.value.hint)
