"""test_pairing.py - which result answers which call, and in which order both are shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from tests.content.strategies import conversations
from tract.content.building import from_content
from tract.content.entry import with_fields
from tract.content.formats.openai import from_openai
from tract.content.kinds import DialogueContent
from tract.content.messages import Message, render
from tract.content.pairing import CallAt, check_closed, pair, pending
from tract.errors import UnpairedToolCall


def user(text: str = "hm") -> Message:
    """What somebody says meanwhile."""
    return Message("user", text)


def turn(*calls: tuple[str | None, str] | str) -> Message:
    """An assistant's turn with calls: ids, or (id, name)."""
    made = []
    for call in calls:
        call_id, name = call if isinstance(call, tuple) else (call, "f")
        made.append({"id": call_id, "type": "function", "function": {"name": name}})
    return Message("assistant", "", ("e" * 16,), tool_calls=tuple(made))


def result(call_id: str | None, name: str | None = None) -> Message:
    """The result of a call."""
    return Message("tool", "done", tool_call_id=call_id, name=name)


def test_result_answers_its_call() -> None:
    """A result answers the call of its id."""
    paired = pair([turn("a"), result("a")])
    assert paired.answers == {1: CallAt(0, 0)}
    assert (paired.order, paired.open, paired.orphans) == ([0, 1], [], [])


def test_parallel_results_stand_in_the_order_they_came() -> None:
    """Results of one turn are shown right behind it, in the order in which they came."""
    paired = pair([turn("a", "b", "c"), result("c"), result("a"), result("b")])
    assert paired.answers == {1: CallAt(0, 2), 2: CallAt(0, 0), 3: CallAt(0, 1)}
    assert paired.order == [0, 1, 2, 3]


def test_late_result_moves_to_its_call() -> None:
    """What was said meanwhile is shown after the result, wherever it came in."""
    paired = pair([turn("a", "b"), user(), result("b"), user(), result("a"), user()])
    assert paired.order == [0, 2, 4, 1, 3, 5]


def test_results_of_two_turns_go_to_their_own() -> None:
    """Late results of two turns each stand behind their own turn."""
    paired = pair([turn("a"), turn("b"), result("a"), user(), result("b")])
    assert paired.order == [0, 2, 1, 4, 3]


def test_open_calls_are_listed_in_order() -> None:
    """Calls without result are open, in the order they were made."""
    paired = pair([turn("a", "b"), user(), turn("c"), result("b")])
    assert paired.open == [CallAt(0, 0), CallAt(2, 0)]
    assert paired.order == [0, 3, 1, 2]


def test_id_used_in_two_turns() -> None:
    """A result answers the nearest earlier turn in which its id is unanswered."""
    paired = pair([turn("a"), user(), turn("a"), result("a"), result("a")])
    assert paired.answers == {3: CallAt(2, 0), 4: CallAt(0, 0)}
    assert paired.order == [0, 4, 1, 2, 3]


def test_id_used_again_after_its_answer() -> None:
    """An id may come again once its first call is answered."""
    paired = pair([turn("a"), result("a"), turn("a"), result("a")])
    assert paired.answers == {1: CallAt(0, 0), 3: CallAt(2, 0)}
    assert not paired.open


def test_id_used_twice_in_one_turn() -> None:
    """Inside one turn results answer calls of one id in call order."""
    paired = pair([turn("a", "b", "a"), result("a"), result("a"), result("b")])
    assert paired.answers == {1: CallAt(0, 0), 2: CallAt(0, 2), 3: CallAt(0, 1)}


def test_second_result_is_an_orphan() -> None:
    """A call is answered once; another result for it answers nothing, and stays in its place."""
    paired = pair([turn("a"), result("a"), user(), result("a")])
    assert paired.orphans == [3]
    assert paired.order == [0, 1, 2, 3]


def test_result_before_its_call_is_an_orphan() -> None:
    """A result answers earlier calls only."""
    paired = pair([result("a"), turn("a")])
    assert (paired.orphans, paired.open) == ([0], [CallAt(1, 0)])


def test_result_of_an_unknown_id_is_an_orphan() -> None:
    """A result with an id of no call answers nothing, even while calls without id are open."""
    paired = pair([turn((None, "f")), result("a", "f")])
    assert (paired.orphans, paired.open) == ([1], [CallAt(0, 0)])


