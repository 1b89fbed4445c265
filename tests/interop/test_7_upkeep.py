"""test_7_upkeep.py - stock git judges our packs, and works on them before, after and meanwhile."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.child import forked
from tests.git import clean_environment, fsck_clean, git, git_bytes
from tract.plumbing import cleaning, inventory, upkeep
from tract.tract import Tract


def say_something(path: Path | str, name: str, appends: int) -> None:
    """Append entries through a handle of its own."""
    with Tract.open(path) as t:
        for n in range(appends):
            t.user(f"{name} {n}")


def texts(path: Path | str) -> list[str]:
    """What the context says, in order."""
    with Tract.open(path, create=False) as t:
        return [str(each["content"]) for each in t.compile().to_dicts()]


def pack_paths(path: Path | str) -> list[Path]:
    """The packs of a repository."""
    return sorted(Path(path, "objects/pack").glob("*.pack"))


def loose(path: Path | str) -> int:
    """How many loose objects stock git counts."""
    return int(git(path, "count-objects").split(" ", 1)[0])


def everything(path: Path | str) -> bytes:
    """Kind, size and content of every object, in the order of ids, as stock git reads them."""
    return git_bytes(path, "cat-file", "--batch-all-objects", "--batch")


def consolidate(path: Path | str, loose_max: int = 1) -> bool:
    """Consolidate through a handle of its own."""
    with Tract.open(path) as t:
        return upkeep.consolidate(t.repo, loose_max=loose_max)


@pytest.fixture(autouse=True)
def two_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any two packs are folded here, where eight of a size would be; that rule is one test."""
    monkeypatch.setattr(upkeep, "ALIKE_MAX", 2)
    monkeypatch.setattr(upkeep, "_size_class", lambda count: 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A repository of 40 appends and five edits, all of it loose; closed."""
    made = tmp_path / ".tract"
    with Tract.open(made) as t:
        for n in range(40):
            t.user(f"old {n}")
        for n in range(1, 40, 9):
            t.edit(n, f"edited {n}")
    for pack in pack_paths(made):
        aside = pack.rename(tmp_path / pack.name)
        pack.with_suffix(".idx").unlink()
        git_bytes(made, "unpack-objects", "-q", stdin=aside.read_bytes())
    assert loose(made) > 200
    return made


# Judged


def test_index_is_gits(path: Path, tmp_path: Path) -> None:
    """`git index-pack --strict` builds the same index from our pack, byte for byte."""
    consolidate(path)
    (pack,) = pack_paths(path)
    copy = tmp_path / "copy.pack"
    shutil.copy(pack, copy)
    git(path, "index-pack", "--strict", str(copy))
    assert copy.with_suffix(".idx").read_bytes() == pack.with_suffix(".idx").read_bytes()


def test_import_is_sound(tmp_path: Path, t: Tract) -> None:
    """The pack of an import has git's own index, and nothing is wrong in it."""
    t.import_messages([{"role": "user", "content": f"message {n}"} for n in range(250)])
    for pack in pack_paths(t.path):
        copy = tmp_path / "copy.pack"
        shutil.copy(pack, copy)
        git(t.path, "index-pack", "--strict", str(copy))
        assert copy.with_suffix(".idx").read_bytes() == pack.with_suffix(".idx").read_bytes()
    assert pack_paths(t.path)
    fsck_clean(t.path)


def test_depth_is_one(path: Path) -> None:
    """`git verify-pack` finds no delta of a delta."""
    consolidate(path)
    said = git(path, "verify-pack", "-v", str(pack_paths(path)[0]))
    chains = [line for line in said.split("\n") if line.startswith("chain length")]
    assert [line.split(":")[0] for line in chains] == ["chain length = 1"]


def test_nothing_is_changed(path: Path) -> None:
    """Stock git reads every object as it was, and finds nothing wrong."""
    before, said = everything(path), texts(path)
    assert consolidate(path)
    assert loose(path) == 0
    assert everything(path) == before
    assert texts(path) == said
    fsck_clean(path)


def test_clone_of_it(path: Path, tmp_path: Path) -> None:
    """A clone, which sends our deltas on as they are, is whole."""
    consolidate(path)
    git(path, "clone", "--quiet", "--bare", f"file://{path}", str(tmp_path / "clone.git"))
    fsck_clean(tmp_path / "clone.git")
    assert texts(tmp_path / "clone.git") == texts(path)


# Beside stock git


@pytest.mark.parametrize("command", ["gc --quiet", "repack -ad -q", "repack -Ad -q", "gc --auto"])
def test_stock_before_and_after(path: Path, command: str) -> None:
    """Stock git packs before and after us; nothing is lost, and writing goes on."""
    expected = texts(path)
    for n in range(3):
        git(path, *command.split())
        say_something(path, f"round {n}", 12)
        expected += [f"round {n} {each}" for each in range(12)]
        consolidate(path)
        say_something(path, f"later {n}", 3)
        expected += [f"later {n} {each}" for each in range(3)]
    git(path, *command.split())
    assert texts(path) == expected
    fsck_clean(path)


@pytest.mark.parametrize("command", ["gc --quiet --prune=now", "repack -adfq"])
def test_stock_meanwhile(path: Path, command: str) -> None:
    """Stock git packs and prunes while we consolidate, again and again: nothing is lost."""
    expected = texts(path)
    for n in range(4):
        say_something(path, f"round {n}", 10)
        expected += [f"round {n} {each}" for each in range(10)]
        args = ["git", f"--git-dir={path}", *command.split()]
        with subprocess.Popen(args, env=clean_environment(), stderr=subprocess.PIPE) as stock:
            while stock.poll() is None:
                consolidate(path)
        assert texts(path) == expected
    fsck_clean(path)


def test_commit_graph(path: Path) -> None:
    """Under a commit-graph of stock git history is read as before."""
    git(path, "commit-graph", "write", "--reachable")
    before = git(path, "log", "--format=%H %s")
    consolidate(path)
    git(path, "commit-graph", "verify")
    assert git(path, "log", "--format=%H %s") == before


# Beside writers


def test_two_processes_append_meanwhile(path: Path) -> None:
    """Two processes append while we consolidate: every entry is there, each one's in order."""
    old = texts(path)
    pids = []
    for name in "ab":
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                say_something(path, name, 80)
                code = 0
            finally:
                os._exit(code)
        pids.append(pid)
    codes: dict[int, int] = {}
    with Tract.open(path) as t:
        rounds = 0
        while len(codes) < len(pids):
            rounds += upkeep.consolidate(t.repo, loose_max=20)
            ended, status = os.waitpid(-1, os.WNOHANG)
            if ended:
                codes[ended] = os.waitstatus_to_exitcode(status)
        assert rounds
        assert set(codes.values()) == {0}
        said = [str(each["content"]) for each in t.compile().to_dicts()]
    assert said[: len(old)] == old
    for name in "ab":
        mine = [text for text in said if text.startswith(f"{name} ")]
        assert mine == [f"{name} {n}" for n in range(80)]
    assert len(said) == len(old) + 160
    fsck_clean(path)


def test_reader_that_was_open(path: Path) -> None:
    """A handle that was open before all of it moved reads old and new, and writes on."""
    expected = texts(path)
    with Tract.open(path) as reader:
        for n in range(4):
            say_something(path, f"round {n}", 6)
            expected += [f"round {n} {each}" for each in range(6)]
            consolidate(path)
            assert [each["content"] for each in reader.compile().to_dicts()] == expected
        reader.user("last")
    assert texts(path) == [*expected, "last"]
    fsck_clean(path)


def test_many_imports(t: Tract) -> None:
    """Sixty imports, each a pack, leave no more than 50 packs and lose nothing."""
    expected = []
    for n in range(60):
        t.import_messages([{"role": "user", "content": f"{n}"}])
        expected.append(f"{n}")
        upkeep.fold(t.repo)
        assert len(pack_paths(t.path)) <= upkeep.PACKS_MAX
    assert [each["content"] for each in t.compile().to_dicts()] == expected
    fsck_clean(t.path)


# Killed


def killed_at(step: str, n: int) -> Callable[..., object]:
    """Stands before a function of `os`; kills the process with SIGKILL at the N-th call."""
    real: Callable[..., object] = getattr(os, step)
    left = [n]

    def call(*args: object, **named: object) -> object:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **named)

    return call


