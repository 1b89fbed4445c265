"""hand.py - git objects put together by hand: what FORMAT.md says, without a line of tract."""

from __future__ import annotations

import hashlib

ATTRIBUTES = b"# tract 1\n* -text\n"
LETTERS = "zyxwvutsrqponmlk"


def object_id(kind: str, data: bytes) -> str:
    """The id git gives an object."""
    header = f"{kind} {len(data)}\0".encode()
    return hashlib.sha1(header + data, usedforsecurity=False).hexdigest()


def blob(data: bytes) -> str:
    """The id of a blob."""
    return object_id("blob", data)


def tree(*items: tuple[str, str, str]) -> str:
    """The id of a tree of (mode, name, id), in the order given."""
    lines = (f"{mode} {name}\0".encode() + bytes.fromhex(each) for mode, name, each in items)
    return object_id("tree", b"".join(lines))


def letters(digits: str) -> str:
    """Hex digits as letters: 0→z … f→k."""
    return "".join(LETTERS[int(digit, 16)] for digit in digits)


def context(*files: tuple[str, str]) -> str:
    """The tree of a context of one page: (name on the page, blob id)."""
    page = tree(*(("100644", name, each) for name, each in files))
    middle = tree(("40000", "00", page))
    return tree(("100644", ".gitattributes", blob(ATTRIBUTES)), ("40000", "000", middle))
