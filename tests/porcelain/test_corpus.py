"""test_corpus.py - a hundred real conversations come in whole, and go out as they were."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.git import fsck_clean
from tests.validators.openai_chat import validate
from tract.tract import Tract

pytestmark = pytest.mark.corpus


@pytest.fixture
def records(corpus: Path) -> list[dict[str, Any]]:
    """The conversations of the corpus."""
    return [json.loads(line) for line in corpus.read_text(encoding="utf-8").splitlines()]


def test_corpus_comes_back(
    t: Tract, corpus: Path, records: list[dict[str, Any]], runs: Callable[[int], None]
) -> None:
    """Every conversation is imported whole, comes back exactly, and is a valid request."""
    found = t.import_file(corpus)
    runs(len(found))
    assert [each.error for each in found] == [None] * len(records)
    assert sum(len(each.commits) for each in found) == sum(len(r["messages"]) for r in records)
    for each, record in zip(found, records, strict=True):
        compiled = t.compile(at=each.branch)
        assert compiled.to_dicts() == record["messages"]
        assert compiled.pending_tool_calls == ()
        assert validate({"model": "gpt-4o", "messages": compiled.to_openai()}) == []
    assert t.fsck() == []
    fsck_clean(t.path)


def test_corpus_as_one_conversation(t: Tract, corpus: Path, records: list[dict[str, Any]]) -> None:
    """All of it one behind the other is one long context, over many pages, and valid."""
    t.import_file(corpus, onto="main")
    compiled = t.compile()
    assert compiled.to_dicts() == [m for record in records for m in record["messages"]]
    assert validate({"model": "gpt-4o", "messages": compiled.to_openai()}) == []
    assert compiled.token_count == sum(compiled.token_counts) + 3
    with Tract.open(t.path) as other:
        assert other.compile().digest == compiled.digest
