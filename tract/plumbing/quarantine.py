"""quarantine.py - damaged files are set aside, never deleted: `.tract/tract/damaged/TIME/…`.

Each keeps its path below that folder, so that what somebody can still make of it is at hand.
"""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime

from tract.plumbing.failures import storage_error

FOLDER = "tract/damaged"


class Quarantine:
    """The folder of one repair; made when something goes there."""

    def __init__(self, folder: str, now_ms: int) -> None:
        at = datetime.fromtimestamp(now_ms / 1000, UTC)
        self._folder = folder
        self.name = f"{FOLDER}/{at:%Y%m%dT%H%M%S}{now_ms % 1000:03}Z"

    def move(self, path: str) -> str:
        """Move a file there; where it is now, from the repository's folder."""
        return self._take(path, os.rename)

    def copy(self, path: str) -> str:
        """Copy it there, where the file stays until it is replaced in one step."""
        return self._take(path, shutil.copyfile)

    def _take(self, path: str, how: object) -> str:
        aside = self._free(f"{self.name}/{path}")
        target = os.path.join(self._folder, aside)
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            assert callable(how)
            how(os.path.join(self._folder, path), target)
        except FileNotFoundError:
            return aside  # somebody took it away: nothing is there to be kept
        except OSError as error:
            raise storage_error(error, f"set {path} aside") from error
        return aside

    def _free(self, path: str) -> str:
        number, free = 2, path
        while os.path.lexists(os.path.join(self._folder, free)):
            free, number = f"{path}-{number}", number + 1
        return free
