"""test_edit.py - an entry says something else: what changes, what stays, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.git import fsck_clean, git
from tests.plumbing.stock import commit_files, entry
from tests.porcelain.saying import call, calling, contents, header, paths, result, unchanged
from tract import (
    ArtifactContent,
    DialogueContent,
    InstructionContent,
    OutputContent,
    ToolIOContent,
)
from tract.errors import (
    BadContent,
    UsageError,
)
from tract.tract import Tract


def test_edit_by_a_text(t: Tract) -> None:
    """The entry's place and id stay; what it says is new."""
    t.system("Be kind.")
    asked = t.user("What is Pyhton?")
    t.assistant("A language.")
    info = t.edit(str(asked.entry_id), "What is Python?")
    assert (info.operation, info.slot, info.entry_id) == ("edit", 1, asked.entry_id)
    assert info.changed
    assert info.message == "user: What is Python?"
    assert contents(t) == ["Be kind.", "What is Python?", "A language."]
    fsck_clean(t.path)


def test_history_stays(t: Tract) -> None:
    """What was said before the edit is still what the earlier commit says."""
    asked = t.user("old")
    t.edit(str(asked.entry_id), "new")
    assert contents(t, at="HEAD~1") == ["old"]
    assert contents(t) == ["new"]
    assert git(t.path, "log", "--oneline", "--", "000/00/00.user.md").count("\n") == 1


def test_edit_of_an_edit_edits_the_entry(t: Tract) -> None:
    """Naming the commit of an edit means the entry that it edited."""
    asked = t.user("1")
    first = t.edit(asked.commit_hash, "2")
    second = t.edit(first.commit_hash, "3")
    assert second.entry_id == asked.entry_id
    assert (contents(t), len(paths(t))) == (["3"], 1)


@pytest.mark.parametrize("named", ["id", "abbreviated", "slot", "commit", "branch", "back"])
def test_every_target_serves(t: Tract, named: str) -> None:
    """An entry is named by its id, its slot, or a revision that wrote it alone."""
    asked = t.user("old")
    targets: dict[str, Any] = {
        "id": asked.entry_id,
        "abbreviated": str(asked.entry_id)[:6],
        "slot": 0,
        "commit": asked.commit_hash[:8],
        "branch": "main",
        "back": "HEAD~0",
    }
    assert t.edit(targets[named], "new").entry_id == asked.entry_id
    assert contents(t) == ["new"]


def test_edit_to_the_same_text_writes_nothing(t: Tract) -> None:
    """Saying what is said already changes nothing, and returns the commit that set it."""
    asked = t.user("x")
    t.user("y")
    with unchanged(t):
        info = t.edit(str(asked.entry_id), "x")
    assert not info.changed
    assert info.commit_hash == asked.commit_hash


def test_edit_to_the_same_content_writes_nothing(t: Tract) -> None:
    """The same holds for a content, and returns the newest edit where there was one."""
    t.artifact("x", language="python")
    edited = t.edit(0, ArtifactContent("y", language="python"))
    with unchanged(t):
        info = t.edit(0, {"content_type": "artifact", "content": "y", "language": "python"})
    assert (info.changed, info.commit_hash) == (False, edited.commit_hash)


def test_same_text_keeps_a_signature(t: Tract) -> None:
    """An edit to the same text writes nothing, and so drops no signature either."""
    t.reasoning("hm", signature="sig")
    with unchanged(t):
        assert not t.edit(0, "hm").changed
    assert t.entry(0).signature == "sig"


def test_same_text_keeps_what_an_import_kept(t: Tract) -> None:
    """An edit to the same text keeps the provider's fields: nothing is written."""
    said = {"role": "developer", "content": "x", "weight": 0}
    t.import_messages([said])
    with unchanged(t):
        assert not t.edit(0, "x").changed
    assert t.compile().to_dicts() == [said]


def test_text_drops_what_described_the_old_one(t: Tract) -> None:
    """A new text drops parts, signature, provider and the exact role of the old one."""
    part = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
    t.import_messages([{"role": "developer", "content": [part, part], "weight": 0}])
    t.edit(0, "b")
    assert t.compile().to_dicts() == [{"role": "system", "content": "b"}]
    assert t.entry(0).parts is None


@pytest.mark.parametrize("key", ["metadata", "at", "priority", "name"])
def test_text_keeps_what_is_the_entry_s(t: Tract, key: str) -> None:
    """Metadata, the time said, the priority and the name are the entry's, not the text's."""
    content = DialogueContent("user", "old", "ada")
    t.commit(content, metadata={"a": 1}, at="2026-01-02T03:04:05.678Z", priority="important")
    before = getattr(t.entry(0), key)
    t.edit(0, "new")
    assert getattr(t.entry(0), key) == before is not None


def test_hand_made_keys_survive(t: Tract) -> None:
    """Reserved keys that nothing uses yet, and unknown ones, survive an edit byte for byte."""
    keys: dict[str, Any] = {
        "type": "dialogue",
        "role": "user",
        "id": "k" * 16,
        "priority": "important",
        "retain": "the dates",
        "retain_match": ["20.."],
        "cache": True,
        "external": {"url": "x"},
        "later": {"a": [1, 2.5]},
    }
    commit_files(t.path, {"000/00/00.user.md": entry("old", **keys)})
    before = header(t, "000/00/00.user.md")
    t.edit("k" * 16, "new")
    assert header(t, "000/00/00.user.md") == before


