"""test_opening.py - which repository a path means, and when one is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.git import git
from tests.plumbing.stock import commit_files
from tests.porcelain.saying import contents
from tract.errors import RepoNotFound, TractError, UnknownFormat
from tract.tract import Tract


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with nothing in it."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def made(path: str | Path | None, **options: Any) -> Path:
    """Open a path, write there, and say where that was."""
    with Tract.open(path, **options) as t:
        t.user("x")
        return Path(t.path)


def test_none_is_tract_in_the_current_folder(here: Path) -> None:
    """Without a path `.tract` is made in the current folder."""
    assert made(None) == here / ".tract"
    assert [path.name for path in here.iterdir()] == [".tract"]


def test_none_is_the_nearest_parent_s(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a path the nearest `.tract` upwards is used."""
    made(None)
    deep = here / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert made(None) == here / ".tract"
    assert list(deep.iterdir()) == []


def test_none_without_create(here: Path) -> None:
    """With `create=False` nothing is made."""
    with pytest.raises(RepoNotFound) as caught:
        Tract.open(create=False)
    assert caught.value.hint
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("name", [".tract", "x/.tract", "x/y/.git", ".git"])
def test_path_with_the_name_of_a_repository(here: Path, name: str) -> None:
    """A path that ends in .tract or .git is the repository, and is made there."""
    assert made(here / name) == here / name
    assert git(here / name, "config", "core.bare") == "true"


@pytest.mark.parametrize("name", ["project", "a/b/c", "with blanks and ü"])
def test_path_of_a_folder(here: Path, name: str) -> None:
    """Any other path is a folder, and the repository its `.tract`."""
    assert made(here / name) == here / name / ".tract"
    assert made(str(here / name)) == here / name / ".tract"
    with Tract.open(here / name, create=False) as t:
        assert contents(t) == ["x", "x"]


def test_relative_path(here: Path) -> None:
    """A relative path starts at the current folder."""
    assert made("project") == here / "project" / ".tract"
    assert made("project/.tract") == here / "project" / ".tract"


def test_bare_repository(here: Path) -> None:
    """A bare repository is one under any name."""
    source = made(here / "project")
    git(source, "clone", "--quiet", "--bare", str(source), str(here / "copy"))
    with Tract.open(here / "copy") as t:
        assert Path(t.path) == here / "copy"
        assert contents(t) == ["x"]
        t.user("y")
    assert git(here / "copy", "config", "gc.auto") == "0"


def test_project_under_git_gets_its_own(here: Path) -> None:
    """In a project's folder tract makes `.tract` beside `.git`, and leaves `.git` alone."""
    (here / "project").mkdir()
    dot_git = here / "project" / ".git"
    git(dot_git, "init", "--quiet", "--initial-branch=main")
    commit_files(dot_git, {".gitattributes": None, "README.md": "x"})
    before = git(dot_git, "for-each-ref")
    assert made(here / "project") == here / "project" / ".tract"
    assert git(dot_git, "for-each-ref") == before


def test_clone_with_a_work_tree(here: Path) -> None:
    """A work tree cloned by stock git is opened by its `.git`, since a branch there is ours."""
    source = made(here / "project")
    git(source, "clone", "--quiet", str(source), str(here / "clone"))
    with Tract.open(here / "clone") as t:
        assert Path(t.path) == here / "clone" / ".git"
    assert not (here / "clone" / ".tract").exists()


def test_tract_beside_git_wins(here: Path) -> None:
    """Where both are there, `.tract` is meant."""
    source = made(here / "project")
    git(source, "clone", "--quiet", str(source), str(here / "clone"))
    made(here / "clone" / ".tract")
    with Tract.open(here / "clone") as t:
        assert Path(t.path) == here / "clone" / ".tract"


def test_memory_is_thrown_away() -> None:
    """`:memory:` is a repository like any other, and gone after close."""
    with Tract.open(":memory:") as t:
        t.user("x")
        folder = Path(t.path)
        assert folder.is_dir()
    assert not folder.exists()
    with Tract.open(":memory:") as t:
        assert contents(t) == []


def test_memory_is_no_folder_of_that_name(here: Path) -> None:
    """`:memory:` leaves nothing in the current folder."""
    with Tract.open(":memory:") as t:
        t.user("x")
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("name", ["project", ".tract", "x/.git", "nothing.git"])
def test_without_create_nothing_is_made(here: Path, name: str) -> None:
    """`create=False` opens what is there and makes nothing."""
    with pytest.raises(RepoNotFound) as caught:
        Tract.open(here / name, create=False)
    assert caught.value.hint
    assert list(here.iterdir()) == []


def test_empty_folder_becomes_a_repository(here: Path) -> None:
    """An empty `.tract` is filled."""
    (here / ".tract").mkdir()
    assert made(here / ".tract") == here / ".tract"


def test_folder_with_something_else_is_left_alone(here: Path) -> None:
    """A `.tract` with other things in it is refused, and keeps them."""
    (here / ".tract").mkdir()
    (here / ".tract" / "mine.txt").write_text("x")
    with pytest.raises(RepoNotFound):
        Tract.open(here / ".tract")
    assert [path.name for path in (here / ".tract").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("path", ["file", "file/.tract", ".tract", "deep/file/x"])
def test_file_in_the_way(here: Path, path: str) -> None:
    """Where a file stands in the way the error is tract's own, and the file stays."""
    for name in ("file", ".tract"):
        (here / name).write_text("x")
    (here / "deep").mkdir()
    (here / "deep" / "file").write_text("x")
    with pytest.raises(TractError) as caught:
        Tract.open(here / path)
    assert caught.value.exit_code in (2, 3, 9)
    assert (here / "file").read_text() == "x"
    assert sorted(found.name for found in here.iterdir()) == [".tract", "deep", "file"]


def test_somebody_else_s_bare_repository(here: Path) -> None:
    """A bare repository that is not ours is refused, also with `create`."""
    git(here / "x.git", "init", "--quiet", "--bare", "--initial-branch=main")
    commit_files(here / "x.git", {".gitattributes": None, "README.md": "x"})
    with pytest.raises(UnknownFormat) as caught:
        Tract.open(here / "x.git")
    assert caught.value.exit_code == 8
    assert caught.value.hint
