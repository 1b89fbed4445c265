"""fsck_notes.py - do notes stand on objects that are there, in lines that say something?"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from tract.errors import CorruptRepo
from tract.plumbing import notes
from tract.plumbing.repo import Repo
from tract.porcelain.problem import Problem

_TOKENS = re.compile(r"\d+ \S+( [k-z]{16})?\Z")
_DIGITS = 12


def of_notes(repo: Repo) -> Iterator[Problem]:
    """Notes on objects that are gone, and notes of which a line says nothing to us."""
    is_line: dict[str, Callable[[str], bool]] = {
        notes.TOKENS: lambda line: _TOKENS.match(line) is not None,
        notes.GENERATION: _is_object,
        notes.ANNOTATIONS: _is_object,
    }
    for ref, says_something in is_line.items():
        try:
            for object_id, lines in notes.list_lines(repo, ref):
                yield from _of_note(repo, ref, object_id, lines, says_something)
        except CorruptRepo:
            continue  # the ref is named already


def _of_note(
    repo: Repo, ref: str, object_id: str, lines: list[str], says_something: Callable[[str], bool]
) -> Iterator[Problem]:
    where = f"{ref}:{object_id}"
    if object_id not in repo.odb:
        said = f"a note stands on {object_id[:_DIGITS]}, which is not there"
        yield Problem("note", where, said, "`git notes --ref` removes it; it costs nothing")
    silent = sum(not says_something(line) for line in lines)
    if silent:
        said = f"{silent} lines of the note on {object_id[:_DIGITS]} are none of tract's"
        yield Problem("note", where, said, "they are kept, and say nothing")


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
