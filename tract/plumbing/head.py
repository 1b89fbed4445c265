"""head.py - HEAD: where it stands, its moves, and where it stood before.

HEAD's log is judged by names: its lines of a switch are git's own, and the newest is false where
it goes from where HEAD stands still. Its other lines repeat a branch's, or note an operation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pygit2
from pygit2.enums import ReferenceType

from tract.errors import StaleRef
from tract.plumbing import operations, reflog
from tract.plumbing.failures import missing
from tract.plumbing.opening import fault_of_head
from tract.plumbing.ref_lock import locked, signature, who
from tract.plumbing.ref_names import HEAD, HEADS, OBJECT_ID
from tract.plumbing.reflog import ReflogLine
from tract.plumbing.refs import read_ref
from tract.plumbing.repo import CommitId, Repo

ORIG_HEAD = "ORIG_HEAD"
_TO = "ref: "


class Switch(NamedTuple):
    """HEAD went from one place to another: values as `read_place` gives them, and the line."""

    before: str
    after: str
    line: ReflogLine


def check_head(repo: Repo) -> None:
    """Refuse a HEAD that was cut off or changed: it names a branch that never was.

    Raises:
        BadObject: it cannot be what git wrote.
    """
    if fault_of_head(repo.git.path) is not None:
        raise missing("ref", HEAD)


def read_place(repo: Repo) -> str:
    """What HEAD holds: `ref: refs/heads/NAME`, or a commit where it is detached."""
    if repo.pending is not None and HEAD in repo.pending.moves:
        return str(repo.pending.moves[HEAD].new)
    try:
        head = repo.git.lookup_reference(HEAD)
    except (KeyError, pygit2.GitError, OSError) as error:
        raise missing("ref", HEAD) from error
    return f"{_TO}{head.target}" if head.type == ReferenceType.SYMBOLIC else str(head.target)


def on_branch(name: str) -> str:
    """HEAD's value where that branch is the current one."""
    return _TO + HEADS + name


def branch_of(place: str) -> str | None:
    """The branch of a value of HEAD's; None where that is a commit."""
    return place.removeprefix(_TO).removeprefix(HEADS) if place.startswith(_TO) else None


def said(place: str) -> str:
    """A place as git's lines name it: the branch's short name, or the whole commit id."""
    return branch_of(place) or place


def move_head(
    repo: Repo,
    new: str,
    *,
    old: str,
    verb: str = "checkout",
    tail: str = "",
    operation: str | None = None,
) -> None:
    """Move HEAD from `old` to `new`, values as `read_place` gives them; the write lock is held.

    The line in HEAD's log is the one git itself writes at a switch, so that `-` and `@{-1}` work.

    Raises:
        StaleRef: HEAD stands elsewhere.
        RepoLocked: another program kept HEAD's lock for five seconds.
    """
    with locked(repo, HEAD, new) as transaction:
        expect_head(repo, old)
        lines = [_cut_false_line(repo, old), *_newest_of(repo, old), *_newest_of(repo, new)]
        operation = operation or operations.new_operation(repo, lines)
        reason = operations.switch_reason(said(old), said(new), verb, operation, tail)
        branch = branch_of(new)
        tip = read_ref(repo, HEADS + branch) if branch else CommitId(new)
        if tip is None:  # libgit2 writes no line where HEAD comes to stand on nothing
            values = (_value(repo, old), None, reason)
            reflog.append(repo.path, HEAD, values, who(repo), is_durable=repo.is_durable)
        if branch:
            transaction.set_symbolic_target(HEAD, HEADS + branch, signature(repo), reason)
        else:
            transaction.set_target(HEAD, new, signature(repo), reason)


def _newest_of(repo: Repo, place: str) -> list[ReflogLine | None]:
    """The newest line of the branch that HEAD leaves or enters."""
    branch = branch_of(place)
    return [reflog.last_line(repo.path, HEADS + branch)] if branch else []


def note_operation(repo: Repo, verb: str, operation: str, tail: str) -> None:
    """Leave a line in HEAD's log about an operation that is made from here and moves other refs.

    `tail` ends with one of those refs: the line counts if that ref tells of the operation, too.
    The write lock is held. Without such a line, an undo from here would take back what came
    before.
    """
    place = read_place(repo)
    with locked(repo, HEAD, place):
        value = _value(repo, place)
        line = (value, value, operations.reason(verb, operation, tail))
        reflog.append(repo.path, HEAD, line, who(repo), is_durable=repo.is_durable)


def noted_operations(repo: Repo) -> Iterator[ReflogLine]:
    """Those lines, newest first."""
    for line in reflog.read_lines(repo.path, HEAD, holding=b" refs/"):
        if line.old == line.new:
            yield line


def _cut_false_line(repo: Repo, place: str) -> ReflogLine | None:
    """The newest line of HEAD's log; that of a killed writer's switch, which never was, goes."""
    line = reflog.last_line(repo.path, HEAD)
    went = reflog.switch_of(line) if line is not None else None
    if went is not None and _is_false(went, said(place)):
        reflog.cut(repo.path, HEAD, line)
        return reflog.last_line(repo.path, HEAD)
    return line


def set_orig_head(repo: Repo, commit: CommitId) -> None:
    """Let ORIG_HEAD name the commit that a branch is about to leave; the write lock is held."""
    with locked(repo, ORIG_HEAD, commit) as transaction:
        transaction.set_target(ORIG_HEAD, commit, signature(repo), "tract: reset")


def expect_head(repo: Repo, place: str) -> None:
    """Refuse to go on where HEAD does not stand there.

    Raises:
        StaleRef: somebody else moved it.
    """
    found = read_place(repo)
    if found != place:
        raise StaleRef(
            f"HEAD moved meanwhile: it stands on {said(found)}",
            "look where it stands (`tract status`), and repeat the call",
            expected=place,
            found=found,
        )


def _value(repo: Repo, place: str) -> str | None:
    branch = branch_of(place)
    return read_ref(repo, HEADS + branch) if branch else place


def switches(repo: Repo) -> Iterator[Switch]:
    """Where HEAD went, newest first.

    Only the newest line can be false: a killed writer's, whose `from` is where HEAD stands still.
    Where HEAD stands elsewhere than the newest line says, another program moved it since.
    """
    place: str | None = said(read_place(repo))
    for line in reflog.read_lines(repo.path, HEAD, holding=b"\tcheckout: "):
        went = reflog.switch_of(line)
        if went is None:
            continue
        if not _is_false(went, place):
            yield Switch(_place(went[0]), _place(went[1]), line)
        place = None


def _is_false(went: tuple[str, str], place: str | None) -> bool:
    return went[0] == place != went[1]


def _place(name: str) -> str:
    return name if OBJECT_ID.match(name) else on_branch(name)
