"""tokens.py - count tokens exactly, without a network.

tiktoken would download its tables at first use. The same tables lie inside the litellm package
(and wherever TIKTOKEN_CACHE_DIR points); they are found without importing litellm, checked by
hash, and loaded when the first count is asked for, because loading takes half a second.
"""

from __future__ import annotations

import binascii
import hashlib
import importlib.util
import os
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from tract.content.messages import call_arguments, call_name

if TYPE_CHECKING:
    import tiktoken

PER_MESSAGE = 3
PER_NAME = 1
PER_REPLY = 3
DEFAULT_ENCODING = "o200k_base"
ESTIMATE = "bytes/4"
_BYTES_PER_TOKEN = 4


class _Table(NamedTuple):
    """Where an encoding's table is found, and what else defines the encoding (tiktoken's facts)."""

    file: str  # SHA-1 of the address tiktoken would ask: the name it caches the table under
    sha256: str
    pattern: str
    special: dict[str, int]


_CONTRACTED = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_UPPER = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}"
_LOWER = r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
_TABLES = {
    "o200k_base": _Table(
        "fb374d419588a4632f3f557e76b4b70aebbca790",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        "|".join(
            (
                rf"[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]*[{_LOWER}]+{_CONTRACTED}",
                rf"[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]+[{_LOWER}]*{_CONTRACTED}",
                r"\p{N}{1,3}",
                r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
                r"\s*[\r\n]+",
                r"\s+(?!\S)",
                r"\s+",
            )
        ),
        {"<|endoftext|>": 199999, "<|endofprompt|>": 200018},
    ),
    "cl100k_base": _Table(
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"
        r"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
        {
            "<|endoftext|>": 100257,
            "<|fim_prefix|>": 100258,
            "<|fim_middle|>": 100259,
            "<|fim_suffix|>": 100260,
            "<|endofprompt|>": 100276,
        },
    ),
}


@runtime_checkable
class TokenCounter(Protocol):
    """What counts tokens. `name` has no blanks; counts are stored beside it."""

    @property
    def name(self) -> str: ...

    def count_text(self, text: str) -> int: ...

    def count_messages(self, messages: list[dict[str, Any]]) -> int: ...


class EncodingCounter:
    """Counts with one of tiktoken's encodings; falls back to bytes / 4 where its table is nowhere.

    A message counts as OpenAI's cookbook says ("How to count tokens with tiktoken"), with its
    calls: 3 + role + content + (name: 1 + name) + each call's name and arguments; a list of
    messages counts their sum + 3.
    """

    def __init__(self, encoding: str = DEFAULT_ENCODING) -> None:
        self.encoding = encoding
        self._roles: dict[str, int] = {}

    @property
    def name(self) -> str:
        """The encoding's name, or `bytes/4` for the estimate."""
        return ESTIMATE if self.is_estimate else self.encoding

    @property
    def is_estimate(self) -> bool:
        """Whether no table was found, so that counts are bytes / 4; looks, and loads nothing."""
        return _table_file(self.encoding) is None

    @property
    def is_loaded(self) -> bool:
        """Whether counting is cheap by now: the table is loaded, or there is none."""
        return "_encoding" in self.__dict__ or self.is_estimate

    @cached_property
    def _encoding(self) -> tiktoken.Encoding | None:
        return _load(self.encoding)

    def count_text(self, text: str) -> int:
        """Tokens of a text; what looks like a special token is counted as ordinary text."""
        if self._encoding is None:
            return -(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN)
        return len(self._encoding.encode_ordinary(text))

    def count_messages(self, messages: list[dict[str, Any]]) -> int:
        """Tokens of OpenAI-shaped messages as a request."""
        return PER_REPLY + sum(self._count_message(message) for message in messages)

    def _count_message(self, message: Mapping[str, Any]) -> int:
        total = PER_MESSAGE + self._role(str(message.get("role", "")))
        total += sum(self.count_text(text) for text in _texts(message.get("content")))
        if message.get("name"):
            total += PER_NAME + self.count_text(str(message["name"]))
        for call in message.get("tool_calls") or ():
            total += self.count_text(call_name(call)) + self.count_text(call_arguments(call))
        return total

    def _role(self, role: str) -> int:
        if role not in self._roles:
            self._roles[role] = self.count_text(role)
        return self._roles[role]


def _texts(content: object) -> Iterable[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, dict) and isinstance(part.get("text"), str):
                yield part["text"]


def counter_for(tokenizer: str | TokenCounter | None) -> TokenCounter:
    """The counter that `tokenizer=` means: an encoding, a model's name, or a counter itself."""
    if tokenizer is None:
        return EncodingCounter()
    if isinstance(tokenizer, str):
        return EncodingCounter(encoding_of(tokenizer) or DEFAULT_ENCODING)
    if not isinstance(tokenizer, TokenCounter):
        raise TypeError("tokenizer is a name, or has name, count_text and count_messages")
    return tokenizer


def encoding_of(name: str) -> str | None:
    """The encoding that a name means, an encoding's or a model's; None where it is not known."""
    if name in _TABLES:
        return name
    from tiktoken.model import encoding_name_for_model

    try:
        known = encoding_name_for_model(name)
    except KeyError:
        return None
    return known if known in _TABLES else None


def has_table(encoding: str) -> bool:
    """Whether the table of an encoding is here; looked for, and not read."""
    return any((folder / _TABLES[encoding].file).is_file() for folder in _folders())


@lru_cache(maxsize=4)
def _load(name: str) -> tiktoken.Encoding | None:
    file = _table_file(name)
    data = _read(file) if file is not None else None
    return _build(name, _TABLES[name], data) if data is not None else None


@lru_cache(maxsize=4)
def _table_file(name: str) -> Path | None:
    """Where the encoding's table is, whole."""
    table = _TABLES[name]
    for folder in _folders():
        data = _read(folder / table.file)
        if data is not None and hashlib.sha256(data).hexdigest() == table.sha256:
            return folder / table.file
    return None


def _folders() -> Iterable[Path]:
    chosen = os.environ.get("TIKTOKEN_CACHE_DIR")
    if chosen:
        yield Path(chosen)
    spec = importlib.util.find_spec("litellm")
    for root in (spec.submodule_search_locations if spec else None) or ():
        yield Path(root) / "litellm_core_utils" / "tokenizers"


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _build(name: str, table: _Table, data: bytes) -> tiktoken.Encoding:
    import tiktoken

    words = data.split()
    tokens = map(binascii.a2b_base64, words[::2])
    ranks = dict(zip(tokens, map(int, words[1::2]), strict=True))
    return tiktoken.Encoding(
        name, pat_str=table.pattern, mergeable_ranks=ranks, special_tokens=table.special
    )
