"""damage.py - an error for something damaged names the file, and what is still whole.

Looked for only once a verb has failed, so it costs nothing where all is sound. What is found is
told in the error's message and hint, and kept as its facts `path` and `whole`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, cast

from tract.errors import CorruptRepo, TractError, UnknownFormat
from tract.plumbing.damage import file_of
from tract.plumbing.opening import BadFile, faults_of_opening
from tract.plumbing.ref_names import HEAD
from tract.plumbing.repo import Repo
from tract.plumbing.whole import Disk, Fault, Found, TooMuch, find_whole
from tract.porcelain.workspace import Workspace

V = TypeVar("V", bound=Callable[..., Any])
_DIGITS = 12
_BEFORE_TIP = 2_000  # so far back along first parents a commit that is missing is looked for


def explained(verb: V) -> V:
    """A verb whose errors for something damaged name the file and the newest whole commit."""

    @wraps(verb)
    def call(ws: Workspace, *args: Any, **named: Any) -> Any:
        try:
            return verb(ws, *args, **named)
        except CorruptRepo as error:
            raise explain(ws, error) from error

    return cast("V", call)


def explained_block(verb: V) -> V:
    """The same of a verb that is used in `with`: what its begin, its block or its end raises."""

    @wraps(verb)
    @contextmanager
    def block(ws: Workspace, *args: Any, **named: Any) -> Iterator[Any]:
        try:
            with verb(ws, *args, **named) as inner:
                yield inner
        except CorruptRepo as error:
            raise explain(ws, error) from error

    return cast("V", block)


def explain(ws: Workspace, error: CorruptRepo) -> CorruptRepo:
    """The error with the file that is damaged and what is whole, as far as that can be found."""
    is_told = "whole" in error.facts or "path" in error.facts
    if isinstance(error, UnknownFormat) or is_told or ws.closed:
        return error
    try:
        disk = Disk(ws.repo)
        bad = _named(ws.repo, error) or _first(ws, disk)
        if bad is None:
            return error
        found = find_whole(ws.repo, ws.head, disk) if ws.branch_name else None
    except (TooMuch, TractError, OSError):
        return error
    return _told(ws, error, bad, found)


def _named(repo: Repo, error: CorruptRepo) -> BadFile | None:
    """The file of what the error names."""
    kind, name = error.facts.get("kind"), error.facts.get("name")
    if isinstance(kind, str) and isinstance(name, str):
        return file_of(repo, kind, name)
    return None


def _first(ws: Workspace, disk: Disk) -> BadFile | None:
    """The first file found damaged of what the handle stands on: its tip, or what led to it."""
    if ws.branch_name:
        found = find_whole(ws.repo, ws.head, disk)
        fault = found.fault or _hole(disk, found.tip)
    else:
        fault = disk.fault_of_commit(ws.head)
    if fault is not None:
        return file_of(ws.repo, fault.kind, fault.name)
    return next(iter(faults_of_opening(ws.repo.path)), None)  # what no write goes without


def _hole(disk: Disk, tip: str | None) -> Fault | None:
    """A commit that cannot be read among those before the tip."""
    for number, (commit, is_sound) in enumerate(disk.first_parents(tip) if tip else ()):
        if not is_sound:
            return Fault("commit", commit)
        if number > _BEFORE_TIP:
            break
    return None


def _told(ws: Workspace, error: CorruptRepo, bad: BadFile, found: Found | None) -> CorruptRepo:
    branch, whole = ws.branch_name, found.whole if found is not None else None
    message = f"{bad.path} {bad.what}: {error.message}"
    if bad.path in (HEAD, "config"):
        hint = "`tract fsck --repair` puts it back; nothing is lost"
    elif found is None:
        hint = "`tract fsck --repair` mends what can be mended; a clone or backup may have the rest"
    elif whole is None:
        message += f"; no commit of {branch} is whole"
        hint = "`tract fsck --repair` keeps what can be read; a clone or backup may have the rest"
    elif whole == found.tip and found.fault is None:
        message += f"; {branch} is whole at its newest commit, {whole[:_DIGITS]}"
        hint = "only what is older needs the file; a clone or backup may still have it"
    else:
        message += f"; the newest whole commit of {branch} is {whole[:_DIGITS]}"
        hint = (
            f"`tract fsck --repair` goes back to {whole[:_DIGITS]}, and adds what came after it "
            "and can be read; a clone or backup may still have the file"
        )
    facts = {**error.facts, "path": bad.path, "whole": whole}
    return type(error)(message, hint, **facts)
