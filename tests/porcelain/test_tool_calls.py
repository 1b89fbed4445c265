"""test_tool_calls.py - calls and their results: open, answered, cancelled, out of order, alone."""

from __future__ import annotations

import pytest

from tests.git import fsck_clean
from tests.porcelain.saying import call, calling, contents, result, unchanged, user
from tests.validators.openai_chat import validate
from tract.errors import BadContent, UnpairedToolCall
from tract.tract import Tract


def nameless(name: str = "look_up") -> dict[str, object]:
    """A call without an id."""
    return {"type": "function", "function": {"name": name, "arguments": "{}"}}


def valid(t: Tract) -> bool:
    """Whether the context is a request that OpenAI takes."""
    return validate({"model": "gpt-4o", "messages": t.compile().to_openai()}) == []


def pending(t: Tract) -> list[str | None]:
    """The ids of open calls."""
    return [each.id for each in t.compile().pending_tool_calls]


def test_open_call_is_pending(t: Tract) -> None:
    """A call without result is listed, and provider formats refuse; `to_dicts()` does not."""
    info = t.assistant(tool_calls=[call("c1", "f", '{"a":1}'), call("c2")])
    open_calls = t.compile().pending_tool_calls
    assert [each.id for each in open_calls] == ["c1", "c2"]
    assert (open_calls[0].name, open_calls[0].arguments) == ("f", '{"a":1}')
    assert open_calls[0].entry_id == info.entry_id
    assert t.status().pending_tool_calls == open_calls
    with pytest.raises(UnpairedToolCall) as caught:
        t.compile().to_openai()
    assert caught.value.calls == ["c1", "c2"]
    assert caught.value.exit_code == 5
    assert t.compile().to_dicts() == [calling(call("c1", "f", '{"a":1}'), call("c2"))]


def test_answered_call_is_not_pending(t: Tract) -> None:
    """Once every call has its result, provider formats work."""
    t.assistant(tool_calls=[call("c1"), call("c2")])
    t.tool_result("c2", "2")
    assert pending(t) == ["c1"]
    t.tool_result("c1", "1")
    assert pending(t) == []
    assert valid(t)


def test_late_result_is_shown_behind_its_call(t: Tract) -> None:
    """What was said meanwhile is shown after the result; the parallel lists follow."""
    asked = t.assistant(tool_calls=[call("c1"), call("c2")])
    t.user("meanwhile")
    second = t.tool_result("c2", "2")
    t.user("more")
    first = t.tool_result("c1", "1")
    compiled = t.compile()
    assert contents(t) == [None, "2", "1", "meanwhile", "more"]
    assert compiled.entry_ids[:3] == [asked.entry_id, second.entry_id, first.entry_id]
    assert compiled.commit_hashes[1:3] == [second.commit_hash, first.commit_hash]
    assert valid(t)


@pytest.mark.parametrize("call_id", ["c9", "", None])
def test_result_without_open_call_is_refused(t: Tract, call_id: str | None) -> None:
    """A result for no open call is refused before anything is written."""
    t.user("x")
    with pytest.raises(UnpairedToolCall), unchanged(t):
        t.tool_result(call_id, "x")


def test_result_of_another_id_is_refused_with_the_open_ones(t: Tract) -> None:
    """The hint names the calls that are open."""
    t.assistant(tool_calls=[call("c1")])
    with pytest.raises(UnpairedToolCall, match="c9") as caught, unchanged(t):
        t.tool_result("c9", "x")
    assert "c1" in str(caught.value.hint)
    assert caught.value.calls == ["c9"]


def test_second_result_is_refused(t: Tract) -> None:
    """A call is answered once."""
    t.assistant(tool_calls=[call("c1")])
    t.tool_result("c1", "1")
    with pytest.raises(UnpairedToolCall), unchanged(t):
        t.tool_result("c1", "2")


def test_first_entry_cannot_be_a_result(t: Tract) -> None:
    """In an empty context no call is open."""
    with pytest.raises(UnpairedToolCall):
        t.tool_result("c1", "x")


def test_id_may_be_used_again(t: Tract) -> None:
    """An id comes again in real logs: verbatim in `to_dicts()`, renamed for the provider."""
    for number in range(2):
        t.assistant(tool_calls=[call("c1")])
        t.tool_result("c1", f"{number}")
    assert [m["tool_call_id"] for m in t.compile().to_dicts()[1::2]] == ["c1", "c1"]
    assert [m["tool_call_id"] for m in t.compile().to_openai()[1::2]] == ["c1", "c1-2"]
    assert valid(t)


def test_result_without_id_answers_a_call(t: Tract) -> None:
    """While a call is open, a result without id is taken; the name says which."""
    t.import_messages([calling(nameless("f"), nameless("g"))])
    t.tool_result(None, "g's", name="g")
    assert [each.name for each in t.compile().pending_tool_calls] == ["f"]
    t.tool_result(None, "f's")
    assert valid(t)


