"""test_verbs.py - the verbs one writes with: what each returns, stores and shows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.git import fsck_clean, git
from tests.porcelain.saying import call, contents, header, paths, unchanged
from tract.errors import BadContent, UsageError
from tract.tract import Tract


def test_commit_info_says_what_was_written(t: Tract) -> None:
    """Every writing verb returns its commit with all that the API lists."""
    first = t.system("Be kind.")
    info = t.user("What is Python?")
    assert info.commit_hash == git(t.path, "rev-parse", "main")
    assert info.parents == (first.commit_hash,)
    assert info.parent_hash == first.commit_hash
    assert first.parent_hash is None
    assert len(str(info.entry_id)) == 16
    assert set(str(info.entry_id)) <= set("klmnopqrstuvwxyz")
    assert (info.slot, info.branch, info.content_type) == (1, "main", "dialogue")
    assert info.blob_id == git(t.path, "rev-parse", "main:000/00/01.user.md")
    assert (info.operation, info.response_to, info.changed) == ("append", None, True)
    assert info.message == "user: What is Python?"
    assert (info.priority, info.metadata, info.author) == ("normal", None, "user")
    assert first.created_at < info.created_at
    assert isinstance(info.token_count, int)


def test_system(t: Tract) -> None:
    """A system prompt is pinned, and said by `system`."""
    info = t.system("Be kind.")
    assert (info.role, info.priority, info.author) == ("system", "pinned", "system")
    assert header(t, "000/00/00.system.md").endswith('"priority":"pinned"}')
    assert contents(t) == ["Be kind."]


def test_user(t: Tract) -> None:
    """A user may have a name; the author stays the role."""
    info = t.user("Hi", name="ada")
    assert info.author == "user"
    assert t.compile().to_dicts() == [{"role": "user", "content": "Hi", "name": "ada"}]
    assert git(t.path, "log", "-1", "--format=%an <%ae>") == "user <user@tract>"


def test_assistant(t: Tract) -> None:
    """An answer is the assistant's, with a name where given."""
    assert t.assistant("Hello", name="bot").role == "assistant"
    assert t.compile().to_dicts() == [{"role": "assistant", "content": "Hello", "name": "bot"}]


def test_assistant_with_calls(t: Tract) -> None:
    """Calls are kept as received, keys in their order; without text the file is a tool-call."""
    asked = {"function": {"arguments": '{ "q": 1 }', "name": "f"}, "type": "function", "id": "c1"}
    info = t.assistant(tool_calls=[asked])
    assert info.message == 'tool-call: f({ "q": 1 })'
    assert paths(t) == ["000/00/00.tool-call.md"]
    said = t.compile().to_dicts()[0]
    assert list(said["tool_calls"][0]) == ["function", "type", "id"]
    assert said == {"role": "assistant", "content": None, "tool_calls": [asked]}


def test_assistant_with_text_and_calls(t: Tract) -> None:
    """With text beside its calls the file is the assistant's."""
    t.assistant("Let me see.", tool_calls=[call()])
    assert paths(t) == ["000/00/00.assistant.md"]
    assert contents(t) == ["Let me see."]


def test_assistant_without_anything_is_refused(t: Tract) -> None:
    """An assistant that neither says nor calls anything is refused; empty text is legal."""
    nothing: tuple[Any, ...] = (None, [], ())
    for calls in nothing:
        with pytest.raises(BadContent):
            t.assistant(tool_calls=calls)
    assert t.assistant("").changed


def test_calls_may_be_a_client_s_objects(t: Tract) -> None:
    """The objects that provider clients return serve as calls."""
    from pydantic import BaseModel

    class Function(BaseModel):
        name: str
        arguments: str
        extra: str | None = None

    class Call(BaseModel):
        id: str
        type: str
        function: Function

    asked = Call(id="c1", type="function", function=Function(name="look_up", arguments="{}"))
    t.assistant(tool_calls=[asked])
    assert t.compile().to_dicts()[0]["tool_calls"] == [call()]


@pytest.mark.parametrize("calls", ["f", {"id": "c"}, b"x", 5])
def test_calls_must_be_a_list(t: Tract, calls: Any) -> None:
    """One call alone, or a text, is no list of calls."""
    with pytest.raises(BadContent), unchanged(t):
        t.assistant("x", tool_calls=calls)


def test_tool_result_is_the_tool_s(t: Tract) -> None:
    """A result is written by its tool, and names it in the subject."""
    t.assistant(tool_calls=[call()])
    info = t.tool_result("c1", "21°", name="look_up", status="ok")
    assert (info.author, info.message) == ("look_up", "tool-result: look_up: 21°")
    assert header(t, "000/00/01.tool-result.md").endswith(
        '"tool_call_id":"c1","tool_name":"look_up","direction":"result","status":"ok"}'
    )
    assert t.compile().to_dicts()[1] == {
        "role": "tool",
        "content": "21°",
        "name": "look_up",
        "tool_call_id": "c1",
    }


