"""test_index_verbs.py - whatever happens to the index, every verb answers the same."""

from __future__ import annotations

import os
import sqlite3
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pygit2
import pytest

from tests.faults.child import forked
from tests.porcelain.saying import call, contents
from tract import IndexUnavailable
from tract.plumbing.pages import list_pages
from tract.porcelain import history
from tract.tract import Tract

READING: dict[str, Callable[[Tract], Any]] = {
    "compile": lambda t: (t.compile().to_dicts(), t.compile().token_count, t.compile().digest),
    "commit_hashes": lambda t: t.compile().commit_hashes,
    "generation_configs": lambda t: t.compile().generation_configs,
    "log": lambda t: [info.as_dict() for info in t.log(30)],
    "status": lambda t: [info.as_dict() for info in t.status().recent_commits],
    "counts": lambda t: (t.status().commit_count, t.status().token_count, t.status().pinned_count),
    "open": lambda t: t.status().pending_tool_calls,
    "show": lambda t: t.show(3).commit.as_dict(),
    "get": lambda t: t.get("HEAD~1").as_dict(),
    "diff": lambda t: t.diff("HEAD~10", "HEAD"),
    "search": lambda t: (t.search("edited"), t.search("11"), t.search(regex="^1[0-9]{2}$")),
}


@pytest.fixture
def path(t: Tract) -> Path:
    """A repository of 130 entries, edits and an open call among them, with an index."""
    with t.batch() as b:
        b.system("s")
        for number in range(125):
            b.user(f"{number}")
        b.assistant("a", generation_config={"model": "m"})
    t.edit(3, "edited")
    t.assistant(tool_calls=[call("c1"), call("c2")])
    t.tool_result("c1", "one")
    t.close()
    return Path(t.path)


@contextmanager
def warned(at_most: int) -> Iterator[None]:
    """Assert that a block gives no more warnings than that, and none but of the index."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield
    assert len(said) <= at_most
    assert all(each.category is IndexUnavailable for each in said)


def answers(path: Path) -> dict[str, Any]:
    """What every reading verb answers, in a new handle."""
    with Tract.open(path) as t:
        return {name: verb(t) for name, verb in READING.items()}


def writes(path: Path) -> None:
    """Every way of writing works, and nothing of it is lost."""
    with Tract.open(path) as t:
        before = contents(t)
        t.tool_result("c2", "two")
        t.edit(4, "edited, too")
        with t.batch() as b:
            b.user("in a batch")
        t.import_messages([{"role": "user", "content": "imported"}])
        t.record_usage({"prompt_tokens": 3})
        before[4] = "edited, too"
        assert contents(t) == [*before, "two", "in a batch", "imported"]


def index_of(path: Path) -> Path:
    """The file of the index."""
    return path / "tract" / "index.sqlite"


def delete(index: Path) -> None:
    """It is gone."""
    index.unlink()


def truncate(index: Path) -> None:
    """It ends in the middle."""
    os.truncate(index, index.stat().st_size // 2)


def empty(index: Path) -> None:
    """It has no byte."""
    index.write_bytes(b"")


def garbage(index: Path) -> None:
    """It holds something else."""
    index.write_bytes(b"garbage" * 5000)


def corrupt(index: Path) -> None:
    """Some of its pages hold zeros."""
    data = bytearray(index.read_bytes())
    for at in range(8192, len(data), 8192):
        data[at : at + 512] = bytes(512)
    index.write_bytes(bytes(data))


def folder(index: Path) -> None:
    """A folder has its name."""
    index.unlink()
    index.mkdir()


def newer(index: Path) -> None:
    """A later version of tract made it."""
    with sqlite3.connect(index) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()


DAMAGE = (delete, truncate, empty, garbage, corrupt, folder, newer)


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_answers_are_the_same(path: Path, damage: Callable[[Path], None]) -> None:
    """Every reading verb gives the same answer, with at most one warning; writes work."""
    wanted = answers(path)
    damage(index_of(path))
    with warned(1):
        assert answers(path) == wanted
    with warned(1):
        assert answers(path) == wanted
    with warned(3):
        writes(path)


def test_no_index_at_all_is_no_news(path: Path) -> None:
    """A missing or damaged index is made again without a word."""
    for damage in (delete, truncate, garbage):
        damage(index_of(path))
        with warned(0):
            answers(path)


def test_locked_index(path: Path) -> None:
    """While another process holds the file, verbs answer without it, and writes are not refused."""
    wanted = answers(path)
    holder = sqlite3.connect(index_of(path), isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    holder.execute("DELETE FROM commits")
    try:
        with warned(1):
            assert answers(path) == wanted
        with warned(3):
            writes(path)
    finally:
        holder.execute("ROLLBACK")
        holder.close()


def test_another_owner_s_index(path: Path) -> None:
    """Who may not read the index, or not write where it is, gets every answer all the same."""
    wanted = answers(path)
    for each in (path, *path.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)
    parent = path
    while parent != parent.parent:
        parent.chmod(parent.stat().st_mode | 0o055)
        parent = parent.parent
    index_of(path).chmod(0o600)

    def as_somebody_else() -> None:
        os.setgid(65534)
        os.setuid(65534)
        levels = pygit2.enums.ConfigLevel
        for level in (levels.GLOBAL, levels.XDG, levels.SYSTEM):
            pygit2.settings.search_path[level] = str(path)  # root's own home may not be read
        pygit2.settings.owner_validation = False
        with warned(1):
            assert answers(path) == wanted

    if os.getuid() != 0:
        pytest.skip("only root can be somebody else")
    assert forked(as_somebody_else) == 0


def test_facts_are_taken_from_the_index(path: Path) -> None:
    """With the index, counts need not one entry read; that is what it is for."""
    with Tract.open(path) as t:
        t.status()
    with Tract.open(path) as t:
        reads: list[str] = []
        odb = t.repo.odb

        class Counting:
            """Notes what is read."""

            def read(self, object_id: str) -> Any:
                """Read through."""
                reads.append(object_id)
                return odb.read(object_id)

            def __getattr__(self, name: str) -> Any:
                return getattr(odb, name)

        t.repo.odb = Counting()  # type: ignore[assignment]
        tip = t.tip()
        assert tip is not None
        assert history.count_commits(t, tip) == 130
        assert t.contexts.summary(t.newest.read(tip).tree).entry_count == 129
    assert len(reads) < 40  # the trees, and the page whose call is open


def test_a_large_batch_is_in_the_index_whole(t: Tract) -> None:
    """However many commits a batch has, the index knows each of them when it has landed."""
    with t.batch() as b:
        for number in range(700):
            b.user(f"{number}")
    ids = [info.commit_hash for info in b.commits]
    with Tract.open(t.path) as other:
        known = other.derived.commits(ids)
        assert [known[each].number for each in ids] == list(range(1, 701))
        assert len(other.derived.pages(page_ids(other))) == 7


def page_ids(t: Tract) -> list[str]:
    """The trees of the pages of the branch's context."""
    tip = t.tip_commit()
    assert tip is not None
    return [page.tree for page in list_pages(t.repo, tip.tree)]


def test_index_after_a_foreign_commit(path: Path) -> None:
    """Commits that somebody else's program made are read, and added."""
    from tests.git import git

    tree = git(path, "rev-parse", "main~2^{tree}")
    made = git(path, "commit-tree", tree, "-p", "main", "-m", "back")
    git(path, "update-ref", "refs/heads/main", made)
    with Tract.open(path) as t:
        assert t.status().commit_count == 131
        assert t.log(1)[0].operation == "x-git"
    first = answers(path)
    index_of(path).unlink()
    assert answers(path) == first
