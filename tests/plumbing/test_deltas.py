"""test_deltas.py - a delta applied to its base gives the target back, and is small."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tract.plumbing.deltas import INSERT_MAX, Whole, common_end, common_start, varint


def read_varint(delta: bytes, at: int) -> tuple[int, int]:
    """A size, and where what follows it begins."""
    number = shift = 0
    while True:
        byte = delta[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def applied(base: bytes, delta: bytes) -> bytes:
    """What git makes of a delta (gitformat-pack), with every rule checked."""
    size_before, at = read_varint(delta, 0)
    size, at = read_varint(delta, at)
    assert size_before == len(base)
    made = b""
    while at < len(delta):
        code = delta[at]
        at += 1
        assert code, "instruction 0 is reserved"
        if code < 0x80:
            made += delta[at : at + code]
            at += code
            continue
        values = [0] * 7
        for bit in range(7):
            if code >> bit & 1:
                values[bit] = delta[at]
                at += 1
        start = int.from_bytes(bytes(values[:4]), "little")
        length = int.from_bytes(bytes(values[4:]), "little") or 0x10000
        assert start + length <= len(base)
        made += base[start : start + length]
    assert len(made) == size
    return made


def tree(names: dict[str, int], mode: str = "100644") -> bytes:
    """A raw tree; the number stands for the blob."""
    ids = {name: hashlib.sha1(b"%d" % n).digest() for name, n in names.items()}
    return b"".join(f"{mode} {name}\0".encode() + ids[name] for name in sorted(ids))


NUMBERS = st.integers(0, 300)
TREES = st.dictionaries(st.text("ab.0", min_size=1, max_size=5), NUMBERS, max_size=30).map(tree)
TEXTS = st.one_of(st.binary(max_size=300), st.text("ab", max_size=900).map(str.encode), TREES)


@given(base=TEXTS, target=TEXTS, is_tree=st.booleans())
def test_any_target(base: bytes, target: bytes, is_tree: bool) -> None:
    """Whatever two objects are, the delta gives the target back."""
    assert applied(base, Whole(base, is_tree=is_tree).delta_to(target)) == target


@given(base=TREES, changes=st.dictionaries(st.integers(0, 2000), st.binary(max_size=80)))
def test_changed_places(base: bytes, changes: dict[int, bytes]) -> None:
    """An object changed in several places is given back, where it is no tree any more too."""
    target = base
    for at, data in changes.items():
        target = target[:at] + data + target[at:]
    whole = Whole(base, is_tree=True)
    assert applied(base, whole.delta_to(target)) == target
    assert applied(base, whole.delta_to(base)) == base


@pytest.mark.parametrize("size", [1, 0xFFFF, 0x10000, 0x10001, 0x20000, 0x1000000, 0x1000123])
def test_long_copies(size: int) -> None:
    """A copy is split where its size would not fit, and a size of 0x10000 takes no byte."""
    base = bytes(size)
    target = base + b"end"
    assert applied(base, Whole(base).delta_to(target)) == target
    moved = b"!" + base
    assert applied(moved, Whole(moved).delta_to(b"?" + base)) == b"?" + base


@pytest.mark.parametrize("size", [1, INSERT_MAX, INSERT_MAX + 1, 1000])
def test_long_insertions(size: int) -> None:
    """An insertion is split after 127 bytes."""
    target = b"start" + b"x" * size + b"end"
    assert applied(b"startend", Whole(b"startend").delta_to(target)) == target


def test_earlier_page_is_one_copy() -> None:
    """A page before an append is the beginning of the page after it: 7 bytes."""
    page = tree({f"{n:02}.user.md": n for n in range(100)})
    before = tree({f"{n:02}.user.md": n for n in range(60)})
    assert len(Whole(page, is_tree=True).delta_to(before)) == 7


def test_changed_folder_is_its_id() -> None:
    """A folder whose page changed is two copies and the 20 bytes of an id."""
    base = tree({f"{n:02}": n for n in range(60)}, "40000")
    before = tree({f"{n:02}": n if n != 20 else 999 for n in range(60)}, "40000")
    assert len(Whole(base, is_tree=True).delta_to(before)) <= 4 + 3 + 21 + 5


def test_several_edits_cost_their_ids() -> None:
    """Each of eight edits on a page costs an id and one copy, not the bytes in between."""
    base = {f"{n:02}.user.md": n for n in range(100)}
    target = base | {f"{n:02}.user.md": 500 + n for n in range(5, 85, 10)}
    delta = Whole(tree(base), is_tree=True).delta_to(tree(target))
    assert applied(tree(base), delta) == tree(target)
    assert len(delta) <= 4 + 8 * (21 + 5) + 5


def test_moved_lines_are_copied() -> None:
    """What moved up by a slot is said by copies: names from here, ids from there."""
    base = {f"{n:02}.user.md": n for n in range(50)}
    target = {f"{n:02}.user.md": n - 1 for n in range(1, 51)} | {"00.user.md": 999}
    delta = Whole(tree(base), is_tree=True).delta_to(tree(target))
    assert applied(tree(base), delta) == tree(target)
    assert len(delta) < len(tree(target)) / 3


def test_new_folders_of_notes() -> None:
    """Folders that appear in between cost their own lines."""
    base = {f"{n:02x}": n for n in range(0, 256, 2)}
    target = base | {f"{n:02x}": n for n in range(1, 256, 32)}
    delta = Whole(tree(base, "40000"), is_tree=True).delta_to(tree(target, "40000"))
    assert applied(tree(base, "40000"), delta) == tree(target, "40000")
    assert len(delta) <= 4 + 8 * (30 + 5) + 5


@given(one=TEXTS, other=TEXTS)
def test_common_ends(one: bytes, other: bytes) -> None:
    """Start and end are as long as they can be, and no longer."""
    most = min(len(one), len(other))
    start = next((n for n in range(most) if one[n] != other[n]), most)
    end = next((n for n in range(most) if one[-n - 1] != other[-n - 1]), most)
    assert common_start(one, other) == start
    assert common_end(one, other, most) == end


@given(st.integers(0, 2**40))
def test_varint(number: int) -> None:
    """A number is read back as git reads it."""
    assert read_varint(varint(number), 0) == (number, len(varint(number)))
