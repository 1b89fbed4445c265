"""decoded.py - an entry and a page of entries in memory, with what is computed of them once."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import Any

import msgspec

from tract.content import codec
from tract.content.entry import Entry, with_fields
from tract.content.formats.plain import hash_of, to_dict
from tract.content.messages import Message, render
from tract.content.pairing import pair
from tract.content.tokens import TokenCounter
from tract.errors import BadObject, UsageError
from tract.plumbing.objects import read_blob
from tract.plumbing.pages import SlotFile, list_tools
from tract.plumbing.repo import BlobId, Repo, TreeId
from tract.porcelain.derived import PageFacts


class Item:
    """An entry where it stands, with what is computed of it once: message, tokens, hash."""

    __slots__ = (
        "_attachments",
        "_blob",
        "_entry",
        "_hash",
        "_label",
        "_tokens",
        "counter",
        "id",
        "message",
        "slot",
    )

    def __init__(
        self, file: SlotFile, entry: Entry, counter: TokenCounter, tokens: int | None = None
    ) -> None:
        # A hundred thousand are held at once: the file is kept in parts, and an entry that says
        # no more than its message is not kept beside it.
        self.slot, self._label, blob, self._attachments = file
        self._blob = bytes.fromhex(blob)
        self.message = render(entry)
        self.id = entry.id
        self._entry = None if entry == _as_said(self.message) else entry
        self.counter = counter
        self._tokens = tokens
        self._hash: bytes | None = None

    @property
    def entry(self) -> Entry:
        """The entry."""
        if self._entry is not None:
            return self._entry
        made = _as_said(self.message)
        assert made is not None
        return made

    @property
    def file(self) -> SlotFile:
        """Where it stands."""
        return SlotFile(self.slot, self._label, BlobId(self._blob.hex()), self._attachments)

    @property
    def tokens(self) -> int:
        """The entry's own number, whether or not it is shown."""
        if self._tokens is None:
            self._tokens = entry_tokens(self.entry, self.counter)
        return self._tokens

    @property
    def shown_tokens(self) -> int:
        """What it adds to the context: nothing where it is left out."""
        return self.tokens if self.message is not None else 0

    @property
    def hash(self) -> bytes:
        """SHA-256 of its message, for the digest."""
        if self._hash is None:
            self._hash = hash_of(to_dict(self.shown))
        return self._hash

    @property
    def shown(self) -> Message:
        """The message of an item that is shown."""
        assert self.message is not None
        return self.message


def _as_said(message: Message | None) -> Entry | None:
    """What somebody said and no more, as an entry."""
    if message is None:
        return None
    return Entry(
        type="dialogue",
        role=message.role,
        id=message.entry_ids[0],
        name=message.name,
        tool_calls=message.tool_calls,
        text=message.content,
    )


class EntryCount:
    """The tokens of an entry, counted when they are asked for, once."""

    __slots__ = ("_counter", "_entry", "_tokens")

    def __init__(self, entry: Entry, counter: TokenCounter) -> None:
        self._entry = entry
        self._counter = counter
        self._tokens: int | None = None

    def __call__(self) -> int:
        """The number."""
        if self._tokens is None:
            self._tokens = entry_tokens(self._entry, self._counter)
        return self._tokens


def entry_tokens(entry: Entry, counter: TokenCounter) -> int:
    """Tokens of an entry as `to_dicts()` renders it; one that is left out, as if it were shown."""
    message = render(with_fields(entry, priority="normal"))
    if message is None:
        message = Message(role="assistant", content=entry.text)
    return _count(counter, [to_dict(message)]) - _count(counter, [])


def _count(counter: TokenCounter, messages: list[dict[str, Any]]) -> int:
    """What a counter says; one of the program's own may fail in any way.

    Raises:
        UsageError: it failed.
    """
    try:
        return counter.count_messages(messages)
    except Exception as error:
        raise UsageError(
            f"the token counter {type(counter).__name__} failed: {error!r}",
            "mend it, or open without tokenizer=",
        ) from error


class DecodedPage:
    """The items of a page; `shown` are those that become messages, paired among themselves."""

    def __init__(self, items: list[Item], size_bytes: int) -> None:
        self.items = items
        self.size_bytes = size_bytes
        self.shown = [item for item in items if item.message is not None]
        self.pairing = pair([item.shown for item in self.shown])
        self.ordered = [self.shown[position] for position in self.pairing.order]
        if self.ordered == self.shown:
            self.ordered = self.shown
        self.messages = [item.shown for item in self.ordered]
        self.is_closed = not self.pairing.open and not self.pairing.orphans
        self.has_nameless = any(
            item.shown.role == "tool" and not item.shown.tool_call_id for item in self.shown
        )

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids of its entries."""
        return frozenset(item.id for item in self.items)

    @cached_property
    def by_file(self) -> dict[SlotFile, Item]:
        """Its entries by the file they stand in."""
        return {item.file: item for item in self.items}

    def open_calls_of(self, call_id: str) -> int:
        """How many calls of that id the page leaves open."""
        turns = ((self.shown[at.turn].shown, at.number) for at in self.pairing.open)
        return sum(message.tool_calls[number].get("id") == call_id for message, number in turns)

    def orphans_of(self, call_id: str) -> int:
        """How many results of that id answer a call before the page, or none."""
        results = (self.shown[at].shown for at in self.pairing.orphans)
        return sum(result.tool_call_id == call_id for result in results)

    @cached_property
    def tokens(self) -> int:
        return sum(item.tokens for item in self.shown)

    @cached_property
    def facts(self) -> PageFacts:
        """What is kept of the page in the index."""
        priorities = [item.entry.priority for item in self.items]
        return PageFacts(
            tokens=tuple(item.tokens for item in self.items),
            shown_tokens=self.tokens,
            pinned=priorities.count("pinned"),
            skipped=priorities.count("skip"),
            is_closed=self.is_closed,
            has_nameless=self.has_nameless,
            has_shared=bool(shared_slots(self.items)),
        )


def shared_slots(items: list[Item]) -> list[int]:
    """The slots at which more than one entry stands."""
    slots = [item.slot for item in items]
    return sorted({slot for slot, following in pairwise(slots) if slot == following})


def total_tokens(shown_tokens: int, counter: TokenCounter) -> int:
    """Tokens of a request: what is shown plus the reply's priming; nothing shown counts nothing."""
    return shown_tokens + _count(counter, []) if shown_tokens else 0


def read_entry(repo: Repo, file: SlotFile) -> Entry:
    """The entry that stands at a slot."""
    data = read_blob(repo, file.blob)
    return codec.decode(data, label=file.label, path=file.path, blob=file.blob)


def read_tools(repo: Repo, tree: TreeId) -> list[dict[str, Any]]:
    """The tool definitions in force, in the order they are sent."""
    tools = []
    for name, blob in list_tools(repo, tree):
        try:
            tool = msgspec.json.decode(read_blob(repo, blob))
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadObject(
                f"tools/{name} is no JSON: {error}", "mend it with stock git"
            ) from error
        tools.append(tool)
    return tools
