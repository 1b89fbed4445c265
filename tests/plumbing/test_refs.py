"""test_refs.py - names that a branch may have, and moves that compare before they swap."""

from __future__ import annotations

import re
from typing import Any

import pygit2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.git import git
from tract.errors import BadRefName, RefExists, StaleRef
from tract.plumbing import refs
from tract.plumbing.objects import Person, write_commit
from tract.plumbing.pages import replace
from tract.plumbing.ref_names import check_branch_name
from tract.plumbing.refs import update_ref
from tract.plumbing.repo import CommitId, Repo

WHO = Person("A", "a@example.org", 1_700_000_000)
MAIN = "refs/heads/main"


def commit(repo: Repo, text: str = "x", *parents: CommitId) -> CommitId:
    """A commit that no ref names yet."""
    tree = replace(repo, None, {})
    return write_commit(repo, tree, parents, author=WHO, committer=WHO, message=text + "\n")


def move(repo: Repo, name: str, new: CommitId, old: CommitId | None = None) -> None:
    """Move a ref under the write lock."""
    with repo.lock:
        update_ref(repo, name, new, old=old, verb="append")


def reflog(repo: Repo, name: str) -> list[str]:
    """The reasons in a ref's log, the newest first."""
    return git(repo.path, "log", "-g", "--format=%gs", name, "--").splitlines()


# -- names


@pytest.mark.parametrize(
    "name",
    [
        "main",
        "a/b/c",
        "import/x",
        "imports",
        "agent",
        "1.2.3",
        "a@b",
        "ä/ö",
        "日本",
        "a-",
        "_x",
        "x.locks",
        "head",
        "a{b}",
        "x" * 200,
    ],
)
def test_name_is_taken(repo: Repo, name: str) -> None:
    """Names that git takes are taken, in any script."""
    check_branch_name(name)
    move(repo, f"refs/heads/{name}", commit(repo))
    assert git(repo.path, "check-ref-format", "--branch", name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "@",
        "-x",
        ".x",
        "x.",
        "/x",
        "x/",
        "a//b",
        "a/.b",
        "a..b",
        "a@{b",
        "a b",
        "a~b",
        "a^b",
        "a:b",
        "a?b",
        "a*b",
        "a[b",
        "a\\b",
        "a\tb",
        "a\nb",
        "a\0b",
        "a\x7fb",
        "x.lock",
        "x.lock/y",
        "\ud800",
        "x" * 201,
        "ä" * 101,
    ],
)
def test_name_is_refused(name: str) -> None:
    """What git's rules forbid is refused with a hint, before anything is written."""
    with pytest.raises(BadRefName) as caught:
        check_branch_name(name)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["import", "agents", "agents/x", "agents/x/main", "HEAD"])
def test_reserved_name_is_refused(name: str) -> None:
    """Names that tract fills itself are refused to users."""
    with pytest.raises(BadRefName, match="reserved"):
        check_branch_name(name)


@given(st.one_of(st.text(max_size=12), st.text("ab./@{-~\\ lock", max_size=12)))
def test_names_are_judged_as_git_does(name: str) -> None:
    """A name is refused where libgit2 refuses it, and taken where it would take it."""
    reserved = name in ("import", "agents", "HEAD", "@") or name.startswith(
        ("agents/", "refs/", "-")
    )
    try:
        name.encode()
        # libgit2 takes a C string: it does not see what stands behind a NUL.
        valid = "\0" not in name and pygit2.reference_is_valid_name(f"refs/heads/{name}")
    except (UnicodeEncodeError, ValueError):
        valid = False
    try:
        check_branch_name(name)
        taken = True
    except BadRefName:
        taken = False
    assert taken == (valid and not reserved)


# -- moves


def test_ref_is_made_and_moved(repo: Repo) -> None:
    """A ref is made where there was none, and moved from what it was."""
    one, two = commit(repo, "1"), commit(repo, "2")
    move(repo, MAIN, one)
    assert refs.read_ref(repo, MAIN) == one
    move(repo, MAIN, two, one)
    assert git(repo.path, "rev-parse", "main") == two


def test_move_from_another_value_is_refused(repo: Repo) -> None:
    """A ref that is not what was expected stays, and the error says what it is."""
    one, two, three = (commit(repo, text) for text in "123")
    move(repo, MAIN, one)
    with pytest.raises(StaleRef, match="main moved") as caught:
        move(repo, MAIN, three, two)
    assert (caught.value.expected, caught.value.found) == (two, one)
    assert refs.read_ref(repo, MAIN) == one


def test_making_what_exists_is_refused(repo: Repo) -> None:
    """`old=None` means that the ref must not exist yet."""
    one, two = commit(repo, "1"), commit(repo, "2")
    move(repo, MAIN, one)
    with pytest.raises(StaleRef) as caught:
        move(repo, MAIN, two)
    assert (caught.value.expected, caught.value.found) == (None, one)


