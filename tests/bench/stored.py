"""stored.py - T13: bytes on disk per commit, on recorded conversations; nothing without them.

All files count but the derived index: objects, notes, refs, reflogs. Each conversation is a branch.
"""

import json
import sys
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.data import CORPUS_FILE, Repositories, conversations
from tests.bench.disk import apparent_bytes, collected, loose_objects, packs
from tests.bench.rows import Limit, Row
from tests.bench.timing import counted
from tract import Tract

IMPORTED, TURN_BY_TURN = 1150, 1450
NEVER = 2.5  # times the target, before gc too
LOOSE_MAX = 2000
GROWN = 2000  # from that many commits on
EVERY = 20


class Peak(NamedTuple):
    """The worst of what was seen on the way, and the end."""

    bytes_each: float
    loose: int
    loose_at_end: int


def measure(repositories: Repositories, entries: int) -> list[Row]:
    """Rows of one import, and of turns in a handle per conversation, of so many messages."""
    recorded = conversations()
    if not recorded:
        print(f"T13 is left out: TRACT_CORPUS names no folder with {CORPUS_FILE}", file=sys.stderr)
        return []
    ends = accumulate(len(each["messages"]) for each in recorded)
    said = [each for each, end in zip(recorded, ends, strict=True) if end <= max(entries, 100)]
    return _imported(repositories, said) + _turn_by_turn(repositories, said)


def _count(said: list[dict[str, Any]]) -> int:
    return sum(len(each["messages"]) for each in said)


def _json_bytes(said: list[dict[str, Any]]) -> float:
    return len(json.dumps([each["messages"] for each in said], ensure_ascii=False).encode())


def _row(work: str, said: list[dict[str, Any]], size: float, limit: float, note: str) -> Row:
    commits = _count(said)
    is_asked = limit in (IMPORTED, TURN_BY_TURN) or commits >= GROWN
    return Row(
        id="T13",
        work=f"bytes a commit, {work}",
        entries=commits,
        tract=counted(round(size)),
        unit="bytes",
        floor=counted(round(_json_bytes(said) / commits)),
        floor_of="the messages as JSON, not compressed",
        limit=Limit(limit, "bytes") if is_asked else None,
        peer="1,240–1,580",
        note=note,
    )


def _imported(repositories: Repositories, said: list[dict[str, Any]]) -> list[Row]:
    path = repositories.new()
    lines = "\n".join(json.dumps(each) for each in said)
    with Tract.open(path) as t:
        t.import_bytes(lines.encode())
    left, after = apparent_bytes(path), apparent_bytes(collected(repositories, path))
    commits = _count(said)
    return [
        _row("imported in one call, after git gc", said, after / commits, IMPORTED, _NOTE),
        _row(
            "imported in one call, as left",
            said,
            left / commits,
            NEVER * IMPORTED,
            f"{loose_objects(path)} loose objects, {len(packs(path))} packs",
        ),
    ]


_NOTE = (
    "apparent bytes of all files, notes, reflogs and what gc adds included, the index apart; on a"
    " copy, `git gc` without options; no generation notes"
)


def _turn_by_turn(repositories: Repositories, said: list[dict[str, Any]]) -> list[Row]:
    path = repositories.new()
    peak = _speak(path, said)
    left, after = apparent_bytes(path), apparent_bytes(collected(repositories, path))
    commits = _count(said)
    rows = [
        _row("turn by turn, after git gc", said, after / commits, TURN_BY_TURN, _NOTE),
        _row(
            "turn by turn, as left",
            said,
            left / commits,
            NEVER * TURN_BY_TURN,
            f"a handle per conversation, {len(packs(path))} packs at the end",
        ),
    ]
    if commits >= GROWN:
        note = f"looked at every {EVERY} commits and after each conversation, from {GROWN:,} on"
        work = "turn by turn, at its worst"
        rows.append(_row(work, said, peak.bytes_each, NEVER * TURN_BY_TURN, note))
    rows.append(
        Row(
            id="T13",
            work="loose objects, turn by turn, at its worst",
            entries=commits,
            tract=counted(peak.loose),
            unit="objects",
            limit=Limit(LOOSE_MAX, "objects"),
            note=f"looked at every {EVERY} commits; {peak.loose_at_end:,} at the end",
        )
    )
    return rows


def _speak(path: Path, said: list[dict[str, Any]]) -> Peak:
    """Say it all, one append at a time, and look at the disk on the way."""
    worst, most, loose, commits = 0.0, 0, 0, 0
    for each in said:
        with Tract.open(path, branch=f"said/{each['id']}") as t:
            for message in each["messages"]:
                speak(t, message)
                commits += 1
                if commits % EVERY == 0:
                    most = max(most, loose_objects(path))
                    if commits >= GROWN:
                        worst = max(worst, apparent_bytes(path) / commits)
        loose = loose_objects(path)
        most = max(most, loose)
        if commits >= GROWN:
            worst = max(worst, apparent_bytes(path) / commits)
    return Peak(worst, most, loose)


def speak(t: Tract, message: dict[str, Any]) -> None:
    """Append a message in OpenAI's shape with the verb of its role."""
    role: str = message["role"]
    content: Any = message.get("content")
    if role == "tool":
        t.tool_result(message["tool_call_id"], content, name=message.get("name"))
    elif role == "assistant":
        t.assistant(content, tool_calls=message.get("tool_calls"))
    else:
        (t.system if role == "system" else t.user)(content)
