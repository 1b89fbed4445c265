"""turns.py - T14: 500 turns of two messages, what they take on disk, and that forks stay apart.

Texts of the corpus, cut to 400 characters; generated ones without it. With generation notes every
answer has its settings, and its usage is recorded after it, as an agent does.
"""

from itertools import islice
from pathlib import Path

import pygit2

from tests.bench import peer
from tests.bench.data import CHARACTERS, Repositories, conversations, texts
from tests.bench.disk import apparent_bytes, collected
from tests.bench.rows import Limit, Row
from tests.bench.timing import clocked, counted
from tract import Tract

TURNS = 500
PLAIN, NOTED = 1_400_000, 2_000_000
FORKED = 100
_O = "LangGraph: 221 MB, deltas 1.98 MB"
_CONFIG = {"model": "gpt-4o-2024-08-06", "temperature": 0.2, "top_p": 1.0, "max_tokens": 1024}


def measure(repositories: Repositories, entries: int) -> list[Row]:
    """Rows without generation notes, and with."""
    turns = min(TURNS, max(entries // 2, 10))
    said, source = _said(2 * turns)
    plain, plain_s = _speak(repositories.new(), said, has_notes=False)
    noted, noted_s = _speak(repositories.new(), said, has_notes=True)
    theirs = peer.conversation_bytes(repositories.folder, said)
    forks = _forks(repositories.copy(plain))
    isolated = "a fork from the middle and its origin do not see what the other says after it"
    deltas = f"; LangGraph's delta channel: {theirs[1] / 1e6:.2f} MB" if theirs else ""
    rows = []
    for work, path, limit, spent, note in (
        ("no generation notes", plain, PLAIN, plain_s, f"; {isolated}{deltas}"),
        ("generation notes", noted, NOTED, noted_s, "; settings and usage on every answer"),
    ):
        left = apparent_bytes(path)
        rows.append(
            Row(
                id="T14",
                work=f"{turns} turns of two messages, {work}, after git gc",
                entries=2 * turns,
                tract=counted(apparent_bytes(collected(repositories, path))),
                unit="bytes",
                floor=counted(sum(len(text.encode()) for text in said)),
                floor_of=f"the texts alone, {source}",
                limit=Limit(limit, "bytes"),
                peer=_O,
                langgraph=counted(theirs[0]) if theirs and path == plain else None,
                note=f"{left / 1e6:.2f} MB before gc; {spent / turns * 1000:.2f} ms a turn{note}",
                failed=forks if path == plain else None,
            )
        )
    return rows


def _said(count: int) -> tuple[list[str], str]:
    """What user and assistant said in the recorded conversations, cut, and where it is from."""
    found = [
        str(message["content"])[:CHARACTERS]
        for each in conversations()
        for message in each["messages"]
        if message["role"] in ("user", "assistant") and message.get("content")
    ]
    if len(found) < count:
        return list(islice(texts(seed=5), count)), "generated"
    return found[:count], f"of recorded conversations, cut to {CHARACTERS} characters"


def _speak(path: Path, said: list[str], *, has_notes: bool) -> tuple[Path, float]:
    """All turns in one handle, closed at the end; where, and how many seconds."""

    def speak() -> None:
        with Tract.open(path) as t:
            for number, (question, answer) in enumerate(zip(said[::2], said[1::2], strict=True)):
                t.user(question)
                usage = {
                    "prompt_tokens": 90 * (number + 1),
                    "completion_tokens": len(answer) // 4,
                }
                t.assistant(
                    answer,
                    generation_config=_CONFIG if has_notes else None,
                    usage=usage if has_notes else None,
                )

    return path, clocked(speak)[0]


def _forks(path: Path) -> str | None:
    """Fork in the middle, go on with both, and compare; what went wrong."""
    with Tract.open(path) as t:
        before = t.compile().to_dicts()
    repo = pygit2.Repository(str(path))
    apart = min(FORKED, len(before) // 2)
    repo.references.create("refs/heads/fork", repo.revparse_single(f"main~{apart}").id)
    with Tract.open(path) as t, Tract.open(path, branch="fork") as fork:
        for number in range(10):
            t.user(f"on main {number}")
            fork.user(f"on the fork {number}")
        ours, theirs = t.compile().to_dicts(), fork.compile().to_dicts()
    said = [{"role": "user", "content": f"on main {number}"} for number in range(10)]
    apart_said = [{"role": "user", "content": f"on the fork {number}"} for number in range(10)]
    if ours != before + said or theirs != before[:-apart] + apart_said:
        return "a fork sees what was said elsewhere"
    return None
