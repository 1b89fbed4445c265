"""ref_lock.py - git's own `<ref>.lock`: taken by libgit2, announced in the write lock, waited for.

Who died holding one is known from what was announced (lock.py); what another program holds is
waited for, and never removed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pygit2
from pygit2.ffi import ffi
from pygit2.transaction import ReferenceTransaction

from tract.errors import RepoLocked, TractError
from tract.plumbing.failures import storage_error
from tract.plumbing.objects import clean_name
from tract.plumbing.ref_names import short
from tract.plumbing.repo import Repo

FOREIGN_WAIT_S = 5.0
PACKED_REFS = "packed-refs"  # a deletion locks that file, too
_POLL_S = 0.005


@contextmanager
def locked(repo: Repo, name: str, new: str) -> Iterator[ReferenceTransaction]:
    """A libgit2 transaction that holds the ref's lock; committed at the end, or rolled back."""
    repo.lock.announce(name, new)
    try:
        transaction = _lock(repo, name)
        with transaction:
            yield transaction
    except TractError:
        raise
    except (pygit2.GitError, OSError, ValueError) as error:
        if PACKED_REFS in str(error) and is_held(repo, PACKED_REFS):
            raise _held(repo, PACKED_REFS) from error
        raise storage_error(error, f"move {short(name)}") from error
    finally:
        repo.lock.withdraw()


def _lock(repo: Repo, name: str) -> ReferenceTransaction:
    """Lock a ref; what another program is about to be done with is waited for.

    That is its lock, and a folder that `git pack-refs` removed while libgit2 was making a file
    in it.
    """
    deadline = time.monotonic() + FOREIGN_WAIT_S
    while True:
        transaction = repo.git.transaction()
        try:
            transaction.lock_ref(name)
            return transaction
        except (pygit2.GitError, OSError, ValueError) as error:
            transaction.__exit__(type(error), error, None)
            if time.monotonic() > deadline and is_held(repo, name):
                raise _held(repo, name) from error
            if time.monotonic() > deadline or not _passes(error):
                raise storage_error(error, f"lock {short(name)}") from error
        time.sleep(_POLL_S)


def wait_until_free(repo: Repo, names: Iterable[str]) -> None:
    """Wait until no other program holds the lock of one of these refs, five seconds for all.

    Raises:
        RepoLocked: one is held still.
    """
    deadline = time.monotonic() + FOREIGN_WAIT_S
    for name in names:
        while is_held(repo, name):
            if time.monotonic() > deadline:
                raise _held(repo, name)
            time.sleep(_POLL_S)


def is_held(repo: Repo, name: str) -> bool:
    """Whether somebody holds the ref's lock at this moment."""
    return os.path.exists(lock_path(repo, name))


def lock_path(repo: Repo, name: str) -> str:
    """The file by which git locks a ref."""
    return os.path.join(repo.path, f"{name}.lock")


def _held(repo: Repo, name: str) -> RepoLocked:
    path = lock_path(repo, name)
    return RepoLocked(
        f"another program holds {path}",
        "wait for that program; if none runs, remove the file and repeat",
        path=path,
    )


def _passes(error: BaseException) -> bool:
    """Whether a lock that could not be had can be had in a moment."""
    said = str(error).lower()
    return any(words in said for words in ("exist", "no such file", "failed to lock"))


class _Pointer:
    """A signature in the one form that pygit2 1.21 lets a transaction's set_target take."""

    def __init__(self, signature: pygit2.Signature) -> None:
        self._cell = ffi.new("git_signature **")
        ffi.buffer(self._cell)[:] = signature._pointer
        self._pointer = self._cell[0]
        self._owner = signature


def who(repo: Repo) -> tuple[str, str, int]:
    """Who moves a ref, and when: name, mail, seconds since 1970."""
    name, mail = repo.committer
    return clean_name(name, "tract"), clean_name(mail, "tract@localhost"), repo.clock() // 1000


def signature(repo: Repo) -> pygit2.Signature:
    """The same for libgit2."""
    return _Pointer(pygit2.Signature(*who(repo), 0))  # type: ignore[return-value]
