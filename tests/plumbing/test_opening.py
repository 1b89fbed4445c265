"""test_opening.py - what a repository cannot be opened without, judged by the files alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.git import git
from tests.plumbing.stock import commit_files
from tests.spoiled import spoil
from tract.plumbing.opening import (
    BadFile,
    fault_of_config,
    fault_of_head,
    faults_of_opening,
    looks_like_one,
)
from tract.plumbing.repo import Repo


def test_new_repository(repo: Repo) -> None:
    """A repository without a commit can be opened: nothing is wrong with HEAD's unborn branch."""
    assert faults_of_opening(repo.path) == []


@pytest.mark.parametrize("place", ["refs/heads/other", "--detach"])
def test_head_of_stock_git(repo: Repo, place: str) -> None:
    """Whatever stock git writes to HEAD is sound: another branch, or a commit."""
    commit = commit_files(repo.path, {"000/00/00.user.md": "x"})
    if place == "--detach":
        git(repo.path, "update-ref", "--no-deref", "HEAD", commit)
    else:
        git(repo.path, "symbolic-ref", "HEAD", place)
    assert fault_of_head(repo.path) is None


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "has 0 bytes"),
        (bytes(21), "holds nothing but NUL"),
        (b"ref: refs/heads/", "names no branch and no commit"),
        (b"ref: refs/he", "names no branch and no commit"),
        (b"ref: refs/heads/mai", "is cut off"),
        (b"0123456789abcdef", "names no branch and no commit"),
    ],
)
def test_head_that_is_none(repo: Repo, content: bytes, what: str) -> None:
    """A HEAD that git did not write so is said to be what it is."""
    Path(repo.path, "HEAD").write_bytes(content)
    assert fault_of_head(repo.path) == what


def test_head_without_line_end(repo: Repo) -> None:
    """A HEAD that lost no more than its line end names its branch still."""
    commit_files(repo.path, {"000/00/00.user.md": "x"})
    Path(repo.path, "HEAD").write_bytes(b"ref: refs/heads/main")
    assert fault_of_head(repo.path) is None


@pytest.mark.parametrize(
    ("how", "what"),
    [("emptied", "has 0 bytes"), ("NUL", "holds NUL"), ("removed", "is missing")],
)
def test_config(repo: Repo, how: str, what: str) -> None:
    """The configuration says what happened to it."""
    spoil(Path(repo.path, "config"), how)
    assert fault_of_config(repo.path) == what


def test_config_that_is_none(repo: Repo) -> None:
    """A configuration that cannot be parsed is damaged."""
    Path(repo.path, "config").write_text("[core\nbare")
    said = fault_of_config(repo.path)
    assert said is not None
    assert said.startswith("cannot be read")


def test_config_that_lost_its_begin(repo: Repo) -> None:
    """Without `core.bare`, which git always writes, it is not whole."""
    Path(repo.path, "config").write_text("[gc]\n\tauto = 0\n")
    assert fault_of_config(repo.path) == "has lost core.bare"


@pytest.mark.parametrize("name", ["objects", "refs"])
def test_folder_that_is_gone(repo: Repo, name: str) -> None:
    """A folder of git's that is gone is named."""
    shutil.rmtree(Path(repo.path, name))
    assert faults_of_opening(repo.path) == [BadFile(name, "is missing")]


def test_everything_is_named(repo: Repo) -> None:
    """All that is wrong is named at once."""
    for name in ("HEAD", "config"):
        spoil(Path(repo.path, name), "emptied")
    assert [bad.path for bad in faults_of_opening(repo.path)] == ["HEAD", "config"]


def test_what_is_left_of_one(repo: Repo) -> None:
    """A repository that lost HEAD and configuration looks like one still."""
    for name in ("HEAD", "config"):
        spoil(Path(repo.path, name), "removed")
    assert looks_like_one(repo.path)


def test_other_folders(tmp_path: Path) -> None:
    """A folder with a file called `config`, or none, looks like no repository."""
    assert not looks_like_one(str(tmp_path))
    (tmp_path / "config").write_text("x")
    (tmp_path / "HEAD").write_text("x")
    assert not looks_like_one(str(tmp_path))
