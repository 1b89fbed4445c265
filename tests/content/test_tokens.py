"""test_tokens.py - counts are tiktoken's, made without a network and without importing litellm.

Where the tables are found is tried in test_tokens_tables.py.
"""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from tests.content.strategies import texts
from tract.content.tokens import EncodingCounter, TokenCounter, counter_for

ROOT = Path(__file__).parents[2]
ENCODINGS = ("o200k_base", "cl100k_base")
CIRCLE = (
    "Let's circle back when we have more bandwidth to touch base on opportunities for "
    "increased leverage."
)
CALL = {"id": "c", "type": "function", "function": {"name": "look_up", "arguments": '{"a": 1}'}}


def tables() -> Path:
    """The folder of tables in the litellm package, which is not imported."""
    spec = importlib.util.find_spec("litellm")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0], "litellm_core_utils", "tokenizers")


@pytest.fixture(scope="module")
def originals() -> dict[str, tiktoken.Encoding]:
    """tiktoken's own encodings, loaded from the same tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(tables()))
        return {name: tiktoken.get_encoding(name) for name in ENCODINGS}


# -- equal to tiktoken


@pytest.mark.parametrize("name", ENCODINGS)
def test_encoding_is_tiktoken_s(name: str, originals: dict[str, tiktoken.Encoding]) -> None:
    """Pattern, special tokens and ranks are those that tiktoken itself would load."""
    ours, theirs = EncodingCounter(name)._encoding, originals[name]
    assert ours is not None
    assert ours._pat_str == theirs._pat_str
    assert ours._special_tokens == theirs._special_tokens
    assert ours._mergeable_ranks == theirs._mergeable_ranks


@pytest.mark.parametrize("name", ENCODINGS)
@given(text=st.one_of(texts, st.text(max_size=200)))
def test_count_is_tiktoken_s(name: str, text: str, originals: dict[str, tiktoken.Encoding]) -> None:
    """Any text counts as tiktoken counts it."""
    text = text.encode("utf-8", "ignore").decode()
    assert EncodingCounter(name).count_text(text) == len(originals[name].encode_ordinary(text))


@pytest.mark.parametrize("name", ENCODINGS)
def test_tokens_are_tiktoken_s(name: str, originals: dict[str, tiktoken.Encoding]) -> None:
    """Not the number alone but every token is the same, in many scripts and in code."""
    ours = EncodingCounter(name)._encoding
    assert ours is not None
    text = (ROOT / "examples/data/three-scripts.json").read_text(encoding="utf-8")
    text += (ROOT / "tests/content/test_tokens.py").read_text(encoding="utf-8")
    letters = random.Random(1).choices([chr(n) for n in range(1, 0x3000)], k=2000)
    text += "".join(letters)
    assert ours.encode_ordinary(text) == originals[name].encode_ordinary(text)


def test_special_tokens_count_as_text() -> None:
    """What looks like a special token is ordinary text, and no error."""
    assert EncodingCounter().count_text("<|endoftext|>") == 7
    assert EncodingCounter().count_text("") == 0


# -- the published rule


def count(*messages: dict[str, Any], name: str = "o200k_base") -> int:
    """Tokens of messages as a request."""
    return EncodingCounter(name).count_messages(list(messages))


def test_message_counts_by_the_published_rule(originals: dict[str, tiktoken.Encoding]) -> None:
    """A message is 3 + role + content, and 1 + name where it has one; a request is 3 more."""
    tokens = {name: len(originals["o200k_base"].encode(name)) for name in ("user", "Hello", "ada")}
    plain = 3 + tokens["user"] + tokens["Hello"]
    assert count({"role": "user", "content": "Hello"}) == 3 + plain
    assert (
        count({"role": "user", "content": "Hello", "name": "ada"}) == 3 + plain + 1 + tokens["ada"]
    )
    assert count() == 3


def test_example_of_the_cookbook() -> None:
    """OpenAI's own example: 129 tokens for gpt-4, 124 for gpt-4o, as the API billed them."""
    system = "You are a helpful, pattern-following assistant that translates corporate jargon into"
    turns = [
        ("example_user", "New synergies will help drive top-line growth."),
        ("example_assistant", "Things working well together will increase revenue."),
        (
            "example_user",
            CIRCLE,
        ),
        ("example_assistant", "Let's talk later when we're less busy about how to do better."),
    ]
    messages: list[dict[str, Any]] = [{"role": "system", "content": f"{system} plain English."}]
    messages += [{"role": "system", "name": name, "content": text} for name, text in turns]
    last = "This late pivot means we don't have time to boil the ocean for the client deliverable."
    messages.append({"role": "user", "content": last})
    assert count(*messages, name="cl100k_base") == 129
    assert count(*messages) == 124


def test_calls_count_with_name_and_arguments() -> None:
    """Each call adds its name and its arguments; null content adds nothing."""
    counter = EncodingCounter()
    bare = {"role": "assistant", "content": None}
    added = counter.count_text("look_up") + counter.count_text('{"a": 1}')
    assert count({**bare, "tool_calls": [CALL, CALL]}) == count(bare) + 2 * added


def test_parts_count_by_their_texts() -> None:
    """A list of parts counts what each part says."""
    parts = [{"type": "text", "text": "Hello"}, {"type": "text", "text": " there"}]
    one = count({"role": "user", "content": "Hello"})
    assert count({"role": "user", "content": parts}) == one + EncodingCounter().count_text(" there")


def test_result_counts_its_text() -> None:
    """A tool message counts like any other: its id is no text."""
    said = {"role": "tool", "content": "ok"}
    assert count({**said, "tool_call_id": "call_abc"}) == count(said)


# -- which counter


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (None, "o200k_base"),
        ("o200k_base", "o200k_base"),
        ("cl100k_base", "cl100k_base"),
        ("gpt-4o", "o200k_base"),
        ("gpt-4o-mini-2024-07-18", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-0613", "cl100k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("claude-sonnet-4-5", "o200k_base"),
        ("no such model", "o200k_base"),
        ("", "o200k_base"),
    ],
)
def test_tokenizer_is_an_encoding_or_a_model(given: str | None, name: str) -> None:
    """A name is an encoding's or a model's; a model nobody knows counts with the newest."""
    assert counter_for(given).name == name


class WordCounter:
    """A user's own counter: one token a word."""

    name = "words"

    def count_text(self, text: str) -> int:
        return len(text.split())

    def count_messages(self, messages: list[dict[str, Any]]) -> int:
        return sum(self.count_text(str(message["content"])) for message in messages)


def test_tokenizer_may_be_a_counter() -> None:
    """An object with name, count_text and count_messages is taken as it is."""
    counter = WordCounter()
    assert isinstance(counter, TokenCounter)
    assert counter_for(counter) is counter


@pytest.mark.parametrize("given", [5, object(), len, WordCounter.count_text])
def test_tokenizer_may_be_nothing_else(given: Any) -> None:
    """Anything else is a TypeError: a wrong call, not bad data."""
    with pytest.raises(TypeError):
        counter_for(given)
