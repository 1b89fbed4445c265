"""appends.py - T1: one append, at histories of growing length, beside the bare writes.

A tract append is made, the objects that it wrote are read back, and the floor writes the same
bytes into a copy of the repository; then the next append. Both sides see the same disk, the same
load and the same number of loose objects, until ours packs its own.
"""

import json
import os
import tempfile
from itertools import cycle, islice
from pathlib import Path

import pygit2

from tests.bench import peer
from tests.bench.data import Repositories, conversations, messages, texts
from tests.bench.disk import packs
from tests.bench.floors import BareAppend, what_it_wrote
from tests.bench.rows import Limit, Row
from tests.bench.timing import clocked, summary
from tract import CommitInfo, Tract
from tract.plumbing.pages import entry_path

APPENDS = 300
MEMORY = "/dev/shm"  # files without a disk: what is left is the processor's share
MEMORY_ENTRIES = 1000
IMPORTS = 1000
ONTO = 5
_MADE_UP = 25  # messages a conversation, about as many as recorded ones have
_WARM = 5


def measure(repositories: Repositories, sizes: list[int]) -> list[Row]:
    """A row a length; one without a disk, where the system has a folder in memory; one imported."""
    rows = [_at(repositories, repositories.generated(entries), entries) for entries in sizes]
    for row in rows:
        row.langgraph = peer.appends(repositories.folder, row.entries)
    if os.access(MEMORY, os.W_OK):
        with tempfile.TemporaryDirectory(prefix="tract-bench-", dir=MEMORY) as folder:
            in_memory = Repositories(Path(folder))
            row = _at(in_memory, in_memory.generated(MEMORY_ENTRIES), MEMORY_ENTRIES)
        row.work += ", files in memory"
        row.limit, row.peer = None, None
        rows.append(row)
    rows.append(
        _after_imports(repositories, min(IMPORTS, sizes[-1] // 10), _long(repositories, sizes))
    )
    return rows


def _long(repositories: Repositories, sizes: list[int]) -> Path:
    """The longest history but one, to import onto."""
    return repositories.generated(sizes[-2:][0])


def _at(repositories: Repositories, source: Path, entries: int) -> Row:
    ours, bare = repositories.copy(source), repositories.copy(source)
    os.sync()  # else the kernel writes the copies out while we measure
    taken: list[float] = []
    floor_taken: list[float] = []
    floor, reader, said = BareAppend(bare), pygit2.Repository(str(ours)), texts(seed=2)
    t = Tract.open(ours)
    for number in range(APPENDS + _WARM):
        verb = t.assistant if number % 2 else t.user
        spent, info = clocked(verb, next(said))
        written = what_it_wrote(reader, info.commit_hash, _path(info))
        floor_spent, _ = clocked(floor.write, written)
        taken.append(spent)
        floor_taken.append(floor_spent)
    closing, _ = clocked(t.close)
    mean_ms = (sum(taken) + closing) / len(taken) * 1000
    return Row(
        id="T1",
        work="one append",
        entries=entries,
        tract=summary(taken[_WARM:]),
        floor=summary(floor_taken[_WARM:]),
        floor_of="libgit2 writes the same five objects and moves the same ref, in a transaction",
        limit=Limit(1.5, "floors"),
        peer="2.1–3.3 ms",
        note=f"{_BEHIND.format(mean_ms, len(taken))}; {_ABOVE}",
    )


_BEHIND = (
    "on average {:.2f} ms, what is written behind included: the time of {} appends and of closing,"
    " with the encoding's start, token notes, index and consolidation"
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


def _after_imports(repositories: Repositories, imports: int, longest: Path) -> Row:
    """An append where that many conversations were imported, one call each.

    The first goes onto the branch that is appended to, each other one onto a branch of its own.
    """
    path = repositories.new()
    recorded = [each["messages"] for each in conversations()]
    said = islice(cycle(recorded or [messages(_MADE_UP)]), imports)
    many = [json.dumps(each).encode() for each in said]
    with Tract.open(path) as t:
        taken = [
            clocked(t.import_bytes, each, apart=number > 0)[0] for number, each in enumerate(many)
        ]
        first = t.status().commit_count
    left, some = len(packs(path)), max(1, imports // 10)
    row = _at(repositories, path, first)
    row.work = "one append after imports, a call each"
    row.peer = None
    row.note = (
        f"{imports:,} {'recorded' if recorded else 'generated'} conversations, {_each(taken)} a"
        f" call ({_each(taken[:some])} the first tenth, {_each(taken[-some:])} the last), {left}"
        f" packs at the end; {_onto(repositories.copy(longest), many[:ONTO])}; "
        f"{str(row.note).split(';')[0]}"
    )
    return row


def _each(taken_s: list[float]) -> str:
    return f"{sum(taken_s) / len(taken_s) * 1000:.0f} ms"


def _onto(path: Path, many: list[bytes]) -> str:
    """How long a call takes that imports onto one long branch."""
    with Tract.open(path) as t:
        entries = t.status().commit_count
        taken = [clocked(t.import_bytes, each)[0] for each in many]
    return f"onto a branch of {entries:,} entries {_each(taken)} a call"
