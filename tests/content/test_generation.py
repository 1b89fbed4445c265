"""test_generation.py - settings and usage: what is taken, what is kept, what is read back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tract.content.generation import (
    LLMConfig,
    Usage,
    is_transport,
    lines_about,
    note_line,
    of_entry,
    read_config,
    read_usage,
)
from tract.errors import BadContent

AT = "2026-11-25T03:16:25.347Z"


@given(
    st.builds(
        LLMConfig,
        model=st.none() | st.text(),
        temperature=st.none() | st.floats(0, 2),
        max_tokens=st.none() | st.integers(0, 2**31),
        stop_sequences=st.none() | st.lists(st.text()).map(tuple),
        extra=st.dictionaries(st.sampled_from(["user", "n", "logit_bias"]), st.integers()),
    )
)
def test_settings_come_back(config: LLMConfig) -> None:
    """What `to_dict` gives, `from_dict` takes, and a note line keeps."""
    assert LLMConfig.from_dict(config.to_dict()) == config
    if config.to_dict():
        assert of_entry([note_line(AT, "k" * 16, config=config)], "k" * 16).config == config


@pytest.mark.parametrize(
    "key",
    ["api_key", "apiKey", "API_KEY", "base_url", "api_base", "headers", "proxy", "organization",
     "aws_secret_access_key", "auth", "X-Auth-Token", "azure_ad_token", "extra_headers", "baseUrl",
     "Authorization", "azure_endpoint", "proxy_password", "vertex_credentials", "apikey", "bearer",
     "db_pwd", "passwd", "service_account", "client_cert", "baseurl", "BASEURL", "apibase",
     "endpoints", "APIkey", "apiKey2", "token1", "api.key", "api key", "vertex_project",
     "aws_profile_name", "custom_llm_provider", "webhook", "service_account_json", "callback_url"],
)  # fmt: skip
def test_what_says_who_pays(key: str) -> None:
    """Where a request goes and who pays for it is left out, however deep it stands."""
    assert is_transport(key)
    config = read_config({"model": "m", key: "x", "provider": {key: "x", "order": ["a"]}})
    assert config == LLMConfig(model="m", extra={"provider": {"order": ["a"]}})


@pytest.mark.parametrize(
    "key",
    ["prompt_cache_key", "max_tokens", "keyboard", "tokenizer", "author", "model", "monkey",
     "stop_sequences", "bypass", "posthoc", "top_k"],
)  # fmt: skip
def test_what_only_sounds_like_it(key: str) -> None:
    """A word that merely contains such a word is an ordinary setting."""
    assert not is_transport(key)


def test_an_address_is_left_out() -> None:
    """A value that is an address says where to send, whatever its name is."""
    given = {
        "model": "huggingface/https://x.example/",
        "seed": 1,
        "fallbacks": ["https://x.example"],
    }
    assert read_config(given) == LLMConfig(seed=1)


def test_an_address_in_a_text_stays() -> None:
    """What a model may say, or a schema's own words, may be an address."""
    schema = {"json_schema": {"schema": {"$schema": "https://json-schema.org/draft"}}}
    given = {"stop_sequences": ("https://",), "response_format": schema}
    config = read_config(given)
    assert config is not None
    assert config.to_dict() == given


@pytest.mark.parametrize(
    "given",
    [3, "gpt-4o", ["m"], {"temperature": "hot"}, {"model": 4}, {"x": float("nan")},
     {"x": object()}, {"model": "\ud800"}, {1: 2}],
)  # fmt: skip
def test_settings_that_cannot_be_kept(given: Any) -> None:
    """Anything but settings that JSON can hold is BadContent."""
    with pytest.raises(BadContent):
        read_config(given)


OPENAI = {
    "prompt_tokens": 412,
    "completion_tokens": 88,
    "total_tokens": 500,
    "prompt_tokens_details": {"cached_tokens": 256, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 64},
}
RESPONSES = {
    "input_tokens": 412,
    "output_tokens": 88,
    "input_tokens_details": {"cached_tokens": 256},
    "output_tokens_details": {"reasoning_tokens": 64},
}
ANTHROPIC = {
    "input_tokens": 100,
    "cache_creation_input_tokens": 56,
    "cache_read_input_tokens": 256,
    "output_tokens": 88,
}


