"""processes.py - T3 and T12: what a new process pays, and the T5 and T6 that stand in one.

Python's own start is the same for all and is taken off where imports are compared. The disk's
cache is warm; a cold one would measure the disk.
"""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pygit2

from tests.bench import peer
from tests.bench.data import Repositories
from tests.bench.floors import READ_BLOBS
from tests.bench.machine import ROOT
from tests.bench.rows import Limit, Row
from tests.bench.timing import clocked, in_turn, summary
from tract import Tract

ROUNDS = 9
IMPORT_ROUNDS = 25
OPEN_ROUNDS = 100
_OURS = """
import sys, time
start = time.perf_counter()
from tract import Tract
imported = time.perf_counter()
t = Tract.open(sys.argv[1])
t.{call}
print(imported - start, time.perf_counter() - imported)
"""
_LOOSE = "loose objects, no index"


class Ran(NamedTuple):
    """Seconds of a process: from start to end, in the import, and after it."""

    whole_s: float
    import_s: float
    work_s: float


def run(code: str, *args: str) -> Ran:
    """Run Python code that prints two numbers in a process of its own."""
    whole, printed = clocked(python, code, *args)
    import_s, work_s = map(float, printed.split())
    return Ran(whole, import_s, work_s)


def python(code: str, *args: str) -> str:
    """Run Python code in a process of its own; what it printed."""
    command = [sys.executable, "-c", code, *args]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def measure_reads(repositories: Repositories, entries: int) -> list[Row]:
    """T3, and T5 and T6 beside it."""
    path = str(repositories.generated(entries))
    calls = ("compile().token_count", "status()", "log(20)")
    codes = [READ_BLOBS, *(_OURS.format(call=call) for call in calls)]
    rounds = [[run(code, path) for code in codes] for _ in range(ROUNDS + 1)][1:]
    floor, compiled, status, log = zip(*rounds, strict=True)
    told = "a process that reads the same blobs with pygit2"
    thread = peer.thread(repositories.folder, entries)
    theirs = [run(peer.READ, str(thread)) for _ in range(ROUNDS)] if thread else []
    rows = [
        Row(
            id="T3",
            work="compile to token_count, a new process",
            entries=entries,
            tract=summary([ran.whole_s for ran in compiled]),
            floor=summary([ran.whole_s for ran in floor]),
            floor_of=told,
            limit=Limit(1500),
            peer="3.0–6.8 s",
            langgraph=summary([ran.whole_s for ran in theirs]) if theirs else None,
            note=_LOOSE,
        ),
        Row(
            id="T3",
            work="the same, after import",
            entries=entries,
            tract=summary([ran.work_s for ran in compiled]),
            floor=summary([ran.work_s for ran in floor]),
            floor_of=told,
            langgraph=summary([ran.work_s for ran in theirs]) if theirs else None,
            note=_LOOSE,
        ),
    ]
    for id, work, runs in (("T5", "status", status), ("T6", "log(20)", log)):
        rows.append(
            Row(
                id=id,
                work=f"{work}, a new process, after import",
                entries=entries,
                tract=summary([ran.work_s for ran in runs]),
                note=_LOOSE,
            )
        )
    return rows


def measure_starts(repositories: Repositories, entries: int) -> list[Row]:
    """T12: import, and open."""
    theirs = peer.IMPORT if peer.version() else "pass"
    codes = ("pass", "import pygit2", "from tract import Tract", theirs)
    rounds = [[clocked(python, code)[0] for code in codes] for _ in range(IMPORT_ROUNDS + 1)][1:]
    path = repositories.generated(entries)
    bare, ours = in_turn(OPEN_ROUNDS, lambda: _open_bare(path), lambda: Tract.open(path).close())
    start = summary([start for start, *_ in rounds]).median_ms
    net = [[whole - start for whole in wholes] for start, *wholes in rounds]
    pygit2_alone, ours_imported, langgraph = (summary(taken) for taken in zip(*net, strict=True))
    return [
        Row(
            id="T12",
            work="from tract import Tract",
            entries=entries,
            tract=ours_imported,
            floor=pygit2_alone,
            floor_of="`import pygit2`; both without Python's own start",
            limit=Limit(2, "floors"),
            peer="425–1,280 ms",
            langgraph=langgraph if peer.version() else None,
            note=f"Python's own start: {start:.1f} ms",
        ),
        Row(
            id="T12",
            work="open an existing repository, and close it",
            entries=entries,
            tract=ours,
            floor=bare,
            floor_of="`pygit2.Repository(path)` and its HEAD",
            limit=Limit(5),
            peer="5–15 ms after the encoding's 300 ms",
        ),
    ]


def _open_bare(path: Path) -> None:
    repo = pygit2.Repository(str(path))
    assert repo.head.target
    repo.free()
