"""test_together.py - processes and threads that write one branch at the same time, one killed."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.faults.aftermath import an_hour_later
from tests.faults.child import Steps, Told, start
from tests.git import fsck_clean, git
from tract.tract import Tract

WRITERS = "abcdefgh"


def ended(pids: list[int]) -> list[int]:
    """How each process ended, waited for."""
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def children(path: Path, names: str, appends: int) -> None:
    """A process a name, all appending to the same branch; each must end well."""

    def speak(name: str) -> None:
        with Tract.open(path) as t:
            for n in range(appends):
                t.user(f"{name} {n}")

    pids = [start(lambda name=name: speak(name)) for name in names]  # type: ignore[misc]
    assert ended(pids) == [0] * len(pids)


def check(path: Path, names: str, appends: int) -> None:
    """Every entry is there, each writer's in its own order, one commit each."""
    with Tract.open(path) as t:
        contents = [str(each["content"]) for each in t.compile().to_dicts()]
        assert t.status().commit_count == len(names) * appends
    for name in names:
        mine = [text for text in contents if text.startswith(f"{name} ")]
        assert mine == [f"{name} {n}" for n in range(appends)]
    assert len(contents) == len(names) * appends
    assert git(path, "reflog", "--format=%H", "main").count("\n") + 1 == len(contents)
    fsck_clean(path)


@pytest.mark.parametrize("appends", [200])
def test_two_processes(tmp_path: Path, appends: int) -> None:
    """Two processes × 200 appends to one branch lose nothing."""
    path = tmp_path / ".tract"
    Tract.open(path).close()
    children(path, "ab", appends)
    check(path, "ab", appends)


def test_processes_that_make_it_at_once(tmp_path: Path) -> None:
    """Processes that all make the repository end up with the same one."""
    path = tmp_path / ".tract"
    children(path, "abcd", 5)
    check(path, "abcd", 5)
    assert sorted(each.name for each in tmp_path.iterdir()) == [".tract"]


# Counted


def objects(path: Path) -> int:
    """How many objects there are, reachable or not, each counted once."""
    return git(path, "cat-file", "--batch-all-objects", "--batch-check").count("\n") + 1


def notes_objects(path: Path) -> int:
    """How many objects only notes reach."""
    refs = git(path, "for-each-ref", "--format=%(refname)", "refs/notes").split("\n")
    args = ("rev-list", "--objects", "--no-object-names", *refs, "--not", "--branches")
    return git(path, *args).count("\n") + 1


def in_history(path: Path) -> list[str]:
    """The commits of main, oldest first."""
    return git(path, "rev-list", "--reverse", "main").split("\n")


def check_told(path: Path, told: list[Told]) -> None:
    """Everything acknowledged is in the history of main, in its writer's order, no entry twice."""
    place = {commit: n for n, commit in enumerate(in_history(path))}
    for each in told:
        places = [place[commit] for commit in each.commits]
        assert places == sorted(places)
    with Tract.open(path) as t:
        entries, commits = t.compile().entry_ids, t.compile().commit_hashes
    assert len(entries) == len(set(entries))
    wrote = dict(zip(entries, commits, strict=True))
    for each in told:
        assert [wrote[entry] for entry in each.entries] == each.commits
    fsck_clean(path)


