"""work.py - what a process does until it is killed; each tells what it was acknowledged."""

from __future__ import annotations

from tests.faults.child import Told
from tract.plumbing import upkeep
from tract.porcelain.settle import settle
from tract.tract import Tract

CONVERSATION = [{"role": "user", "content": f"imported {n}"} for n in range(5)]
USAGE = {"prompt_tokens": 12, "completion_tokens": 3}
CONFIG = {"model": "gpt-4o", "temperature": 0.2}


def nothing(t: Tract, told: Told) -> None:
    """Nothing comes before."""


def append(t: Tract, told: Told) -> None:
    """One entry."""
    told.tell(t.user("new"))


def answer(t: Tract, told: Told) -> None:
    """One entry that has a generation note."""
    told.tell(t.assistant("new", generation_config=CONFIG))


def edit(t: Tract, told: Told) -> None:
    """A change of one entry."""
    told.tell(t.edit(3, "changed"))


def batch_of_20(t: Tract, told: Told) -> None:
    """Twenty entries as one."""
    with t.batch() as b:
        for n in range(20):
            b.user(f"new {n}")
    told.tell(*b.commits)


def bring_in(t: Tract, told: Told) -> None:
    """An import of one conversation."""
    for result in t.import_messages(CONVERSATION):
        told.tell(*result.commits)


def consolidate(t: Tract, told: Told) -> None:
    """What is loose becomes a pack."""
    assert upkeep.consolidate(t.repo, loose_max=250)


def say_three(t: Tract, told: Told) -> None:
    """Three entries, each acknowledged."""
    for n in range(3):
        told.tell(t.user(f"new {n}"))


def flush_notes(t: Tract, told: Told) -> None:
    """Token notes for what was written."""
    settle(t)


def record_usage(t: Tract, told: Told) -> None:
    """Usage that was reported later."""
    t.record_usage(USAGE)


def close(t: Tract, told: Told) -> None:
    """The end of a handle that has something to tell."""
    t.close()
