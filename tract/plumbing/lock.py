"""lock.py - the write lock: one writer at a time, and what a dead writer left is cleared.

An flock, because the kernel lets go of it when a process is killed. The lock file holds one
line: `PID`, and while a ref moves `PID REF NEW`; whoever takes the lock and finds a REF there
knows that a writer died between that ref's lock and its rename, and removes that lock alone.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
import weakref
from types import TracebackType

from tract.errors import ReadOnly, RepoLocked, StorageFull
from tract.plumbing import reflog
from tract.plumbing.ref_names import stored_value

WAIT_S = 30.0
EMPTY_LOCK_S = 0.2
UNCHANGED_LOCK_S = 5.0
_POLL_S = 0.001
_LINE_MAX = 4096

_open_locks: weakref.WeakSet[WriteLock] = weakref.WeakSet()


class WriteLock:
    """`with lock:` holds it; `announce` and `withdraw` frame the move of one ref."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.takeovers: list[str] = []
        self._threads = threading.Lock()
        self._fd: int | None = None
        _open_locks.add(self)

    def __enter__(self) -> WriteLock:
        """Wait for the lock, at most 30 seconds.

        Raises:
            RepoLocked: somebody else held it all that time.
            ReadOnly: the lock file may not be written.
        """
        if not self._threads.acquire(timeout=WAIT_S):
            raise RepoLocked(
                f"another thread has been writing here for {WAIT_S:.0f} s", path=self.path
            )
        try:
            self._flock()
        except BaseException:
            self._threads.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._fd is not None:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
        self._threads.release()

    def _flock(self) -> None:
        fd = self._descriptor()
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise self._locked(fd) from None
                time.sleep(_POLL_S)
        self._clear_dead_writer(fd)

    def _locked(self, fd: int) -> RepoLocked:
        pid = (
            os.pread(fd, _LINE_MAX, 0).split(b"\n", 1)[0].split(b" ")[0].decode("ascii", "replace")
        )
        return RepoLocked(
            f"process {pid} has been writing here for {WAIT_S:.0f} s",
            "wait for it to end, or end it if it hangs; nothing was changed",
            path=self.path,
            pid=pid,
        )

    def _descriptor(self) -> int:
        if self._fd is None:
            try:
                os.makedirs(os.path.dirname(self.path), exist_ok=True)
                self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            except OSError as error:
                raise _system_error(error, self.path) from error
        return self._fd

    def _clear_dead_writer(self, fd: int) -> None:
        line = os.pread(fd, _LINE_MAX, 0).split(b"\n", 1)[0].decode("utf-8", "replace")
        moving = _moving(line)
        if moving is not None:
            self._take_over(*moving)
        if line != (mine := str(os.getpid())):
            self._say(mine)

    def _take_over(self, pid: str, ref: str, new: str) -> None:
        """Remove the ref's lock that the dead writer `pid` left, if it is surely its own.

        What it left in the ref's log goes first, while that lock keeps others off. A deletion
        holds the lock of `packed-refs` too.
        """
        git_dir = os.path.dirname(os.path.dirname(self.path))
        stale = os.path.join(git_dir, f"{ref}.lock")
        if new == reflog.NOTHING:
            _remove_unchanged(os.path.join(git_dir, "packed-refs.lock"))
        deadline = time.monotonic() + EMPTY_LOCK_S
        while (held := _content(stale)) == "" and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        if held is None or held not in ("", new):
            return
        if ref != "HEAD":
            reflog.mend(git_dir + "/", ref, new, stored_value(git_dir, ref))
        os.unlink(stale)
        self.takeovers.append(f"process {pid} died while moving {ref}; its lock was removed")

    def was_moving(self, ref: str, new: str) -> bool:
        """Whether the last writer was moving `ref` to `new` when it died; nothing is waited for."""
        moving = _moving(_content(self.path) or "")
        return moving is not None and moving[1:] == (ref, new)

    def announce(self, ref: str, new: str) -> None:
        """Say, before `ref` is locked, which value it is about to get."""
        self._say(f"{os.getpid()} {ref} {new}")

    def withdraw(self) -> None:
        """Say that the move is over."""
        self._say(str(os.getpid()))

    def _say(self, line: str) -> None:
        assert self._fd is not None
        try:
            os.pwrite(self._fd, line.encode() + b"\n", 0)
        except OSError as error:
            raise _system_error(error, self.path) from error

    def close(self) -> None:
        """Let go of the file when no thread writes; the next use opens it again."""
        is_mine = self._threads.acquire(timeout=WAIT_S)
        self._let_go()
        if is_mine:
            self._threads.release()

    def _let_go(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def renew_after_fork(self) -> None:
        """In a forked child: without the descriptor, which would keep a dead parent's lock."""
        self._threads = threading.Lock()
        self._let_go()


def _moving(line: str) -> tuple[str, str, str] | None:
    """Process, ref and value in a line of the lock file that tells of a move."""
    words = line.split("\n", 1)[0].split(" ", 2)
    if len(words) != 3 or not words[1].startswith(("refs/", "HEAD", "ORIG_HEAD")):
        return None
    return words[0], words[1], words[2]


def _remove_unchanged(path: str) -> None:
    """Remove a lock file that nobody has touched for five seconds, and that stays so."""
    was = _stamp(path)
    deadline = time.monotonic() + UNCHANGED_LOCK_S
    while was is not None and (now := _stamp(path)) is not None:
        if now != was:
            return
        if time.monotonic() > deadline:
            os.unlink(path)
            return
        time.sleep(EMPTY_LOCK_S)


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _content(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_LINE_MAX).strip()
    except FileNotFoundError:
        return None


def _system_error(error: OSError, path: str) -> ReadOnly | StorageFull:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFull(
            f"could not write {path}: the disk is full", "free some space; nothing changed"
        )
    return ReadOnly(
        f"could not write {path}: {error.strerror}",
        "give write permission on the repository folder, or work on a clone",
    )


def _after_fork() -> None:
    for lock in list(_open_locks):
        lock.renew_after_fork()


os.register_at_fork(after_in_child=_after_fork)
