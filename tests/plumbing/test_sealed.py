"""test_sealed.py - keys and rows as bytes: what comes back was put in so, or is refused."""

from __future__ import annotations

from hashlib import sha1

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tract.plumbing.sealed import (
    Damaged,
    as_bytes,
    as_text,
    asked,
    check,
    checksum,
    id_of,
    key_of,
    keyed,
    seal,
    unseal,
)

A, B = (sha1(text).hexdigest() for text in (b"a", b"b"))
TEXTS = st.text(st.characters(exclude_categories=()), max_size=50)  # lone surrogates too
OTHERS = ["", "short", "é", "A" * 40, A + A[:24], " " + A[:39], "x" * 19, "\ud800", "\0" * 40]


@given(text=TEXTS)
def test_any_text_comes_back(text: str) -> None:
    """Text and bytes are made of each other, lone surrogates included."""
    assert as_text(as_bytes(text)) == text


@pytest.mark.parametrize("raw", [b"\xff", b"\xc3", None, 1, "text"])
def test_what_is_no_text_is_damage(raw: object) -> None:
    """Bytes that no text makes, and what is no bytes, are refused."""
    with pytest.raises(Damaged):
        as_text(raw)


def test_an_id_of_git_s_takes_twenty_bytes() -> None:
    """Forty digits are stored as the bytes that they are."""
    assert key_of(A) == bytes.fromhex(A)
    assert id_of(key_of(A)) == A


@pytest.mark.parametrize("other", OTHERS, ids=ascii)
def test_any_other_id_comes_back(other: str) -> None:
    """An id that is none of git's is stored longer, and in full."""
    assert len(key_of(other)) > 20
    assert id_of(key_of(other)) == other


@given(one=TEXTS, other=TEXTS)
def test_two_ids_have_two_keys(one: str, other: str) -> None:
    """No two ids share a key."""
    assert (key_of(one) == key_of(other)) == (one == other)


@pytest.mark.parametrize("key", [b"", b"short", b"x" * 30, bytes(21) + b"\xff"])
def test_a_key_of_no_id_is_damage(key: bytes) -> None:
    """Bytes that `key_of` cannot have made are refused."""
    with pytest.raises(Damaged):
        id_of(key)


def test_rows_are_in_the_order_of_their_keys() -> None:
    """Whatever the order of the ids, keys ascend."""
    rows = {each: each for each in [A, B, *OTHERS]}
    keys = [key for key, _ in keyed(rows)]
    assert keys == sorted(keys)
    assert {id_of(key): row for key, row in keyed(rows)} == rows


@pytest.mark.parametrize("key", [key_of(B), A, None, 3, []])
def test_what_was_not_asked_is_damage(key: object) -> None:
    """Only a key that was asked for has an id to answer with."""
    keys = {key_of(A): A}
    assert asked(keys, key_of(A)) == A
    with pytest.raises(Damaged):
        asked(keys, key)


def test_a_checksum_is_of_parts_not_of_their_sum() -> None:
    """Where one part ends and the next begins is part of it."""
    assert checksum(b"ab", b"c") != checksum(b"a", b"bc")
    assert len(checksum()) == 4


@pytest.mark.parametrize("changed", [None, 5, "facts", b"fakts", b"", b"\0facts"])
def test_a_changed_row_is_damage(changed: object) -> None:
    """A part that differs, in its type or its bytes, is refused; so is a changed checksum."""
    crc = checksum(b"key", b"facts")
    check(crc, b"key", b"facts")
    with pytest.raises(Damaged):
        check(crc, b"key", changed)
    with pytest.raises(Damaged):
        check(changed, b"key", b"facts")


@given(facts=st.binary(max_size=50), key=st.binary(max_size=20))
def test_sealed_facts_come_back(facts: bytes, key: bytes) -> None:
    """What was sealed under a key is unsealed by it, and by no other."""
    sealed = seal(facts, b"sort ", key)
    assert unseal(sealed, b"sort ", key) == facts
    with pytest.raises(Damaged):
        unseal(sealed, b"sort ", key + b"x")


@pytest.mark.parametrize("sealed", [None, 1, "text", b"", b"abc", b"abcd", b"no checksum"])
def test_what_is_not_sealed_is_damage(sealed: object) -> None:
    """Anything else in the place of sealed facts is refused."""
    with pytest.raises(Damaged):
        unseal(sealed, b"key")


@given(at=st.integers(0, 23), bit=st.integers(0, 7))
def test_any_changed_bit_is_noticed(at: int, bit: int) -> None:
    """No changed bit of a row passes."""
    sealed = bytearray(seal(b"twenty bytes of facts", b"key")[:24])
    sealed[at] ^= 1 << bit
    with pytest.raises(Damaged):
        unseal(bytes(sealed), b"key")
