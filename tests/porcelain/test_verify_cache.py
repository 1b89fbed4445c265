"""test_verify_cache.py - with `verify_cache` a cache that is wrong is an error, never an answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.git import git
from tests.plumbing.stock import commit_files
from tests.porcelain.saying import calling, contents, result, user
from tract.errors import CorruptRepo
from tract.plumbing.index import Index
from tract.plumbing.pages import list_pages
from tract.plumbing.repo import TreeId
from tract.porcelain.context import ContextCache
from tract.porcelain.decoded import DecodedPage, Item
from tract.porcelain.log import StatusInfo
from tract.porcelain.workspace import counter_key
from tract.tract import Tract


@pytest.fixture
def path(tmp_path: Path, pinned: dict[str, Any]) -> Path:
    """A repository of two full pages and a bit, which the index knows; closed."""
    with Tract.open(tmp_path / ".tract", **pinned) as t:
        t.import_messages([user(f"{number}") for number in range(230)])
        t.status()
    return tmp_path / ".tract"


@pytest.fixture
def careful(path: Path, pinned: dict[str, Any]) -> Iterator[Tract]:
    """A handle that compares every answer of a cache."""
    with Tract.open(path, verify_cache=True, **pinned) as t:
        yield t


def page_of(t: Tract, folder: str = "000/01") -> str:
    """The tree of a page, as stock git says."""
    return git(t.path, "rev-parse", f"main:{folder}")


def spoil_rows(path: Path) -> None:
    """Make an index that says of every page that it shows one token more than it does."""
    with Tract.open(path) as t:
        key = counter_key(t.counter)
        listed = list_pages(t.repo, TreeId(git(path, "rev-parse", "main^{tree}")))
        known = t.derived.pages(page.tree for page in listed)
    assert len(known) == 3
    for file in path.glob("tract/index.sqlite*"):
        file.unlink()
    index = Index(str(path / "tract/index.sqlite"), warn=lambda said: None)
    for page, facts in known.items():
        wrong = msgspec.structs.replace(facts, shown_tokens=facts.shown_tokens + 1)
        index.add(counter=key, pages={page: msgspec.msgpack.encode(wrong)})
    index.close()


def spoil_page(cache: ContextCache, first: int) -> str:
    """Let the cache hold other texts for a page that it has decoded; the page's tree."""
    (page,) = [page for page in cache._pages if page.first == first]
    items = [
        Item(i.file, msgspec.structs.replace(i.entry, text="wrong"), i.counter)
        for i in cache._pages[page].items
    ]
    cache._pages[page] = DecodedPage(items, 0)
    cache._contexts.clear()
    return page.tree


def facts_of(said: StatusInfo) -> tuple[int, int, int, int]:
    """The counts of a status."""
    return said.entry_count, said.token_count, said.pinned_count, said.commit_count


def test_right_answers_pass(path: Path, careful: Tract) -> None:
    """Where the caches are right, answers are those of a handle that does not look."""
    with Tract.open(path) as plain:
        assert contents(careful) == contents(plain)
        assert facts_of(careful.status()) == facts_of(plain.status())
        assert [i.commit_hash for i in careful.log(9)] == [i.commit_hash for i in plain.log(9)]
        assert careful.search("22") == plain.search("22")
        assert careful.show(3).entry == plain.show(3).entry
        assert careful.diff("HEAD~3", "HEAD").stat == plain.diff("HEAD~3", "HEAD").stat


def test_writes_pass(careful: Tract) -> None:
    """Every sort of write goes on."""
    careful.user("new")
    careful.edit(3, "edited")
    careful.import_messages([calling({"id": "c", "function": {"name": "f", "arguments": "{}"}})])
    careful.tool_result("c", "done")
    careful.undo()
    careful.redo()
    assert contents(careful)[3] == "edited"
    assert contents(careful)[-1] == "done"


def test_batch_passes(careful: Tract) -> None:
    """A batch sees what it has written itself."""
    with careful.batch() as b:
        b.user("in the batch")
        b.edit(0, "edited in it")
        assert contents(b)[0] == "edited in it"
        assert b.status().entry_count == 231
    assert contents(careful)[-1] == "in the batch"


def test_parallel_calls_and_shared_slots_pass(careful: Tract) -> None:
    """Results that stand behind their calls, and entries that share a slot, are no difference."""
    careful.import_messages([calling(), result("nobody")])
    commit_files(careful.path, {"000/00/05.assistant.md": "beside\n"})
    assert "beside" in contents(careful)
    assert careful.status().warnings


def test_page_that_is_wrong(careful: Tract) -> None:
    """A page that was decoded otherwise raises, and is named."""
    careful.compile()
    tree = spoil_page(careful.contexts, 100)
    assert tree == page_of(careful)
    with pytest.raises(CorruptRepo, match=r"page 100") as wrong:
        careful.compile()
    assert wrong.value.facts["page"] == tree
    assert wrong.value.hint


def test_context_that_is_wrong(careful: Tract) -> None:
    """So does a context that was kept whole."""
    careful.compile()
    tree = git(careful.path, "rev-parse", "main^{tree}")
    (kept,) = careful.contexts._contexts.values()
    kept.__dict__["items"] = kept.items[1:]
    with pytest.raises(CorruptRepo, match="cache of contexts") as wrong:
        careful.compile()
    assert wrong.value.facts["page"] == tree


def test_row_of_the_index_that_is_wrong(path: Path, pinned: dict[str, Any]) -> None:
    """A row of the index that says what is not so raises, and names its page."""
    spoil_rows(path)
    with Tract.open(path, verify_cache=True, **pinned) as t:
        with pytest.raises(CorruptRepo, match="the index") as wrong:
            t.status()
        assert wrong.value.facts["page"] == page_of(t, "000/00")


def test_wrong_row_passes_unseen_without_it(path: Path) -> None:
    """Without `verify_cache` nobody looks: that is what it is for."""
    with Tract.open(path) as t:
        was = t.status().token_count
    spoil_rows(path)
    with Tract.open(path) as t:
        assert t.status().token_count == was + 3


def test_page_that_is_wrong_in_a_batch(careful: Tract) -> None:
    """A batch compares, too."""
    with careful.batch() as b:
        b.compile()
        tree = spoil_page(b.contexts, 100)
        with pytest.raises(CorruptRepo, match=r"page 100") as wrong:
            b.compile()
    assert wrong.value.facts["page"] == tree


def test_row_that_is_wrong_in_a_batch(path: Path, pinned: dict[str, Any]) -> None:
    """And so with the index."""
    spoil_rows(path)
    t = Tract.open(path, verify_cache=True, **pinned)
    with t, t.batch() as b, pytest.raises(CorruptRepo, match="the index"):
        b.status()


def test_hint_helps(path: Path, pinned: dict[str, Any]) -> None:
    """What the hint says to do mends it."""
    spoil_rows(path)
    for file in path.glob("tract/index.sqlite*"):
        file.unlink()
    with Tract.open(path, verify_cache=True, **pinned) as t:
        assert t.status().entry_count == 230


def test_repair_mends_the_index(path: Path, pinned: dict[str, Any]) -> None:
    """So does `fsck(repair=True)`, which says so."""
    spoil_rows(path)
    with Tract.open(path, **pinned) as t:
        problems = t.fsck(repair=True)
        assert [(p.kind, p.repaired) for p in problems] == [("index", True)]
    with Tract.open(path, verify_cache=True, **pinned) as t:
        assert t.status().entry_count == 230