@pytest.mark.parametrize("pages", [1, 2, 4])
def test_call_is_found_over_pages(t: Tract, pages: int) -> None:
    """A call many pages back is open still, and answered once."""
    t.assistant(tool_calls=[call("c1")])
    t.import_messages([user(f"{n}") for n in range(pages * 100)])
    t.tool_result("c1", "late")
    assert contents(t)[:2] == [None, "late"]
    with pytest.raises(UnpairedToolCall), unchanged(t):
        t.tool_result("c1", "again")
    assert valid(t)


def test_two_calls_of_one_id_over_pages(t: Tract) -> None:
    """Two open calls of one id on two pages take two results, the nearer one first."""
    t.assistant(tool_calls=[call("c1", "first")])
    t.import_messages([user(f"{n}") for n in range(120)])
    t.assistant(tool_calls=[call("c1", "second")])
    t.tool_result("c1", "2")
    t.tool_result("c1", "1")
    with pytest.raises(UnpairedToolCall):
        t.tool_result("c1", "3")
    assert (contents(t)[1], contents(t)[-1]) == ("1", "2")


# -- cancel


def test_cancel_answers_every_open_call(t: Tract) -> None:
    """Cancelling answers each open call with the reason, a commit each, and ends what was open."""
    t.assistant(tool_calls=[call("c1", "f"), call("c2", "g")])
    t.tool_result("c1", "1")
    t.user("stop")
    t.assistant(tool_calls=[call("c3", "h")])
    made = t.cancel_tool_calls("the user said stop")
    assert [info.message for info in made] == [
        "tool-result: g: the user said stop",
        "tool-result: h: the user said stop",
    ]
    assert t.entry("HEAD").status == "cancelled"
    assert pending(t) == []
    assert valid(t)
    fsck_clean(t.path)


def test_cancel_of_nothing_writes_nothing(t: Tract) -> None:
    """Where no call is open there is nothing to cancel."""
    assert t.cancel_tool_calls() == []
    t.user("x")
    with unchanged(t):
        assert t.cancel_tool_calls() == []


def test_cancel_moves_the_branch_once(t: Tract) -> None:
    """Several results are one move of the branch, named in the reflog."""
    t.assistant(tool_calls=[call("c1"), call("c2")])
    before = t.get("HEAD").commit_hash
    t.cancel_tool_calls()
    assert t.get("main@{1}").commit_hash == before


def test_cancel_of_calls_without_ids(t: Tract) -> None:
    """Calls without id are cancelled too, each once."""
    t.import_messages([calling(nameless(), nameless()), user(), calling(nameless())])
    assert len(t.cancel_tool_calls()) == 3
    assert pending(t) == []
    assert valid(t)


def test_cancel_of_calls_with_and_without_ids(t: Tract) -> None:
    """A call without id is cancelled without taking the answer of a nearer call with one."""
    t.import_messages([calling(nameless()), user(), calling(call("c1"))])
    t.cancel_tool_calls()
    assert pending(t) == []
    assert t.status().warnings == ()


def test_cancel_of_one_id_used_twice(t: Tract) -> None:
    """Two open calls of one id are both cancelled."""
    t.import_messages([calling(call("c1")), user(), calling(call("c1"), call("c1"))])
    assert len(t.cancel_tool_calls()) == 3
    assert pending(t) == []
    assert valid(t)


def test_cancel_refuses_half_a_character(t: Tract) -> None:
    """A reason is content like any other."""
    t.assistant(tool_calls=[call("c1")])
    with pytest.raises(BadContent), unchanged(t):
        t.cancel_tool_calls("\ud800")


# -- results that an import brought


def test_imported_orphan_is_shown_and_named(t: Tract) -> None:
    """An import may bring a result of no call: kept, named by status, sent as a user text."""
    said = [user(), result("zz", "21°", name="weather"), calling(call()), result(), result()]
    t.import_messages(said)
    assert t.compile().to_dicts() == said
    assert len(t.status().warnings) == 2
    assert str(t.entry(1).id) in t.status().warnings[0]
    assert valid(t)
    sent = t.compile().to_openai()
    assert [message["role"] for message in sent] == ["user", "user", "assistant", "tool", "user"]
    assert "weather" in sent[1]["content"]


def test_conversation_with_orphans_goes_on(t: Tract) -> None:
    """No conversation is ever dead: one with orphans takes new entries and calls."""
    t.import_messages([result("zz", "x")])
    t.assistant(tool_calls=[call("zz")])
    t.tool_result("zz", "y")
    assert pending(t) == []
    assert valid(t)
