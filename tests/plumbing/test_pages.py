"""test_pages.py - the paged tree: where an entry stands, and what an operation reads and writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pygit2.enums import ObjectType

from tests.git import git
from tests.plumbing.stock import commit_files
from tract.errors import UsageError
from tract.plumbing import pages
from tract.plumbing.objects import read_commit, write_blob
from tract.plumbing.pages import Attachment, SlotChange, SlotFile
from tract.plumbing.repo import BlobId, Repo, TreeId


class CountingOdb:
    """The object database, counting what is read and written."""

    def __init__(self, odb: Any) -> None:
        self._odb = odb
        self.reads = 0
        self.blobs = 0
        self.writes = 0

    def read(self, object_id: Any) -> Any:
        kind, data = self._odb.read(object_id)
        self.reads += 1
        self.blobs += kind == ObjectType.BLOB
        return kind, data

    def write(self, kind: ObjectType, data: bytes) -> Any:
        self.writes += 1
        return self._odb.write(kind, data)


def counted(repo: Repo) -> CountingOdb:
    """Count from here on."""
    odb = CountingOdb(repo.odb)
    repo.odb = odb  # type: ignore[assignment]
    return odb


def blob(repo: Repo, text: str = "x") -> BlobId:
    """A blob with that text."""
    return write_blob(repo, text.encode())


def tree_with(repo: Repo, *slots: int) -> TreeId:
    """A tree with a user's entry at each slot; every entry a blob of its own."""
    files = {slot: (SlotFile(slot, "user", blob(repo, f"{slot}")),) for slot in slots}
    return pages.replace(repo, None, files)


def paths(repo: Repo, tree: str) -> list[str]:
    """The files of a tree, as stock git lists them."""
    return git(repo.path, "ls-tree", "-r", "--name-only", tree).splitlines()


def files_of(repo: Repo, tree: TreeId) -> list[SlotFile]:
    """Every entry of a tree."""
    return [file for page in pages.list_pages(repo, tree) for file in pages.read_page(repo, page)]


@pytest.mark.parametrize(
    ("slot", "path"),
    [
        (0, "000/00/00.user.md"),
        (117, "000/01/17.user.md"),
        (9_999, "000/99/99.user.md"),
        (10_000, "001/00/00.user.md"),
        (1_234_567, "123/45/67.user.md"),
        (9_999_999, "999/99/99.user.md"),
    ],
)
def test_path_of_a_slot(repo: Repo, slot: int, path: str) -> None:
    """A slot's number is its path, three digits, two and two."""
    tree = tree_with(repo, slot)
    assert paths(repo, tree) == [".gitattributes", path]
    assert [file.path for file in files_of(repo, tree)] == [path]


def test_first_append_brings_the_format_number(repo: Repo) -> None:
    """The first tree holds `.gitattributes` with the format's number."""
    tree, slot, _ = pages.append(repo, None, "system", blob(repo))
    assert slot == 0
    assert git(repo.path, "show", f"{tree}:.gitattributes") == "# tract 1\n* -text"


def test_append_takes_the_next_slot(repo: Repo) -> None:
    """An append stands one behind the highest slot, over pages and folders."""
    for highest in (0, 98, 99, 9_999):
        tree = tree_with(repo, 0, highest)
        assert pages.append(repo, tree, "user", blob(repo))[1] == highest + 1


def test_append_to_gaps_fills_none(repo: Repo) -> None:
    """A gap stays a gap: only the end grows."""
    assert pages.append(repo, tree_with(repo, 5, 300), "user", blob(repo))[1] == 301


def test_append_to_an_emptied_tree_starts_at_zero(repo: Repo) -> None:
    """A tree whose entries were all removed begins again at slot 0."""
    emptied = pages.replace(repo, tree_with(repo, 7), {7: ()})
    assert paths(repo, emptied) == [".gitattributes"]
    assert pages.append(repo, emptied, "user", blob(repo))[1] == 0


def test_full_context_is_refused(repo: Repo) -> None:
    """One past ten million slots is an error, never a wrong order."""
    with pytest.raises(UsageError, match="full"):
        pages.append(repo, tree_with(repo, 9_999_999), "user", blob(repo))


@pytest.mark.parametrize("entries", [10, 9_990, 10_000, 100_010])
def test_append_costs_three_trees(repo: Repo, entries: int) -> None:
    """An append writes three trees and reads a handful, whatever the length of the history."""
    tree, data = tree_with(repo, *range(0, entries, 10), entries - 1), blob(repo)
    odb = counted(repo)
    assert pages.append(repo, tree, "user", data)[1] == entries
    assert odb.writes == 3
    assert odb.reads <= 6


def test_diff_opens_only_what_differs(repo: Repo) -> None:
    """A difference reads the way to what changed on both sides, and no equal subtree."""
    before = tree_with(repo, *range(0, 30_000, 50))
    after = pages.replace(repo, before, {10_050: ()})
    odb = counted(repo)
    changes = pages.diff(repo, before, after)
    assert [change.slot for change in changes] == [10_050]
    assert odb.reads == 6


def test_diff_of_equal_trees_opens_nothing_below(repo: Repo) -> None:
    """Two equal trees are compared by their roots."""
    tree = tree_with(repo, *range(0, 30_000, 50))
    odb = counted(repo)
    assert pages.diff(repo, tree, tree) == []
    assert odb.reads <= 2


