"""workspace.py - what a verb works on: a repository, a branch, a counter, and who is speaking.

HEAD is read once, when the workspace is opened; the branch's tip is read afresh by every call,
so two handles on one branch never see different histories for longer than a call.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar

from tract.content.kinds import PriorityName
from tract.content.tokens import TokenCounter
from tract.content.transcript import has_surrogates
from tract.errors import (
    BranchNotFound,
    CheckedOut,
    Closed,
    CorruptRepo,
    DetachedHead,
    UsageError,
)
from tract.plumbing import refs
from tract.plumbing import repo as repos
from tract.plumbing.head import branch_of, check_head, on_branch, read_place
from tract.plumbing.index import Index
from tract.plumbing.objects import Commit, read_commit
from tract.plumbing.pages import Tail
from tract.plumbing.ref_names import HEADS
from tract.plumbing.repo import CommitId, Repo, TreeId
from tract.porcelain.behind import Behind
from tract.porcelain.commit_info import CommitInfo
from tract.porcelain.context import Context, ContextCache
from tract.porcelain.derived import Derived
from tract.porcelain.generations import Generations
from tract.porcelain.recording import Guard, Recording
from tract.porcelain.verified import VerifiedCache

if TYPE_CHECKING:
    from tract.porcelain.settings import Settings

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
        derived: Derived | None = None,
        verify_cache: bool = False,
    ) -> None:
        self.repo = repo
        self.lost: CorruptRepo | None = None
        self.verify_cache = verify_cache
        self._cache = VerifiedCache if verify_cache else ContextCache
        self.counter = counter
        self.author = author
        self.branch_name = branch
        self.detached_at: CommitId | None = None
        if branch is None:
            self.stand_on_head()
        self.follows_head = branch is None
        self.places: list[str] = []
        self.orig_head: CommitId | None = None
        self.kinds: dict[str, RegisteredKind] = {}
        index = Index(os.path.join(repo.path, "tract", "index.sqlite"), warn=_warn)
        self.derived = derived or Derived(index, counter_key(counter))
        self.contexts = self._cache(repo, counter, self.derived)
        self.generations = Generations(repo, self.derived)
        self.behind = Behind()
        self.counts_at_close = True
        self.recording: Recording | None = None
        self.guard = Guard()
        self.closed = False
        self.sound_tree: TreeId | None = None
        self.tail: Tail | None = None
        self._born = bool(self.branch_name) and refs.has_ref(repo, f"{HEADS}{self.branch_name}")
        self.newest = NewestCommit(repo)

    def stand_on_head(self) -> None:
        """Stand where HEAD stands; where that cannot be read, verbs say so, and fsck mends it."""
        try:
            check_head(self.repo)
            place = read_place(self.repo)
        except CorruptRepo as error:
            self.lost = error
            return
        self.lost, self.branch_name = None, branch_of(place)
        self.detached_at = None if self.branch_name else CommitId(place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def path(self) -> str:
        """The repository's folder."""
        return self.repo.path

    @cached_property
    def config(self) -> Settings:
        """The settings kept in the repository."""
        from tract.porcelain.settings import Settings

        return Settings(self)

    def close(self) -> None:
        """Let go of the repository; a second time is fine. class Tract settles first."""
        self.release()

    def release(self) -> None:
        """Let go of the repository and the index as they are."""
        if not self.closed:
            self.closed = True
            if self.recording is None:
                self.derived.close()
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

    @property
    def place(self) -> str:
        """Where the handle stands, as a value of HEAD's (plumbing/head.py)."""
        return on_branch(self.branch_name) if self.branch_name else str(self.detached_at)

    def tip(self) -> CommitId | None:
        """The newest commit of the branch, read now; None while it has none.

        Raises:
            BranchNotFound: the branch had commits and was deleted under this handle.
        """
        self.check_open()
        self.generations.forget()
        if self.branch_name is None:
            return self._detached_tip()
        found = refs.read_ref(self.repo, HEADS + self.branch_name)
        if found is None:
            self._check_unborn(HEADS + self.branch_name)
        elif self.repo.pending is None:
            refs.check_present(self.repo, HEADS + self.branch_name, found)
        self._born = self._born or found is not None
        return found

    def _detached_tip(self) -> CommitId | None:
        if self.lost is not None:
            raise self.lost
        return self.detached_at

    def _check_unborn(self, ref: str) -> None:
        """Refuse a branch that is not there and should be; undo may have taken its first commit."""
        is_undone = refs.was_undone(self.repo, ref)
        if self._born and not is_undone:
            raise BranchNotFound(
                f"the branch {self.branch_name} was deleted while this handle was open",
                "open the repository again; `git reflog` or `git fsck` may still know its commits",
            )
        self._born = False

    def go(self, place: str) -> None:
        """Stand at a place, a value of HEAD's; a handle with a branch of its own remembers where it
        stood.
        """
        if not self.follows_head and place != self.place:
            self.places.append(self.place)
        branch = branch_of(place)
        self.move_to(branch, None if branch else CommitId(place))

    def check_moves(self) -> None:
        """Refuse to move a branch or HEAD from inside a batch, or after close.

        Raises:
            UsageError: this is a batch, or this thread is inside one of this handle.
            Closed: `close()` was called.
        """
        self.check_writable()
        if self.recording is not None:
            raise UsageError(
                "a batch holds entries only", "move the branch before the batch, or after it"
            )

    def know_born(self, ref: str) -> None:
        """The branch of that ref has commits by now: gone later, it was deleted."""
        self._born = self._born or ref == f"{HEADS}{self.branch_name}"

    def tip_commit(self) -> Commit | None:
        """The newest commit, read."""
        tip = self.tip()
        return self.newest.read(tip) if tip is not None else None

    def context(self, tree: TreeId | None) -> Context:
        """The entries of a tree, decoded once and kept."""
        return self.contexts.read(tree)

    def begin(self, recording: Recording) -> None:
        """Begin a batch, knowing nothing of what an earlier attempt has built."""
        self.recording, self.behind = recording, Behind()
        self.contexts = self._cache(self.repo, self.counter, self.derived)
        self.newest = NewestCommit(self.repo)
        self.generations.unwritten = recording.note_lines
        self.tail = None

    def know_nothing(self) -> None:
        """Forget what was read: the repository was changed under this handle."""
        self.contexts = self._cache(self.repo, self.counter, self.derived)
        self.newest, self.sound_tree, self.tail = NewestCommit(self.repo), None, None
        self.generations.forget()

    def move_to(self, branch: str | None, detached_at: CommitId | None = None) -> None:
        """Make this handle stand on another branch, or on a commit; nothing is written by this."""
        self.branch_name, self.detached_at, self._born = branch, detached_at, False

    def check_writable(self) -> None:
        """Refuse to write after close, and beside a batch.

        Raises:
            Closed: `close()` was called.
            UsageError: this thread is inside a batch of this handle.
        """
        self.check_open()
        if self.guard.is_up:
            raise UsageError(
                "a batch is open in this thread, so this handle does not write",
                "write through what `with t.batch() as b` gave: b",
            )

    @property
    def commits(self) -> list[CommitInfo]:
        """What was written in this batch, in order; the ids are those that landed.

        Raises:
            UsageError: this is no batch.
        """
        if self.recording is None:
            raise UsageError("only a batch has commits", "see log()")
        return self.recording.commits

    def writable_ref(self, branch: str | None = None) -> str:
        """The ref that a write moves: that of `branch`, else of this handle's.

        Raises:
            DetachedHead: there is no current branch.
            CheckedOut: the branch is checked out in a git work tree.
            UsageError: this thread is inside a batch of this handle.
        """
        self.check_writable()
        name = branch or self.branch_name
        if name is None:
            self._detached_tip()
            raise DetachedHead(
                "HEAD is detached, so there is no branch to write to",
                "go to a branch: `tract checkout NAME`, or open with branch=NAME",
            )
        if HEADS + name in repos.checked_out(self.repo):
            raise CheckedOut(
                f"{name} is checked out in a git work tree",
                "write to another branch (branch=NAME), or work on a `git clone --bare`",
            )
        return HEADS + name


W = TypeVar("W", bound=Workspace)


class IndexUnavailable(UserWarning):
    """The derived index cannot be used; answers are the same, and take longer."""


def _warn(said: str) -> None:
    """Warn; never an error, since what the verb did is done."""
    with suppress(IndexUnavailable):
        warnings.warn(said, IndexUnavailable, stacklevel=2)


def counter_key(counter: TokenCounter) -> str:
    """The name that counts are kept under; empty where they are not: an estimate, or no name."""
    name = "" if getattr(counter, "is_estimate", False) else str(getattr(counter, "name", ""))
    return name if name.isprintable() and " " not in name else ""


def read_author(author: str | None) -> tuple[str, str | None] | None:
    """Name and mail out of `Name <mail>`; a name alone keeps the role's mail."""
    if author is None:
        return None
    match = _AUTHOR.match(author)
    if match is None or not match[1] or has_surrogates(author):
        raise UsageError(f"{author!r} is no author", 'write it as "Name <mail@example.org>"')
    return match[1], match[2]
