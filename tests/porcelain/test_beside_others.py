"""test_beside_others.py - another writer comes in between a plan and its write.

The moment is met exactly: a gate around the write lock lets the other writer in just before the
lock is taken, or just before the branch's own lock is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.git import fsck_clean, git
from tests.plumbing.stock import commit_files, entry
from tests.porcelain.saying import call, calling, contents, user
from tract.errors import BranchNotFound, Closed, StaleRef, UnpairedToolCall
from tract.plumbing import lock
from tract.tract import Tract

K = "k" * 16


class Gate:
    """The write lock, with somebody waiting at it: runs `other` once, at the named moment."""

    def __init__(self, lock: Any, moment: str, other: Callable[[], object]) -> None:
        self._lock = lock
        self._moment = moment
        self._other: Callable[[], object] | None = other

    def _let_in(self, moment: str) -> None:
        if moment == self._moment and self._other is not None:
            other, self._other = self._other, None
            other()

    def __enter__(self) -> Any:
        self._let_in("lock")
        return self._lock.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._lock.__exit__(*error)

    def announce(self, ref: str, new: str) -> None:
        self._lock.announce(ref, new)
        self._let_in("ref")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lock, name)


def between(t: Tract, other: Callable[[], object], moment: str = "lock") -> None:
    """Let somebody in at the next write."""
    t.repo.lock = Gate(t.repo.lock, moment, other)  # type: ignore[assignment]


@pytest.fixture
def other(t: Tract) -> Any:
    """A second handle on the same branch; both have something to read."""
    t.user("0")
    with Tract.open(t.path) as opened:
        yield opened


def test_append_finds_its_place(t: Tract, other: Tract) -> None:
    """An append stands behind what came in between."""
    between(t, lambda: other.user("theirs"))
    info = t.user("ours")
    assert (info.slot, contents(t)) == (2, ["0", "theirs", "ours"])
    assert info.parents == (t.get("HEAD~1").commit_hash,)
    fsck_clean(t.path)


def test_first_append_finds_its_place(t: Tract) -> None:
    """The first entry of a branch may turn out to be its second."""
    with Tract.open(t.path) as other:
        between(t, lambda: other.user("theirs"))
        t.user("ours")
    assert contents(t) == ["theirs", "ours"]


def test_import_finds_its_place(t: Tract, other: Tract) -> None:
    """An import stays together behind what came in between."""
    between(t, lambda: other.user("theirs"))
    t.import_messages([user("1"), user("2")])
    assert contents(t) == ["0", "theirs", "1", "2"]


def test_edit_after_an_append_goes_through(t: Tract, other: Tract) -> None:
    """An edit is no conflict with an append in between."""
    between(t, lambda: other.user("theirs"))
    t.edit(0, "zero")
    assert contents(t) == ["zero", "theirs"]


def test_edit_of_another_entry_goes_through(t: Tract, other: Tract) -> None:
    """Edits of two entries are no conflict."""
    t.user("1")
    between(t, lambda: other.edit(1, "one"))
    t.edit(0, "zero")
    assert contents(t) == ["zero", "one"]


@pytest.mark.parametrize("theirs", ["theirs", "ours"])
def test_edit_of_the_same_entry_is_stale(t: Tract, other: Tract, theirs: str) -> None:
    """An edit of what somebody just edited is refused, and theirs stays."""
    tip = t.get("HEAD").commit_hash
    between(t, lambda: other.edit(0, theirs))
    with pytest.raises(StaleRef) as caught:
        t.edit(0, "ours")
    assert caught.value.expected == tip
    assert caught.value.found == t.get("HEAD").commit_hash
    assert contents(t) == [theirs]
    assert t.edit(0, "ours again").changed


def test_edit_of_what_was_removed_is_stale(t: Tract) -> None:
    """An edit of an entry that stock git removed or moved meanwhile is refused."""
    said = entry("x", type="dialogue", role="user", id=K)
    commit_files(t.path, {"000/00/00.user.md": said, "000/00/05.user.md": "y\n"})
    moved = {"000/00/00.user.md": None, "000/00/07.user.md": said}
    between(t, lambda: commit_files(t.path, moved))
    with pytest.raises(StaleRef):
        t.edit(K, "z")
    assert contents(t) == ["y", "x"]


def test_result_that_came_in_between(t: Tract, other: Tract) -> None:
    """A call that somebody answered in between is not answered twice."""
    t.assistant(tool_calls=[call()])
    between(t, lambda: other.tool_result("c1", "theirs"))
    with pytest.raises(UnpairedToolCall):
        t.tool_result("c1", "ours")
    assert contents(t) == ["0", None, "theirs"]


def test_cancel_leaves_out_what_was_answered(t: Tract, other: Tract) -> None:
    """Cancelling answers what is open when it writes, and nothing else."""
    t.import_messages([calling(call("c1"), call("c2"))])
    between(t, lambda: other.tool_result("c1", "theirs"))
    assert [info.message for info in t.cancel_tool_calls("no")] == ["tool-result: look_up: no"]
    assert contents(t)[2:] == ["theirs", "no"]
    assert t.compile().pending_tool_calls == ()


def test_branch_deleted_in_between(t: Tract, other: Tract) -> None:
    """A branch that is deleted in between is not made anew."""
    between(t, lambda: git(t.path, "update-ref", "-d", "refs/heads/main"))
    with pytest.raises(BranchNotFound):
        t.user("ours")
    assert git(t.path, "for-each-ref") == ""


def test_stock_git_between_our_lock_and_git_s(t: Tract, other: Tract) -> None:
    """An append goes behind what stock git wrote after the tip was read; the lock is git's own."""
    between(t, lambda: commit_files(t.path, {"000/00/01.user.md": "by hand\n"}), moment="ref")
    t.user("ours")
    assert contents(t) == ["0", "by hand", "ours"]
    fsck_clean(t.path)


