"""refs.py - read refs, and move them by compare-and-swap.

Every move holds our write lock and git's own `<ref>.lock`, compares the old value while both are
held, and leaves a reason in the reflog: `tract: VERB #OPERATION`. Compared outside git's lock, a
commit that stock git makes in between would be overwritten without a trace.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import pygit2
from pygit2.enums import ReferenceType
from pygit2.ffi import ffi

from tract.errors import RepoLocked, StaleRef, TractError
from tract.plumbing import reflog
from tract.plumbing.objects import clean_name
from tract.plumbing.pending import Move
from tract.plumbing.ref_names import HEADS, Taken, packed_refs, short
from tract.plumbing.repo import CommitId, Repo, missing, storage_error

FOREIGN_WAIT_S = 5.0
_POLL_S = 0.005
_LETTERS = str.maketrans("0123456789abcdef", "zyxwvutsrqponmlk")
_SORTED = str.maketrans("0123456789abcdef", "klmnopqrstuvwxyz")
_DIGITS = str.maketrans("klmnopqrstuvwxyz", "0123456789abcdef")


def random_letters(repo: Repo, size: int) -> str:
    """`size` bytes of the repository's random source as 2 × size letters k-z (0→z … f→k)."""
    return repo.random(size).hex().translate(_LETTERS)


# Reading


def read_ref(repo: Repo, name: str) -> CommitId | None:
    """The object a ref points at, symbolic refs followed; None where it does not exist.

    A staged repository sees its own moves, and every other ref as it was at the first look.
    """
    if repo.pending is None:
        return _read_ref(repo, name)
    if name in repo.pending.moves:
        return CommitId(repo.pending.moves[name].new)
    if name not in repo.pending.seen:
        repo.pending.seen[name] = _read_ref(repo, name)
    found = repo.pending.seen[name]
    return CommitId(found) if found is not None else None


def assume_free(repo: Repo, name: str) -> None:
    """Let a staged repository take it that there is no such ref; landing finds out."""
    assert repo.pending is not None
    repo.pending.seen[name] = None


def _read_ref(repo: Repo, name: str) -> CommitId | None:
    try:
        target = repo.git.lookup_reference(name).resolve().target
    except (KeyError, pygit2.InvalidSpecError):
        return None
    except (pygit2.GitError, OSError, ValueError) as error:
        raise missing("ref", name) from error
    return CommitId(str(target))


def read_head(repo: Repo) -> tuple[str | None, CommitId | None]:
    """The current branch's short name and its tip; a detached HEAD has no name."""
    try:
        head = repo.git.lookup_reference("HEAD")
    except (KeyError, pygit2.GitError, OSError) as error:
        raise missing("ref", "HEAD") from error
    if head.type == ReferenceType.SYMBOLIC:
        name = str(head.target)
        short = name.removeprefix(HEADS)
        return short, read_ref(repo, name)
    return None, CommitId(str(head.target))


def list_refs(repo: Repo, prefix: str = "") -> list[str]:
    """The names of all refs that begin so, in byte order."""
    planned = repo.pending.moves if repo.pending is not None else ()
    return sorted(n for n in {*_names(repo), *planned} if n.startswith(prefix))


def taken_names(repo: Repo) -> Taken:
    """The names that a new ref has to fit in with; a staged repository looks once."""
    if repo.pending is None:
        return Taken(_names(repo))
    if repo.pending.taken is None:
        repo.pending.taken = Taken(_names(repo))
    return repo.pending.taken


def _names(repo: Repo) -> set[str]:
    """The names of all refs, loose and packed; libgit2 would read every file for them."""
    found: set[str] = set()
    try:
        for folder, _, names in os.walk(os.path.join(repo.path, "refs"), onerror=_raise):
            prefix = os.path.relpath(folder, repo.path)
            found.update(f"{prefix}/{name}" for name in names if not name.endswith(".lock"))
        found.update(name for name, _ in packed_refs(repo.path))
    except OSError as error:
        raise storage_error(error, "list the refs") from error
    return found


def _raise(error: OSError) -> None:
    """A folder that was removed while we looked held nothing."""
    if not isinstance(error, FileNotFoundError):
        raise error


# Moving


def new_operation(repo: Repo, lines: Iterable[reflog.ReflogLine | None]) -> str:
    """An id for an operation: 11 letters of time, 4 random.

    `lines` are the newest of the refs it moves: it is never less than theirs plus one, so that
    ids sort as things happened.
    """
    now_ms = repo.clock()
    for earlier in filter(None, map(reflog.operation_of, lines)):
        now_ms = max(now_ms, int(earlier[:11].translate(_DIGITS), 16) + 1)
    return f"{now_ms:011x}".translate(_SORTED) + random_letters(repo, 2)


