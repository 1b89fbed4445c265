"""counted.py - an object database that counts what passes through it."""

from __future__ import annotations

from typing import Any


class Counted:
    """Stands before a repository's object database; `read` and `written` are lists of ids."""

    def __init__(self, odb: Any) -> None:
        self._odb = odb
        self.reads: list[str] = []
        self.writes: list[str] = []

    def read(self, object_id: str) -> Any:
        """Read through, and note it."""
        self.reads.append(str(object_id))
        return self._odb.read(object_id)

    def write(self, kind: int, data: bytes) -> Any:
        """Write through, and note it."""
        made = self._odb.write(kind, data)
        self.writes.append(str(made))
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(self._odb, name)
