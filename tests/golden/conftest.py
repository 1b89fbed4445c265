"""conftest.py - a repository in which every moment and every entry's id is known beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.golden.hand import START_MS, Counting
from tract.tract import Tract


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Tract]:
    """The clock stands at START_MS, so a commit is 1 ms later than its parent; ids count."""
    with Tract.open(tmp_path / ".tract", clock=lambda: START_MS, random=Counting()) as opened:
        yield opened
