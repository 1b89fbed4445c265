"""test_openai_names.py - ids and names: legal ones untouched, others mapped, all distinct."""

from __future__ import annotations

import pytest

from tests.content.test_openai import Record, call, calls, result, sent


def ids_of(made: list[Record]) -> list[str]:
    """The ids of calls and results as they are sent."""
    found = [call["id"] for message in made for call in message.get("tool_calls", ())]
    answers = [message["tool_call_id"] for message in made if message["role"] == "tool"]
    assert sorted(found) == sorted(answers)
    return found


def test_id_used_twice_is_numbered() -> None:
    """An id used in two turns is `ID-2` the second time, in call and result."""
    made = sent(calls(call("a")), result("a", "1"), calls(call("a")), result("a", "2"))
    assert ids_of(made) == ["a", "a-2"]
    assert (made[1]["content"], made[3]["content"]) == ("1", "2")
    assert made[3]["tool_call_id"] == "a-2"


def test_id_used_twice_in_one_turn_is_numbered() -> None:
    """Two calls of one id in one turn become two ids."""
    assert ids_of(sent(calls(call("a"), call("a")), result("a"), result("a"))) == ["a", "a-2"]


@pytest.mark.parametrize("first", ["a", "a-2"])
def test_existing_number_is_left_alone(first: str) -> None:
    """A call whose own id is `a-2` keeps it, wherever it stands."""
    second = "a-2" if first == "a" else "a"
    said = [first, second, "a"]
    records = [record for one in said for record in (calls(call(one)), result(one))]
    assert ids_of(sent(*records)) == [first, second, "a-3"]


def test_long_ids_are_shortened_and_distinct() -> None:
    """Ids over 40 characters are mapped, distinct ones to distinct ones, one to the same."""
    long = ["x" * 41, "x" * 42, "x" * 39 + "ü" * 20]
    records = [record for one in long for record in (calls(call(one)), result(one))]
    found = ids_of(sent(*records))
    assert len(set(found)) == 3
    assert max(map(len, found)) <= 40
    assert found == ids_of(sent(*records))


def test_long_id_used_twice_stays_short() -> None:
    """A number is put on a long id without making it too long."""
    for one in ("x" * 40, "x" * 41):
        found = ids_of(sent(calls(call(one)), result(one), calls(call(one)), result(one)))
        assert len(set(found)) == 2
        assert max(map(len, found)) <= 40


@pytest.mark.parametrize("nothing", [None, ""])
def test_call_without_id_gets_one_of_its_entry(nothing: str | None) -> None:
    """A call without id is `call_` and the entry's id; further ones of the turn are numbered."""
    records = [calls(call(nothing), call(nothing)), result(None), result(None)]
    assert ids_of(sent(*records)) == [f"call_{0:016}", f"call_{0:016}-2"]


def test_call_without_the_key_id() -> None:
    """A call that has no `id` at all gets one too."""
    bare = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert ids_of(sent(calls(bare), result(None, name="f"))) == [f"call_{0:016}"]


# -- names


def test_illegal_tool_names_are_mapped_to_distinct_ones() -> None:
    """Tool names outside the alphabet are mapped, distinct to distinct, legal ones untouched."""
    names = ["look up", "look_up", "look.up", "", "näher", "t" * 65, "t" * 64, "日本"]
    records = [calls(*(call(str(n), name) for n, name in enumerate(names)))]
    records += [result(str(n)) for n in range(len(names))]
    made = [one["function"]["name"] for one in sent(*records)[0]["tool_calls"]]
    assert len(set(made)) == len(names)
    assert (made[1], made[6]) == ("look_up", "t" * 64)


def test_speaker_s_name_is_mapped() -> None:
    """A participant's name is put into the alphabet; two people stay two."""
    names = ["Ada Lovelace", "Ada-Lovelace", "Ada_Lovelace", "Ünal", "x" * 70]
    made = sent(*({"role": "user", "content": "hi", "name": name} for name in names))
    assert len({message["name"] for message in made}) == len(names)
    assert [message["name"] for message in made][1:3] == names[1:3]


@pytest.mark.parametrize("nothing", [None, ""])
def test_empty_name_is_left_out(nothing: str | None) -> None:
    """A name that says nothing is not sent."""
    assert sent({"role": "user", "content": "x", "name": nothing}) == [
        {"role": "user", "content": "x"}
    ]
