"""tract.py - class Tract: every verb of porcelain, bound as a method. No logic stands here.

This is also where the clock, the random source and the environment come in, for all floors below.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from tract.content.tokens import TokenCounter
from tract.plumbing.repo import Clock, RandomSource
from tract.porcelain import batch as _batch
from tract.porcelain import commit as _commit
from tract.porcelain import compile as _compile
from tract.porcelain import diff as _diff
from tract.porcelain import edit as _edit
from tract.porcelain import fsck as _fsck
from tract.porcelain import git as _git
from tract.porcelain import import_ as _import
from tract.porcelain import log as _log
from tract.porcelain import register as _register
from tract.porcelain import search as _search
from tract.porcelain import settle as _settle
from tract.porcelain import storage as _storage
from tract.porcelain import usage as _usage
from tract.porcelain import workspace as _workspace
from tract.porcelain.workspace import Workspace


def system_clock() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Tract(Workspace):
    """Version control for one conversation: every turn a git commit, every verb a method.

    Open one with `Tract.open(path)`; use it as a context manager, or `close()` it. Threads may
    share a handle; processes may write the same branch at the same time and lose nothing.
    """

    @classmethod
    def open(
        cls,
        path: str | Path | None = None,
        *,
        branch: str | None = None,
        create: bool = True,
        tokenizer: str | TokenCounter | None = None,
        author: str | None = None,
        clock: Clock | None = None,
        random: RandomSource | None = None,
        durability: str = "process",
    ) -> Tract:
        """Open the repository that `path` means, or make it.

        `None` is `.tract` in the current folder or its nearest parent; a path that ends in
        `.tract` or `.git`, or is a bare repository, is the repository; any other is the folder
        that holds it; `":memory:"` is thrown away at close. `branch` that does not exist starts
        empty there. `tokenizer` is an encoding, a model's name or a TokenCounter; `author`
        (`Name <mail>`) says who speaks through this handle; `clock` gives milliseconds since
        1970, `random` as many bytes as it is asked for. What a call returned survives a kill;
        with `durability="power"` a power cut too, at the price of flushing each write.

        Raises:
            RepoNotFound, BranchNotFound: it is not there, and `create` is False.
            UnknownFormat: it is somebody else's repository, or of a newer format.
            BadRefName, UsageError: `branch`, `author` or `durability` cannot be one.
        """
        return _workspace.open_workspace(
            cls,
            path,
            branch=branch,
            create=create,
            tokenizer=tokenizer,
            author=author,
            clock=clock or system_clock,
            random=random or os.urandom,
            environ=os.environ,
            durability=durability,
        )

    close = _settle.close

    system = _commit.system
    user = _commit.user
    assistant = _commit.assistant
    reasoning = _commit.reasoning
    tool_result = _commit.tool_result
    artifact = _commit.artifact
    handoff = _commit.handoff
    commit = _commit.commit
    edit = _edit.edit
    batch = _batch.batch
    record_usage = _usage.record_usage
    cancel_tool_calls = _commit.cancel_tool_calls
    register_content_type = _register.register_content_type
    import_messages = _import.import_messages
    import_file = _import.import_file
    import_bytes = _import.import_bytes

    compile = _compile.compile
    log = _log.log
    show = _log.show
    status = _log.status
    get = _log.get
    entry = _log.entry
    diff = _diff.diff
    search = _search.search
    storage = _storage.storage
    fsck = _fsck.fsck
    git = _git.git