def test_tool_result_without_name(t: Tract) -> None:
    """A result whose tool is not named is written by `tool`, and shows no name."""
    t.assistant(tool_calls=[call()])
    assert t.tool_result("c1", "x").author == "tool"
    assert "name" not in t.compile().to_dicts()[1]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"a": 1}, '{"a":1}'),
        ([1, "ü"], '[1,"ü"]'),
        ("{}", "{}"),
        ("", ""),
        (None, "null"),
        (5, "5"),
    ],
)
def test_tool_result_may_be_an_object(t: Tract, given: Any, text: str) -> None:
    """An object is kept as compact JSON, a text as it is."""
    t.assistant(tool_calls=[call()])
    t.tool_result("c1", given)
    assert contents(t)[1] == text


def test_tool_result_is_laid_out_for_git(t: Tract) -> None:
    """JSON stands over several lines in the file, and comes back as it was received."""
    t.assistant(tool_calls=[call()])
    t.tool_result("c1", '{"a": 1, "b": [2]}')
    assert git(t.path, "show", "main:000/00/01.tool-result.md").count("\n") > 5
    assert contents(t)[1] == '{"a": 1, "b": [2]}'


def test_reasoning_is_kept_and_not_shown(t: Tract) -> None:
    """Reasoning is an entry with its signature, and no message."""
    info = t.reasoning("Hm.", signature="sig")
    assert (info.content_type, info.role, info.author) == ("reasoning", None, "assistant")
    assert t.compile().to_dicts() == []
    assert t.entry(0).signature == "sig"
    assert info.token_count > 0


def test_artifact(t: Tract) -> None:
    """An artifact is shown in a fence with its language."""
    t.artifact("print()", artifact_type="file", language="python")
    assert contents(t) == ["```python\nprint()\n```"]
    assert t.entry(0).artifact_type == "file"


def test_handoff(t: Tract) -> None:
    """A handoff is a pinned system message of sections."""
    info = t.handoff(summary="Done.", decisions=["a", "b"], next_steps="rest")
    assert (info.content_type, info.priority, info.role) == ("session", "pinned", "system")
    assert contents(t) == [
        "## Summary\n\nDone.\n\n## Decisions\n\n- a\n- b\n\n## Next steps\n\nrest"
    ]
    assert '"session_type": "handoff"' in t.entry(0).text


@pytest.mark.parametrize("kind", ["start", "end", "handoff", "checkpoint"])
def test_handoff_may_be_any_session(t: Tract, kind: str) -> None:
    """The four session types are taken, another is refused."""
    assert t.handoff(session_type=kind, summary="x").changed
    with pytest.raises(BadContent):
        t.handoff(session_type="lunch")


@pytest.mark.parametrize("text", ["", " ", "\0", "---", "a\r\nb\n\n", "🎉", "<|endoftext|>"])
def test_any_text_is_stored_as_it_is(t: Tract, text: str) -> None:
    """What is said comes back byte for byte, and stock git finds the repository sound."""
    t.user(text)
    t.system(text)
    t.artifact(text)
    assert contents(t)[:2] == [text, text]
    assert t.entry(2).text == text
    fsck_clean(t.path)


@pytest.mark.parametrize("verb", ["system", "user", "assistant", "reasoning", "artifact"])
def test_half_a_character_is_refused(t: Tract, verb: str) -> None:
    """A lone surrogate is BadContent, and nothing is written."""
    with pytest.raises(BadContent), unchanged(t):
        getattr(t, verb)("\ud800")


@pytest.mark.parametrize("verb", ["system", "user", "assistant", "reasoning", "artifact"])
def test_what_cannot_be_kept_yet_is_refused(t: Tract, verb: str) -> None:
    """Options of later versions are a UsageError that says so, not silently dropped."""
    with pytest.raises(UsageError, match="attachments"), unchanged(t):
        getattr(t, verb)("x", attachments=["a.png"])


@pytest.mark.parametrize("verb", ["system", "user", "assistant", "reasoning", "artifact"])
def test_every_verb_takes_the_common_options(t: Tract, verb: str) -> None:
    """message, metadata, author and priority are taken by all."""
    info = getattr(t, verb)(
        "x", message="mine", metadata={"a": [1]}, author="Ada <ada@x.org>", priority="important"
    )
    assert (info.message, info.metadata, info.author) == ("mine", {"a": [1]}, "Ada")
    assert info.priority == "important"
    assert git(t.path, "log", "-1", "--format=%ae") == "ada@x.org"


def test_tool_result_and_handoff_take_them_too(t: Tract) -> None:
    """So do the verbs with arguments of another shape."""
    t.assistant(tool_calls=[call()])
    options: dict[str, Any] = {"message": "mine", "metadata": {"a": 1}, "priority": "skip"}
    for info in (t.tool_result("c1", "x", **options), t.handoff(summary="x", **options)):
        assert (info.message, info.metadata, info.priority) == ("mine", {"a": 1}, "skip")


def test_five_objects_an_append(t: Tract) -> None:
    """An append writes a blob, three trees and a commit; the first one `.gitattributes` too."""

    def count() -> int:
        return int(git(t.path, "count-objects").split()[0])

    t.user("0")
    assert count() == 6
    for number in range(1, 12):
        before = count()
        t.user(f"{number}")
        assert count() == before + 5
