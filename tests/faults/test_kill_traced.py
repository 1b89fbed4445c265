"""test_kill_traced.py - SIGKILL where Python cannot: in libgit2, before a ref's rename.

strace kills a real process at its N-th rename, link or unlink (traced.py).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.aftermath import goes_on, leftovers, state, whole
from tests.faults.child import Told, open_pinned, steps_of
from tests.faults.traced import CALLS, VERBS, WHEN
from tests.faults.work import nothing

ROOT = Path(__file__).parents[2]
STRACE = shutil.which("strace") or ""


def may_trace() -> bool:
    """Whether strace is there, and this system lets it trace."""
    if not STRACE:
        return False
    ran = subprocess.run([STRACE, "-f", "true"], capture_output=True, check=False)
    return ran.returncode == 0


needs_strace = pytest.mark.skipif(not may_trace(), reason="strace is missing or may not trace")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A repository of 20 entries; closed."""
    with open_pinned(tmp_path / ".tract") as t:
        t.import_messages([{"role": "user", "content": str(n)} for n in range(20)])
    return tmp_path / ".tract"


def trace(folder: Path, call: str, verb: str) -> list[Path]:
    """Kill a process at each such call of a verb: the repositories as they were left."""
    command = [STRACE, "-f", "-o", str(folder / "trace"), "-e", f"trace={call}"]
    command += ["-e", f"inject={call}:signal=KILL:when={WHEN}"]
    command += [sys.executable, "-B", "-m", "tests.faults.traced", str(folder), call, verb]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found = sorted(folder.glob("*/.tract"), key=lambda each: int(each.parent.name))
    return found[:-1]  # the last one lived


SOME = "rename-append link-append unlink-append rename-batch link-batch rename-close".split()
ALL = [f"{call}-{verb}" for call in CALLS for verb in VERBS if (call, verb) != ("mkdir", "close")]


@needs_strace
@pytest.mark.parametrize("which", ALL if os.environ.get("TRACT_SOAK") else SOME)
def test_killed_at_every_call(
    path: Path, which: str, say: Callable[[str], None], tmp_path: Path
) -> None:
    """A process killed at its N-th rename, link or unlink loses nothing, wherever that call is."""
    call, verb = which.split("-")
    before, work = VERBS[verb]
    copies = [Path(shutil.copytree(path, tmp_path / name / ".tract")) for name in ("a", "b")]
    steps_of(copies[0], nothing, before)
    steps_of(copies[1], before, work)
    old, new = state(copies[0]), state(copies[1]).contents
    for copy in copies:
        shutil.rmtree(copy.parent)
    left = trace(tmp_path, call, verb)
    assert left
    for copy in left:
        goes_on(copy, whole(copy, Told(copy.parent / "told"), old, new))
    say(f"SIGKILL at each of {len(left)} calls of {call}(2) in {verb}: nothing lost")


@needs_strace
def test_between_a_refs_lock_and_its_rename(path: Path, tmp_path: Path) -> None:
    """Killed at the rename of a ref its lock has the new value; the next writer removes it."""
    (copy,) = trace(tmp_path, "rename", "append")
    assert leftovers(copy) == ["refs/heads/main.lock"]
    new = (copy / "refs/heads/main.lock").read_text().strip()
    assert (copy / "tract/write").read_text().split("\n")[0].endswith(f" refs/heads/main {new}")
    assert new != state(copy).tip
    goes_on(copy, state(copy))
