"""sqlite_file.py - a SQLite file on which nothing depends: any question of it may go unanswered.

It may vanish, be damaged, locked or unwritable at any moment; whoever asks is then told that
nothing is known. What is damaged is removed and begun anew; what is refused is not tried again
for a second. What is in the tables is for others to know: they are made by a function.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import quote

from tract.plumbing.sealed import Damaged

if TYPE_CHECKING:
    from sqlite3 import Connection

BUSY_S = 0.05
PAUSE_S = 1.0
# How often in a row a lock may refuse without a word. Others make, write back and add for moments:
# a read is refused again after the pause only if it lasts, twenty writes have waited for a second.
LOCKED_MAX = {False: 1, True: 20}  # reading, writing
REBUILDS_MAX = 3
_STILL_S = 1.0

# SQLite's result codes (sqlite.org/rescode.html); the module has names for them, but at a price.
_BUSY, _LOCKED, _READONLY, _FULL, _CANTOPEN = 5, 6, 8, 13, 14
_LOCKS = {_BUSY, _LOCKED}
_REFUSES_WRITES = {*_LOCKS, _READONLY, _FULL}
_DAMAGE = {1, 2, 11, 18, 19, 20, 24, 26}  # ERROR INTERNAL CORRUPT TOOBIG CONSTRAINT MISMATCH ...
_SHORT_READ = 522  # the log has been cut off

_PRAGMAS = (
    *("synchronous=NORMAL", "mmap_size=0", "temp_store=MEMORY"),
    *("cell_size_check=ON", "trusted_schema=OFF"),
)

Identity = tuple[int, ...]
R = TypeVar("R")

_files: weakref.WeakSet[SqliteFile] = weakref.WeakSet()
_registering = threading.Lock()
_of_parents: list[Connection] = []


class _Unusable(Exception):
    """The file is sound and still not for us; the text says why."""


class Tables(NamedTuple):
    """What makes the tables in an empty file, and the number by which they are known again."""

    schema: int
    make: Callable[[Connection], object]


class SqliteFile:
    """The file at `path`, with these tables. `ask` answers at once, whatever became of the file.

    `warn` is told in a few words why the file cannot be used, once; a lock is worth a word only
    if it lasts. Threads may share a SqliteFile; after a fork parent and child open the file anew.
    """

    def __init__(self, path: str, tables: Tables, *, warn: Callable[[str], object]) -> None:
        self.path = os.path.abspath(path)
        self._tables = tables
        self._warn = warn
        self._is_warned = False
        self._threads = threading.Lock()
        self._open: _Open | None = None
        self._seen: Identity | None = None
        self._paused_until = {False: 0.0, True: 0.0}  # reading, writing
        self._locked = {False: 0, True: 0}  # refused by a lock, in a row: reading, writing
        self._rebuilds = 0
        self._is_still = False
        with _registering:
            _files.add(self)

    @property
    def is_open(self) -> bool:
        """Whether a connection has been made and works."""
        return self._open is not None and self._open.pid == os.getpid()

    def close(self) -> None:
        """Write the log back into the file and let go of it; the next use opens it again."""
        with self._threads:
            self._let_go()

    def ask(self, work: Callable[[Connection], R], nothing: R, *, writes: bool = False) -> R:
        """What `work` answers, or `nothing` where the file cannot be used now.

        What `writes` is one transaction, and runs once more in a new file if it meets damage;
        `work` may raise Damaged itself. What `warn` raises comes out of here, after everything
        is done: the file and this object are as they would be, and the next call answers.
        """
        with self._threads:
            answer, said = self._answer(work, nothing, writes)
            if self._is_warned:
                said = None
            self._is_warned |= said is not None
        if said is not None:
            self._warn(said)
        return answer

    def _answer(
        self, work: Callable[[Connection], R], nothing: R, writes: bool
    ) -> tuple[R, str | None]:
        """The answer, and what is to be said of the file; damaged, it is written once more."""
        if time.monotonic() < self._paused_until[writes]:
            return nothing, None
        said = None
        for _ in range(2 if writes else 1):
            try:
                return self._work(work, nothing, writes), None
            except _failures() as error:
                is_damage = _is_damage(error)
                said = self._rebuild() if is_damage else self._refused(error, writes)
                if not is_damage or said:
                    break
        return nothing, said

    def _work(self, work: Callable[[Connection], R], nothing: R, writes: bool) -> R:
        opened = self._reach(writes)
        if opened is None:
            return nothing
        answer = (_transact if writes else _simply)(work, opened.connection)
        self._locked[writes] = 0
        return answer

    def _reach(self, writes: bool) -> _Open | None:
        """The file as it is now at the path, open; for writing it is made.

        Somebody may have removed or replaced it: what we hold open is then nobody's any more.
        """
        held = self._open
        if held is not None:
            if self.is_open and held.identity == _identity(self.path, held.is_frozen):
                return held
            self._let_go()
        self._seen = _identity(self.path)
        if self._seen or writes:
            self._open = _opened(self.path, self._tables, self._seen, writes)
        if self._open is not None and self._open.identity is not None:
            self._seen = self._open.identity[:2]  # it may have been made just now
        return self._open

    def _let_go(self) -> None:
        """Close the connection; a parent's is kept as it is, closing it would undo its locks."""
        held, self._open = self._open, None
        if held is None:
            return
        if held.pid != os.getpid():
            _of_parents.append(held.connection)
            return
        with suppress(*_sqlite_errors()):
            held.connection.close()

    def _refused(self, error: BaseException, writes: bool) -> str | None:
        """Pause after a refusal; what there is to say of it."""
        said = self._pause(error, writes)
        if _code(error) & 0xFF not in _LOCKS:
            return said
        self._locked[writes] += 1
        return said if self._locked[writes] > LOCKED_MAX[writes] else None

    def _pause(self, error: BaseException, writes: bool) -> str:
        """Not even try for a second, so that a hundred calls wait once; the reason in words."""
        until = time.monotonic() + PAUSE_S
        self._paused_until[True] = until
        is_readable = writes and _code(error) & 0xFF in _REFUSES_WRITES
        if not is_readable:
            self._paused_until[False] = until
        if _code(error) & 0xFF not in _REFUSES_WRITES:
            self._let_go()
        said = error.strerror if isinstance(error, OSError) else str(error)
        return said or type(error).__name__

    def _rebuild(self) -> str | None:
        """Remove the damaged file, unless another process has; what there is to say, if not."""
        self._let_go()
        self._rebuilds += 1
        if self._rebuilds > REBUILDS_MAX:
            self._paused_until = {False: float("inf"), True: float("inf")}
            return f"it was damaged more than {REBUILDS_MAX} times"
        try:
            if self._seen == _identity(self.path):
                _remove(self.path)
        except (OSError, _Unusable) as error:
            return f"it is damaged: {self._pause(error, False)}"
        return None

    def _stand_still(self) -> None:
        """Before a fork: a child that inherited an open file would believe in locks it lacks."""
        self._is_still = self._threads.acquire(timeout=_STILL_S)
        if self._is_still:
            self._let_go()

    def _go_on(self) -> None:
        if self._is_still:
            self._threads.release()

    def _begin_as_child(self) -> None:
        self._threads = threading.Lock()


