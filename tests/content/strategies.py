"""strategies.py - what Hypothesis makes up: texts, JSON, and messages as providers return them.

The messages are wilder than any one provider: unknown fields, odd spellings of nothing, parts with
cache marks. What all have in common is that an import takes them.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Record = dict[str, Any]

NASTY = (
    "",
    "\0",
    "\n",
    "\r\n",
    "---",
    "---\n",
    "---\n{}\n---\n",
    "a\n---\nb",
    "<|endoftext|>",
    "trailing blanks  \n\n",
    "👩‍👩‍👧 e\u0301 \u202e \u2028 \ufeff \ufffe \uffff \x7f \x85 \x1b[31m",
    '{"a": 1, "b": [true, null, 1.50]}',
    '{"a":1,"b":[true,null,1.50]}',
    '{"a":1,',
    "[1, 2,3]",
    '{"a": "\\ud800"}',
    '{"a":1} ',
)
characters = st.characters(exclude_categories=["Cs"])
texts = st.one_of(st.sampled_from(NASTY), st.text(characters, max_size=60))
words = st.text(characters, min_size=1, max_size=12)
numbers = st.one_of(
    st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False)
)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(characters, max_size=8), inner, max_size=3),
    ),
    max_leaves=8,
)

# -- messages

EXTRAS = ("refusal", "audio", "annotations", "weight", "tool_responses", "reasoning_content", "id")
call_ids = st.sampled_from(["call_1", "call_2", "call_3", "", "x" * 41, "id mit Ümlaut"])
tool_names = st.sampled_from(["look_up", "look-up", "look up", "", "näher", "t" * 80])
arguments = st.one_of(st.sampled_from(["{}", '{"a": 1}', "", "{broken"]), texts)


@st.composite
def calls(draw: st.DrawFn) -> Record:
    """A tool call as OpenAI or somebody like it returns it."""
    function = {"name": draw(tool_names), "arguments": draw(arguments)}
    call: Record = {"type": "function", "function": function}
    if draw(st.booleans()):
        call = {"type": "custom", "custom": {"name": draw(tool_names), "input": draw(texts)}}
    if draw(st.integers(0, 5)):
        call = {"id": draw(st.one_of(call_ids, st.none())), **call}
    if draw(st.integers(0, 5)) == 0:
        call["index"] = draw(st.integers(0, 3))
    return call


@st.composite
def parts(draw: st.DrawFn) -> list[Record]:
    """Content as a list of text parts, some with fields beside the text."""
    made: list[Record] = []
    for text in draw(st.lists(texts, min_size=1, max_size=3)):
        part: Record = {"type": "text", "text": text}
        if draw(st.integers(0, 3)) == 0:
            part["cache_control"] = {"type": "ephemeral"}
        made.append(part)
    return made


contents = st.one_of(texts, texts, st.none(), parts())
nullable_names = st.one_of(st.none(), words)


@st.composite
def messages(draw: st.DrawFn) -> Record:
    """One message of any role that an import takes."""
    roles = ["system", "developer", "user", "assistant", "assistant", "tool", "function"]
    role = draw(st.sampled_from(roles))
    made: Record = {"role": role}
    if draw(st.integers(0, 7)):
        made["content"] = draw(contents)
    if draw(st.integers(0, 3)) == 0:
        made["name"] = draw(nullable_names)
    if role == "assistant":
        made |= draw(assistant_fields())
    if role in ("tool", "function") and draw(st.integers(0, 5)):
        made["tool_call_id"] = draw(st.one_of(st.none(), call_ids))
    if draw(st.integers(0, 4)) == 0:
        made[draw(st.sampled_from(EXTRAS))] = draw(json_values)
    return made


@st.composite
def assistant_fields(draw: st.DrawFn) -> Record:
    """Calls in today's and yesterday's shape, or nothing spelled in one of many ways."""
    made: Record = {}
    if draw(st.booleans()):
        some = st.lists(calls(), max_size=3)
        made["tool_calls"] = draw(st.one_of(some, some, st.none()))
    if draw(st.integers(0, 5)) == 0:
        legacy = {"name": draw(tool_names), "arguments": draw(arguments)}
        made["function_call"] = draw(st.sampled_from([None, legacy]))
    return made


conversations = st.lists(messages(), min_size=1, max_size=10)
