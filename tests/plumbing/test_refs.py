"""test_refs.py - names that a branch may have, and moves that compare before they swap."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pygit2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.git import fsck_clean, git
from tract.errors import BadObject, BadRefName, RefExists, StaleRef
from tract.plumbing import head, refs
from tract.plumbing import reflog as logs
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
        "a" * 40,
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
    assert head.read_place(repo) == "ref: refs/heads/main"
    one = commit(repo)
    move(repo, MAIN, one)
    assert head.read_place(repo) == head.on_branch("main")
    git(repo.path, "update-ref", "--no-deref", "HEAD", one)
    assert head.read_place(repo) == one


def test_head_moves_with_git_s_own_line(repo: Repo) -> None:
    """A switch leaves the line in HEAD's log by which git finds `-` and `@{-1}`."""
    one = commit(repo)
    for name in ("main", "other"):
        move(repo, f"refs/heads/{name}", one)
    with repo.lock:
        head.move_head(repo, head.on_branch("other"), old=head.on_branch("main"))
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
    assert repo.random_letters(2) == "yzyy"
    repo.random = lambda size: b"\x0f\xf0"
    assert repo.random_letters(2) == "zkkz"


# -- deletions, and moves to the same value


def delete(repo: Repo, name: str, old: CommitId) -> None:
    """Delete a ref under the write lock."""
    with repo.lock:
        update_ref(repo, name, None, old=old, verb="delete-branch")


def values(repo: Repo, name: str) -> list[tuple[str, str]]:
    """Old and new value of each line of a ref's log, the oldest first."""
    return [(line.old, line.new) for line in logs.read_lines(repo.path, name)][::-1]


@pytest.mark.parametrize("packed", [(), ("--all",), ("--all", "--no-prune")])
def test_ref_is_deleted(repo: Repo, packed: tuple[str, ...]) -> None:
    """A ref is deleted, loose, packed or both; git no longer has it, and finds nothing wrong."""
    one = commit(repo)
    for name in (MAIN, "refs/heads/a/b"):
        move(repo, name, one)
    if packed:
        git(repo.path, "pack-refs", *packed)
    delete(repo, "refs/heads/a/b", one)
    assert refs.read_ref(repo, "refs/heads/a/b") is None
    assert refs.list_refs(repo) == [MAIN]
    assert git(repo.path, "for-each-ref", "--format=%(refname)") == MAIN
    assert list(Path(repo.path).rglob("*.lock")) == []
    fsck_clean(repo.path)


@pytest.mark.parametrize("is_packed", [False, True])
def test_log_of_a_deleted_ref_stays(repo: Repo, is_packed: bool) -> None:
    """Its log stays, and ends with a line of its own whose new value is 40 zeros."""
    one, two = commit(repo, "1"), commit(repo, "2")
    move(repo, MAIN, one)
    move(repo, MAIN, two, one)
    if is_packed:
        git(repo.path, "pack-refs", "--all")
    delete(repo, MAIN, two)
    assert values(repo, MAIN) == [(logs.NOTHING, one), (one, two), (two, logs.NOTHING)]
    line = logs.last_line(repo.path, MAIN)
    assert line is not None
    assert re.fullmatch(r"tract: delete-branch #[k-z]{15}", line.message)


@pytest.mark.parametrize("is_packed", [False, True])
def test_deleted_ref_can_be_born_again(repo: Repo, is_packed: bool) -> None:
    """A ref may come again under its name; its log goes on, and stock git reads it."""
    one, two = commit(repo, "1"), commit(repo, "2")
    move(repo, "refs/heads/a/b", one)
    if is_packed:
        git(repo.path, "pack-refs", "--all")
    delete(repo, "refs/heads/a/b", one)
    move(repo, "refs/heads/a/b", two)
    assert git(repo.path, "rev-parse", "a/b") == two
    assert values(repo, "refs/heads/a/b") == [
        (logs.NOTHING, one),
        (one, logs.NOTHING),
        (logs.NOTHING, two),
    ]
    assert [line[:13] for line in reflog(repo, "a/b")][:1] == ["tract: append"]
    fsck_clean(repo.path)


@pytest.mark.parametrize(("gone", "new"), [("a", "a/b"), ("c/d", "c"), ("E", "e")])
def test_log_of_a_deleted_ref_stands_in_the_way(repo: Repo, gone: str, new: str) -> None:
    """Nothing can stand where the log that stays would be in its way; the ref can come again."""
    one = commit(repo)
    move(repo, f"refs/heads/{gone}", one)
    delete(repo, f"refs/heads/{gone}", one)
    with pytest.raises(RefExists) as caught:
        move(repo, f"refs/heads/{new}", one)
    assert caught.value.other == f"refs/heads/{gone}"
    move(repo, f"refs/heads/{gone}", one)


