"""test_revs_refusals.py - what is no revision, or names nothing: one sentence, the right error."""

from __future__ import annotations

import pytest

from tests.git import git
from tests.plumbing.commits import MAIN
from tract.errors import BadRevision, RevisionNotFound
from tract.plumbing import revs
from tract.plumbing.objects import read_commit, write_blob
from tract.plumbing.repo import CommitId, Repo


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        "HEAD~99",
        "HEAD^3",
        "main@{99}",
        "nothing~1",
        "nothing@{1}",
        "refs/heads/nothing",
        "refs/nothing",
        "0000",
        "f" * 40,
        ":/no such words",
        "v9",
        "tags/v9",
    ],
)
def test_what_is_not_there_is_not_found(repo: Repo, history: list[CommitId], text: str) -> None:
    """A revision that names nothing is RevisionNotFound, and the message says what was asked."""
    with pytest.raises(RevisionNotFound) as caught:
        revs.resolve(repo, text, head=MAIN)
    assert caught.value.exit_code == 3
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "main main",
        "a\nb",
        "main\0",
        "\x1b[31m",
        "main\t",
        "a\x7f",
        "half \ud800",
        "HEAD..main",
        "main...side/way",
        "HEAD^{tree}",
        "HEAD:",
        "main:.gitattributes",
        "HEAD^{nonsense}",
        "main^^{",
        "main@{",
        "main@{nonsense",
        "^main",
        "~",
    ],
)
def test_what_is_no_revision_is_refused(repo: Repo, history: list[CommitId], text: str) -> None:
    """What is not in git's syntax, or names no commit, is BadRevision."""
    with pytest.raises(BadRevision) as caught:
        revs.resolve(repo, text, head=MAIN)
    assert caught.value.exit_code == 2
    assert "\x1b" not in caught.value.message


def test_long_name_is_not_found(repo: Repo, history: list[CommitId]) -> None:
    """A name longer than any path is no crash."""
    with pytest.raises((RevisionNotFound, BadRevision)):
        revs.resolve(repo, "x" * 5_000, head=MAIN)


@pytest.mark.parametrize("kind", ["blob", "tree"])
@pytest.mark.parametrize("size", [40, 10])
def test_id_of_another_object_is_refused(
    repo: Repo, history: list[CommitId], kind: str, size: int
) -> None:
    """The id of a blob or tree is no revision, and the message says what it is."""
    tree = read_commit(repo, history[0]).tree
    found = tree if kind == "tree" else write_blob(repo, b"some blob")
    with pytest.raises(BadRevision, match=kind):
        revs.resolve(repo, found[:size], head=MAIN)


def test_tag_of_a_blob_is_refused(repo: Repo, history: list[CommitId]) -> None:
    """A tag that points at no commit is no revision."""
    git(repo.path, "tag", "data", write_blob(repo, b"x"))
    with pytest.raises(BadRevision):
        revs.resolve(repo, "data", head=MAIN)


@pytest.mark.parametrize("text", ["HEAD", "@", "HEAD~1", "@{1}", "HEAD^{commit}"])
def test_unborn_branch_has_no_commits(repo: Repo, text: str) -> None:
    """On a branch without commits HEAD is not found, and the message names the branch."""
    with pytest.raises(RevisionNotFound, match="main has no commits"):
        revs.resolve(repo, text, head=MAIN)
