"""workspace.py - what a verb works on: a repository, a branch, a counter, and who is speaking.

HEAD is read once, when the workspace is opened; the branch's tip is read afresh by every call,
so two handles on one branch never see different histories for longer than a call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from tract.content.kinds import PriorityName
from tract.content.tokens import TokenCounter, counter_for
from tract.content.transcript import has_surrogates
from tract.errors import BranchNotFound, CheckedOut, Closed, DetachedHead, RepoNotFound, UsageError
from tract.plumbing import refs, revs
from tract.plumbing import repo as repos
from tract.plumbing.objects import Commit, read_commit
from tract.plumbing.refs import HEADS
from tract.plumbing.repo import Clock, CommitId, RandomSource, Repo, TreeId
from tract.porcelain.context import Context, ContextCache

MEMORY = ":memory:"
_AUTHOR = re.compile(r"\s*(.*?)\s*(?:<([^<>]*)>)?\s*\Z", re.S)


class RegisteredKind:
    """A kind of content that the program added: how its fields are checked and written."""

    def __init__(
        self,
        name: str,
        check: Callable[[object], dict[str, Any]],
        role: str,
        priority: PriorityName,
    ) -> None:
        self.name = name
        self.check = check
        self.role = role
        self.priority = priority


class NewestCommit:
    """The commit that was written or read last, which the next call most often wants again."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._kept: Commit | None = None

    def read(self, commit: CommitId) -> Commit:
        """The commit of that id."""
        kept = self._kept
        if kept is None or kept.id != commit:
            kept = self._kept = read_commit(self._repo, commit)
        return kept

    def keep(self, commit: Commit) -> None:
        """Keep a commit that was just written."""
        self._kept = commit


class Workspace:
    """A repository with a current branch. Verbs take one; class Tract is one."""

    def __init__(
        self,
        repo: Repo,
        *,
        branch: str | None,
        counter: TokenCounter,
        author: tuple[str, str | None] | None,
    ) -> None:
        head, tip = refs.read_head(repo)
        self.repo = repo
        self.counter = counter
        self.author = author
        self.branch_name = branch or head
        self.detached_at = tip if self.branch_name is None else None
        self.follows_head = branch is None
        self.kinds: dict[str, RegisteredKind] = {}
        self.contexts = ContextCache(repo, counter)
        self.closed = False
        self.sound_tree: TreeId | None = None
        self._born = self.branch_name is not None and bool(
            tip if branch is None else refs.read_ref(repo, HEADS + branch)
        )
        self.newest = NewestCommit(repo)
        self._counted: tuple[CommitId | None, int] = (None, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def path(self) -> str:
        """The repository's folder."""
        return self.repo.path

    def close(self) -> None:
        """Let go of the repository; a second time is fine."""
        if not self.closed:
            self.closed = True
            self.repo.close()

    def check_open(self) -> None:
        """Refuse to work after close.

        Raises:
            Closed: `close()` was called.
        """
        if self.closed:
            raise Closed("this handle was closed", "open the repository again: Tract.open(path)")

    @property
    def head(self) -> str:
        """What HEAD and @ mean in a target: the handle's branch as a ref, or a commit id."""
        return self.detached_at or f"{HEADS}{self.branch_name}"

    def tip(self) -> CommitId | None:
        """The newest commit of the branch, read now; None while it has none.

        Raises:
            BranchNotFound: the branch had commits and was deleted under this handle.
        """
        self.check_open()
        if self.branch_name is None:
            return self.detached_at
        found = refs.read_ref(self.repo, HEADS + self.branch_name)
        if found is None and self._born:
            raise BranchNotFound(
                f"the branch {self.branch_name} was deleted while this handle was open",
                "open the repository again; `git reflog` or `git fsck` may still know its commits",
            )
        self._born = self._born or found is not None
        return found

    def tip_commit(self) -> Commit | None:
        """The newest commit, read."""
        tip = self.tip()
        return self.newest.read(tip) if tip is not None else None

    def count_commits(self, tip: CommitId) -> int:
        """How many commits lead to `tip` along first parents; walks only what is new."""
        known, count = self._counted
        new = 0
        for commit in revs.walk_first_parents(self.repo, tip):
            if commit.id == known:
                new += count
                break
            new += 1
        self._counted = (tip, new)
        return new

    def context(self, tree: TreeId | None) -> Context:
        """The entries of a tree, decoded once and kept."""
        return self.contexts.read(tree)

    def move_to(self, branch: str) -> None:
        """Make this handle write to another branch; nothing is written by this."""
        self.branch_name, self.detached_at, self._born = branch, None, False

    def writable_ref(self, branch: str | None = None) -> str:
        """The ref that a write moves: that of `branch`, else of this handle's.

        Raises:
            DetachedHead: there is no current branch.
            CheckedOut: the branch is checked out in a git work tree.
        """
        self.check_open()
        name = branch or self.branch_name
        if name is None:
            raise DetachedHead(
                "HEAD is detached, so there is no branch to write to",
                "open with branch=NAME (tract --branch NAME)",
            )
        if HEADS + name in repos.checked_out(self.repo):
            raise CheckedOut(
                f"{name} is checked out in a git work tree",
                "write to another branch (branch=NAME), or work on a `git clone --bare`",
            )
        return HEADS + name


W = TypeVar("W", bound=Workspace)


def read_author(author: str | None) -> tuple[str, str | None] | None:
    """Name and mail out of `Name <mail>`; a name alone keeps the role's mail."""
    if author is None:
        return None
    match = _AUTHOR.match(author)
    if match is None or not match[1] or has_surrogates(author):
        raise UsageError(f"{author!r} is no author", 'write it as "Name <mail@example.org>"')
    return match[1], match[2]


def open_workspace(
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
) -> W:
    """Open or make the repository that `path` means, as a workspace of that class.

    Raises:
        RepoNotFound: there is none, and `create` is False.
        BranchNotFound: `branch` does not exist, and `create` is False.
        BadRefName, UnknownFormat: see refs.check_branch_name, repo.open_repo.
    """
    counter, who = counter_for(tokenizer), read_author(author)
    if branch is not None:
        refs.check_branch_name(branch)
    passed = {"clock": clock, "random": random, "environ": environ}
    repo = _open_or_make(path, create, passed)
    try:
        if branch is not None and not create and not _has_branch(repo, branch):
            raise BranchNotFound(
                f"there is no branch {branch}", "see `tract git branch`, or write a first entry"
            )
        if branch is not None:
            repos.check_branch(repo, HEADS + branch)
        return kind(repo, branch=branch, counter=counter, author=who)
    except BaseException:
        repo.close()
        raise


def _has_branch(repo: Repo, branch: str) -> bool:
    """Whether a branch is there: it has commits, or is the current one and has none yet."""
    return refs.read_ref(repo, HEADS + branch) is not None or refs.read_head(repo)[0] == branch


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