def test_diff_from_nothing(repo: Repo) -> None:
    """Compared with no tree at all, every entry is new; the other way round, removed."""
    tree = tree_with(repo, 0, 100)
    new = pages.diff(repo, None, tree)
    assert [(change.slot, change.before, len(change.after)) for change in new] == [
        (0, (), 1),
        (100, (), 1),
    ]
    assert [change.after for change in pages.diff(repo, tree, None)] == [(), ()]


def test_diff_ignores_files_that_are_not_ours(repo: Repo) -> None:
    """A foreign file that changes is no change of the context."""
    first = commit_files(repo.path, {"000/00/00.user.md": "x", "000/00/notes.txt": "a"})
    second = commit_files(repo.path, {"000/00/notes.txt": "b", "README.md": "c", "000/x.md": "d"})
    trees = [read_commit(repo, commit).tree for commit in (first, second)]
    assert pages.diff(repo, *trees) == []


def test_diff_sees_attachments(repo: Repo) -> None:
    """An attachment that changes is a change of its slot."""
    one, two = blob(repo, "1"), blob(repo, "2")
    bare = SlotFile(3, "user", one)
    before = pages.replace(repo, None, {3: (bare,)})
    attached = bare._replace(attachments=(Attachment(1, "png", two),))
    after = pages.replace(repo, before, {3: (attached,)})
    assert pages.diff(repo, before, after) == [SlotChange(3, (bare,), (attached,))]


def test_attachments_stand_beside_their_entry(repo: Repo) -> None:
    """Attachments are files of their number, and come back in the order of numbers."""
    attached = tuple(Attachment(n, "bin", blob(repo, f"{n}")) for n in (1, 2, 10))
    tree = pages.append(repo, None, "user", blob(repo), attached).tree
    assert paths(repo, tree)[1:] == [
        "000/00/00.user.1.bin",
        "000/00/00.user.10.bin",
        "000/00/00.user.2.bin",
        "000/00/00.user.md",
    ]
    assert pages.read_slot(repo, tree, 0)[0].attachments == attached


def test_replaced_entry_takes_its_old_files_away(repo: Repo) -> None:
    """A new label renames the file, and attachments that are no longer named are gone."""
    old = SlotFile(0, "tool-call", blob(repo), (Attachment(1, "json", blob(repo, "r")),))
    before = pages.replace(repo, None, {0: (old,)})
    after = pages.replace(repo, before, {0: (SlotFile(0, "assistant", blob(repo, "y")),)})
    assert paths(repo, after)[1:] == ["000/00/00.assistant.md"]


def test_foreign_files_stay(repo: Repo) -> None:
    """Files that are not ours survive appends and removals around them."""
    foreign = {
        "README.md": "a",
        "000/notes.txt": "b",
        "000/00/notes.txt": "c",
        "000/00/05.Upper.md": "d",
        "000/00/5.user.md": "e",
        "docs/00/00.user.md": "f",
    }
    commit = commit_files(repo.path, foreign | {"000/00/05.user.md": "x"})
    tree = read_commit(repo, commit).tree
    assert [file.slot for file in files_of(repo, tree)] == [5]
    appended, slot, _ = pages.append(repo, tree, "user", blob(repo))
    assert slot == 6
    emptied = pages.replace(repo, appended, {5: (), 6: ()})
    assert paths(repo, emptied) == sorted([".gitattributes", *foreign])


def test_shared_slot_is_read_in_path_order(repo: Repo) -> None:
    """Entries that share a slot are all read, in the order of their paths."""
    names = ["000/00/00.user.md", "000/00/00.assistant.md", "000/00/00.tool-result.md"]
    commit = commit_files(repo.path, dict.fromkeys(names, "x"))
    found = pages.read_slot(repo, read_commit(repo, commit).tree, 0)
    assert [file.label for file in found] == ["assistant", "tool-result", "user"]


def test_read_slot_of_nothing(repo: Repo) -> None:
    """Where nothing stands nothing is read, near or far."""
    tree = tree_with(repo, 5)
    for slot in (4, 105, 10_005, 9_999_999):
        assert pages.read_slot(repo, tree, slot) == ()


def test_tools_are_listed_in_path_order(repo: Repo) -> None:
    """Tool definitions are the files of `tools/`, in the order they are sent."""
    files = {"tools/001.b.json": "{}", "tools/000.c.json": "[]", "tools/deeper/x.json": "1"}
    tree = read_commit(repo, commit_files(repo.path, files)).tree
    assert [name for name, _ in pages.list_tools(repo, tree)] == ["000.c.json", "001.b.json"]
    assert pages.list_tools(repo, tree_with(repo, 0)) == []


def test_trees_are_sound_to_stock_git(repo: Repo, tmp_path: Path) -> None:
    """Stock git makes the same tree of the same files."""
    tree = tree_with(repo, 0, 1, 100, 10_000, 123_456)
    commit_files(repo.path, {f"{path}": git(repo.path, "show", f"{tree}:{path}")
                             for path in paths(repo, tree)[1:]})  # fmt: skip
    assert git(repo.path, "rev-parse", "main^{tree}") == tree
