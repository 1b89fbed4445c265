"""test_8_beside_others.py - stock git packs, prunes and clones while we write, and at bad moments.

A prune that runs while objects are written is a race for every git program; what is promised is
that one which comes between the objects of a write and its ref's move costs nothing.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.child import Told, killed_at, steps_of
from tests.faults.work import nothing
from tests.git import clean_environment, fsck_clean, git
from tests.porcelain.saying import contents
from tests.porcelain.test_beside_others import between
from tract.plumbing import upkeep
from tract.porcelain import spill
from tract.testing import PinnedClock, PinnedRandom
from tract.tract import Tract

PRUNES = ["gc --quiet --prune=now", "prune --expire=now", "repack -ad -q"]
LARGE = [{"role": "user", "content": "its record is an attachment of 20 KB \ud800" + "x" * 20_000}]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A repository of three entries; closed."""
    with Tract.open(tmp_path / ".tract") as t:
        t.import_messages([{"role": "user", "content": each} for each in "012"])
    return tmp_path / ".tract"


# While we write


@contextmanager
def again_and_again(path: Path, command: str) -> Iterator[Callable[[], int]]:
    """Run a git command in a loop until the end; what is given tells how often it has ended."""
    log, stop = path.parent / "rounds", path.parent / "stop"
    loop = f'while [ ! -e "{stop}" ]; do git --git-dir="{path}" {command}; echo >>"{log}"; done'
    with subprocess.Popen(
        ["sh", "-c", loop], env=clean_environment(), stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield lambda: log.read_text().count("\n") if log.exists() else 0
        finally:
            stop.touch()
            process.wait(60)


@pytest.mark.parametrize("command", ["gc --quiet", "repack -ad -q", "pack-refs --all"])
def test_stock_git_while_we_append(path: Path, command: str, say: Callable[[str], None]) -> None:
    """Stock git runs again and again while 200 entries are appended: every one is there."""
    told = Told(path.parent / "told")
    with again_and_again(path, command) as rounds, Tract.open(path) as t:
        for n in range(200):
            told.tell(t.user(f"{n + 3}"))
        ran = rounds()
    assert ran
    with Tract.open(path) as t:
        assert contents(t) == [str(n) for n in range(203)]
        assert t.compile().entry_ids[3:] == told.entries
    assert git(path, "rev-list", "--reverse", "main").split("\n")[3:] == told.commits
    assert git(path, "notes", "--ref=tract/tokens", "list").count("\n") + 1 == 203
    fsck_clean(path)
    say(f"git {command} {ran} times while 200 entries were appended: nothing lost")


@pytest.mark.parametrize("command", ["gc --quiet", "repack -ad -q", "pack-refs --all"])
def test_stock_git_while_we_batch(path: Path, command: str) -> None:
    """Stock git runs again and again while 20 batches are written: every entry is there."""
    with again_and_again(path, command), Tract.open(path) as t:
        for n in range(20):
            with t.batch() as b:
                for m in range(5):
                    b.user(f"{n} {m}")
    with Tract.open(path) as t:
        assert contents(t)[3:] == [f"{n} {m}" for n in range(20) for m in range(5)]
    fsck_clean(path)


# At bad moments


@pytest.mark.parametrize("command", PRUNES)
@pytest.mark.parametrize("moment", ["lock", "ref"])
def test_prune_between_a_pack_and_its_move(path: Path, command: str, moment: str) -> None:
    """A prune between a batch's pack and the first move of a ref loses nothing of it."""
    with Tract.open(path) as t:
        between(t, lambda: git(path, *command.split()), moment)
        with t.batch() as b:
            b.assistant("3", generation_config={"model": "gpt-4o"})
            b.edit(0, "changed")
    with Tract.open(path) as t:
        assert contents(t) == ["changed", "1", "2", "3"]
    fsck_clean(path)
    assert not list(path.glob("objects/pack/*.keep"))


@pytest.mark.parametrize("command", PRUNES)
@pytest.mark.parametrize("moment", ["lock", "ref"])
def test_prune_of_what_a_batch_reuses(path: Path, command: str, moment: str) -> None:
    """A large attachment that no ref reaches is reused by a batch, then pruned: it is there."""
    with Tract.open(path) as t:
        t.import_messages(LARGE, errors="replace")
        t.edit(0, "changed")
    git(path, "update-ref", "refs/heads/main", "main~2")
    git(path, "reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    with Tract.open(path) as t:
        between(t, lambda: git(path, *command.split()), moment)
        t.import_messages(LARGE, errors="replace")
    with Tract.open(path) as t:
        assert len(contents(t)) == 4
    fsck_clean(path)


@pytest.mark.parametrize("command", PRUNES)
@pytest.mark.parametrize(
    "work",
    [
        lambda t: t.user("3"),
        lambda t: t.assistant("3", generation_config={"model": "gpt-4o"}),
        lambda t: t.edit(0, "changed"),
        lambda t: t.record_usage({"prompt_tokens": 3, "completion_tokens": 4}),
    ],
    ids=["append", "append with a note", "edit", "usage"],
)
def test_prune_between_objects_and_their_move(
    path: Path, command: str, work: Callable[[Tract], Any]
) -> None:
    """A prune between the objects of a write and the move of its first ref loses nothing of it."""
    with Tract.open(path) as t:
        between(t, lambda: git(path, *command.split()), "ref")
        info = work(t)
        assert git(path, "rev-list", "main").split("\n").count(info.commit_hash) == 1
        t.user("next")
        assert contents(t)[-1] == "next"
    fsck_clean(path)


def test_prune_between_notes_and_branch(path: Path) -> None:
    """A prune after the notes have moved, and before the branch does, loses nothing."""
    with Tract.open(path) as t:
        between(t, lambda: between(t, lambda: git(path, "gc", "--prune=now", "-q"), "ref"), "ref")
        t.assistant("3", generation_config={"model": "gpt-4o"})
        assert contents(t) == ["0", "1", "2", "3"]
    fsck_clean(path)


@pytest.mark.parametrize("command", PRUNES)
def test_prune_of_what_an_append_reuses(path: Path, command: str) -> None:
    """An append that finds its objects there already, unreachable, has them after a prune too."""

    def say_it() -> Tract:
        t = Tract.open(path, clock=PinnedClock(1_900_000_000_000), random=PinnedRandom(7))
        t.user("the same bytes")
        return t

    first = say_it()
    tip, old = git(path, "rev-parse", "main"), git(path, "rev-parse", "main~1")
    first.release()
    git(path, "update-ref", "refs/heads/main", old)
    git(path, "reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    t = Tract.open(path, clock=PinnedClock(1_900_000_000_000), random=PinnedRandom(7))
    between(t, lambda: git(path, *command.split()), "ref")
    t.user("the same bytes")
    assert git(path, "rev-parse", "main") == tip
    t.close()
    fsck_clean(path)


def test_pack_that_was_written_early(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prune inside the block of a batch so large that it has written packs loses nothing."""
    monkeypatch.setattr(spill, "SPILL_BYTES", 1)
    with Tract.open(path) as t, t.batch() as b:
        b.user("3")
        git(path, "gc", "--quiet", "--prune=now")
        b.user("4")
        b.edit(0, "changed")
        assert contents(b) == ["changed", "1", "2", "3", "4"]
    with Tract.open(path) as t:
        assert contents(t) == ["changed", "1", "2", "3", "4"]
    fsck_clean(path)


def test_prune_after_a_killed_consolidation(path: Path, say: Callable[[str], None]) -> None:
    """A prune after a process was killed in a consolidation loses nothing."""
    with Tract.open(path) as t:
        for n in range(3, 12):
            t.user(str(n))
    copy = Path(shutil.copytree(path, path.parent / "0" / ".tract"))
    steps = len(steps_of(copy, nothing, consolidate_all))
    ns = range(1, steps + 1, 9)
    for n in ns:
        copy = Path(shutil.copytree(path, path.parent / str(n) / ".tract"))
        killed_at(copy, n, nothing, consolidate_all)
        git(copy, "gc", "--quiet", "--prune=now")
        with Tract.open(copy) as t:
            assert contents(t) == [str(n) for n in range(12)]
        fsck_clean(copy)
    say(f"git gc --prune=now after {len(ns)} kills in the {steps} steps of a consolidation")


def consolidate_all(t: Tract, told: Told) -> None:
    """Consolidate whatever is loose."""
    assert upkeep.consolidate(t.repo, loose_max=1)


# Clones


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with packs, loose objects, notes, packed refs and two branches; closed."""
    path = tmp_path_factory.mktemp("varied") / ".tract"
    with Tract.open(path) as t:
        t.import_messages([{"role": "user", "content": f"old {n}"} for n in range(30)])
        with t.batch() as b:
            b.assistant("answer", generation_config={"model": "gpt-4o", "temperature": 0.2})
            b.user("question")
            b.edit(3, "edited")
        git(path, "pack-refs", "--all")
        for n in range(5):
            t.user(f"new {n}")
        t.record_usage({"prompt_tokens": 12, "completion_tokens": 3})
    with Tract.open(path, branch="other") as t:
        t.user("on another branch")
    assert list(path.glob("objects/pack/*.pack"))
    assert list(path.glob("objects/??/*"))
    return path


@pytest.mark.parametrize("kind", ["--mirror", "--bare", "plain"])
@pytest.mark.parametrize("by", ["files", "protocol"])
def test_clones_compile_the_same(varied: Path, tmp_path: Path, kind: str, by: str) -> None:
    """A mirror, bare or plain clone opens, compiles to the same digest, and is sound."""
    clone = tmp_path / "clone"
    origin = f"file://{varied}" if by == "protocol" else str(varied)
    args = [] if kind == "plain" else [kind]
    git(varied, "clone", "--quiet", *args, origin, str(clone))
    folder = clone / ".git" if kind == "plain" else clone
    with Tract.open(varied) as t, Tract.open(clone, create=False) as cloned:
        ours, theirs = t.compile(), cloned.compile()
        assert theirs.digest == ours.digest
        assert theirs.to_dicts() == ours.to_dicts()
        assert theirs.token_counts == ours.token_counts
        assert theirs.entry_ids == ours.entry_ids
        assert theirs.commit_hashes == ours.commit_hashes
    fsck_clean(folder)


@pytest.mark.parametrize("kind", ["--mirror", "--bare"])
def test_clones_are_written(varied: Path, tmp_path: Path, kind: str) -> None:
    """A mirror or bare clone takes entries at once, in the order of its own."""
    clone = tmp_path / "clone"
    git(varied, "clone", "--quiet", kind, str(varied), str(clone))
    with Tract.open(clone, create=False) as cloned:
        was = contents(cloned)
        cloned.user("only here")
        with cloned.batch() as b:
            b.user("and here")
        assert contents(cloned) == [*was, "only here", "and here"]
    with Tract.open(varied) as t:
        assert contents(t) == was
    fsck_clean(clone)


def test_mirror_has_the_notes(varied: Path, tmp_path: Path) -> None:
    """A mirror clone has the notes: settings and usage are known there."""
    clone = tmp_path / "clone"
    git(varied, "clone", "--quiet", "--mirror", str(varied), str(clone))
    with Tract.open(varied) as t, Tract.open(clone, create=False) as cloned:
        assert cloned.log() == t.log()
    for ref in ("tokens", "generation"):
        said = git(clone, "notes", f"--ref=tract/{ref}", "list")
        assert said == git(varied, "notes", f"--ref=tract/{ref}", "list")


def test_config_lock_left_behind(varied: Path, tmp_path: Path) -> None:
    """A clone whose configuration somebody died in, lock held, takes entries all the same."""
    clone = tmp_path / "clone"
    git(varied, "clone", "--quiet", "--mirror", str(varied), str(clone))
    (clone / "config.lock").touch()
    with Tract.open(clone, create=False) as cloned:
        cloned.user("only here")
        assert contents(cloned)[-1] == "only here"
    fsck_clean(clone)