def test_moving_what_does_not_exist_is_refused(repo: Repo) -> None:
    """A ref that vanished is no match for its old value."""
    one, two = commit(repo, "1"), commit(repo, "2")
    with pytest.raises(StaleRef) as caught:
        move(repo, MAIN, two, one)
    assert (caught.value.expected, caught.value.found) == (one, None)
    assert refs.read_ref(repo, MAIN) is None


def test_refused_move_leaves_nothing_behind(repo: Repo) -> None:
    """After a refusal there is no lock, no line in the log, and the next move goes through."""
    one, two, three = (commit(repo, text) for text in "123")
    move(repo, MAIN, one)
    with pytest.raises(StaleRef):
        move(repo, MAIN, three, two)
    assert len(reflog(repo, "main")) == 1
    move(repo, MAIN, two, one)
    assert len(reflog(repo, "main")) == 2


@pytest.mark.parametrize(
    ("there", "new"),
    [("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b"), ("Main", "main"), ("A/b", "a"), ("ä", "Ä")],
)
def test_ref_in_the_way(repo: Repo, there: str, new: str) -> None:
    """A branch cannot stand where another's folder is, nor differ from one in capitals alone."""
    one = commit(repo)
    move(repo, f"refs/heads/{there}", one)
    with pytest.raises(RefExists, match=there) as caught:
        move(repo, f"refs/heads/{new}", one)
    assert caught.value.hint
    assert refs.list_refs(repo) == [f"refs/heads/{there}"]


def test_packed_ref_is_in_the_way_too(repo: Repo) -> None:
    """A branch that stock git has packed is read, moved, and stands in the way like any other."""
    one, two = commit(repo, "1"), commit(repo, "2")
    move(repo, "refs/heads/a/b", one)
    git(repo.path, "pack-refs", "--all")
    with pytest.raises(RefExists):
        move(repo, "refs/heads/a", one)
    move(repo, "refs/heads/a/b", two, one)
    assert git(repo.path, "rev-parse", "a/b") == two


def test_reason_stands_in_the_reflog(repo: Repo) -> None:
    """A move's line is `tract: VERB #OPERATION`, never words of an entry."""
    move(repo, MAIN, commit(repo, "secret words"))
    assert re.fullmatch(r"tract: append #[k-z]{15}", reflog(repo, "main")[0])


def test_operations_sort_by_time(repo: Repo, pinned: dict[str, Any]) -> None:
    """Operation ids sort as things happened, also while the clock stands or goes back."""
    old: CommitId | None = None
    for number, now_ms in enumerate((2000, 2000, 1000, 5, 3000)):
        repo.clock = lambda now=now_ms: now  # type: ignore[misc]
        new = commit(repo, f"{number}")
        move(repo, MAIN, new, old)
        old = new
    found = [line.rsplit("#", 1)[1][:11] for line in reflog(repo, "main")][::-1]
    assert found == sorted(set(found))


def test_head_is_read(repo: Repo) -> None:
    """HEAD is a branch, born or not, or a commit where it is detached."""
    assert refs.read_head(repo) == ("main", None)
    one = commit(repo)
    move(repo, MAIN, one)
    assert refs.read_head(repo) == ("main", one)
    git(repo.path, "update-ref", "--no-deref", "HEAD", one)
    assert refs.read_head(repo) == (None, one)


def test_head_moves_with_git_s_own_line(repo: Repo) -> None:
    """A switch leaves the line in HEAD's log by which git finds `-` and `@{-1}`."""
    one = commit(repo)
    for name in ("main", "other"):
        move(repo, f"refs/heads/{name}", one)
    with repo.lock:
        refs.set_head(repo, "other")
    assert git(repo.path, "symbolic-ref", "HEAD") == "refs/heads/other"
    assert re.fullmatch(
        r"checkout: moving from main to other \(tract #[k-z]{15}\)", reflog(repo, "HEAD")[0]
    )
    assert git(repo.path, "rev-parse", "--abbrev-ref", "@{-1}") == "main"


def test_refs_are_listed_in_byte_order(repo: Repo) -> None:
    """Refs are listed by prefix, in the order of their bytes."""
    for name in ("refs/heads/b", "refs/heads/Z/x", "refs/tags/a"):
        move(repo, name, commit(repo))
    assert refs.list_refs(repo, "refs/heads/") == ["refs/heads/Z/x", "refs/heads/b"]


def test_letters_of_random_bytes(repo: Repo) -> None:
    """Random bytes become letters, hex digits read 0 as z to f as k."""
    repo.random = lambda size: bytes(range(16, 16 + size))
    assert refs.random_letters(repo, 2) == "yzyy"
    repo.random = lambda size: b"\x0f\xf0"
    assert refs.random_letters(repo, 2) == "zkkz"