# Opening


class _Open:
    """A connection, and the file and process it was made for."""

    def __init__(self, connection: Connection, is_frozen: bool) -> None:
        self.connection = connection
        self.is_frozen = is_frozen  # read without locks, as nobody may write
        self.identity: Identity | None = None
        self.pid = os.getpid()


def _identity(path: str, is_frozen: bool = False) -> Identity | None:
    """What tells the file at `path` from any other; None where there is none.

    Where nothing is locked for reading, a change is another file.
    """
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(found.st_mode):
        raise _Unusable("it is not a file")
    same = (found.st_dev, found.st_ino)
    return (*same, found.st_size, found.st_mtime_ns, _log_size(path)) if is_frozen else same


def _log_size(path: str) -> int:
    try:
        return os.stat(path + "-wal").st_size
    except FileNotFoundError:
        return 0


def _opened(path: str, tables: Tables, seen: Identity | None, writes: bool) -> _Open | None:
    """Open the file, made if need be `writes`; None where there is nothing in it to read."""
    if writes and seen is None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        opened = _connected(path, "mode=rwc" if writes else "mode=rw", tables, writes)
    except _sqlite_errors() as error:
        is_refused = _code(error) & 0xFF in (_CANTOPEN, _READONLY)
        if not is_refused or seen is None or _log_size(path):
            raise
        # a folder with no place for SQLite's -shm
        opened = _connected(path, "mode=ro&immutable=1", tables, False)
    if opened is not None:
        is_new = seen is None or opened.is_frozen
        opened.identity = _identity(path, opened.is_frozen) if is_new else seen
    return opened


