"""memory.py - T18: the memory that compiling a long history takes, beside the text itself.

What a process has of its own when it has compiled, less what one has that only imports and opens:
`RssAnon` on Linux, since the pages of a mapped pack are the file's own and can be dropped at any
time; with them it is `VmHWM`, which stands in the note. (`ru_maxrss` also counts the process that
started ours, which is larger.)
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
            said = dict(line.split()[:2] for line in file if len(line.split()) > 1)
        print(int(said["RssAnon:"]) * 1024, int(said["VmHWM:"]) * 1024)
    else:
        print(*[resource.getrusage(resource.RUSAGE_SELF).ru_maxrss] * 2)
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
    dicts, _ = _memory(path, _DICTS)  # the first: only it compiles modules
    opened, _ = _memory(path, _OPEN)
    loaded, _ = _memory(path, _LOAD)
    _, peak = _memory(path, _COMPILE)
    _, before_peak = _memory(path, _OPEN)
    made = (dicts - opened) / text_bytes
    mapped = (peak - before_peak) / text_bytes
    tables = (loaded - opened) / 1e6
    told = (
        (
            "with the",
            path,
            opened,
            f"messages and token count; dicts too {made:.2f} ×; with mapped packs {mapped:.2f} ×",
        ),
        ("no", bare, loaded, f"the encoding's tables, {tables:.0f} MB, are taken off as well"),
    )
    return [
        Row(
            id="T18",
            work=f"memory of compile, {index} index",
            entries=entries,
            tract=counted(_memory(each, _COMPILE)[0] - before),
            unit="bytes",
            floor=counted(text_bytes),
            floor_of="the text",
            limit=Limit(3, "floors"),
            note=note,
        )
        for index, each, before, note in told
    ]


def _memory(path: Path, work: str) -> tuple[int, int]:
    """The bytes of its own that a process ends with, and the most it had in memory."""
    own, peak = python(_PEAK.format(work=work), str(path)).split()
    return int(own), int(peak)