# -- role and kind


def test_role_and_kind_may_change(t: Tract) -> None:
    """An edit by a content may change role and kind; the file is renamed, place and id stay."""
    asked = t.user("x")
    for content, label in [
        (DialogueContent("assistant", "x"), "assistant"),
        (InstructionContent("x"), "system"),
        (OutputContent("x", "md"), "output"),
        ({"content_type": "freeform", "payload": {"a": 1}}, "freeform"),
        ({"content_type": "session", "session_type": "end"}, "session"),
    ]:
        info = t.edit(str(asked.entry_id), content)
        assert (info.slot, info.entry_id, info.priority) == (0, asked.entry_id, "normal")
        assert paths(t) == [f"000/00/00.{label}.md"]
    fsck_clean(t.path)


def test_call_keeps_its_calls_under_a_new_text(t: Tract) -> None:
    """A text given to a bare call stands beside it; the file is the assistant's then."""
    t.assistant(tool_calls=[call()])
    t.edit(0, "Let me see.")
    assert paths(t) == ["000/00/00.assistant.md"]
    assert t.compile().to_dicts() == [calling(call(), content="Let me see.")]
    assert t.edit(0, "").message == "tool-call: look_up({})"
    assert paths(t) == ["000/00/00.tool-call.md"]


def test_call_and_result_may_not_become_anything_else(t: Tract) -> None:
    """An edit may not tear a call from its result, whichever is edited."""
    t.assistant(tool_calls=[call()])
    t.tool_result("c1", "x")
    t.user("y")
    forbidden = [
        (0, DialogueContent("assistant", "x")),
        (0, ToolIOContent(payload="x", tool_call_id="c1")),
        (1, DialogueContent("user", "x")),
        (1, ToolIOContent(payload="x", tool_call_id="c2")),
        (2, ToolIOContent(payload="x", tool_call_id="c1")),
        (2, DialogueContent("assistant", tool_calls=(call("c2"),))),
        (0, DialogueContent("assistant", tool_calls=(call("c2"),))),
    ]
    for target, content in forbidden:
        with pytest.raises(BadContent), unchanged(t):
            t.edit(target, content)


def test_result_is_edited_as_a_result(t: Tract) -> None:
    """A result may say something else, as text or as an object, and answers its call still."""
    t.import_messages([calling(call()), result(name="look_up")])
    t.edit(1, '{"a": 1}')
    assert contents(t)[1] == '{"a": 1}'
    t.edit(1, ToolIOContent(payload={"b": 2}))
    assert t.compile().to_dicts()[1] == result(content='{"b":2}', name="look_up")
    assert t.compile().pending_tool_calls == ()


def test_arguments_of_a_call_may_change(t: Tract) -> None:
    """A call may be edited as long as its id stays."""
    t.import_messages([calling(call()), result()])
    t.edit(0, DialogueContent("assistant", tool_calls=(call(arguments='{"a":1}'),)))
    assert t.compile().to_dicts()[0] == calling(call(arguments='{"a":1}'))
    assert t.compile().to_openai()


# -- options


def test_priority_skip_leaves_it_out(t: Tract) -> None:
    """An edit may take an entry out of what is shown, and back in."""
    t.user("a")
    t.user("b")
    t.edit(0, "a", priority="skip")
    assert contents(t) == ["b"]
    t.edit(0, "A")
    assert contents(t) == ["b"]
    assert t.edit(0, "A", priority="pinned").priority == "pinned"
    assert contents(t) == ["A", "b"]


def test_skipped_result_leaves_its_call_open(t: Tract) -> None:
    """A call whose result is skipped is open again."""
    t.import_messages([calling(call()), result()])
    t.edit(1, "done", priority="skip")
    assert [pending.id for pending in t.compile().pending_tool_calls] == ["c1"]


def test_options_of_an_edit(t: Tract) -> None:
    """message, metadata and author are the edit's; the entry takes the metadata."""
    t.user("x", metadata={"a": 1})
    info = t.edit(0, "y", message="typo", metadata={"b": 2}, author="Ada <ada@x>")
    assert (info.message, info.metadata, info.author) == ("typo", {"b": 2}, "Ada")
    assert t.entry(0).metadata == {"b": 2}


def test_metadata_alone_is_a_change(t: Tract) -> None:
    """New metadata on the same text is written."""
    t.user("x")
    assert t.edit(0, "x", metadata={"a": 1}).changed
    assert t.entry(0).metadata == {"a": 1}


@pytest.mark.parametrize(
    "options", [{"priority": "high"}, {"message": "a\0"}, {"author": ""}, {"metadata": [1]}]
)
def test_bad_option_writes_nothing(t: Tract, options: dict[str, Any]) -> None:
    """An option that is refused leaves the entry as it was."""
    t.user("x")
    with pytest.raises(UsageError), unchanged(t):
        t.edit(0, "y", **options)
