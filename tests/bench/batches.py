"""batches.py - T2: many appends as one batch, tokens counted, beside libgit2's bare writes.

The encoding is loaded before. The floor writes the same objects as loose ones, since libgit2's own
pack builder takes longer than that (it searches for deltas), and moves the ref once.
"""

from itertools import islice
from pathlib import Path
from statistics import median

import pygit2

from tests.bench.data import Repositories, texts
from tests.bench.disk import packs
from tests.bench.floors import REF
from tests.bench.rows import Limit, Row
from tests.bench.timing import clocked, counted, summary
from tract import Tract

ROUNDS = 3


def measure(repositories: Repositories, entries: int) -> list[Row]:
    """Rows of the time, and of the bytes."""
    taken: list[float] = []
    floors: list[float] = []
    sizes: list[int] = []
    failed = None
    for number in range(ROUNDS):
        path = repositories.new()
        spent, made = _batch(path, list(islice(texts(seed=10 + number), entries)))
        taken.append(spent / entries)
        floors.append(_bare(repositories.new(), path) / entries)
        sizes.append(sum(each.stat().st_size for each in path.glob("objects/pack/pack-*.*")))
        if made != entries + 1 or len(packs(path)) != 1:
            failed = f"{made} entries, {len(packs(path))} packs"
    return [
        Row(
            id="T2",
            work="append in a batch, each",
            entries=entries,
            tract=summary(taken),
            floor=summary(floors),
            floor_of="libgit2 writes the same objects, loose, and moves the ref once",
            limit=Limit(0.25),
            peer="2.5 ms, as single appends",
            note="`with t.batch() as b`, its end included; tokens counted and noted, one pack",
            failed=failed,
        ),
        Row(
            id="T2",
            work="bytes of its pack, a commit",
            entries=entries,
            tract=counted(round(median(sizes) / entries)),
            unit="bytes",
            note="pack and pack index, token notes included",
        ),
    ]


def _batch(path: Path, said: list[str]) -> tuple[float, int]:
    """Seconds of a batch, and how many entries there are then; one was there before."""
    with Tract.open(path) as t:
        t.user("Hello.")
        assert t.compile().token_count
        spent, _ = clocked(_fill, t, said)
        return spent, t.compile().commit_count


def _fill(t: Tract, said: list[str]) -> None:
    with t.batch() as b:
        for number, text in enumerate(said):
            verb = b.assistant if number % 2 else b.user
            verb(text)


def _bare(path: Path, source: Path) -> float:
    """Seconds in which libgit2 writes what `source` holds, and moves the ref."""
    repo = pygit2.Repository(str(source))
    objects = [repo.odb.read(oid) for oid in repo.odb]
    tip = repo.head.target
    assert isinstance(tip, pygit2.Oid)
    bare = pygit2.init_repository(str(path), bare=True)

    def write() -> None:
        odb = bare.odb
        for kind, data in objects:
            odb.write(kind, data)
        bare.references.create(REF, tip)

    return clocked(write)[0]
