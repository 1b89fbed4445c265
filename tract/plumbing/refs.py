"""refs.py - read refs, and move them by compare-and-swap.

Every move holds our write lock and git's own `<ref>.lock`, compares the old value while both are
held, and leaves a reason in the reflog: `tract: VERB #OPERATION`. Compared outside git's lock, a
commit that stock git makes in between would be overwritten without a trace.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pygit2
from pygit2.enums import ReferenceType

from tract.errors import BadObject, StaleRef
from tract.plumbing import operations, reflog
from tract.plumbing.failures import missing, storage_error
from tract.plumbing.mending import put_file
from tract.plumbing.operations import new_operation
from tract.plumbing.pending import Move
from tract.plumbing.ref_lock import (
    PACKED_REFS,
    is_held,
    locked,
    signature,
    wait_until_free,
    who,
)
from tract.plumbing.ref_names import KEEP, Taken, packed_refs, short
from tract.plumbing.reflog import NOTHING
from tract.plumbing.repo import CommitId, Repo

# Reading


def read_ref(repo: Repo, name: str) -> CommitId | None:
    """The object a ref points at, symbolic refs followed; None where it does not exist.

    A staged repository sees its own moves, and every other ref as it was at the first look.
    """
    if repo.pending is None:
        return read_stored(repo, name)
    if name in repo.pending.moves:
        return _as_id(repo.pending.moves[name].new)
    if name not in repo.pending.seen:
        repo.pending.seen[name] = read_stored(repo, name)
    return _as_id(repo.pending.seen[name])


def has_ref(repo: Repo, name: str) -> bool:
    """Whether there is such a ref, be it a damaged one."""
    try:
        return read_ref(repo, name) is not None
    except BadObject:
        return True


def _as_id(value: str | None) -> CommitId | None:
    return CommitId(value) if value is not None else None


def check_absent(repo: Repo, name: str) -> reflog.ReflogLine | None:
    """Make sure that a ref which is not there was never there, or was deleted.

    Its log tells: the line of a deletion is returned, None where it has no log. A file that a
    power cut or a hand has taken is no empty branch.

    Raises:
        BadObject: its log ends with a commit, and no writer that died can have left that line.
        RepoLocked: another program holds its lock for five seconds.
    """
    line = reflog.last_line(repo.path, name)
    if line is None or line.new == NOTHING or repo.lock.was_moving(name, line.new):
        return line
    wait_until_free(repo, [name])  # git writes the line before the ref, too
    if read_stored(repo, name) is None:
        raise missing("ref", name)
    return None


def check_present(repo: Repo, name: str, value: str) -> None:
    """Make sure that a value out of `packed-refs` is not older than what the ref's log tells of.

    A ref has a file of its own from its first move after a packing. One that a power cut or a hand
    has taken must not bring back what was packed.

    Raises:
        BadObject: the log tells of moves past this value.
    """
    if os.path.exists(os.path.join(repo.path, name)) or is_held(repo, name):
        return
    line = reflog.last_line(repo.path, name)
    if line is None or line.new in ("", NOTHING, value) or repo.lock.was_moving(name, line.new):
        return
    is_older = any(each.new == value for each in reflog.read_lines(repo.path, name))
    if is_older and read_stored(repo, name) == value:  # else it has just moved
        raise missing("ref", name)


def was_undone(repo: Repo, name: str) -> bool:
    """Whether a branch that has no commits had some, before an undo of its first one.

    Raises:
        BadObject, RepoLocked: see check_absent.
    """
    mark = operations.mark_of(check_absent(repo, name))
    return mark is not None and mark.verb in operations.UNDOING


def assume_free(repo: Repo, name: str) -> None:
    """Let a staged repository take it that there is no such ref; landing finds out."""
    assert repo.pending is not None
    repo.pending.seen[name] = None


def read_stored(repo: Repo, name: str) -> CommitId | None:
    """The same as it is on disk, whatever a staged repository plans."""
    try:
        target = repo.git.lookup_reference(name).resolve().target
    except (KeyError, pygit2.InvalidSpecError):
        return None
    except (pygit2.GitError, OSError, ValueError) as error:
        raise missing("ref", name) from error
    return CommitId(str(target))


def list_refs(repo: Repo, prefix: str = "") -> list[str]:
    """The names of all refs that begin so, in byte order."""
    found = _names(repo)
    for name, move in repo.pending.moves.items() if repo.pending is not None else ():
        (found.discard if move.new is None else found.add)(name)
    return sorted(name for name in found if name.startswith(prefix))


def taken_names(repo: Repo) -> Taken:
    """The names that a new ref has to fit in with; a staged repository looks once.

    The log of a deleted ref stays, and stands in the way like a ref.
    """
    if repo.pending is None:
        return _taken_names(repo)
    if repo.pending.taken is None:
        repo.pending.taken = _taken_names(repo)
    return repo.pending.taken


def _taken_names(repo: Repo) -> Taken:
    return Taken({*_names(repo), *operations.logged_refs(repo)})


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


def update_ref(
    repo: Repo,
    name: str,
    new: CommitId | None,
    *,
    old: CommitId | None,
    verb: str,
    tail: str = "",
    operation: str | None = None,
    taken: Taken | None = None,
    before: Callable[[], object] | None = None,
) -> None:
    """Move `name` from `old` to `new`; `old=None`: it must not exist yet; `new=None`: delete it.

    The write lock must be held. The comparison happens while git's own lock is held too, and
    `before` is called there last. `operation` is that of which this move is a part, `tail` the end
    of its line (operations.py), and `taken` the names there are, where several moves look at
    them. The log of a deleted ref stays. In a staged repository the move is only planned.

    Raises:
        StaleRef: somebody else moved the ref first. Read again, plan again.
        RefExists: another ref stands in the way of a new one.
        RepoLocked: another program kept the ref's lock for five seconds.
    """
    if old is None and not name.startswith(KEEP) and read_ref(repo, name) is None:
        (taken or taken_names(repo)).check(name)
    if repo.pending is not None:
        _compare(name, read_ref(repo, name), old)
        repo.pending.move(name, Move(old, new, verb, tail))
        if repo.pending.taken is not None:
            repo.pending.taken.add(name)
        return
    of_head = _cut_false_echo(repo, name)
    with locked(repo, name, new or NOTHING) as transaction:
        found = read_ref(repo, name)
        _compare(name, found, old)
        if before is not None:
            before()
        line = reflog.last_line(repo.path, name)
        if not reflog.is_real(line, found):
            reflog.cut(repo.path, name, line)
        operation = operation or new_operation(repo, [line, of_head])
        reason = operations.reason(verb, operation, tail)
        if new is None:
            wait_until_free(repo, [PACKED_REFS])
        if new == old or new is None:  # libgit2 writes no line for these
            values = (old, new, reason)
            reflog.append(repo.path, name, values, who(repo), is_durable=repo.is_durable)
        if new is None:
            transaction.remove(name)
        elif new != old and _is_head_sound(repo):
            transaction.set_target(name, new, signature(repo), reason)
        elif new != old:
            reflog.append(repo.path, name, (old, new, reason), who(repo))
            put_file(repo.path, name, new.encode() + b"\n")


def _is_head_sound(repo: Repo) -> bool:
    """Whether HEAD and its branch can be read; else libgit2 moves no ref, whatever its name."""
    try:
        repo.git.lookup_reference("HEAD").resolve()
    except KeyError:
        return True  # on a branch without commits
    except (pygit2.GitError, OSError, ValueError):
        return False
    return True


def _compare(name: str, found: CommitId | None, expected: CommitId | None) -> None:
    if found != expected:
        raise StaleRef(
            f"{short(name)} moved while this change was made",
            "repeat the call; it reads the branch afresh",
            expected=expected,
            found=found,
        )


def expect(repo: Repo, name: str, value: str | None) -> None:
    """Refuse to go on where a ref has another value.

    Raises:
        StaleRef: somebody else moved it.
    """
    _compare(name, read_ref(repo, name), _as_id(value))


def _cut_false_echo(repo: Repo, name: str) -> reflog.ReflogLine | None:
    """The newest line of HEAD's log, if HEAD stands on `name`; a killed writer's is removed first.

    HEAD's lock is announced like any other, so that it does not outlive a kill in turn.
    """
    try:
        head = repo.git.lookup_reference("HEAD")
    except (KeyError, pygit2.GitError, OSError):
        return None  # damaged, it stands nowhere
    if head.type != ReferenceType.SYMBOLIC or head.target != name:
        return None
    line, is_true = _echo(repo, name)
    if is_true:
        return line
    with locked(repo, "HEAD", f"ref: {name}"):
        line, is_true = _echo(repo, name)
        if not is_true:
            reflog.cut(repo.path, "HEAD", line)
    return reflog.last_line(repo.path, "HEAD")


def _echo(repo: Repo, name: str) -> tuple[reflog.ReflogLine | None, bool]:
    """The newest line of HEAD's log, and whether it is HEAD's own, or tells of a move that was."""
    line = reflog.last_line(repo.path, "HEAD")
    is_own = line is not None and (
        line.message.startswith("checkout:") or (line.old == line.new and " refs/" in line.message)
    )
    return line, is_own or reflog.is_real(line, read_ref(repo, name))
