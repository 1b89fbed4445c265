"""saying.py - what the tests of porcelain say, and how they look at what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.git import git
from tract.tract import Tract

Record = dict[str, Any]
EXAMPLES = Path(__file__).parents[2] / "examples" / "data"


def call(call_id: str | None = "c1", name: str = "look_up", arguments: str = "{}") -> Record:
    """A tool call as OpenAI returns it."""
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


def calling(*calls: Record, content: str | None = None) -> Record:
    """An assistant's record with calls."""
    return {"role": "assistant", "content": content, "tool_calls": list(calls)}


def result(call_id: str | None = "c1", content: str = "done", **more: Any) -> Record:
    """A tool's record."""
    return {"role": "tool", "tool_call_id": call_id, "content": content, **more}


def user(content: str = "hi", **more: Any) -> Record:
    """A user's record."""
    return {"role": "user", "content": content, **more}


def contents(t: Tract, at: str | None = None) -> list[Any]:
    """What the messages of the compiled context say."""
    return [message["content"] for message in t.compile(at=at).to_dicts()]


def header(t: Tract, path: str, at: str = "main") -> str:
    """The front matter of an entry's file, as stock git shows it."""
    return git(t.path, "show", f"{at}:{path}").split("\n")[1]


def paths(t: Tract, at: str = "main") -> list[str]:
    """The files of a commit but `.gitattributes`."""
    return git(t.path, "ls-tree", "-r", "--name-only", at).splitlines()[1:]


def state(t: Tract) -> tuple[str, str]:
    """Every ref, HEAD among them, and how many objects there are."""
    refs = git(t.path, "for-each-ref") + git(t.path, "symbolic-ref", "-q", "HEAD")
    return refs, git(t.path, "count-objects", "-v")


@contextmanager
def unchanged(t: Tract) -> Iterator[None]:
    """Assert that a block moves no ref and writes no object."""
    before = state(t)
    yield
    assert state(t) == before
