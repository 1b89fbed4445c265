"""errors.py - every exception tract raises, in one tree.

    TractError(message, hint=None)
    ├ UsageError    2 / 400   BadRevision AmbiguousRevision BadRefName BadContent DetachedHead
    │                         Closed NothingToUndo
    ├ NotFound      3 / 404   RepoNotFound RevisionNotFound BranchNotFound EntryNotFound FileMissing
    │                         SettingNotFound
    ├ Conflict      4 / 409   StaleRef RefExists RepoLocked
    ├ Refused       5 / 403   UnpairedToolCall CheckedOut SettingRefused
    ├ CorruptRepo   8 / 500   BadObject UnknownFormat
    └ NotReady      9 / 503   StorageFull ReadOnly GitMissing

A family fixes the exit code and the HTTP status. The message is one sentence that says what
happened; `hint` says what to do next. Facts that a program can act on are attributes
(`StaleRef.expected`), given as keyword arguments. A wrong call by the programmer is a TypeError
or an `assert`, never one of these.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "AmbiguousRevision",
    "BadContent",
    "BadObject",
    "BadRefName",
    "BadRevision",
    "BranchNotFound",
    "CheckedOut",
    "Closed",
    "Conflict",
    "CorruptRepo",
    "DetachedHead",
    "EntryNotFound",
    "FileMissing",
    "GitMissing",
    "NotFound",
    "NotReady",
    "NothingToUndo",
    "ReadOnly",
    "RefExists",
    "Refused",
    "RepoLocked",
    "RepoNotFound",
    "RevisionNotFound",
    "SettingNotFound",
    "SettingRefused",
    "StaleRef",
    "StorageFull",
    "TractError",
    "UnknownFormat",
    "UnpairedToolCall",
    "UsageError",
]


class TractError(Exception):
    """What went wrong, in one sentence; `hint` says what to do about it."""

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, hint: str | None = None, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.facts = facts

    def __getattr__(self, name: str) -> object:
        # Only reached for names that are not ordinary attributes: the facts given above.
        facts = self.__dict__.get("facts", {})
        if name in facts:
            return facts[name]
        raise AttributeError(name)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.hint, self.facts)


def _rebuild(
    kind: type[TractError], message: str, hint: str | None, facts: dict[str, object]
) -> TractError:
    return kind(message, hint, **facts)


class UsageError(TractError):
    """The call cannot be carried out as it was made."""

    exit_code, http_status = 2, 400


class BadRevision(UsageError):
    """The text is no revision in git's syntax."""


class AmbiguousRevision(UsageError):
    """The text names several things; `candidates` lists them."""


class BadRefName(UsageError):
    """The name cannot be a branch or tag."""


class BadContent(UsageError):
    """The content cannot be stored: unknown role, broken JSON, a lone surrogate, NaN."""


class DetachedHead(UsageError):
    """No branch is current, so there is nothing to write to."""


class Closed(UsageError):
    """The handle was closed."""


class NothingToUndo(UsageError):
    """No operation is left that could be taken back, or brought again."""


class NotFound(TractError):
    """What was named does not exist."""

    exit_code, http_status = 3, 404


class RepoNotFound(NotFound):
    """There is no tract repository there."""


class RevisionNotFound(NotFound):
    """No commit answers to that revision."""


class BranchNotFound(NotFound):
    """There is no such branch."""


class EntryNotFound(NotFound):
    """No entry answers to that target."""


class FileMissing(NotFound):
    """There is no such file."""


class SettingNotFound(NotFound):
    """The setting is not set, or nothing of that name waits to be accepted."""


class Conflict(TractError):
    """Somebody else's change stands in the way."""

    exit_code, http_status = 4, 409


class StaleRef(Conflict):
    """The ref moved since the change was planned; `expected` and `found` are commit ids or None."""


class RefExists(Conflict):
    """A ref of that name, or one in its way, exists already."""


class RepoLocked(Conflict):
    """Another program holds a lock for longer than we wait; `path` is the lock file."""


class Refused(TractError):
    """Understood, and deliberately not done."""

    exit_code, http_status = 5, 403


class UnpairedToolCall(Refused):
    """A tool call without its result, or a result without its call; `calls` lists the ids."""


class CheckedOut(Refused):
    """The branch is checked out in a git work tree, whose files a commit would belie."""


class SettingRefused(Refused):
    """Settings that others wrote are not used, or not mixed with ours; `names` lists them."""


class CorruptRepo(TractError):
    """The repository holds something that cannot be read."""

    exit_code, http_status = 8, 500


class BadObject(CorruptRepo):
    """One object or file is missing or unreadable; the message names it."""


class UnknownFormat(CorruptRepo):
    """The repository is no tract repository, or one of a newer format."""


class NotReady(TractError):
    """The machine cannot do it now."""

    exit_code, http_status = 9, 503


class StorageFull(NotReady):
    """The disk or quota is full; nothing was changed."""


class ReadOnly(NotReady):
    """The repository cannot be written to by this user."""


class GitMissing(NotReady):
    """The git program is not installed, and this needs it."""
