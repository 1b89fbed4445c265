"""fsck.py - is everything sound: files and refs, git's own check, every entry, notes.

Files are judged each by itself, then refs; with `repair` what can be mended is mended on the way
(mend_files.py, mend_refs.py). Then git's check where git is there, and ours: on every branch's tip
each entry can be read, ids are unique, slots hold one entry, labels agree with headers, and call
groups are whole. Problems are reported, all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tract.content.checks import check_parts
from tract.errors import BadContent, GitMissing, RepoLocked, TractError
from tract.plumbing import pages, refs, upkeep
from tract.plumbing.objects import read_commit
from tract.plumbing.program import run_git
from tract.plumbing.ref_names import HEADS
from tract.plumbing.repo import TreeId
from tract.porcelain import mend_files, mend_refs
from tract.porcelain.decoded import Item, read_entry, read_tools, shared_slots
from tract.porcelain.fsck_notes import of_notes
from tract.porcelain.mender import Mender
from tract.porcelain.problem import Problem
from tract.porcelain.workspace import Workspace

# Without what only reflogs reach: a commit that was damaged and is replaced is still named there.
_GIT_FSCK = ("fsck", "--strict", "--full", "--no-dangling", "--no-reflogs", "--no-progress")
_QUIET = ("notice:", "dangling ", "Checking ")


def fsck(ws: Workspace, repair: bool = False) -> list[Problem]:
    """Every problem found; an empty list means sound.

    With `repair` what can be mended is mended first, under the write lock: a damaged file is set
    aside in `tract/damaged/`, never deleted; what can be made again is; a branch that is not whole
    goes to its newest whole commit, and on with what came after and can be read. Problems that
    were mended are in the list, too, with `repaired`.

    Raises:
        RepoLocked, ReadOnly, StorageFull: nothing, or not all, was mended.
        UsageError: `repair` in a batch.
    """
    ws.check_open()
    if not repair:
        return [*_mended(ws, None), *_checked(ws)]
    ws.check_moves()
    with ws.repo.lock, upkeep.alone(ws.repo) as is_alone:
        if not is_alone:
            raise RepoLocked("another process is packing", "repeat it in a moment")
        found = list(_mended(ws, Mender(ws.repo)))
        ws.know_nothing()
    return [*found, *_checked(ws)]


def _mended(ws: Workspace, mender: Mender | None) -> Iterator[Problem]:
    """What is wrong with files and refs; mended, in the order in which one needs the other."""
    yield from mend_files.head_and_config(ws, mender)
    yield from mend_files.packs(ws, mender)
    yield from mend_files.loose(ws, mender)
    yield from mend_refs.lost(ws, mender)
    yield from mend_refs.logs(ws, mender)
    yield from mend_refs.broken(ws, mender)
    if mender is not None:
        yield from mend_refs.shared(ws, mender)
    yield from mend_files.index(ws, mender)
    yield from mend_files.stray(ws, mender)


def _checked(ws: Workspace) -> Iterator[Problem]:
    """What git finds, and what can be said of entries and notes."""
    yield from _by_git(ws)
    seen: set[TreeId] = set()
    for ref in refs.list_refs(ws.repo, HEADS):
        try:
            tip = refs.read_ref(ws.repo, ref)
            tree = read_commit(ws.repo, tip).tree if tip is not None else None
        except TractError:
            continue  # it has been said
        if tree is not None and tree not in seen:
            seen.add(tree)
            yield from _of_tree(ws, ref.removeprefix(HEADS), tree)
    yield from of_notes(ws.repo)


def _by_git(ws: Workspace) -> Iterator[Problem]:
    try:
        ran = run_git(ws.repo, *_GIT_FSCK)
    except GitMissing:
        return
    lines = (ran.stdout + ran.stderr).decode("utf-8", "replace").splitlines()
    said = [line for line in lines if line.strip() and not line.startswith(_QUIET)]
    if ran.returncode and not said:
        said = [f"git fsck ended with {ran.returncode}"]
    for line in said:
        yield Problem("git", ws.repo.path, line, "a clone or backup may still have the object")


def _of_tree(ws: Workspace, branch: str, tree: TreeId) -> Iterator[Problem]:
    items: list[Item] = []
    unread: list[Problem] = []
    try:
        listed = pages.list_pages(ws.repo, tree)
        read_tools(ws.repo, tree)
    except TractError as error:
        listed = []
        unread.append(Problem("entry", branch, error.message, error.hint))
    for page in listed:
        try:
            files = pages.read_page(ws.repo, page)
        except TractError as error:
            unread.append(Problem("entry", branch, error.message, error.hint))
            continue
        for file in files:
            try:
                items.append(Item(file, read_entry(ws.repo, file), ws.counter))
            except TractError as error:
                where = f"{branch}:{file.path}"
                unread.append(Problem("entry", where, error.message, error.hint))
    yield from unread
    yield from _of_items(branch, items)
    if not unread:
        yield from _of_groups(ws, branch, tree)


def _of_items(branch: str, items: list[Item]) -> Iterator[Problem]:
    copies = Counter(item.entry.id for item in items)
    for item in items:
        where = f"{branch}:{item.file.path}"
        entry = item.entry
        if copies[entry.id] > 1:
            yield Problem("id", where, f"{copies[entry.id]} entries have the id {entry.id}",
                          "all but the first are read under an id of their own")  # fmt: skip
        if entry.label != item.file.label:
            yield Problem("label", where, f"the header says {entry.label}",
                          "the header counts; the entry's next write renames the file")  # fmt: skip
        try:
            check_parts(tuple(p for p in entry.parts or () if "text" in p), entry.text)
        except BadContent as error:
            yield Problem("parts", where, error.message, "it is read as one text")
    for slot in shared_slots(items):
        yield Problem("slot", f"{branch}:{slot}", f"several entries share slot {slot}",
                      "the next write gives each a slot of its own")  # fmt: skip


def _of_groups(ws: Workspace, branch: str, tree: TreeId) -> Iterator[Problem]:
    """Calls that the conversation went past unanswered, and results of no call.

    A call in the last turn is no problem: its result is still to come.
    """
    context = ws.context(tree)
    turns = [item for item in context.shown if not item.entry.is_result]
    newest = turns[-1].entry.id if turns else None
    for call in context.open_calls:
        if call.entry_id != newest:
            said = f"the call {call.id or call.name} of entry {call.entry_id} has no result"
            yield Problem("open-call", branch, said, "answer it: `tract cancel-tool-calls`")
    for item in context.orphans:
        where = f"{branch}:{item.file.path}"
        said = f"the result of {item.entry.tool_call_id or 'no call'} answers no open call"
        yield Problem("orphan", where, said, "providers get it as a user text")
