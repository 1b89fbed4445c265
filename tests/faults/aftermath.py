"""aftermath.py - what must be true of a repository after a process was killed in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.faults.child import Told
from tests.git import fsck_clean, git
from tract.tract import Tract

HOUR_AND_MORE_MS = 3_700_000


class State(NamedTuple):
    """Where the branch stands, and what its context says."""

    tip: str
    contents: list[str]


def state(path: Path) -> State:
    """Read with a handle of its own, and with git."""
    with Tract.open(path, create=False) as t:
        contents = [str(each["content"]) for each in t.compile().to_dicts()]
    return State(git(path, "rev-parse", "main"), contents)


def whole(path: Path, told: Told, old: State, new: Sequence[str]) -> State:
    """The branch is as it was or has all that is new, what was acknowledged is there, all sound."""
    found = state(path)
    if found.tip == old.tip:
        assert found.contents == old.contents
    else:
        assert found.contents == new
    assert not set(told.commits) - set(git(path, "rev-list", "main").split("\n"))
    with Tract.open(path) as t:
        assert set(t.compile().entry_ids).issuperset(told.entries)
    fsck_clean(path)
    return found


def goes_on(path: Path, found: State) -> None:
    """The next write works at once, and an hour later nothing is left of the dead process."""
    locks = list(path.glob("refs/**/*.lock"))
    with Tract.open(path) as t:
        t.user("goes on")
        assert [each["content"] for each in t.compile().to_dicts()] == [*found.contents, "goes on"]
        reported = [each for each in t.status().warnings if "died while moving" in each]
        assert len(reported) == len(locks)
    assert git(path, "reflog", "-2", "--format=%H", "main").split("\n")[1] == found.tip
    an_hour_later(path)
    fsck_clean(path)


def an_hour_later(path: Path) -> None:
    """Open it when the newest file is more than an hour old: no temporary file is left."""
    newest_ms = max(each.lstat().st_mtime_ns for each in path.rglob("*")) // 1_000_000
    Tract.open(path, clock=lambda: newest_ms + HOUR_AND_MORE_MS).close()
    left = leftovers(path)
    assert not left, f"left behind: {left}"


def leftovers(path: Path) -> list[str]:
    """What only a killed process leaves: temporary files, locks, keeps, halves of packs."""
    found = [
        str(each.relative_to(path))
        for each in path.rglob("*")
        if each.name.startswith("tmp_") or "_git2_" in each.name or each.suffix == ".lock"
    ]
    found += [each.name for each in path.glob("tract/batch-*")]
    packs = path / "objects/pack"
    halves = {each.with_suffix("") for each in packs.glob("pack-*")}
    found += [each.name for each in packs.glob("*.keep")]
    for half in halves:
        if not (half.with_suffix(".pack").exists() and half.with_suffix(".idx").exists()):
            found.append(half.name)
    return found
