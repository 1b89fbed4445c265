"""move.py - the commands that move: checkout, reset, undo, redo, operations.

Nothing is lost by any of them, so each says where a branch went and how to go back.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import click

from tract.cli import report
from tract.cli.options import Call, command, read_target
from tract.cli.render import Line, Paint, Piece, flat, number
from tract.errors import UsageError

if TYPE_CHECKING:
    from tract.porcelain.commit_info import CommitInfo
    from tract.porcelain.undo import Operation, RefMove
    from tract.tract import Tract

HEADS = "refs/heads/"
KEEP = "refs/tract/keep/"
HASH_LENGTH = 40
NEAR = 50  # operations to look through for one that was most likely done just now
EVERY = 10_000_000  # as many slots as the format has
SHOWN_MOVES = 3


def read_commit(text: str) -> str:
    """A target that is a commit's; a place such as `:12` is an entry's, and what it means unclear.

    Raises:
        UsageError: it is a place.
    """
    if isinstance(read_target(text), int):
        raise UsageError(
            f"{text} is the place of an entry, not a commit",
            f"tract show {text} shows the commit that wrote it",
        )
    return text


@command("checkout")
@click.argument("target", type=read_commit, metavar="TARGET")
def checkout(call: Call, target: str) -> None:
    """Go to a branch, or to a commit to look at it.

    TARGET is a branch, a commit, or - for where HEAD stood before. At a commit HEAD is detached:
    everything can be read as it was then, and nothing can be written. No branch moves.

    \b
    Examples:
      tract checkout import/chat-7
      tract checkout HEAD~3
      tract checkout -
    """
    if call.branch is not None:
        raise UsageError(
            "--branch leaves HEAD where it is, so a checkout beside it would move nothing",
            f"leave it out: tract checkout {shlex.quote(target)}",
        )
    with call.open() as t:
        before, stood = t.place, t.branch_name
        info = t.checkout(target)
        now, moved = t.branch_name, t.place != before
    if call.json:
        call.screen.document({"branch": now, "changed": moved, "commit": info})
    elif not call.quiet:
        call.screen.lines(_arrived(now, info, back=stood, moved=moved))


def _arrived(
    branch: str | None, info: CommitInfo | None, *, back: str | None, moved: bool
) -> Iterator[Line]:
    """Where HEAD stands now, and what that means; `back` is the branch where it stood before."""
    if branch is None:
        assert info is not None
        yield ("HEAD detached at ", *_commit(info))
        yield ("Look around; there is no branch here, so nothing can be written.",)
        yield from report.advice(f"tract checkout {shlex.quote(back) if back else 'BRANCH'}")
        return
    where: list[Piece] = ["On branch " if moved else "Already on branch ", Paint(branch, "green")]
    yield [*where, *((", at ", *_commit(info)) if info is not None else (", without commits",))]


def _commit(info: CommitInfo) -> tuple[Piece, ...]:
    return report.short(info.commit_hash), f" {flat(info.message)}"


@command("reset")
@click.argument("target", type=read_commit, metavar="TARGET")
@click.option(
    "--soft", "mode", flag_value="soft", help="Keep what the branch leaves. This is the default."
)
@click.option(
    "--hard", "mode", flag_value="hard", help="Leave it to the reflog, from which gc may take it."
)
def reset(call: Call, target: str, mode: str | None) -> None:
    """Move the branch to another commit.

    What the branch leaves stays in the repository, and `tract undo` goes back to it. With --soft
    ORIG_HEAD names it, and a keep ref holds it for good. There is no work tree, so no file
    changes either way.

    \b
    Examples:
      tract reset HEAD~2
      tract reset ORIG_HEAD
      tract reset --hard main@{yesterday}
    """
    mode = mode or "soft"
    with call.open() as t:
        info = t.reset(target, mode=mode)
        left = _left(t, info) if info.changed else None
    if call.json:
        facts = {"branch": info.branch, "mode": mode, "changed": info.changed, "from": left}
        call.screen.document({**facts, "commit": info})
    elif not call.quiet:
        call.screen.lines(_moved(call, info, left, mode))


def _left(t: Tract, info: CommitInfo) -> str | None:
    """The commit that the branch has just left; None where it had none."""
    for each in t.operations(NEAR):
        for move in each.moves:
            if each.verb == "reset" and (move.ref, move.new) == (_ref(info), info.commit_hash):
                return move.old
    return None


def _ref(info: CommitInfo) -> str:
    return f"{HEADS}{info.branch}"


def _moved(call: Call, info: CommitInfo, left: str | None, mode: str) -> Iterator[Line]:
    branch = Paint(info.branch or "", "green")
    if not info.changed:
        yield (branch, " is there already: ", *_commit(info))
        return
    was = _value(left) if left is not None else "no commits"
    yield (branch, " ", was, " → ", *_commit(info))
    ways = [_again(call, "undo")]
    if mode == "soft" and left is not None:
        ways.append(_again(call, "reset", "ORIG_HEAD" if call.branch is None else left[:12]))
    yield (Paint("  back: ", dim=True), " or ".join(ways))


def _again(call: Call, *words: str) -> str:
    """A command that works on the same branch as this one."""
    branch = () if call.branch is None else ("--branch", call.branch)
    return shlex.join(("tract", *branch, *words))


@command("undo")
def undo(call: Call) -> None:
    """Take back what was done last: a write, an import, a reset, a checkout.

    It does not matter which program did it. Every ref that it moved goes back to where it was.
    Nothing is deleted: `tract redo` brings it again, and another undo takes back what was done
    before that. If somebody else has moved a ref since, nothing changes (exit code 4).

    \b
    Examples:
      tract undo
      tract --branch import/chat-7 undo
    """
    with call.open() as t:
        _tell(call, t, t.undo())


@command("redo")
def redo(call: Call) -> None:
    """Bring again what the last undo took back, unless something else was done since.

    \b
    Examples:
      tract redo
      tract --branch import/chat-7 redo
    """
    with call.open() as t:
        _tell(call, t, t.redo())


def _tell(call: Call, t: Tract, operation: Operation) -> None:
    """Print what an undo or redo took back, and where each ref went."""
    if call.json:
        call.screen.document(operation)
    elif not call.quiet:
        call.screen.lines(_taken_back(call, operation, _first(t, operation)))


def _first(t: Tract, operation: Operation) -> Operation | None:
    """What was done in the first place: a redo takes an undo back, which took that back."""
    for limit in (NEAR, EVERY):
        known = {each.id: each for each in t.operations(limit)}
        found: Operation | None = operation
        while found is not None and found.of is not None:
            found = known.get(found.of)
        if found is not None:
            return found
    return None


def _taken_back(call: Call, operation: Operation, first: Operation | None) -> Iterator[Line]:
    verb = "undid" if operation.verb == "undo" else "redid"
    what = f"{first.verb} " if first is not None else ""
    head: list[Piece] = [f"{verb} {what}", Paint(f"#{first.id if first else operation.of}", "cyan")]
    moves = _shown(operation)
    if len(moves) == 1:
        yield [*head, ": ", *_move(moves[0])]
    else:
        yield [*head, ":"]
        yield from (("  ", *_move(each)) for each in moves)
    bare = [each for each in moves if each.new is None and each.ref.startswith(HEADS)]
    if bare:
        who = _name(bare[0]) if len(bare) == 1 else number(len(bare), "branch", "branches")
        has = "has" if len(bare) == 1 else "have"
        yield (f"{who} {has} no commits now; what was there is kept.",)
        yield (Paint("  back: ", dim=True), _again(call, "redo"))


# Operations as lines


@command("operations")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="How many operations to show; 0 shows all.",
)
def operations(call: Call, limit: int) -> None:
    """Show what was done here, newest first: what `tract undo` would take back.

    Each line has the operation's id, the time, what was done, and where each ref went; then
    whether it is undone at present, and of an undo or redo which operation it took back.

    \b
    Examples:
      tract operations
      tract operations -n 5
      tract --branch import/chat-7 operations --json
    """
    with call.open() as t:
        found = t.operations(limit or EVERY)
    if call.json:
        call.screen.document(found)
        return
    width = max((len(each.verb) for each in found), default=0)
    call.screen.page([_row(each, width) for each in found])
    if not found:
        call.screen.note("No operations yet.")


def _row(operation: Operation, width: int) -> Line:
    when = datetime.fromisoformat(operation.created_at).astimezone()
    line: list[Piece] = [
        Paint(f"#{operation.id}", "cyan", dim=operation.is_undone),
        Paint(f"  {when:%Y-%m-%d %H:%M:%S}  ", dim=True),
        f"{operation.verb:<{width}}  ",
    ]
    moves = _shown(operation)
    for position, each in enumerate(moves[:SHOWN_MOVES]):
        line += [", " if position else "", *_move(each)]
    if len(moves) > SHOWN_MOVES:
        line.append(f", and {number(len(moves) - SHOWN_MOVES, 'more ref')}")
    if operation.of is not None:
        line += ["  of ", Paint(f"#{operation.of}", "cyan")]
    if operation.is_undone:
        line.append(Paint("  undone", "yellow"))
    return line


def _shown(operation: Operation) -> list[RefMove]:
    """The moves that people ask for: of HEAD, then branches, then notes; not of what keeps them."""
    moves = [each for each in operation.moves if not each.ref.startswith(KEEP)]
    return sorted(moves, key=lambda each: (each.ref != "HEAD", not each.ref.startswith(HEADS)))


def _move(move: RefMove) -> Line:
    """A ref, and where it went from and to."""
    none = "no commits" if move.ref.startswith(HEADS) else "nothing"
    old, new = (_value(each) if each is not None else none for each in (move.old, move.new))
    return [Paint(_name(move), "green"), " ", old, " → ", new]


def _name(move: RefMove) -> str:
    return move.ref.removeprefix(HEADS).removeprefix("refs/")


def _value(value: str) -> Paint:
    """A commit by its first digits; HEAD may stand on a branch."""
    return report.short(value) if len(value) == HASH_LENGTH else Paint(value, "green")
