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
from tests.bench.processes import ours, run
from tests.bench.rows import Limit, Row
from tests.bench.timing import Figure, clocked, in_turn, summary
from tract import Tract

FIRSTS = 9
FIRSTS_LONG = 3
LONG = 50_000
PROCESSES = 5
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
STATUS_IN_PROCESS_MS = 30


def measure(repositories: Repositories, sizes: list[int], usual: int) -> list[Row]:
    """Rows of log and diff at each length, of status at the usual one."""
    rows = []
    for entries in sizes:
        path = repositories.generated(entries)
        status = [STATUS] if entries == usual else []
        views = [*status, _log(20), _log(100), _diff(path)]
        rows += _first(path, views, entries) + _again(path, views, entries)
        calls = [f"log({limit})" for limit in (20, 100)] + (["status()"] if status else [])
        rows += [_in_process(path, call, entries) for call in calls]
        if status:
            rows.append(_at_once(path, entries))
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


def _first(path: Path, views: list[View], entries: int) -> list[Row]:
    """The first call of a handle that has compiled, each view in handles of its own."""
    rows = []
    for view in views:
        firsts: list[float] = []
        floors: list[float] = []
        for _ in range(FIRSTS if entries < LONG else FIRSTS_LONG):
            bare = pygit2.Repository(str(path))
            with Tract.open(path) as t:
                compiled(t)
                firsts.append(clocked(view.call, t)[0])
                if view.floor:
                    floors.append(clocked(view.floor, bare)[0])
        timings = [summary(taken) for taken in (firsts, floors) if taken]
        rows.append(
            _row(view, f"{view.work}, the first in a handle that has compiled", entries, timings)
        )
    return rows


def _again(path: Path, views: list[View], entries: int) -> list[Row]:
    """The following calls, of all views in one handle."""
    bare = pygit2.Repository(str(path))
    rows = []
    with Tract.open(path) as t:
        compiled(t)
        for view in views:
            timings = in_turn(ROUNDS, *_works(view, t, bare))
            rows.append(_row(view, f"{view.work}, again", entries, timings))
    return rows


def _works(view: View, t: Tract, bare: pygit2.Repository) -> list[Callable[[], object]]:
    floor = view.floor
    works: list[Callable[[], object]] = [lambda: view.call(t)]
    return [*works, lambda: floor(bare)] if floor else works


def _at_once(path: Path, entries: int) -> Row:
    """The status of a handle that was asked nothing before."""
    taken = []
    for _ in range(FIRSTS):
        with Tract.open(path) as t:
            taken.append(clocked(t.status)[0])
    return Row(
        id="T5",
        work="status, the first call of a handle",
        entries=entries,
        tract=summary(taken),
        note="with the index, in a process that has loaded what it needs",
    )


def _in_process(path: Path, call: str, entries: int) -> Row:
    runs = [run(ours(call), str(path)) for _ in range(PROCESSES + 1)][1:]
    is_status = call.startswith("status")
    return Row(
        id="T5" if is_status else "T6",
        work=f"{call.removesuffix('()')}, a new process, after import",
        entries=entries,
        tract=summary([ran.work_s for ran in runs]),
        limit=Limit(STATUS_IN_PROCESS_MS) if is_status else None,
        note="with the index",
    )


def _row(view: View, work: str, entries: int, timings: list[Figure]) -> Row:
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
