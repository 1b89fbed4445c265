"""commits.py - commits without entries, for the tests of refs and revisions."""

from __future__ import annotations

from tract.plumbing import refs
from tract.plumbing.objects import Person, write_commit
from tract.plumbing.pages import replace
from tract.plumbing.repo import CommitId, Repo

WHO = Person("A", "a@example.org", 1_700_000_000)
MAIN = "refs/heads/main"


def commit(repo: Repo, text: str, *parents: CommitId, ref: str | None = None) -> CommitId:
    """A commit with an empty context; `ref` is moved to it from its first parent."""
    tree = replace(repo, None, {})
    made = write_commit(repo, tree, parents, author=WHO, committer=WHO, message=text + "\n")
    if ref is not None:
        old = parents[0] if parents else None
        with repo.lock:
            refs.update_ref(repo, ref, made, old=old, verb="append")
    return made
