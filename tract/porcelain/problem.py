"""problem.py - something that is not as it should be: what fsck finds, and what it mends."""

from __future__ import annotations

import msgspec

_HARMLESS = ("id", "label", "parts", "open-call", "orphan", "note", "stray", "reflog")


class Problem(msgspec.Struct, frozen=True):
    """Something that is not as it should be.

    `kind` is one of git, head, config, object, pack, ref, branch, notes, note, reflog,
    index, stray, entry, tools, id, slot, label, parts, open-call, orphan; `where` is a file, a
    ref, or a branch and path. `repaired` says that it was mended, and `message` then how.
    """

    kind: str
    where: str
    message: str
    hint: str | None = None
    repaired: bool = False

    @property
    def is_harmless(self) -> bool:
        """Whether nothing is lost by it, and nothing is to be mended."""
        return self.kind in _HARMLESS
