"""test_compile.py - the compiled context: what would be sent, counted, and told apart."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.git import git
from tests.plumbing.stock import commit_files, entry
from tests.porcelain.saying import EXAMPLES, call, calling, contents, result, user
from tract.content.tokens import EncodingCounter
from tract.errors import BadObject, BadRevision, RevisionNotFound
from tract.testing import PinnedClock, PinnedRandom
from tract.tract import Tract


def digest_of(messages: list[dict[str, Any]], tools: list[Any]) -> str:
    """The digest as API.md writes it down, computed without tract."""

    def one(value: object) -> bytes:
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).digest()

    whole = b"".join(map(one, messages)) + bytes(32) + b"".join(map(one, tools))
    return "1:" + hashlib.sha256(whole).hexdigest()


def talk(t: Tract) -> None:
    """A conversation of many kinds."""
    t.system("Be kind.")
    t.user("ü 🎉", name="ada")
    t.reasoning("hm")
    t.assistant("Let me see.", tool_calls=[call("c1"), call("c2", arguments='{"b":1,"a":2}')])
    t.tool_result("c2", {"degrees": 21.0}, name="weather")
    t.artifact("print()", language="python")
    t.tool_result("c1", "")
    t.handoff(summary="Done.")
    t.user("skipped", priority="skip")


def test_empty_context(t: Tract) -> None:
    """Before the first entry there is nothing to send, and that can be asked for."""
    compiled = t.compile()
    assert (compiled.messages, compiled.to_dicts(), compiled.to_openai()) == ((), [], [])
    assert (compiled.commit_count, compiled.token_counts, compiled.to_text()) == (0, [], "")
    assert (compiled.commit_hashes, compiled.entry_ids, compiled.priorities) == ([], [], [])
    assert (compiled.tools, compiled.pending_tool_calls) == ([], ())
    assert compiled.digest == digest_of([], [])


def test_lists_are_parallel(t: Tract) -> None:
    """Every list of a context has one item a message."""
    talk(t)
    compiled = t.compile()
    assert len(compiled.messages) == compiled.commit_count == 7
    lists = (compiled.entry_ids, compiled.commit_hashes, compiled.priorities, compiled.token_counts)
    assert [len(each) for each in lists] == [7] * 4
    for message, entry_id in zip(compiled.messages, compiled.entry_ids, strict=True):
        assert message.entry_ids == (entry_id,)
    assert compiled.priorities == ["pinned"] + ["normal"] * 5 + ["pinned"]


def test_commit_hashes_are_the_newest_writers(t: Tract) -> None:
    """A message's commit is the newest one that wrote or edited its entry."""
    first, second = t.user("1"), t.user("2")
    edited = t.edit(0, "1!")
    assert t.compile().commit_hashes == [edited.commit_hash, second.commit_hash]
    assert t.compile(at="HEAD~1").commit_hashes == [first.commit_hash, second.commit_hash]


def test_context_never_changes(t: Tract) -> None:
    """A compiled context is of one commit: what is written later does not reach it."""
    t.user("1")
    compiled = t.compile()
    t.edit(0, "2")
    t.user("3")
    assert [message["content"] for message in compiled.to_dicts()] == ["1"]
    assert len(compiled.commit_hashes) == 1


def test_what_is_given_out_is_the_caller_s(t: Tract) -> None:
    """Changing what a call returned changes no later answer."""
    t.assistant(tool_calls=[call()])
    t.tool_result("c1", "x")
    before = json.dumps([t.compile().to_dicts(), t.compile().to_openai()])
    for given in (t.compile().to_dicts(), t.compile().to_openai()):
        given[0]["tool_calls"][0]["function"]["name"] = "changed"
        given[0]["tool_calls"].append("more")
        given.clear()
    t.compile().token_counts.clear()
    assert json.dumps([t.compile().to_dicts(), t.compile().to_openai()]) == before


def test_what_was_given_out_is_never_written(t: Tract) -> None:
    """A change that a caller makes to what a call returned does not reach the repository."""
    t.assistant("x", tool_calls=[call()])
    t.compile().to_dicts()[0]["tool_calls"][0]["function"]["name"] = "changed"
    t.edit(0, "y")
    with Tract.open(t.path) as other:
        assert other.compile().to_dicts() == [calling(call(), content="y")]


def test_digest_is_by_the_formula(t: Tract) -> None:
    """The digest is API.md's formula over `to_dicts()`."""
    talk(t)
    assert t.compile().digest == digest_of(t.compile().to_dicts(), [])


def test_digest_covers_tools(t: Tract) -> None:
    """Tool definitions are compiled in the order of their files, and are in the digest."""
    one, two = {"type": "function", "function": {"name": "b"}}, {"type": "function", "n": 1.5}
    files = {"tools/001.b.json": json.dumps(one), "tools/000.z.json": json.dumps(two, indent=2)}
    commit_files(t.path, files | {"000/00/00.user.md": entry("x", type="dialogue", id="k" * 16)})
    compiled = t.compile()
    assert compiled.tools == [two, one]
    assert compiled.digest == digest_of(compiled.to_dicts(), [two, one])


def test_two_repositories_one_digest(t: Tract, tmp_path: Path) -> None:
    """The same conversation has the same digest anywhere, whatever its ids and times are."""
    talk(t)
    clock, random = PinnedClock(5), PinnedRandom(seed=77)
    with Tract.open(tmp_path / "other", clock=clock, random=random) as other:
        talk(other)
        assert other.compile().entry_ids != t.compile().entry_ids
        assert other.compile().digest == t.compile().digest


