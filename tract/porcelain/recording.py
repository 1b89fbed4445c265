"""recording.py - the calls of a batch, kept so that they can be made again on a branch that moved.

Commit ids change then, entry ids stay; only appends are made again, because the meaning of
anything else may have changed with what somebody wrote meanwhile.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tract.plumbing.aside import Aside
from tract.plumbing.packs import Pack
from tract.plumbing.threads import ThreadLock
from tract.porcelain.commit_info import CommitInfo

Rename = Callable[[str], str]


class Call(NamedTuple):
    """A write through the batch: what plans it, and the commits it made.

    `rename` gives another name to a branch that was chosen for it, should somebody else take it.
    """

    plan: Callable[..., Any]
    branch: str | None
    rename: Rename | None
    infos: list[CommitInfo]
    is_append: bool


class NoteCall(NamedTuple):
    """A line for a commit's generation note."""

    info: CommitInfo
    make: Callable[[str], str]


class Carried(NamedTuple):
    """An edit takes along what the notes of the entry's earlier writer say of it."""

    writer: str
    commit: str
    entry_id: str


class Recording:
    """What was written through a batch's handle, in order, and the packs that hold it.

    `counted` are the tokens of entries by blob, which stay the same when they are written again.
    `lock` is held from the reading of a tip to the recording of what was written on it.
    `leaves_branch` says that other branches than the handle's are written, which HEAD's log is
    told, and `switches` that the handle then goes to the first of them. `operation` is the id of
    an operation that this goes on with.
    """

    def __init__(self, verb: str, counted: dict[str, int] | None = None) -> None:
        self.verb = verb
        self.counted = counted or {}
        self.lock = ThreadLock()
        self.pid = os.getpid()
        self.calls: list[Call | NoteCall] = []
        self.packs: list[Pack] = []
        self.aside: Aside | None = None
        self.note_lines: dict[str, list[str]] = {}
        self.carried: list[Carried] = []
        self.leaves_branch = False
        self.switches = False
        self.operation: str | None = None

    def anew(self) -> Recording:
        """One for the same, made once more."""
        made = Recording(self.verb, self.counted)
        made.leaves_branch, made.switches = self.leaves_branch, self.switches
        made.operation = self.operation
        return made

    def close(self) -> None:
        """Remove what was not put in place."""
        if self.aside is not None:
            self.aside.close()
        self.aside, self.packs = None, []

    def add_note(self, commit: str, lines: Iterable[str]) -> None:
        """Keep lines for the generation note of a commit; all are written at the end."""
        self.note_lines.setdefault(commit, []).extend(lines)

    @property
    def commits(self) -> list[CommitInfo]:
        """Every commit of the batch, in order."""
        return [info for call in self.calls if isinstance(call, Call) for info in call.infos]

    @property
    def is_append(self) -> bool:
        """Whether it holds nothing but appends and notes."""
        return all(call.is_append for call in self.calls if isinstance(call, Call))


class Guard:
    """Which threads are inside a batch's block: they may not write beside it."""

    def __init__(self) -> None:
        self._threads: set[int] = set()

    def __enter__(self) -> None:
        self._threads.add(threading.get_ident())

    def __exit__(self, *_: object) -> None:
        self._threads.discard(threading.get_ident())

    @property
    def is_up(self) -> bool:
        """Whether this thread is inside."""
        return threading.get_ident() in self._threads
