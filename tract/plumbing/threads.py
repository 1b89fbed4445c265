"""threads.py - a lock among the threads of a process, which a forked child finds free.

A child has only the thread that forked: a lock that another thread held then would stay held in it
for ever.
"""

from __future__ import annotations

import os
import threading
import weakref

_locks: weakref.WeakSet[ThreadLock] = weakref.WeakSet()


class ThreadLock:
    """`with lock:` holds it; the same thread may hold it twice."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _locks.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def renew(self) -> None:
        """Begin anew, in a forked child."""
        self._lock = threading.RLock()


def _after_fork() -> None:
    for lock in list(_locks):
        lock.renew()


os.register_at_fork(after_in_child=_after_fork)
