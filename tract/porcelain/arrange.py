"""arrange.py - the order in which shown entries are sent: results right behind their calls.

Tool groups that begin and end on one page are paired there, once a page. Only what pages leave
open is paired across them, so the cost grows with what is open and not with the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from tract.content.messages import Message, PendingCall
from tract.content.pairing import CallAt, pair, pending
from tract.porcelain.decoded import DecodedPage, Item


class Arranged(NamedTuple):
    """The shown items in the order they are sent, and what does not belong together."""

    items: list[Item]
    messages: tuple[Message, ...]
    open: list[PendingCall]
    orphans: list[Item]


def arrange(pages: Sequence[DecodedPage]) -> Arranged:
    """Put the shown items of all pages into the order they are sent."""
    all_closed = all(page.is_closed for page in pages)
    if not all_closed and any(page.has_nameless for page in pages):
        # A result without id may answer a call anywhere earlier: no page can tell alone.
        return _of_single(DecodedPage([item for page in pages for item in page.items], 0))
    residue = _Residue(pages)
    items: list[Item] = []
    messages: list[Message] = []
    for number, page in enumerate(pages):
        if number in residue.touched:
            moved = residue.rearranged(number)
            items.extend(moved)
            messages.extend(item.shown for item in moved)
        else:
            items.extend(page.ordered)
            messages.extend(page.messages)
    return Arranged(items, tuple(messages), residue.open, residue.orphans)


def _of_single(page: DecodedPage) -> Arranged:
    opens = [pending(page.shown[at.turn].shown, at.number) for at in page.pairing.open]
    orphans = [page.shown[at] for at in page.pairing.orphans]
    return Arranged(page.ordered, tuple(page.messages), opens, orphans)


class _Residue:
    """What pages leave unpaired, paired across them: (page, position) of calls and results."""

    def __init__(self, pages: Sequence[DecodedPage]) -> None:
        self._pages = pages
        self._at: list[tuple[int, int]] = []
        self._numbers: list[list[int]] = []
        pairing = pair(self._messages())
        self._behind: dict[tuple[int, int], list[Item]] = {}
        self._moved: set[tuple[int, int]] = set()
        results: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for result, call in pairing.answers.items():
            results.setdefault(self._at[call.turn], []).append(self._at[result])
        for at, answers in results.items():
            if not self._stands_right(at, answers):
                self._move(at, answers)
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

    def _stands_right(self, call: tuple[int, int], results: list[tuple[int, int]]) -> bool:
        """Whether a page ends with the call's group, and the next one begins with the results."""
        number, turn = call
        page = self._pages[number]
        last = next(p for p in reversed(page.pairing.order) if p not in page.pairing.answers)
        following = self._pages[number + 1 : number + 2]
        begins = following[0].pairing.order[: len(results)] if following else []
        return last == turn and results == [(number + 1, position) for position in begins]

    def _move(self, call: tuple[int, int], results: list[tuple[int, int]]) -> None:
        self._behind[call] = [self._item(result) for result in results]
        self._moved.update(results)

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