@pytest.mark.parametrize(
    ("reported", "wanted"),
    [
        (OPENAI, Usage(412, 88, 256, 64)),
        (RESPONSES, Usage(412, 88, 256, 64)),
        (ANTHROPIC, Usage(412, 88, 256)),
        ({"prompt_tokens": 1}, Usage(1)),
        (OPENAI | {"cost_usd": 0.5}, Usage(412, 88, 256, 64, 0.5)),
    ],
)
def test_usage_of_providers(reported: dict[str, Any], wanted: Usage) -> None:
    """OpenAI's and Anthropic's reports say the same: the whole prompt, and what was cached."""
    assert read_usage(reported) == wanted
    nested = {
        key: SimpleNamespace(**value) if isinstance(value, dict) else value
        for key, value in reported.items()
    }
    assert read_usage(SimpleNamespace(**nested)) == wanted


@pytest.mark.parametrize(
    "reported",
    [{}, {"total_tokens": 3}, {"prompt_tokens": -1}, {"prompt_tokens": "3"}, 7, None,
     {"prompt_tokens": True}, {"prompt_tokens": 1, "cost_usd": -1},
     {"prompt_tokens": 1, "cost_usd": float("nan")}],
)  # fmt: skip
def test_what_is_no_usage(reported: Any) -> None:
    """A report without a count, or with one that is none, is BadContent."""
    with pytest.raises(BadContent):
        read_usage(reported)


def test_line_is_spelled_as_the_format_says() -> None:
    """`at` and `entry` come first, then the settings, then usage; what is not set is absent."""
    line = note_line(
        AT, "kqpxzmwvtlrsnoky", config=LLMConfig("gpt-4o", 0.2), usage=Usage(412, 88, 0)
    )
    assert line == (
        '{"at":"2026-11-25T03:16:25.347Z","entry":"kqpxzmwvtlrsnoky","model":"gpt-4o",'
        '"temperature":0.2,"usage":{"prompt_tokens":412,"completion_tokens":88,"cached_tokens":0}}'
    )


def test_newest_line_that_has_a_field_wins() -> None:
    """Lines are merged by `at`, whatever order they stand in; another entry's say nothing."""
    lines = [
        note_line("2026-01-03T00:00:00.000Z", "k", usage=Usage(9)),
        note_line(
            "2026-01-01T00:00:00.000Z",
            "k",
            config=LLMConfig("a", 0.1),
            usage=Usage(1, cost_usd=0.5),
        ),
        note_line("2026-01-02T00:00:00.000Z", "k", config=LLMConfig("b")),
        note_line("2026-01-04T00:00:00.000Z", "z", config=LLMConfig("c")),
        "somebody's own words",
        "[1]",
        '{"entry":"k","at":"2026-01-05","model":null,"usage":"much"}',
    ]
    found = of_entry(lines, "k")
    assert found.config == LLMConfig("b", 0.1)
    assert found.usage == Usage(9, cost_usd=0.5)
    assert lines_about(lines, "z") == [lines[3]]


def test_line_that_is_partly_nonsense() -> None:
    """What does not fit its field says nothing; the rest of the line, and other lines, count."""
    lines = [
        note_line(AT, "k", config=LLMConfig("m", 0.5), usage=Usage(1, 2)),
        '{"at":"2999","entry":"k","usage":{"prompt_tokens":"many","completion_tokens":7}}',
        '{"at":"2999","entry":"k","temperature":"hot","seed":3}',
    ]
    found = of_entry(lines, "k")
    assert found.config == LLMConfig("m", 0.5, seed=3)
    assert found.usage == Usage(1, 7)


def test_lines_of_a_newer_version() -> None:
    """Fields that this version does not know do no harm."""
    line = '{"at":"x","entry":"k","model":"m","request":"abc","options":{"order":[1]},"new":1}'
    assert of_entry([line], "k").config == LLMConfig("m")
    assert msgspec.json.decode(line)["new"] == 1


@pytest.mark.parametrize("extra", [5, "abc", [1]])
def test_extra_that_is_no_object(extra: object) -> None:
    """An `extra` that is no object is refused, whoever wrote it."""
    with pytest.raises(BadContent, match="extra is no object"):
        LLMConfig.from_dict({"extra": extra})
