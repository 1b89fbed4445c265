"""context.py - the entries of one tree, decoded, counted and paired once a page.

A page is decoded once per tree id and kept (least recently used goes, bounded in bytes). A page
that differs from its earlier version in one slot takes the other entries from there, so an append
or an edit costs one blob. Tool groups that begin and end on one page are paired there; only what
a page leaves open is looked at across pages.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from tract.content import codec
from tract.content.entry import Entry, with_fields
from tract.content.formats.plain import hash_of, to_dict
from tract.content.messages import Message, PendingCall, render
from tract.content.pairing import CallAt, pair, pending
from tract.content.tokens import TokenCounter
from tract.errors import BadObject
from tract.plumbing.objects import read_blob
from tract.plumbing.pages import Page, SlotFile, list_pages, list_tools, read_page
from tract.plumbing.repo import Repo, TreeId

CACHE_BYTES_MAX = 128 << 20
CONTEXTS_MAX = 4
_ENTRY_OVERHEAD_BYTES = 1000


class Item:
    """An entry where it stands, with what is computed of it once: message, tokens, hash."""

    __slots__ = ("_counter", "_hash", "_tokens", "entry", "file", "message")

    def __init__(self, file: SlotFile, entry: Entry, counter: TokenCounter) -> None:
        self.file = file
        self.entry = entry
        self.message = render(entry)
        self._counter = counter
        self._tokens: int | None = None
        self._hash: bytes | None = None

    @property
    def tokens(self) -> int:
        """The entry's own number, whether or not it is shown."""
        if self._tokens is None:
            self._tokens = entry_tokens(self.entry, self._counter)
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


def entry_tokens(entry: Entry, counter: TokenCounter) -> int:
    """Tokens of an entry as `to_dicts()` renders it; one that is left out, as if it were shown."""
    message = render(with_fields(entry, priority="normal"))
    if message is None:
        message = Message(role="assistant", content=entry.text)
    return counter.count_messages([to_dict(message)]) - counter.count_messages([])


class _DecodedPage:
    """The items of a page; `shown` are those that become messages, paired among themselves."""

    def __init__(self, items: list[Item], size_bytes: int) -> None:
        self.items = items
        self.size_bytes = size_bytes
        self.ids = frozenset(item.entry.id for item in items)
        self.shown = [item for item in items if item.message is not None]
        self.pairing = pair([item.shown for item in self.shown])
        self.ordered = [self.shown[position] for position in self.pairing.order]
        self.is_closed = not self.pairing.open and not self.pairing.orphans
        self.has_nameless = any(
            item.shown.role == "tool" and not item.shown.tool_call_id for item in self.shown
        )

    @cached_property
    def tokens(self) -> int:
        return sum(item.tokens for item in self.shown)


class _Arranged(NamedTuple):
    """The shown items in the order they are sent, and what does not belong together."""

    items: list[Item]
    open: list[PendingCall]
    orphans: list[Item]


