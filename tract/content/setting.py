"""setting.py - what a setting may say: its key, its value, and the fields of its document.

A thing (`budget`, `chat`) has one document. What says where to send or who pays is no setting,
whoever wrote it: a context that was cloned must not be able to send a key to a stranger.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tract.content.checks import check_json
from tract.content.generation import TEXTS, LLMConfig, is_transport
from tract.content.tokens import encoding_of
from tract.errors import BadContent, UsageError

ENCODING = "encoding"
BUDGET = "budget"
OPERATIONS = ("default", "chat", "compress", "merge", "message", "orchestrate")
THINGS = (ENCODING, BUDGET, *OPERATIONS)
ACTIONS = ("warn", "reject")
TOKENS_MAX = 1 << 53
NAME_MAX = 200
SHOWN_MAX = 60
_WORD = "setting"  # the field in which a document says itself what it is
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}\Z")
_FIELDS = frozenset(LLMConfig.__struct_fields__)
_KEYS = (
    "keys are encoding, budget, budget.tokens, budget.action, and NAME.FIELD with NAME one of "
    + ", ".join(OPERATIONS)
)
_TYPES = (
    "model is a text, temperature a number, max_tokens a whole number, stop_sequences a list of "
    "texts; other names take any JSON"
)

Values = dict[str, Any]


# Keys


def split_key(key: str) -> tuple[str, str | None]:
    """The thing a key is about and the field of it, if it names one.

    Raises:
        UsageError: there is no such key.
    """
    thing, dot, field = key.partition(".")
    legal = thing in THINGS and thing != ENCODING if dot else thing in THINGS
    if legal and dot:
        legal = field in ("tokens", "action") if thing == BUDGET else _is_name(field)
    if not legal:
        raise UsageError(f"there is no setting {_shown(key)}", _KEYS)
    return thing, field if dot else None


def _is_name(field: str) -> bool:
    return _NAME.match(field) is not None and field != "extra"


def is_text(key: str) -> bool:
    """Whether the value of a key is a text, whatever it looks like."""
    return key in (ENCODING, f"{BUDGET}.action") or key.partition(".")[2] == "model"


def flat(thing: str, values: Values) -> dict[str, Any]:
    """The values of a thing by key, such as `chat.model`."""
    if thing == ENCODING:
        return dict(values)
    fields = values if thing == BUDGET else LLMConfig.from_dict(values).to_dict()
    return {f"{thing}.{name}": _listed(value) for name, value in fields.items()}


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def value_of(thing: str, field: str | None, values: Values) -> Any:
    """The value of a key; of a whole thing the encoding, the tokens, or a dict of fields.

    Raises:
        KeyError: it is not set.
    """
    by_key = flat(thing, values)
    if field is not None:
        return by_key[f"{thing}.{field}"]
    if thing in (ENCODING, BUDGET):
        return by_key[ENCODING if thing == ENCODING else "budget.tokens"]
    return {key.partition(".")[2]: value for key, value in by_key.items()}


# Changes


def with_value(thing: str, field: str | None, value: Any, before: Values) -> Values:
    """The values of a thing once one is set, or all of them where no field is named.

    Raises:
        UsageError: the value says where to send or who pays, or is none.
        BadContent: it is of the wrong type, or JSON cannot hold it.
    """
    key = f"{thing}.{field}" if field is not None else thing
    value = value.to_dict() if isinstance(value, LLMConfig) else value
    if value is None or (field is None and value == {}):
        raise UsageError(f"{key} was given no value", f"to take it away, unset {key}")
    check_json(value, key)
    _refuse_transport({field or thing: value})
    if thing == ENCODING:
        return checked(thing, {ENCODING: _known_encoding(value)})
    if field is None and (thing != BUDGET or isinstance(value, dict)):
        values = checked(thing, _as_fields(thing, value))
        if not values:
            raise UsageError(f"{key} was given no value", f"to take it away, unset {key}")
        return values
    if thing == BUDGET:
        return checked(thing, before | {field or "tokens": value})
    return checked(thing, _by_field(thing, before) | {str(field): value})


def without(thing: str, field: str, before: Values) -> Values:
    """The values of a thing once one is unset; none where nothing is left that says something."""
    if field == "tokens" and thing == BUDGET:
        return {}
    kept = before if thing == BUDGET else _by_field(thing, before)
    kept = {name: value for name, value in kept.items() if name != field}
    return checked(thing, kept) if kept else {}


def _by_field(thing: str, values: Values) -> Values:
    return {key.removeprefix(f"{thing}."): value for key, value in flat(thing, values).items()}


def _as_fields(thing: str, value: Any) -> Values:
    if not isinstance(value, dict):
        raise BadContent(
            f"{thing} takes several settings, not {_shown(value)}",
            f"give an object, or set one: {thing}.model",
        )
    return value


def _known_encoding(value: Any) -> str:
    if not isinstance(value, str) or encoding_of(value) is None:
        raise BadContent(
            f"{_shown(value)} is no encoding or model that can be counted here",
            "use o200k_base, cl100k_base, or a model of OpenAI's such as gpt-4o",
        )
    return value


def _refuse_transport(value: object) -> None:
    names = transport_in(value)
    if names:
        raise UsageError(
            f"{', '.join(map(shown, names))} says where to send or who pays, which is never kept",
            "give it to the program that calls the model; what is kept here goes with every clone",
        )


# Documents


def fields_of(thing: str, values: Values) -> dict[str, Any]:
    """The fields of a thing's document."""
    return {_WORD: thing, **values}


