"""test_messages.py - what each kind of entry is shown as: FORMAT's table, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from tract.content import codec
from tract.content.building import from_content, from_fields
from tract.content.entry import Entry, with_fields
from tract.content.formats.plain import to_dict
from tract.content.kinds import (
    ArtifactContent,
    DialogueContent,
    FreeformContent,
    InstructionContent,
    OutputContent,
    ReasoningContent,
    SessionContent,
    ToolIOContent,
)
from tract.content.messages import Message, call_arguments, call_name, render

ID = "kqpxzmwvtlrsnoky"


def shown(content: object) -> dict[str, Any]:
    """The message of a content, as `to_dicts()` has it."""
    return to_dict(message_of(from_content(content)))


def message_of(entry: Entry) -> Message:
    """The message of an entry that is shown."""
    message = render(with_fields(entry, id=ID))
    assert message is not None
    return message


def by_hand(header: str, text: str) -> Entry:
    """An entry whose file somebody wrote by hand."""
    data = f"---\n{header}\n---\n{text}\n".encode()
    return codec.decode(data, label="summary", path="000/00/00.summary.md", blob="0" * 40)


def test_instruction() -> None:
    """An instruction is a system message, with its name if it has one."""
    assert shown(InstructionContent("Be kind.")) == {"role": "system", "content": "Be kind."}
    assert shown(InstructionContent("x", "ada"))["name"] == "ada"


@pytest.mark.parametrize("role", ["system", "user", "assistant"])
def test_dialogue(role: Any) -> None:
    """A dialogue is a message of its role, with text and name."""
    assert shown(DialogueContent(role, "Hi", "ada")) == {
        "role": role,
        "content": "Hi",
        "name": "ada",
    }


def test_empty_text_is_an_empty_message() -> None:
    """Empty text is legal, and shown as it is."""
    assert shown(DialogueContent("user", "")) == {"role": "user", "content": ""}


def test_calls_without_text_have_null_content() -> None:
    """An assistant's turn that only calls has the content null, as providers return it."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert shown(DialogueContent("assistant", tool_calls=(call,))) == {
        "role": "assistant",
        "content": None,
        "tool_calls": [call],
    }


def test_tool_result() -> None:
    """A result is a tool message with the id of its call, and the tool's name where given."""
    assert shown(ToolIOContent("f", payload="21°", status="ok", tool_call_id="c")) == {
        "role": "tool",
        "content": "21°",
        "name": "f",
        "tool_call_id": "c",
    }
    assert "name" not in shown(ToolIOContent(payload="21°", tool_call_id="c"))


def test_reasoning_is_left_out() -> None:
    """Reasoning is kept, and shown to nobody."""
    assert render(with_fields(from_content(ReasoningContent("hm")), id=ID)) is None


@pytest.mark.parametrize("priority", ["normal", "important", "pinned"])
def test_only_skip_leaves_out(priority: Any) -> None:
    """An entry is left out by the priority skip, and by no other."""
    entry = from_content(DialogueContent("user", "x"))
    assert render(with_fields(entry, priority=priority)) is not None
    assert render(with_fields(entry, priority="skip")) is None


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("print()", "python", "```python\nprint()\n```"),
        ("print()\n", "python", "```python\nprint()\n```"),
        ("x", None, "```\nx\n```"),
        ("", None, "```\n```"),
        ("a ` b `` c", None, "```\na ` b `` c\n```"),
        ("```\nx\n```", "markdown", "````markdown\n```\nx\n```\n````"),
        ("````` deep", None, "``````\n````` deep\n``````"),
        ("~~~", None, "```\n~~~\n```"),
    ],
)
def test_artifact_is_fenced(text: str, language: str | None, expected: str) -> None:
    """An artifact stands in a fence with its language, longer than any fence inside."""
    assert shown(ArtifactContent(text, language=language)) == {
        "role": "assistant",
        "content": expected,
    }


def test_output_is_its_text() -> None:
    """An output is shown as its text, whatever its format is called."""
    assert shown(OutputContent("<b>x</b>", "html"))["content"] == "<b>x</b>"


def test_freeform_is_its_stored_json() -> None:
    """A freeform is shown as the JSON that is stored."""
    assert shown(FreeformContent({"b": [1, "ü"], "a": None})) == {
        "role": "assistant",
        "content": '{\n  "b": [\n    1,\n    "ü"\n  ],\n  "a": null\n}',
    }


def test_session_has_four_sections() -> None:
    """A session is a system message of titled sections: a text, or a list of points."""
    content = SessionContent("handoff", "Done.", ("use git", "no network"), "threads", ("ship",))
    assert shown(content) == {
        "role": "system",
        "content": (
            "## Summary\n\nDone.\n\n"
            "## Decisions\n\n- use git\n- no network\n\n"
            "## Failed approaches\n\nthreads\n\n"
            "## Next steps\n\n- ship"
        ),
    }


def test_session_leaves_empty_sections_out() -> None:
    """A section that says nothing has no title either."""
    assert (
        shown(SessionContent("end", next_steps=("rest",)))["content"] == "## Next steps\n\n- rest"
    )
    assert shown(SessionContent("start"))["content"] == ""


@pytest.mark.parametrize("text", ["no JSON", "[1]", '{"summary":', '"x"'])
def test_session_broken_by_hand_is_its_text(text: str) -> None:
    """A session whose text is no JSON object any more is shown as it is."""
    assert message_of(by_hand('{"type":"session"}', text)).content == text


@pytest.mark.parametrize(("count", "words"), [(1, "1 earlier message"), (7, "7 earlier messages")])
def test_summary_says_how_much_it_stands_for(count: int, words: str) -> None:
    """A summary is a user message that says how many messages it replaces."""
    entry = by_hand(f'{{"type":"summary","id":"{ID}","replaces":{count}}}', "They agreed.")
    assert to_dict(message_of(entry)) == {
        "role": "user",
        "content": f"Summary of {words}:\n\nThey agreed.",
    }


def test_registered_kind_is_its_stored_json() -> None:
    """A registered kind is shown as its JSON, in the role that its header names."""
    entry = from_fields("x-note", "user", "normal", {"stars": 5})
    assert to_dict(message_of(entry)) == {"role": "user", "content": '{\n  "stars": 5\n}'}


def test_message_names_its_entry() -> None:
    """A message knows which entry said it, and of which kind that is."""
    message = message_of(from_content(OutputContent("x")))
    assert (message.entry_ids, message.kind) == ((ID,), "output")


@pytest.mark.parametrize(
    ("call", "name", "arguments"),
    [
        ({"function": {"name": "f", "arguments": "{}"}}, "f", "{}"),
        ({"type": "custom", "custom": {"name": "g", "input": "x"}}, "g", "x"),
        ({"function": {"name": "f", "arguments": {"a": 1}}}, "f", '{"a":1}'),
        ({"function": {"name": "f"}}, "f", ""),
        ({"function": "f"}, "", ""),
        ({}, "", ""),
    ],
)
def test_name_and_arguments_of_any_call(call: dict[str, Any], name: str, arguments: str) -> None:
    """A call's name and arguments are read from functions, custom tools and broken calls."""
    assert (call_name(call), call_arguments(call)) == (name, arguments)
