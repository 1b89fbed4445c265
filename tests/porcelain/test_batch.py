"""test_batch.py - many writes as one: a pack, a move of the branch, all or nothing."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.faults.child import forked
from tests.git import fsck_clean, git
from tests.porcelain.saying import call, contents, unchanged, user
from tract.errors import Closed, DetachedHead, StaleRef, UnpairedToolCall, UsageError
from tract.porcelain import batch, import_, spill
from tract.tract import Tract


def packs(t: Tract) -> list[str]:
    """The files in the folder of packs."""
    return sorted(path.suffix for path in Path(t.path, "objects", "pack").iterdir())


def loose(t: Tract) -> int:
    """How many objects are files of their own."""
    return t.storage().loose_count


def test_batch_is_one_pack_and_one_move(t: Tract) -> None:
    """Twenty writes make twenty commits, one pack, no loose object and one line in the reflog."""
    with t.batch() as b:
        for number in range(20):
            b.user(f"{number}")
    assert contents(t) == [f"{number}" for number in range(20)]
    assert packs(t) == [".idx", ".pack"]
    assert loose(t) == 0
    assert git(t.path, "rev-list", "--count", "main") == "20"
    moves = git(t.path, "reflog", "--format=%gs", "main").split("\n")
    assert [move.split(" #")[0] for move in moves] == ["tract: batch"]
    fsck_clean(t.path)


def test_pack_is_sound_to_stock_git(t: Tract) -> None:
    """Git's own index of the pack is the one beside it, and no delta is deeper than one."""
    with t.batch() as b:
        for number in range(120):
            b.user(f"{number}")
    (pack,) = Path(t.path, "objects", "pack").glob("*.pack")
    ours = pack.with_suffix(".idx").read_bytes()
    copy = Path(t.path).parent / "copy.pack"
    copy.write_bytes(pack.read_bytes())
    git(t.path, "index-pack", "--strict", str(copy))
    assert copy.with_suffix(".idx").read_bytes() == ours
    chains = [
        line for line in git(t.path, "verify-pack", "-v", str(pack)).split("\n") if "chain" in line
    ]
    assert [line.split(":")[0] for line in chains] == ["chain length = 1"]


def test_reads_through_the_batch_see_it(t: Tract) -> None:
    """Inside the block `b` shows what was written through it, in every way of asking."""
    t.user("before")
    with t.batch() as b:
        b.user("1")
        made = b.assistant("2")
        assert contents(b) == ["before", "1", "2"]
        assert [info.message for info in b.log()] == ["assistant: 2", "user: 1", "user: before"]
        assert b.get("HEAD").commit_hash == b.get("main").commit_hash == made.commit_hash
        assert b.get("HEAD~2").message == "user: before"
        assert b.get(made.commit_hash[:10]).slot == 2
        assert b.entry(made.entry_id or "").text == "2"
        assert b.status().entry_count == 3
        assert b.diff("HEAD~2", "HEAD").stat.added == 2


def test_others_see_it_at_the_end(t: Tract) -> None:
    """Until the block ends no other handle, and no other program, sees anything of it."""
    first = t.user("before").commit_hash
    with t.batch() as b:
        b.user("1")
        assert contents(t) == ["before"]
        assert git(t.path, "rev-parse", "main") == first
        with Tract.open(t.path) as other:
            assert contents(other) == ["before"]
    assert contents(t) == ["before", "1"]


def test_error_in_the_block_writes_nothing(t: Tract) -> None:
    """What the block raises comes out of it, and neither an object nor a ref is left."""
    t.user("before")
    with pytest.raises(ZeroDivisionError), unchanged(t), t.batch() as b:
        b.user("never")
        raise ZeroDivisionError
    assert packs(t) == []


def test_refused_call_is_not_the_end(t: Tract) -> None:
    """A call that the batch refuses leaves the rest of it as it is."""
    with t.batch() as b:
        b.user("1")
        with pytest.raises(UnpairedToolCall):
            b.tool_result("nobody", "x")
        b.user("2")
    assert contents(t) == ["1", "2"]


