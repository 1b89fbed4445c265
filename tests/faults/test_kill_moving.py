"""test_kill_moving.py - SIGKILL at every step of a move: each ref is where it was or where it goes.

A fresh handle then takes back what has happened, and nothing that has not; called again, an undo
that was broken off goes on to its end. What libgit2 does inside a call strace reaches, as in
test_kill_traced.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.aftermath import an_hour_later
from tests.faults.child import killed_at, open_pinned, steps_of
from tests.faults.moves import CASES, Case
from tests.faults.test_kill import copied
from tests.faults.test_kill_traced import ROOT, STRACE, needs_strace
from tests.faults.traced import WHEN
from tests.faults.work import nothing
from tests.git import fsck_clean, git
from tract.errors import NothingToUndo
from tract.plumbing import lock
from tract.tract import Tract

HEADS = "refs/heads/"
GENERATION = "refs/notes/tract/generation"
MANY = 10  # so many steps at either end are killed at one by one, all of them in a soak


class State(NamedTuple):
    """Where the branches and HEAD are, and which of the commits on branches have a note."""

    refs: dict[str, str]
    noted: set[str]


class Ends(NamedTuple):
    """The states before and after a case's work, and after it was called again on either."""

    old: State
    new: State
    from_old: State
    from_new: State


def state(path: Path) -> State:
    """As stock git sees it."""
    lines = git(path, "for-each-ref", "--format=%(refname) %(objectname)", HEADS).splitlines()
    refs = dict(line.split(" ") for line in lines)
    reached = set(git(path, "rev-list", "--branches").split())
    listed = git(path, "notes", f"--ref={GENERATION}", "list").splitlines()
    noted = {line.split(" ")[1] for line in listed}
    return State(refs | {"HEAD": (path / "HEAD").read_text().strip()}, noted & reached)


def again(path: Path, verb: str) -> State:
    """Call undo or redo in a fresh handle, which may have nothing to do; what comes of it."""
    with Tract.open(path) as t:
        with suppress(NothingToUndo):
            getattr(t, verb)()
        assert list(path.glob("refs/**/*.lock")) == []
    return state(path)


def made(case: Case, folder: Path) -> Path:
    """The repository of a case, closed."""
    with open_pinned(folder / ".tract") as t:
        case.before(t)
    return folder / ".tract"


def ends(case: Case, origin: Path, folder: Path) -> tuple[Ends, list[str]]:
    """What the case comes to where nobody is killed, and the steps of its work."""
    one, two = copied(origin, folder / "one"), copied(origin, folder / "two")
    steps = steps_of(two, nothing, case.work)
    old, new = state(one), state(two)
    return Ends(old, new, again(one, case.again), again(two, case.again)), steps


def expected(found: State, ends: Ends) -> State:
    """Where the verb called again must lead, from where the dead process left the refs."""
    if found.refs == ends.old.refs:
        return ends.from_old
    if found.refs == ends.new.refs:
        return ends.from_new
    return ends.new  # some have moved and some not: it goes on to its end


def check(case: Case, path: Path, ends: Ends) -> None:
    """Nothing is lost, the verb called again leads where it must, and the next write works."""
    found = state(path)
    for ref in ends.old.refs.keys() | ends.new.refs.keys():
        assert found.refs.get(ref) in (ends.old.refs.get(ref), ends.new.refs.get(ref)), ref
    named = set(git(path, "rev-list", "--all", "--reflog").split())
    tips = {*ends.old.refs.values(), *ends.new.refs.values()}
    assert named >= {tip for tip in tips if not tip.startswith("ref:")}
    then = again(path, case.again)
    assert then == expected(found, ends)
    with Tract.open(path, branch="main") as t:
        before = [each["content"] for each in t.compile().to_dicts()]
        t.user("goes on")
        assert [each["content"] for each in t.compile().to_dicts()] == [*before, "goes on"]
        t.undo()
        assert [each["content"] for each in t.compile().to_dicts()] == before
    an_hour_later(path)
    fsck_clean(path)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead writer's lock is waited for no longer than a test may take."""
    monkeypatch.setattr(lock, "EMPTY_LOCK_S", 0.01)
    monkeypatch.setattr(lock, "UNCHANGED_LOCK_S", 0.05)