def says_it_is(fields: Mapping[str, Any]) -> object:
    """What a document says itself that it is."""
    return fields.get(_WORD)


def own_fields(fields: Mapping[str, Any]) -> Values:
    """The fields of a document without that word."""
    return {name: value for name, value in fields.items() if name != _WORD}


def transport_in(value: object, above: str = "", *, is_text: bool = False) -> list[str]:
    """The names of all keys in a value that say where to send or who pays, at any depth."""
    if isinstance(value, list | tuple):
        return [name for item in value for name in transport_in(item, above, is_text=is_text)]
    if not isinstance(value, Mapping):
        return []
    found: list[str] = []
    for key, item in value.items():
        if is_transport(str(key), None if is_text else item):
            found.append(f"{above}{key}")
        else:
            found += transport_in(item, f"{above}{key}.", is_text=is_text or key in TEXTS)
    return found


def checked(thing: str, values: Mapping[str, Any]) -> Values:
    """The values of a thing, each of the right type.

    Raises:
        BadContent: says which is not.
    """
    check_json(dict(values), thing)
    if thing == ENCODING:
        return _encoding(values)
    return _budget(values) if thing == BUDGET else _llm(thing, values)


def _encoding(values: Mapping[str, Any]) -> Values:
    name = values.get(ENCODING)
    if not isinstance(name, str) or values.keys() != {ENCODING} or not 0 < len(name) <= NAME_MAX:
        raise BadContent("the encoding is no name", "give a name such as o200k_base")
    return {ENCODING: name}


def _budget(values: Mapping[str, Any]) -> Values:
    tokens, action = values.get("tokens"), values.get("action", ACTIONS[0])
    if values.keys() - {"tokens", "action"}:
        raise BadContent("a budget has tokens and action, and nothing else")
    if tokens is None:
        raise BadContent("the budget has no number of tokens", "set budget first, such as 100000")
    if isinstance(tokens, bool) or not isinstance(tokens, int) or not 0 < tokens <= TOKENS_MAX:
        raise BadContent(
            f"{_shown(tokens)} is no number of tokens", "give a whole number from 1, such as 100000"
        )
    if action not in ACTIONS:
        raise BadContent(
            f"{_shown(action)} is no action of a budget", f"use {' or '.join(ACTIONS)}"
        )
    return {"tokens": tokens} | ({"action": action} if "action" in values else {})


def _llm(thing: str, values: Mapping[str, Any]) -> Values:
    try:
        config = LLMConfig.from_dict(values)
    except BadContent as error:
        said = error.message.removeprefix("generation_config: ")
        raise BadContent(f"{thing}: {said}", _TYPES) from error
    for name in config.extra:
        if name in _FIELDS or not _is_name(name):
            raise BadContent(
                f"{thing}: extra has the name {_shown(name)}",
                "names are letters, digits, - and _, and none that has a field of its own",
            )
    found: Values = msgspec.to_builtins(config)
    return found


# Words of others


def _shown(value: object) -> str:
    return shown(repr(value))


def shown(text: str, size_max: int = SHOWN_MAX) -> str:
    """A text of others on one line that can steer nothing, cut where it is long."""
    text = text if text.isprintable() else text.encode("unicode_escape").decode()
    return text if len(text) <= size_max else text[: size_max - 1] + "…"
