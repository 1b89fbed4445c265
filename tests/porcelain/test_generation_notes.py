"""test_generation_notes.py - settings, usage and counts as git notes, written and read back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.git import fsck_clean, git
from tests.porcelain.saying import call, unchanged
from tract import LLMConfig, Usage
from tract.errors import BadContent, EntryNotFound, RevisionNotFound, UsageError
from tract.porcelain import behind
from tract.tract import Tract

SETTINGS = {"model": "gpt-4o", "temperature": 0.2}


def note(t: Tract, name: str, commit: str) -> str:
    """The note on a commit, as stock git shows it."""
    return git(t.path, "notes", "--ref", f"tract/{name}", "show", commit)


def noted(t: Tract, name: str) -> list[str]:
    """The commits that have a note, as stock git lists them."""
    return [line.split()[1] for line in git(t.path, "notes", "--ref", f"tract/{name}").split("\n")]


# Settings


def test_settings_are_a_note_on_the_commit(t: Tract) -> None:
    """`generation_config=` becomes a line of the commit's generation note, written with it."""
    info = t.assistant("yes", generation_config=SETTINGS)
    assert note(t, "generation", info.commit_hash) == (
        f'{{"at":"{info.created_at:%Y-%m-%dT%H:%M:%S}.000Z","entry":"{info.entry_id}",'
        '"model":"gpt-4o","temperature":0.2}'
    ).replace(f"{info.created_at:%S}.000Z", note_second(t, info.commit_hash))
    assert info.generation_config == LLMConfig("gpt-4o", 0.2)
    fsck_clean(t.path)


def note_second(t: Tract, commit: str) -> str:
    """The seconds of a note's `at`: the pinned clock ticks between note and commit."""
    return note(t, "generation", commit).split('"')[3].rsplit(":", 1)[1]


def test_settings_come_back(t: Tract) -> None:
    """get, log and show give the settings back, also to another handle."""
    info = t.assistant("yes", generation_config=LLMConfig("m", extra={"user": "ada"}))
    t.user("no")
    with Tract.open(t.path) as other:
        found = other.get(info.commit_hash)
        assert found.generation_config == LLMConfig("m", extra={"user": "ada"})
        assert found == info
        configs = [each.generation_config for each in other.log()]
        assert configs == [None, info.generation_config]
        assert other.show(info.commit_hash).commit.generation_config == info.generation_config


def test_settings_of_a_compiled_context(t: Tract) -> None:
    """`generation_configs` is parallel to the messages."""
    t.user("q")
    t.assistant("a", generation_config=SETTINGS)
    assert t.compile().generation_configs == [None, LLMConfig("gpt-4o", 0.2)]


def test_settings_of_many_answers(t: Tract) -> None:
    """A whole context's settings come from the index where it knows them, and stay true."""
    with t.batch() as b:
        for number in range(40):
            b.assistant(f"{number}", generation_config={"model": f"{number}"})
        assert [c.model for c in b.compile().generation_configs if c] == [*map(str, range(40))]
    for _ in range(2):
        assert [c.model for c in t.compile().generation_configs if c] == [*map(str, range(40))]
    t.edit(3, "x", generation_config={"model": "new"})
    configs = t.compile().generation_configs
    assert [c.model for c in configs[2:5] if c] == ["2", "new", "4"]
    git(t.path, "update-ref", "-d", "refs/notes/tract/generation")
    assert t.compile().generation_configs == [None] * 40


def test_what_says_who_pays_is_left_out(t: Tract) -> None:
    """A key or an address among the settings is kept nowhere."""
    info = t.assistant("a", generation_config={**SETTINGS, "api_key": "sk-1", "base_url": "u"})
    assert info.generation_config == LLMConfig("gpt-4o", 0.2)
    objects = git(t.path, "cat-file", "--batch-all-objects", "--batch")
    assert "sk-1" not in objects


def test_settings_that_cannot_be_kept(t: Tract) -> None:
    """Settings that are none are refused before anything is written."""
    for given in ("gpt-4o", {"temperature": "hot"}, {"x": float("nan")}):
        with pytest.raises(BadContent), unchanged(t):
            t.assistant("a", generation_config=given)


