"""trailers.py - a commit's message: the subject, and what the trailers say.

Written and read by us: libgit2's parser gives nothing when the body holds a line that starts with
`---`, and one value a key. Trailers are the last paragraph, which a caller's own message cannot
reach. For people and queries; the tree decides what the model sees.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from tract.content.entry import Entry
from tract.content.kinds import CALL_LABEL
from tract.content.messages import call_arguments, call_name
from tract.errors import UsageError
from tract.plumbing.objects import Commit

SUBJECT_MAX = 72
ENTRIES_MAX = 20
OPERATION = "Tract-Operation"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LINE = re.compile(r"(Tract-[A-Za-z-]+): (.*)\Z")


Trailers = Mapping[str, list[str]]


class Written(NamedTuple):
    """An entry that a commit wrote: where, and which."""

    slot: int
    entry: Entry


def subject_of(entry: Entry) -> str:
    """The first line of a commit: the label and what was said, on one line of at most 72."""
    if entry.label == CALL_LABEL:
        said = ", ".join(f"{call_name(c)}({call_arguments(c)})" for c in entry.tool_calls)
    elif entry.is_result and entry.tool_name:
        said = f"{entry.tool_name}: {entry.text[:SUBJECT_MAX]}"
    else:
        said = entry.text[:SUBJECT_MAX]
    return one_line(f"{entry.label}: {said}")


def one_line(text: str) -> str:
    """Text as a subject: control characters are spaces, over 72 characters cut at 71 plus …"""
    line = _CONTROL.sub(" ", text[: SUBJECT_MAX + 1])
    return line.rstrip() if len(line) <= SUBJECT_MAX else line[: SUBJECT_MAX - 1] + "…"


def compose(
    operation: str,
    written: Sequence[Written],
    *,
    time_ms: int,
    message: str | None,
    via: str | None = None,
    response_to: str | None = None,
) -> str:
    """The whole message of a commit.

    Raises:
        UsageError: the caller's `message` holds NUL or a lone surrogate.
    """
    lines = [f"{OPERATION}: {operation}"]
    lines += [f"Tract-Entry: {slot:07} {entry.id}" for slot, entry in written[:ENTRIES_MAX]]
    if len(written) > ENTRIES_MAX:
        lines.append(f"Tract-Entries: {len(written)}")
    lines += [f"Tract-Type: {kind}" for kind in dict.fromkeys(w.entry.type for w in written)]
    if time_ms:
        lines.append(f"Tract-Time: {time_ms}")
    if via:
        lines.append(f"Tract-Via: {via}")
    if response_to:
        lines.append(f"Tract-Response-To: {response_to}")
    return f"{_subject_and_body(message, written)}\n\n" + "\n".join(lines) + "\n"


def _subject_and_body(message: str | None, written: Sequence[Written]) -> str:
    if message is None or not message.strip():
        return subject_of(written[0].entry) if written else "tract"
    check_message(message)
    return message.replace("\r\n", "\n").strip("\n")


def check_message(message: str | None) -> None:
    """Refuse a commit message that git cannot hold.

    Raises:
        UsageError: it holds NUL or a lone surrogate.
    """
    if message is None:
        return
    if "\0" in message:
        raise UsageError("a commit message cannot hold NUL", "leave it out of message=")
    try:
        message.encode()
    except UnicodeEncodeError as error:
        raise UsageError("a commit message cannot hold a lone surrogate") from error


def read(commit: Commit) -> Trailers:
    """The trailers of a commit: the last paragraph's `Tract-…: value` lines, repeats kept."""
    return _parse(commit.message)


@lru_cache(maxsize=64)
def _parse(message: str) -> Trailers:
    found: dict[str, list[str]] = {}
    paragraph = message.rstrip("\n").rpartition("\n\n")[2]
    for line in paragraph.split("\n"):
        match = _LINE.match(line)
        if match:
            found.setdefault(match[1], []).append(match[2])
    return found


def first(trailers: Trailers, key: str) -> str | None:
    """The first value of a trailer."""
    return next(iter(trailers.get(key, ())), None)


def committed_ms(commit: Commit) -> int:
    """When a commit was written, in milliseconds since 1970."""
    said = first(read(commit), "Tract-Time") or "0"
    return commit.committer.time_s * 1000 + (int(said) if said.isdigit() else 0) % 1000


def subject(commit: Commit) -> str:
    """The first line of a commit's message."""
    return commit.message.split("\n", 1)[0]
