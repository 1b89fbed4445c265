"""test_openai_chat.py - the judge is judged first: it rejects what the reference calls invalid.

Each rejected body differs from an accepted one in the one thing its name says, and the problem
must name the place: a validator that says no for another reason would prove nothing.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.validators.openai_chat import validate

Message = dict[str, Any]

USER: Message = {"role": "user", "content": "Is the 8:30 ferry late?"}
CALL_A: Message = {
    "id": "call_a",
    "type": "function",
    "function": {"name": "get_ferry", "arguments": '{"departs": "08:30"}'},
}
CALL_B: Message = {
    "id": "call_b",
    "type": "function",
    "function": {"name": "get-weather", "arguments": ""},
}
CUSTOM: Message = {"id": "call_c", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}
RESULT_A: Message = {"role": "tool", "tool_call_id": "call_a", "content": '{"late_min": 5}'}
RESULT_B: Message = {"role": "tool", "tool_call_id": "call_b", "content": ""}
RESULT_C: Message = {"role": "tool", "tool_call_id": "call_c", "content": "1"}
TOOL: Message = {
    "type": "function",
    "function": {"name": "get_ferry", "parameters": {"type": "object", "properties": {}}},
}


def body(*messages: object, **more: object) -> dict[str, object]:
    return {"model": "gpt-4o", "messages": list(messages), **more}


def calls(*tool_calls: Message, **more: object) -> Message:
    return {"role": "assistant", "content": None, "tool_calls": list(tool_calls), **more}


def call(**changed: object) -> Message:
    return {**CALL_A, **changed}


def function(**changed: object) -> Message:
    return call(function={**CALL_A["function"], **changed})


def parts(role: str, *content: object) -> Message:
    return {"role": role, "content": list(content)}


def tool(**changed: object) -> Message:
    return {"type": "function", "function": {**TOOL["function"], **changed}}


TEXT_PART = {"type": "text", "text": "Look at this."}
IMAGE_PART = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
REFUSAL_PART = {"type": "refusal", "refusal": "I can't help with that."}

VALID = {
    "text": body({"role": "system", "content": "Be brief."}, USER),
    "developer-role": body({"role": "developer", "content": "Be brief.", "name": "ops_1"}, USER),
    "text-of-nothing": body({"role": "user", "content": ""}),
    "parts-of-a-user": body(
        parts(
            "user",
            TEXT_PART,
            {
                "type": "image_url",
                "image_url": {"url": "data:image/png;base64,AA", "detail": "low"},
            },
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
            {"type": "file", "file": {"file_id": "file-1"}},
        )
    ),
    "cache-breakpoint": body(
        parts("user", {**TEXT_PART, "prompt_cache_breakpoint": {"mode": "explicit"}})
    ),
    "refusal-part": body(USER, parts("assistant", REFUSAL_PART), USER),
    "refusal-key": body(USER, {"role": "assistant", "content": "", "refusal": None}),
    "spoken-turn": body(USER, {"role": "assistant", "audio": {"id": "audio_1"}}, USER),
    "parallel-calls-in-any-order": body(USER, calls(CALL_A, CALL_B), RESULT_B, RESULT_A, USER),
    "calls-beside-text": body(USER, calls(CALL_A, content="One moment."), RESULT_A),
    "calls-without-content-key": body(
        USER, {"role": "assistant", "tool_calls": [CALL_A]}, RESULT_A
    ),
    "two-turns-of-calls": body(USER, calls(CALL_A), RESULT_A, calls(CALL_B), RESULT_B),
    "custom-tool-call": body(USER, calls(CUSTOM), RESULT_C),
    "result-of-parts": body(USER, calls(CALL_A), {**RESULT_A, "content": [TEXT_PART]}),
    "arguments-that-are-no-json": body(USER, calls(function(arguments="{oops")), RESULT_A),
    "id-of-40-characters": body(
        USER, calls(call(id="c" * 40)), {**RESULT_A, "tool_call_id": "c" * 40}
    ),
    "deprecated-function-call": body(
        USER,
        {"role": "assistant", "content": None, "function_call": CALL_A["function"]},
        {"role": "function", "name": "get_ferry", "content": None},
    ),
    "tools": body(USER, tools=[TOOL, tool(strict=None)], tool_choice="auto", temperature=0.2),
    "tool-without-parameters": body(USER, tools=[{"type": "function", "function": {"name": "f"}}]),
    "custom-tool": body(
        USER,
        tools=[
            {
                "type": "custom",
                "custom": {
                    "name": "sql",
                    "format": {
                        "type": "grammar",
                        "grammar": {"syntax": "regex", "definition": "select .*"},
                    },
                },
            }
        ],
    ),
}

INVALID = {
    # the body
    "model-missing": ({"messages": [USER]}, "model: is required"),
    "messages-missing": ({"model": "gpt-4o"}, "messages: is required"),
    "messages-empty": (body(), "messages: must be a non-empty array"),
    "messages-no-array": ({"model": "gpt-4o", "messages": "Hi"}, "messages: must be a non-empty"),
    "unknown-parameter": (body(USER, api_key="k"), "api_key: unknown parameter"),
    "not-a-number": (body(USER, temperature=float("nan")), "body.temperature: nan is not JSON"),
    "not-json": (body(USER, stop=b"x"), "body.stop: bytes is not JSON"),
    "key-not-a-string": (body(USER, logit_bias={5: 1}), "key 5 is not a string"),
    "lone-surrogate": (
        body({"role": "user", "content": "a\ud83d"}),
        "messages[0].content: has a lone surrogate",
    ),
    # messages
    "message-no-object": (body("Hi"), "messages[0]: role must be one of"),
    "role-unknown": (body({"role": "bot", "content": "Hi"}), "messages[0]: role must be one of"),
    "role-missing": (body({"content": "Hi"}), "messages[0]: role must be one of"),
    "key-unknown": (body({**USER, "metadata": {}}), "messages[0].metadata: unknown key"),
    "content-missing": (body({"role": "user"}), "messages[0].content: is required"),
    "content-null": (
        body({"role": "user", "content": None}),
        "messages[0].content: must be a string or a non-empty array",
    ),
    "content-an-object": (
        body({"role": "user", "content": {"text": "Hi"}}),
        "messages[0].content: must be a string or a non-empty array",
    ),
    "content-empty-array": (body(parts("user")), "messages[0].content: must be a string or a non"),
    "assistant-content-null": (
        body(USER, {"role": "assistant", "content": None}),
        "messages[1].content: is required unless tool_calls",
    ),
    "assistant-content-missing": (
        body(USER, {"role": "assistant"}),
        "messages[1].content: is required unless tool_calls",
    ),
    "name-with-a-space": (body({**USER, "name": "Ada L"}), "messages[0].name: does not match"),
    "name-too-long": (body({**USER, "name": "a" * 65}), "messages[0].name: does not match"),
    "name-ends-in-a-line": (body({**USER, "name": "ada\n"}), "messages[0].name: does not match"),
    # parts
    "part-type-unknown": (
        body(parts("user", {"type": "thinking", "thinking": "hm"})),
        "messages[0].content[0]: type must be one of text, image_url, input_audio, file",
    ),
    "image-from-the-system": (
        body(parts("system", IMAGE_PART)),
        "messages[0].content[0]: type must be one of text",
    ),
    "image-in-a-result": (
        body(USER, calls(CALL_A), {**RESULT_A, "content": [IMAGE_PART]}),
        "messages[2].content[0]: type must be one of text",
    ),
    "refusal-from-the-user": (
        body(parts("user", REFUSAL_PART)),
        "messages[0].content[0]: type must be one of",
    ),
    "refusal-beside-text": (
        body(USER, parts("assistant", TEXT_PART, REFUSAL_PART)),
        "messages[1].content: holds one or more texts, or exactly one refusal",
    ),
    "text-part-without-text": (
        body(parts("user", {"type": "text"})),
        "messages[0].content[0].text: is required",
    ),
    "image-detail-unknown": (
        body(parts("user", {"type": "image_url", "image_url": {"url": "u", "detail": "best"}})),
        "image_url.detail: must be one of",
    ),
    "audio-format-unknown": (
        body(parts("user", {"type": "input_audio", "input_audio": {"data": "", "format": "ogg"}})),
        "input_audio.format: must be one of",
    ),
    # tool calls
    "calls-empty": (
        body(USER, calls(content="Hi")),
        "messages[1].tool_calls: must be a non-empty array",
    ),
    "call-without-id": (
        body(USER, calls({"type": "function", "function": CALL_A["function"]})),
        "messages[1].tool_calls[0].id: is required",
    ),
    "call-id-empty": (
        body(USER, calls(call(id="")), {**RESULT_A, "tool_call_id": ""}),
        "messages[1].tool_calls[0].id: must be a non-empty string",
    ),
    "call-id-of-41-characters": (
        body(USER, calls(call(id="c" * 41)), {**RESULT_A, "tool_call_id": "c" * 41}),
        "messages[1].tool_calls[0].id: is longer than 40",
    ),
    "call-type-unknown": (
        body(USER, calls(call(type="tool")), RESULT_A),
        "messages[1].tool_calls[0]: type must be one of function, custom",
    ),
    "call-key-unknown": (
        body(USER, calls(call(index=0)), RESULT_A),
        "messages[1].tool_calls[0].index: unknown key",
    ),
    "call-name-with-a-dot": (
        body(USER, calls(function(name="ferry.get")), RESULT_A),
        "messages[1].tool_calls[0].function.name: does not match",
    ),
    "arguments-an-object": (
        body(USER, calls(function(arguments={"departs": "08:30"})), RESULT_A),
        "messages[1].tool_calls[0].function.arguments: must be a string",
    ),
    "custom-input-missing": (
        body(USER, calls({**CUSTOM, "custom": {"name": "sql"}}), RESULT_C),
        "messages[1].tool_calls[0].custom.input: is required",
    ),
    "calls-from-the-user": (
        body({**USER, "tool_calls": [CALL_A]}, RESULT_A),
        "messages[0].tool_calls: unknown key",
    ),
    # pairing
    "call-unanswered-at-the-end": (
        body(USER, calls(CALL_A)),
        "messages[1].tool_calls[0]: call_a must be followed",
    ),
    "one-of-two-unanswered": (
        body(USER, calls(CALL_A, CALL_B), RESULT_A, USER),
        "messages[1].tool_calls[1]: call_b must be followed",
    ),
    "user-between-call-and-result": (
        body(USER, calls(CALL_A), USER, RESULT_A),
        "messages[1].tool_calls[0]: call_a must be followed",
    ),
    "result-without-a-call": (
        body(USER, RESULT_A),
        "messages[1].tool_call_id: call_a answers no call",
    ),
    "result-of-an-earlier-turn": (
        body(USER, calls(CALL_A), RESULT_A, calls(CALL_B), RESULT_B, RESULT_A),
        "messages[5].tool_call_id: call_a answers no call",
    ),
    "result-twice": (
        body(USER, calls(CALL_A), RESULT_A, RESULT_A),
        "messages[3].tool_call_id: call_a is answered twice",
    ),
    "call-id-twice-in-a-turn": (
        body(USER, calls(CALL_A, call()), RESULT_A),
        "messages[1].tool_calls[1].id: call_a is used twice",
    ),
    "call-id-twice-in-a-conversation": (
        body(USER, calls(CALL_A), RESULT_A, calls(call()), RESULT_A),
        "messages[3].tool_calls[0].id: call_a is used twice",
    ),
    "result-with-a-name": (
        body(USER, calls(CALL_A), {**RESULT_A, "name": "get_ferry"}),
        "messages[2].name: unknown key",
    ),
    "result-without-an-id": (
        body(USER, calls(CALL_A), {"role": "tool", "content": "5"}),
        "messages[2].tool_call_id: is required",
    ),
    "result-content-null": (
        body(USER, calls(CALL_A), {**RESULT_A, "content": None}),
        "messages[2].content: must be a string or a non-empty array",
    ),
    "function-result-without-a-name": (
        body(USER, {"role": "function", "content": "5"}),
        "messages[1].name: is required",
    ),
    # tools
    "tools-empty": (body(USER, tools=[]), "tools: must be a non-empty array"),
    "tools-129": (body(USER, tools=[TOOL] * 129), "tools: has more than 128 items"),
    "tool-without-type": (
        body(USER, tools=[{"function": TOOL["function"]}]),
        "tools[0]: type must be one of function, custom",
    ),
    "tool-not-nested": (
        body(USER, tools=[{"type": "function", "name": "get_ferry"}]),
        "tools[0].function: is required",
    ),
    "tool-name-in-cyrillic": (body(USER, tools=[tool(name="паром")]), "function.name: does not"),
    "tool-parameters-an-array": (
        body(USER, tools=[tool(parameters={"type": "array"})]),
        "tools[0].function.parameters: must be a JSON Schema of type object",
    ),
    "tool-strict-a-word": (body(USER, tools=[tool(strict="yes")]), "strict: must be true or"),
    "tool-key-unknown": (body(USER, tools=[tool(returns="int")]), "returns: unknown key"),
    "choice-without-tools": (body(USER, tool_choice="auto"), "tool_choice: is only allowed when"),
}


@pytest.mark.parametrize("payload", VALID.values(), ids=VALID.keys())
def test_a_valid_body_has_no_problem(payload: dict[str, object]) -> None:
    """What the reference allows passes."""
    assert validate(payload) == []


@pytest.mark.parametrize(("payload", "problem"), INVALID.values(), ids=INVALID.keys())
def test_an_invalid_body_is_rejected_for_its_reason(
    payload: dict[str, object], problem: str
) -> None:
    """What the reference forbids is found, and named by its place."""
    found = validate(payload)
    assert [line for line in found if problem in line], found


def test_every_problem_of_a_body_is_reported() -> None:
    """One pass names them all, so that a failing format test shows the whole damage."""
    found = validate({"messages": [{"role": "user", "content": None, "name": "a b"}], "tools": []})
    assert len(found) == 4
