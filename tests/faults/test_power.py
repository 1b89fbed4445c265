"""test_power.py - durability="power": the same results, and all on the disk before a ref moves."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.test_kill_traced import ROOT, STRACE, needs_strace
from tests.git import fsck_clean, git
from tract.testing import PinnedClock, PinnedRandom
from tract.tract import Tract

APPEND = """
import os, sys
from tract.tract import Tract
t = Tract.open(sys.argv[1], durability=sys.argv[2])
t.user("new")
os._exit(0)
"""
BATCH = """
import os, sys
from tract.tract import Tract
t = Tract.open(sys.argv[1], durability=sys.argv[2])
with t.batch() as b:
    b.user("new")
os._exit(0)
"""


def write(path: Path, durability: str) -> None:
    """Everything that writes, with a clock and a random source that are the same each time."""
    clock, random = PinnedClock(), PinnedRandom()
    with Tract.open(path, durability=durability, clock=clock, random=random) as t:
        t.user("0")
        t.assistant("1", generation_config={"model": "gpt-4o"})
        with t.batch() as b:
            b.user("2")
            b.edit(0, "changed")
        t.record_usage({"prompt_tokens": 1, "completion_tokens": 1}, target="HEAD~2")


def test_same_results(tmp_path: Path) -> None:
    """A repository written for power cuts has the same refs, history and notes as any other."""
    said = []
    for durability in ("process", "power"):
        path = tmp_path / durability / ".tract"
        write(path, durability)
        said.append(git(path, "for-each-ref", "--format=%(refname) %(objectname)"))
        fsck_clean(path)
    assert said[0] == said[1]
    assert said[0].count("\n") == 2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A repository of one entry, closed."""
    with Tract.open(tmp_path / ".tract") as t:
        t.user("0")
    return tmp_path / ".tract"


def calls(path: Path, script: str, durability: str) -> list[str]:
    """The calls that sync, link and rename below a repository: `fsync FILE`, `link FROM TO`."""
    trace = path.parent / "trace"
    command = [STRACE, "-f", "-y", "-o", str(trace), "-e", "trace=fsync,fdatasync,link,rename"]
    command += [sys.executable, "-B", "-c", script, str(path), durability]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found = []
    for line in trace.read_text().splitlines():
        if f"{path}/" in line and " = 0" in line and "tract/index.sqlite" not in line:
            name, rest = line.split(" ", 1)[1].strip().split("(", 1)
            files = [part.split('"')[0].split(">")[0] for part in rest.split(f"{path}/")[1:]]
            found.append(" ".join((name, *files)))
    return found


MOVE = "rename refs/heads/main.lock refs/heads/main"


def synced(calls: list[str], place: str) -> bool:
    """Whether the file that came to this place is synced, under any name it had, and its folder."""
    names, folder = {place}, place.rsplit("/", 1)[0]
    for call in reversed(calls):
        words = call.split(" ")
        if words[0] in ("link", "rename") and words[2] in names:
            names.add(words[1])
    return any(f"fsync {name}" in calls for name in names) and f"fsync {folder}" in calls


def placed(calls: list[str]) -> list[str]:
    """What was put among the objects, in order."""
    places = (call.split(" ")[2] for call in calls if call.startswith(("link", "rename")))
    return [
        place for place in places if re.match(r"objects/(..|pack)/[^.]+(\.pack|\.idx)?\Z", place)
    ]


@needs_strace
def test_objects_are_synced_before_the_ref_moves(path: Path) -> None:
    """Each object and its folder are synced before the branch moves, its log and lock too."""
    made = calls(path, APPEND, "power")
    before, after = made[: made.index(MOVE)], made[made.index(MOVE) :]
    assert len(placed(before)) == 5
    assert [each for each in placed(before) if not synced(before, each)] == []
    assert placed(after) == []
    assert "fsync logs/refs/heads/main" in before
    assert "fsync refs/heads/main.lock" in before
    assert "fsync refs/heads" in after


@needs_strace
@pytest.mark.parametrize("durability", ["power", "process"])
def test_packs_are_synced_before_the_ref_moves(path: Path, durability: str) -> None:
    """A batch's pack, its index and their folder are synced before the branch moves, always."""
    made = calls(path, BATCH, durability)
    before = made[: made.index(MOVE)]
    assert [place.rsplit(".", 1)[1] for place in placed(before)] == ["pack", "idx"]
    assert [each for each in placed(before) if not synced(before, each)] == []


@needs_strace
def test_nothing_is_synced_otherwise(path: Path) -> None:
    """Without it an append syncs nothing, and is as fast as it can be."""
    made = calls(path, APPEND, "process")
    assert MOVE in made
    assert not [call for call in made if call.startswith("f")]
