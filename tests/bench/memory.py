"""memory.py - T18: the memory that compiling a long history takes, beside the text itself.

The peak of a process that compiles, less the peak of one that only imports and opens. Linux is
asked for `VmHWM`: its `ru_maxrss` also counts the process that started ours, which is larger.
"""

from itertools import islice
from pathlib import Path

from tests.bench.data import Repositories, texts
from tests.bench.processes import python, remove_index
from tests.bench.rows import Limit, Row
from tests.bench.timing import counted

_PEAK = """
import resource, sys
from tract import Tract
with Tract.open(sys.argv[1]) as t:
    {work}
    if sys.platform == "linux":
        with open("/proc/self/status") as file:
            print(next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) * 1024)
    else:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
_OPEN = "pass"
_LOAD = "t.counter.count_text('Hello.')"
_COMPILE = "made = t.compile(); assert made.messages; assert made.token_count"
_DICTS = f"{_COMPILE}; dicts = made.to_dicts()"


def measure(repositories: Repositories, entries: int) -> list[Row]:
    """A row with the index, and one without, for the longest history."""
    path = repositories.generated(entries)
    bare = repositories.copy(path)
    remove_index(bare)
    text_bytes = sum(len(text.encode()) for text in islice(texts(), entries))
    peak = _peak(path, _DICTS)  # the first: only it compiles modules
    opened = _peak(path, _OPEN)
    loaded = _peak(path, _LOAD)
    dicts = (peak - opened) / text_bytes
    tables = (loaded - opened) / 1e6
    told = (
        ("with the", path, opened, f"messages and token count; with to_dicts too {dicts:.2f} ×"),
        ("no", bare, loaded, f"the encoding's tables, {tables:.0f} MB, are taken off as well"),
    )
    return [
        Row(
            id="T18",
            work=f"memory of compile, {index} index",
            entries=entries,
            tract=counted(_peak(each, _COMPILE) - before),
            unit="bytes",
            floor=counted(text_bytes),
            floor_of="the text",
            limit=Limit(3, "floors"),
            note=note,
        )
        for index, each, before, note in told
    ]


def _peak(path: Path, work: str) -> int:
    """The most bytes that a process had in memory."""
    return int(python(_PEAK.format(work=work), str(path)))
