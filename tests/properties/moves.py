"""moves.py - refs and operations as plain lists: where a walk of moves should come to.

It shares no line with tract: what an operation moved is a dict, and what is in effect is found by
going through all of them, newest first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

HEAD = "HEAD"
Values = dict[str, str | None]


class Refused(Exception):
    """The model says that this call is refused: the name of the error."""


@dataclass(eq=False)
class Op:
    """What was done at once: each ref's value before and after; `lost` are what keep refs
    name, `from_head` says that HEAD's log tells of it."""

    kind: str
    before: Values
    after: Values
    of: Op | None = None
    lost: frozenset[str] = frozenset()
    from_head: bool = False


@dataclass
class Stand:
    """Where a handle stands: a branch's name or a commit; `own` is its branch= argument."""

    place: str
    own: bool
    before: list[str] = field(default_factory=list)


@dataclass
class Refs:
    """Branches (None: no commits), HEAD's place, and everything that was done, oldest first."""

    values: Values = field(default_factory=dict)
    ops: list[Op] = field(default_factory=list)
    places: list[str] = field(default_factory=list)

    def move(self, kind: str, lost: str | None = None, **values: str | None) -> Op:
        """An operation of these refs."""
        before = {ref: self.values.get(ref) for ref in values}
        self.carry_out(Op(kind, before, values, lost=frozenset([lost] if lost else [])))
        return self.ops[-1]

    def carry_out(self, op: Op, values: Values | None = None) -> None:
        """Let an operation happen; `values` are what is left of it."""
        for ref, new in (op.after if values is None else values).items():
            if ref == HEAD:
                self.places.append(str(self.values[HEAD]))
            self.values[ref] = new
        if op not in self.ops:
            self.ops.append(op)

    def seen(self, stand: Stand) -> Iterator[Op]:
        """What a handle looks at, newest first."""
        for op in reversed(self.ops):
            is_own = stand.place in (*op.after, *op.lost)
            if is_own or (not stand.own and (HEAD in op.after or op.from_head)):
                yield op

    def in_effect(self, stand: Stand) -> list[Op]:
        """Those of them that nothing took back, newest first."""
        taken_back: list[int] = []
        found = []
        for op in self.seen(stand):
            if id(op) in taken_back:
                continue
            if op.of is not None:
                taken_back.append(id(op.of))
            found.append(op)
        return found

    def undo(self, stand: Stand) -> None:
        """Take the newest operation back, or raise what it is refused with."""
        if self._finish(stand) == "undo":
            return
        ops = [op for op in self.in_effect(stand) if op.kind != "undo"]
        self._take_back(stand, "undo", ops[0] if ops else None)

    def redo(self, stand: Stand) -> None:
        """Take the newest undo back."""
        if self._finish(stand) == "redo":
            return
        ops = [op for op in self.in_effect(stand) if op.kind != "redo"]
        self._take_back(stand, "redo", ops[0] if ops and ops[0].kind == "undo" else None)

    def _take_back(self, stand: Stand, kind: str, op: Op | None) -> None:
        if op is None:
            raise Refused("NothingToUndo")
        refs = self._left_of(op, stand)
        if any(self.values[ref] != op.after[ref] for ref in refs):
            raise Refused("StaleRef")
        born = {ref for ref in refs if op.before[ref] is None}
        undoing = Op(kind, {}, {}, op, op.lost | born, op.from_head)
        self._go_back(undoing, refs, stand)

    def _left_of(self, op: Op, stand: Stand) -> list[str]:
        """The refs of an operation that nothing took back; a handle of its own leaves HEAD alone
        where that stands elsewhere.
        """
        gone = {ref for each in self.ops if each.of is op for ref in each.after}
        elsewhere = stand.own and self.values[HEAD] != op.after.get(HEAD)
        return [ref for ref in op.after if ref not in gone and not (elsewhere and ref == HEAD)]

    def _finish(self, stand: Stand) -> str:
        """What another handle's undo left out, and can still go back, goes back first."""
        newest = next(self.seen(stand), None)
        if newest is None or newest.of is None:
            return ""
        op = newest.of
        refs = [r for r in self._left_of(op, stand) if self.values[r] == op.after[r]]
        if refs:
            self._go_back(newest, refs, stand)
        return newest.kind if refs else ""

    def _go_back(self, undoing: Op, refs: list[str], stand: Stand) -> None:
        assert undoing.of is not None
        stood = stand.place
        for ref in refs:
            undoing.before[ref], undoing.after[ref] = undoing.of.after[ref], undoing.of.before[ref]
        values = {ref: undoing.of.before[ref] for ref in refs}
        self.carry_out(undoing, values)
        if not stand.own and HEAD in refs and undoing.of.after[HEAD] == stood:
            stand.place = str(undoing.of.before[HEAD])
