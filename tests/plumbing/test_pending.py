"""test_pending.py - objects and ref moves in memory: seen by who plans them, and by nobody else."""

from __future__ import annotations

from pathlib import Path

import pygit2
import pytest
from pygit2.enums import ObjectType

from tests.git import fsck_clean, git
from tests.plumbing.commits import MAIN, commit
from tract.errors import RepoLocked, StaleRef
from tract.plumbing import landing, ref_lock, refs, revs
from tract.plumbing.objects import read_blob, write_blob
from tract.plumbing.pending import Move, Pending
from tract.plumbing.repo import Repo


def pending_of(view: Repo) -> Pending:
    """What a staged repository is going to write."""
    assert view.pending is not None
    return view.pending


def test_ids_are_git_s(repo: Repo) -> None:
    """An object in memory has the id that git gives it."""
    for data in (b"", b"x", b"\0\xff" * 1000):
        ours = Pending().add(ObjectType.BLOB, data)
        assert ours == str(pygit2.hash(data))


def test_nothing_is_written(repo: Repo) -> None:
    """What a staged repository writes it reads, and nobody else."""
    view = repo.staged()
    blob = write_blob(view, b"planned")
    made = commit(view, "planned", ref=MAIN)
    assert read_blob(view, blob) == b"planned"
    assert refs.read_ref(view, MAIN) == made
    assert refs.read_ref(repo, MAIN) is None
    assert git(repo.path, "count-objects") == "0 objects, 0 kilobytes"


def test_landing_writes_objects_and_refs(repo: Repo) -> None:
    """Landed, objects and refs are there for stock git."""
    view = repo.staged()
    made = commit(view, "planned", ref=MAIN)
    with repo.lock:
        landing.land(repo, pending_of(view))
    assert git(repo.path, "rev-parse", "main") == made
    fsck_clean(repo.path)


def test_views_do_not_see_each_other(repo: Repo) -> None:
    """Two changes that are planned at once know nothing of each other; the later one is stale."""
    first, second = repo.staged(), repo.staged()
    commit(first, "first", ref=MAIN)
    commit(second, "second", ref=MAIN)
    with repo.lock:
        landing.land(repo, pending_of(first))
        with pytest.raises(StaleRef):
            landing.land(repo, pending_of(second))
    assert git(repo.path, "log", "--format=%s", "main") == "first"


def test_refs_stand_still_for_a_view(repo: Repo) -> None:
    """A ref that was looked at once stays what it was, however it moves meanwhile."""
    one = commit(repo, "one", ref=MAIN)
    view = repo.staged()
    assert refs.read_ref(view, MAIN) == one
    two = commit(repo, "two", one, ref=MAIN)
    assert (refs.read_ref(view, MAIN), refs.read_ref(repo, MAIN)) == (one, two)
    assert landing.moved(repo, pending_of(view)) == []
    commit(view, "three", one, ref=MAIN)
    assert landing.moved(repo, pending_of(view)) == [(MAIN, one, two)]


def test_later_move_of_a_ref_takes_the_place(repo: Repo) -> None:
    """Two moves of one ref are one, from where the first began."""
    pending = Pending()
    pending.move("a", Move(None, "1", "append"))
    pending.move("b", Move("0", "1", "append"))
    pending.move("a", Move("1", "2", "edit"))
    assert pending.moves == {"b": Move("0", "1", "append"), "a": Move(None, "2", "edit")}


def test_notes_move_first(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several refs those of notes move before the branches, whatever was planned first."""
    view, order = repo.staged(), []
    for name in (MAIN, "refs/notes/tract/tokens"):
        commit(view, "x", ref=name)
    real = refs.update_ref

    def noted(repo: Repo, name: str, *args: object, **more: object) -> None:
        order.append(name)
        real(repo, name, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(refs, "update_ref", noted)
    with repo.lock:
        landing.land(repo, pending_of(view))
    assert order == ["refs/notes/tract/tokens", MAIN]


def test_what_would_be_refused_last_is_refused_first(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the branch is held by another program, the notes do not move either."""
    monkeypatch.setattr(ref_lock, "FOREIGN_WAIT_S", 0.05)
    view = repo.staged()
    for name in ("refs/notes/tract/generation", MAIN):
        commit(view, "x", ref=name)
    lock = Path(repo.path, "refs/heads/main.lock")
    lock.write_text("")
    with repo.lock, pytest.raises(RepoLocked):
        landing.land(repo, pending_of(view))
    lock.unlink()
    assert git(repo.path, "for-each-ref") == ""


def test_libgit2_sees_a_batch(repo: Repo) -> None:
    """Revisions and walks that libgit2 resolves reach what is pending in a batch's handle."""
    one = commit(repo, "one", ref=MAIN)
    view = repo.staged_apart()
    two = commit(view, "two", one, ref=MAIN)
    three = commit(view, "three", two, ref=MAIN)
    for text, wanted in (("main~1", two), (three[:12], three), (f"{three[:9]}^^", one)):
        assert revs.resolve(view, text, head=MAIN) == wanted
    assert list(revs.walk_ids(view, three)) == [three, two, one]
    view.close()
    assert refs.read_ref(repo, MAIN) == one
