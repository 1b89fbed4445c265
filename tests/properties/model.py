"""model.py - a context as a plain list of dicts: what a walk of operations should come to.

It knows what is said and in which order, and shares no line with tract: pairing is done here the
slow way, by looking back from each result.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """One entry: the record it is shown as (None: never shown), and whether it is left out."""

    entry_id: str
    record: Record | None
    skipped: bool = False


@dataclass
class Model:
    """The entries of a branch in slot order, and how its context looked at every commit."""

    entries: list[Said] = field(default_factory=list)
    commits: list[tuple[str, list[Record]]] = field(default_factory=list)

    def append(self, entry_id: str, record: Record | None, commit: str, skipped: bool) -> None:
        """Something was said."""
        self.entries.append(Said(entry_id, record, skipped))
        self.note(commit)

    def change(self, slot: int, commit: str, **changes: Any) -> None:
        """Something was edited."""
        self.entries[slot] = replace(self.entries[slot], **changes)
        self.note(commit)

    def note(self, commit: str) -> None:
        """A commit was made: remember what the context is at it."""
        self.commits.append((commit, self.shown()))

    def shown(self) -> list[Record]:
        """What a model would be sent, as it was said."""
        messages = [e.record for e in self.entries if e.record is not None and not e.skipped]
        answers = self.answers(messages)
        order: list[Record] = []
        for position, message in enumerate(messages):
            if position in answers:
                continue
            order.append(message)
            order += [messages[at] for at, call in answers.items() if call[0] == position]
        return order

    @staticmethod
    def answers(messages: list[Record]) -> dict[int, tuple[int, int]]:
        """Which result answers which call: (position of the turn, number in it)."""
        found: dict[int, tuple[int, int]] = {}
        for position, message in enumerate(messages):
            if message["role"] != "tool":
                continue
            taken = set(found.values())
            earlier = [
                (at, number)
                for at in range(position)
                for number, call in enumerate(messages[at].get("tool_calls") or ())
                if call["id"] == message["tool_call_id"] and (at, number) not in taken
            ]
            if earlier:
                nearest = max(at for at, _ in earlier)
                found[position] = min(call for call in earlier if call[0] == nearest)
        return found

    def open_calls(self) -> list[str]:
        """The ids of calls without a result, in order."""
        messages = [e.record for e in self.entries if e.record is not None and not e.skipped]
        answered = set(self.answers(messages).values())
        return [
            call["id"]
            for at, message in enumerate(messages)
            for number, call in enumerate(message.get("tool_calls") or ())
            if (at, number) not in answered
        ]
