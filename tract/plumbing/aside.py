"""aside.py - a folder of a batch's own, in which its packs wait until their refs move.

Nobody else sees what is there, so nobody can come to rely on it, and a batch that is given up
takes it all away. The folder is locked while its batch lives; what is not locked is a dead one's.
"""

from __future__ import annotations

import fcntl
import os
import shutil

from tract.plumbing.failures import storage_error
from tract.plumbing.repo import Repo

_STEM = "batch-"


class Aside:
    """The folder, made at once; `close` removes it with all that is still in it."""

    def __init__(self, repo: Repo) -> None:
        self.path = os.path.join(repo.path, "tract", _STEM + repo.random(8).hex())
        self.packs = os.path.join(self.path, "pack")
        self._pid = os.getpid()
        try:
            os.makedirs(self.packs)
            self._file = os.open(_lock_path(self.path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except OSError as error:
            raise storage_error(error, "make a folder for the batch") from error

    def close(self) -> None:
        """Remove the folder; a forked child leaves its parent's where it is."""
        if self._pid == os.getpid():
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._file)


def _lock_path(path: str) -> str:
    return os.path.join(path, "lock")


def folders_aside(repo: Repo) -> list[str]:
    """The folders of batches, living ones too."""
    folder = os.path.join(repo.path, "tract")
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if name.startswith(_STEM)]


def remove_aside(path: str) -> None:
    """Remove the folder of a batch whose process is gone; one that is locked stays."""
    try:
        file = os.open(_lock_path(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path, ignore_errors=True)
    except OSError:
        return  # its batch lives
    finally:
        os.close(file)
