"""test_from_openai.py - a record in, the same record out, through the bytes of its entry."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.content.strategies import contents, json_values, messages, texts, words
from tract.content import codec
from tract.content.entry import with_fields
from tract.content.formats.openai import from_openai
from tract.content.formats.plain import to_dict
from tract.content.messages import render
from tract.errors import BadContent

Record = dict[str, Any]
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PLAIN = {"role": "assistant", "content": "x"}


def back(record: Record) -> Record:
    """The record as `to_dicts()` gives it after the entry was written and read."""
    entry = with_fields(from_openai(record), id="k" * 16)
    label = entry.label
    read = codec.decode(
        codec.encode(entry), label=label, path=f"000/00/00.{label}.md", blob="0" * 40
    )
    message = render(with_fields(read, priority="normal"))
    assert message is not None
    return to_dict(message)


def same(one: object, other: object) -> bool:
    """Equal as JSON texts are: 1, 1.0 and true are three things."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@given(messages())
def test_any_message_comes_back(record: Record) -> None:
    """Whatever an import takes comes back exactly, unknown fields and odd spellings too."""
    assert same(back(record), record)


@given(
    st.sampled_from(["system", "developer", "user", "assistant", "tool", "function"]),
    st.dictionaries(words, json_values, max_size=4),
    st.one_of(contents, st.just("missing")),
)
def test_any_unknown_fields_come_back(role: str, extra: Record, content: Any) -> None:
    """A record with any other fields comes back with them."""
    ours = ("tool_calls", "function_call", "tool_call_id", "name", "role", "content")
    record = {"role": role} | {key: value for key, value in extra.items() if key not in ours}
    if content != "missing":
        record["content"] = content
    assert same(back(record), record)


@pytest.mark.parametrize(
    "record",
    [
        {"role": "user", "content": "x"},
        {"role": "user", "content": ""},
        {"role": "user", "content": None},
        {"role": "user"},
        {"role": "user", "content": "x", "name": None},
        {"role": "user", "content": "x", "name": ""},
        {"role": "user", "content": "x", "tool_calls": []},
        {"role": "user", "content": "x", "tool_calls": None},
        {"role": "user", "content": "x", "tool_call_id": "c"},
        {"role": "developer", "content": "x"},
        {"role": "system", "content": None, "name": "ada"},
        {**PLAIN, "tool_calls": []},
        {**PLAIN, "tool_calls": None},
        {**PLAIN, "tool_calls": [CALL], "function_call": None},
        {**PLAIN, "content": None, "tool_calls": [CALL], "function_call": None, "refusal": None},
        {**PLAIN, "content": "", "tool_calls": [CALL]},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "assistant", "content": "x", "function_call": None},
        {"role": "assistant", "content": None, "refusal": "no", "audio": None},
        {**PLAIN, "tool_calls": [{**CALL, "index": 0, "function": {"name": "f", "arguments": {}}}]},
        {**PLAIN, "tool_calls": [{"function": {"name": ""}}]},
        {"role": "tool", "content": "1", "tool_call_id": "c", "name": "f"},
        {"role": "tool", "content": "1", "tool_call_id": None, "name": None},
        {"role": "tool", "content": None, "tool_call_id": "c"},
        {"role": "tool", "content": '{"a": 1}', "tool_call_id": "c", "is_error": True},
        {"role": "tool"},
        {"role": "function", "content": "1", "name": "f"},
        {"role": "user", "content": [{"type": "text", "text": "a"}]},
        {"role": "user", "content": [{"type": "text", "text": ""}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "ä", "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": ""},
                {"text": "b", "type": "text", "extra": [1.0, True, None]},
            ],
        },
        {"role": "tool", "content": [{"type": "text", "text": '{"a":1}'}], "tool_call_id": "c"},
        {"role": "user", "content": "x", "flags": [0, 0.0, False, None, "", [], {}]},
        {"role": "assistant", "content": "x", "id": "msg_1", "type": "message", "status": "done"},
        {"role": "user", "content": "x", "text": "y", "unknown": 1, "priority": "skip", "!x": 1},
    ],
)
def test_record_comes_back(record: Record) -> None:
    """Records as providers and their clients return them come back exactly."""
    assert same(back(record), record)


@given(texts)
def test_text_never_stands_in_provider(text: str) -> None:
    """A text that an edit would leave stale is not kept a second time."""
    for content in (text, [{"type": "text", "text": text, "cache_control": 1}]):
        entry = from_openai({"role": "user", "content": content})
        assert entry.text == text
        assert len(text) < 3 or json.dumps(text) not in json.dumps(entry.provider or {})


def test_plain_record_needs_no_provider() -> None:
    """What tract has keys for is not kept as the provider's."""
    for record in (PLAIN, {**PLAIN, "content": None, "tool_calls": [CALL]}):
        assert from_openai(record).provider is None


@pytest.mark.parametrize(
    ("role", "kind", "priority"),
    [
        ("system", "instruction", "pinned"),
        ("developer", "instruction", "pinned"),
        ("user", "dialogue", "normal"),
        ("assistant", "dialogue", "normal"),
        ("tool", "tool_io", "normal"),
        ("function", "tool_io", "normal"),
    ],
)
def test_roles_become_kinds(role: str, kind: str, priority: str) -> None:
    """Each role of a record becomes the kind that the API names."""
    entry = from_openai({"role": role, "content": "x"})
    assert (entry.type, entry.priority) == (kind, priority)
    assert entry.direction == ("result" if kind == "tool_io" else None)


@pytest.mark.parametrize(
    "record",
    [
        {"content": "x"},
        {"role": None, "content": "x"},
        {"role": "boss", "content": "x"},
        {"role": "User", "content": "x"},
        {"role": 5, "content": "x"},
        {"role": ["user"], "content": "x"},
        {"role": "user", "content": 5},
        {"role": "user", "content": {"text": "x"}},
        {"role": "user", "content": True},
        {"role": "user", "content": ["x"]},
        {"role": "user", "content": [{"type": "text"}]},
        {"role": "user", "content": [{"type": "text", "text": None}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]},
        {"role": "user", "content": "x", "name": 5},
        {"role": "user", "content": "x", "tool_calls": [CALL]},
        {"role": "tool", "content": "x", "tool_call_id": 5},
        {"role": "assistant", "content": None, "tool_calls": "none"},
        {"role": "assistant", "content": None, "tool_calls": {"0": CALL}},
        {"role": "assistant", "content": None, "tool_calls": ["f"]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c"}]},
        {"role": "assistant", "content": None, "tool_calls": [{**CALL, "id": 5}]},
        {"role": "assistant", "content": None, "function_call": "f"},
        {"role": "user", "content": "\ud800"},
        {"role": "user", "content": [{"type": "text", "text": "\ud800"}]},
        {"role": "assistant", "content": "x", "more": ["\ud800"]},
        {"role": "user", "content": "x", "\ud800": 1},
        {"role": "user", "content": "x", 5: 1},
        {"role": "user", "content": "x", "more": float("nan")},
    ],
)
def test_what_is_no_message_is_refused(record: Record) -> None:
    """An unknown role, a part that cannot be kept, or a wrong type is BadContent."""
    with pytest.raises(BadContent):
        from_openai(record)
