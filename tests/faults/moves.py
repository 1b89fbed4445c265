"""moves.py - what a process moves until it is killed, and what the repository holds before.

Started as a program it is traced.py with these verbs: `python -m tests.faults.moves FOLDER CALL
VERB`, VERB with a `_` for each blank.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.faults import traced
from tests.faults.child import Told, Work
from tests.faults.work import CONFIG, nothing
from tract.tract import Tract

THREE = [{"id": n, "messages": [{"role": "user", "content": n}]} for n in "abc"]


class Case(NamedTuple):
    """What is there before, what is killed, and the verb that is called again afterwards."""

    before: Callable[[Tract], object]
    work: Work
    again: str = "undo"


def said(t: Tract) -> None:
    """Three entries, the last one with a note; `dev` at the first."""
    t.user("1")
    with Tract.open(t.path, branch="dev", clock=t.repo.clock, random=t.repo.random) as dev:
        dev.reset("main")
    t.user("2")
    t.assistant("3", generation_config=CONFIG)


def said_and_undone(t: Tract) -> None:
    """The same, the last one taken back."""
    said(t)
    t.undo()


def first(t: Tract) -> None:
    """One entry."""
    t.user("1")


def imported(t: Tract) -> None:
    """Three conversations at once, to the first of which HEAD has switched."""
    t.import_messages(THREE)


def imported_and_undone(t: Tract) -> None:
    """The same, taken back."""
    imported(t)
    t.undo()


def imported_beside(t: Tract) -> None:
    """Three conversations beside a branch with commits: HEAD has stayed."""
    said(t)
    t.import_messages(THREE)


def reset(t: Tract, told: Told) -> None:
    """Leave two entries, with a way back."""
    t.reset("HEAD~2")


def reset_hard(t: Tract, told: Told) -> None:
    """Leave two entries without one."""
    t.reset("HEAD~2", mode="hard")


def checkout(t: Tract, told: Told) -> None:
    """Go to a branch."""
    t.checkout("dev")


def detach(t: Tract, told: Told) -> None:
    """Go to a commit."""
    t.checkout("HEAD~1")


def undo(t: Tract, told: Told) -> None:
    """Take the last operation back."""
    t.undo()


def redo(t: Tract, told: Told) -> None:
    """Bring it again."""
    t.redo()


CASES = {
    "a soft reset": Case(said, reset),
    "a hard reset": Case(said, reset_hard),
    "a checkout": Case(said, checkout),
    "a detaching checkout": Case(said, detach),
    "an undo of an answer": Case(said, undo),
    "an undo of a first commit": Case(first, undo),
    "an undo of an import": Case(imported, undo),
    "an undo of an import beside": Case(imported_beside, undo),
    "a redo of an answer": Case(said_and_undone, redo, "redo"),
    "a redo of an import": Case(imported_and_undone, redo, "redo"),
}

if __name__ == "__main__":
    case = CASES[sys.argv[3].replace("_", " ")]
    traced.VERBS[sys.argv[3]] = (nothing, case.work)
    traced.main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
