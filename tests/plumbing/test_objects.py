"""test_objects.py - commits, trees and blobs as git stores them; names as git cleans them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.git import git
from tract.errors import BadObject
from tract.plumbing.objects import (
    Person,
    clean_name,
    read_blob,
    read_commit,
    read_tree,
    write_blob,
    write_commit,
)
from tract.plumbing.pages import replace
from tract.plumbing.repo import Repo


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        (" Ada ", "Ada"),
        ("<Ada>", "Ada"),
        ("A\nd\ra\0", "Ada"),
        ("Ada, Inc.", "Ada, Inc"),
        ("\"Ada'", "Ada"),
        ("...", "otherwise"),
        ("", "otherwise"),
        ("<>", "otherwise"),
        ("日本 🎉", "日本 🎉"),
    ],
)
def test_names_are_cleaned_as_git_does(name: str, clean: str) -> None:
    """What would break a commit is taken out of a name; one with nothing left is replaced."""
    assert clean_name(name, "otherwise") == clean


def test_commit_comes_back(repo: Repo) -> None:
    """A commit is read as it was written, its message byte for byte."""
    tree = replace(repo, None, {})
    who, other = Person("Ä", "a@x", 1_700_000_000), Person("b", "", 0)
    message = "subject\n\n---\nbody \x1b[31m\n\nKey: value\n"
    root = write_commit(repo, tree, [], author=who, committer=who, message="root\n")
    made = write_commit(repo, tree, [root, root], author=who, committer=other, message=message)
    read = read_commit(repo, made)
    assert (read.tree, read.parents, read.message) == (tree, (root, root), message)
    assert (read.author, read.committer) == (who, other)
    assert git(repo.path, "log", "-1", "--format=%B", made) == message


def test_commit_of_another_time_zone_is_read(repo: Repo) -> None:
    """A commit that stock git made elsewhere is read by its seconds."""
    tree = replace(repo, None, {})
    text = f"tree {tree}\nauthor A <a> 100 +0530\ncommitter C <c> 200 -0800\nencoding x\n\nm"
    made = git(repo.path, "hash-object", "-t", "commit", "-w", "--stdin", stdin=text)
    read = read_commit(repo, made)
    assert (read.author.time_s, read.committer.time_s, read.message) == (100, 200, "m")


@pytest.mark.parametrize("read", [read_blob, read_tree, read_commit])
def test_missing_object_is_named(repo: Repo, read: Any) -> None:
    """An object that is not there is BadObject, and the message has its id."""
    with pytest.raises(BadObject, match="aaaaaaaaaaaa"):
        read(repo, "a" * 40)


def test_object_of_another_kind_is_refused(repo: Repo) -> None:
    """A blob is no tree and no commit."""
    blob = write_blob(repo, b"x")
    for read in (read_tree, read_commit):
        with pytest.raises(BadObject):
            read(repo, blob)
