"""test_payload.py - how the JSON of a tool result is laid out, and when it is left alone.

Laid out over lines where the text as received can be had back byte for byte; else verbatim.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.content.strategies import json_values
from tract.content import codec
from tract.content.building import from_content
from tract.content.entry import Entry, with_fields
from tract.content.kinds import ToolIOContent

ID = "kqpxzmwvtlrsnoky"


def result(payload: Any) -> Entry:
    """A tool result that holds a payload."""
    return with_fields(from_content(ToolIOContent(payload=payload, tool_call_id="c")), id=ID)


def stored(payload: Any) -> tuple[str | None, str]:
    """How the payload's JSON is said to be spelled, and the text in the file."""
    header, _, text = (
        codec.encode(result(payload)).decode().removeprefix("---\n").partition("\n---\n")
    )
    return json.loads(header).get("json"), text.removesuffix("\n")


def back(payload: Any) -> str:
    """The text of the payload, read again."""
    data = codec.encode(result(payload))
    return codec.decode(data, label="tool-result", path="p", blob="0" * 40).text


def test_compact_json_is_laid_out() -> None:
    """JSON without blanks is stored over lines as `compact`."""
    assert stored('{"a":1,"b":[2,3]}') == (
        "compact",
        '{\n  "a": 1,\n  "b": [\n    2,\n    3\n  ]\n}',
    )


def test_spaced_json_is_laid_out() -> None:
    """JSON as Python dumps it is stored over lines as `spaced`."""
    assert stored('{"a": 1, "b": [2, 3]}')[0] == "spaced"
    assert back('{"a": 1, "b": [2, 3]}') == '{"a": 1, "b": [2, 3]}'


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1, "b":2}',
        '{ "a": 1 }',
        '{"a":1}\n',
        ' {"a":1}',
        '{"a":1}{"b":2}',
        '{"a":1,}',
        "{'a': 1}",
        '{"a":NaN}',
        '{"a":',
        "[",
        "{broken",
        '"just a text"',
        "12",
        "null",
        "plain words",
        "",
    ],
)
def test_other_texts_are_verbatim(text: str) -> None:
    """What is no JSON object or array, or is spelled otherwise, stays as it is."""
    assert stored(text) == (None, text)
    assert back(text) == text


@pytest.mark.parametrize("text", ["{}", "[]"])
def test_what_layout_does_not_change_is_verbatim(text: str) -> None:
    """Where the laid out text is the text itself, no spelling is noted."""
    assert stored(text) == (None, text)


def test_indented_by_two_is_verbatim() -> None:
    """JSON that came indented by two is its own layout."""
    text = json.dumps({"a": [1, 2]}, indent=2)
    assert stored(text) == (None, text)


def test_layout_may_not_grow_beyond_four_times() -> None:
    """Deep nesting, whose layout would be many times as long, stays verbatim."""
    text = "[" * 40 + "]" * 40
    assert len(msgspec.json.format(text, indent=2)) > 4 * len(text)
    assert stored(text) == (None, text)


def test_layout_may_grow_to_four_times() -> None:
    """A layout of exactly four times the bytes is used, one byte more is not."""
    pairs = [(text, msgspec.json.format(text, indent=2)) for text in map(nested, range(1, 30))]
    for text, laid_out in pairs:
        expected = "compact" if len(laid_out) <= 4 * len(text) else None
        assert stored(text)[0] == expected
    assert {stored(text)[0] for text, _ in pairs} == {"compact", None}


def nested(depth: int) -> str:
    """Arrays in arrays around two numbers."""
    return "[" * depth + "10,11" + "]" * depth


def test_too_deep_for_the_parser_is_verbatim() -> None:
    """Text that nests too deeply to be laid out is stored as it is."""
    text = "[" * 100_000 + "]" * 100_000
    assert stored(text) == (None, text)
    assert back(text) == text


def test_object_is_dumped_compact_first() -> None:
    """A payload given as an object reads as compact JSON, its keys in order."""
    assert back({"b": 1, "a": ["ü", None]}) == '{"b":1,"a":["ü",null]}'
    assert stored({"b": 1, "a": 2})[0] == "compact"


def test_numbers_keep_their_spelling() -> None:
    """1.0, 1e5 and long digits stay as the tool wrote them."""
    text = '{"a":1.0,"b":1e5,"c":123456789012345678901234567890.10,"d":-0}'
    assert stored(text)[0] == "compact"
    assert back(text) == text


def test_repeated_keys_and_escapes_stay() -> None:
    """Keys used twice, escapes and half characters in escapes stay as the tool wrote them."""
    text = '{"a":1,"a":2,"b":"\\u00e9\\ud800\\/"}'
    assert back(text) == text


@given(json_values, st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]), st.booleans())
def test_any_spelling_comes_back(value: Any, separators: tuple[str, str], ascii_only: bool) -> None:
    """JSON of any value in any spelling comes back byte for byte."""
    text = json.dumps(value, separators=separators, ensure_ascii=ascii_only)
    assert back(text) == text


def test_edited_by_hand_until_no_json() -> None:
    """A laid out result that somebody broke by hand is read as the text it is now."""
    data = codec.encode(result('{"a":1}')).replace(b'"a": 1', b'"a": one')
    entry = codec.decode(data, label="tool-result", path="p", blob="0" * 40)
    assert entry.text == '{\n  "a": one\n}'


def test_edited_by_hand_and_still_json() -> None:
    """A laid out result that somebody changed by hand is read in its old spelling."""
    data = codec.encode(result('{"a":1}')).replace(b'"a": 1', b'"a":  [2]')
    entry = codec.decode(data, label="tool-result", path="p", blob="0" * 40)
    assert entry.text == '{"a":[2]}'


def test_only_results_are_laid_out() -> None:
    """JSON that a user typed stays as it was typed."""
    entry = Entry(type="dialogue", role="user", id=ID, text='{"a":1}')
    assert codec.encode(entry).endswith(b'\n---\n{"a":1}\n')


def test_arguments_stay_the_provider_s_string() -> None:
    """The arguments of a call are never laid out or parsed."""
    arguments = '{"a":1,  "b": broken'
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    entry = Entry(type="dialogue", role="assistant", id=ID, tool_calls=(call,))
    again = codec.decode(codec.encode(entry), label="tool-call", path="p", blob="0" * 40)
    assert again.tool_calls == (call,)