def test_settings_of_which_nothing_is_left(t: Tract) -> None:
    """Settings without one that is kept write no note."""
    for given in ({}, {"api_key": "sk-1"}, LLMConfig()):
        assert t.assistant("a", generation_config=given).generation_config is None
    assert not Path(t.path, "refs", "notes").exists()


def test_note_and_branch_are_one_operation(t: Tract) -> None:
    """The moves of notes and branch carry the same operation."""
    t.assistant("a", generation_config=SETTINGS)
    moves = [
        git(t.path, "reflog", "-1", "--format=%gs", ref)
        for ref in ("refs/notes/tract/generation", "refs/heads/main")
    ]
    assert moves[0] == moves[1]
    assert moves[0].startswith("tract: append #")


def test_edit_keeps_the_settings(t: Tract) -> None:
    """An edited answer still says how it was made, on the new commit, with what it cost."""
    first = t.assistant("a", generation_config=SETTINGS)
    t.record_usage({"prompt_tokens": 3})
    edited = t.edit(0, "b")
    assert (edited.generation_config, edited.usage) == (first.generation_config, Usage(3))
    assert note(t, "generation", edited.commit_hash) == note(t, "generation", first.commit_hash)
    again = t.edit(0, "c")
    assert t.get("HEAD") == again
    assert again.usage == Usage(3)


def test_edit_brings_its_own_settings(t: Tract) -> None:
    """Settings given with an edit take the place of what it would carry along."""
    t.assistant("a", generation_config=SETTINGS)
    t.record_usage({"prompt_tokens": 3})
    edited = t.edit(0, "b", generation_config={"model": "other"})
    assert (edited.generation_config, edited.usage) == (LLMConfig("other"), None)
    assert t.get("HEAD") == edited


def test_edit_to_the_same_text_keeps_new_settings(t: Tract) -> None:
    """Nothing is committed, and the settings are added to the note of the commit that stands."""
    first = t.assistant("a")
    same = t.edit(0, "a", generation_config=SETTINGS)
    assert (same.commit_hash, same.changed) == (first.commit_hash, False)
    assert t.get("HEAD").generation_config == LLMConfig("gpt-4o", 0.2)


# Usage


def test_usage_is_kept_at_once(t: Tract) -> None:
    """What was reported stands in the note when the call returns, and in every later answer."""
    t.user("q")
    info = t.assistant("a", generation_config=SETTINGS)
    reported = {"prompt_tokens": 412, "completion_tokens": 88, "cost_usd": 0.00191}
    told = t.record_usage(reported)
    assert (told.commit_hash, told.usage) == (info.commit_hash, Usage(412, 88, cost_usd=0.00191))
    with Tract.open(t.path) as other:
        found = other.get("HEAD")
    assert (found.usage, found.cost) == (told.usage, 0.00191)
    assert found.generation_config == info.generation_config
    assert len(note(t, "generation", info.commit_hash).split("\n")) == 2


def test_usage_that_is_known_at_once(t: Tract) -> None:
    """`usage=` is kept with the answer, in the same line as its settings."""
    info = t.assistant("a", generation_config=SETTINGS, usage={"prompt_tokens": 3})
    assert (info.usage, info.generation_config) == (Usage(3), LLMConfig("gpt-4o", 0.2))
    assert t.get("HEAD") == info
    assert len(note(t, "generation", info.commit_hash).split("\n")) == 1
    with pytest.raises(BadContent), unchanged(t):
        t.assistant("b", usage={})
    with pytest.raises(UsageError), unchanged(t):
        t.commit("b", operation="edit", response_to=0, usage={"prompt_tokens": 3})


def test_usage_of_an_earlier_answer(t: Tract) -> None:
    """`target` names the answer by entry, slot or commit."""
    info = t.assistant("a")
    t.user("q")
    for number, target in enumerate((0, info.entry_id, info.commit_hash, "HEAD~1")):
        assert target is not None
        told = t.record_usage({"prompt_tokens": number}, target=target)
        assert (told.commit_hash, told.usage) == (info.commit_hash, Usage(number))
    assert t.get(0).usage == Usage(3)
    assert t.get("HEAD").usage is None