@pytest.mark.parametrize("nothing", [None, ""])
def test_result_without_id_answers_the_nearest_call_of_its_name(nothing: str | None) -> None:
    """Without an id the name decides: the nearest earlier unanswered call of that tool."""
    paired = pair([turn(("a", "f")), turn(("b", "f"), ("c", "g")), result(nothing, "f")])
    assert paired.answers == {2: CallAt(1, 0)}
    paired = pair([turn(("a", "f")), turn(("b", "f")), result("b"), result(nothing, "f")])
    assert paired.answers == {2: CallAt(1, 0), 3: CallAt(0, 0)}


def test_calls_of_one_name_in_one_turn_are_answered_in_call_order() -> None:
    """Results without id answer several calls of one tool in one turn from the first on."""
    paired = pair([turn((None, "f"), (None, "f")), result(None, "f"), result(None, "f")])
    assert paired.answers == {1: CallAt(0, 0), 2: CallAt(0, 1)}


@pytest.mark.parametrize("name", [None, "unknown"])
def test_result_without_id_and_name_answers_the_first_call(name: str | None) -> None:
    """Where the name helps nothing either, the first unanswered call is answered."""
    paired = pair([turn("a", "b"), turn("c"), result("a"), result(None, name)])
    assert paired.answers == {2: CallAt(0, 0), 3: CallAt(0, 1)}


def test_result_without_id_and_open_call_is_an_orphan() -> None:
    """A result without id answers nothing when no call is open."""
    assert pair([turn("a"), result("a"), result(None)]).orphans == [2]


def test_result_without_id_takes_a_call_with_id() -> None:
    """A call that a nameless result has answered is not answered again by its id."""
    paired = pair([turn("a"), result(None), result("a")])
    assert (paired.answers, paired.orphans) == ({1: CallAt(0, 0)}, [2])


def test_no_messages() -> None:
    """An empty context has nothing to pair."""
    paired = pair([])
    assert (paired.order, paired.answers, paired.open, paired.orphans) == ([], {}, [], [])


@given(conversations)
def test_pairing_is_whole(records: list[dict[str, Any]]) -> None:
    """Nothing is lost or doubled: each message is shown once, each call and result counted once."""
    messages = [message for record in records if (message := render(from_openai(record)))]
    paired = pair(messages)
    assert sorted(paired.order) == list(range(len(messages)))
    results = {at for at, message in enumerate(messages) if message.role == "tool"}
    assert paired.answers.keys() | set(paired.orphans) == results
    assert not paired.answers.keys() & set(paired.orphans)
    calls = {CallAt(at, n) for at, m in enumerate(messages) for n in range(len(m.tool_calls))}
    assert {*paired.answers.values(), *paired.open} == calls
    assert len(paired.answers) + len(paired.open) == len(calls)


@given(conversations)
def test_order_moves_answers_only(records: list[dict[str, Any]]) -> None:
    """All but answers keeps its order, and answers stand directly behind the turn they answer."""
    messages = [message for record in records if (message := render(from_openai(record)))]
    paired = pair(messages)
    others = [at for at in paired.order if at not in paired.answers]
    assert others == sorted(others)
    behind = -1
    for at in paired.order:
        if at in paired.answers:
            assert paired.answers[at].turn == behind
        else:
            behind = at


def test_pending_call_says_what_is_asked() -> None:
    """An open call is reported with id, name, arguments and the entry that made it."""
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
    content = DialogueContent("assistant", tool_calls=(call, {**call, "id": ""}))
    message = render(with_fields(from_content(content), id="k" * 16))
    assert message is not None
    found = pending(message, 0)
    assert (found.id, found.name, found.arguments) == ("a", "f", '{"x":1}')
    assert found.entry_id == "k" * 16
    assert pending(message, 1).id is None


def test_open_calls_refuse() -> None:
    """Open calls are refused with their names and ids, and the hint says what closes them."""
    message = turn("a", ("b", "g"), (None, "h"))
    with pytest.raises(
        UnpairedToolCall, match=r"3 tool calls .* f \(a\), g \(b\), h \(no id\)"
    ) as e:
        check_closed(pending(message, number) for number in range(3))
    assert e.value.calls == ["a", "b", None]
    assert "cancel_tool_calls" in str(e.value.hint)


def test_no_open_calls_pass() -> None:
    """Where nothing is open nothing is refused."""
    check_closed([])
