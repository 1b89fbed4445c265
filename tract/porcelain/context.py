"""context.py - the entries of one tree, decoded, counted and paired once a page.

A page is decoded once per tree id and kept (least recently used goes, bounded in bytes). A page
that differs from its earlier version in one slot takes the other entries from there, so an append
or an edit costs one blob.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from tract.content import codec
from tract.content.entry import with_fields
from tract.content.messages import Message, PendingCall
from tract.content.tokens import TokenCounter
from tract.plumbing.pages import PAGE_SLOTS, Page, SlotFile, list_pages, read_page
from tract.plumbing.repo import Repo, TreeId
from tract.plumbing.threads import ThreadLock
from tract.porcelain.arrange import Arranged, arrange
from tract.porcelain.decoded import DecodedPage, Item, read_entry, read_tools, shared_slots
from tract.porcelain.derived import Derived, PageFacts

CACHE_BYTES_MAX = 128 << 20
CONTEXTS_MAX = 4
FRESH_MAX = 3
LISTED_MAX = 64
_ENTRY_OVERHEAD_BYTES = 1000


class Context:
    """The entries of a tree in order."""

    def __init__(
        self,
        pages: list[DecodedPage],
        tools: list[dict[str, Any]],
        earlier: Context | None = None,
    ) -> None:
        self._has_copies = _has_copies(pages, earlier)
        self._pages = [_with_single_ids(pages)] if self._has_copies else pages
        self.tools = tools

    @cached_property
    def items(self) -> list[Item]:
        """Every entry, skipped ones too, in slot order."""
        return [item for page in self._pages for item in page.items]

    @cached_property
    def _arranged(self) -> Arranged:
        return arrange(self._pages)

    @property
    def shown(self) -> list[Item]:
        """What is sent, results right behind their calls."""
        return self._arranged.items

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages of what is sent."""
        return self._arranged.messages

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
                return next((item for item in page.items if item.slot == slot), None)
        return None

    def items_called(self, prefix: str) -> list[Item]:
        """The entries whose id begins so."""
        if len(prefix) == 16:
            pages = [page for page in self._pages if prefix in page.ids]
            return [i for page in pages for i in page.items if i.entry.id == prefix]
        return [item for item in self.items if item.id.startswith(prefix)]


def _has_copies(pages: list[DecodedPage], earlier: Context | None) -> bool:
    """Whether an id stands twice; beside an earlier context only what is new is looked up."""
    was = earlier._pages if earlier is not None and not earlier._has_copies else []
    fresh = {
        at: page.ids - was[at].ids if at < len(was) else page.ids
        for at, page in enumerate(pages)
        if at >= len(was) or page is not was[at]
    }
    if len(fresh) > FRESH_MAX:
        ids = {item.id for page in pages for item in page.items}
        return sum(len(page.items) for page in pages) != len(ids)
    return any(len(pages[at].items) != len(pages[at].ids) for at in fresh) or any(
        at != other and not new.isdisjoint(page.ids)
        for at, new in fresh.items()
        for other, page in enumerate(pages)
    )


def _with_single_ids(pages: Iterable[DecodedPage]) -> DecodedPage:
    """All pages as one, in which a second copy of an id counts as an entry without id."""
    seen: set[str] = set()
    items: list[Item] = []
    for item in (item for page in pages for item in page.items):
        if item.id in seen:
            fresh = codec.derived_id(item.file.path, item.file.blob)
            item = Item(item.file, with_fields(item.entry, id=fresh), item.counter)
        seen.add(item.id)
        items.append(item)
    return DecodedPage(items, 0)


class Summary(NamedTuple):
    """What is counted of a context; calls and results only where they are not whole pages' own."""

    entry_count: int
    tokens: int
    pinned: int
    skipped: int
    open_calls: list[PendingCall]
    orphans: list[Item]
    shared: list[int]


