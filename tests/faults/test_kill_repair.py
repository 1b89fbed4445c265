"""test_kill_repair.py - SIGKILL at every step of a repair: the next finishes, nothing is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.child import Told, killed_at, open_pinned, steps_of
from tests.faults.test_kill import copied
from tests.faults.work import nothing
from tests.git import git
from tests.spoiled import loose_file, pack_file, set_aside, spoil
from tract.plumbing import lock, mending
from tract.tract import Tract

MAIN = "refs/heads/main"
WORDS = ["0", "1", "2", "3", "4"]
SOME = 9  # so many steps of a repair are killed at, all of them in a soak


class Case(NamedTuple):
    """A file, how it is damaged, and what must be there after a repair."""

    file: Callable[[Path], Path]
    how: str
    words: list[str] = WORDS
    is_packed: bool = False


CASES = {
    "a ref": Case(lambda path: path / MAIN, "emptied"),
    "a blob of the tip": Case(
        lambda path: loose_file(path, "main:000/00/03.user.md"), "halved", ["0", "1", "2", "4"]
    ),
    "packed-refs": Case(lambda path: path / "packed-refs", "NUL", is_packed=True),
    "a pack's index": Case(lambda path: pack_file(path, ".idx"), "emptied", is_packed=True),
    "HEAD": Case(lambda path: path / "HEAD", "changed"),
}


def repair(t: Tract, told: Told) -> None:
    """Mend everything."""
    t.fsck(repair=True)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of five entries, all loose; not settled."""
    path = tmp_path_factory.mktemp("origin") / ".tract"
    t = open_pinned(path)
    for word in WORDS:
        t.user(word)
    t.release()
    return path


def damaged(case: Case, origin: Path, folder: Path) -> tuple[Path, bytes]:
    """A copy with the damage of a case, and the bytes that are damaged."""
    path = copied(origin, folder)
    if case.is_packed:
        git(path, "repack", "-adq")
        git(path, "prune-packed")
        git(path, "pack-refs", "--all")
    file = case.file(path)
    spoil(file, case.how)
    return path, file.read_bytes()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead writer's lock is waited for no longer than a test may take."""
    monkeypatch.setattr(lock, "EMPTY_LOCK_S", 0.01)
    monkeypatch.setattr(lock, "UNCHANGED_LOCK_S", 0.05)
    monkeypatch.setattr(mending, "FOREIGN_WAIT_S", 0.5)


def check(case: Case, path: Path, broken: bytes) -> None:
    """The next repair finishes: all is there that can be, and what was damaged is kept aside."""
    Tract.mend(path)
    with Tract.open(path, create=False) as t:
        t.fsck(repair=True)
    with Tract.open(path, create=False) as t:
        again = t.fsck(repair=True)
        assert [each for each in again if each.repaired] == []
        assert [each["content"] for each in t.compile().to_dicts()] == case.words
        t.user("goes on")
    assert broken in set_aside(path).values() or case.file(path).suffix == ".idx"
    assert not list(path.rglob("*.lock"))
    git(path, "fsck", "--strict", "--full", "--no-reflogs", "--no-progress")


def chosen(count: int, *, all_of_them: bool) -> list[int]:
    """At which steps to kill: spread evenly, the first and the last among them."""
    if all_of_them or count <= SOME:
        return list(range(1, count + 1))
    return sorted({1 + n * (count - 1) // (SOME - 1) for n in range(SOME)})


@pytest.mark.parametrize("name", CASES)
def test_killed_at_every_step(
    origin: Path, tmp_path: Path, name: str, soak: bool, say: Callable[[str], None]
) -> None:
    """A repair that is killed at step 1 … N is finished by the next, and costs nothing more."""
    case = CASES[name]
    whole, broken = damaged(case, origin, tmp_path / "whole")
    steps = steps_of(whole, nothing, repair)
    check(case, whole, broken)
    ns = chosen(len(steps), all_of_them=soak)
    for n in ns:
        path, broken = damaged(case, origin, tmp_path / f"{n}")
        killed_at(path, n, nothing, repair)
        try:
            check(case, path, broken)
        except Exception as error:
            raise AssertionError(f"killed at step {n} ({steps[n - 1]}) of {name}") from error
        shutil.rmtree(path.parent)
    say(f"SIGKILL at {len(ns)} of the {len(steps)} steps of a repair of {name}: nothing lost")
