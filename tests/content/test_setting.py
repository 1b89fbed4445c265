"""test_setting.py - what a setting may say: keys, types, and nothing that says where to send."""

from __future__ import annotations

from typing import Any

import pytest

from tract.content.generation import LLMConfig
from tract.content.setting import (
    BUDGET,
    ENCODING,
    OPERATIONS,
    checked,
    flat,
    is_text,
    shown,
    split_key,
    transport_in,
    value_of,
    with_value,
    without,
)
from tract.content.tokens import encoding_of, has_table
from tract.errors import BadContent, UsageError

# Keys


@pytest.mark.parametrize("operation", OPERATIONS)
def test_keys_of_operations(operation: str) -> None:
    """An operation is a key, and so is each name in it."""
    assert split_key(operation) == (operation, None)
    assert split_key(f"{operation}.model") == (operation, "model")
    assert split_key(f"{operation}.reasoning_effort") == (operation, "reasoning_effort")


@pytest.mark.parametrize("key", ["encoding", "budget", "budget.tokens", "budget.action"])
def test_other_keys(key: str) -> None:
    """The encoding is one value, a budget has two."""
    assert ".".join(filter(None, split_key(key))) == key


@pytest.mark.parametrize(
    "key",
    ["", ".", "chat.", ".model", "nope", "nope.model", "encoding.x", "budget.x", "chat.extra",
     "chat.a b", "chat.a.b", "chat.\n", "chat.9", "Chat", "chat.model\n", "chat." + "x" * 65],
)  # fmt: skip
def test_no_keys(key: str) -> None:
    """Anything else is no key, and the error lists those there are."""
    with pytest.raises(UsageError, match="no setting") as caught:
        split_key(key)
    assert "budget.action" in str(caught.value.hint)


def test_keys_of_texts() -> None:
    """The encoding, an action of the budget and a model are texts whatever they look like."""
    keys = ("encoding", "budget.action", "chat.model", "budget", "chat", "chat.action", "chat.seed")
    assert [is_text(key) for key in keys] == [True] * 3 + [False] * 4


# Setting


def test_field_by_field() -> None:
    """A field is set beside those that are there; None of them is lost."""
    values = with_value("chat", "model", "gpt-4o", {})
    values = with_value("chat", "temperature", 0, values)
    values = with_value("chat", "effort", {"level": [1]}, values)
    assert flat("chat", values) == {
        "chat.model": "gpt-4o",
        "chat.temperature": 0.0,
        "chat.effort": {"level": [1]},
    }


def test_all_fields_at_once() -> None:
    """A dict or an LLMConfig stands in place of all that was there."""
    before = with_value("chat", "seed", 4, {})
    for whole in ({"model": "m", "x": 1}, LLMConfig(model="m", extra={"x": 1})):
        values = with_value("chat", None, whole, before)
        assert value_of("chat", None, values) == {"model": "m", "x": 1}


def test_budget_by_parts() -> None:
    """A budget alone is its tokens; an action is kept when they change."""
    values = with_value(BUDGET, None, 5000, {})
    values = with_value(BUDGET, "action", "reject", values)
    assert with_value(BUDGET, None, 6000, values) == {"tokens": 6000, "action": "reject"}
    assert with_value(BUDGET, None, {"tokens": 7}, values) == {"tokens": 7}
    assert value_of(BUDGET, None, values) == 5000


def test_unset_by_parts() -> None:
    """Without its tokens nothing is left of a budget; without its last field nothing of chat."""
    budget = {"tokens": 5, "action": "warn"}
    assert without(BUDGET, "action", budget) == {"tokens": 5}
    assert without(BUDGET, "tokens", budget) == {}
    chat = with_value("chat", None, {"model": "m", "x": 1}, {})
    assert flat("chat", without("chat", "x", chat)) == {"chat.model": "m"}
    assert without("chat", "model", without("chat", "x", chat)) == {}


BAD: list[tuple[str, str | None, Any]] = [
    (ENCODING, None, "klingon"),
    (ENCODING, None, 4),
    (ENCODING, None, "claude-3"),
    (ENCODING, None, ""),
    (BUDGET, None, 0),
    (BUDGET, None, -1),
    (BUDGET, None, True),
    (BUDGET, None, 5.0),
    (BUDGET, None, "5000"),
    (BUDGET, None, 2**60),
    (BUDGET, None, 10**5000),
    (BUDGET, None, {"action": "warn"}),
    (BUDGET, None, {"tokens": 5, "x": 1}),
    (BUDGET, "action", "warn"),
    ("chat", None, "gpt-4o"),
    ("chat", None, ["gpt-4o"]),
    ("chat", None, {"extra": {"model": "m"}}),
    ("chat", None, {"extra": 5}),
    ("chat", None, {"a b": 5}),
    ("chat", None, {5: 5}),
    ("chat", "model", 4),
    ("chat", "temperature", "hot"),
    ("chat", "temperature", True),
    ("chat", "temperature", float("nan")),
    ("chat", "temperature", float("inf")),
    ("chat", "max_tokens", 5.5),
    ("chat", "max_tokens", False),
    ("chat", "stop_sequences", "END"),
    ("chat", "stop_sequences", [1]),
    ("chat", "x", "\ud800"),
    ("chat", "x", {"\ud800": 1}),
    ("chat", "x", {1: 1}),
    ("chat", "x", {1, 2}),
    ("chat", "x", b"bytes"),
    ("chat", "x", 10**5000),
]