class ContextCache:
    """Decoded pages by tree id, and the last few contexts."""

    def __init__(self, repo: Repo, counter: TokenCounter, derived: Derived) -> None:
        self._repo = repo
        self._counter = counter
        self._derived = derived
        self._pages: OrderedDict[Page, DecodedPage] = OrderedDict()
        self._newest: dict[int, Page] = {}
        self._contexts: OrderedDict[TreeId, Context] = OrderedDict()
        self._bytes = 0
        self._listed: dict[int, Page] = {}
        self._listed_counts: dict[Page, dict[SlotFile, int]] = {}
        self._lock = ThreadLock()

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
                pages = self._pages_of(list_pages(self._repo, tree))
                earlier = next(reversed(self._contexts.values()), None)
                found = Context(pages, read_tools(self._repo, tree), earlier)
                self._contexts[tree] = found
            self._contexts.move_to_end(tree)
            while len(self._contexts) > CONTEXTS_MAX:
                self._contexts.popitem(last=False)
            return found

    def summary(self, tree: TreeId | None) -> Summary:
        """The counts of a tree's context; what the index knows is not decoded.

        Raises:
            BadObject: an entry or a tree cannot be read; names it.
        """
        with self._lock:
            pages = list_pages(self._repo, tree) if tree is not None else []
            facts = self._facts(pages)
            self._listed = {page.first: page for page in pages}
            unsettled = [
                page for page, known in zip(pages, facts, strict=True) if not known.is_closed
            ]
            if unsettled and any(known.has_nameless for known in facts):
                unsettled = pages
            arranged = arrange(self._pages_of(unsettled))
            shared = [page for page, known in zip(pages, facts, strict=True) if known.has_shared]
            return Summary(
                entry_count=sum(len(known.tokens) for known in facts),
                tokens=sum(known.shown_tokens for known in facts),
                pinned=sum(known.pinned for known in facts),
                skipped=sum(known.skipped for known in facts),
                open_calls=arranged.open,
                orphans=arranged.orphans,
                shared=[slot for page in shared for slot in shared_slots(self._page(page).items)],
            )

    def has_shared(self, tree: TreeId) -> bool:
        """Whether entries share a slot somewhere; pages that the index knows are not read."""
        pages = list_pages(self._repo, tree)
        known = self._derived.pages(page.tree for page in pages)
        unknown = [page for page in pages if page.tree not in known]
        return any(facts.has_shared for facts in known.values()) or any(
            len({file.slot for file in files}) < len(files)
            for files in (read_page(self._repo, page) for page in unknown)
        )

    def _facts(self, pages: list[Page]) -> list[PageFacts]:
        """What is known of the pages, computed and kept where nobody knows it yet."""
        known = self._derived.pages(page.tree for page in pages)
        found = []
        for page in pages:
            facts = known.get(page.tree)
            if facts is None:
                facts = self._page(page).facts
                self._derived.keep_page(page.tree, facts)
            found.append(facts)
        return found

    def has_open_call(self, tree: TreeId | None, call_id: str) -> bool:
        """Whether a call of that id is unanswered; decodes no more pages than that takes.

        Pages are looked at from the end: a result answers the nearest earlier call, so what
        stands before the page of an open call cannot close it.
        """
        answered = 0
        with self._lock:
            pages = list_pages(self._repo, tree) if tree is not None else []
            for page in map(self._page, reversed(pages)):
                if page.has_nameless:
                    return any(call.id == call_id for call in self.read(tree).open_calls)
                opens = page.open_calls_of(call_id)
                if opens > answered:
                    return True
                answered += page.orphans_of(call_id) - opens
        return False

    def _pages_of(self, pages: list[Page]) -> list[DecodedPage]:
        unread = [page.tree for page in pages if page not in self._pages]
        known = self._derived.pages(unread) if len(unread) > 1 else {}
        return [self._page(page, known.get(page.tree)) for page in pages]

    def _page(self, page: Page, known: PageFacts | None = None) -> DecodedPage:
        found = self._pages.get(page)
        if found is not None:
            self._pages.move_to_end(page)
            return found
        decoded = self._decode(page, known.tokens if known is not None else ())
        self._pages[page] = decoded
        self._newest[page.first] = page
        self._bytes += decoded.size_bytes
        while self._bytes > CACHE_BYTES_MAX and len(self._pages) > 1:
            _, dropped = self._pages.popitem(last=False)
            self._bytes -= dropped.size_bytes
        return decoded

    def _decode(self, page: Page, counts: Sequence[int]) -> DecodedPage:
        earlier = self._pages.get(self._newest.get(page.first, page))
        known = earlier.by_file if earlier is not None else {}
        files = read_page(self._repo, page)
        tokens = counts if len(counts) == len(files) else [None] * len(files)
        items = [
            known.get(file) or self._read(file, n) for file, n in zip(files, tokens, strict=True)
        ]
        size = sum(len(item.entry.text) + _ENTRY_OVERHEAD_BYTES for item in items)
        return DecodedPage(items, size)

    def keep_facts(self, tree: TreeId, items: Mapping[SlotFile, Item]) -> None:
        """Keep facts of the pages of `tree` on which these entries, just written, stand."""
        wanted = {file.slot - file.slot % PAGE_SLOTS for file in items}
        with self._lock:
            for page in list_pages(self._repo, tree):
                if page.first in wanted:
                    files = read_page(self._repo, page)
                    whole = DecodedPage([items.get(file) or self.item(file) for file in files], 0)
                    self._derived.keep_page(page.tree, whole.facts)

    def _read(self, file: SlotFile, tokens: int | None = None) -> Item:
        return Item(file, read_entry(self._repo, file), self._counter, tokens)

    def page(self, page: Page) -> DecodedPage:
        """A page of any tree, decoded and kept."""
        with self._lock:
            return self._page(page, self._derived.pages([page.tree]).get(page.tree))

    def item(self, file: SlotFile) -> Item:
        """The entry in a file of any tree; taken from the decoded pages where it stands there."""
        first = file.slot - file.slot % PAGE_SLOTS
        page = self._pages.get(self._newest.get(first, Page(first, TreeId(""))))
        found = page.by_file.get(file) if page is not None else None
        return found or self._read(file, self._known_count(file, first))

    def _known_count(self, file: SlotFile, first: int) -> int | None:
        """What an entry of the context summed up last counts, if the index knows its page."""
        page = self._listed.get(first)
        if page is None:
            return None
        with self._lock:
            if page not in self._listed_counts:
                known = self._derived.pages([page.tree]).get(page.tree)
                files = read_page(self._repo, page) if known is not None else []
                counts = known.tokens if known is not None else ()
                if len(self._listed_counts) > LISTED_MAX:
                    self._listed_counts.clear()
                self._listed_counts[page] = dict(zip(files, counts, strict=False))
            return self._listed_counts[page].get(file)
