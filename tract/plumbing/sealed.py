"""sealed.py - keys and rows as bytes, each row with a checksum that says it is as it was written.

SQLite does not checksum its pages, so a changed byte of a row would be an answer like any other.
The CRC-32 is of the row and its key together, so a row under another key is as bad as a changed
one; each sort of row begins its key with a word of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar
from zlib import crc32

_CRC_BYTES = 4
_SHA_BYTES = 20
_OTHER_ID = bytes(_SHA_BYTES + 1)  # in front of any id that is none of git's

R = TypeVar("R")


class Damaged(Exception):
    """What was read is not what was written."""


# Keys


def as_bytes(text: str) -> bytes:
    """Any text, lone surrogates too."""
    return text.encode("utf-8", "surrogatepass")


def as_text(raw: object) -> str:
    """The text that `as_bytes` was given.

    Raises:
        Damaged: no text makes these bytes, or it is something else.
    """
    if not isinstance(raw, bytes):
        raise Damaged
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise Damaged from None


def key_of(object_id: str) -> bytes:
    """An id as it is stored: twenty bytes for git's forty digits; any other in full, and longer."""
    try:
        raw = bytes.fromhex(object_id)
    except ValueError:
        raw = b""
    if len(raw) == _SHA_BYTES and raw.hex() == object_id:
        return raw
    return _OTHER_ID + as_bytes(object_id)


def id_of(key: bytes) -> str:
    """The id that has this key.

    Raises:
        Damaged: no id has it.
    """
    if len(key) == _SHA_BYTES:
        return key.hex()
    if not key.startswith(_OTHER_ID):
        raise Damaged
    return as_text(key[len(_OTHER_ID) :])


def keyed(rows: Mapping[str, R]) -> list[tuple[bytes, R]]:
    """The rows in the order of their keys, in which a B-tree takes them fastest."""
    return sorted(((key_of(each), row) for each, row in rows.items()), key=lambda pair: pair[0])


def asked(keys: Mapping[bytes, str], key: object) -> str:
    """The id of a key that was asked for.

    Raises:
        Damaged: it was not asked for, so a row of it was not written so.
    """
    if not isinstance(key, bytes) or key not in keys:
        raise Damaged
    return keys[key]


# Checksums


def checksum(*parts: bytes) -> bytes:
    """Four bytes that stand for the parts."""
    return crc32(b"\0".join(parts)).to_bytes(_CRC_BYTES, "big")


def check(crc: object, *parts: object) -> None:
    """Let a row pass that is as it was written; damage may have changed even its types.

    Raises:
        Damaged: it is not.
    """
    sound = [part for part in parts if isinstance(part, bytes)]
    if len(sound) != len(parts) or crc != checksum(*sound):
        raise Damaged


def seal(facts: bytes, *key: bytes) -> bytes:
    """The facts with the checksum of key and facts in front."""
    return checksum(*key, facts) + facts


def unseal(sealed: object, *key: bytes) -> bytes:
    """The facts that were sealed under this key.

    Raises:
        Damaged: they were not.
    """
    if not isinstance(sealed, bytes):
        raise Damaged
    facts = sealed[_CRC_BYTES:]
    check(sealed[:_CRC_BYTES], *key, facts)
    return facts
