"""views.py - T5, T6, T7: status, log and diff, in a handle that has compiled.

What a handle has read it may keep, so the first call of a handle and the following ones are told
apart; the floor of a first call opens the repository anew as well.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pygit2

from tests.bench.compiles import compiled
from tests.bench.data import Repositories
from tests.bench.floors import git_diff, walk
from tests.bench.rows import Limit, Row
from tests.bench.timing import Timing, clocked, in_turn, summary
from tract import Tract

FIRSTS = 9
ROUNDS = 50
APART = 10


class View(NamedTuple):
    """A verb that looks, and what is told of it."""

    id: str
    work: str
    call: Callable[[Tract], object]
    limit_ms: float
    peer: str
    floor: Callable[[pygit2.Repository], object] | None = None
    floor_of: str | None = None


STATUS = View("T5", "status", Tract.status, 2, "279–2,000 ms")


def measure(repositories: Repositories, sizes: list[int]) -> list[Row]:
    """Rows of log and diff at each length, of status at the last."""
    rows = _first_and_again(STATUS, repositories.generated(sizes[-1]), sizes[-1])
    for entries in sizes:
        path = repositories.generated(entries)
        for view in (_log(20), _log(100), _diff(path)):
            rows += _first_and_again(view, path, entries)
    return rows


def _log(limit: int) -> View:
    return View(
        "T6",
        f"log({limit})",
        lambda t: t.log(limit),
        5,
        "58–180 ms",
        lambda repo: walk(repo, limit),
        "`repo.walk(tip)`, first parent, the same commits' messages",
    )


def _diff(path: Path) -> View:
    repo = pygit2.Repository(str(path))
    old, new = (str(repo.revparse_single(name).id) for name in (f"HEAD~{APART}", "HEAD"))
    return View(
        "T7",
        f"diff of two commits {APART} apart",
        lambda t: t.diff(old, new),
        5,
        "3,600–5,000 ms",
        lambda repo: git_diff(path, old, new),
        "`git diff` of the same commits, a process",
    )


def _first_and_again(view: View, path: Path, entries: int) -> list[Row]:
    firsts: list[float] = []
    floors: list[float] = []
    for _ in range(FIRSTS):
        bare = pygit2.Repository(str(path))
        with Tract.open(path) as t:
            compiled(t)
            firsts.append(clocked(view.call, t)[0])
            if view.floor:
                floors.append(clocked(view.floor, bare)[0])
    with Tract.open(path) as t:
        compiled(t)
        works = [lambda: view.call(t)] + ([lambda: floor(bare)] if (floor := view.floor) else [])
        again = in_turn(ROUNDS, *works)
    first = [summary(taken) for taken in (firsts, floors) if taken]
    return [
        _row(view, f"{view.work}, the first in a handle", entries, first),
        _row(view, f"{view.work}, again", entries, again),
    ]


def _row(view: View, work: str, entries: int, timings: list[Timing]) -> Row:
    return Row(
        id=view.id,
        work=work,
        entries=entries,
        tract=timings[0],
        floor=timings[1] if view.floor else None,
        floor_of=view.floor_of,
        limit=Limit(view.limit_ms),
        peer=view.peer,
    )
