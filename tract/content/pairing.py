"""pairing.py - tool calls and their results stay together: the one rule every verb asks.

A result answers the nearest earlier turn in which a call with its id is unanswered, in call order
inside that turn. A result without an id answers the nearest earlier unanswered call of its tool,
else the first unanswered one. Results are shown right after their call, in the order they came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tract.content.messages import Message, PendingCall, call_arguments, call_name
from tract.errors import UnpairedToolCall


class CallAt(NamedTuple):
    """A call: the position of its turn among the messages, its number inside the turn."""

    turn: int
    number: int


class Pairing(NamedTuple):
    """How the messages of a sequence belong together, by position.

    `order` puts every result behind its call; `answers` maps a result to its call; `open` lists
    calls without result, `orphans` results without call.
    """

    order: list[int]
    answers: dict[int, CallAt]
    open: list[CallAt]
    orphans: list[int]


class _Open:
    """The calls that are unanswered so far."""

    def __init__(self) -> None:
        self.calls: dict[CallAt, str] = {}
        self._turns: dict[str, list[list[CallAt]]] = {}

    def add(self, position: int, message: Message) -> None:
        turn: dict[str, list[CallAt]] = {}
        for number, call in enumerate(message.tool_calls):
            at = CallAt(position, number)
            self.calls[at] = call_name(call)
            if call.get("id"):
                turn.setdefault(call["id"], []).append(at)
        for call_id, calls in turn.items():
            self._turns.setdefault(call_id, []).append(calls[::-1])

    def answer(self, result: Message) -> CallAt | None:
        at = self._by_id(result.tool_call_id) if result.tool_call_id else self._by_name(result)
        if at is not None:
            del self.calls[at]
        return at

    def _by_id(self, call_id: str) -> CallAt | None:
        turns = self._turns.get(call_id)
        while turns:
            if not turns[-1]:
                turns.pop()
                continue
            at = turns[-1].pop()
            if at in self.calls:
                return at
        return None

    def _by_name(self, result: Message) -> CallAt | None:
        named = [at for at, name in self.calls.items() if result.name and name == result.name]
        if named:
            nearest = named[-1].turn
            return next(at for at in named if at.turn == nearest)
        return next(iter(self.calls), None)


def pair(messages: Sequence[Message]) -> Pairing:
    """Find which result answers which call."""
    waiting = _Open()
    answers: dict[int, CallAt] = {}
    orphans: list[int] = []
    for position, message in enumerate(messages):
        if message.role == "tool":
            at = waiting.answer(message)
            if at is None:
                orphans.append(position)
            else:
                answers[position] = at
        elif message.tool_calls:
            waiting.add(position, message)
    return Pairing(_ordered(len(messages), answers), answers, list(waiting.calls), orphans)


def _ordered(count: int, answers: dict[int, CallAt]) -> list[int]:
    if not answers:
        return list(range(count))
    results: dict[int, list[int]] = {}
    for position, at in answers.items():
        results.setdefault(at.turn, []).append(position)
    order: list[int] = []
    for position in range(count):
        if position not in answers:
            order.append(position)
            order.extend(results.get(position, ()))
    return order


def pending(message: Message, number: int) -> PendingCall:
    """An open call as it is reported."""
    call = message.tool_calls[number]
    return PendingCall(
        id=call.get("id") or None,
        name=call_name(call),
        arguments=call_arguments(call),
        entry_id=message.entry_ids[0] if message.entry_ids else "",
    )


def check_closed(calls: Iterable[PendingCall]) -> None:
    """Refuse a context in which a call is open: no provider takes it.

    Raises:
        UnpairedToolCall: names the calls.
    """
    calls = list(calls)
    if not calls:
        return
    names = ", ".join(f"{call.name} ({call.id or 'no id'})" for call in calls[:5])
    more = f" and {len(calls) - 5} more" if len(calls) > 5 else ""
    raise UnpairedToolCall(
        f"{len(calls)} tool call{' has' if len(calls) == 1 else 's have'} no result: {names}{more}",
        "add the result (tool_result), or cancel_tool_calls (tract cancel-tool-calls) answers it",
        calls=[call.id for call in calls],
    )
