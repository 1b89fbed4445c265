"""test_kill.py - SIGKILL at every step: what was acknowledged stays, the next write works."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults import work as does
from tests.faults.aftermath import goes_on, state, whole
from tests.faults.child import Work, killed_at, open_pinned, steps_of
from tests.faults.work import nothing


class Case(NamedTuple):
    """What a process does before, which is acknowledged, and what it is killed in."""

    before: Work
    work: Work


CASES = {
    "an append": Case(nothing, does.append),
    "an append with a generation note": Case(nothing, does.answer),
    "an edit": Case(nothing, does.edit),
    "a batch of 20": Case(nothing, does.batch_of_20),
    "an import": Case(nothing, does.bring_in),
    "a consolidation": Case(nothing, does.consolidate),
    "a notes flush": Case(does.say_three, does.flush_notes),
    "record_usage": Case(nothing, does.record_usage),
    "close": Case(does.say_three, does.close),
}
MANY = 12  # so often the same step in a row is killed at some of them alone, except in a soak


def said_20(path: Path, *, edits: int = 0) -> Path:
    """A repository of 20 entries, all of it loose objects and no note written; not settled."""
    t = open_pinned(path)
    for n in range(20):
        t.user(str(n))
    for n in range(edits):
        t.edit(n % 20, f"edited {n}")
    t.release()
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of 20 entries in one pack, with their notes; closed."""
    path = tmp_path_factory.mktemp("packed") / ".tract"
    with open_pinned(path) as t:
        t.import_messages([{"role": "user", "content": str(n)} for n in range(20)])
    return path


@pytest.fixture(scope="module")
def loose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of 20 entries, edited again and again, with more than 250 loose objects."""
    return said_20(tmp_path_factory.mktemp("loose") / ".tract", edits=35)


def chosen(steps: list[str], *, all_of_them: bool) -> list[int]:
    """At which steps to kill: all, but of a long run of the same the ends and some between."""
    found: list[int] = []
    n = 1
    for _, same in groupby(steps):
        length = len(list(same))
        few = {0, 1, 2, length // 3, length // 2, length - 2, length - 1}
        found += [n + at for at in range(length) if all_of_them or length <= MANY or at in few]
        n += length
    return found


@pytest.mark.parametrize("name", CASES)
def test_killed_at_every_step(
    path: Path, loose: Path, tmp_path: Path, name: str, soak: bool, say: Callable[[str], None]
) -> None:
    """A process killed at step 1 … N of a verb loses nothing acknowledged, and leaves no half."""
    case = CASES[name]
    origin = loose if case.work is does.consolidate else path
    old_copy, new_copy = copied(origin, tmp_path / "old"), copied(origin, tmp_path / "new")
    steps_of(old_copy, nothing, case.before)
    old = state(old_copy)
    steps = steps_of(new_copy, case.before, case.work)
    new = state(new_copy).contents
    ns = chosen(steps, all_of_them=soak)
    for n in ns:
        copy = copied(origin, tmp_path / f"{n}")
        told = killed_at(copy, n, case.before, case.work)
        goes_on(copy, whole(copy, told, old, new))
        shutil.rmtree(copy.parent)
    say(f"SIGKILL at {len(ns)} of the {len(steps)} steps of {name}: nothing lost")


def copied(path: Path, folder: Path) -> Path:
    """A copy of the repository in a folder of its own."""
    return Path(shutil.copytree(path, folder / ".tract"))
