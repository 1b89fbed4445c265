"""test_openai.py - what OpenAI is sent: valid whatever was said, unchanged where legal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from tests.content.strategies import conversations
from tests.validators.openai_chat import validate
from tract.content.entry import with_fields
from tract.content.formats.openai import from_openai, to_openai
from tract.content.messages import Message, render
from tract.content.pairing import pair, pending
from tract.errors import UnpairedToolCall

Record = dict[str, Any]


def call(call_id: str | None, name: str = "f", arguments: Any = "{}") -> Record:
    """A tool call."""
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


def calls(*made: Record, **more: Any) -> Record:
    """An assistant's turn with calls."""
    return {"role": "assistant", "content": None, "tool_calls": list(made), **more}


def result(call_id: str | None, content: Any = "done", **more: Any) -> Record:
    """The result of a call."""
    return {"role": "tool", "tool_call_id": call_id, "content": content, **more}


def rendered(records: list[Record]) -> list[Message]:
    """Records as an import keeps them and compile renders them."""
    entries = [with_fields(from_openai(r), id=f"{n:016}") for n, r in enumerate(records)]
    return [message for entry in entries if (message := render(entry))]


def sent(*records: Record) -> list[Record]:
    """What OpenAI is sent for these records; checked by the validator."""
    made = to_openai(rendered(list(records)))
    assert validate({"model": "gpt-4o", "messages": made}) == []
    return made


def closed(messages: list[Message]) -> list[Message]:
    """The messages, with a result for every open call at the end."""
    for number in range(100):
        still_open = pair(messages).open
        if not still_open:
            return messages
        asked = pending(messages[still_open[0].turn], still_open[0].number)
        messages = [*messages, Message("tool", "no", (f"r{number}",), asked.name, (), asked.id)]
    raise AssertionError("the calls do not close")


@given(conversations)
def test_everything_is_valid(records: list[Record]) -> None:
    """Whatever an import takes is sent as a valid request, once its calls are answered."""
    made = to_openai(closed(rendered(records)))
    assert validate({"model": "gpt-4o", "messages": made}) == []


@given(conversations)
def test_the_same_is_sent_twice(records: list[Record]) -> None:
    """Mapped ids and names are stable: the same messages give the same request."""
    messages = closed(rendered(records))
    assert to_openai(messages) == to_openai(messages)


def test_legal_messages_pass_unchanged() -> None:
    """What OpenAI takes is sent as it was said."""
    said: list[Record] = [
        {"role": "developer", "content": "Be kind."},
        {"role": "system", "content": "Be brief.", "name": "ada-2"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "user", "content": ""},
        calls(call("x" * 40, "look-up_2", "{broken"), call("B 2")),
        result("x" * 40, '{"a":1}'),
        result("B 2", ""),
        {"role": "assistant", "content": "done", "name": "bot"},
    ]
    assert sent(*said) == said


def test_open_call_is_refused() -> None:
    """While a call is open there is nothing that OpenAI would take."""
    with pytest.raises(UnpairedToolCall):
        to_openai(rendered([calls(call("a"))]))


def test_no_messages() -> None:
    """An empty context is an empty list."""
    assert to_openai([]) == []


def test_results_stand_behind_their_call() -> None:
    """A late result is sent right behind its call."""
    hm = {"role": "user", "content": "hm"}
    assert sent(calls(call("a")), hm, result("a")) == [calls(call("a")), result("a"), hm]


def test_tool_message_has_no_name() -> None:
    """The name of a tool is not part of a tool message."""
    assert sent(calls(call("a")), result("a", name="f"))[1] == result("a")


# -- content


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant"])
@pytest.mark.parametrize("content", [{"content": None}, {}])
def test_message_without_any_content_says_so(role: str, content: Record) -> None:
    """A message whose content is null or absent says `(empty)`."""
    assert sent({"role": role, **content}) == [{"role": role, "content": "(empty)"}]


def test_result_without_content_says_so() -> None:
    """A tool's null result says `(empty)`, an empty one stays empty."""
    assert sent(calls(call("a")), result("a", None))[1]["content"] == "(empty)"
    assert sent(calls(call("a")), result("a", ""))[1]["content"] == ""


def test_content_beside_calls() -> None:
    """Text beside calls stays; null and empty text are sent as they were."""
    for content in ("let me see", None, ""):
        assert sent(calls(call("a"), content=content), result("a"))[0]["content"] == content


def test_absent_content_beside_calls_is_null() -> None:
    """A turn with calls and no content at all is sent with null."""
    bare = {"role": "assistant", "tool_calls": [call("a")]}
    assert sent(bare, result("a"))[0] == calls(call("a"))


def text_part(text: str) -> Record:
    """A part of text."""
    return {"type": "text", "text": text}


def test_blank_text_parts_are_left_out() -> None:
    """Blank parts are not sent; a message left without any says `(empty)`."""
    some = [text_part(" "), text_part("a"), text_part("")]
    assert sent({"role": "user", "content": some})[0]["content"] == [text_part("a")]
    none = [text_part("\n"), text_part("")]
    assert sent({"role": "user", "content": none})[0]["content"] == "(empty)"


def test_marks_on_parts_are_not_sent() -> None:
    """Fields that other providers put on parts are left out."""
    marked = {**text_part("a"), "cache_control": {"type": "ephemeral"}}
    assert sent({"role": "user", "content": [marked]})[0]["content"] == [text_part("a")]


def test_unknown_fields_are_not_sent() -> None:
    """Fields of a record that the API does not document are left out."""
    said: Record = {
        "role": "assistant",
        "content": "x",
        "refusal": None,
        "weight": 0,
        "annotations": [],
    }
    assert sent(said) == [{"role": "assistant", "content": "x"}]


def test_function_call_of_yesterday_is_a_tool_call() -> None:
    """The old `function_call` and its `function` message are sent as a call and its result."""
    made = sent(
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
    )
    given = f"call_{0:016}"
    assert made == [calls(call(given)), result(given, "1")]


def test_custom_tool_call() -> None:
    """A call of a custom tool stays one, with its input as text."""
    custom = {"id": "a", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}
    assert sent(calls(custom), result("a"))[0] == calls(custom)


def test_arguments_given_as_an_object_become_text() -> None:
    """Arguments that somebody parsed already are sent as JSON text."""
    made = sent(calls(call("a", arguments={"x": [1]})), result("a"))
    assert made[0]["tool_calls"][0]["function"]["arguments"] == '{"x":[1]}'


def test_fields_beside_a_call_are_not_sent() -> None:
    """An index or another field on a call is left out."""
    assert sent(calls({**call("a"), "index": 0}), result("a"))[0] == calls(call("a"))


# -- results without a call


def test_orphan_is_a_user_s_text() -> None:
    """A result that answers no call is a user text that says whose result it is."""
    made = sent({"role": "user", "content": "hi"}, result("zz", "21°", name="weather"))
    assert made[1]["role"] == "user"
    for word in ("weather", "zz", "21°"):
        assert word in made[1]["content"]


def test_second_result_is_a_user_s_text() -> None:
    """The second result of a call is kept for the model, in its place."""
    made = sent(
        calls(call("a")), result("a", "1"), {"role": "user", "content": "x"}, result("a", "2")
    )
    assert [message["role"] for message in made] == ["assistant", "tool", "user", "user"]
    assert "2" in made[3]["content"]


def test_orphan_without_anything() -> None:
    """A result without id, name or content is sent as valid text all the same."""
    assert sent(result(None, None))[0]["role"] == "user"