def test_usage_of_a_client_s_object(t: Tract) -> None:
    """The object of a provider's client is taken as it is."""
    t.assistant("a")
    assert t.record_usage(SimpleNamespace(input_tokens=5, output_tokens=6)).usage == Usage(5, 6)


def test_usage_without_an_answer(t: Tract) -> None:
    """Nothing to record it for, or no usage, is refused and writes nothing."""
    with pytest.raises(RevisionNotFound):
        t.record_usage({"prompt_tokens": 1})
    t.assistant("a")
    with pytest.raises(EntryNotFound), unchanged(t):
        t.record_usage({"prompt_tokens": 1}, target=7)
    with pytest.raises(BadContent), unchanged(t):
        t.record_usage({})


# Stock git


def test_words_of_somebody_else_in_a_note(t: Tract) -> None:
    """A line that stock git added is kept, and read as nothing."""
    info = t.assistant("a", generation_config=SETTINGS)
    git(t.path, "notes", "--ref", "tract/generation", "append", "-m", "good one", info.commit_hash)
    t.record_usage({"prompt_tokens": 3})
    lines = note(t, "generation", info.commit_hash).split("\n")
    assert "good one" in lines
    assert t.get("HEAD").generation_config == LLMConfig("gpt-4o", 0.2)
    assert t.get("HEAD").usage == Usage(3)


def test_plain_git_log_shows_the_notes(t: Tract) -> None:
    """`git log` without options prints settings and counts under the commit."""
    t.assistant("a", generation_config=SETTINGS)
    t.close()
    said = git(t.path, "log")
    assert "Notes (tract/generation):" in said
    assert '"model":"gpt-4o"' in said
    assert "Notes (tract/tokens):" in said
    assert "5 o200k_base" in said


def test_without_notes_nothing_changes_for_the_model(t: Tract) -> None:
    """Deleting every note loses settings and counts, and changes no compiled context."""
    t.assistant("a", generation_config=SETTINGS)
    before = t.compile().digest
    for name in ("generation", "tokens"):
        git(t.path, "update-ref", "-d", f"refs/notes/tract/{name}")
    assert t.compile().digest == before
    assert t.get("HEAD").generation_config is None


# Token notes


def test_token_notes_are_written_at_close(t: Tract) -> None:
    """Each commit has the number of its own entry, beside the counter's name."""
    infos = [t.user("What is a monad?"), t.assistant(tool_calls=[call()])]
    t.close()
    for info in infos:
        assert note(t, "tokens", info.commit_hash) == f"{info.token_count} o200k_base"
    fsck_clean(t.path)


def test_token_notes_are_written_behind(t: Tract) -> None:
    """While a handle is open they come every 64 commits."""
    for number in range(behind.EVERY):
        assert not Path(t.path, "refs", "notes").exists()
        t.user(f"{number}")
    assert len(noted(t, "tokens")) == behind.EVERY


def test_token_notes_of_a_batch(t: Tract) -> None:
    """A batch writes those of its commits itself, in the same pack."""
    with t.batch() as b:
        for number in range(3):
            b.user(f"{number}")
    assert sorted(noted(t, "tokens")) == sorted(info.commit_hash for info in b.commits)
    assert t.storage().loose_count == 0


def test_killed_handle_s_notes_are_made_up_for(t: Tract) -> None:
    """Commits that a handle left without a count get theirs from the next one that writes some."""
    left = [t.user("1"), t.edit(0, "2")]
    with Tract.open(t.path) as other:
        other.user("3")
    for info in left:
        assert note(t, "tokens", info.commit_hash) == f"{info.token_count} o200k_base"


