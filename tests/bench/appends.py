"""appends.py - T1: one append, at histories of growing length, beside the bare writes.

A tract append is made, the objects that it wrote are read back, and the floor writes the same
bytes into a copy of the repository; then the next append. Both sides see the same disk, the same
load and the same number of loose objects.
"""

import os
import tempfile
from pathlib import Path

import pygit2

from tests.bench import peer
from tests.bench.data import Repositories, texts
from tests.bench.floors import BareAppend, what_it_wrote
from tests.bench.rows import Limit, Row
from tests.bench.timing import clocked, summary
from tract import CommitInfo, Tract
from tract.plumbing.pages import entry_path

APPENDS = 300
MEMORY = "/dev/shm"  # files without a disk: what is left is the processor's share
MEMORY_ENTRIES = 1000
_WARM = 5


def measure(repositories: Repositories, sizes: list[int]) -> list[Row]:
    """A row a length; one more without a disk, where the system has a folder in memory."""
    rows = [_at(repositories, entries) for entries in sizes]
    for row in rows:
        row.langgraph = peer.appends(repositories.folder, row.entries)
    if os.access(MEMORY, os.W_OK):
        with tempfile.TemporaryDirectory(prefix="tract-bench-", dir=MEMORY) as folder:
            row = _at(Repositories(Path(folder)), MEMORY_ENTRIES)
        row.work += ", files in memory"
        row.limit, row.peer = None, None
        rows.append(row)
    return rows


def _at(repositories: Repositories, entries: int) -> Row:
    source = repositories.generated(entries)
    ours, bare = repositories.copy(source), repositories.copy(source)
    before = loose_objects(ours)
    os.sync()  # else the kernel writes the copies out while we measure
    taken: list[float] = []
    floor_taken: list[float] = []
    floor, reader, said = BareAppend(bare), pygit2.Repository(str(ours)), texts(seed=2)
    with Tract.open(ours) as t:
        for number in range(APPENDS + _WARM):
            verb = t.assistant if number % 2 else t.user
            spent, info = clocked(verb, next(said))
            written = what_it_wrote(reader, info.commit_hash, _path(info))
            floor_spent, _ = clocked(floor.write, written)
            if number >= _WARM:
                taken.append(spent)
                floor_taken.append(floor_spent)
    objects = (loose_objects(ours) - before) / (APPENDS + _WARM)
    return Row(
        id="T1",
        work="one append",
        entries=entries,
        tract=summary(taken),
        floor=summary(floor_taken),
        floor_of="libgit2 writes the same five objects and moves the same ref, in a transaction",
        limit=Limit(1.5, "floors"),
        peer="2.1–3.3 ms",
        note=f"{objects:.2f} objects an append; {_ABOVE}",
    )


# Timed step by step on files in memory, where an append takes 0.68 ms and its floor 0.33.
_ABOVE = (
    "above the floor: reading three trees, putting their lines in order and joining them (two"
    " fifths), the tails of two reflogs and the operation's id (a fifth), checking and encoding"
    " the entry, the commit's message and what is returned of it"
)


def _path(info: CommitInfo) -> str:
    assert info.slot is not None
    return entry_path(info.slot, str(info.role))


def loose_objects(path: Path) -> int:
    """How many objects lie in files of their own."""
    return sum(1 for _ in path.glob("objects/??/*"))
