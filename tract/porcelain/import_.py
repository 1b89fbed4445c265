"""import_.py - bring conversations in: a commit a message, one move of a branch a conversation.

All entries of a conversation are built before the first byte is written, so a bad message stops
its conversation and leaves nothing of it behind. One conversation goes onto the current branch,
several get a branch `import/ID` each.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import msgspec

from tract.content.checks import check_entry
from tract.content.entry import Attached, with_fields
from tract.content.formats.openai import from_openai
from tract.content.transcript import (
    Conversation,
    has_surrogates,
    read_text,
    read_value,
    stopped,
    without_surrogates,
)
from tract.errors import BadContent, FileMissing, ReadOnly, TractError, UsageError
from tract.plumbing import operations, refs
from tract.plumbing.ref_names import HEADS, check_branch_name
from tract.porcelain.batch import staged
from tract.porcelain.commit_info import CommitInfo
from tract.porcelain.register import plain
from tract.porcelain.workspace import Workspace
from tract.porcelain.write import Draft, new_id, write

FOLDER = "import/"
ID_MAX = 100
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_ENDS = re.compile(r"\A\.+|\.+\Z|\.lock\Z")
_RAW_TYPE = "application/json"
Progress = Callable[[int, int], object]


class ImportResult(msgspec.Struct, frozen=True):
    """What became of one conversation: where it is, its commits, and what stopped it, if anything.

    `line` is the line (or number) of its record in the file. With an `error`, `commits` holds
    what came before it: nothing, or the lines before a damaged one.
    """

    branch: str | None
    commits: list[CommitInfo]
    line: int | None
    error: TractError | None


def import_messages(
    ws: Workspace,
    messages: object,
    *,
    format: str = "auto",
    errors: str = "strict",
) -> list[ImportResult]:
    """Import conversations given as Python values (or as JSON text).

    `errors="replace"` turns lone surrogates into U+FFFD and keeps the record as an attachment.

    Raises:
        BadContent: nothing at all could be imported; the first conversation's error.
    """
    if format not in ("auto", "openai"):
        raise UsageError(f"the format {format!r} cannot be imported yet", 'use "openai" or "auto"')
    found = (
        read_text(messages) if isinstance(messages, str | bytes) else read_value(_plain(messages))
    )
    return _import(ws, found, _Goes(None, len(found) > 1, None), errors=errors, progress=None)


def _plain(messages: object) -> object:
    """Objects of provider clients as the dicts they stand for."""
    if isinstance(messages, list | tuple):
        return [_plain(message) for message in messages]
    return plain(messages)


def import_file(
    ws: Workspace,
    path: str | Path,
    *,
    onto: str | None = None,
    apart: bool = False,
    errors: str = "strict",
    progress: Progress | None = None,
) -> list[ImportResult]:
    """Import the conversations of a JSON or JSON lines file.

    `onto` names the branch to append to, instead of the current one or one a conversation;
    `apart` gives a single conversation a branch of its own too (its id, else the file's name).
    `progress(done, total)` is called after each message, while no lock is held.

    Raises:
        FileMissing: there is no such file.
        BadContent: nothing at all could be imported; names the line.
    """
    ws.check_open()
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise FileMissing(f"there is no file {path}", "check the path") from None
    except IsADirectoryError:
        raise FileMissing(f"{path} is a folder", "name a file in it") from None
    except PermissionError:
        raise ReadOnly(f"{path} may not be read by this user", "ask for access") from None
    name = Path(path).name
    return import_bytes(
        ws, data, name=name, onto=onto, apart=apart, errors=errors, progress=progress
    )


def import_bytes(
    ws: Workspace,
    data: bytes,
    *,
    name: str | None = None,
    onto: str | None = None,
    apart: bool = False,
    errors: str = "strict",
    progress: Progress | None = None,
) -> list[ImportResult]:
    """Import the content of such a file, already read; `name` is kept as where it came from."""
    try:
        found = read_text(data)
    except BadContent as error:
        where = f"{name}: " if name else ""
        raise BadContent(f"{where}{error.message}", error.hint) from error
    several = len(found) > 1
    goes = _Goes(onto, onto is None and (apart or several), name, "" if several else name or "")
    return _import(ws, found, goes, errors=errors, progress=progress)


class _Goes(NamedTuple):
    """Where conversations go: `onto` a branch, each onto one of its own, or the current one.

    `file` is where they came from; `named` is the file that names one without an id.
    """

    onto: str | None
    apart: bool
    file: str | None
    named: str = ""


def _import(
    ws: Workspace,
    conversations: Sequence[Conversation],
    goes: _Goes,
    *,
    errors: str,
    progress: Progress | None,
) -> list[ImportResult]:
    ws.check_open()
    if errors not in ("strict", "replace"):
        raise UsageError(f"errors={errors!r} is unknown", 'use "strict" or "replace"')
    if goes.onto is not None:
        check_branch_name(goes.onto)
    total = sum(len(each.messages) for each in conversations)
    done, results = count(1), []
    on_commit = None if progress is None else lambda: progress(next(done), total)
    waiting = deque(conversations)
    leaves = goes.apart or goes.onto not in (None, ws.branch_name)
    part = _Part(leaves, goes.apart and ws.recording is None and ws.tip() is None, None)
    while waiting:
        results += _import_some(ws, waiting, goes, part, errors, on_commit)
        part = _next_part(ws, goes, part, results)
    if not any(result.commits for result in results):
        raise results[0].error or BadContent("there is nothing in it to import")
    return results


class _Part(NamedTuple):
    """What a part of an import is told: see recording.py."""

    leaves_branch: bool
    switches: bool
    operation: str | None


def _next_part(ws: Workspace, goes: _Goes, part: _Part, results: list[ImportResult]) -> _Part:
    """Branches of their own come by one operation, however many packs they take."""
    landed = next((each.branch for each in results if each.commits), None)
    if ws.recording is not None or not goes.apart or landed is None or part.operation:
        return part
    mark = operations.last_mark(ws.repo, HEADS + landed)
    return _Part(False, False, mark.operation if mark is not None else None)


def _import_some(
    ws: Workspace,
    waiting: deque[Conversation],
    goes: _Goes,
    part: _Part,
    errors: str,
    on_commit: Callable[[], object] | None,
) -> list[ImportResult]:
    """Import as many of the waiting conversations as one pack should hold, and take them out."""
    built: list[tuple[ImportResult, int, int]] = []
    with staged(ws, "import") as inner:
        first = len(inner.commits)
        taken = _taken(inner)
        assert inner.recording is not None
        if ws.recording is None:
            inner.recording.leaves_branch, inner.recording.switches = part[:2]
            inner.recording.operation = part.operation
        while waiting and (not built or not inner.recording.packs):
            each = waiting.popleft()
            branch = goes.onto
            if goes.apart:
                branch = _free_branch(taken, each, goes.named)
                refs.assume_free(inner.repo, HEADS + branch)
            result = _import_one(inner, each, branch, goes, errors, on_commit)
            built.append((result, first, first := first + len(result.commits)))
    commits = inner.commits
    return [_landed(result, commits[start:end]) for result, start, end in built]


def _landed(result: ImportResult, commits: list[CommitInfo]) -> ImportResult:
    """The result with the commits as they landed."""
    branch = commits[0].branch if commits else None
    return msgspec.structs.replace(result, branch=branch, commits=commits)


def _import_one(
    ws: Workspace,
    conversation: Conversation,
    branch: str | None,
    goes: _Goes,
    errors: str,
    on_commit: Callable[[], object] | None,
) -> ImportResult:
    drafts: list[Draft] = []
    stop = conversation.error
    if errors == "replace":
        conversation = conversation._replace(fields=without_surrogates(conversation.fields))
    try:
        origin = _origin(conversation, goes.file)
        for number, message in enumerate(conversation.messages):
            drafts.append(_draft(ws, message, errors, conversation, number, origin))
    except BadContent as error:
        stop = error
        if not conversation.is_lines:
            drafts = []
    if not drafts:
        return ImportResult(None, [], _line_of(conversation, stop), stop)
    rename = (lambda name: _free_name(_taken(ws), name)) if goes.apart else None
    commits = write(ws, lambda _tip: drafts, branch=branch, rename=rename, on_commit=on_commit)
    return ImportResult(commits[0].branch, commits, _line_of(conversation, stop), stop)


def _line_of(conversation: Conversation, stop: TractError | None) -> int | None:
    """The line of the record, or the one of its lines at which it was stopped."""
    line = stop.facts.get("line") if stop is not None else None
    return line if isinstance(line, int) else conversation.line


def _origin(conversation: Conversation, file: str | None) -> dict[str, Any] | None:
    """What is kept of a record beside its messages, in its first entry's metadata."""
    origin = dict(conversation.fields)
    if file is not None:
        origin |= {"file": file, "line": conversation.line}
    return {"import": origin} if origin else None


def _draft(
    ws: Workspace,
    message: object,
    errors: str,
    conversation: Conversation,
    number: int,
    origin: dict[str, Any] | None,
) -> Draft:
    line = conversation.lines[number]
    where = f"line {line}" if conversation.is_lines else f"message {number + 1} of record {line}"
    try:
        return _draft_of(ws, message, errors, conversation, origin if number == 0 else None)
    except BadContent as error:
        said = f"{where}: {error.message}"
        if not conversation.is_lines:
            raise BadContent(said, error.hint) from error
        following = len(conversation.lines) - number - 1
        raise stopped(said, line, following, error.hint) from error


def _draft_of(
    ws: Workspace,
    message: object,
    errors: str,
    conversation: Conversation,
    origin: dict[str, Any] | None,
) -> Draft:
    if not isinstance(message, Mapping):
        raise BadContent(
            f"a message is an object, not {type(message).__name__}",
            'give {"role": …, "content": …}',
        )
    raw: tuple[tuple[int, str, bytes], ...] = ()
    record = message
    if errors == "replace" and has_surrogates(message):
        raw = ((1, _RAW_TYPE, json.dumps(message).encode()),)
        record = without_surrogates(message)
    made = with_fields(from_openai(record), id=new_id(ws.repo), metadata=origin)
    if raw:
        attached = (Attached(1, _RAW_TYPE, len(raw[0][2])),)
        made = with_fields(made, attachments=attached, raw=1)
    model = conversation.fields.get("model")
    spoke = made.type == "dialogue" and made.role == "assistant"
    author = (model, None) if spoke and isinstance(model, str) and model.strip() else None
    return Draft(check_entry(made), author=author, raw=raw, via="import")


# Branches


def _free_branch(taken: _Taken, conversation: Conversation, file: str) -> str:
    """`import/ID`, reduced to what a ref can be; a taken one gets -2, -3, …

    Without an id: the name of the file that holds it alone, else the line number.
    """
    given = conversation.fields.get("id")
    stem = reduced(str(given)) if isinstance(given, str | int) else ""
    stem = stem or reduced(PurePath(file).stem) or str(conversation.line or 1)
    return _free_name(taken, FOLDER + stem)


_Taken = dict[str, str | None]


def _taken(ws: Workspace) -> _Taken:
    """The names in the folder of imports, in lower case, each None, or as it is spelled where only
    its log is left: that very name is free.
    """
    prefix = HEADS + FOLDER
    taken: _Taken = {}
    for ref in operations.logged_refs(ws.repo, prefix):
        name, _, below = ref.removeprefix(prefix).partition("/")
        taken[name.lower()] = name if not below else None
    for ref in refs.list_refs(ws.repo, prefix):
        taken[ref.removeprefix(prefix).split("/")[0].lower()] = None
    return taken


def _free_name(taken: _Taken, branch: str) -> str:
    """That branch, or the first of `-2`, `-3`, … that nobody has; it is taken by that."""
    stem, number = branch.removeprefix(FOLDER), 2
    name = stem
    while taken.get(name.lower(), name) != name:
        name, number = f"{stem}-{number}", number + 1
    taken[name.lower()] = None
    return FOLDER + name


def reduced(given: str) -> str:
    """An id as one step of a ref's name (docs/api.md, Writing): what git refuses becomes `-`."""
    name = _NOT_IN_NAME.sub("-", given).replace("..", "-")[:ID_MAX]
    while (shorter := _ENDS.sub("-", name)) != name:
        name = shorter
    return name
