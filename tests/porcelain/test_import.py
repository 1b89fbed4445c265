"""test_import.py - conversations come in: what is kept of them, and where it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from tests.content.strategies import conversations
from tests.git import fsck_clean, git
from tests.porcelain.saying import (
    EXAMPLES,
    call,
    calling,
    contents,
    header,
    result,
    user,
)
from tests.validators.openai_chat import validate
from tract.tract import Tract

TALK = [
    {"role": "system", "content": "Be kind."},
    user("hi"),
    {"role": "assistant", "content": "ho"},
]


def test_a_commit_a_message(t: Tract) -> None:
    """Every message is a commit, in order, on the current branch; the branch moves once."""
    (found,) = t.import_messages(TALK)
    assert (found.branch, found.error) == ("main", None)
    assert [info.message for info in found.commits] == [
        "system: Be kind.",
        "user: hi",
        "assistant: ho",
    ]
    assert [info.commit_hash for info in t.log()][::-1] == [c.commit_hash for c in found.commits]
    assert t.compile().to_dicts() == TALK
    assert git(t.path, "log", "-g", "--format=%gs", "main").count("\n") == 0
    assert git(t.path, "log", "-g", "--format=%gs", "main").startswith("tract: import #")
    fsck_clean(t.path)


def test_commits_say_how_they_came(t: Tract) -> None:
    """An imported commit keeps the operation append, and says `Tract-Via: import`."""
    t.import_messages(TALK)
    keys = "%(trailers:key=Tract-Operation,valueonly) %(trailers:key=Tract-Via,valueonly)"
    shown = git(t.path, "log", f"--format={keys}").split()
    assert shown == ["append", "import"] * 3


def test_import_goes_on_where_the_branch_is(t: Tract) -> None:
    """One conversation goes onto what is there already."""
    t.user("before")
    t.import_messages(TALK)
    assert contents(t) == ["before", "Be kind.", "hi", "ho"]


def test_roles_become_kinds(t: Tract) -> None:
    """The exact role comes back, whatever kind it became."""
    said = [
        {"role": "developer", "content": "a"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}},
        {"role": "function", "name": "f", "content": "b"},
    ]
    t.import_messages(said)
    assert [t.entry(n).type for n in range(3)] == ["instruction", "dialogue", "tool_io"]
    assert t.compile().to_dicts() == said


@pytest.mark.parametrize("given", ["text", "bytes", "tuple", "objects"])
def test_messages_may_be_given_in_many_ways(t: Tract, given: str) -> None:
    """Python values, JSON text or bytes, and a client's objects serve."""
    from pydantic import BaseModel

    class Said(BaseModel):
        role: str
        content: str
        refusal: str | None = None

    ways: dict[str, Any] = {
        "text": json.dumps(TALK),
        "bytes": json.dumps(TALK).encode(),
        "tuple": tuple(TALK),
        "objects": [Said.model_validate(message) for message in TALK],
    }
    t.import_messages(ways[given])
    assert t.compile().to_dicts() == TALK


def test_record_s_other_keys_are_kept(t: Tract, tmp_path: Path) -> None:
    """Other keys of a record are the first entry's metadata, with file name and line."""
    file = tmp_path / "talk.jsonl"
    record = {"id": "a", "task": {"x": [1]}, "reward": 0.5, "messages": TALK}
    file.write_text(json.dumps(record) + "\n")
    t.import_file(file)
    expected = {"id": "a", "task": {"x": [1]}, "reward": 0.5, "file": "talk.jsonl", "line": 1}
    assert t.entry(0).metadata == {"import": expected}
    assert t.entry(1).metadata is None


def test_single_messages_keep_file_and_line(t: Tract, tmp_path: Path) -> None:
    """A file of single messages is known by its name."""
    file = tmp_path / "talk.jsonl"
    file.write_text("\n".join(map(json.dumps, TALK)))
    t.import_file(str(file))
    assert t.entry(0).metadata == {"import": {"file": "talk.jsonl", "line": 1}}


def test_messages_alone_have_no_metadata(t: Tract) -> None:
    """A list of messages from a program brings no metadata."""
    t.import_messages(TALK)
    assert t.entry(0).metadata is None


