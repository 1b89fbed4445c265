"""generation.py - how an answer was made and what it cost: settings, usage, and their note lines.

A line of a generation note is one JSON object. Lines are only ever added, and joined by union, so
what is known of an entry is read off all its lines: the newest that has a field wins. Nothing that
says where a request goes or who pays for it is ever kept (docs/api.md, Opening).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from tract.content import codec
from tract.content.checks import check_json
from tract.errors import BadContent

_NAMES = frozenset({"baseurl", "apibase", "customllmprovider"})
_TELLING = frozenset(
    "key keys apikey token bearer secret secrets auth oauth authorization password passwd pwd pass"
    " passphrase jwt credential credentials creds cert certificate cookie header headers proxy"
    " proxies organization account project profile endpoint endpoints url urls uri host hosts"
    " server webhook".split()
)
_HARMLESS = "prompt_cache_key"
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
# Below these stands what a model is told or says, in which an address is a text like any other.
TEXTS = frozenset(
    "stop stop_sequences response_format schema json_schema tools functions metadata".split()
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
_SETTINGS = "a dict like {'model': 'gpt-4o', 'temperature': 0.2}, or an LLMConfig"
_USAGE = "give what the provider reported, such as {'prompt_tokens': 412, 'completion_tokens': 88}"


class LLMConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """The settings of a model call; None is not set. `extra` holds what has no field here."""

    model: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop_sequences: tuple[str, ...] | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    top_k: int | None = None
    seed: int | None = None
    extra: dict[str, Any] = {}

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> LLMConfig:
        """Settings given as a dict; keys without a field go to `extra`.

        Raises:
            BadContent: a value of another type than its field's, or one that JSON cannot hold.
        """
        check_json(dict(settings), "generation_config")
        extra = settings.get("extra") or {}
        if not isinstance(extra, Mapping):
            raise BadContent("generation_config: extra is no object", f"give {_SETTINGS}")
        extra = {**extra, **{key: settings[key] for key in settings if key not in _FIELDS}}
        fields = {key: value for key, value in settings.items() if key in _FIELDS}
        try:
            return msgspec.convert(fields | {"extra": extra}, cls)
        except msgspec.ValidationError as error:
            raise BadContent(f"generation_config: {error}", f"give {_SETTINGS}") from error

    def to_dict(self) -> dict[str, Any]:
        """The settings that are set, `extra` merged in; `from_dict` gives the same back."""
        known: dict[str, Any] = msgspec.to_builtins(self)
        extra: dict[str, Any] = known.pop("extra", {})
        return extra | known


_FIELDS = frozenset(LLMConfig.__struct_fields__)


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a provider counted for one answer; None is not reported.

    `prompt_tokens` is the whole prompt, cached tokens included; `cost_usd` in US dollars.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None


class Generation(msgspec.Struct, frozen=True):
    """What the notes say of one entry's answer."""

    config: LLMConfig | None = None
    usage: Usage | None = None
    request_digest: str | None = None


UNKNOWN = Generation()


def is_transport(key: str, value: object = None) -> bool:
    """Whether a setting says where to send or who pays (docs/api.md, Opening).

    Told by the words of its name, split at capitals and whatever is no letter, or by a value that
    is an address: litellm takes one as the model of some providers.
    """
    words = [word.lower() for word in _WORDS.findall(key)]
    whole = "".join(words)
    named = whole in _NAMES | _TELLING or not _TELLING.isdisjoint(words)
    return (named and key != _HARMLESS) or (key not in TEXTS and _is_address(value))


def _is_address(value: object) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_is_address, value))
    return isinstance(value, str) and "://" in value


def read_config(given: object) -> LLMConfig | None:
    """Settings as a caller gives them, without those that are never kept; None if none is left.

    Raises:
        BadContent: it is neither a dict nor an LLMConfig, or a value does not fit.
    """
    if given is None:
        return None
    settings = given.to_dict() if isinstance(given, LLMConfig) else given
    if not isinstance(settings, Mapping):
        raise BadContent("generation_config is no settings", f"give {_SETTINGS}")
    kept: dict[str, Any] = without_transport(settings)
    config = LLMConfig.from_dict(kept)
    return config if config != LLMConfig() else None


def without_transport(value: Any, *, is_text: bool = False) -> Any:
    """A value without the keys that say where to send or who pays, at any depth."""
    if isinstance(value, Mapping):
        told = {key: None if is_text else item for key, item in value.items()}
        keys = [key for key in value if not is_transport(str(key), told[key])]
        return {key: without_transport(value[key], is_text=is_text or key in TEXTS) for key in keys}
    if isinstance(value, list | tuple):
        return [without_transport(item, is_text=is_text) for item in value]
    return value


