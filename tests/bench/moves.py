"""moves.py - T5 and T6 beside a long undo history, and what undo, redo and reset take there.

The history is laid by hand: that many lines of undos and redos of the newest append, as tract
writes them, in the logs of the branch and of HEAD.
"""

from itertools import cycle, islice
from pathlib import Path

from tests.bench.compiles import compiled
from tests.bench.data import Repositories
from tests.bench.rows import Limit, Row
from tests.bench.timing import after_each, in_turn
from tract import Tract
from tract.plumbing import operations

LINES = 10_000
ROUNDS = 50
BESIDE = f"with an undo history of {LINES:,} lines"
LOOKS = (("T5", "status", Tract.status, 2), ("T6", "log(20)", lambda t: t.log(20), 5),
         ("T6", "log(100)", lambda t: t.log(100), 5))  # fmt: skip


def measure(repositories: Repositories, entries: int) -> list[Row]:
    """Rows of status and log again, of an undo with its redo, and of a reset with its undo."""
    path = repositories.copy(repositories.generated(entries))
    with Tract.open(path) as t:
        t.user("the one that is undone and redone")
        _lay(t, LINES)
    with Tract.open(path) as t:
        assert len(t.operations(LINES)) == LINES
        compiled(t)
        timings = in_turn(ROUNDS, *(lambda look=look: look(t) for _, _, look, _ in LOOKS))
        rows = [
            Row(id=id, work=f"{work}, again, {BESIDE}", entries=entries, tract=timing,
                limit=Limit(limit))
            for (id, work, _, limit), timing in zip(LOOKS, timings, strict=True)
        ]  # fmt: skip
        t.undo()
        undo = after_each(ROUNDS, t.redo, t.undo)
        t.redo()
        redo = after_each(ROUNDS, t.undo, t.redo)
        reset = after_each(ROUNDS, t.undo, lambda: t.reset("HEAD~1"))
    note = "no target; beside the writes of its refs and their logs"
    return rows + [
        Row(id="T6", work=f"{verb}, {BESIDE}", entries=entries, tract=figure, note=note)
        for verb, figure in (("undo", undo), ("redo", redo), ("reset", reset))
    ]


def _lay(t: Tract, lines: int) -> None:
    """Undo and redo the newest append, again and again, by hand; it ends as it began."""
    tip, parent = (t.get(name).commit_hash for name in ("HEAD", "HEAD~1"))
    earlier = operations.last_mark(t.repo, "refs/heads/main")
    assert earlier is not None
    steps = cycle((("undo", tip, parent), ("redo", parent, tip)))
    said = []
    of = earlier.operation
    for verb, old, new in islice(steps, lines):
        made = operations.new_operation(t.repo, [], of)
        reason = operations.reason(verb, made, operations.tail(of=of))
        said.append(f"{old} {new} Bench <bench@example.org> 1700000000 +0000\t{reason}\n")
        of = made
    for log in ("refs/heads/main", "HEAD"):
        with Path(t.path, "logs", log).open("a", encoding="utf-8") as file:
            file.writelines(said)