@pytest.mark.parametrize("change", ["text", "order", "name", "skip", "append", "role"])
def test_other_context_other_digest(t: Tract, change: str) -> None:
    """Whatever is sent differently has another digest."""
    t.import_messages([user("1", name="a"), user("2")])
    before = t.compile().digest
    changes: dict[str, Any] = {
        "text": lambda: t.edit(0, "1 "),
        "order": lambda: (t.edit(0, "2"), t.edit(1, "1")),
        "name": lambda: t.edit(0, {"content_type": "dialogue", "role": "user", "text": "1"}),
        "skip": lambda: t.edit(0, "1", priority="skip"),
        "append": lambda: t.user(""),
        "role": lambda: t.edit(0, {"content_type": "instruction", "text": "1", "name": "a"}),
    }
    changes[change]()
    assert t.compile().digest != before


def test_pin_changes_no_digest(t: Tract) -> None:
    """What is not sent (priority, metadata) is not in the digest."""
    t.user("1")
    before = t.compile().digest
    t.edit(0, "1", priority="pinned", metadata={"a": 1})
    assert t.compile().digest == before


# -- tokens


def test_counts_add_up(t: Tract) -> None:
    """A context counts the sum of its messages and 3; each entry's commit says its part."""
    talk(t)
    compiled = t.compile()
    assert compiled.token_count == sum(compiled.token_counts) + 3
    assert compiled.token_count == EncodingCounter().count_messages(compiled.to_dicts())
    by_entry = {info.entry_id: info.token_count for info in t.log(20)}
    assert [by_entry[entry_id] for entry_id in compiled.entry_ids] == compiled.token_counts
    assert compiled.token_source == "tiktoken:o200k_base"


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.json*")))
def test_examples_count_by_the_rule(t: Tract, name: str) -> None:
    """A real conversation counts what the published rule says of its messages."""
    t.import_file(EXAMPLES / name)
    compiled = t.compile()
    assert compiled.token_count == EncodingCounter().count_messages(compiled.to_dicts())


@pytest.mark.parametrize("tokenizer", ["cl100k_base", "gpt-4"])
def test_tokenizer_is_chosen_at_open(t: Tract, tokenizer: str) -> None:
    """A handle counts with the tokenizer it was opened with, and says which."""
    t.user("تبولة 🎉")
    with Tract.open(t.path, tokenizer=tokenizer) as other:
        assert other.compile().token_source == "tiktoken:cl100k_base"
        expected = EncodingCounter("cl100k_base").count_messages(t.compile().to_dicts())
        assert other.compile().token_count == other.status().token_count == expected
        assert other.compile().token_count != t.compile().token_count


def test_counter_of_one_s_own(t: Tract) -> None:
    """A counter object counts everything, and its name is the source."""

    class Words:
        name = "words"

        def count_text(self, text: str) -> int:
            return len(text.split())

        def count_messages(self, messages: list[dict[str, Any]]) -> int:
            return 100 + sum(self.count_text(str(message["content"])) for message in messages)

    t.user("one two three")
    with Tract.open(t.path, tokenizer=Words()) as other:
        compiled = other.compile()
        assert (compiled.token_count, compiled.token_counts) == (103, [3])
        assert (compiled.token_source, other.get("HEAD").token_count) == ("words", 3)


# -- at


def test_compile_at_a_commit(t: Tract) -> None:
    """`at` gives the context as it was then, edits undone, tokens and digest too."""
    t.user("1")
    then = t.compile()
    t.user("2")
    t.edit(0, "1!")
    at = t.compile(at="HEAD~2")
    assert (at.to_dicts(), at.digest, at.token_count) == (
        then.to_dicts(),
        then.digest,
        then.token_count,
    )
    assert contents(t, at="HEAD~1") == ["1", "2"]


def test_compile_at_nothing(t: Tract) -> None:
    """A revision that is not there, or is none, is refused."""
    t.user("1")
    with pytest.raises(RevisionNotFound):
        t.compile(at="nothing")
    with pytest.raises(BadRevision):
        t.compile(at="")


def test_unreadable_entry_is_named(t: Tract) -> None:
    """An entry that cannot be read is BadObject with its path; older commits still compile."""
    t.user("1")
    commit_files(t.path, {"000/00/01.user.md": "---\nbroken\n---\nx\n"})
    with pytest.raises(BadObject, match=r"000/00/01\.user\.md"):
        t.compile()
    assert contents(t, at="HEAD~1") == ["1"]
    commit_files(t.path, {"000/00/01.user.md": None})
    assert contents(t) == ["1"]


def test_broken_tool_is_named(t: Tract) -> None:
    """A tool definition that is no JSON is BadObject with its path."""
    commit_files(t.path, {"tools/000.f.json": "{broken"})
    with pytest.raises(BadObject, match=r"tools/000\.f\.json"):
        t.compile()


# -- for people and for OpenAI


def test_to_text(t: Tract) -> None:
    """The context for people names who speaks, and what is called."""
    t.import_messages([user("hi", name="ada"), calling(call()), result(content="21°")])
    assert t.compile().to_text() == "[user ada]\nhi\n\n[assistant]\n→ look_up({})\n\n[tool]\n21°"


def test_to_openai_of_every_kind(t: Tract) -> None:
    """Every kind is sent in its role; what was skipped or is reasoning is not."""
    talk(t)
    roles = [message["role"] for message in t.compile().to_openai()]
    assert roles == ["system", "user", "assistant", "tool", "tool", "assistant", "system"]


def test_stock_git_s_changes_are_seen_at_once(t: Tract) -> None:
    """What stock git commits between two calls is in the next one."""
    t.user("1")
    commit_files(t.path, {"000/00/01.user.md": "by hand\n"})
    assert contents(t) == ["1", "by hand"]
    git(t.path, "update-ref", "refs/heads/main", "main~1")
    assert contents(t) == ["1"]
