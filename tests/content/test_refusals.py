"""test_refusals.py - what JSON or UTF-8 cannot hold is BadContent, before anything is written."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from tract.content import codec
from tract.content.building import fields_text, from_content, payload_text
from tract.content.checks import check_json, check_parts
from tract.content.entry import Entry
from tract.content.formats.openai import from_openai
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
from tract.errors import BadContent

HALF = "half a character: \ud83d"
BAD_VALUES = [
    pytest.param(float("nan"), id="nan"),
    pytest.param(float("inf"), id="inf"),
    pytest.param(float("-inf"), id="minus-inf"),
    pytest.param(HALF, id="surrogate"),
    pytest.param({HALF: 1}, id="surrogate-key"),
    pytest.param({1: "a"}, id="number-key"),
    pytest.param({None: "a"}, id="null-key"),
    pytest.param({("a",): 1}, id="tuple-key"),
    pytest.param(object(), id="object"),
    pytest.param([1, [2, [float("nan")]]], id="nested-nan"),
]


def nested(depth: int) -> Any:
    """Lists in lists."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("value", BAD_VALUES)
def test_check_json_refuses(value: object) -> None:
    """NaN, infinities, half characters, keys that are no text and foreign objects are refused."""
    with pytest.raises(BadContent, match="here"):
        check_json({"deep": [value]}, "here")


def test_check_json_takes_json() -> None:
    """What JSON gives back as it was passes, large numbers and tuples among it."""
    check_json({"a": [None, True, 2**70, -1.5e300, "ü\0"], "": (1, 2)}, "here")


def test_too_deep_nesting_is_refused() -> None:
    """Nesting without end is BadContent, not a RecursionError."""
    with pytest.raises(BadContent):
        check_json(nested(100_000), "here")


def test_value_that_holds_itself_is_refused() -> None:
    """A list that holds itself is BadContent."""
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(BadContent):
        check_json(loop, "here")


@pytest.mark.parametrize("depth", [50, 200, 400, 600, 800, 900, 980])
def test_what_was_written_can_be_read_from_a_deep_stack(depth: int) -> None:
    """Nesting that is taken at all can be read back by a program that is deep in its own calls."""
    try:
        check_json(nested(depth), "metadata")
    except BadContent:
        return
    data = codec.encode(
        Entry(type="dialogue", role="user", id="k" * 16, metadata={"m": nested(depth)})
    )

    def read_below(frames: int) -> Entry:
        if frames:
            return read_below(frames - 1)
        return codec.decode(data, label="user", path="000/00/00.user.md", blob="0" * 40)

    assert read_below(300).metadata == {"m": nested(depth)}


@pytest.mark.parametrize(
    "content",
    [
        InstructionContent(HALF),
        InstructionContent("x", name=HALF),
        DialogueContent("user", HALF),
        DialogueContent("user", "x", name=HALF),
        DialogueContent(
            "assistant", tool_calls=({"id": "c", "function": {"name": HALF, "arguments": ""}},)
        ),
        ToolIOContent(payload=HALF, tool_call_id="c"),
        ToolIOContent(payload={"a": HALF}, tool_call_id="c"),
        ToolIOContent(payload="x", tool_call_id=HALF),
        ToolIOContent(payload="x", tool_name=HALF),
        ToolIOContent(payload="x", status=HALF),
        ReasoningContent(HALF),
        ReasoningContent("x", signature=HALF),
        ArtifactContent(HALF),
        ArtifactContent("x", language=HALF),
        ArtifactContent("x", artifact_type=HALF),
        OutputContent(HALF),
        OutputContent("x", format=HALF),
        FreeformContent({"a": HALF}),
        FreeformContent({HALF: 1}),
        SessionContent("end", summary=HALF),
        SessionContent("end", decisions=(HALF,)),
    ],
)
def test_every_kind_refuses_half_a_character(content: object) -> None:
    """A lone surrogate in any field of any kind is refused when the entry is built."""
    with pytest.raises(BadContent):
        from_content(content)


@pytest.mark.parametrize("value", BAD_VALUES)
def test_payloads_and_fields_refuse_what_json_cannot_hold(value: object) -> None:
    """A payload and the fields of a kind are checked before they become text."""
    for make in (fields_text, payload_text):
        with pytest.raises(BadContent):
            make({"value": value})


@pytest.mark.parametrize("value", BAD_VALUES)
def test_import_refuses_what_json_cannot_hold(value: object) -> None:
    """A field we do not know is checked like those that we know."""
    with pytest.raises(BadContent):
        from_openai({"role": "user", "content": "x", "extra": value})


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, datetime.datetime(2026, 1, 1)])
def test_import_refuses_what_would_come_back_otherwise(value: object) -> None:
    """Bytes, sets and times are refused: `to_dicts()` could not give them back as they were."""
    with pytest.raises(BadContent):
        from_openai({"role": "user", "content": "x", "extra": value})


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([{"text": 4}], "abc"),
        ([{"text": 1}], "ä"),
        ([{"text": -1}], "abc"),
        ([{"text": 1.0}], "abc"),
        ([{"text": "1"}], "abc"),
        ([{"text": 1, "more": 1}], "abc"),
        ([{"image": 1}], "abc"),
        ([{}], "abc"),
    ],
)
def test_parts_that_do_not_divide_the_text_are_refused(parts: list[Any], text: str) -> None:
    """A slice past the end, inside a character, or of another kind is refused."""
    with pytest.raises(BadContent):
        check_parts(tuple(parts), text)


def test_parts_that_divide_the_text_are_taken() -> None:
    """Slices that end between characters pass, and so do no parts at all."""
    assert check_parts(({"text": 2}, {"text": 0}, {"text": 1}), "äb") is not None
    assert check_parts(None, "äb") is None