@pytest.mark.parametrize("name", CASES)
def test_killed_at_every_step(
    tmp_path: Path, name: str, soak: bool, say: Callable[[str], None]
) -> None:
    """A process killed at step 1 … N of a move leaves each ref at one of its two values."""
    case = CASES[name]
    origin = made(case, tmp_path / "origin")
    both, steps = ends(case, origin, tmp_path)
    ns = chosen(len(steps), all_of_them=soak)
    for n in ns:
        copy = copied(origin, tmp_path / f"{n}")
        killed_at(copy, n, nothing, case.work)
        try:
            check(case, copy, both)
        except Exception as error:
            raise AssertionError(f"killed at step {n} ({steps[n - 1]}) of {name}") from error
        shutil.rmtree(copy.parent)
    say(f"SIGKILL at {len(ns)} of the {len(steps)} steps of {name}: nothing lost, undo as it was")


def chosen(count: int, *, all_of_them: bool) -> list[int]:
    """At which steps to kill: all, but where several refs move alike every second of the middle."""
    ends = {*range(1, MANY + 1), *range(count - MANY + 1, count + 1)}
    return [n for n in range(1, count + 1) if all_of_them or n in ends or n % 2]


@pytest.mark.parametrize("name", CASES)
def test_ends_are_what_the_case_says(tmp_path: Path, name: str) -> None:
    """Unkilled, a move can be taken back, an undo called again goes on, a redo is done once."""
    case = CASES[name]
    both, _ = ends(case, made(case, tmp_path / "origin"), tmp_path)
    assert both.old.refs != both.new.refs
    if case.work.__name__ in ("undo", "redo"):
        assert both.from_old == both.new
    else:
        assert both.from_new == both.old
    if case.again == "redo":
        assert both.from_new == both.new


# In libgit2


def trace(folder: Path, call: str, name: str) -> Iterator[Path]:
    """Kill a process at each such call of a case: the repositories as they were left."""
    command = [STRACE, "-f", "-o", str(folder / "trace"), "-e", f"trace={call}"]
    command += ["-e", f"inject={call}:signal=KILL:when={WHEN}", sys.executable, "-B"]
    command += ["-m", "tests.faults.moves", str(folder), call, name.replace(" ", "_")]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found = [each for each in folder.glob("*/.tract") if each.parent.name.isdigit()]
    return iter(sorted(found, key=lambda each: int(each.parent.name))[:-1])  # the last one lived


SOME = [
    "rename-a soft reset-loose",
    "link-a soft reset-packed",
    "link-an undo of a first commit-loose",
    "unlink-an undo of a first commit-loose",
    "unlink-an undo of a first commit-packed",
    "rename-an undo of an import-packed",
]
ALL = [
    f"{call}-{name}-{how}"
    for call in ("rename", "link", "unlink", "write")
    for name in CASES
    for how in ("loose", "packed")
]


@needs_strace
@pytest.mark.parametrize("which", ALL if os.environ.get("TRACT_SOAK") else SOME)
def test_killed_at_every_call(
    tmp_path: Path, which: str, soak: bool, say: Callable[[str], None]
) -> None:
    """A process killed inside libgit2, at its N-th rename, link or unlink, leaves no more."""
    call, name, how = which.split("-")
    case = CASES[name]
    origin = made(case, tmp_path)
    if how == "packed":
        git(origin, "pack-refs", "--all")
    both, _ = ends(case, origin, tmp_path / "ends")
    left = list(trace(tmp_path, call, name))
    assert left or soak
    for copy in left:
        check(case, copy, both)
    say(f"SIGKILL at each of {len(left)} calls of {call}(2) in {name}, {how}: nothing lost")
