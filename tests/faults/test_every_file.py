"""test_every_file.py - each file of a repository damaged in turn: it costs itself, nothing else.

Emptied, cut in half, filled with NUL, removed. The answer is right, or an error that names the
file; then a repair loses at most what that file held, and nothing that was written meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults import every_file
from tests.faults.every_file import DAMAGES, LOOSE, Truth
from tests.git import git

SORTS = {
    "HEAD and configuration": ("HEAD", "config", ".gitignore"),
    "refs": ("ref: ", "packed-refs"),
    "logs": ("reflog: ",),
    "tract's own": ("tract/",),
    "packs": ("pack ",),
    "commits": ("loose commit",),
    "trees": ("loose tree",),
    "blobs": ("loose blob",),
}
FEW = 5  # so many loose objects of a sort are damaged, each in one way, except in a soak


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository, sound and closed."""
    return every_file.make(tmp_path_factory.mktemp("origin") / ".tract")


@pytest.fixture(scope="module")
def truth(origin: Path) -> Truth:
    """What it says."""
    return every_file.truth_of(origin)


def of_sort(origin: Path, sort: str) -> list[tuple[str, str]]:
    """The files of a sort, each with its kind; those that the tip of main needs come first."""
    kinds = ((every_file.kind_of(origin, name), name) for name in every_file.files_of(origin))
    found = [(name, kind) for kind, name in kinds if kind.startswith(SORTS[sort])]
    needed = git(origin, "rev-list", "--objects", "--no-walk", "main").split("\n")
    newest = {f"objects/{line[:2]}/{line[2:40]}" for line in needed}
    return sorted(found, key=lambda each: (each[0] not in newest, each[0]))


def cases(origin: Path, sort: str, *, all_of_them: bool) -> Iterator[tuple[str, str, str]]:
    """File, kind and damage; of many loose objects few, each in another way."""
    found = of_sort(origin, sort)
    for number, (name, kind) in enumerate(found):
        is_many = kind.startswith(LOOSE) and not all_of_them
        if not is_many:
            yield from ((name, kind, how) for how in DAMAGES)
        elif number < FEW or len(found) - number < FEW:
            yield name, kind, DAMAGES[number % len(DAMAGES)]


@pytest.mark.parametrize("sort", SORTS)
def test_every_file(
    origin: Path,
    truth: Truth,
    tmp_path: Path,
    sort: str,
    soak: bool,
    say: Callable[[str], None],
    runs: Callable[[int], None],
) -> None:
    """A damaged file costs itself: a right answer, an error naming it, a repair that loses it."""
    table: Counter[tuple[str, str, str, str, int]] = Counter()
    for number, (name, kind, how) in enumerate(cases(origin, sort, all_of_them=soak)):
        found = every_file.run(origin, tmp_path / str(number), name, how, truth)
        table[kind, how, *found] += 1
    for (kind, how, before, after, lost), count in sorted(table.items()):
        entries = f", {lost} entries lost" if lost else ", nothing lost"
        line = f"{count:3} × {kind:<22} {how:<8} {before:<6} repaired: {after}{entries}"
        say(line)
        print(line)
    runs(table.total())
