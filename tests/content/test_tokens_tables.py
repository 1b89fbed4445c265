"""test_tokens_tables.py - where the tables are found, and what is counted without any.

What depends on an environment is tried in a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.content.test_tokens import ROOT, tables


def run(code: str, **environment: str) -> Any:
    """Run code in a new process; what it printed as JSON."""
    unset = {"TIKTOKEN_CACHE_DIR"}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=kept | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


NO_LITELLM = """
import sys
from importlib.machinery import PathFinder
class WithoutLitellm:
    def find_spec(self, name, path=None, target=None):
        return PathFinder.find_spec(name, path, target) if name != "litellm" else None
sys.meta_path[:] = [WithoutLitellm() if f is PathFinder else f for f in sys.meta_path]
"""
COUNT = """
import json, sys
from tract.content.tokens import EncodingCounter
c = EncodingCounter()
n = c.count_text("naïve €")
print(json.dumps([c.name, c.is_estimate, n, "litellm" in sys.modules]))
"""


def test_tables_are_found_without_importing_litellm() -> None:
    """The tables in litellm's package serve while litellm itself stays unloaded."""
    assert run(COUNT) == ["o200k_base", False, 4, False]


def test_tables_in_the_chosen_folder_serve(tmp_path: Path) -> None:
    """TIKTOKEN_CACHE_DIR is looked at too, so tract counts without litellm."""
    for table in tables().iterdir():
        if len(table.name) == 40:
            shutil.copy(table, tmp_path)
    assert run(NO_LITELLM + COUNT, TIKTOKEN_CACHE_DIR=str(tmp_path))[:3] == ["o200k_base", False, 4]


def test_damaged_table_is_not_used(tmp_path: Path) -> None:
    """A table whose hash is wrong is passed over for the one in litellm's package."""
    for table in tables().iterdir():
        if len(table.name) == 40:
            (tmp_path / table.name).write_bytes(table.read_bytes()[:-20])
    assert run(COUNT, TIKTOKEN_CACHE_DIR=str(tmp_path)) == ["o200k_base", False, 4, False]


def test_damaged_table_alone_is_no_table(tmp_path: Path) -> None:
    """Where every table found is damaged, the count is an estimate and says so."""
    for table in tables().iterdir():
        if len(table.name) == 40:
            (tmp_path / table.name).write_bytes(b"IQ== 0\n")
    found = run(NO_LITELLM + COUNT, TIKTOKEN_CACHE_DIR=str(tmp_path))
    assert found == ["bytes/4", True, 3, False]


def test_without_tables_bytes_are_counted() -> None:
    """Without any table a token is four bytes, rounded up, and marked an estimate."""
    assert run(NO_LITELLM + COUNT) == ["bytes/4", True, 3, False]


def test_without_tables_a_context_says_estimate() -> None:
    """A context counted without tables names its source `estimate`, and so does status."""
    code = (
        NO_LITELLM
        + """
import json
from tract import Tract
t = Tract.open(":memory:")
t.user("Hello")
c = t.compile()
print(json.dumps([c.token_source, t.status().token_source, c.token_count]))
"""
    )
    assert run(code) == ["estimate", "estimate", 3 + 3 + 1 + 2]