def update_ref(
    repo: Repo,
    name: str,
    new: CommitId,
    *,
    old: CommitId | None,
    verb: str,
    operation: str | None = None,
    taken: Taken | None = None,
    before: Callable[[], object] | None = None,
) -> None:
    """Move `name` from `old` to `new`; `old=None` means it must not exist yet.

    The write lock must be held. The comparison happens while git's own lock is held too, and
    `before` is called there last. `operation` is that of which this move is a part, and `taken`
    the names there are, where several moves look at them. In a staged repository the move is only
    planned.

    Raises:
        StaleRef: somebody else moved the ref first. Read again, plan again.
        RefExists: another ref stands in the way of a new one.
        RepoLocked: another program kept the ref's lock for five seconds.
    """
    if old is None and read_ref(repo, name) is None:
        (taken or taken_names(repo)).check(name)
    if repo.pending is not None:
        _compare(name, read_ref(repo, name), old)
        repo.pending.move(name, Move(old, new, verb))
        if repo.pending.taken is not None:
            repo.pending.taken.add(name)
        return
    _cut_false_echo(repo, name)
    with _locked(repo, name, new) as transaction:
        found = read_ref(repo, name)
        _compare(name, found, old)
        if before is not None:
            before()
        line = reflog.last_line(repo, name)
        if not reflog.is_real(line, found):
            reflog.cut(repo, name, line)
        reason = f"tract: {verb} #{operation or new_operation(repo, [line])}"
        transaction.set_target(name, new, _signature(repo, repo.clock()), reason)


def _compare(name: str, found: CommitId | None, expected: CommitId | None) -> None:
    if found != expected:
        raise StaleRef(
            f"{short(name)} moved while this change was made",
            "repeat the call; it reads the branch afresh",
            expected=expected,
            found=found,
        )


def set_head(repo: Repo, branch: str) -> None:
    """Make `branch` the current one; the write lock must be held.

    The reflog line is the one git itself writes at a switch, so that `-` and `@{-1}` work.
    """
    before, tip = read_head(repo)
    now_ms = repo.clock()
    operation = new_operation(repo, [reflog.last_line(repo, "HEAD")])
    reason = f"checkout: moving from {before or tip} to {branch} (tract #{operation})"
    with _locked(repo, "HEAD", f"ref: {HEADS}{branch}") as transaction:
        transaction.set_symbolic_target("HEAD", HEADS + branch, _signature(repo, now_ms), reason)


@contextmanager
def _locked(repo: Repo, name: str, new: str) -> Iterator[pygit2.transaction.ReferenceTransaction]:
    """A libgit2 transaction that holds the ref's lock; committed at the end, or rolled back."""
    repo.lock.announce(name, new)
    try:
        transaction = _lock(repo, name)
        with transaction:
            yield transaction
    except TractError:
        raise
    except (pygit2.GitError, OSError, ValueError) as error:
        raise storage_error(error, f"move {short(name)}") from error
    finally:
        repo.lock.withdraw()


def _lock(repo: Repo, name: str) -> pygit2.transaction.ReferenceTransaction:
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


def expect(repo: Repo, values: Mapping[str, str | None]) -> None:
    """Wait until no other program holds the lock of one of these refs, and compare their values.

    For a change of several refs: looked at before the first one moves, so that what would be
    refused at the last is refused at once.

    Raises:
        StaleRef: one has another value.
        RepoLocked: other programs kept their locks for five seconds.
    """
    deadline = time.monotonic() + FOREIGN_WAIT_S
    for name, value in values.items():
        while is_held(repo, name):
            if time.monotonic() > deadline:
                raise _held(repo, name)
            time.sleep(_POLL_S)
        _compare(name, read_ref(repo, name), CommitId(value) if value is not None else None)


def is_held(repo: Repo, name: str) -> bool:
    """Whether somebody holds the ref's lock at this moment."""
    return os.path.exists(_lock_path(repo, name))


def _lock_path(repo: Repo, name: str) -> str:
    return os.path.join(repo.path, f"{name}.lock")


def _held(repo: Repo, name: str) -> RepoLocked:
    path = _lock_path(repo, name)
    return RepoLocked(
        f"another program holds {path}",
        "wait for that program; if none runs, remove the file and repeat",
        path=path,
    )


def _passes(error: BaseException) -> bool:
    """Whether a lock that could not be had can be had in a moment."""
    said = str(error).lower()
    return any(words in said for words in ("exist", "no such file", "failed to lock"))


def _cut_false_echo(repo: Repo, name: str) -> None:
    """Remove what a killed writer of this branch left in HEAD's log, under HEAD's lock.

    HEAD's lock is announced like any other, so that it does not outlive a kill in turn.
    """
    head = repo.git.lookup_reference("HEAD")
    if head.type != ReferenceType.SYMBOLIC or head.target != name:
        return
    if _is_true_echo(repo, name):
        return
    with _locked(repo, "HEAD", f"ref: {name}"):
        if not _is_true_echo(repo, name):
            reflog.cut(repo, "HEAD", reflog.last_line(repo, "HEAD"))


def _is_true_echo(repo: Repo, name: str) -> bool:
    line = reflog.last_line(repo, "HEAD")
    return reflog.is_checkout(line) or reflog.is_real(line, read_ref(repo, name))


class _Pointer:
    """A signature in the one form that pygit2 1.21 lets a transaction's set_target take."""

    def __init__(self, signature: pygit2.Signature) -> None:
        self._cell = ffi.new("git_signature **")
        ffi.buffer(self._cell)[:] = signature._pointer
        self._pointer = self._cell[0]
        self._owner = signature


def _signature(repo: Repo, now_ms: int) -> pygit2.Signature:
    name, email = repo.committer
    name, email = clean_name(name, "tract"), clean_name(email, "tract@localhost")
    return _Pointer(pygit2.Signature(name, email, now_ms // 1000, 0))  # type: ignore[return-value]
