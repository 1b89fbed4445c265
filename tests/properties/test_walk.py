"""test_walk.py - walks of random operations against a plain model, each judged by stock git.

A step is what a program, a second program, or somebody with stock git may do next. After every
step the compiled context is the model's; at the end of a walk so is every commit of the log, and
`git fsck --strict` has nothing to say.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.git import fsck_clean, git, git_bytes
from tests.plumbing.stock import commit_files
from tests.properties.model import Model, Record
from tests.validators.openai_chat import validate
from tract import LLMConfig, Usage
from tract.content.codec import derived_id
from tract.content.tokens import EncodingCounter
from tract.errors import BadContent, UnpairedToolCall
from tract.plumbing import upkeep
from tract.testing import PinnedClock, PinnedRandom
from tract.tract import Tract

TEXTS = (
    "",
    "hi",
    "two\nlines\n",
    "---\nx",
    "🎉 ü",
    "\0",
    "a\r\n",
    "<|endoftext|>",
    "x" * 300,
    "{}",
)
PAYLOADS = ('{"a": 1, "b": [2]}', '{"a":1}', "plain", "", "[1,2", '{"x": "\\u00e9"}')
CALL_IDS = ("c1", "c2", "c3")


class Walk:
    """One walk: the repository, the handle in hand, the model, and the dice."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        self.pinned: dict[str, Any] = {"clock": PinnedClock(), "random": PinnedRandom(seed)}
        self.path = folder / ".tract"
        self.t = Tract.open(self.path, **self.pinned)
        self.model = Model()
        self.settings: dict[str, str] = {}
        self.usage: dict[str, int] = {}

    def reopen(self) -> None:
        """Close the handle, or kill it in thought, and open another one."""
        if self.dice.random() < 0.5:
            self.t.close()
        self.t = Tract.open(self.path, **self.pinned)

    # -- saying something

    def say(self) -> None:
        """Append an entry of any kind that is no tool's."""
        text = self.dice.choice(TEXTS)
        skipped = self.dice.random() < 0.1
        options: dict[str, Any] = {"priority": "skip"} if skipped else {}
        verb, role, content = self.dice.choice(
            [
                ("user", "user", text),
                ("assistant", "assistant", text),
                ("system", "system", text),
                ("reasoning", None, text),
                ("artifact", "assistant", self.fenced(text)),
            ]
        )
        info = getattr(self.t, verb)(text, **options)
        record = {"role": role, "content": content} if role else None
        self.model.append(info.entry_id, record, info.commit_hash, skipped)

    @staticmethod
    def fenced(text: str) -> str:
        """An artifact as it is shown; no text here holds a fence of its own."""
        return f"```\n{text}{'' if text.endswith(chr(10)) or not text else chr(10)}```"

    def call(self) -> None:
        """Call tools, under ids that come again and again."""
        ids = [self.dice.choice(CALL_IDS) for _ in range(self.dice.randint(1, 3))]
        text = self.dice.choice(["", "let me see"])
        calls = [
            {"id": call_id, "type": "function", "function": {"name": "f", "arguments": "{}"}}
            for call_id in ids
        ]
        info = self.t.assistant(text or None, tool_calls=calls)
        record = {"role": "assistant", "content": text or None, "tool_calls": calls}
        self.model.append(str(info.entry_id), record, info.commit_hash, False)

    def answer(self) -> None:
        """Answer a call; refused where none of that id is open."""
        call_id, payload = self.dice.choice(CALL_IDS), self.dice.choice(PAYLOADS)
        if call_id not in self.model.open_calls():
            with pytest.raises(UnpairedToolCall):
                self.t.tool_result(call_id, payload)
            return
        info = self.t.tool_result(call_id, payload)
        record = {"role": "tool", "content": payload, "tool_call_id": call_id}
        self.model.append(str(info.entry_id), record, info.commit_hash, False)

    def cancel(self) -> None:
        """Cancel whatever is open."""
        made = self.t.cancel_tool_calls("stop")
        for call_id, info in zip(self.model.open_calls(), made, strict=True):
            record = {"role": "tool", "content": "stop", "name": "f", "tool_call_id": call_id}
            self.model.append(str(info.entry_id), record, info.commit_hash, False)
        assert self.model.open_calls() == []

    def bring(self) -> None:
        """Import a few messages, a result of no call among them."""
        records: list[Record] = [{"role": "user", "content": t} for t in self.dice.sample(TEXTS, 2)]
        if self.dice.random() < 0.3:
            records.append({"role": "tool", "tool_call_id": "zz", "content": "late"})
        if self.dice.random() < 0.1:
            records *= 40
        (found,) = self.t.import_messages(records)
        for record, info in zip(records, found.commits, strict=True):
            self.model.append(str(info.entry_id), record, info.commit_hash, False)

    def bring_damage(self) -> None:
        """Import what cannot be: nothing changes."""
        with pytest.raises(BadContent):
            self.t.import_messages([{"role": "user", "content": "x"}, {"role": "boss"}])

    # -- saying it otherwise

    def edit(self) -> None:
        """Edit some entry by a text."""
        if not self.model.entries:
            return
        slot, text = self.dice.randrange(len(self.model.entries)), self.dice.choice(TEXTS)
        said = self.model.entries[slot]
        targets: list[str | int] = [slot, said.entry_id, said.entry_id[:9]]
        target = self.dice.choice(targets)
        info = self.t.edit(target, text)
        if not info.changed:
            return
        self.model.change(slot, info.commit_hash, record=self.edited(said.record, text, slot))

    def edited(self, record: Record | None, text: str, slot: int) -> Record | None:
        """What an entry is shown as once it says something else."""
        if record is None:
            return None
        if self.t.entry(slot).type == "artifact":
            text = self.fenced(text)
        if record.get("tool_calls"):
            return record | {"content": text or None}
        return record | {"content": text}

    def skip(self) -> None:
        """Take an entry out of what is shown, or back in."""
        if not self.model.entries:
            return
        slot = self.dice.randrange(len(self.model.entries))
        said = self.model.entries[slot]
        priority = "normal" if said.skipped else "skip"
        info = self.t.edit(said.entry_id, self.t.entry(slot).text, priority=priority)
        if info.changed:
            self.model.change(slot, info.commit_hash, skipped=not said.skipped)

    # -- how it was made, and what it cost

    def generate(self) -> None:
        """Append an answer with the settings it was made with."""
        name = f"model-{self.dice.randrange(5)}"
        info = self.t.assistant("made", generation_config={"model": name, "api_key": "sk-secret"})
        record = {"role": "assistant", "content": "made"}
        self.model.append(str(info.entry_id), record, info.commit_hash, False)
        self.settings[str(info.entry_id)] = name

    def report(self) -> None:
        """Report what some answer cost, perhaps again."""
        if self.settings:
            target, tokens = self.dice.choice(sorted(self.settings)), self.dice.randrange(1000)
            assert self.t.record_usage({"prompt_tokens": tokens}, target=target).usage is not None
            self.usage[target] = tokens

    # -- batches

    def batch(self) -> None:
        """Take several steps as one."""
        steps = self.dice.choices(IN_A_BATCH, k=self.dice.randint(1, 8))
        outer = self.t
        with outer.batch() as inner:
            self.t = inner
            for step in steps:
                step(self)
            self.check()
            self.t = outer

    def abandoned(self) -> None:
        """Give a batch up: it is as if it had never been."""
        outer, before = self.t, git(self.path, "for-each-ref")
        kept = copy.deepcopy((self.model, self.settings, self.usage))
        with contextlib.suppress(ZeroDivisionError), outer.batch() as inner:
            self.t = inner
            for step in self.dice.choices(IN_A_BATCH, k=3):
                step(self)
            self.t = outer
            raise ZeroDivisionError
        self.model, self.settings, self.usage = kept
        assert git(self.path, "for-each-ref") == before

    def overtaken(self) -> None:
        """Somebody else writes while a batch of appends is open: it lands behind them."""
        records: list[Record] = [{"role": "user", "content": t} for t in self.dice.sample(TEXTS, 3)]
        with self.t.batch() as inner:
            for record in records:
                inner.user(record["content"])
            self.second_handle()
        for record, info in zip(records, inner.commits, strict=True):
            self.model.append(str(info.entry_id), record, info.commit_hash, False)

    # -- what happens to the files

    def consolidate(self) -> None:
        """Our own upkeep packs whatever is loose, and folds packs."""
        upkeep.consolidate(self.t.repo, loose_max=1)
        upkeep.fold(self.t.repo)

    def stock_upkeep(self) -> None:
        """Stock git packs, and throws away what nothing reaches."""
        how = self.dice.choice([("gc", "--quiet", "--prune=now"), ("repack", "-adq")])
        git(self.path, *how)

    def lose_the_index(self) -> None:
        """The derived index goes, whole or in part."""
        index = self.path / "tract" / "index.sqlite"
        if index.exists() and self.dice.random() < 0.5:
            index.unlink()
        elif index.exists():
            os.truncate(index, self.dice.randrange(index.stat().st_size + 1))

    # -- others

    def second_handle(self) -> None:
        """Another program writes the same branch in between."""
        with Tract.open(self.path, **self.pinned) as other:
            info = other.user("from beside")
        record = {"role": "user", "content": "from beside"}
        self.model.append(str(info.entry_id), record, info.commit_hash, False)

    def by_hand(self) -> None:
        """Somebody commits a file without header with stock git."""
        slot = len(self.model.entries)
        path = f"{slot // 10000:03}/{slot // 100 % 100:02}/{slot % 100:02}.user.md"
        branch = str(self.t.branch_name)
        commit = commit_files(self.path, {path: "by hand\n"}, branch=branch)
        entry_id = derived_id(path, git(self.path, "rev-parse", f"{commit}:{path}"))
        self.model.append(entry_id, {"role": "user", "content": "by hand"}, commit, False)

    # -- the judges

    def check(self) -> None:
        """The context is the model's, and so are its ids and open calls."""
        compiled = self.t.compile()
        assert compiled.to_dicts() == self.model.shown()
        assert [each.id for each in compiled.pending_tool_calls] == self.model.open_calls()
        kept = [said.entry_id for said in self.model.entries]
        assert set(compiled.entry_ids) <= set(kept)
        assert self.t.status().entry_count == len(kept)

    def finish(self) -> None:
        """Every commit of the walk still is what it was, for a new handle and for stock git."""
        counter = EncodingCounter()
        with Tract.open(self.path, **self.pinned) as fresh:
            assert fresh.compile().digest == self.t.compile().digest
            log = fresh.log(len(self.model.commits) + 1)
            assert [info.commit_hash for info in log[::-1]] == [c for c, _ in self.model.commits]
            for info, (commit, shown) in zip(log[::-1], self.model.commits, strict=True):
                total = counter.count_messages(shown) if shown else 0
                assert info.context_tokens == total
                if self.dice.random() < 0.2:
                    assert fresh.compile(at=commit).to_dicts() == shown
            self.same_entries(fresh)
            self.same_notes(fresh)
            fresh.cancel_tool_calls()
            sent = fresh.compile().to_openai()
            assert not sent or validate({"model": "gpt-4o", "messages": sent}) == []
        fsck_clean(self.path)
        self.t.close()

    def same_entries(self, fresh: Tract) -> None:
        """Every entry is where the model has it."""
        for slot in range(len(self.model.entries)):
            assert fresh.entry(slot).id == self.model.entries[slot].entry_id

    def same_notes(self, fresh: Tract) -> None:
        """Settings and usage are known of each answer, through every edit of it."""
        for entry_id, name in self.settings.items():
            info = fresh.get(entry_id)
            assert info.generation_config == LLMConfig(name)
            tokens = self.usage.get(entry_id)
            assert info.usage == (Usage(tokens) if tokens is not None else None)
        assert b"sk-secret" not in git_bytes(
            self.path, "cat-file", "--batch-all-objects", "--batch"
        )