def test_edit_that_stock_git_overtakes(t: Tract, other: Tract) -> None:
    """An edit is StaleRef where stock git moved the branch under our lock."""
    tip = t.get("HEAD").commit_hash
    made: list[str] = []

    def by_hand() -> None:
        made.append(commit_files(t.path, {"000/00/01.user.md": "by hand\n"}))

    between(t, by_hand, moment="ref")
    with pytest.raises(StaleRef) as caught:
        t.edit(0, "ours")
    assert (caught.value.expected, caught.value.found) == (tip, made[0])
    assert contents(t) == ["0", "by hand"]
    t.edit(0, "ours")
    assert contents(t) == ["ours", "by hand"]
    fsck_clean(t.path)


def test_branch_made_between_our_lock_and_git_s(t: Tract) -> None:
    """A branch that stock git makes at the same moment is not overwritten, but gone on with."""
    between(t, lambda: commit_files(t.path, {"000/00/00.user.md": "by hand\n"}), moment="ref")
    t.user("ours")
    assert contents(t) == ["by hand", "ours"]


def test_import_lets_others_write_meanwhile(t: Tract, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import takes the write lock at its end only; what came in between stands before it."""
    monkeypatch.setattr(lock, "WAIT_S", 0.1)
    seen: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        if done == 2:
            with Tract.open(t.path) as other:
                other.user("meanwhile")
        seen.append((done, total))

    data = b"\n".join(b'{"role":"user","content":"%d"}' % n for n in range(4))
    results = t.import_bytes(data, progress=progress)
    assert contents(t) == ["meanwhile", "0", "1", "2", "3"]
    assert seen == [(n, 4) for n in range(1, 5)]
    reported = [info.commit_hash for info in results[0].commits]
    assert git(t.path, "rev-list", "--reverse", "-4", "main").split("\n") == reported
    fsck_clean(t.path)


def test_close_waits_for_a_write_of_another_thread(t: Tract) -> None:
    """A handle that is closed while another thread writes lets that write end."""
    begun, errors = threading.Event(), []

    def write() -> None:
        begun.set()
        try:
            for number in range(1000):
                t.user(f"{number}")
        except Closed:
            return
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    assert begun.wait(30)
    t.close()
    thread.join()
    assert errors == []
    fsck_clean(t.path)
