"""test_1_objects.py - stock git reads every object we write, and we read what it wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.git import fsck_clean, git, git_bytes
from tests.interop.counted import Counted
from tract.errors import BadObject, UnknownFormat
from tract.tract import Tract

HEADER = '---\n{"type":"dialogue","role":"assistant","id":"zzzzzzzzzzzzzzzz"}\n---\nhi\n'


def loose(t: Tract) -> int:
    """How many loose objects there are."""
    return int(git(t.path, "count-objects").split(" ", 1)[0])


def by_hand(repo: Path | str, **files: str) -> str:
    """Commit a context of one page with stock git alone; returns the commit."""
    lines = []
    for name, text in files.items():
        blob = git(repo, "hash-object", "-w", "--stdin", stdin=text)
        lines.append(f"100644 blob {blob}\t{name.replace('_', '.')}.md")
    page = git(repo, "mktree", stdin="\n".join(lines) + "\n")
    middle = git(repo, "mktree", stdin=f"040000 tree {page}\t00\n")
    marks = git(repo, "hash-object", "-w", "--stdin", stdin="# tract 1\n* -text\n")
    root = git(
        repo,
        "mktree",
        stdin=f"100644 blob {marks}\t.gitattributes\n040000 tree {middle}\t000\n",
    )
    parent = git(repo, "for-each-ref", "--format=%(objectname)", "refs/heads/main")
    args = ["-p", parent] if parent else []
    commit = git(repo, "commit-tree", "-m", "by hand", *args, root)
    git(repo, "update-ref", "refs/heads/main", commit)
    return commit


@pytest.fixture
def stock(tmp_path: Path) -> Path:
    """An empty bare repository that stock git made."""
    path = tmp_path / "stock.git"
    git(path, "init", "--bare", "--quiet", "--initial-branch=main", str(path))
    return path


def test_everything_is_sound(t: Tract) -> None:
    """`git fsck --strict` is clean after entries of all kinds and an edit."""
    t.system("s")
    first = t.user("u\0\r\n")
    function = {"name": "f", "arguments": "{}"}
    t.assistant("", tool_calls=[{"id": "c", "type": "function", "function": function}])
    t.tool_result("c", {"a": 1})
    t.reasoning("r")
    t.artifact("x", language="py")
    t.handoff(summary="s")
    t.edit(str(first.entry_id), "new")
    fsck_clean(t.path)


@pytest.mark.parametrize("entries", [10, 10_000])
def test_five_objects_an_append(t: Tract, entries: int) -> None:
    """An append writes five objects, however long the history is."""
    t.import_messages([{"role": "user", "content": str(n)} for n in range(entries)])
    before = loose(t)
    t.user("one more")
    assert loose(t) - before == 5


def test_first_commit_has_six_objects(t: Tract) -> None:
    """The first commit brings .gitattributes with it."""
    t.user("first")
    assert loose(t) == 6


def test_pages_are_decoded_once(t: Tract) -> None:
    """A compile after an append reads one new blob; a second compile none at all."""
    t.import_messages([{"role": "user", "content": str(n)} for n in range(250)])
    t.compile().to_dicts()
    t.user("one more")
    counted = Counted(t.repo.odb)
    t.repo.odb = counted  # type: ignore[assignment]
    blobs = set(git(t.path, "rev-list", "--objects", "--all").split())
    t.compile().to_dicts()
    trees = [each for each in counted.reads if git(t.path, "cat-file", "-t", each) == "tree"]
    read = [each for each in counted.reads if git(t.path, "cat-file", "-t", each) == "blob"]
    assert (len(read), len(trees)) == (1, 4)  # root twice (pages, tools), middle, the page
    assert set(read) <= blobs
    counted.reads.clear()
    t.compile().to_dicts()
    kinds = {git(t.path, "cat-file", "-t", each) for each in counted.reads}
    assert kinds <= {"commit"}


def test_repository_by_stock_git_opens(stock: Path) -> None:
    """A context that stock git made within the format is read: headers, labels, ids."""
    by_hand(stock, **{"00_system": "be kind\n", "01_user": "no newline", "02_assistant": HEADER})
    with Tract.open(stock) as t:
        assert t.compile().to_dicts() == [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": "no newline"},
            {"role": "assistant", "content": "hi"},
        ]
        assert t.compile().entry_ids[2] == "z" * 16
        assert t.log()[0].operation == "x-git"


def test_operation_is_read_off_the_trees(stock: Path) -> None:
    """A commit of stock git with one new entry is an append, with one changed entry an edit."""
    by_hand(stock, **{"00_user": "a\n"})
    by_hand(stock, **{"00_user": "a\n", "01_user": "b\n"})
    by_hand(stock, **{"00_user": "changed\n", "01_user": "b\n"})
    with Tract.open(stock) as t:
        assert [info.operation for info in t.log()] == ["edit", "append", "append"]


def test_header_beats_label(stock: Path) -> None:
    """Where header and file name differ the header counts, and fsck says so."""
    by_hand(stock, **{"00_user": HEADER})
    with Tract.open(stock) as t:
        assert t.compile().to_dicts()[0]["role"] == "assistant"
        assert [problem.kind for problem in t.fsck()] == ["label"]
        t.edit(0, "ho")
        assert "000/00/00.assistant.md" in git(stock, "ls-tree", "-r", "--name-only", "main")
        assert t.fsck() == []


def test_second_copy_of_an_id(stock: Path) -> None:
    """A second copy of an id counts as without id."""
    by_hand(stock, **{"00_assistant": HEADER, "01_assistant": HEADER})
    with Tract.open(stock) as t:
        first, second = t.compile().entry_ids
        assert first == "z" * 16
        assert second != first
        assert {problem.kind for problem in t.fsck()} == {"id"}


@pytest.mark.parametrize(
    "text", ["---\n{broken\n---\nx\n", "---\nx: 1\n---\n", '---\n{"!new":1,"type":"output"}\n---\n']
)
def test_unreadable_header_names_the_path(stock: Path, text: str) -> None:
    """A header that cannot be read, or demands what we do not know, is BadObject with its path."""
    by_hand(stock, **{"00_user": text})
    with Tract.open(stock) as t, pytest.raises(BadObject, match=r"000/00/00\.user\.md"):
        t.compile()


def test_newer_format_is_refused(stock: Path, t: Tract) -> None:
    """A repository of format 2 is not opened by this version."""
    t.user("x")
    marks = git(t.path, "hash-object", "-w", "--stdin", stdin="# tract 2\n* -text\n")
    root = git(t.path, "mktree", stdin=f"100644 blob {marks}\t.gitattributes\n")
    git(t.path, "update-ref", "refs/heads/main", git(t.path, "commit-tree", "-m", "2", root))
    with pytest.raises(UnknownFormat, match="format 2"):
        Tract.open(t.path)


def test_somebody_else_s_repository_is_refused(stock: Path) -> None:
    """A git repository with commits of another kind is left alone."""
    git(stock, "update-ref", "refs/heads/main", git(stock, "commit-tree", "-m", "x", EMPTY_TREE))
    with pytest.raises(UnknownFormat):
        Tract.open(stock)


def test_sha256_is_refused_by_name(tmp_path: Path) -> None:
    """What libgit2 cannot read is refused, and named."""
    path = tmp_path / "new.git"
    git(path, "init", "--bare", "--quiet", "--object-format=sha256", str(path))
    with pytest.raises(UnknownFormat, match=r"sha256|object format"):
        Tract.open(path)


def test_any_text_is_stored_byte_for_byte(t: Tract) -> None:
    """What stock git has in the blob is the text, between the header and one newline."""
    text = "\x1b]0;x\x07 ---\r\n\0 é \N{ZERO WIDTH JOINER}\n\n"
    t.user(text)
    assert git_bytes(t.path, "show", "main:000/00/00.user.md").endswith(f"---\n{text}\n".encode())


EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