IN_A_BATCH: list[Callable[[Walk], None]] = [
    Walk.say,
    Walk.call,
    Walk.answer,
    Walk.cancel,
    Walk.bring,
    Walk.edit,
    Walk.skip,
    Walk.generate,
    Walk.report,
]
STEPS: list[tuple[int, Callable[[Walk], None]]] = [
    (6, Walk.say),
    (4, Walk.call),
    (6, Walk.answer),
    (1, Walk.cancel),
    (1, Walk.bring),
    (1, Walk.bring_damage),
    (4, Walk.edit),
    (2, Walk.skip),
    (1, Walk.second_handle),
    (1, Walk.by_hand),
    (1, Walk.reopen),
    (2, Walk.generate),
    (1, Walk.report),
    (2, Walk.batch),
    (1, Walk.abandoned),
    (1, Walk.overtaken),
    (1, Walk.consolidate),
    (1, Walk.stock_upkeep),
    (1, Walk.lose_the_index),
]
WEIGHTS = [weight for weight, _ in STEPS]


def walk(folder: Path, seed: int, steps: int) -> None:
    """Walk, and look after every step; a failure says which walk and step it was."""
    one = Walk(folder, seed)
    names: list[str] = []
    for _ in range(steps):
        (_, step) = one.dice.choices(STEPS, WEIGHTS)[0]
        names.append(step.__name__)
        step(one)
        try:
            one.check()
        except AssertionError as error:
            raise AssertionError(f"walk {seed}: {json.dumps(names)}: {error}") from error
    one.finish()


def test_walks_come_to_what_the_model_says(
    tmp_path: Path, soak: bool, runs: Callable[[int], None]
) -> None:
    """A walk of random operations compiles to a plain model's list, at every commit, fsck clean."""
    count = 1000 if soak else 10
    for seed in range(count):
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        walk(folder, seed, steps=40)
    runs(count)


def test_long_walks_over_pages(tmp_path: Path, soak: bool, runs: Callable[[int], None]) -> None:
    """Walks of 200 operations, whose context spans pages, do the same."""
    count = 100 if soak else 2
    for seed in range(count):
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        walk(folder, 10_000 + seed, steps=200)
    runs(count)
