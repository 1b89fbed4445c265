"""hand.py - git objects put together by hand: what FORMAT.md says, without a line of tract."""

from __future__ import annotations

import hashlib

ATTRIBUTES = b"# tract 1\n* -text\n"
LETTERS = "zyxwvutsrqponmlk"
START_MS = 1_700_000_000_347


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


def folder(*items: tuple[str, str]) -> str:
    """The id of a tree that holds trees only: (name, id)."""
    return tree(*(("40000", name, each) for name, each in items))


def page(*files: tuple[str, str]) -> str:
    """The id of a tree that holds files only: (name, blob id)."""
    return tree(*(("100644", name, each) for name, each in files))


def root(*tops: tuple[str, str]) -> str:
    """The tree of a context: (three digits, id of that folder)."""
    return tree(
        ("100644", ".gitattributes", blob(ATTRIBUTES)), *(("40000", *each) for each in tops)
    )


def context(*files: tuple[str, str]) -> str:
    """The tree of a context of one page: (name on the page, blob id)."""
    return root(("000", folder(("00", page(*files)))))


def entry(header: str, text: str) -> bytes:
    """The bytes of an entry: one line of JSON between two fences, the text, one newline."""
    return f"---\n{header}\n---\n{text}\n".encode()


def commit(
    tree: str,
    message: str,
    *parents: str,
    author: str,
    at: int = START_MS // 1000,
    said: int | None = None,
    committer: str = "tract <tract@localhost>",
) -> str:
    """The id of a commit; times are in seconds, `said` is the author's where it differs."""
    lines = [
        f"tree {tree}",
        *(f"parent {each}" for each in parents),
        f"author {author} {at if said is None else said} +0000",
        f"committer {committer} {at} +0000",
    ]
    return object_id("commit", ("\n".join(lines) + "\n\n" + message).encode())


def letters(digits: str) -> str:
    """Hex digits as letters: 0→z … f→k."""
    return "".join(LETTERS[int(digit, 16)] for digit in digits)


def entry_id(number: int) -> str:
    """The id of the entry whose eight random bytes count so far: 1 is `zzzzzzzzzzzzzzzy`."""
    return letters(f"{number:016x}")


class Counting:
    """A random source whose eight bytes count 1, 2, 3, …, and whose others are zeros."""

    def __init__(self) -> None:
        self.given = 0

    def __call__(self, size: int) -> bytes:
        if size != 8:
            return bytes(size)
        self.given += 1
        return self.given.to_bytes(8, "big")