def _connected(path: str, mode: str, tables: Tables, writes: bool) -> _Open | None:
    """A connection to a file with these tables; None where it has none."""
    import sqlite3

    name = f"file://{quote(os.fsencode(path))}?{mode}"
    connection = sqlite3.connect(
        name, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    connection.text_factory = bytes
    try:
        is_ready = _prepare(connection, tables, writes)
    except BaseException:
        connection.close()
        raise
    if is_ready:
        return _Open(connection, "immutable" in mode)
    connection.close()
    return None


def _prepare(connection: Connection, tables: Tables, writes: bool) -> bool:
    """Whether there are tables of this schema; in an empty file they are made if it `writes`."""
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    if _is_current(connection, tables.schema):
        return True
    if writes:
        _keep_log(connection)
        _transact(lambda on: _make(on, tables), connection)
    return writes


def _keep_log(connection: Connection) -> None:
    """Write to a log; SQLite does not wait for another who is just now making the same file."""
    try:
        connection.execute("PRAGMA journal_mode=WAL").fetchall()  # another answer is as good
    except _sqlite_errors() as error:
        if _code(error) & 0xFF not in _LOCKS:
            raise


def _is_current(connection: Connection, schema: int) -> bool:
    """Whether the file has this schema; False where it has none yet."""
    version = _version(connection)
    if version > schema:
        raise _Unusable(f"it has schema {version}, and this tract reads schema {schema}")
    if version < schema and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        version = _version(connection)  # another process may just have made tables and number
        if version < schema:
            raise Damaged
    return version == schema


def _version(connection: Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _make(connection: Connection, tables: Tables) -> None:
    if not _is_current(connection, tables.schema):  # else another process was faster
        tables.make(connection)
        connection.execute(f"PRAGMA user_version={tables.schema}")


def _transact(work: Callable[[Connection], R], connection: Connection) -> R:
    connection.execute("BEGIN IMMEDIATE")
    try:
        answer = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return answer


def _simply(work: Callable[[Connection], R], connection: Connection) -> R:
    return work(connection)


def _remove(path: str) -> None:
    """Remove the file with its log, the log first: alone it would be taken for a newer file's."""
    for name in (path + "-wal", path + "-shm", path):
        with suppress(FileNotFoundError):
            os.unlink(name)


# Failures


def _sqlite_errors() -> tuple[type[Exception], ...]:
    """What SQLite raises, once it has been imported; before that, nothing."""
    loaded = sys.modules.get("sqlite3")
    return () if loaded is None else (loaded.Error,)


def _code(error: BaseException) -> int:
    """SQLite's extended result code; 0 where it is none of SQLite's errors."""
    return getattr(error, "sqlite_errorcode", 0)


def _failures() -> tuple[type[Exception], ...]:
    """All that may come of a file in any state: a damaged schema is quoted in bytes of any kind."""
    return (OSError, MemoryError, UnicodeDecodeError, _Unusable, Damaged, *_sqlite_errors())


def _is_damage(error: BaseException) -> bool:
    code = _code(error)
    return (
        isinstance(error, Damaged | UnicodeDecodeError)
        or code & 0xFF in _DAMAGE
        or code == _SHORT_READ
    )


# Forks


def _before_fork() -> None:
    _registering.acquire()
    for file in list(_files):
        file._stand_still()


def _after_fork_in_parent() -> None:
    for file in list(_files):
        file._go_on()
    _registering.release()


def _after_fork_in_child() -> None:
    for file in list(_files):
        file._begin_as_child()
    _registering.release()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)
