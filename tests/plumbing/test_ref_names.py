"""test_ref_names.py - which names are free, beside names that are there."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tract.errors import RefExists
from tract.plumbing.ref_names import HEADS, Taken

NAMES = st.lists(st.sampled_from("aAbB"), min_size=1, max_size=3).map("/".join)


def in_the_way(name: str, others: list[str]) -> bool:
    """The rule as git's folders have it, looked at the slow way."""
    low = name.lower()
    near = [other.lower() for other in others]
    return any(one == low or one.startswith(low + "/") or low.startswith(one + "/") for one in near)


@given(st.lists(NAMES, max_size=6), NAMES)
def test_names_in_the_way(others: list[str], name: str) -> None:
    """A new name is refused where a folder, a file in its path, or another case of it is taken."""
    assume(name not in others)
    taken = Taken(HEADS + other for other in others)
    if in_the_way(name, others):
        with pytest.raises(RefExists) as caught:
            taken.check(HEADS + name)
        assert caught.value.other in {HEADS + other for other in others}
    else:
        taken.check(HEADS + name)
