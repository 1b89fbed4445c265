"""reopen.py - mend a repository that cannot be opened: HEAD, the configuration, git's folders.

fsck works on an open repository, so what libgit2 cannot do without is mended before, by the files
alone. What refs and objects were in a folder that is gone is for fsck to say.
"""

from __future__ import annotations

import os
from pathlib import Path

from tract.plumbing.lock import WriteLock
from tract.plumbing.mending import mend_config, mend_folder, mend_head
from tract.plumbing.opening import BadFile, faults_of_opening, looks_like_one
from tract.plumbing.quarantine import Quarantine
from tract.plumbing.ref_names import HEAD
from tract.plumbing.repo import Clock, locate
from tract.porcelain.problem import Problem


def mend(path: str | Path | None, clock: Clock) -> list[Problem]:
    """Put back what keeps the repository from being opened; a problem a file, each repaired.

    Nothing is changed where it can be opened, and nothing is made where there is none.

    Raises:
        RepoLocked, ReadOnly, StorageFull: it could not be mended.
    """
    where, there = locate(path)
    folder = str(where)
    if not there or not looks_like_one(folder) or not faults_of_opening(folder):
        return []
    lock = WriteLock(os.path.join(folder, "tract", "write"))
    aside = Quarantine(folder, clock())
    try:
        with lock:
            return [_mend(folder, lock, aside, each) for each in faults_of_opening(folder)]
    finally:
        lock.close()


def _mend(folder: str, lock: WriteLock, aside: Quarantine, bad: BadFile) -> Problem:
    if bad.path == HEAD:
        done = mend_head(folder, lock, aside)
    elif bad.path == "config":
        done = mend_config(folder, aside)
    else:
        done = mend_folder(folder, bad.path)
    said = f"{bad.path} {bad.what}; {done}"
    return Problem(bad.path.lower(), bad.path, said, repaired=True)