class Context:
    """The entries of a tree in order."""

    def __init__(self, pages: list[_DecodedPage], tools: list[dict[str, Any]]) -> None:
        if sum(len(page.items) for page in pages) != len(_all_ids(pages)):
            pages = [_with_single_ids(pages)]
        self._pages = pages
        self.tools = tools

    @cached_property
    def items(self) -> list[Item]:
        """Every entry, skipped ones too, in slot order."""
        return [item for page in self._pages for item in page.items]

    @cached_property
    def _arranged(self) -> _Arranged:
        return _arrange(self._pages)

    @property
    def shown(self) -> list[Item]:
        """What is sent, results right behind their calls."""
        return self._arranged.items

    @property
    def open_calls(self) -> list[PendingCall]:
        """Calls that no result answers."""
        return self._arranged.open

    @property
    def orphans(self) -> list[Item]:
        """Results that answer no call."""
        return self._arranged.orphans

    @cached_property
    def tokens(self) -> int:
        """The sum of what is shown, without the request's own overhead."""
        return sum(page.tokens for page in self._pages)

    @property
    def entry_count(self) -> int:
        return sum(len(page.items) for page in self._pages)

    def item_at(self, slot: int) -> Item | None:
        """The entry at a slot (the first in path order where a slot is shared)."""
        for page in self._pages:
            if page.items and page.items[0].file.slot <= slot <= page.items[-1].file.slot:
                return next((item for item in page.items if item.file.slot == slot), None)
        return None

    def items_called(self, prefix: str) -> list[Item]:
        """The entries whose id begins so."""
        if len(prefix) == 16:
            pages = [page for page in self._pages if prefix in page.ids]
            return [i for page in pages for i in page.items if i.entry.id == prefix]
        return [item for item in self.items if item.entry.id.startswith(prefix)]

    def open_calls_with(self, call_id: str) -> bool:
        """Whether a call of that id is unanswered; looks at pages from the end."""
        if any(page.has_nameless for page in self._pages):
            return any(call.id == call_id for call in self.open_calls)
        answered = 0
        for page in reversed(self._pages):
            shown = page.shown
            opens = [at for at in page.pairing.open if _id_of(shown, at) == call_id]
            if len(opens) > answered:
                return True
            answered -= len(opens)
            answered += sum(
                1 for at in page.pairing.orphans if shown[at].shown.tool_call_id == call_id
            )
        return False


def _id_of(shown: Sequence[Item], at: CallAt) -> object:
    return shown[at.turn].shown.tool_calls[at.number].get("id")


def total_tokens(shown_tokens: int, counter: TokenCounter) -> int:
    """Tokens of a request: what is shown plus the reply's priming; nothing shown counts nothing."""
    return shown_tokens + counter.count_messages([]) if shown_tokens else 0


def _all_ids(pages: Iterable[_DecodedPage]) -> set[str]:
    return set().union(*(page.ids for page in pages))


def _with_single_ids(pages: Iterable[_DecodedPage]) -> _DecodedPage:
    """All pages as one, in which a second copy of an id counts as an entry without id."""
    seen: set[str] = set()
    items: list[Item] = []
    for item in (item for page in pages for item in page.items):
        if item.entry.id in seen:
            fresh = codec.derived_id(item.file.path, item.file.blob)
            item = Item(item.file, with_fields(item.entry, id=fresh), item._counter)
        seen.add(item.entry.id)
        items.append(item)
    return _DecodedPage(items, 0)


# Order across pages


def _arrange(pages: Sequence[_DecodedPage]) -> _Arranged:
    all_closed = all(page.is_closed for page in pages)
    if not all_closed and any(page.has_nameless for page in pages):
        # A result without id may answer a call anywhere earlier: no page can tell alone.
        return _of_single(_DecodedPage([item for page in pages for item in page.items], 0))
    residue = _Residue(pages)
    items: list[Item] = []
    for number, page in enumerate(pages):
        items.extend(residue.rearranged(number) if number in residue.touched else page.ordered)
    return _Arranged(items, residue.open, residue.orphans)


def _of_single(page: _DecodedPage) -> _Arranged:
    opens = [pending(page.shown[at.turn].shown, at.number) for at in page.pairing.open]
    return _Arranged(page.ordered, opens, [page.shown[at] for at in page.pairing.orphans])


