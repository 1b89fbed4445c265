"""together.py - T17: 8 processes append to one branch and one is killed, beside one process.

The one process writes as many as landed. Each has opened the repository and loaded the encoding
before the clock starts, and closes its handle before the clock stops. What was acknowledged is
told to files outside the repository.
"""

import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.bench.data import Repositories, build, messages
from tests.bench.disk import damage, git
from tests.bench.machine import ROOT
from tests.bench.rows import Limit, Row
from tests.bench.timing import clocked, counted, summary

WRITERS, APPENDS, ROUNDS, SEED = 8, 500, 2, 17
_BEFORE = 20
_LINE = 41  # a commit id and a line end
_WRITE = """
import os, sys
from tests.bench.data import texts
from tract import Tract
path, told, seed, appends = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
file = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
said = texts(seed=seed)
with Tract.open(path) as t:
    t.counter.count_text("Hello.")
    print("ready", flush=True)
    if sys.stdin.readline() != "go\\n":
        sys.exit(1)
    for _ in range(appends):
        os.write(file, (t.user(next(said)).commit_hash + "\\n").encode())
"""


class Wrote(NamedTuple):
    """One run: seconds for all, how many landed, objects each, and what went wrong."""

    seconds: float
    landed: int
    objects_each: float
    failed: str | None


class Writer:
    """A process that appends once it is told to, and tells each commit to a file."""

    def __init__(self, path: Path, told: Path, seed: int, appends: int) -> None:
        self.told = told
        self.appends = appends
        self._process = subprocess.Popen(
            [sys.executable, "-c", _WRITE, str(path), str(told), str(seed), str(appends)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_ready(self) -> None:
        """Wait until it has opened the repository."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def go(self) -> None:
        """Let it write."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def kill_after(self, appends: int) -> None:
        """Kill it, somewhere after that many appends were acknowledged."""
        while self._process.poll() is None:
            if self.told.exists() and self.told.stat().st_size >= appends * _LINE:
                break
            time.sleep(0.001)
        self.kill()

    def kill(self) -> None:
        """Kill it now; nothing happens where it has ended."""
        self._process.kill()

    def ended(self) -> int:
        """Wait for its end: 0, or minus the signal that killed it."""
        code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return code

    def commits(self) -> list[str]:
        """What was acknowledged, in order."""
        return self.told.read_text(encoding="utf-8").split() if self.told.exists() else []


def measure(repositories: Repositories, entries: int) -> list[Row]:
    """Rows of the time, and of the objects."""
    appends = max(5, min(APPENDS, entries // 20))
    runs = [_eight(repositories, appends, SEED + number) for number in range(ROUNDS)]
    alone = [_alone(repositories, wrote.landed) for wrote in runs]
    failed = next((wrote.failed for wrote in runs if wrote.failed), None)
    work = f"{WRITERS} processes × {appends} appends to one branch, one killed"
    landed = [wrote.landed for wrote in runs]
    most = max(wrote.objects_each for wrote in runs)
    return [
        Row(
            id="T17",
            work=f"{work}: an append",
            entries=max(landed),
            tract=summary([wrote.seconds / wrote.landed for wrote in runs]),
            floor=summary([spent / count for spent, count in zip(alone, landed, strict=True)]),
            floor_of="one process writes as many, all by `t.user`",
            limit=Limit(1.5, "floors"),
            peer="last writer wins silently",
            note=_SOUND,
            failed=failed,
        ),
        Row(
            id="T17",
            work="objects an append, notes apart",
            entries=max(landed),
            tract=counted(round(most, 1)),
            unit="objects",
            limit=Limit(5, "objects"),
            note=f"at most {most:.3f}, with what the killed process left",
            failed=failed,
        ),
    ]


_SOUND = (
    "time from the start to the last close, divided by what landed; every acknowledged commit is"
    " reachable, each writer's in its order, `git fsck --strict` is clean"
)


def _eight(repositories: Repositories, appends: int, seed: int) -> Wrote:
    path, chance = _begun(repositories), random.Random(seed)
    before = _objects(path)
    writers = [
        Writer(path, path.parent / f"told-{number}", seed * 100 + number, appends)
        for number in range(WRITERS)
    ]
    victim = chance.choice(writers)
    seconds, codes = _run(writers, victim, chance.randrange(1, appends // 2 + 1))
    history = git(path, "rev-list", "--first-parent", "--reverse", "main").split()
    landed = len(history) - _BEFORE
    wrong = _what_is_wrong(path, writers, victim, codes, history)
    return Wrote(seconds, landed, (_objects(path) - before) / landed, wrong)


def _alone(repositories: Repositories, appends: int) -> float:
    path = _begun(repositories)
    writer = Writer(path, path.parent / "told", SEED, appends)
    seconds, codes = _run([writer], None, 0)
    assert codes == [0], "the process that writes alone failed"
    return seconds


def _begun(repositories: Repositories) -> Path:
    path = repositories.new()
    build(path, messages(_BEFORE))
    return path


def _run(writers: list[Writer], victim: Writer | None, after: int) -> tuple[float, list[int]]:
    """Seconds until all have ended, and how they ended."""

    def work() -> list[int]:
        for writer in writers:
            writer.go()
        if victim is not None:
            victim.kill_after(after)
        return [writer.ended() for writer in writers]

    try:
        for writer in writers:
            writer.wait_ready()
        return clocked(work)
    except BaseException:
        for writer in writers:
            writer.kill()
        raise


def _what_is_wrong(
    path: Path, writers: list[Writer], victim: Writer, codes: list[int], history: list[str]
) -> str | None:
    place = {commit: number for number, commit in enumerate(history)}
    for writer, code in zip(writers, codes, strict=True):
        told = writer.commits()
        lost = [commit for commit in told if commit not in place]
        if lost:
            return f"{len(lost)} acknowledged commits are not reachable, {lost[0]} for one"
        if any(place[one] > place[next_one] for one, next_one in pairwise(told)):
            return "a writer's commits are not in its order"
        if writer is victim:
            if code != -signal.SIGKILL:
                return f"the process that was to be killed ended with {code}"
        elif code or len(told) != writer.appends:
            return f"a writer ended with {code} after {len(told)} of {writer.appends} appends"
    return damage(path)


def _objects(path: Path) -> int:
    """How many objects there are, those apart that only notes reach."""
    every = git(path, "cat-file", "--batch-all-objects", "--batch-check").count("\n")
    notes = git(path, "for-each-ref", "--format=%(refname)", "refs/notes").split()
    if not notes:
        return every
    listed = git(path, "rev-list", "--objects", "--no-object-names", *notes, "--not", "--branches")
    return every - listed.count("\n")