def test_deletion_from_another_value_is_refused(repo: Repo) -> None:
    """A ref that is not what was expected is not deleted, and its log gets no line."""
    one, two = commit(repo, "1"), commit(repo, "2")
    move(repo, MAIN, one)
    with pytest.raises(StaleRef) as caught:
        delete(repo, MAIN, two)
    assert (caught.value.expected, caught.value.found) == (two, one)
    assert values(repo, MAIN) == [(logs.NOTHING, one)]


def test_deletion_of_what_is_gone_is_refused(repo: Repo) -> None:
    """A ref that vanished is no match for its old value."""
    with pytest.raises(StaleRef):
        delete(repo, MAIN, commit(repo))
    assert values(repo, MAIN) == []


def test_false_deletion_is_cut(repo: Repo) -> None:
    """The line of a deletion that never was is removed by the next move."""
    one, two = commit(repo, "1"), commit(repo, "2")
    move(repo, MAIN, one)
    logs.append(repo.path, MAIN, (one, None, "tract: undo #k"), ("C", "c@x", 1))
    move(repo, MAIN, two, one)
    assert values(repo, MAIN) == [(logs.NOTHING, one), (one, two)]


def test_move_to_the_same_value_leaves_a_line(repo: Repo) -> None:
    """A move that changes no value is told in the log like any other."""
    one = commit(repo)
    move(repo, MAIN, one)
    move(repo, MAIN, one, one)
    assert values(repo, MAIN) == [(logs.NOTHING, one), (one, one)]
    assert len(reflog(repo, "main")) == 2
    assert git(repo.path, "rev-parse", "main") == one


def test_planned_deletion_is_seen_in_the_stage_alone(repo: Repo) -> None:
    """In a staged repository a deletion is planned: gone there, still here."""
    one = commit(repo)
    move(repo, MAIN, one)
    view = repo.staged()
    update_ref(view, MAIN, None, old=one, verb="undo")
    assert (refs.read_ref(view, MAIN), refs.list_refs(view)) == (None, [])
    assert (refs.read_ref(repo, MAIN), refs.list_refs(repo)) == (one, [MAIN])
    assert values(repo, MAIN) == [(logs.NOTHING, one)]


# -- a ref that is not there


def test_ref_that_never_was_has_no_line(repo: Repo) -> None:
    """A ref without a log is absent, and nothing tells why."""
    assert refs.check_absent(repo, MAIN) is None


def test_deleted_ref_tells_why(repo: Repo) -> None:
    """The line of its deletion is what a deleted ref gives."""
    one = commit(repo)
    move(repo, MAIN, one)
    delete(repo, MAIN, one)
    line = refs.check_absent(repo, MAIN)
    assert line is not None
    assert (line.old, line.new) == (one, logs.NOTHING)


def test_ref_whose_file_was_lost_is_no_empty_branch(repo: Repo) -> None:
    """A ref that a power cut or a hand has taken is BadObject: its log ends with a commit."""
    move(repo, MAIN, commit(repo))
    Path(repo.path, MAIN).unlink()
    with pytest.raises(BadObject, match=MAIN):
        refs.check_absent(repo, MAIN)


def test_ref_that_stock_git_deleted_is_absent(repo: Repo) -> None:
    """Stock git removes the log with the branch, so nothing tells of it."""
    move(repo, MAIN, commit(repo))
    git(repo.path, "update-ref", "-d", MAIN)
    assert refs.check_absent(repo, MAIN) is None


def test_first_writer_that_was_killed_left_no_branch(repo: Repo) -> None:
    """A log whose only line is that of a writer who died before the rename is no lost branch."""
    one = commit(repo)
    logs.append(repo.path, MAIN, (None, one, "tract: append #k"), ("C", "c@x", 1))
    with pytest.raises(BadObject):
        refs.check_absent(repo, MAIN)
    Path(repo.lock.path).write_text(f"999999 {MAIN} {one}\n")
    line = refs.check_absent(repo, MAIN)
    assert line is not None
    assert line.new == one
    Path(repo.lock.path).write_text(f"999999 {MAIN} {'a' * 40}\n")
    with pytest.raises(BadObject):
        refs.check_absent(repo, MAIN)


def test_ref_born_between_two_looks_is_fine(repo: Repo) -> None:
    """A ref that another process makes while we look is not taken for a lost one."""
    move(repo, MAIN, commit(repo))
    assert refs.check_absent(repo, MAIN) is None
