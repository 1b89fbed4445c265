"""test_operations.py - which operation a line belongs to, and ids that sort as things happened."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.git import git
from tests.plumbing.commits import MAIN, commit
from tract.plumbing import operations, reflog, refs
from tract.plumbing.operations import Mark, mark_of
from tract.plumbing.reflog import ReflogLine
from tract.plumbing.repo import Repo
from tract.testing import PinnedRandom

K, L = "k" * 15, "l" * 15


def said(message: str) -> ReflogLine:
    """A line with that reason."""
    return ReflogLine("a" * 40, "b" * 40, message, 0)


def op(now_ms: int, letters: str = "kkkk") -> str:
    """The id of an operation that began at that time."""
    return (
        f"{now_ms:011x}".translate(str.maketrans("0123456789abcdef", "klmnopqrstuvwxyz")) + letters
    )


def moved(operation: str) -> ReflogLine:
    """A line of that operation."""
    return said(f"tract: append #{operation}")


# -- what a line says


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (f"tract: append #{K}", Mark("append", K)),
        (f"tract: x-mine #{K}", Mark("x-mine", K)),
        (f"tract: cancel-tool-calls #{K}", Mark("cancel-tool-calls", K)),
        (f"tract: undo #{K} of #{L}", Mark("undo", K, L)),
        (f"tract: redo #{K} of #{L}", Mark("redo", K, L)),
        (f"tract: reset #{K} refs/heads/main", Mark("reset", K, None, "refs/heads/main")),
        (f"tract: undo #{K} of #{L} refs/heads/a/b", Mark("undo", K, L, "refs/heads/a/b")),
        (f"checkout: moving from main to dev (tract #{K})", Mark("checkout", K)),
        (f"checkout: moving from main to import/a (tract import #{K})", Mark("import", K)),
        (f"checkout: moving from dev to main (tract undo #{K} of #{L})", Mark("undo", K, L)),
        (f"checkout: moving from {'a' * 40} to main (tract #{K})", Mark("checkout", K)),
    ],
)
def test_every_form_is_read(message: str, expected: Mark) -> None:
    """Verb, operation, what it undoes, and the ref that lost a commit, in every form of a line."""
    assert mark_of(said(message)) == expected


@pytest.mark.parametrize(
    "message",
    [
        "",
        "tract: reset",  # ORIG_HEAD's
        "tract: append",
        f"tract: append {K}",
        f"tract: append #{K[1:]}",
        f"tract: append #{K}k",
        f"tract: append #{'0' * 15}",
        f"tract: append #{K} ",
        f"tract: append #{K}\nmore",
        f"tract: append #{K} of #{L} of #{L}",
        f"tract: append #{K} main",
        f"tract: append #{K} refs/heads/main refs/heads/dev",
        f"tract:  #{K}",
        f"tract: a b #{K}",
        f" tract: append #{K}",
        f"commit: tract: append #{K}",
        f"commit: see #{K}",
        f"commit (amend): #{K}",
        f"reset: moving to #{K}",
        f"merge dev: Merge made by #{K}",
        "checkout: moving from main to dev",
        f"checkout: moving from main to dev #{K}",
        f"checkout: moving from main to dev (#{K})",
        f"checkout: moving from main to dev (tract #{K}) more",
        f"checkout: moving from a b to dev (tract #{K})",
        f"checkout: moving from main to dev (tract a b #{K})",
    ],
)
def test_look_alike_is_no_mark(message: str) -> None:
    """A line of another program is no operation of ours, whatever its words."""
    assert mark_of(said(message)) is None


@pytest.mark.parametrize("name", ["a\u00a0b", "日本\u3000x"])
def test_mark_of_a_name_with_blanks_of_other_scripts(name: str) -> None:
    """The ref that lost a commit, and the branches of a switch, may have such a blank."""
    k = "k" * 15
    said = ReflogLine("a" * 40, "b" * 40, f"tract: reset #{k} refs/heads/{name}", 0)
    assert mark_of(said) == Mark("reset", k, None, f"refs/heads/{name}")
    switch = said._replace(message=f"checkout: moving from {name} to main (tract #{k})")
    assert mark_of(switch) == Mark("checkout", k)


def test_no_line_has_no_mark() -> None:
    """Where there is no line, there is no mark."""
    assert mark_of(None) is None


def test_stock_commit_that_names_an_operation_does_not_count(repo: Repo) -> None:
    """A commit of stock git whose message looks like our line leaves a line that is not ours."""
    one = commit(repo, "1")
    two = git(repo.path, "commit-tree", f"{one}^{{tree}}", "-p", one, "-m", f"tract: append #{K}")
    for new, why in ((one, "branch: Created from #" + K), (two, f"commit: tract: append #{K}")):
        git(repo.path, "update-ref", "-m", why, MAIN, new)
    assert [mark_of(line) for line in reflog.read_lines(repo.path, MAIN)] == [None, None]
    assert operations.last_mark(repo, MAIN) is None


@given(
    st.from_regex(r"[a-z-]{1,12}", fullmatch=True),
    st.text("klmnopqrstuvwxyz", min_size=15, max_size=15),
    st.none() | st.text("klmnopqrstuvwxyz", min_size=15, max_size=15),
    st.none() | st.sampled_from(["refs/heads/main", "refs/heads/ä/ö"]),
)
def test_what_is_written_is_read(verb: str, new: str, of: str | None, lost: str | None) -> None:
    """A line that is put together here is taken apart again, a switch's too."""
    tail = operations.tail(of=of, lost=lost)
    assert mark_of(said(operations.reason(verb, new, tail))) == Mark(verb, new, of, lost)
    switch = operations.switch_reason("main", "dev/ä", verb, new, operations.tail(of=of))
    assert mark_of(said(switch)) == Mark(verb, new, of)


