"""child.py - processes of our own that write, are killed at the N-th step, or lack rights."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any


class KilledAt:
    """Stands before an object database; kills the process with SIGKILL at the N-th write."""

    def __init__(self, odb: Any, n: int) -> None:
        self._odb = odb
        self._left = n

    def write(self, kind: int, data: bytes) -> Any:
        """Write through, unless this is the N-th."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return self._odb.write(kind, data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._odb, name)


def forked(work: Callable[[], object]) -> int:
    """Run `work` in a forked child and return how it ended: 0, 1 after an error, -9 if killed."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
