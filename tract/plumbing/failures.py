"""failures.py - the tree's errors for what libgit2 or the system say when reading or writing."""

from __future__ import annotations

from tract.errors import BadObject, CorruptRepo, ReadOnly, StorageFull, TractError


def storage_error(error: BaseException, doing: str) -> TractError:
    """The tree's error for what libgit2 or the system said while `doing` something."""
    said = str(error)
    low = said.lower()
    if any(word in low for word in ("no space left", "quota exceeded", "file too large")):
        return StorageFull(
            f"could not {doing}: the disk is full", "free some space and repeat; nothing changed"
        )
    if any(word in low for word in ("permission denied", "read-only", "operation not permitted")):
        return ReadOnly(
            f"could not {doing}: this user may not write there",
            "give write permission on the repository folder, or work on a clone",
        )
    return CorruptRepo(f"could not {doing}: {said}", "run `tract fsck` to see what is damaged")


def missing(kind: str, name: str) -> BadObject:
    """The error for an object or ref that should be there and is not, or cannot be read.

    Its facts are `kind` and `name`, the object's id or the ref's name.
    """
    return BadObject(
        f"the {kind} {name if kind == 'ref' else name[:12]} is missing or damaged",
        "run `tract fsck` to see what it costs; a clone or backup may still have it",
        kind=kind,
        name=name,
    )
