"""deltas.py - say one version of an object as copies from another, in git's delta format.

The format is git's (gitformat-pack, "Deltified representation"): both sizes, then instructions to
copy a piece of the base or to insert bytes. Versions of our trees differ in one place, so a common
start and a common end say nearly everything; only what is changed in several places is taken apart
line by line. Nothing is searched for: a search like git's costs more than it saves here.
"""

from __future__ import annotations

import re

COPY_MAX = 0x10000  # what git itself writes, and what a size without bytes means
INSERT_MAX = 127
ID_BYTES = 20
_ONE_PLACE = 64
_LINE = re.compile(rb"([0-7]+ [^\0]+\0)(.{20})", re.S)


class Whole:
    """An object that is stored whole, and that other versions of it are told from."""

    def __init__(self, data: bytes, *, is_tree: bool = False) -> None:
        self.data = data
        self._is_tree = is_tree
        self._size = varint(len(data))
        self._places: dict[bytes, int] = {}

    def delta_to(self, target: bytes) -> bytes:
        """The delta that makes `target` out of this object."""
        base, size = self.data, len(target)
        start = common_start(base, target)
        end = common_end(base, target, min(len(base), size) - start) if start < size else 0
        head = self._size + varint(size)
        if self._is_tree and size - start - end > _ONE_PLACE:
            pieces = [piece for line in _LINE.findall(target) for piece in line]
            if b"".join(pieces) == target:
                return head + self._by_lines(pieces)
        delta = head + _copy(0, start) if start else head
        if start + end < size:
            delta += _insert(target[start : size - end])
        return delta + _copy(len(base) - end, end) if end else delta

    def _by_lines(self, pieces: list[bytes]) -> bytes:
        """Copies of what the base has, each as long as it goes on alike, and the rest inserted."""
        base, places = self.data, self._places or self._find_places()
        made, fresh, at, size = bytearray(), bytearray(), 0, 0
        for piece in pieces:
            if size and base.startswith(piece, at + size):
                size += len(piece)
                continue
            made += _copy(at, size)
            place, size = places.get(piece), 0
            if place is None:
                fresh += piece
            else:
                made += _insert(fresh)
                fresh.clear()
                at, size = place, len(piece)
        return bytes(made + _copy(at, size) + _insert(fresh))

    def _find_places(self) -> dict[bytes, int]:
        """Where each `mode name` and each id begins."""
        for match in _LINE.finditer(self.data):
            self._places.setdefault(match[1], match.start(1))
            self._places.setdefault(match[2], match.start(2))
        return self._places


def common_start(one: bytes, other: bytes) -> int:
    """How many bytes two objects begin with alike; halves are compared at C's speed.

    A folder to which something was appended differs in its last id: that is tried first.
    """
    high = min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    low = max(0, high - ID_BYTES)
    if one[:low] != other[:low]:
        low, high = 0, low
    while high - low > 1:
        middle = (low + high) >> 1
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def common_end(one: bytes, other: bytes, most: int) -> int:
    """How many bytes two objects end with alike, looking at no more than `most`."""
    if not most or one[-1] != other[-1]:
        return 0
    ends, ends_other = len(one), len(other)
    if one[ends - most :] == other[ends_other - most :]:
        return most
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) >> 1
        if one[ends - middle : ends - low] == other[ends_other - middle : ends_other - low]:
            low = middle
        else:
            high = middle
    return low


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; a set top bit says that more follow."""
    if number < 0x80:
        return bytes((number,))
    return bytes((number & 0x7F | 0x80,)) + varint(number >> 7)


def _copy(at: int, size: int) -> bytes:
    """Copy `size` bytes of the base from `at`; a set bit says that its byte is not zero."""
    made = b""
    while size:
        part = min(size, COPY_MAX)
        code = 0x80 | (at & 0xFF > 0) | (at & 0xFF00 > 0) << 1 | (at & 0xFF0000 > 0) << 2
        code |= (at >= 1 << 24) << 3 | (part & 0xFF > 0) << 4 | (part & 0xFF00 > 0) << 5
        said = (at | (part & 0xFFFF) << 32).to_bytes(6, "little").replace(b"\0", b"")
        made += bytes((code,)) + said
        at, size = at + part, size - part
    return made


def _insert(data: bytes | bytearray) -> bytes:
    """Insert these bytes, at most 127 an instruction."""
    if len(data) <= INSERT_MAX:
        return bytes((len(data),)) + data if data else b""
    parts = (data[at : at + INSERT_MAX] for at in range(0, len(data), INSERT_MAX))
    return b"".join(bytes((len(part),)) + part for part in parts)