def test_empty_batch_writes_nothing(t: Tract) -> None:
    """A block without a write changes nothing."""
    with unchanged(t), t.batch() as b:
        assert b.log() == []
    assert b.commits == []


def test_edits_and_tool_calls_in_a_batch(t: Tract) -> None:
    """Every verb writes through a batch: it edits what it wrote, and answers its own calls."""
    with t.batch() as b:
        b.system("terse")
        b.assistant(tool_calls=[call()])
        b.tool_result("c1", {"a": 1})
        b.edit(0, "terser")
        b.assistant(tool_calls=[call("c2")])
        b.cancel_tool_calls("closed")
    assert contents(t) == ["terser", None, '{"a":1}', None, "closed"]
    assert git(t.path, "rev-list", "--count", "main") == "6"
    fsck_clean(t.path)


def test_commits_of_a_batch(t: Tract) -> None:
    """`b.commits` are its commits in order, as they stand in the history; only a batch has them."""
    with t.batch() as b:
        infos = [b.user("1"), b.user("2")]
    assert b.commits == infos
    history = git(t.path, "rev-list", "--reverse", "main").split("\n")
    assert [info.commit_hash for info in b.commits] == history
    with pytest.raises(UsageError):
        _ = t.commits


def test_writing_beside_the_batch_is_refused(t: Tract) -> None:
    """A write through the handle itself, from the same thread, says where to write instead."""
    with t.batch() as b:
        b.user("1")
        for write in (
            lambda: t.user("x"),
            lambda: t.import_messages([user()]),
            lambda: t.record_usage({"prompt_tokens": 1}, target=b.commits[0].commit_hash),
        ):
            with pytest.raises(UsageError, match="batch"):
                write()
        with pytest.raises(UsageError), t.batch():
            pass
        with pytest.raises(UsageError), b.batch():
            pass
    t.user("after")
    assert contents(t) == ["1", "after"]


def test_other_threads_write_on(t: Tract) -> None:
    """Another thread writes through the same handle meanwhile; the batch lands behind it."""
    with t.batch() as b:
        ids = [b.user("1").entry_id, b.user("2").entry_id]
        thread = threading.Thread(target=t.user, args=("meanwhile",))
        thread.start()
        thread.join()
    assert contents(t) == ["meanwhile", "1", "2"]
    assert [info.entry_id for info in b.commits] == ids
    history = git(t.path, "rev-list", "--reverse", "-2", "main").split("\n")
    assert [info.commit_hash for info in b.commits] == history
    fsck_clean(t.path)


def test_batch_that_looked_at_itself_is_made_again(t: Tract) -> None:
    """What a batch has read of its own is no part of it when the branch moved meanwhile."""
    t.user("before")
    with t.batch() as b:
        b.user("1")
        assert b.status().entry_count == 2
        assert len(b.log()) == 2
        assert contents(b) == ["before", "1"]
        with Tract.open(t.path) as other:
            other.user("meanwhile")
        b.user("2")
    assert contents(t) == ["before", "meanwhile", "1", "2"]
    fsck_clean(t.path)