def test_record_s_model_is_the_assistant_s_name(t: Tract) -> None:
    """The record's `model` is the author of what the assistant said, and of nothing else."""
    t.import_messages({"model": "gpt-4o", "messages": TALK})
    assert git(t.path, "log", "--format=%an <%ae>").splitlines() == [
        "gpt-4o <assistant@tract>",
        "user <user@tract>",
        "system <system@tract>",
    ]


@pytest.mark.parametrize("model", [None, "", 5, ["gpt"], "<>", "a\nb"])
def test_odd_model_is_no_harm(t: Tract, model: Any) -> None:
    """A model that is no name leaves the role's."""
    t.import_messages({"model": model, "messages": TALK})
    assert t.compile().to_dicts() == TALK
    fsck_clean(t.path)


def test_pending_call_is_kept_open(t: Tract) -> None:
    """A conversation that ends on a call is imported, with the call open."""
    t.import_messages([user(), calling(call())])
    assert [each.id for each in t.compile().pending_tool_calls] == ["c1"]


def test_parts_are_kept(t: Tract) -> None:
    """A list of texts is one entry whose parts say where each begins."""
    part = {"type": "text", "text": "ä"}
    t.import_messages([user([part, {**part, "cache_control": {"type": "ephemeral"}}])])  # type: ignore[arg-type]
    assert t.entry(0).text == "ää"
    assert '"parts":[{"text":2},{"text":2}]' in header(t, "000/00/00.user.md")


def test_results_in_both_dump_styles(t: Tract) -> None:
    """Results that are JSON come back in the style in which each was dumped."""
    said = [calling(call("a"), call("b")), result("a", '{"x":[1]}'), result("b", '{"x": [1]}')]
    t.import_messages(said)
    assert t.compile().to_dicts() == said
    assert '"json":"compact"' in header(t, "000/00/01.tool-result.md")
    assert '"json":"spaced"' in header(t, "000/00/02.tool-result.md")


@settings(max_examples=15)
@given(conversations)
def test_anything_comes_back(records: list[dict[str, Any]]) -> None:
    """Whatever is imported comes back: the same messages, results behind their calls."""
    with Tract.open(":memory:") as t:
        t.import_messages(records)
        shown = [json.dumps(message, sort_keys=True) for message in t.compile().to_dicts()]
        assert sorted(shown) == sorted(json.dumps(record, sort_keys=True) for record in records)
        t.cancel_tool_calls()
        assert validate({"model": "gpt-4o", "messages": t.compile().to_openai()}) == []


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.json*")))
def test_example_comes_back(t: Tract, name: str) -> None:
    """Each conversation in examples/data comes back exactly, and is valid once it is closed."""
    (found,) = t.import_file(EXAMPLES / name)
    assert found.error is None
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    if name == "changed-system-prompt.jsonl":
        expected = [json.loads(line) for line in text.splitlines()]
    else:
        whole = json.loads(text)
        expected = whole["messages"] if isinstance(whole, dict) else whole
    assert t.compile().to_dicts() == expected
    t.cancel_tool_calls()
    assert validate({"model": "gpt-4o", "messages": t.compile().to_openai()}) == []
    fsck_clean(t.path)


def test_example_with_an_id_used_twice(t: Tract) -> None:
    """The support case uses an id twice: verbatim for us, renamed for OpenAI."""
    t.import_file(EXAMPLES / "support-case.jsonl")
    twice = "call_Wm4nTq0cXz81LdYbRk7sHv2P"
    said = json.dumps(t.compile().to_dicts())
    assert said.count(f'"{twice}"') == 4
    sent = json.dumps(t.compile().to_openai())
    assert (sent.count(f'"{twice}"'), sent.count(f'"{twice}-2"')) == (2, 2)
    assert len(t.compile().messages) == 60


def test_example_with_an_open_call(t: Tract) -> None:
    """The open example ends on its call."""
    t.import_file(EXAMPLES / "open-tool-call.json")
    found = t.compile().pending_tool_calls
    assert [each.id for each in found] == ["call_M8dKpZ3uFxC6VgYn1TaRwQ4S"]
