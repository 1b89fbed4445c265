"""test_handle.py - a handle on a repository: its branch, its life, and others beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.git import fsck_clean
from tests.porcelain.saying import call, contents, user
from tract.errors import (
    Closed,
    UsageError,
)
from tract.tract import Tract


class Anything:
    """Stands for a model."""

    @classmethod
    def model_validate(cls, fields: object) -> object:
        return fields


VERBS: dict[str, Callable[[Tract], object]] = {
    "system": lambda t: t.system("x"),
    "user": lambda t: t.user("x"),
    "assistant": lambda t: t.assistant("x"),
    "reasoning": lambda t: t.reasoning("x"),
    "tool_result": lambda t: t.tool_result("c1", "x"),
    "artifact": lambda t: t.artifact("x"),
    "handoff": lambda t: t.handoff(summary="x"),
    "commit": lambda t: t.commit({"content_type": "output", "text": "x"}),
    "edit": lambda t: t.edit(0, "x"),
    "batch": lambda t: t.batch().__enter__(),
    "record_usage": lambda t: t.record_usage({"prompt_tokens": 1}),
    "cancel_tool_calls": lambda t: t.cancel_tool_calls(),
    "register_content_type": lambda t: t.register_content_type("x", Anything),
    "import_messages": lambda t: t.import_messages([user()]),
    "import_file": lambda t: t.import_file("nowhere.json"),
    "import_bytes": lambda t: t.import_bytes(b'[{"role":"user","content":"x"}]'),
    "checkout": lambda t: t.checkout("main"),
    "reset": lambda t: t.reset("HEAD"),
    "undo": lambda t: t.undo(),
    "redo": lambda t: t.redo(),
    "operations": lambda t: t.operations(),
    "compile": lambda t: t.compile(),
    "log": lambda t: t.log(),
    "show": lambda t: t.show(),
    "status": lambda t: t.status(),
    "get": lambda t: t.get(0),
    "entry": lambda t: t.entry(0),
    "diff": lambda t: t.diff(),
    "search": lambda t: t.search("x"),
    "storage": lambda t: t.storage(),
    "fsck": lambda t: t.fsck(),
    "git": lambda t: t.git("status"),
}
WRITING = ("system", "user", "assistant", "reasoning", "artifact", "handoff", "commit", "edit",
           "import_messages", "import_bytes")  # fmt: skip


# -- life


def test_every_verb_is_in_the_table() -> None:
    """The table of verbs in this file is complete."""
    public = {name for name in vars(Tract) if not name.startswith("_")} - {"open", "close", "mend"}
    assert VERBS.keys() == public


@pytest.mark.parametrize("verb", VERBS)
def test_use_after_close(t: Tract, verb: str) -> None:
    """Every verb of a closed handle says that it was closed."""
    t.user("x")
    t.close()
    with pytest.raises(Closed) as caught:
        VERBS[verb](t)
    assert caught.value.hint


def test_close_twice(t: Tract) -> None:
    """Closing a second time is fine, in a `with` too."""
    with t:
        t.user("x")
        t.close()
    t.close()
    assert t.path


def test_context_outlives_its_handle(t: Tract) -> None:
    """What was compiled can be read after close; what would need the repository says Closed."""
    t.user("x")
    compiled = t.compile()
    t.close()
    assert compiled.to_dicts() == [user("x")]
    with pytest.raises(Closed):
        assert compiled.commit_hashes


def test_reopening_restores_everything(t: Tract, pinned: dict[str, Any]) -> None:
    """A new handle sees what the old one wrote, to the last digit."""
    t.system("Be kind.")
    t.assistant(tool_calls=[call()])
    t.edit(0, "Be brief.", priority="important")
    before = (t.compile().to_dicts(), t.compile().digest, t.log(), t.status().commit_count)
    t.close()
    with Tract.open(t.path, **pinned) as again:
        after = (again.compile().to_dicts(), again.compile().digest, again.log())
        assert (*after, again.status().commit_count) == before


# -- others beside it


def test_two_handles_take_turns(t: Tract) -> None:
    """Two handles on one branch see and keep what the other wrote, at once."""
    with Tract.open(t.path) as other:
        for number in range(6):
            (t if number % 2 else other).user(f"{number}")
            assert contents(t) == contents(other) == [f"{n}" for n in range(number + 1)]
        other.edit(0, "zero")
        t.edit(1, "one")
        assert contents(t)[:2] == ["zero", "one"]


def test_threads_share_a_handle(t: Tract) -> None:
    """Threads that write through one handle lose nothing."""
    errors: list[BaseException] = []

    def write(thread: int) -> None:
        try:
            for number in range(10):
                t.user(f"{thread}.{number}")
                t.compile().to_dicts()
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(contents(t)) == sorted(f"{a}.{b}" for a in range(4) for b in range(10))
    for thread_number in range(4):
        mine = [text for text in contents(t) if text.startswith(f"{thread_number}.")]
        assert mine == [f"{thread_number}.{n}" for n in range(10)]
    fsck_clean(t.path)


# -- what is given at open


def test_author_at_open_is_checked(t: Tract) -> None:
    """An author that cannot be one is refused at open."""
    for author in ("", "<a@x>", "a\ud800"):
        with pytest.raises(UsageError):
            Tract.open(t.path, author=author)


def test_tokenizer_at_open_is_checked(t: Tract) -> None:
    """A tokenizer that is neither a name nor a counter is a wrong call."""
    with pytest.raises(TypeError):
        Tract.open(t.path, tokenizer=5)  # type: ignore[arg-type]


def test_clock_and_random_are_passed_in(tmp_path: Path) -> None:
    """Two repositories with the same clock and random source have the same commits."""
    from tract.testing import PinnedClock, PinnedRandom

    tips = []
    for name in ("one", "two"):
        pinned: dict[str, Any] = {"clock": PinnedClock(), "random": PinnedRandom(3)}
        with Tract.open(tmp_path / name, **pinned) as t:
            t.system("x")
            t.import_messages([user(), user()])
            tips.append(t.edit(1, "y").commit_hash)
    assert tips[0] == tips[1]