@pytest.mark.parametrize(("thing", "field", "value"), BAD, ids=lambda value: ascii(value)[:20]
                         if not isinstance(value, int) else "int")  # fmt: skip
def test_bad_values(thing: str, field: str | None, value: Any) -> None:
    """A value that cannot be one is refused, in few words."""
    with pytest.raises(BadContent) as caught:
        with_value(thing, field, value, {})
    assert len(caught.value.message) < 200


def test_endless_nesting() -> None:
    """A value that holds itself is refused."""
    value: list[Any] = []
    value.append(value)
    with pytest.raises(BadContent, match="nested"):
        with_value("chat", "x", value, {})


@pytest.mark.parametrize("value", [None, {}, LLMConfig()])
def test_no_value(value: Any) -> None:
    """Nothing is no value: the hint says unset."""
    with pytest.raises(UsageError) as caught:
        with_value("chat", None, value, {})
    assert "unset chat" in str(caught.value.hint)


@pytest.mark.parametrize(("name", "encoding"), [("o200k_base", "o200k_base"),
                                                ("cl100k_base", "cl100k_base"),
                                                ("gpt-4o", "o200k_base"),
                                                ("gpt-4", "cl100k_base"),
                                                ("text-davinci-003", None),
                                                ("klingon", None)])  # fmt: skip
def test_encoding_of(name: str, encoding: str | None) -> None:
    """An encoding or a model of OpenAI's has a table here; of others it is not known."""
    assert encoding_of(name) == encoding
    assert encoding is None or has_table(encoding)


# Where to send, who pays


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("api_key", "sk"),
        ("base_url", "https://evil.example"),
        ("apiBase", "x"),
        ("extra_headers", {}),
        ("organization", "org"),
        ("http-proxy", "x"),
        ("aws_secret_access_key", "x"),
        ("azure_ad_token", "x"),
        ("x", {"a": [{"b": {"Authorization": 1}}]}),
        ("fallbacks", [{"model": "m", "api_key": "sk"}]),
        ("model", "huggingface/https://evil.example"),
        ("fallbacks", [{"model": "huggingface/https://evil.example"}]),
    ],
)
def test_transport_is_refused(field: str, value: Any) -> None:
    """What says where to send or who pays is refused at any depth, and the value is not said."""
    for given in ((field, value), (None, {field: value}), (None, {"extra": {field: value}})):
        with pytest.raises(UsageError, match="where to send or who pays") as caught:
            with_value("chat", given[0], given[1], {"model": "m"})
        assert "evil.example" not in caught.value.message
        assert not isinstance(caught.value, BadContent)


def test_transport_is_named_by_its_path() -> None:
    """Each key is named with what it stands in; what only looks like one is not."""
    harmless = {"max_tokens": 5, "n": "key", "prompt_cache_key": "x", "schema": "https://x.example"}
    fields = {"a": {"headers": {"token": 1}}, "b": [{"api_key": 1}], **harmless, "c": ["x://y"]}
    assert transport_in(fields) == ["a.headers", "b.api_key", "c"]


# What documents of others hold


@pytest.mark.parametrize(
    ("thing", "values"),
    [
        (ENCODING, {}),
        (ENCODING, {"encoding": 5}),
        (ENCODING, {"encoding": ""}),
        (ENCODING, {"encoding": "x" * 201}),
        (ENCODING, {"encoding": "o200k_base", "x": 1}),
        (BUDGET, {}),
        (BUDGET, {"tokens": "5"}),
        (BUDGET, {"tokens": 5, "action": "explode"}),
        (BUDGET, {"tokens": 5, "action": ["warn"]}),
        ("chat", {"extra": "abc"}),
        ("chat", {"extra": [1]}),
        ("chat", {"extra": {"extra": {"model": "m"}}}),
        ("chat", {"model": ["m"]}),
        ("chat", {"a\x1bb": 1}),
        ("chat", {"x": {"y": [[[]]] * 3}, "seed": 1.5}),
    ],
)
def test_checked_refuses(thing: str, values: dict[str, Any]) -> None:
    """Values of the wrong type are refused, in words that can steer no terminal."""
    with pytest.raises(BadContent) as caught:
        checked(thing, values)
    assert caught.value.message.isprintable()


def test_unknown_encoding_can_be_read() -> None:
    """An encoding that is not known here is a name all the same: another version may know it."""
    assert checked(ENCODING, {"encoding": "o300k_base"}) == {"encoding": "o300k_base"}


def test_shown() -> None:
    """A text of others is one line that can be printed, and cut."""
    assert shown("a\n\x1b[2Jb\u202e\udcff") == "a\\n\\x1b[2Jb\\u202e\\udcff"
    assert shown("x" * 100) == "x" * 59 + "…"