@pytest.mark.parametrize("seed", [17])
def test_eight_processes_one_killed(
    tmp_path: Path, seed: int, soak: bool, runs: Callable[[int], None], say: Callable[[str], None]
) -> None:
    """Eight processes append to one branch and one is killed: nothing acknowledged is lost."""
    appends = 500 if soak else 25
    path = tmp_path / ".tract"
    with Tract.open(path) as t:
        t.import_messages([{"role": "user", "content": str(n)} for n in range(20)])
    was = objects(path) - notes_objects(path)
    told = {name: Told(tmp_path / name) for name in WRITERS}
    choice = random.Random(seed)
    victim, last = choice.choice(WRITERS), choice.randrange(1, appends)
    step = choice.randrange(1, 13)

    def speak(name: str) -> None:
        with Tract.open(path) as t:
            for n in range(appends):
                if (name, n) == (victim, last):
                    Steps(step).arm(t)
                told[name].tell(t.user(f"{name} {n}"))

    pids = [start(lambda name=name: speak(name)) for name in WRITERS]  # type: ignore[misc]
    codes = dict(zip(WRITERS, ended(pids), strict=True))
    assert codes == {name: -signal.SIGKILL if name == victim else 0 for name in WRITERS}
    assert [len(told[name].lines) for name in WRITERS if name != victim] == [appends] * 7
    assert len(told[victim].lines) == last
    check_told(path, list(told.values()))
    landed = len(in_history(path)) - 20
    assert landed - sum(len(each.lines) for each in told.values()) in (0, 1)
    average = (objects(path) - notes_objects(path) - was) / landed
    assert 5 <= average < 5.1
    an_hour_later(path)
    runs(8 * appends)
    say(
        f"8 processes × {appends} appends, {victim} killed at step {step} of append {last}: "
        f"{landed} landed, {average:.2f} objects each"
    )


def test_eight_threads(t: Tract, tmp_path: Path, soak: bool, runs: Callable[[int], None]) -> None:
    """Eight threads append through one handle: nothing is lost, five objects an append."""
    appends, path = 500 if soak else 25, Path(t.path)
    t.user("first")
    was = objects(path)
    told = {name: Told(tmp_path / name) for name in WRITERS}

    def speak(name: str) -> None:
        for n in range(appends):
            told[name].tell(t.user(f"{name} {n}"))

    threads = [threading.Thread(target=speak, args=(name,)) for name in WRITERS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(each.lines) for each in told.values()] == [appends] * 8
    check_told(path, list(told.values()))
    assert objects(path) - notes_objects(path) - was == 5 * 8 * appends
    runs(8 * appends)


# Batches


def blocks(contents: list[str]) -> Iterator[list[str]]:
    """The texts `NAME BATCH N` of each batch, as far as they stand together."""
    block: list[str] = contents[:1]
    for before, text in pairwise(contents):
        if before.split(" ")[:2] != text.split(" ")[:2]:
            yield block
            block = []
        block.append(text)
    yield block


@pytest.mark.parametrize("is_empty", [True, False], ids=["on an empty branch", "on a branch"])
def test_batches_of_four_processes(tmp_path: Path, is_empty: bool) -> None:
    """Batches of several processes on one branch all land, each in one piece, with true ids."""
    path = tmp_path / ".tract"
    with Tract.open(path) as t:
        if not is_empty:
            t.user("first")
    told = {name: Told(tmp_path / name) for name in "abcd"}

    def speak(name: str) -> None:
        with Tract.open(path) as t:
            for batch in range(5):
                with t.batch() as b:
                    for n in range(4):
                        b.user(f"{name} {batch} {n}")
                told[name].tell(*b.commits)

    pids = [start(lambda name=name: speak(name)) for name in "abcd"]  # type: ignore[misc]
    assert ended(pids) == [0] * 4
    check_told(path, list(told.values()))
    with Tract.open(path) as t:
        contents = [str(each["content"]) for each in t.compile().to_dicts()]
    said = list(blocks(contents if is_empty else contents[1:]))
    assert sorted(said) == [
        [f"{name} {batch} {n}" for n in range(4)] for name in "abcd" for batch in range(5)
    ]
    assert not list(path.glob("objects/pack/*.keep"))


def test_batches_of_threads_on_one_handle(t: Tract, tmp_path: Path) -> None:
    """Batches of several threads through one handle all land, each in one piece."""
    t.user("first")
    told = {name: Told(tmp_path / name) for name in "abcd"}

    def speak(name: str) -> None:
        for batch in range(3):
            with t.batch() as b:
                for n in range(4):
                    b.user(f"{name} {batch} {n}")
            told[name].tell(*b.commits)

    threads = [threading.Thread(target=speak, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(each.lines) for each in told.values()] == [12] * 4
    check_told(Path(t.path), list(told.values()))
    contents = [str(each["content"]) for each in t.compile().to_dicts()]
    assert sorted(map(len, blocks(contents[1:]))) == [4] * 12
