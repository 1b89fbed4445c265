"""test_payloads.py - how a tool's result is laid out, and when it is left as it came."""

from __future__ import annotations

from typing import Any

import pytest

from tests.git import git_bytes
from tests.golden.hand import entry, entry_id
from tract.tract import Tract

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
COMPACT, SPACED = ',"json":"compact"', ',"json":"spaced"'
# What came, the key `json`, what is stored.
LAID_OUT: dict[str, tuple[Any, str, str]] = {
    "object": ('{"a":{"b":[]},"c":{}}', COMPACT, '{\n  "a": {\n    "b": []\n  },\n  "c": {}\n}'),
    "list": ("[1,-2.50,1E5,null]", COMPACT, "[\n  1,\n  -2.50,\n  1E5,\n  null\n]"),
    "spaced list": ("[true, false]", SPACED, "[\n  true,\n  false\n]"),
    "spaced in depth": ('{"a": [1, 2], "b": {}}', SPACED,
                        '{\n  "a": [\n    1,\n    2\n  ],\n  "b": {}\n}'),
    "escapes": ('{"a":"\\u00fc\\/\\u007f"}', COMPACT, '{\n  "a": "\\u00fc\\/\\u007f"\n}'),
    "scripts": ('{"ключ": "значение 🌍"}', SPACED, '{\n  "ключ": "значение 🌍"\n}'),
    "key twice": ('{"a":1,"a":2}', COMPACT, '{\n  "a": 1,\n  "a": 2\n}'),
    "keys in their order": ('{"b":1,"a":2}', COMPACT, '{\n  "b": 1,\n  "a": 2\n}'),
    "given as an object": ({"b": [1, "ü"], "a": None}, COMPACT,
                           '{\n  "b": [\n    1,\n    "ü"\n  ],\n  "a": null\n}'),
    "given as a list": ([{"a": 1}], COMPACT, '[\n  {\n    "a": 1\n  }\n]'),
    "four times as long": ("[[1],22222222]", COMPACT, "[\n  [\n    1\n  ],\n  22222222\n]"),
}  # fmt: skip
AS_IT_CAME = {
    "empty": "",
    "text": "fine",
    "number": "17",
    "text in quotes": '"a"',
    "empty object": "{}",
    "empty list": "[]",
    "laid out already": '{\n  "a": 1\n}',
    "laid out by four": '{\n    "a": 1\n}',
    "blank before": ' {"a":1}',
    "newline after": '{"a":1}\n',
    "both styles": '{"a": 1,"b":2}',
    "blank inside": '{"a":1 }',
    "broken": '{"a":1',
    "two values": '{"a":1}{"b":2}',
    "single quotes": "{'a': 1}",
    "comma at the end": '{"a":1,}',
    "byte order mark": '\ufeff{"a":1}',
    "more than four times as long": "[[[[1]]]]",
    "deep without end": "[" * 5000 + "]" * 5000,
    "line ends of Windows": '{\r\n  "a": 1\r\n}',
}


def written(t: Tract, payload: Any) -> bytes:
    """The blob of a result."""
    t.assistant(tool_calls=[CALL])
    t.tool_result("c", payload)
    return git_bytes(t.path, "show", "main:000/00/01.tool-result.md")


def expected(json: str, stored: str) -> bytes:
    """The same by hand."""
    header = f'{{"type":"tool_io","id":"{entry_id(2)}","tool_call_id":"c","direction":"result"'
    return entry(f"{header}{json}}}", stored)


@pytest.mark.parametrize("name", LAID_OUT)
def test_json_is_laid_out(known: Tract, name: str) -> None:
    """JSON of one of the two usual spellings is stored a value a line, and says which it was."""
    payload, json, stored = LAID_OUT[name]
    assert written(known, payload) == expected(json, stored)


@pytest.mark.parametrize("name", LAID_OUT)
def test_laid_out_json_comes_back(known: Tract, name: str) -> None:
    """What is compiled is the text as it came; an object is dumped compact."""
    payload = LAID_OUT[name][0]
    written(known, payload)
    dumped = {
        "given as an object": '{"b":[1,"ü"],"a":null}',
        "given as a list": '[{"a":1}]',
    }.get(name, payload)
    assert known.compile().to_dicts()[1]["content"] == dumped


@pytest.mark.parametrize("name", AS_IT_CAME)
def test_other_text_is_stored_as_it_came(known: Tract, name: str) -> None:
    """Whatever would not come back byte for byte, or would grow too much, stays as it is."""
    assert written(known, AS_IT_CAME[name]) == expected("", AS_IT_CAME[name])


def test_arguments_of_a_call_stay_a_text(known: Tract) -> None:
    """A call's arguments stay the provider's string, whatever it holds."""
    function = {"name": "f", "arguments": '{"a" :\t1'}
    known.assistant(
        "Let me see.", tool_calls=[{"id": "c", "type": "function", "function": function}]
    )
    header = (
        f'{{"type":"dialogue","role":"assistant","id":"{entry_id(1)}","tool_calls":[{{"id":"c",'
        '"type":"function","function":{"name":"f","arguments":"{\\"a\\" :\\t1"}}]}'
    )
    assert git_bytes(known.path, "show", "main:000/00/00.assistant.md") == entry(
        header, "Let me see."
    )


def test_call_given_as_a_tool_io_is_a_turn(known: Tract) -> None:
    """A call written as ToolIOContent is stored as the assistant's turn with one call."""
    known.commit(
        {
            "content_type": "tool_io",
            "direction": "call",
            "tool_name": "f",
            "tool_call_id": "c",
            "payload": {"a": 1},
        }
    )
    header = (
        f'{{"type":"dialogue","role":"assistant","id":"{entry_id(1)}","tool_calls":[{{"id":"c",'
        '"type":"function","function":{"name":"f","arguments":"{\\"a\\":1}"}}]}'
    )
    assert git_bytes(known.path, "show", "main:000/00/00.tool-call.md") == entry(header, "")


@pytest.mark.parametrize(
    ("edited", "json", "stored"),
    [
        ('{"b":2}', COMPACT, '{\n  "b": 2\n}'),
        ('{"b": 2}', SPACED, '{\n  "b": 2\n}'),
        ("no JSON", "", "no JSON"),
    ],
)
def test_edit_of_a_result_is_spelled_anew(
    known: Tract, edited: str, json: str, stored: str
) -> None:
    """The key `json` follows the new text, not the old one."""
    written(known, '{"a":1}')
    known.edit(1, edited)
    found = git_bytes(known.path, "show", "main:000/00/01.tool-result.md")
    assert found == expected(json, stored)
