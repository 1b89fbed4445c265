"""traced.py - one verb again and again under strace, each time in a child killed a call later.

strace kills a process at one certain call, say the 200th rename. The child that is to be killed at
its N-th makes 200 - N first, which fail; so one strace serves every N, until a child lives. Started
as a program: `python -m tests.faults.traced FOLDER CALL VERB`; FOLDER/.tract is copied for each N.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

from tests.faults.child import Told, Work, forked, open_pinned
from tests.faults.work import append, batch_of_20, close, nothing, say_three

WHEN = 200  # more than any verb makes
NOWHERE = "/nowhere/at/all"
CALLS: dict[str, Callable[[], object]] = {
    "rename": lambda: os.rename(NOWHERE, NOWHERE),
    "link": lambda: os.link(NOWHERE, NOWHERE),
    "unlink": lambda: os.unlink(NOWHERE),
    "mkdir": lambda: os.mkdir(NOWHERE),
    "write": lambda: os.write(-1, b""),
    "pwrite64": lambda: os.pwrite(-1, b"", 0),
}
VERBS: dict[str, tuple[Work, Work]] = {
    "append": (nothing, append),
    "batch": (nothing, batch_of_20),
    "close": (say_three, close),
}


def fail(call: str, times: int) -> None:
    """Make a call that fails, so often."""
    for _ in range(times):
        with suppress(OSError):
            CALLS[call]()


def main(folder: Path, call: str, verb: str) -> None:
    """Do the verb in children killed at call 1, 2, …, until one lives."""
    before, work = VERBS[verb]
    for n in count(1):
        path = shutil.copytree(folder / ".tract", folder / str(n) / ".tract")
        told = Told(path.parent / "told")

        def child(path: Path = path, n: int = n, told: Told = told) -> None:
            t = open_pinned(path)
            before(t, told)
            fail(call, WHEN - n)
            work(t, told)
            os._exit(0)

        if forked(child) == 0:
            break


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
