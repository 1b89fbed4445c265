"""conftest.py - a bare repository for the tests of plumbing, empty or with a little history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.git import git
from tests.plumbing.commits import MAIN, commit
from tract.plumbing import refs
from tract.plumbing.repo import CommitId, Repo, init_repo


@pytest.fixture
def repo(tmp_path: Path, pinned: dict[str, Any]) -> Iterator[Repo]:
    """A new repository with a pinned clock and random source."""
    made = init_repo(tmp_path / ".tract", environ={}, **pinned)
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repo]:
    """One repository for all examples of a test that Hypothesis runs."""
    from tract.testing import PinnedClock, PinnedRandom

    folder = tmp_path_factory.mktemp("shared") / ".tract"
    made = init_repo(folder, clock=PinnedClock(), random=PinnedRandom(), environ={})
    yield made
    made.close()


@pytest.fixture
def history(repo: Repo) -> list[CommitId]:
    """Four commits on main, the last one a merge of `side`; tags of both sorts, a remote branch."""
    made: list[CommitId] = []
    for text in ("first", "second", "third"):
        made.append(commit(repo, text, *made[-1:], ref=MAIN))
    side = commit(repo, "aside", made[0], ref=None)
    with repo.lock:
        refs.update_ref(repo, "refs/heads/side/way", side, old=None, verb="branch")
    made.append(commit(repo, "merged", made[2], side, ref=MAIN))
    git(repo.path, "tag", "light", made[1])
    git(repo.path, "tag", "-a", "-m", "words", "v1", made[2])
    git(repo.path, "update-ref", "refs/remotes/origin/main", made[0])
    return made
