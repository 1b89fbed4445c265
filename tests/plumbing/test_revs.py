"""test_revs.py - what a revision names: git's own answer, and where tract is stricter than git."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import count

import pytest

from tests.git import git
from tests.plumbing.commits import MAIN, WHO, commit
from tract.errors import AmbiguousRevision, RevisionNotFound, TractError
from tract.plumbing import refs, revs
from tract.plumbing.objects import read_commit, write_blob
from tract.plumbing.pages import replace
from tract.plumbing.repo import CommitId, Repo


@pytest.mark.parametrize(
    "text",
    [
        "HEAD",
        "@",
        "main",
        "heads/main",
        "refs/heads/main",
        "side/way",
        "light",
        "tags/light",
        "refs/tags/v1",
        "v1",
        "v1^{}",
        "v1^{commit}",
        "v1~1",
        "origin/main",
        "remotes/origin/main",
        "HEAD~2",
        "HEAD~0",
        "HEAD^",
        "HEAD^0",
        "HEAD^1",
        "HEAD^2",
        "HEAD^2^",
        "HEAD~1^1~1",
        "@~1",
        "@^2",
        "main~3",
        "side/way^",
        "main@{0}",
        "main@{1}",
        "main@{3}",
        "main@{2}^",
        "@{1}",
        "@{1}~1",
        "HEAD@{1}",
        "main@{2023-11-14 22:13:21}",
        "main@{2023-11-14 22:13:24}",
        "main@{yesterday}",
        ":/second",
        ":/aside",
        "HEAD^{/thi}",
        "HEAD^{commit}",
    ],
)
def test_form_is_git_s(repo: Repo, history: list[CommitId], text: str) -> None:
    """Every form of git's revision syntax names the commit that git says."""
    peel = "" if text.startswith(":/") else "^{commit}"
    expected = git(repo.path, "rev-parse", "--verify", text + peel)
    assert revs.resolve(repo, text, head=MAIN) == expected


@pytest.mark.parametrize("size", [40, 12, 4])
@pytest.mark.parametrize("spell", [str.lower, str.upper])
def test_id_may_be_abbreviated(
    repo: Repo, history: list[CommitId], size: int, spell: Callable[[str], str]
) -> None:
    """A full id or its beginning, from four digits on, names its commit; capitals serve too."""
    for made in history:
        assert revs.resolve(repo, spell(made[:size]), head=MAIN) == made
        assert revs.resolve(repo, spell(made[:size]) + "~0", head=MAIN) == made


def test_abbreviated_tag_object(repo: Repo, history: list[CommitId]) -> None:
    """The id of an annotated tag names the commit that it points at."""
    tag = git(repo.path, "rev-parse", "refs/tags/v1")
    assert tag != history[2]
    for text in (tag, tag[:10], tag[:10] + "^0"):
        assert revs.resolve(repo, text, head=MAIN) == history[2]


def test_description(repo: Repo, history: list[CommitId]) -> None:
    """What `git describe` prints is a revision."""
    text = git(repo.path, "describe", "main")
    assert revs.resolve(repo, text, head=MAIN) == history[3]


def test_head_is_what_the_caller_says(repo: Repo, history: list[CommitId]) -> None:
    """HEAD and @ mean the caller's branch or commit, whatever git's own HEAD says."""
    assert revs.resolve(repo, "HEAD", head="refs/heads/side/way") == git(
        repo.path, "rev-parse", "side/way"
    )
    assert revs.resolve(repo, "@~1", head=history[2]) == history[1]
    assert revs.resolve(repo, "@", head=history[2]) == history[2]


def test_branch_at_an_earlier_time(repo: Repo, history: list[CommitId]) -> None:
    """A time names what the reflog says the branch was then."""
    whole = git(repo.path, "log", "-g", "--format=%gd %H", "--date=iso", "main")
    for line in whole.splitlines():
        selector, found = line.rsplit(" ", 1)
        assert revs.resolve(repo, selector, head=MAIN) == found


# -- ambiguity


def two_alike(repo: Repo) -> tuple[CommitId, CommitId]:
    """Two commits whose ids begin with the same four digits, found by trying."""
    tree = replace(repo, None, {})
    who = f"{WHO.name} <{WHO.email}> {WHO.time_s} +0000"
    seen: dict[str, str] = {}
    for number in count():
        text = f"tree {tree}\nauthor {who}\ncommitter {who}\n\n{number}\n"
        digest = hashlib.sha1(f"commit {len(text)}\0{text}".encode()).hexdigest()
        if digest[:4] in seen:
            return commit(repo, seen[digest[:4]]), commit(repo, f"{number}")
        seen[digest[:4]] = f"{number}"
    raise AssertionError


def test_ambiguous_abbreviation_lists_the_commits(repo: Repo) -> None:
    """An abbreviation of several commits is an error that names them all."""
    one, two = two_alike(repo)
    with pytest.raises(AmbiguousRevision, match=one[:4]) as caught:
        revs.resolve(repo, one[:4], head=MAIN)
    assert sorted(caught.value.candidates) == sorted([one, two])  # type: ignore[call-overload]
    assert one[:12] in str(caught.value.hint)
    for suffix in ("~0", "^{commit}"):
        with pytest.raises(AmbiguousRevision):
            revs.resolve(repo, one[:4] + suffix, head=MAIN)
    differs = next(n for n in range(5, 41) if one[:n] != two[:n])
    assert revs.resolve(repo, one[:differs], head=MAIN) == one


