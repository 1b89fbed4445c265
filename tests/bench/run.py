"""run.py - measure everything, write results.json, and make RESULTS.md of it.

python -m tests.bench.run                 all of it: some minutes
python -m tests.bench.run T1 T4           these only, printed, nothing written
python -m tests.bench.run --table         RESULTS.md again, out of results.json
python -m tests.bench.run --sizes 100     other lengths of history; the others follow the longest

T13 and T14 want the recorded conversations: TRACT_CORPUS names their folder.
"""

import argparse
import datetime
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pygit2

from tests.bench import (
    appends,
    batches,
    compiles,
    machine,
    memory,
    moves,
    peer,
    processes,
    stored,
    table,
    together,
    turns,
    views,
)
from tests.bench.data import Repositories
from tests.bench.rows import Results, Row
from tests.bench.timing import clocked

HERE = Path(__file__).parent
JSON = HERE / "results.json"
RESULTS = HERE / "RESULTS.md"
SIZES = [100, 1000, 10_000, 100_000]
USUAL = 10_000  # the length at which most targets are told
Measure = Callable[[Repositories, list[int]], list[Row]]

# What is written to last, so that the others see a repository as it was built.
MEASURES: dict[str, Measure] = {
    "T3": lambda repositories, sizes: processes.measure_reads(repositories, usual(sizes)),
    "T12": lambda repositories, sizes: processes.measure_starts(repositories, usual(sizes)),
    "T18": lambda repositories, sizes: memory.measure(repositories, sizes[-1]),
    "T5": lambda repositories, sizes: measure_views(repositories, sizes),
    "T4": lambda repositories, sizes: compiles.measure(repositories, usual(sizes)),
    "T1": appends.measure,
    "T17": lambda repositories, sizes: together.measure(repositories, sizes[-1]),
    "T14": lambda repositories, sizes: turns.measure(repositories, sizes[-1]),
    "T13": lambda repositories, sizes: stored.measure(repositories, sizes[-1]),
    "T2": lambda repositories, sizes: batches.measure(repositories, usual(sizes)),
}
ALIASES = {"T6": "T5", "T7": "T5"}


def measure_views(repositories: Repositories, sizes: list[int]) -> list[Row]:
    """Looking, and looking and moving beside a long history of undos."""
    rows = views.measure(repositories, sizes, usual(sizes))
    return rows + moves.measure(repositories, usual(sizes))


def main(argv: list[str]) -> int:
    """Do what the arguments say."""
    asked = _arguments(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended, and cleaned up"))
    if asked.table:
        RESULTS.write_text(table.render(_read()), encoding="utf-8")
        return 0
    results = measured(asked.ids, asked.sizes)
    if asked.ids or asked.sizes != SIZES:
        print(table.render(results))
        return 0
    JSON.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    RESULTS.write_text(table.render(_read()), encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))
    return 0


def _arguments(argv: list[str]) -> argparse.Namespace:
    names = [*MEASURES, *ALIASES]
    parser = argparse.ArgumentParser(prog="python -m tests.bench.run", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", help=f"of {', '.join(sorted(names))}")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, metavar="N")
    parser.add_argument("--table", action="store_true", help="only make RESULTS.md again")
    asked = parser.parse_args(argv)
    unknown = set(asked.ids) - set(names)
    if unknown:
        parser.error(f"nothing is called {', '.join(sorted(unknown))}")
    asked.sizes.sort()
    return asked


def usual(sizes: list[int]) -> int:
    """The length that most targets are told at, or the nearest below it."""
    return max([size for size in sizes if size <= USUAL], default=sizes[0])


def _read() -> Results:
    return msgspec.json.decode(JSON.read_bytes(), type=Results)


def measured(ids: list[str], sizes: list[int]) -> Results:
    """Measure what is asked for; everything where nothing is."""
    wanted = {ALIASES.get(id, id) for id in ids} or set(MEASURES)
    rows, load = [], round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory(prefix="tract-bench-") as folder:
        isolate(Path(folder))
        repositories = Repositories(Path(folder))
        for id, measure in MEASURES.items():
            if id in wanted:
                print(f"{id} …", end=" ", file=sys.stderr, flush=True)
                spent, made = clocked(measure, repositories, sizes)
                print(f"{spent:.0f} s", file=sys.stderr, flush=True)
                rows += made
    rows.sort(key=lambda row: int(row.id.removeprefix("T")))
    return Results(
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        commit=machine.this_commit(),
        load=load,
        machine=machine.this_machine(),
        rows=rows,
        langgraph=peer.told(),
    )


def isolate(home: Path) -> None:
    """Keep the user's git configuration out of what is measured, here and in child processes.

    Child processes keep compiled modules, as an installed package has them, in a folder of ours.
    """
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        del os.environ[name]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(home / "compiled")
    os.environ |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    levels = pygit2.enums.ConfigLevel
    for level in (levels.GLOBAL, levels.XDG, levels.SYSTEM):
        pygit2.settings.search_path[level] = str(home)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
