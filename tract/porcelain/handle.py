"""handle.py - open the repository that a path means, or make it, as a handle for verbs.

Nothing is written to what is there, but for what killed writers left (cleaning.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tract.content.tokens import TokenCounter, counter_for
from tract.errors import BadObject, BranchNotFound, CorruptRepo, RepoNotFound, UsageError
from tract.plumbing import refs
from tract.plumbing import repo as repos
from tract.plumbing.chain import META
from tract.plumbing.cleaning import clean
from tract.plumbing.head import on_branch, read_place
from tract.plumbing.ref_names import HEADS, check_branch_name
from tract.plumbing.repo import Clock, RandomSource, Repo
from tract.porcelain.workspace import W, read_author

MEMORY = ":memory:"


def open_handle(
    kind: type[W],
    path: str | Path | None,
    *,
    branch: str | None,
    create: bool,
    tokenizer: str | TokenCounter | None,
    author: str | None,
    clock: Clock,
    random: RandomSource,
    environ: Mapping[str, str],
    durability: str = "process",
    verify_cache: bool = False,
) -> W:
    """Open or make the repository that `path` means, as a handle of that class.

    Raises:
        UsageError: `durability` is neither "process" nor "power".
        RepoNotFound: there is none, and `create` is False.
        BranchNotFound: `branch` does not exist, and `create` is False.
        BadRefName, UnknownFormat, CorruptRepo: see check_branch_name, repo.open_repo.
    """
    counter, who = counter_for(tokenizer), read_author(author)
    if branch is not None:
        check_branch_name(branch)
    if durability not in ("process", "power"):
        raise UsageError(f"durability={durability!r} is unknown", 'use "process" or "power"')
    passed = {
        "clock": clock,
        "random": random,
        "environ": environ,
        "is_durable": durability == "power",
    }
    repo = _open_or_make(path, create, passed)
    clean(repo)
    try:
        if branch is not None and not create and not _has_branch(repo, branch):
            raise BranchNotFound(
                f"there is no branch {branch}", "see `tract git branch`, or write a first entry"
            )
        if branch is not None:
            repos.check_branch(repo, HEADS + branch)
        if tokenizer is None:
            counter = _counter_set(repo) or counter
        return kind(repo, branch=branch, counter=counter, author=who, verify_cache=verify_cache)
    except BaseException:
        repo.close()
        raise


def _counter_set(repo: Repo) -> TokenCounter | None:
    """The counter that the settings name; without a meta ref nothing more is looked at."""
    try:
        if refs.read_ref(repo, META) is None:
            return None
    except CorruptRepo:
        return None  # status says so
    from tract.porcelain.in_force import counter_of

    return counter_of(repo)


def _head_names(repo: Repo, branch: str) -> bool:
    with suppress(CorruptRepo):
        return read_place(repo) == on_branch(branch)
    return False


def _has_branch(repo: Repo, branch: str) -> bool:
    """Whether a branch is there: it has commits, had some before an undo, or is the current one."""
    if refs.has_ref(repo, HEADS + branch) or _head_names(repo, branch):
        return True
    try:
        return refs.was_undone(repo, HEADS + branch)
    except BadObject:
        return True  # it is damaged, and every verb will say so


def _open_or_make(path: str | Path | None, create: bool, passed: Mapping[str, Any]) -> Repo:
    if path == MEMORY:
        return repos.throwaway_repo(**passed)
    where, there = repos.locate(path)
    if there:
        try:
            return repos.open_repo(where, **passed)
        except RepoNotFound:
            if not create or not where.is_dir() or any(where.iterdir()):
                raise
    if not create:
        raise RepoNotFound(
            f"there is no tract repository in {where.parent} or above it"
            if path is None
            else f"there is no tract repository at {where}",
            "make one with `tract init`, or name it: Tract.open(path), tract -C DIR",
        )
    return repos.init_repo(where, **passed)
