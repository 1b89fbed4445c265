"""ref_names.py - which names a branch may have, and which are free.

A ref is a file and a folder of refs a folder, so none can stand where the other does, nor two
where the case of letters does not count.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from tract.errors import BadRefName, RefExists

HEAD = "HEAD"
HEADS = "refs/heads/"
KEEP = "refs/tract/keep/"
OBJECT_ID = re.compile(r"[0-9a-f]{40}\Z")
_PACKED = re.compile(rb"^([0-9a-f]{40}) (\S+)\n", re.M)  # a name that was cut off has no line end
_BAD_NAME = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|\Z)|\A[-./]|[./]\Z|\A@\Z"
    r"|\A[0-9a-fA-F]{40}\Z"  # git reads it as a commit
)


def short(ref: str) -> str:
    """A branch's name as people say it; of other refs the whole."""
    return ref.removeprefix(HEADS)


def check_branch_name(name: str) -> None:
    """Refuse what git's rules or ours do not allow as a branch name (git-check-ref-format).

    Raises:
        BadRefName: says which rule; `import` and `agents` name folders that tract fills itself.
    """
    if not is_branch_name(name):
        raise BadRefName(
            f"{name!r} cannot be a branch name",
            "use letters, digits, `-`, `_`, `.` and `/`; git check-ref-format has all the rules",
        )
    if name in ("import", "agents", "HEAD") or name.startswith(("agents/", "refs/")):
        raise BadRefName(f"the branch name {name!r} is reserved", f"try {name.replace('/', '-')}-1")


def is_branch_name(name: str) -> bool:
    """Whether git could have a branch of that name, be it reserved for tract's own or not."""
    return bool(name) and not _BAD_NAME.search(name) and _encodable(name)


def _encodable(name: str) -> bool:
    try:
        return len(name.encode()) <= 200
    except UnicodeEncodeError:
        return False


def packed_refs(folder: str) -> Iterator[tuple[str, bytes]]:
    """The refs of a repository's `packed-refs`, each with its id; none where it is not there."""
    with suppress(FileNotFoundError), open(os.path.join(folder, "packed-refs"), "rb") as file:
        for match in _PACKED.finditer(file.read()):
            yield os.fsdecode(match[2]), bytes.fromhex(match[1].decode())


def stored_value(folder: str, ref: str) -> str | None:
    """The value of a ref as its file, or `packed-refs`, holds it; None where neither does."""
    absent = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
    with suppress(*absent), open(os.path.join(folder, ref), "rb") as file:
        return file.read(4096).strip().decode("utf-8", "replace")
    return next((value.hex() for name, value in packed_refs(folder) if name == ref), None)


class Taken:
    """The names of refs, and whether another one fits in with them."""

    def __init__(self, names: Iterable[str]) -> None:
        self._refs: dict[str, str] = {}
        self._folders: dict[str, str] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """One more ref."""
        low = name.lower()
        self._refs[low] = name
        for folder in _folders(low):
            self._folders.setdefault(folder, name)

    def check(self, name: str) -> None:
        """Refuse a name where another ref, or a folder of refs, stands or would have to.

        A ref of that very name is no matter of names.

        Raises:
            RefExists: names the other ref, and suggests a free name.
        """
        low = name.lower()
        near = [self._folders.get(low), self._refs.get(low), *map(self._refs.get, _folders(low))]
        for other in near:
            if other is not None and other != name:
                raise RefExists(
                    f"{short(name)} cannot be made while {short(other)}, or its history, exists",
                    f"choose another name, such as {short(name).replace('/', '-')}-1",
                    name=name,
                    other=other,
                )


def _folders(low: str) -> list[str]:
    """The folders that a name stands in."""
    parts = low.split("/")
    return ["/".join(parts[:size]) for size in range(1, len(parts))]