def test_other_objects_make_nothing_ambiguous(repo: Repo) -> None:
    """A blob whose id begins like a commit's does not count: a commit is asked for."""
    made = commit(repo, "x")
    for number in count():
        data = f"{number}".encode()
        digest = hashlib.sha1(b"blob %d\0%s" % (len(data), data)).hexdigest()
        if digest[:4] == made[:4]:
            break
    assert write_blob(repo, data) == digest
    assert revs.resolve(repo, made[:4], head=MAIN) == made


def test_branch_and_tag_of_one_name_are_ambiguous(repo: Repo, history: list[CommitId]) -> None:
    """A name that a branch and a tag share is an error with both; whole names still work."""
    git(repo.path, "tag", "main", history[0])
    for text in ("main", "main~1", "main@{0}"):
        with pytest.raises(AmbiguousRevision) as caught:
            revs.resolve(repo, text, head=MAIN)
        assert caught.value.candidates == ["refs/tags/main", "refs/heads/main"]
    assert revs.resolve(repo, "refs/heads/main", head=MAIN) == history[3]
    assert revs.resolve(repo, "tags/main", head=MAIN) == history[0]
    assert revs.resolve(repo, "HEAD", head=MAIN) == history[3]


def test_ref_wins_over_an_abbreviation(repo: Repo, history: list[CommitId]) -> None:
    """A branch whose name is the beginning of an id is meant, not the id."""
    name = history[0][:6]
    with repo.lock:
        refs.update_ref(repo, f"refs/heads/{name}", history[2], old=None, verb="branch")
    assert revs.resolve(repo, name, head=MAIN) == history[2]
    assert revs.resolve(repo, name + "~1", head=MAIN) == history[1]
    assert revs.resolve(repo, history[0][:7], head=MAIN) == history[0]


# -- walks


def test_walk_follows_first_parents(repo: Repo, history: list[CommitId]) -> None:
    """The first-parent walk goes back to the root and leaves merged branches aside."""
    walked = [found.id for found in revs.walk_first_parents(repo, history[3])]
    assert walked == history[::-1]
    assert list(revs.walk_first_parents(repo, None)) == []


def test_walk_ids_reaches_every_commit(repo: Repo, history: list[CommitId]) -> None:
    """The whole walk has every commit once, none before a child of it."""
    walked = list(revs.walk_ids(repo, history[3]))
    assert sorted(walked) == sorted(git(repo.path, "rev-list", "main").split())
    for found in walked:
        parents = read_commit(repo, found).parents
        assert all(walked.index(parent) > walked.index(found) for parent in parents)


# -- words of the caller's own


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("-", "-"),
        ("@{-1}", "@{-1}"),
        ("@{-12}", "@{-12}"),
        ("@{-1}~1", "@{-1}"),
        ("@{-1}^", "@{-1}"),
        ("ORIG_HEAD", "ORIG_HEAD"),
        ("ORIG_HEAD~1", "ORIG_HEAD"),
        ("main~1", "main"),
    ],
)
def test_caller_is_asked_first(repo: Repo, history: list[CommitId], text: str, asked: str) -> None:
    """What a handle has words of its own for is asked before git's refs, with what follows it."""
    words: list[str] = []

    def own(word: str) -> str:
        words.append(word)
        return history[2]

    expected = history[2] if text == asked else history[1]
    assert revs.resolve(repo, text, head=MAIN, own=own) == expected
    assert words == [asked]


def test_own_word_may_be_a_ref(repo: Repo, history: list[CommitId]) -> None:
    """An answer that is a ref takes every suffix a ref takes, its log's too."""
    for text in ("-", "@{-1}"):
        assert revs.resolve(repo, text, head=MAIN, own=lambda _: "refs/heads/side/way") == git(
            repo.path, "rev-parse", "side/way"
        )
    assert revs.resolve(repo, "@{-1}@{1}", head=MAIN, own=lambda _: MAIN) == history[2]
    assert revs.resolve(repo, "@{-1}~1", head=MAIN, own=lambda _: MAIN) == history[2]


def test_own_ref_without_commits_is_not_found(repo: Repo, history: list[CommitId]) -> None:
    """A branch that has no commits yet names no commit."""
    with pytest.raises(RevisionNotFound, match="new has no commits yet"):
        revs.resolve(repo, "-", head=MAIN, own=lambda _: "refs/heads/new")


@pytest.mark.parametrize("text", ["main-", "main-~1", "-main", "a-b"])
def test_dash_inside_a_name_is_no_word(repo: Repo, history: list[CommitId], text: str) -> None:
    """Only a `-` that stands alone is where one stood before."""
    words: list[str] = []
    with pytest.raises(TractError):
        revs.resolve(repo, text, head=MAIN, own=lambda word: words.append(word))
    assert "-" not in words


def test_orig_head_is_git_s_where_the_caller_has_none(repo: Repo, history: list[CommitId]) -> None:
    """A word that the caller leaves is git's."""
    git(repo.path, "update-ref", "ORIG_HEAD", history[1])
    assert revs.resolve(repo, "ORIG_HEAD", head=MAIN) == history[1]
    assert revs.resolve(repo, "ORIG_HEAD~1", head=MAIN) == history[0]
