"""test_lock.py - the write lock's one-line file, and what a writer that died left behind.

The state that a killed process leaves is laid by hand here; tests/faults kills real ones.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.git import git
from tract.plumbing import lock as locks
from tract.plumbing import reflog, refs
from tract.plumbing.objects import Person, write_commit
from tract.plumbing.pages import replace
from tract.plumbing.repo import CommitId, Repo

MAIN = "refs/heads/main"
WHO = Person("A", "a@example.org", 1_700_000_000)


def commit(repo: Repo, text: str) -> CommitId:
    """A commit that no ref names yet."""
    tree = replace(repo, None, {})
    return write_commit(repo, tree, [], author=WHO, committer=WHO, message=text + "\n")


def move(repo: Repo, new: CommitId, old: CommitId | None) -> None:
    """Move main."""
    with repo.lock:
        refs.update_ref(repo, MAIN, new, old=old, verb="append")


def dead_writer(repo: Repo, ref: str, new: str, held: str | None) -> Path:
    """What a process leaves that died while it moved a ref: its line, and the ref's lock."""
    Path(repo.lock.path).write_text(f"999999 {ref} {new}\n")
    lock = Path(repo.path, f"{ref}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    if held is not None:
        lock.write_text(held)
    return lock


def test_file_names_the_writer(repo: Repo) -> None:
    """The lock's file holds the process id of who writes, on one line."""
    with repo.lock:
        assert Path(repo.lock.path).read_text().split("\n")[0] == str(os.getpid())
    move(repo, commit(repo, "1"), None)
    assert Path(repo.lock.path).read_text().split("\n")[0] == str(os.getpid())


def test_file_names_the_ref_that_moves(repo: Repo) -> None:
    """While a ref moves, its name and new value stand in the file; afterwards they do not."""
    with repo.lock:
        repo.lock.announce(MAIN, "a" * 40)
        line = Path(repo.lock.path).read_text().split("\n")[0]
        assert line == f"{os.getpid()} {MAIN} {'a' * 40}"
        repo.lock.withdraw()
        assert Path(repo.lock.path).read_text().split("\n")[0] == str(os.getpid())


@pytest.mark.parametrize("end", ["\n", ""])
def test_ref_lock_of_a_dead_writer_is_removed(repo: Repo, end: str) -> None:
    """A ref's lock that holds the value a dead writer announced is its own, and goes."""
    one, two = commit(repo, "1"), commit(repo, "2")
    move(repo, one, None)
    lock = dead_writer(repo, MAIN, two, two + end)
    move(repo, two, one)
    assert not lock.exists()
    assert git(repo.path, "rev-parse", "main") == two
    assert "999999" in repo.lock.takeovers[0]


def test_empty_ref_lock_of_a_dead_writer_is_removed(repo: Repo) -> None:
    """A lock that the dead writer had not filled yet goes too."""
    lock = dead_writer(repo, MAIN, "a" * 40, "")
    move(repo, commit(repo, "1"), None)
    assert not lock.exists()


def test_head_lock_of_a_dead_writer_is_removed(repo: Repo) -> None:
    """HEAD's lock is taken over in the same way."""
    lock = dead_writer(repo, "HEAD", "ref: refs/heads/other", "ref: refs/heads/other\n")
    with repo.lock:
        assert not lock.exists()


def test_foreign_ref_lock_is_never_removed(repo: Repo) -> None:
    """A lock with another value is a foreign program's, and stays."""
    lock = dead_writer(repo, "refs/heads/other", "a" * 40, "b" * 40)
    move(repo, commit(repo, "1"), None)
    assert lock.read_text() == "b" * 40
    assert repo.lock.takeovers == []


@pytest.mark.parametrize("line", ["", "junk", "1 2 3 4", "999 ../../../etc x", "\0\xff"])
def test_any_other_line_is_ignored(repo: Repo, line: str) -> None:
    """A line that tells of no ref is overwritten by the next writer."""
    Path(repo.path, "tract").mkdir(exist_ok=True)
    Path(repo.lock.path).write_bytes(line.encode("latin-1") + b"\nrest")
    with repo.lock:
        assert Path(repo.lock.path).read_text(errors="replace").startswith(f"{os.getpid()}\n")


# -- the false line a killed writer leaves in a reflog


def false_line(repo: Repo, ref: str, old: str, new: str, reason: str = "tract: append #k") -> None:
    """A line for a move that never was."""
    with open(reflog.log_path(repo.path, ref), "a") as file:
        file.write(f"{old} {new} C <c@example.org> 1700000000 +0000\t{reason}\n")


def values(repo: Repo, ref: str) -> list[str]:
    """The values in a ref's log, the oldest first."""
    lines = Path(reflog.log_path(repo.path, ref)).read_text().splitlines()
    return [line.split()[1] for line in lines]


def test_next_writer_cuts_a_false_last_line(repo: Repo) -> None:
    """The next move removes a line for a move that never was, in HEAD's log too."""
    one, two, three = (commit(repo, text) for text in "123")
    move(repo, one, None)
    for ref in (MAIN, "HEAD"):
        false_line(repo, ref, one, two)
    move(repo, three, one)
    assert values(repo, MAIN) == [one, three]
    assert values(repo, "HEAD") == [one, three]


def test_true_lines_stay(repo: Repo) -> None:
    """A log whose last line is true keeps all its lines."""
    ids = [commit(repo, text) for text in "123"]
    old: CommitId | None = None
    for new in ids:
        move(repo, new, old)
        old = new
    assert values(repo, MAIN) == ids


def test_checkout_line_of_head_is_not_false(repo: Repo) -> None:
    """HEAD's line of a switch is judged by its name, and stays whatever value it has."""
    one, two = commit(repo, "1"), commit(repo, "2")
    move(repo, one, None)
    false_line(repo, "HEAD", one, "0" * 40, "checkout: moving from other to main (tract #k)")
    move(repo, two, one)
    assert values(repo, "HEAD") == [one, "0" * 40, two]


def test_torn_last_line_is_cut(repo: Repo) -> None:
    """A line that a power loss has torn is removed by the next move."""
    one, two = commit(repo, "1"), commit(repo, "2")
    move(repo, one, None)
    with open(reflog.log_path(repo.path, MAIN), "a") as file:
        file.write(one[:17])
    move(repo, two, one)
    assert values(repo, MAIN) == [one, two]


def test_last_line_is_read_of_any_length(repo: Repo) -> None:
    """The newest line is found also where it is longer than one look at the file's end."""
    one = commit(repo, "1")
    move(repo, one, None)
    false_line(repo, MAIN, one, "a" * 40, "x" * 100_000)
    line = reflog.last_line(repo.path, MAIN)
    assert line is not None
    assert (line.old, line.new, len(line.message)) == (one, "a" * 40, 100_000)
    assert reflog.last_line(repo.path, "refs/heads/none") is None


# -- a writer that died deleting a ref, or setting ORIG_HEAD


def dead_deletion(repo: Repo, tip: CommitId, *, held: str | None = "") -> Path:
    """What a process leaves that died while it deleted main: the line, and the lock."""
    reflog.append(repo.path, MAIN, (tip, None, "tract: undo #k"), ("C", "c@x", 1))
    return dead_writer(repo, MAIN, reflog.NOTHING, held)


def test_deletion_that_never_was_is_taken_back(repo: Repo) -> None:
    """Killed before the file went: its lock and its line go, the ref stays."""
    one = commit(repo, "1")
    move(repo, one, None)
    lock = dead_deletion(repo, one)
    with repo.lock:
        assert not lock.exists()
        assert values(repo, MAIN) == [one]
    assert git(repo.path, "rev-parse", "main") == one
    assert "999999" in repo.lock.takeovers[0]


def test_deletion_that_was_stays(repo: Repo) -> None:
    """Killed after the file went: the line is true and stays."""
    one = commit(repo, "1")
    move(repo, one, None)
    lock = dead_deletion(repo, one)
    Path(repo.path, MAIN).unlink()
    with repo.lock:
        assert not lock.exists()
        assert values(repo, MAIN) == [one, reflog.NOTHING]
    assert refs.check_absent(repo, MAIN) is not None


def test_deletion_of_a_packed_ref_that_never_was(repo: Repo) -> None:
    """The value is looked up in `packed-refs` too, before a line is called false."""
    one = commit(repo, "1")
    move(repo, one, None)
    git(repo.path, "pack-refs", "--all")
    dead_deletion(repo, one)
    with repo.lock:
        assert values(repo, MAIN) == [one]


def test_packed_refs_lock_of_a_dead_deletion_is_removed(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deletion holds the lock of `packed-refs`, too: unchanged long enough, it goes."""
    monkeypatch.setattr(locks, "UNCHANGED_LOCK_S", 0.05)
    monkeypatch.setattr(locks, "EMPTY_LOCK_S", 0.02)
    one = commit(repo, "1")
    move(repo, one, None)
    dead_deletion(repo, one)
    packed = Path(repo.path, "packed-refs.lock")
    packed.write_text("# pack-refs with: peeled fully-peeled sorted\n")
    with repo.lock:
        assert not packed.exists()
    git(repo.path, "pack-refs", "--all")


def test_packed_refs_lock_of_a_move_is_another_s(repo: Repo) -> None:
    """Whoever died moving a ref held no such lock: it is a foreign program's and stays."""
    packed = Path(repo.path, "packed-refs.lock")
    packed.write_text("of somebody else\n")
    dead_writer(repo, MAIN, "a" * 40, "")
    with repo.lock:
        assert packed.read_text() == "of somebody else\n"


def test_orig_head_lock_of_a_dead_writer_is_removed(repo: Repo) -> None:
    """ORIG_HEAD's lock is taken over like a ref's."""
    lock = dead_writer(repo, "ORIG_HEAD", "a" * 40, "a" * 40 + "\n")
    with repo.lock:
        assert not lock.exists()


def test_false_line_goes_with_the_lock(repo: Repo) -> None:
    """Who takes a dead writer's lock over removes its line, before anything else moves the ref."""
    one, two = commit(repo, "1"), commit(repo, "2")
    move(repo, one, None)
    false_line(repo, MAIN, one, two)
    dead_writer(repo, MAIN, two, two + "\n")
    with repo.lock:
        assert values(repo, MAIN) == [one]


def test_foreign_lock_keeps_the_line(repo: Repo) -> None:
    """Where the ref's lock is a foreign program's, its log is not touched."""
    one, two = commit(repo, "1"), commit(repo, "2")
    move(repo, one, None)
    false_line(repo, MAIN, one, two)
    dead_writer(repo, MAIN, two, "b" * 40)
    with repo.lock:
        assert values(repo, MAIN) == [one, two]


def test_dead_writer_is_asked_about_by_ref_and_value(repo: Repo) -> None:
    """What the last writer was moving is known until the next one takes the lock."""
    dead_writer(repo, MAIN, "a" * 40, None)
    assert repo.lock.was_moving(MAIN, "a" * 40)
    assert not repo.lock.was_moving(MAIN, "b" * 40)
    assert not repo.lock.was_moving("refs/heads/other", "a" * 40)
    with repo.lock:
        assert not repo.lock.was_moving(MAIN, "a" * 40)
