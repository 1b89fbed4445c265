"""compiles.py - T4: compile again, after one append, after the first entry was edited.

In one handle that has compiled before. Compiling means: the messages and the count of tokens.
"""

from itertools import cycle
from pathlib import Path

from tests.bench.data import Repositories, texts
from tests.bench.rows import Limit, Row
from tests.bench.timing import after_each
from tract import CompiledContext, Tract

ROUNDS = 100
_O = "in one edition {}, in the next {}"


def measure(repositories: Repositories, entries: int) -> list[Row]:
    """Rows of the generated conversation, and of recorded ones where the corpus is there."""
    rows = _of(repositories, repositories.generated(entries), entries, "")
    recorded = repositories.recorded(entries)
    if recorded is not None:
        rows += _of(repositories, recorded, entries, ", recorded conversations")
    return rows


def compiled(t: Tract) -> CompiledContext:
    """What is timed."""
    made = t.compile()
    assert made.messages
    assert made.token_count
    return made


def _of(repositories: Repositories, source: Path, entries: int, of: str) -> list[Row]:
    path = repositories.copy(source)
    texts_of = {"append": texts(seed=3), "edit": texts(seed=4)}
    verbs = cycle(("user", "assistant"))
    with Tract.open(path) as t:
        compiled(t)
        again = after_each(ROUNDS, lambda: None, lambda: compiled(t))
        appended = after_each(
            ROUNDS, lambda: getattr(t, next(verbs))(next(texts_of["append"])), lambda: compiled(t)
        )
        edited = after_each(ROUNDS, lambda: t.edit(0, next(texts_of["edit"])), lambda: compiled(t))
    told = (
        ("compile again", again, 0.5, _O.format("1.1 ms", "2,057 ms")),
        ("compile after one append", appended, 1.0, _O.format("1.6 ms", "2,088 ms")),
        ("compile after editing the first entry", edited, 3.0, _O.format("1.1 ms", "2,198 ms")),
    )
    return [
        Row(
            id="T4",
            work=work + of,
            entries=entries,
            tract=timing,
            limit=Limit(limit),
            peer=None if of else peer,
        )
        for work, timing, limit, peer in told
    ]