def read_usage(given: object) -> Usage:
    """Usage as OpenAI or Anthropic report it: a dict, or their client's object.

    Sources: OpenAI's API reference (the object `usage` of chat completions and of responses),
    Anthropic's (Messages, `usage`: `input_tokens` leaves cached tokens out).

    Raises:
        BadContent: no number of tokens is in it, or one is no count.
    """
    record = given if isinstance(given, Mapping) else _plain(given)
    cached = _count(record, "cached_tokens", "cache_read_input_tokens")
    cached = _detail(
        record, ("prompt_tokens_details", "input_tokens_details"), "cached_tokens", cached
    )
    reasoning = _count(record, "reasoning_tokens")
    details = ("completion_tokens_details", "output_tokens_details")
    reasoning = _detail(record, details, "reasoning_tokens", reasoning)
    prompt = _count(record, "prompt_tokens", "input_tokens")
    if prompt is not None and "prompt_tokens" not in record:
        beside = ("cache_read_input_tokens", "cache_creation_input_tokens")
        prompt += sum(_count(record, key) or 0 for key in beside)
    completion = _count(record, "completion_tokens", "output_tokens")
    if prompt is None and completion is None:
        raise BadContent("no number of tokens is in this usage", _USAGE)
    return Usage(prompt, completion, cached, reasoning, _cost(record))


def _plain(given: object) -> Mapping[str, Any]:
    dump = getattr(given, "model_dump", None)
    record = dump() if callable(dump) else getattr(given, "__dict__", None)
    if not isinstance(record, Mapping):
        raise BadContent(f"a {type(given).__name__} is no usage", _USAGE)
    return record


def _count(record: Mapping[str, Any], *keys: str) -> int | None:
    for key in keys:
        value = record.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise BadContent(f"usage: {key} is {value!r}, not a count", _USAGE)
        return value
    return None


def _detail(
    record: Mapping[str, Any], groups: tuple[str, ...], key: str, otherwise: int | None
) -> int | None:
    for group in groups:
        inner = record.get(group)
        inner = inner if isinstance(inner, Mapping) or inner is None else _plain(inner)
        if inner:
            found = _count(inner, key)
            if found is not None:
                return found
    return otherwise


def _cost(record: Mapping[str, Any]) -> float | None:
    value = record.get("cost_usd")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise BadContent(f"usage: cost_usd is {value!r}, not an amount", _USAGE)
    return float(value)


# Lines of notes


def note_line(
    at: str, entry_id: str, *, config: LLMConfig | None = None, usage: Usage | None = None
) -> str:
    """A line of a generation note; keys in FORMAT's order."""
    line: dict[str, Any] = {"at": at, "entry": entry_id}
    if config is not None:
        line |= msgspec.to_builtins(config)
    if usage is not None:
        line["usage"] = msgspec.to_builtins(usage)
    return codec.dump(line)


def of_entry(lines: Iterable[str], entry_id: str) -> Generation:
    """What note lines say of an entry; the newest line that has a field wins, in usage too.

    Lines that are no JSON object (somebody's own words), or of another entry, say nothing.
    """
    config: dict[str, Any] = {}
    usage: dict[str, Any] = {}
    digest = None
    records = [record for line in lines if (record := _record(line)) is not None]
    for record in sorted(records, key=lambda record: str(record.get("at", ""))):
        if record.get("entry") != entry_id:
            continue
        config |= _fitting(record, LLMConfig)
        usage |= _fitting(record.get("usage"), Usage)
        said = record.get("request_digest")
        digest = said if isinstance(said, str) else digest
    return Generation(
        LLMConfig(**config) if config else None, Usage(**usage) if usage else None, digest
    )


def _fitting(record: object, kind: type[LLMConfig] | type[Usage]) -> dict[str, Any]:
    """The fields of a record that are what they should be; others somebody else wrote."""
    found: dict[str, Any] = {}
    if not isinstance(record, dict):
        return found
    for key in kind.__struct_fields__:
        value = record.get(key)
        if value is not None:
            with suppress(msgspec.ValidationError):
                found[key] = getattr(msgspec.convert({key: value}, kind), key)
    return found


def lines_about(lines: Iterable[str], entry_id: str) -> list[str]:
    """The lines that are about an entry, as they stand."""
    return [line for line in lines if entry_of(line) == entry_id]


def newest_at(lines: Iterable[str]) -> str | None:
    """The newest moment that note lines are of, as they spell it."""
    said = (str((_record(line) or {}).get("at", "")) for line in lines)
    return max((at for at in said if _MOMENT.match(at)), default=None)


def entry_of(line: str) -> str:
    """The id of the entry a line is about; empty where it says none."""
    found = (_record(line) or {}).get("entry")
    return found if isinstance(found, str) else ""


def _record(line: str) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(line.encode("utf-8", "surrogateescape"))
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
