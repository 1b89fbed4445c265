"""moving.py - what the tests of moves look at: refs, HEAD, logs, and every byte of a repository."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.git import git
from tract.plumbing import reflog
from tract.porcelain.undo import Operation
from tract.tract import Tract

KEEP = "refs/tract/keep/"


def beside(t: Tract, **options: Any) -> Tract:
    """Another handle on the same repository, with the same clock."""
    return Tract.open(t.path, clock=t.repo.clock, random=t.repo.random, **options)


def refs(t: Tract) -> dict[str, str]:
    """Every ref and its value, HEAD among them; what keeps commits is left out."""
    lines = git(t.path, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    found = dict(line.split(" ") for line in lines if not line.startswith(KEEP))
    return found | {"HEAD": (Path(t.path) / "HEAD").read_text().strip()}


def tip(t: Tract, name: str = "main") -> str | None:
    """The commit of a branch, as git says; None where there is no such branch."""
    return refs(t).get(f"refs/heads/{name}")


def kept(t: Tract) -> set[str]:
    """The commits that have a keep ref."""
    return {
        line.removeprefix(KEEP)
        for line in git(t.path, "for-each-ref", "--format=%(refname)", KEEP).split()
    }


def lines(t: Tract, ref: str) -> list[str]:
    """The reasons in a ref's log, the newest first, without the ids of operations."""
    return [line.message.split(" #")[0] for line in reflog.read_lines(f"{t.path}", ref)]


def seen(t: Tract) -> dict[str, bytes]:
    """Every file of the repository but those that are this machine's own (`tract/`)."""
    folder = Path(t.path)
    files = (each for each in folder.rglob("*") if each.is_file())
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in files
        if p.parts[len(folder.parts)] != "tract"
    }


@contextmanager
def untouched(t: Tract) -> Iterator[None]:
    """Assert that a block changes no byte of the repository, and does not move the handle."""
    before = seen(t), t.branch_name, t.detached_at
    yield
    assert (seen(t), t.branch_name, t.detached_at) == before


def branch(t: Tract, name: str, at: str = "main") -> str:
    """Let stock git make a branch; where it is."""
    git(t.path, "branch", name, at)
    return git(t.path, "rev-parse", name)


def by_hand(t: Tract, name: str = "main") -> str:
    """Let stock git put a commit on a branch; where it is then."""
    made = git(t.path, "commit-tree", f"{name}^{{tree}}", "-p", name, "-m", "by hand")
    git(t.path, "update-ref", f"refs/heads/{name}", made)
    return made


def stranger(t: Tract) -> str:
    """A commit that is no context of tract's, made by stock git; no ref names it."""
    return git(t.path, "commit-tree", "-m", "foreign", git(t.path, "mktree"))


def three(prefix: str = "", names: str = "abc") -> list[dict[str, Any]]:
    """Conversations to import, one message each."""
    return [{"id": prefix + n, "messages": [{"role": "user", "content": n}]} for n in names]


def done(t: Tract) -> list[str]:
    """The verbs of the operations that the handle sees, newest first; undone ones in brackets."""
    return [f"({each.verb})" if each.is_undone else each.verb for each in t.operations()]


def moved(each: Operation) -> dict[str, tuple[str | None, str | None]]:
    """What an operation moved but keep refs: old and new value by ref."""
    return {m.ref: (m.old, m.new) for m in each.moves if not m.ref.startswith(KEEP)}


def without_notes(found: dict[str, str]) -> dict[str, str]:
    """Refs but those of notes, which only go on."""
    return {name: value for name, value in found.items() if not name.startswith("refs/notes/")}