# -- ids


def test_id_tells_the_time(repo: Repo) -> None:
    """An id begins with the milliseconds since 1970 and ends with four random letters."""
    repo.clock, repo.random = (lambda: 1_700_000_000_123), (lambda size: b"\x0f" * size)
    made = operations.new_operation(repo, [])
    assert made == op(1_700_000_000_123, "zkzk")
    assert operations.time_ms(made) == 1_700_000_000_123


@pytest.mark.parametrize(
    ("now_ms", "earlier", "expected"),
    [
        (5000, [], 5000),
        (5000, [None], 5000),
        (5000, [4999], 5000),
        (5000, [5000], 5001),  # the clock stands
        (5000, [9000], 9001),  # the clock went back
        (5000, [7000, 9000, None, 8000], 9001),
    ],
)
def test_id_comes_after_those_of_its_refs(
    repo: Repo, now_ms: int, earlier: list[int | None], expected: int
) -> None:
    """An id is never less than the newest on the refs it moves, plus 1."""
    repo.clock = lambda: now_ms
    lines = [moved(op(each)) if each is not None else None for each in earlier]
    assert operations.time_ms(operations.new_operation(repo, lines)) == expected


def test_id_comes_after_the_one_it_is_told_to(repo: Repo) -> None:
    """An operation that it comes after counts like those of the refs."""
    repo.clock = lambda: 5000
    made = operations.new_operation(repo, [moved(op(6000))], op(7000, "zzzz"))
    assert operations.time_ms(made) == 7001
    assert made > op(7000, "zzzz")


def test_lines_of_others_do_not_count(repo: Repo) -> None:
    """A stock commit's line that names an operation of the far future holds nothing up."""
    repo.clock = lambda: 5000
    line = said(f"commit: tract: append #{op(9_000_000)}")
    assert operations.time_ms(operations.new_operation(repo, [line])) == 5000


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=10))
def test_ids_of_one_ref_rise(shared_repo: Repo, times: list[int]) -> None:
    """Whatever the clock says from one operation to the next, their ids sort as they were made."""
    line: ReflogLine | None = None
    made: list[str] = []
    shared_repo.random = PinnedRandom(len(times))
    for now_ms in times:
        shared_repo.clock = lambda now=now_ms: now  # type: ignore[misc]
        made.append(operations.new_operation(shared_repo, [line]))
        line = moved(made[-1])
    assert made == sorted(set(made))


# -- the refs that have a log


def test_logged_refs(repo: Repo, pinned: dict[str, Any]) -> None:
    """Every ref with a log is named once, a deleted one too; HEAD and locks are not."""
    one = commit(repo, "1")
    names = [MAIN, "refs/heads/a/b", "refs/notes/tract/tokens", f"refs/tract/keep/{one}"]
    with repo.lock:
        for name in names:
            refs.update_ref(repo, name, one, old=None, verb="x")
        refs.update_ref(repo, "refs/heads/a/b", None, old=one, verb="delete-branch")
    assert sorted(operations.logged_refs(repo)) == sorted(names)
    assert list(operations.logged_refs(repo, "refs/tract/keep/")) == [f"refs/tract/keep/{one}"]
    assert list(operations.logged_refs(repo, "refs/nothing/")) == []


def test_last_mark_of_a_ref(repo: Repo) -> None:
    """The newest line's mark, of a ref that was deleted too."""
    assert operations.last_mark(repo, MAIN) is None
    one = commit(repo, "1")
    with repo.lock:
        refs.update_ref(repo, MAIN, one, old=None, verb="append", operation=K)
        assert operations.last_mark(repo, MAIN) == Mark("append", K)
        refs.update_ref(repo, MAIN, None, old=one, verb="undo", operation=L, tail=f" of #{K}")
    assert operations.last_mark(repo, MAIN) == Mark("undo", L, K)
