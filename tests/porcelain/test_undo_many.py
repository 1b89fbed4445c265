"""test_undo_many.py - an operation of several refs is taken back at once; the list of all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.git import fsck_clean, git
from tests.porcelain.moving import (
    KEEP,
    beside,
    done,
    kept,
    lines,
    moved,
    refs,
    three,
    tip,
    untouched,
    without_notes,
)
from tests.porcelain.saying import contents
from tract.errors import NothingToUndo, UsageError
from tract.plumbing import notes
from tract.plumbing.operations import time_ms
from tract.porcelain.undo import RefMove
from tract.tract import Tract

CONFIG = {"model": "gpt-4o"}


@pytest.fixture
def ids(t: Tract) -> list[str]:
    """Three entries on main: the commits."""
    return [t.user(text).commit_hash for text in "123"]


def noted(t: Tract, ref: str = notes.GENERATION) -> set[str]:
    """The commits that have a note."""
    return {line.split()[1] for line in git(t.path, "notes", f"--ref={ref}", "list").splitlines()}


# -- notes


def test_generation_note_goes_with_its_answer(t: Tract, ids: list[str]) -> None:
    """An answer and its note are one operation; the notes ref goes on by a commit."""
    made = t.assistant("4", generation_config=CONFIG).commit_hash
    before = refs(t)[notes.GENERATION]
    assert set(moved(t.undo())) == {"refs/heads/main", notes.GENERATION}
    assert (contents(t), noted(t)) == (["1", "2", "3"], set())
    assert git(t.path, "rev-parse", f"{notes.GENERATION}~1") == before
    t.redo()
    assert noted(t) == {made}
    assert t.get("HEAD").generation_config is not None
    fsck_clean(t.path)


def test_notes_written_since_stay(t: Tract, ids: list[str]) -> None:
    """What another branch's writer noted meanwhile is left as it is."""
    t.assistant("4", generation_config=CONFIG)
    with beside(t, branch="dev") as other:
        later = other.assistant("x", generation_config=CONFIG).commit_hash
    t.undo()
    assert noted(t) == {later}


def test_usage_reported_since_stays_with_it(t: Tract, ids: list[str]) -> None:
    """A line that was added to the note later is an operation of no branch, and stays."""
    made = t.assistant("4", generation_config=CONFIG).commit_hash
    t.record_usage({"prompt_tokens": 3, "completion_tokens": 4})
    t.undo()
    assert noted(t) == {made}
    t.redo()
    usage = t.get("HEAD").usage
    assert usage is not None
    assert usage.prompt_tokens == 3


# -- several branches


@pytest.fixture
def imported(t: Tract) -> dict[str, str]:
    """Three conversations, imported at once into a new repository: the refs."""
    t.import_messages(three())
    return refs(t)


def test_import_of_several_is_one_undo(t: Tract, imported: dict[str, str]) -> None:
    """All its branches, its token notes and the switch of HEAD go at once."""
    made = t.undo()
    assert set(moved(made)) == imported.keys()
    assert {k: v for k, v in refs(t).items() if k != notes.TOKENS} == {
        "HEAD": "ref: refs/heads/main"
    }
    assert noted(t, notes.TOKENS) == set()
    assert (t.branch_name, contents(t)) == ("main", [])
    assert kept(t) == {imported[f"refs/heads/import/{name}"] for name in "abc"}
    fsck_clean(t.path)


def test_import_of_several_is_one_redo(t: Tract, imported: dict[str, str]) -> None:
    """They come again at the same commits, and HEAD with this handle goes there."""
    t.undo()
    t.redo()
    assert without_notes(refs(t)) == without_notes(imported)
    assert (t.branch_name, contents(t)) == ("import/a", ["a"])
    assert len(noted(t, notes.TOKENS)) == 3
    with pytest.raises(NothingToUndo):
        t.redo()


def test_import_is_taken_back_from_any_of_its_branches(t: Tract, imported: dict[str, str]) -> None:
    """A handle on one of the branches takes all of them back, and HEAD's switch with them."""
    with beside(t, branch="import/b") as named:
        made = named.undo()
        assert set(moved(made)) == imported.keys()
        assert refs(t)["HEAD"] == "ref: refs/heads/main"
        assert (named.branch_name, contents(named)) == ("import/b", [])
        named.redo()
        assert contents(named) == ["b"]
    assert refs(t)["HEAD"] == "ref: refs/heads/import/a"
    assert contents(t) == ["a"]


def test_import_again_after_an_undo(t: Tract, imported: dict[str, str]) -> None:
    """The names are free again."""
    t.undo()
    assert [result.branch for result in t.import_messages(three())] == [
        "import/a",
        "import/b",
        "import/c",
    ]
    t.undo()
    assert done(t) == ["undo", "(import)", "undo", "(import)"]


