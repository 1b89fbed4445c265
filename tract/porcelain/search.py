"""search.py - search: entries of the tip by what they say.

Text is compared by characters, not by words, so punctuation and writing without blanks are found
like all else. The index has the texts as they are compared, which spares reading what does not
match; what it does not know is read, so every answer is the same without it.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple

import msgspec

from tract.content.entry import Entry
from tract.content.kinds import KINDS
from tract.content.messages import call_arguments, call_name
from tract.errors import BranchNotFound, UsageError
from tract.plumbing import refs
from tract.plumbing.objects import Commit, read_commit
from tract.plumbing.pages import list_pages, read_page
from tract.plumbing.ref_names import HEADS
from tract.plumbing.repo import CommitId
from tract.plumbing.sealed import as_bytes
from tract.porcelain import arguments, history, trailers
from tract.porcelain.decoded import Item
from tract.porcelain.workspace import Workspace

ADDED_MAX = 2000
ADDED_CHARS_MAX = 4 << 20
SNIPPET_MAX = 100
_BEFORE = 30  # characters of a long line that stand in front of the match
_BETWEEN = b"\xff"  # two texts of an entry; no text has this byte


class Hit(msgspec.Struct, frozen=True):
    """An entry that was found, and where; `commit_hash` is the newest that wrote or edited it.

    `snippet` is the line of the first match, at most 100 characters of it, as they are.
    """

    entry_id: str
    slot: int
    commit_hash: str
    branch: str | None
    role: str | None
    content_type: str
    snippet: str


class _Query(NamedTuple):
    """What is looked for: `find` says where it begins in a text.

    `folded` is in the `_folded` texts of all entries that match; None for what they cannot tell.
    """

    find: Callable[[str], int | None]
    folded: bytes | None = None


class _Match(NamedTuple):
    """An entry that matches, and what of it: a text, and where in it the match begins."""

    item: Item
    text: str
    at: int


def search(
    ws: Workspace,
    text: str | None = None,
    *,
    regex: str | None = None,
    content_type: str | None = None,
    author: str | None = None,
    since: datetime | str | None = None,
    branch: str | None = None,
    limit: int | None = None,
) -> list[Hit]:
    """The entries that contain `text`, or match `regex`: those of the newest slots first.

    Looked at are all entries of the branch's tip as they stand now, skipped ones too: their text,
    the name of a speaker or tool, the names and arguments of tool calls. Where one of these is
    JSON, the strings in it count as they read, too, without escapes.

    `text` is literal; case and the composition of accents make no difference. `regex` is Python's
    `re`, and minds both. `author` is a part of the name of whoever wrote the newest version, in
    any case; `since` is the time from which on it was written. `limit` of None is all.

    Raises:
        UsageError: the query is blank or no regular expression, or a filter cannot be one.
        BranchNotFound: there is no such branch.
        BadObject: an entry cannot be read; names it.
    """
    ws.check_open()
    query = _query(text, regex)
    kind = _kind(ws, content_type)
    since_ms = arguments.moment_ms(since) or 0
    if limit is not None and limit < 0:
        raise UsageError(f"{limit!r} hits cannot be given", "give a number from 0, or None for all")
    tip = _tip(ws, branch)
    if tip is None:
        return []
    fresh: dict[str, bytes] = {}
    matches = (m for m in _matches(ws, tip, query, fresh) if kind in (None, m.item.entry.type))
    is_filtered = author is not None or since_ms > 0
    found = list(matches if is_filtered else islice(matches, limit))
    ws.derived.add_texts(fresh)
    ids = {match.item.id for match in found}
    writers = dict.fromkeys(ids, tip.id) | history.writers_of(ws, tip.id, ids)
    if is_filtered:
        right = {each for each in {*writers.values()} if _is_by(ws, each, author, since_ms)}
        found = [match for match in found if writers[match.item.id] in right][:limit]
    name = branch or ws.branch_name
    return [_hit(match, writers[match.item.id], name) for match in found]


def _hit(match: _Match, commit: CommitId, branch: str | None) -> Hit:
    entry = match.item.entry
    return Hit(
        entry_id=entry.id,
        slot=match.item.slot,
        commit_hash=commit,
        branch=branch,
        role=entry.compiled_role,
        content_type=entry.type,
        snippet=_snippet(match.text, match.at),
    )


# What is asked


def _query(text: str | None, regex: str | None) -> _Query:
    """How to look for what was given.

    Raises:
        UsageError: nothing or both was given, it is blank, or it is no regular expression.
    """
    if (text is None) == (regex is None):
        raise UsageError("search takes a text or a regex, one of the two", 't.search("refund")')
    given = text if text is not None else regex
    if not isinstance(given, str):
        raise UsageError(f"{given!r} is no text to search for", "give a str")
    if not given.strip():
        raise UsageError("there is nothing to search for", "give a text that is not blank")
    if regex is None:
        return _Query(_literal(_caseless(given)), _folded([given]))
    try:
        pattern = re.compile(given)
    except re.error as error:
        where = f" at character {error.pos + 1}" if error.pos is not None else ""
        raise UsageError(
            f"{given!r} is no regular expression: {error.msg}{where}",
            "a text that is not one is searched without regex",
        ) from error
    except (OverflowError, RecursionError) as error:
        raise UsageError(f"the regular expression is too large: {error}") from error

    def find(piece: str) -> int | None:
        match = pattern.search(piece)
        return match.start() if match is not None else None

    return _Query(find)


def _literal(wanted: str) -> Callable[[str], int | None]:
    def find(piece: str) -> int | None:
        at = _caseless(piece).find(wanted)
        if at < 0:
            return None
        return at if piece.isascii() else _place(piece, at)

    return find


def _caseless(text: str) -> str:
    """`text` as it is compared: composed, and without case."""
    return unicodedata.normalize("NFC", text).casefold()


def _folded(texts: Iterable[str]) -> bytes:
    """Texts of an entry as the index keeps them: a text is in one of them if its bytes are."""
    return _BETWEEN.join(as_bytes(_caseless(text)) for text in texts)


def _place(piece: str, at: int) -> int:
    """Where in a text the character stands that is number `at` without case and composed."""
    places = range(len(piece) + 1)
    return max(0, bisect_right(places, at, key=lambda end: len(_caseless(piece[:end]))) - 1)


def _kind(ws: Workspace, name: str | None) -> str | None:
    """The type of entry that a content type names; registered ones with or without `x-`."""
    if name is None or name in KINDS or name.startswith("x-"):
        return name
    if f"x-{name}" in ws.kinds:
        return f"x-{name}"
    raise UsageError(f"{name!r} is no kind of content", f"kinds are {', '.join(KINDS)}, and x-NAME")


def _tip(ws: Workspace, branch: str | None) -> Commit | None:
    if branch is None or branch == ws.branch_name:
        return ws.tip_commit()
    is_name = not any(char < " " or "\ud800" <= char <= "\udfff" for char in branch)
    found = refs.read_ref(ws.repo, HEADS + branch) if is_name else None
    if found is None:
        raise BranchNotFound(f"there is no branch {branch!r}", "see `tract git branch`")
    return read_commit(ws.repo, found)


def _is_by(ws: Workspace, commit_id: CommitId, author: str | None, since_ms: int) -> bool:
    commit = read_commit(ws.repo, commit_id)
    is_author = author is None or _caseless(author) in _caseless(commit.author.name)
    return is_author and trailers.committed_ms(commit) >= since_ms


# Where it is looked for


def _matches(
    ws: Workspace, tip: Commit, query: _Query, fresh: dict[str, bytes]
) -> Iterator[_Match]:
    """The entries that match, newest first; what the index should know of is put into `fresh`."""
    left = ADDED_CHARS_MAX
    for page in reversed(list(list_pages(ws.repo, tip.tree))):
        files = read_page(ws.repo, page)
        known = ws.derived.texts(file.blob for file in files) if query.folded is not None else {}
        wanted = [file for file in files if _may_match(known.get(file.blob), query)]
        is_whole = bool(wanted) and len(wanted) == len(files)
        items = ws.contexts.page(page).items if is_whole else map(ws.contexts.item, wanted)
        for item in reversed(list(items)):
            texts = list(dict.fromkeys(_texts(item.entry)))
            size = sum(map(len, texts))
            is_new = query.folded is not None and item.file.blob not in known
            if is_new and len(fresh) < ADDED_MAX and size <= left:
                fresh[item.file.blob] = _folded(texts)
                left -= size
            first = next(_found_in(texts, query), None)
            if first is not None:
                yield _Match(item, *first)


def _may_match(folded: bytes | None, query: _Query) -> bool:
    return folded is None or query.folded is None or query.folded in folded


def _found_in(texts: Iterable[str], query: _Query) -> Iterator[tuple[str, int]]:
    for text in texts:
        at = query.find(text)
        if at is not None:
            yield text, at


def _texts(entry: Entry) -> Iterator[str]:
    """What is searched of an entry. Only its blob decides, as the index is asked by blob."""
    yield entry.text
    yield from _strings(entry.text)
    yield from (name for name in (entry.name, entry.tool_name) if name)
    for call in entry.tool_calls:
        said = call_arguments(call)
        yield from (text for text in (call_name(call), said) if text)
        yield from _strings(said)


def _strings(text: str) -> Iterator[str]:
    """The strings in a JSON text that has escapes; without escapes they stand there as they are."""
    if "\\" not in text or not text.lstrip().startswith(("{", "[")):
        return
    try:
        left = [msgspec.json.decode(text)]
    except (msgspec.DecodeError, RecursionError):
        return
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += reversed([*value.keys(), *value.values()])
        elif isinstance(value, list):
            left += reversed(value)
        elif isinstance(value, str):
            yield value


def _snippet(text: str, at: int) -> str:
    """The line in which a match begins; of a long one what stands around it."""
    while text[at : at + 1] == "\n":
        at += 1
    begin = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    line = text[begin : end if end >= 0 else len(text)]
    if len(line) <= SNIPPET_MAX:
        return line
    first = max(0, min(at - begin - _BEFORE, len(line) - SNIPPET_MAX))
    last = first + SNIPPET_MAX
    return (
        ("…" if first else "")
        + line[first + bool(first) : last - (last < len(line))]
        + ("…" if last < len(line) else "")
    )