def test_threads_share_a_batch(t: Tract) -> None:
    """Threads may write through one batch: each write is in it once, and all are in order."""
    with t.batch() as b:
        threads = [
            threading.Thread(target=lambda n=n: [b.user(f"{n} {k}") for k in range(25)])
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    said = contents(t)
    assert sorted(said) == sorted(f"{n} {k}" for n in range(4) for k in range(25))
    for n in range(4):
        mine = [int(text.split()[1]) for text in said if text.startswith(f"{n} ")]
        assert mine == list(range(25))
    assert len(b.commits) == 100


def test_handle_that_is_closed_inside(t: Tract) -> None:
    """A batch whose own handle was closed meanwhile writes nothing, and says so."""
    with pytest.raises(Closed), t.batch() as b:
        b.user("1")
        t.close()
    with Tract.open(t.path) as other:
        assert contents(other) == []


def test_answers_of_a_replayed_batch(t: Tract) -> None:
    """Where the branch moved, calls and their answers in the batch are still a group."""
    with t.batch() as b:
        b.assistant(tool_calls=[call()])
        b.tool_result("c1", "42")
        with Tract.open(t.path) as other:
            other.user("meanwhile")
    assert contents(t) == ["meanwhile", None, "42"]
    assert t.compile().to_openai()
    assert packs(t) == [".idx", ".pack"]


def test_notes_of_a_replayed_batch(t: Tract) -> None:
    """Settings and usage stand on the commits that landed, not on those that did not."""
    with t.batch() as b:
        b.assistant("yes", generation_config={"model": "m"})
        b.record_usage({"prompt_tokens": 3})
        with Tract.open(t.path) as other:
            other.user("meanwhile")
    info = t.get("HEAD")
    assert (info.generation_config, info.usage) != (None, None)
    noted = git(t.path, "notes", "--ref", "tract/generation", "list").split("\n")
    assert [line.split()[1] for line in noted] == [info.commit_hash]


def test_edit_in_a_batch_is_stale_when_the_branch_moved(t: Tract) -> None:
    """Anything but an append is refused on a branch that moved, and nothing of it is there."""
    t.user("before")
    with pytest.raises(StaleRef) as caught, t.batch() as b:
        b.user("1")
        b.edit(0, "changed")
        with Tract.open(t.path) as other:
            moved = other.user("meanwhile")
    assert caught.value.found == moved.commit_hash
    assert contents(t) == ["before", "meanwhile"]
    assert packs(t) == []


def test_answer_that_somebody_else_gave(t: Tract) -> None:
    """A result in a batch whose call another writer answered meanwhile is refused whole."""
    t.assistant(tool_calls=[call()])
    with pytest.raises(UnpairedToolCall), t.batch() as b:
        b.user("1")
        b.tool_result("c1", "mine")
        with Tract.open(t.path) as other:
            other.tool_result("c1", "theirs")
    assert contents(t) == [None, "theirs"]
    assert packs(t) == []


def test_import_into_a_batch(t: Tract) -> None:
    """An import through `b` is part of the batch: the same pack, the same move."""
    with t.batch() as b:
        b.system("s")
        b.import_messages([user("1"), user("2")])
    assert contents(t) == ["s", "1", "2"]
    assert packs(t) == [".idx", ".pack"]


def test_closed_handles(t: Tract) -> None:
    """After the block `b` is closed; closing it inside gives the batch up."""
    with t.batch() as b:
        b.user("1")
    with pytest.raises(Closed):
        b.user("2")
    with pytest.raises(Closed), unchanged(t), t.batch() as gone:
        gone.user("2")
        gone.close()


def test_batch_needs_a_branch(t: Tract) -> None:
    """On a detached HEAD a batch is refused before anything is built."""
    first = t.user("1").commit_hash
    git(t.path, "update-ref", "--no-deref", "HEAD", first)
    with Tract.open(t.path) as detached, pytest.raises(DetachedHead), detached.batch():
        pass


def test_large_batch_is_written_in_portions(t: Tract, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a batch holds in memory is bounded: it writes a pack whenever it has gathered much."""
    monkeypatch.setattr(spill, "SPILL_BYTES", 100_000)
    with t.batch() as b:
        for number in range(30):
            b.user(f"{number}" * 5000)
            assert b.repo.pending_bytes < 100_000
        assert len(contents(b)) == 30
        assert list(Path(t.path, "tract").glob("batch-*/pack/*.pack"))
        assert packs(t) == []
    assert contents(t) == [f"{number}" * 5000 for number in range(30)]
    assert set(packs(t)) == {".idx", ".pack"}
    assert not list(Path(t.path, "tract").glob("batch-*"))
    fsck_clean(t.path)


def test_large_batch_that_fails_leaves_no_pack(t: Tract, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packs written before the error are removed with it."""
    monkeypatch.setattr(spill, "SPILL_BYTES", 1000)
    with pytest.raises(ZeroDivisionError), t.batch() as b:
        b.user("x" * 5000)
        raise ZeroDivisionError
    assert packs(t) == []
    assert not list(Path(t.path, "tract").glob("batch-*"))


def test_attachment_that_is_there_is_not_stored_twice(t: Tract) -> None:
    """A large blob that a pack holds already is not packed again by the next import."""
    record = user("\ud800" + "x" * 50_000)
    sizes = []
    for _ in range(2):
        before = t.storage().pack_bytes
        t.import_messages([record], errors="replace")
        sizes.append(t.storage().pack_bytes - before)
    raw = [line for line in git(t.path, "ls-tree", "-r", "main").split("\n") if ".1.json" in line]
    assert len(raw) == 2
    assert len({line.split()[2] for line in raw}) == 1
    assert t.storage().packed_count > 0
    fsck_clean(t.path)


def test_batch_of_a_handle_with_its_own_branch(t: Tract) -> None:
    """A batch writes to the branch of its handle, and HEAD's branch is left alone."""
    t.user("main")
    with Tract.open(t.path, branch="side") as side:
        with side.batch() as b:
            b.user("aside")
        assert contents(side) == ["aside"]
    assert contents(t) == ["main"]


def test_registered_kinds_are_known_in_a_batch(t: Tract) -> None:
    """What was registered on the handle can be written through its batch."""

    class Note:
        """A model of the program's own."""

        @classmethod
        def model_validate(cls, fields: Any) -> Any:
            return cls()

        def model_dump(self, **_: Any) -> dict[str, Any]:
            return {"a": 1}

    t.register_content_type("note", Note)
    with t.batch() as b:
        b.commit({"content_type": "note", "a": 1})
    assert t.get("HEAD").content_type == "x-note"


# Branches that somebody else takes meanwhile


def test_import_in_a_batch_gets_a_branch_of_its_own(t: Tract) -> None:
    """A branch that an import chose and somebody took meanwhile gets another name."""
    record = b'{"id":"q1","messages":[{"role":"user","content":"mine"}]}'
    with t.batch() as b:
        b.import_bytes(record, apart=True)
        with Tract.open(t.path) as other:
            other.import_bytes(record.replace(b"mine", b"theirs"), apart=True)
    refs = git(t.path, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    assert refs == ["import/q1", "import/q1-2"]
    assert git(t.path, "show", "import/q1-2:000/00/00.user.md").endswith("mine")


def test_branch_that_is_taken_while_it_is_chosen(t: Tract, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody makes the branch right after it was found free: theirs and ours stay apart."""
    record = b'{"id":"q1","messages":[{"role":"user","content":"mine"}]}'
    real = import_._free_branch

    def chosen(*args: Any) -> str:
        name = real(*args)
        monkeypatch.undo()
        with Tract.open(t.path) as other:
            other.import_bytes(record.replace(b"mine", b"theirs"), apart=True)
        return name

    monkeypatch.setattr(import_, "_free_branch", chosen)
    (found,) = t.import_bytes(record, apart=True)
    assert found.branch == "import/q1-2"
    assert git(t.path, "rev-list", "--count", "import/q1") == "1"


def test_import_onto_a_branch_that_came_into_being(t: Tract) -> None:
    """A branch that was named gets the conversation, behind what somebody put there meanwhile."""
    t.user("main")

    def meanwhile(done: int, total: int) -> None:
        with Tract.open(t.path, branch="side") as other:
            other.user("theirs")

    path = Path(t.path).parent / "said.json"
    path.write_text('[{"role":"user","content":"mine"}]')
    (found,) = t.import_file(path, onto="side", progress=meanwhile)
    assert found.branch == "side"
    with Tract.open(t.path, branch="side") as side:
        assert contents(side) == ["theirs", "mine"]


# Forks


def test_forked_child_does_not_land_its_parent_s_batch(t: Tract) -> None:
    """A child that leaves the block lands nothing, and takes nothing away."""
    with t.batch() as b:
        b.user("1")
        spill.pack(b)

        def leave() -> None:
            with pytest.raises(UsageError):
                leaving()

        def leaving() -> None:
            batch._check_own(b.recording)

        assert forked(leave) == 0
        assert forked(lambda: b.recording.close() if b.recording else None) == 0
    assert contents(t) == ["1"]
    assert git(t.path, "rev-list", "--count", "main") == "1"
