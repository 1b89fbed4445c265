"""test_salvage.py - a tree without what cannot be read, and with what was whole before."""

from __future__ import annotations

import pytest

from tests.git import git
from tests.plumbing.stock import ATTRIBUTES, commit_files
from tests.spoiled import loose_file
from tract.plumbing.repo import Repo
from tract.plumbing.salvage import readable_tree
from tract.plumbing.whole import Disk

FILES = {
    "000/00/00.user.md": "zero\n",
    "000/00/01.user.md": "one\n",
    "000/00/01.user.1.png": "picture of one\n",
    "000/01/00.user.md": "a hundred\n",
}


@pytest.fixture
def old(repo: Repo) -> str:
    """The tree of a commit."""
    return git(repo.path, "rev-parse", commit_files(repo.path, FILES) + "^{tree}")


@pytest.fixture
def new(repo: Repo, old: str) -> str:
    """The tree of the next one, of which every file differs, and that has one more."""
    files = {name: text.upper() for name, text in FILES.items()}
    files["000/00/02.user.md"] = "TWO\n"
    return git(repo.path, "rev-parse", commit_files(repo.path, files) + "^{tree}")


def lose(repo: Repo, tree: str, path: str) -> None:
    """Remove the object at a path of a tree."""
    loose_file(repo.path, f"{tree}:{path}").unlink()


def salvaged(repo: Repo, tree: str, whole: str | None) -> dict[str, str]:
    """The files of what is made of a tree, without attributes; all can be read."""
    made = readable_tree(repo, Disk(repo), tree, whole)
    assert made is not None
    assert Disk(repo).fault_of_tree(made) is None
    names = git(repo.path, "ls-tree", "-r", "--name-only", made).splitlines()
    found = {name: git(repo.path, "cat-file", "blob", f"{made}:{name}") + "\n" for name in names}
    assert found.pop(".gitattributes") == ATTRIBUTES
    return found


def upper(*names: str) -> dict[str, str]:
    """These files as the newer tree has them."""
    return {name: FILES[name].upper() for name in names}


def test_sound_tree(repo: Repo, old: str, new: str) -> None:
    """A tree that can be read is the same tree."""
    assert readable_tree(repo, Disk(repo), new, old) == new


def test_new_entry_that_is_lost(repo: Repo, old: str, new: str) -> None:
    """An entry that was not there before is left out, and nothing else."""
    lose(repo, new, "000/00/02.user.md")
    assert salvaged(repo, new, old) == upper(*FILES)


def test_edited_entry_that_is_lost(repo: Repo, old: str, new: str) -> None:
    """An entry of which the newest text is lost has the one before."""
    lose(repo, new, "000/00/00.user.md")
    found = salvaged(repo, new, old)
    assert found["000/00/00.user.md"] == "zero\n"
    assert found["000/01/00.user.md"] == "A HUNDRED\n"


@pytest.mark.parametrize("lost", ["000/00/01.user.md", "000/00/01.user.1.png"])
def test_files_of_a_slot_go_together(repo: Repo, old: str, new: str, lost: str) -> None:
    """Where one file of an entry is lost, all of its files are those before."""
    lose(repo, new, lost)
    found = salvaged(repo, new, old)
    assert found["000/00/01.user.md"] == "one\n"
    assert found["000/00/01.user.1.png"] == "picture of one\n"
    assert found["000/00/00.user.md"] == "ZERO\n"


@pytest.mark.parametrize("lost", ["000/00/01.user.md", "000/00/01.user.1.png"])
def test_files_of_a_slot_go_together_where_nothing_is_whole(
    repo: Repo, new: str, lost: str
) -> None:
    """And where nothing whole is known, all of them are left out."""
    lose(repo, new, lost)
    left = upper("000/00/00.user.md", "000/01/00.user.md") | {"000/00/02.user.md": "TWO\n"}
    assert salvaged(repo, new, None) == left


def test_page_that_is_lost(repo: Repo, old: str, new: str) -> None:
    """A page whose tree is lost is the page before, and other pages are as they are."""
    lose(repo, new, "000/00")
    was = {name: text for name, text in FILES.items() if name.startswith("000/00/")}
    assert salvaged(repo, new, old) == was | upper("000/01/00.user.md")


def test_page_that_is_lost_where_nothing_is_whole(repo: Repo, new: str) -> None:
    """Where nothing whole is known, a lost page is left out."""
    lose(repo, new, "000/00")
    assert salvaged(repo, new, None) == upper("000/01/00.user.md")


def test_attributes_are_written_again(repo: Repo, new: str) -> None:
    """The file that every tree of ours has is known, and written again."""
    lose(repo, new, ".gitattributes")
    assert salvaged(repo, new, None)["000/00/02.user.md"] == "TWO\n"


def test_root_that_is_lost(repo: Repo, old: str, new: str) -> None:
    """Of a tree that cannot be read itself nothing is left but what was whole before."""
    loose_file(repo.path, new).unlink()
    assert readable_tree(repo, Disk(repo), new, old) == old
    assert readable_tree(repo, Disk(repo), new, None) is None


def test_nothing_is_left(repo: Repo) -> None:
    """Where nothing at all can be read there is no tree, never an empty one."""
    blob = git(repo.path, "hash-object", "-w", "--stdin", stdin="x")
    tree = git(repo.path, "mktree", stdin=f"100644 blob {blob}\t00.user.md\n")
    loose_file(repo.path, blob).unlink()
    assert readable_tree(repo, Disk(repo), tree, None) is None
