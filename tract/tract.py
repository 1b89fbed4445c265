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
from tract.porcelain import checkout as _checkout
from tract.porcelain import commit as _commit
from tract.porcelain import compile as _compile
from tract.porcelain import diff as _diff
from tract.porcelain import edit as _edit
from tract.porcelain import fsck as _fsck
from tract.porcelain import git as _git
from tract.porcelain import handle as _handle
from tract.porcelain import import_ as _import
from tract.porcelain import log as _log
from tract.porcelain import register as _register
from tract.porcelain import reopen as _reopen
from tract.porcelain import search as _search
from tract.porcelain import settle as _settle
from tract.porcelain import storage as _storage
from tract.porcelain import undo as _undo
from tract.porcelain import usage as _usage
from tract.porcelain.damage import explained, explained_block
from tract.porcelain.problem import Problem
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
        verify_cache: bool = False,
    ) -> Tract:
        """Open the repository that `path` means, or make it.

        `None` is `.tract` in the current folder or its nearest parent; a path that ends in
        `.tract` or `.git`, or is a bare repository, is the repository; any other is the folder
        that holds it; `":memory:"` is thrown away at close. `branch` that does not exist starts
        empty there. `tokenizer` is an encoding, a model's name or a TokenCounter, by default the
        encoding of the settings; `author` (`Name <mail>`) says who speaks through this handle;
        `clock` gives milliseconds since 1970, `random` as many bytes as it is asked for. What a
        call returned survives a kill; with `durability="power"` a power cut too, at the price of
        flushing each write. `verify_cache` compares each answer of a cache, and of the index, with
        the objects; a difference is a CorruptRepo that names the page.

        Raises:
            RepoNotFound, BranchNotFound: it is not there, and `create` is False.
            UnknownFormat: it is somebody else's repository, or of a newer format.
            CorruptRepo: git cannot open it for a damaged file, which is named; see `mend`.
            BadRefName, UsageError: `branch`, `author` or `durability` cannot be one.
        """
        return _handle.open_handle(
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
            verify_cache=verify_cache,
        )

    @staticmethod
    def mend(path: str | Path | None = None, *, clock: Clock | None = None) -> list[Problem]:
        """Put back what keeps a repository from being opened: HEAD, the configuration, a folder.

        Says what it did, a problem a file; nothing where it can be opened. `fsck(repair=True)`
        then mends the rest.
        """
        return _reopen.mend(path, clock or system_clock)

    close = _settle.close

    system = explained(_commit.system)
    user = explained(_commit.user)
    assistant = explained(_commit.assistant)
    reasoning = explained(_commit.reasoning)
    tool_result = explained(_commit.tool_result)
    artifact = explained(_commit.artifact)
    handoff = explained(_commit.handoff)
    commit = explained(_commit.commit)
    edit = explained(_edit.edit)
    batch = explained_block(_batch.batch)
    record_usage = explained(_usage.record_usage)
    cancel_tool_calls = explained(_commit.cancel_tool_calls)
    register_content_type = explained(_register.register_content_type)
    import_messages = explained(_import.import_messages)
    import_file = explained(_import.import_file)
    import_bytes = explained(_import.import_bytes)

    checkout = explained(_checkout.checkout)
    reset = explained(_checkout.reset)
    undo = explained(_undo.undo)
    redo = explained(_undo.redo)
    operations = explained(_undo.operations_log)

    compile = explained(_compile.compile)
    log = explained(_log.log)
    show = explained(_log.show)
    status = explained(_log.status)
    get = explained(_log.get)
    entry = explained(_log.entry)
    diff = explained(_diff.diff)
    search = explained(_search.search)
    storage = explained(_storage.storage)
    fsck = explained(_fsck.fsck)
    git = explained(_git.git)