def test_import_beside_a_branch_with_commits(t: Tract, ids: list[str]) -> None:
    """Where HEAD stays, its log tells of the import: an undo from there takes that back first."""
    t.import_messages(three())
    assert refs(t)["HEAD"] == "ref: refs/heads/main"
    assert done(t)[0] == "import"
    assert set(moved(t.undo())) == {f"refs/heads/import/{name}" for name in "abc"} | {notes.TOKENS}
    assert contents(t) == ["1", "2", "3"]
    t.redo()
    assert tip(t, "import/c") is not None
    for _ in range(2):
        t.undo()
    assert contents(t) == ["1", "2"]
    for _ in range(2):
        t.redo()
    assert tip(t, "import/c") is not None


@pytest.mark.parametrize("undone", ["a", "a/x"])
def test_name_of_a_branch_that_was_taken_back_is_in_no_import_s_way(t: Tract, undone: str) -> None:
    """The log that stays counts as a taken name: an import always gets a branch."""
    with beside(t, branch=f"import/{undone}") as other:
        other.user("1")
        other.undo()
    assert [each.branch for each in t.import_messages(three(names="Ab"))] == [
        "import/A-2",
        "import/b",
    ]


# -- the list of operations


def test_operations_newest_first(t: Tract, ids: list[str]) -> None:
    """Verb, time, refs with old and new value, and whether each is taken back at present."""
    t.reset(ids[0])
    t.undo()
    undone, reset, *appends = t.operations()
    assert (undone.verb, undone.of, undone.is_undone) == ("undo", reset.id, False)
    assert (reset.verb, reset.of, reset.is_undone) == ("reset", None, True)
    assert moved(reset) == {"refs/heads/main": (ids[2], ids[0])}
    assert RefMove(KEEP + ids[2], None, ids[2]) in reset.moves
    assert [moved(each)["refs/heads/main"] for each in appends] == [
        (ids[1], ids[2]),
        (ids[0], ids[1]),
        (None, ids[0]),
    ]


def test_operation_tells_when(t: Tract, ids: list[str]) -> None:
    """`created_at` is the time in its id: UTC, with milliseconds."""
    first = t.operations()[-1]
    assert first.created_at == "2023-11-14T22:13:21.000Z"
    assert time_ms(first.id) == 1_700_000_001_000


def test_operations_are_limited(t: Tract, ids: list[str]) -> None:
    """Twenty are shown unless another number is asked for; none of 0."""
    for n in range(20):
        t.user(f"{n}")
    assert [len(t.operations(*limit)) for limit in ((), (5,), (0,), (100,))] == [20, 5, 0, 23]
    assert t.operations(2) == t.operations()[:2]


@pytest.mark.parametrize("limit", [-1, -100])
def test_negative_limit_is_refused(t: Tract, limit: int) -> None:
    """A negative number of operations cannot be shown."""
    with pytest.raises(UsageError) as caught:
        t.operations(limit)
    assert caught.value.hint


def test_listing_writes_nothing(t: Tract, ids: list[str]) -> None:
    """Looking at operations changes not a byte."""
    t.undo()
    with untouched(t):
        t.operations()


def test_moves_of_head_are_listed_by_name(t: Tract, ids: list[str]) -> None:
    """HEAD's values are branches by their short name, or commits."""
    t.checkout(ids[0])
    t.checkout("main")
    assert [each.moves for each in t.operations(2)] == [
        (RefMove("HEAD", ids[0], "main"),),
        (RefMove("HEAD", "main", ids[0]),),
    ]


def test_word_about_other_branches_is_no_move_of_head(t: Tract, ids: list[str]) -> None:
    """An import beside the current branch is listed with the branches that it made, not HEAD."""
    t.import_messages(three())
    assert {each.ref for each in t.operations(1)[0].moves} == {
        *(f"refs/heads/import/{name}" for name in "abc"),
        notes.TOKENS,
    }


def test_line_of_a_killed_writer_is_no_operation(t: Tract, ids: list[str]) -> None:
    """A line for a move that never was is passed over, and cut by the undo."""
    with open(Path(t.path) / "logs/refs/heads/main", "a") as file:
        file.write(f"{ids[2]} {'a' * 40} C <c@x> 1 +0000\ttract: append #{'z' * 15}\n")
    assert done(t) == ["append"] * 3
    t.undo()
    assert contents(t) == ["1", "2"]
    assert lines(t, "refs/heads/main")[:2] == ["tract: undo", "tract: append"]


def test_keep_line_of_a_killed_writer_is_no_operation(t: Tract, ids: list[str]) -> None:
    """A keep ref whose branch never moved tells of no operation."""
    git(
        t.path,
        "update-ref",
        "-m",
        f"tract: reset #{'t' * 15} refs/heads/main",
        KEEP + ids[2],
        ids[2],
    )
    assert done(t) == ["append"] * 3
    t.undo()
    assert contents(t) == ["1", "2"]