def test_counts_of_a_counter_of_one_s_own(t: Tract) -> None:
    """Its name stands beside its numbers; a name with a blank is kept nowhere."""

    class Words:
        """Counts words."""

        def __init__(self, name: str) -> None:
            self.name = name

        def count_text(self, text: str) -> int:
            return len(text.split())

        def count_messages(self, messages: list[dict[str, object]]) -> int:
            return sum(len(str(message["content"]).split()) for message in messages)

    with Tract.open(t.path, tokenizer=Words("words")) as words:
        info = words.user("one two three")
    assert note(t, "tokens", info.commit_hash) == "3 words"
    with Tract.open(t.path, tokenizer=Words("my words")) as nameless:
        nameless.user("four")
    assert noted(t, "tokens") == [info.commit_hash]


def test_estimates_are_kept_nowhere(t: Tract, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no tables a count is an estimate, and no note is written."""
    from tract.content import tokens

    monkeypatch.setattr(tokens, "_folders", lambda: ())
    tokens._table_file.cache_clear()
    tokens._load.cache_clear()
    try:
        with Tract.open(t.path) as other:
            other.user("x")
            assert other.status().token_source == "estimate"
        assert not Path(t.path, "refs", "notes").exists()
    finally:
        tokens._table_file.cache_clear()
        tokens._load.cache_clear()


def test_counter_that_fails_costs_nothing_else(t: Tract) -> None:
    """What was written stands, also in a batch, where the program's own counter raises."""

    class Broken:
        """Cannot count."""

        name = "broken"

        def count_text(self, text: str) -> int:
            raise ZeroDivisionError

        def count_messages(self, messages: list[dict[str, object]]) -> int:
            raise ZeroDivisionError

    with Tract.open(t.path, tokenizer=Broken()) as broken:
        broken.user("1")
        with broken.batch() as b:
            b.user("2")
    assert [message["content"] for message in t.compile().to_dicts()] == ["1", "2"]
    assert not Path(t.path, "refs", "notes").exists()


def test_held_token_notes_are_written_later(t: Tract) -> None:
    """A program that holds the ref of token notes holds up neither writes nor a batch."""
    held = Path(t.path, "refs", "notes", "tract", "tokens.lock")
    held.parent.mkdir(parents=True)
    held.write_text("")
    for number in range(behind.EVERY + 3):
        t.user(f"{number}")
    held.unlink()
    t.close()
    assert len(noted(t, "tokens")) == behind.EVERY + 3


def test_newest_report_counts_whatever_the_clock_says(t: Tract) -> None:
    """A report is newer than those before it, with a clock that stands still or goes back."""
    t.assistant("a")
    t.repo.clock = lambda: 1_600_000_000_000
    for number in range(5):
        assert t.record_usage({"prompt_tokens": number}).usage == Usage(number)
    t.repo.clock = lambda: 1_500_000_000_000
    assert t.record_usage({"prompt_tokens": 9}).usage == Usage(9)
    with t.batch() as b:
        for number in range(5):
            b.record_usage({"prompt_tokens": 10 + number})
    assert t.get("HEAD").usage == Usage(14)


def test_edit_takes_along_what_was_reported_meanwhile(t: Tract) -> None:
    """Usage that another handle reports while an edit is under way is not lost."""
    t.assistant("a", generation_config=SETTINGS)
    with t.batch() as b:
        b.edit(0, "b")
        with Tract.open(t.path) as other:
            other.record_usage({"prompt_tokens": 7})
    assert t.get(0).usage == Usage(7)
    assert t.get(0).generation_config == LLMConfig("gpt-4o", 0.2)


def test_counter_that_fails_on_an_old_entry(t: Tract) -> None:
    """What was written stands, without an error, where the counter fails on another entry."""
    t.user("poison")

    class Picky:
        """Cannot count one text."""

        name = "picky"

        def count_text(self, text: str) -> int:
            return 1

        def count_messages(self, messages: list[dict[str, object]]) -> int:
            if any(message["content"] == "poison" for message in messages):
                raise ZeroDivisionError
            return 1

    with Tract.open(t.path, tokenizer=Picky()) as picky:
        for number in range(behind.EVERY + 1):
            picky.user(f"{number}")
        with picky.batch() as b:
            b.user("in a batch")
        with pytest.raises(UsageError, match="Picky"):
            picky.status()
    assert t.compile().commit_count == behind.EVERY + 3
