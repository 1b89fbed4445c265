"""mend_refs.py - refs and their logs: put back where they are lost, moved where they are not whole.

A ref whose file is damaged is put back with the value that its log tells of. One whose tip cannot
be read in full goes to its newest whole commit, and on to a commit that adds what came after and
can be read: so a damaged file costs what it held, and nothing that was written later.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from tract.errors import CorruptRepo
from tract.plumbing import mending, pages, reflog, refs
from tract.plumbing.chain import META
from tract.plumbing.damage import fault_of_packed_refs, file_of
from tract.plumbing.objects import Commit, Person, read_commit, write_commit
from tract.plumbing.operations import logged_refs
from tract.plumbing.ref_names import HEAD, HEADS, short
from tract.plumbing.reflog import NOTHING, ReflogLine
from tract.plumbing.repo import CommitId, Repo, TreeId
from tract.plumbing.salvage import readable_tree
from tract.plumbing.whole import Disk, Found, TooMuch, find_whole, logged_value, value_of
from tract.porcelain import repair, trailers
from tract.porcelain.mender import VERB, Mender, mended
from tract.porcelain.moment import committer_at, later_than
from tract.porcelain.problem import Problem
from tract.porcelain.workspace import Workspace

NOTES = "refs/notes/tract/"
_DIGITS = 12


# Lost


def lost(ws: Workspace, mender: Mender | None) -> Iterator[Problem]:
    """Refs that cannot be read, and those that are gone while their log goes on."""
    what = fault_of_packed_refs(ws.repo.path)
    if what is not None:
        hint = "`tract fsck --repair` writes it anew; refs that have a log are put back from there"
        problem = Problem("ref", "packed-refs", f"packed-refs {what}", hint)
        yield mended(mender, problem, _mend_packed)
    for ref in sorted({*refs.list_refs(ws.repo), *logged_refs(ws.repo)}):
        what = _fault(ws.repo, ref)
        if what is not None:
            yield mended(
                mender,
                Problem("ref", ref, f"{ref} {what}", _hint(ws.repo, ref)),
                partial(_put, ref=ref),
            )


def _hint(repo: Repo, ref: str) -> str:
    value = logged_value(repo, ref)
    if value is None:
        return "it has no log that says where it stood; a clone or backup may know"
    return f"`tract fsck --repair` puts it back at {value[:_DIGITS]}, where its log ends"


def _fault(repo: Repo, ref: str) -> str | None:
    value, bytes_ = value_of(repo, ref), mending.content(repo.path, ref)
    line = reflog.last_line(repo.path, ref)
    if value is None and bytes_ is not None:
        bad = file_of(repo, "ref", ref)
        return bad.what if bad is not None else None
    if bytes_ is not None or line is None:
        return None
    if value is None:
        return "is missing" if line.new != NOTHING and logged_value(repo, ref) else None
    with suppress(CorruptRepo):
        refs.check_present(repo, ref, value)
        return None
    return "is missing, and packed-refs has an older value"


def _put(mender: Mender, ref: str) -> str | None:
    value = mending.newest_logged(mender.folder, ref) or logged_value(mender.repo, ref)
    found = mending.content(mender.folder, ref)
    if value is None:
        return None
    if found is not None:
        mender.aside.copy(ref)
    is_put = mending.put_ref(mender.folder, mender.lock, ref, value, found=found)
    return f"it was put back at {value[:_DIGITS]}" if is_put else None


def _mend_packed(mender: Mender) -> str:
    gone = (ref for ref in logged_refs(mender.repo) if _fault(mender.repo, ref) == "is missing")
    values = {ref: mending.newest_logged(mender.folder, ref) for ref in gone}
    more = {ref: value for ref, value in values.items() if value is not None}
    return mending.mend_packed_refs(mender.folder, mender.lock, mender.aside, more)


# Not whole


class _Place(NamedTuple):
    """A ref, where it stands, and what is known of it."""

    ref: str
    value: str
    found: Found


def broken(ws: Workspace, mender: Mender | None) -> Iterator[Problem]:
    """Branches, notes and documents whose newest commit cannot be read in full; other refs."""
    disk = Disk(ws.repo)
    for ref in refs.list_refs(ws.repo):
        value = value_of(ws.repo, ref)
        if value is None:
            continue
        try:
            if not _is_context(ref):
                if value not in disk:
                    said = f"{ref} names {value[:_DIGITS]}, which cannot be read"
                    yield Problem("ref", ref, said, "a clone or backup may still have it")
            elif disk.fault_of_commit(value) is not None:
                place = _Place(ref, value, find_whole(ws.repo, ref, disk))
                yield mended(
                    mender, _problem(ws.repo, place), partial(_recover, disk=disk, at=place)
                )
        except TooMuch:
            said = f"{ref} has more than can be looked at"
            yield Problem("ref", ref, said, "`git fsck` looks at all of it")


def _is_context(ref: str) -> bool:
    return ref.startswith((HEADS, NOTES)) or ref == META


def _problem(repo: Repo, at: _Place) -> Problem:
    fault, whole = at.found.fault, at.found.whole
    assert fault is not None
    bad = file_of(repo, fault.kind, fault.name)
    what = f"{bad.path} {bad.what}" if bad is not None else f"{fault.kind} {fault.name}"
    said = f"{short(at.ref)} is not whole at {at.value[:_DIGITS]}: {what}"
    hint = "no commit of it is whole; `tract fsck --repair` keeps what can be read of the newest"
    if whole is not None:
        hint = (
            f"`tract fsck --repair` goes back to {whole[:_DIGITS]}, the newest whole one, "
            "and adds what came after it and can be read"
        )
    kind = "branch" if at.ref.startswith(HEADS) else "notes"
    return Problem(kind, at.ref, said, hint)


def _recover(mender: Mender, disk: Disk, at: _Place) -> str | None:
    whole = at.found.whole
    made = _with_the_rest(mender.repo, disk, at)
    goal = made or whole
    if goal is None:
        return None if at.ref.startswith(HEADS) else _begin_anew(mender, at)
    mender.move(at.ref, CommitId(goal), CommitId(at.value))
    if whole is None:
        return f"what can be read of it is in {goal[:_DIGITS]}"
    said = f"it went back to {whole[:_DIGITS]}"
    return said + (f", and on to {goal[:_DIGITS]} with what came after" if made else "")


def _begin_anew(mender: Mender, at: _Place) -> str:
    """Notes and settings of which nothing can be read: the next write begins them anew."""
    mender.move(at.ref, None, CommitId(at.value))
    return f"nothing of it can be read, so it begins anew; it stood at {at.value[:_DIGITS]}"


def _with_the_rest(repo: Repo, disk: Disk, at: _Place) -> CommitId | None:
    """A commit on the newest whole one that adds what can be read of the tip.

    Where no commit is whole it follows the tip. None where there is nothing to add.
    """
    tip = disk.commit(at.value)
    whole = disk.commit(at.found.whole) if at.found.whole is not None else None
    base = whole[0] if whole is not None else None
    tree = readable_tree(repo, disk, tip[0], base) if tip is not None else None
    if tree is None or tree == base or (whole is None and not _says_something(repo, at.ref, tree)):
        return None
    parent = read_commit(repo, at.found.whole or at.value)
    now_ms = later_than(repo, parent)
    who = committer_at(repo, now_ms)
    author = Person("tract", "tract@localhost", who.time_s)
    message = f"tract: {VERB}\n"
    if at.ref.startswith(HEADS):
        said = f"repair: what can be read of {at.value[:_DIGITS]}"
        message = trailers.compose(VERB, (), time_ms=now_ms % 1000, message=said)
    return write_commit(
        repo, TreeId(tree), (parent.id,), author=author, committer=who, message=message
    )


def _says_something(repo: Repo, ref: str, tree: str) -> bool:
    if not ref.startswith(HEADS):
        return True
    listed = pages.list_pages(repo, TreeId(tree))
    return any(pages.read_page(repo, page) for page in listed)


# Shared slots


def shared(ws: Workspace, mender: Mender) -> Iterator[Problem]:
    """Entries that share a slot get slots of their own, as the next write would give them."""
    for ref in refs.list_refs(ws.repo, HEADS):
        tip = value_of(ws.repo, ref)
        if tip is None or Disk(ws.repo).fault_of_commit(tip) is not None:
            continue
        with suppress(CorruptRepo):
            commit = read_commit(ws.repo, tip)
            if ws.contexts.has_shared(commit.tree):
                said = f"entries of {short(ref)} share a slot"
                hint = "the next write gives each a slot of its own"
                problem = Problem("slot", ref, said, hint)
                yield mended(mender, problem, partial(_separate, ws=ws, ref=ref, tip=commit))


def _separate(mender: Mender, ws: Workspace, ref: str, tip: Commit) -> str:
    made = repair.separated(ws.repo, ws.contexts, tip, None)
    mender.move(ref, made.id, tip.id)
    return f"{made.id[:_DIGITS]} gives each a slot of its own"


# Logs


def logs(ws: Workspace, mender: Mender | None) -> Iterator[Problem]:
    """Lines of reflogs that cannot be read, or tell of a move that never was."""
    for ref in (HEAD, *sorted(logged_refs(ws.repo))):
        lines = list(reflog.read_lines(ws.repo.path, ref))
        path = f"logs/{ref}"
        end = next((n for n, line in enumerate(lines) if line.new), len(lines))
        inner = sum(not line.new for line in lines[end:])
        if inner:
            said = f"{path} has {inner} lines that cannot be read"
            yield Problem("reflog", path, said, "an undo does not reach back past them")
        value = value_of(ws.repo, ref) if ref != HEAD else None
        if end:
            said = f"{path} ends in something that is no line"
        elif value is not None and not reflog.is_real(lines[0] if lines else None, value):
            said = f"{path} ends elsewhere than the ref"
        else:
            continue
        problem = Problem("reflog", path, said, "the next write of that ref removes its last line")
        yield mended(mender, problem, partial(_mend_log, ref=ref, value=value))


def _mend_log(mender: Mender, ref: str, value: str | None) -> str:
    """Cut off what is false, and let the log end where the ref is.

    A killed writer's line begins where the ref is; any other lacks lines after it.
    """
    folder = mender.folder
    with mending.locked_file(folder, mender.lock, ref):
        aside = mender.aside.copy(f"logs/{ref}")
        was_torn = _cut_unreadable(folder, ref)
        line = reflog.last_line(folder, ref)
        is_false = line is not None and value is not None and not reflog.is_real(line, value)
        if is_false and line is not None and line.old == value and not was_torn:
            reflog.cut(folder, ref, line)
        elif is_false and line is not None:
            who, why = mender.line(ref)
            reflog.append(folder, ref, (line.new, value, why), who)
    return f"it ends where the ref is now, and as it was it is in {aside}"


def _cut_unreadable(folder: str, ref: str) -> bool:
    line: ReflogLine | None
    was_torn = False
    while (line := reflog.last_line(folder, ref)) is not None and not line.new:
        reflog.cut(folder, ref, line)
        was_torn = True
    return was_torn
