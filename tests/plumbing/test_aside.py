"""test_aside.py - the folder in which a batch's packs wait, while it lives and after."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.faults.child import forked
from tract.plumbing.aside import Aside, folders_aside
from tract.plumbing.cleaning import clean
from tract.plumbing.repo import Repo


def aged(path: str) -> None:
    """Make a folder two hours old, by the pinned clock."""
    os.utime(path, (0, 0))


def test_closed_folder_is_gone(repo: Repo) -> None:
    """With the batch goes what is in its folder."""
    aside = Aside(repo)
    Path(aside.packs, "pack-1.pack").write_bytes(b"x")
    assert folders_aside(repo) == [aside.path]
    aside.close()
    assert folders_aside(repo) == []


def test_living_batch_keeps_its_folder(repo: Repo) -> None:
    """However old it is, the folder of a batch that lives is not cleaned away."""
    aside = Aside(repo)
    aged(aside.path)
    clean(repo)
    assert folders_aside(repo) == [aside.path]
    aside.close()


def test_killed_batch_leaves_it_for_an_hour(repo: Repo) -> None:
    """What a killed process left is removed when it is old enough, not before."""

    def killed() -> None:
        Aside(repo)
        os.kill(os.getpid(), signal.SIGKILL)

    assert forked(killed) == -signal.SIGKILL
    (path,) = folders_aside(repo)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    clean(repo)
    assert folders_aside(repo) == [path]
    aged(path)
    clean(repo)
    assert folders_aside(repo) == []