class _Residue:
    """What pages leave unpaired, paired across them: (page, position) of calls and results."""

    def __init__(self, pages: Sequence[_DecodedPage]) -> None:
        self._pages = pages
        self._at: list[tuple[int, int]] = []
        self._numbers: list[list[int]] = []
        pairing = pair(self._messages())
        self._behind: dict[tuple[int, int], list[Item]] = {}
        self._moved: set[tuple[int, int]] = set()
        for result, call in pairing.answers.items():
            self._move(self._at[result], self._at[call.turn])
        self.touched = {page for page, _ in (*self._behind, *self._moved)}
        self.open = [self._pending(at) for at in pairing.open]
        self.orphans = [self._item(self._at[position]) for position in pairing.orphans]

    def _messages(self) -> list[Message]:
        """Of each page left open: its orphans, then its turns with the open calls alone."""
        messages: list[Message] = []
        for number, page in enumerate(self._pages):
            if page.is_closed:
                continue
            turns: dict[int, list[int]] = {}
            for at in page.pairing.open:
                turns.setdefault(at.turn, []).append(at.number)
            for position in (*page.pairing.orphans, *turns):
                message = page.shown[position].shown
                numbers = turns.get(position, [])
                calls = tuple(message.tool_calls[n] for n in numbers)
                messages.append(msgspec.structs.replace(message, tool_calls=calls))
                self._at.append((number, position))
                self._numbers.append(numbers)
        return messages

    def _item(self, at: tuple[int, int]) -> Item:
        return self._pages[at[0]].shown[at[1]]

    def _pending(self, at: CallAt) -> PendingCall:
        return pending(self._item(self._at[at.turn]).shown, self._numbers[at.turn][at.number])

    def _move(self, result: tuple[int, int], call: tuple[int, int]) -> None:
        self._behind.setdefault(call, []).append(self._item(result))
        self._moved.add(result)

    def rearranged(self, number: int) -> list[Item]:
        """The page's items without results that belong elsewhere, with those that belong here."""
        page = self._pages[number]
        items: list[Item] = []
        coming: list[Item] = []
        for position in page.pairing.order:
            if position not in page.pairing.answers:
                items.extend(coming)
                coming = self._behind.get((number, position), [])
            if (number, position) not in self._moved:
                items.append(page.shown[position])
        return items + coming


# Reading and keeping


class ContextCache:
    """Decoded pages by tree id, and the last few contexts."""

    def __init__(self, repo: Repo, counter: TokenCounter) -> None:
        self._repo = repo
        self._counter = counter
        self._pages: OrderedDict[Page, _DecodedPage] = OrderedDict()
        self._newest: dict[int, Page] = {}
        self._contexts: OrderedDict[TreeId, Context] = OrderedDict()
        self._bytes = 0
        self._lock = threading.RLock()

    def read(self, tree: TreeId | None) -> Context:
        """The context of a tree.

        Raises:
            BadObject: an entry or a tree cannot be read; names it.
        """
        if tree is None:
            return Context([], [])
        with self._lock:
            found = self._contexts.get(tree)
            if found is None:
                pages = [self._page(page) for page in list_pages(self._repo, tree)]
                found = Context(pages, read_tools(self._repo, tree))
                self._contexts[tree] = found
            self._contexts.move_to_end(tree)
            while len(self._contexts) > CONTEXTS_MAX:
                self._contexts.popitem(last=False)
            return found

    def _page(self, page: Page) -> _DecodedPage:
        found = self._pages.get(page)
        if found is not None:
            self._pages.move_to_end(page)
            return found
        decoded = self._decode(page)
        self._pages[page] = decoded
        self._newest[page.first] = page
        self._bytes += decoded.size_bytes
        while self._bytes > CACHE_BYTES_MAX and len(self._pages) > 1:
            _, dropped = self._pages.popitem(last=False)
            self._bytes -= dropped.size_bytes
        return decoded

    def _decode(self, page: Page) -> _DecodedPage:
        earlier = self._pages.get(self._newest.get(page.first, page))
        known = {item.file: item for item in earlier.items} if earlier is not None else {}
        items = []
        for file in read_page(self._repo, page):
            items.append(known.get(file) or Item(file, read_entry(self._repo, file), self._counter))
        size = sum(len(item.entry.text) + _ENTRY_OVERHEAD_BYTES for item in items)
        return _DecodedPage(items, size)


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