def killed_while_consolidating(path: Path, step: str, n: int) -> bool:
    """Consolidate in a child that is killed at the N-th rename or unlink; whether it was."""

    def work() -> None:
        with Tract.open(path) as t:
            setattr(os, step, killed_at(step, n))
            upkeep.consolidate(t.repo, loose_max=1)
            os._exit(0)

    return forked(work) == -signal.SIGKILL


def folding(path: Path) -> None:
    """Leave a pack that the next consolidation folds, and much that is loose."""
    consolidate(path)
    say_something(path, "new", 30)
    assert loose(path) >= 150


@pytest.mark.parametrize("step", ["rename", "unlink", "fsync"])
def test_killed_at_every_step(path: Path, step: str, say: Callable[[str], None]) -> None:
    """Killed at any rename, unlink or sync, all is there for us and git, and the next one ends."""
    folding(path)
    before, said = everything(path), texts(path)
    n, step_n = 0, 1
    while True:
        copy = path.parent / f"{step}{n}" / ".tract"
        shutil.copytree(path, copy)
        if not killed_while_consolidating(copy, step, step_n):
            break
        assert everything(copy) == before, f"{step} {step_n}"
        assert texts(copy) == said
        fsck_clean(copy)
        assert consolidate(copy) or not loose(copy)
        assert everything(copy) == before
        shutil.rmtree(copy.parent)
        n, step_n = n + 1, step_n + (1 if step_n < 4 else 60)
    assert n >= 2
    say(f"SIGKILL at each of {n} calls of {step} in a consolidation: nothing lost")


@pytest.mark.parametrize("n", range(1, 6))
def test_killed_while_a_pack_goes(path: Path, n: int) -> None:
    """Killed between the files of a folded pack, the rest of it is cleaned up an hour later."""
    folding(path)
    before = everything(path)
    unlinks = loose(path) + n
    killed = killed_while_consolidating(path, "unlink", unlinks)
    assert everything(path) == before
    fsck_clean(path)
    for file in Path(path, "objects/pack").iterdir():
        os.utime(file, (1, 1))
    with Tract.open(path) as t:
        cleaning.clean(t.repo)
        assert inventory.count_storage(t.repo).garbage_count == 0
    assert killed
    assert not list(Path(path, "objects/pack").glob("*.keep"))
    assert everything(path) == before
    fsck_clean(path)
