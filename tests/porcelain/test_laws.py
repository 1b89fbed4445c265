"""test_laws.py - what is imported when: heavy packages only by whoever needs them.

Each law runs in a process of its own, since pytest has loaded them all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("litellm", "tiktoken", "rich", "pydantic", "click", "openai", "requests", "asyncio")


def loaded_after(code: str) -> set[str]:
    """Which of the heavy packages are loaded after some code ran."""
    tail = f"\nimport sys, json; print(json.dumps([n for n in {HEAVY!r} if n in sys.modules]))"
    ran = subprocess.run(
        [sys.executable, "-c", code + tail],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return set(json.loads(ran.stdout.splitlines()[-1]))


WRITE = """
from tract import Tract
t = Tract.open(":memory:")
t.system("Be kind.")
t.user("hi")
t.assistant(tool_calls=[{"id": "c", "type": "function",
                         "function": {"name": "f", "arguments": "{}"}}])
t.tool_result("c", {"a": 1})
t.edit(0, "Be brief.")
"""


@pytest.mark.parametrize(
    "code",
    [
        "import tract",
        "from tract import Tract",
        "from tract import Tract, DialogueContent, Priority, TractError, CommitInfo",
        "import tract\nfor name in tract.__all__: getattr(tract, name)",
        WRITE,
        WRITE + "t.compile().to_dicts()",
        WRITE + "c = t.compile(); c.to_openai(); c.to_text(); c.digest; c.commit_hashes",
        WRITE + "t.fsck(); t.get(0); t.entry(0)",
        WRITE + "[info.message for info in [t.get('HEAD')]]",
    ],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    """Importing, writing and compiling without counting loads none of the heavy packages."""
    assert loaded_after(code) == set()


def test_an_import_counts() -> None:
    """A batch counts what it writes at its end, for the token notes."""
    code = 'from tract import Tract\nt = Tract.open(":memory:")\nwith t.batch() as b: b.user("x")'
    assert loaded_after(code) == {"tiktoken"}


def test_counting_loads_tiktoken_alone() -> None:
    """The first count loads tiktoken (and what that needs), and neither litellm nor pydantic."""
    found = loaded_after(WRITE + "assert t.compile().token_count > 0")
    assert "tiktoken" in found
    assert not found & {"litellm", "pydantic", "rich", "click", "openai"}


def test_a_counter_of_one_s_own_needs_no_tiktoken() -> None:
    """Who brings a counter counts without tiktoken."""
    code = """
from tract import Tract
class Words:
    name = "words"
    def count_text(self, text): return len(text.split())
    def count_messages(self, messages): return sum(len(str(m)) for m in messages)
t = Tract.open(":memory:", tokenizer=Words())
t.user("hi")
assert t.compile().token_count and t.status().token_count and t.log()[0].context_tokens
"""
    assert "tiktoken" not in loaded_after(code)


def test_public_names_are_there() -> None:
    """Every name in `tract.__all__` can be had, and no other."""
    import tract

    assert {"Tract", "Priority", "CommitInfo", "DialogueContent", "TractError"} <= set(
        tract.__all__
    )
    for name in tract.__all__:
        assert getattr(tract, name) is not None
        assert name in dir(tract)
    with pytest.raises(AttributeError):
        _ = tract.Nothing
