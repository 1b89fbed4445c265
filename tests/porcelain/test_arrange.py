"""test_arrange.py - pairing page by page gives what pairing the whole list gives.

Pages pair what begins and ends on them, and leave the rest to be paired across pages; the answer
must not depend on where the pages' borders are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.porcelain.saying import call
from tract.content import codec
from tract.content.entry import Entry, with_fields
from tract.content.messages import Message, render
from tract.content.pairing import pair, pending
from tract.content.tokens import EncodingCounter
from tract.plumbing.objects import write_blob
from tract.plumbing.pages import PAGE_SLOTS, SlotFile, replace
from tract.plumbing.repo import BlobId, Repo, TreeId
from tract.porcelain.arrange import arrange
from tract.porcelain.context import Context
from tract.porcelain.decoded import DecodedPage, Item
from tract.testing import PinnedClock, PinnedRandom
from tract.tract import Tract

COUNTER = EncodingCounter()
ids = st.sampled_from(["a", "b", "c", "d", None])
names = st.sampled_from(["f", "g"])


@st.composite
def said(draw: st.DrawFn) -> Entry:
    """An entry: mostly calls and results, whose few ids meet again and again."""
    kind = draw(st.integers(0, 9))
    priority: Any = draw(st.sampled_from(["normal", "normal", "normal", "skip"]))
    if kind < 4:
        calls = draw(st.lists(st.tuples(ids, names), min_size=1, max_size=3))
        made = tuple(call(call_id, name) for call_id, name in calls)
        return Entry(type="dialogue", role="assistant", tool_calls=made, priority=priority)
    if kind < 8:
        call_id, name = draw(ids), draw(st.one_of(st.none(), names))
        result = {"direction": "result", "tool_call_id": call_id, "tool_name": name}
        return Entry(type="tool_io", text="done", priority=priority, **result)  # type: ignore[arg-type]
    return Entry(type="dialogue", role="user", text="hm", priority=priority)


def numbered(entries: list[Entry]) -> Iterator[Item]:
    """Entries at consecutive slots, each with an id of its own."""
    for slot, entry in enumerate(entries):
        entry_id = f"{slot:016}".translate(str.maketrans("0123456789", "klmnopqrst"))
        file = SlotFile(slot, entry.label, BlobId(f"{slot:040}"))
        yield Item(file, with_fields(entry, id=entry_id), COUNTER)


def flat(items: list[Item]) -> list[Message]:
    """The messages of what is shown, in slot order."""
    return [message for item in items if (message := render(item.entry)) is not None]


def same_as_flat(items: list[Item], size: int) -> None:
    """Compare pages of a size with the flat list."""
    pages = [DecodedPage(items[at : at + size], 0) for at in range(0, len(items), size)]
    found = arrange(pages)
    messages = flat(items)
    paired = pair(messages)
    expected = [messages[at] for at in paired.order]
    assert list(found.messages) == expected
    assert [item.shown for item in found.items] == expected
    assert found.open == [pending(messages[at.turn], at.number) for at in paired.open]
    assert [item.shown for item in found.orphans] == [messages[at] for at in paired.orphans]


@given(st.lists(said(), max_size=40), st.integers(1, 12))
def test_pages_of_any_size(entries: list[Entry], size: int) -> None:
    """Wherever the borders of pages are: the same order, the same open calls and orphans."""
    same_as_flat(list(numbered(entries)), size)


@given(st.lists(said(), max_size=40), st.integers(1, 6))
def test_pages_without_nameless_results(entries: list[Entry], size: int) -> None:
    """The same where every result has an id, so that pages alone must do."""
    kept = [entry for entry in entries if not entry.is_result or entry.tool_call_id]
    same_as_flat(list(numbered(kept)), size)


@settings(max_examples=10)
@given(st.lists(st.tuples(st.integers(0, 339), said()), max_size=30))
def test_context_over_four_pages(placed: list[tuple[int, Entry]]) -> None:
    """A context of 340 entries is arranged over its pages as the flat list is."""
    entries = [Entry(type="dialogue", role="user", text=f"{slot}") for slot in range(340)]
    for slot, entry in placed:
        entries[slot] = entry
    items = list(numbered(entries))
    size = PAGE_SLOTS
    context = Context([DecodedPage(items[at : at + size], 0) for at in range(0, 340, size)], [])
    messages = flat(items)
    paired = pair(messages)
    assert [item.shown for item in context.shown] == [messages[at] for at in paired.order]
    assert context.open_calls == [pending(messages[at.turn], at.number) for at in paired.open]
    assert context.tokens == sum(item.tokens for item in context.shown)


@settings(max_examples=10)
@given(st.lists(st.tuples(st.integers(0, 339), said()), max_size=30))
def test_open_call_is_found_from_the_end(placed: list[tuple[int, Entry]]) -> None:
    """Looking for one open call page by page from the end finds what the whole list knows."""
    with Tract.open(":memory:", clock=PinnedClock(), random=PinnedRandom()) as t:
        entries = [Entry(type="dialogue", role="user", text="x") for _ in range(340)]
        for slot, entry in placed:
            entries[slot] = entry
        tree = tree_of(t.repo, list(numbered(entries)))
        context = t.contexts.read(tree)
        for call_id in "abcd":
            expected = any(each.id == call_id for each in context.open_calls)
            assert t.contexts.has_open_call(tree, call_id) == expected


def tree_of(repo: Repo, items: list[Item]) -> TreeId:
    """A tree that holds these entries."""
    files = {
        item.file.slot: (item.file._replace(blob=write_blob(repo, codec.encode(item.entry))),)
        for item in items
    }
    return replace(repo, None, files)


@pytest.mark.parametrize("gap", [0, 50, 99, 100, 101, 250])
@pytest.mark.parametrize("call_id", ["a", None])
@pytest.mark.parametrize("name", ["f", None])
def test_result_at_any_distance(gap: int, call_id: str | None, name: str | None) -> None:
    """A call and its result are brought together over any number of pages."""
    other = Entry(type="dialogue", role="user", text="x")
    asked = Entry(type="dialogue", role="assistant", tool_calls=(call("a", "f"),))
    result = {"direction": "result", "tool_call_id": call_id, "tool_name": name}
    answer = Entry(type="tool_io", text="done", **result)  # type: ignore[arg-type]
    for lead in range(0, 110, 27):
        entries = [*[other] * lead, asked, *[other] * gap, answer, other]
        same_as_flat(list(numbered(entries)), PAGE_SLOTS)
