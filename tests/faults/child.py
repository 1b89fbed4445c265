"""child.py - processes of our own that write, are killed at the N-th step, or lack rights.

A step is what changes the disk: a loose object, a file made, written, synced, renamed or removed,
a ref locked, told its new value, moved. Each is counted in the forked child alone, and the process
dies right before the N-th. What libgit2 does inside one of its calls only strace reaches
(traced.py).
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pygit2.transaction import ReferenceTransaction

from tract.porcelain.commit_info import CommitInfo
from tract.testing import PinnedClock, PinnedRandom
from tract.tract import Tract

_CREATING = os.O_CREAT | os.O_TRUNC
_CALLS = "rename replace link unlink mkdir rmdir write pwrite truncate ftruncate fsync".split()
_MOVES = ("lock_ref", "set_target", "set_symbolic_target", "commit")
_open, _write = os.open, os.write


class Steps:
    """Counts the steps of this process; kills it with SIGKILL before the N-th, if N is not 0."""

    def __init__(self, n: int = 0) -> None:
        self.n = n
        self.taken: list[str] = []

    def take(self, name: str) -> None:
        """The next step is about to be made."""
        self.taken.append(name)
        if len(self.taken) == self.n:
            os.kill(os.getpid(), signal.SIGKILL)

    def arm(self, t: Tract) -> None:
        """Count from now on, in this process, which is to end soon."""
        for name in _CALLS:
            setattr(os, name, self._counted(name, getattr(os, name)))
        os.open = self._opened(os.open)
        for name in _MOVES:
            setattr(
                ReferenceTransaction, name, self._counted(name, getattr(ReferenceTransaction, name))
            )
        t.repo.odb = CountedObjects(t.repo.odb, self)  # type: ignore[assignment]

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            self.take(name)
            return real(*args, **named)

        return call

    def _opened(self, real: Callable[..., int]) -> Any:
        def call(path: Any, flags: int, *args: Any, **named: Any) -> int:
            if flags & _CREATING:
                self.take("open")
            return real(path, flags, *args, **named)

        return call


class CountedObjects:
    """Stands before an object database; each write is a step."""

    def __init__(self, odb: Any, steps: Steps) -> None:
        self._odb = odb
        self._steps = steps

    def write(self, kind: int, data: bytes) -> Any:
        """Write through, unless this is the N-th step."""
        self._steps.take("object")
        return self._odb.write(kind, data)

    def __contains__(self, object_id: object) -> bool:
        return object_id in self._odb

    def __getattr__(self, name: str) -> Any:
        return getattr(self._odb, name)


class Told:
    """A file outside the repository that holds what was acknowledged: `COMMIT ENTRY` a line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def tell(self, *infos: CommitInfo) -> None:
        """Write down what a call returned, before anything else is done; it survives a kill."""
        self.say(*(f"{info.commit_hash} {info.entry_id}" for info in infos))

    def say(self, *lines: str) -> None:
        """Write lines, none of which is counted as a step."""
        file = _open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        _write(file, "".join(f"{line}\n" for line in lines).encode())
        os.close(file)

    @property
    def lines(self) -> list[str]:
        """What was written."""
        return self.path.read_text().splitlines() if self.path.exists() else []

    @property
    def commits(self) -> list[str]:
        """The commits that were acknowledged, in order."""
        return [line.split(" ")[0] for line in self.lines]

    @property
    def entries(self) -> list[str]:
        """The entries that were acknowledged, in order."""
        return [line.split(" ")[1] for line in self.lines]


Work = Callable[[Tract, Told], object]


def forked(work: Callable[[], object]) -> int:
    """Run `work` in a forked child and return how it ended: 0, 1 after an error, -9 if killed."""
    pid = start(work)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def start(work: Callable[[], object]) -> int:
    """Run `work` in a forked child, which is returned at once: its process id."""
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
    return pid


def open_pinned(path: Path, **options: Any) -> Tract:
    """A handle whose clock and random source make each run the same."""
    return Tract.open(path, clock=PinnedClock(), random=PinnedRandom(2), **options)


def steps_of(path: Path, before: Work, work: Work) -> list[str]:
    """Do it all in a child, unkilled: the names of the steps that `work` takes."""
    told, said = Told(path.parent / "told"), Told(path.parent / "steps")

    def child() -> None:
        t, steps = open_pinned(path), Steps()
        before(t, told)
        steps.arm(t)
        work(t, told)
        said.say(*list(steps.taken))
        os._exit(0)

    assert forked(child) == 0
    return said.lines


def killed_at(path: Path, n: int, before: Work, work: Work) -> Told:
    """Do it in a child that is killed at the N-th step of `work`; what it acknowledged."""
    told = Told(path.parent / "told")

    def child() -> None:
        t = open_pinned(path)
        before(t, told)
        Steps(n).arm(t)
        work(t, told)
        os._exit(0)

    assert forked(child) == -signal.SIGKILL, f"step {n}"
    return told
