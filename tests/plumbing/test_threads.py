"""test_threads.py - locks among threads, before and after a fork."""

from __future__ import annotations

import threading

from tests.faults.child import forked
from tests.porcelain.saying import contents
from tract.plumbing.threads import ThreadLock
from tract.tract import Tract


def held_by_another(lock: ThreadLock, done: threading.Event) -> threading.Thread:
    """A thread that holds the lock until it is told that all is done."""
    holds = threading.Event()

    def hold() -> None:
        with lock:
            holds.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert holds.wait(30)
    return thread


def test_forked_child_finds_it_free() -> None:
    """A lock that another thread holds is free in a child, and still held in the parent."""
    lock, done = ThreadLock(), threading.Event()
    thread = held_by_another(lock, done)

    def take() -> None:
        with lock:
            pass

    assert forked(take) == 0
    assert not lock._lock.acquire(blocking=False)
    done.set()
    thread.join()


def test_child_reads_and_writes_on(t: Tract) -> None:
    """A child that was forked while another thread compiled goes on with the handle."""
    t.user("1")
    done = threading.Event()
    thread = held_by_another(t.contexts._lock, done)

    def work() -> None:
        t.user("2")
        assert contents(t) == ["1", "2"]

    assert forked(work) == 0
    done.set()
    thread.join()
    assert contents(t) == ["1", "2"]
