"""processes.py - T3 and T12: what a new process pays.

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

ROUNDS = 7
IMPORT_ROUNDS = 25
OPEN_ROUNDS = 100
_OURS = """
import sys, time
start = time.perf_counter()
from tract import Tract
imported = time.perf_counter()
t = Tract.open(sys.argv[1])
made = t.{call}
print(imported - start, time.perf_counter() - imported)
"""


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


def ours(call: str) -> str:
    """Code for `run`: open the repository and make that call on `t`."""
    return _OURS.format(call=call)


def measure_reads(repositories: Repositories, entries: int) -> list[Row]:
    """T3: with the index, and without, beside a process that reads the same packed blobs."""
    path = repositories.generated(entries)
    bare = repositories.copy(path)
    rounds = [_round(path, bare) for _ in range(ROUNDS + 1)][1:]
    floor, *measured = ([ran[n] for ran in rounds] for n in range(len(rounds[0])))
    thread = peer.thread(repositories.folder, entries)
    theirs = [run(peer.READ, str(thread)).whole_s for _ in range(ROUNDS)] if thread else []
    first_ms = repositories.first_read_s[entries] * 1000
    rows = []
    for (work, has_index), runs in zip(_works(), measured, strict=True):
        after = [summary([ran.work_s for ran in each]).median for each in (runs, floor)]
        note = "after import {:.0f} ms, the floor {:.0f} ms".format(*after)
        if has_index and work == "compile to token_count":
            note += (
                f"; status and log(100) too in the first handle after the batch: {first_ms:.0f} ms"
            )
        rows.append(
            Row(
                id="T3",
                work=f"{work}, a new process, {'with the' if has_index else 'no'} index",
                entries=entries,
                tract=summary([ran.whole_s for ran in runs]),
                floor=summary([ran.whole_s for ran in floor]),
                floor_of="a process that reads the same blobs, from packs, with pygit2",
                limit=Limit(1.5, "floors") if has_index else Limit(1500),
                peer="3.0–6.8 s",
                langgraph=summary(theirs) if theirs else None,
                note=note,
            )
        )
    return rows


_COMPILES = {
    "compile to token_count": "compile().token_count",
    "compile and read the messages": "compile(); assert made.token_count; made.to_dicts()",
}


def _works() -> list[tuple[str, bool]]:
    return [(work, has_index) for has_index in (True, False) for work in _COMPILES]


def _round(path: Path, bare: Path) -> list[Ran]:
    """The floor, and each of `_works`, in turn."""
    ran = [run(READ_BLOBS, str(path))]
    for work, has_index in _works():
        if not has_index:
            remove_index(bare)
        ran.append(run(ours(_COMPILES[work]), str(path if has_index else bare)))
    return ran


def remove_index(path: Path) -> None:
    """Remove what a handle has computed."""
    for file in path.glob("tract/index.sqlite*"):
        file.unlink()


def measure_starts(repositories: Repositories, entries: int) -> list[Row]:
    """T12: import, and open."""
    theirs = peer.IMPORT if peer.version() else "pass"
    codes = ("pass", "import pygit2", "from tract import Tract", theirs)
    rounds = [[clocked(python, code)[0] for code in codes] for _ in range(IMPORT_ROUNDS + 1)][1:]
    path = repositories.generated(entries)
    bare, ours = in_turn(OPEN_ROUNDS, lambda: _open_bare(path), lambda: Tract.open(path).close())
    start = summary([start for start, *_ in rounds]).median
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
