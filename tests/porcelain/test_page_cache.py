"""test_page_cache.py - how much is read and decoded: counted, not timed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.plumbing.test_pages import CountingOdb
from tests.porcelain.saying import call, contents, user
from tract.tract import Tract


def counted(t: Tract) -> CountingOdb:
    """Count a handle's reads from here on."""
    odb = CountingOdb(t.repo.odb)
    t.repo.odb = odb  # type: ignore[assignment]
    return odb


def long(t: Tract, entries: int) -> None:
    """A context of many entries."""
    t.import_messages([user(f"{number}") for number in range(entries)])


def reads(odb: CountingOdb, run: Any) -> int:
    """How many objects something reads."""
    before = odb.reads
    run()
    return odb.reads - before


def test_second_compile_decodes_nothing(t: Tract) -> None:
    """A context that was compiled is not decoded again: only the tip is looked at."""
    long(t, 350)
    t.compile()
    odb = counted(t)
    assert reads(odb, t.compile) <= 2


@pytest.mark.parametrize("entries", [50, 350, 1_250])
def test_compile_after_an_append_decodes_one_entry(t: Tract, entries: int) -> None:
    """After an append the way to its page and one blob are read, however long the history is."""
    long(t, entries)
    t.compile()
    t.user("new")
    odb = counted(t)
    assert reads(odb, t.compile) <= 7
    assert odb.blobs <= 1
    assert contents(t)[-1] == "new"


@pytest.mark.parametrize("entries", [50, 350, 1_250])
def test_compile_after_an_edit_decodes_one_entry(t: Tract, entries: int) -> None:
    """After an edit the edited page is read, and one blob."""
    long(t, entries)
    t.compile()
    t.edit(entries // 2, "new")
    odb = counted(t)
    assert reads(odb, t.compile) <= 7
    assert contents(t)[entries // 2] == "new"


def test_result_does_not_decode_the_history(t: Tract) -> None:
    """A result whose call is on the last page is taken without reading earlier pages."""
    long(t, 950)
    t.assistant(tool_calls=[call()])
    with Tract.open(t.path) as other:
        odb = counted(other)
        assert reads(odb, lambda: other.tool_result("c1", "x")) < 120


@pytest.mark.parametrize("entries", [50, 350])
def test_cache_changes_no_answer(t: Tract, entries: int) -> None:
    """A handle that has followed every change answers like one that was just opened."""
    long(t, entries)
    changes: list[Callable[[], object]] = [
        lambda: t.user("x"),
        lambda: t.edit(3, "y"),
        lambda: t.edit(entries - 1, "z", priority="skip"),
        lambda: t.assistant(tool_calls=[call()]),
        lambda: t.tool_result("c1", "late"),
        lambda: t.edit(0, {"content_type": "instruction", "text": "x"}),
    ]
    for change in changes:
        t.compile()
        change()
        with Tract.open(t.path) as fresh:
            assert fresh.compile().to_dicts() == t.compile().to_dicts()
            assert fresh.compile().digest == t.compile().digest
            assert fresh.compile().token_count == t.compile().token_count


def test_diff_reads_what_changed(t: Tract) -> None:
    """A difference of two commits reads the changed page and entry on both sides."""
    long(t, 1_250)
    t.edit(600, "new")
    with Tract.open(t.path) as other:
        odb = counted(other)
        assert reads(odb, lambda: other.diff()) <= 12


def test_append_reads_no_entry(t: Tract) -> None:
    """An append reads a few trees and the tip, and no entry; a handle's first, each page once."""
    long(t, 1_250)
    with Tract.open(t.path) as other:
        odb = counted(other)
        assert reads(odb, lambda: other.user("new")) <= 8 + 13
        assert reads(odb, lambda: other.user("newer")) <= 8
        assert odb.blobs == 0
