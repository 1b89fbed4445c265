"""chain.py - one commit more on a ref that is no branch: notes, meta.

Its author is the committer, its time never earlier than its parents'; its message says the verb.
"""

from __future__ import annotations

from collections.abc import Sequence

from tract.plumbing import refs
from tract.plumbing.objects import Commit, Person, clean_name, read_commit, write_commit
from tract.plumbing.repo import Repo, TreeId

META = "refs/tract/meta"


def read_tip(repo: Repo, ref: str) -> Commit | None:
    """The commit that a ref points at; None where there is no such ref.

    Raises:
        BadObject: it is missing, or no commit; or the ref should be there and is not.
    """
    tip = refs.read_ref(repo, ref)
    if repo.pending is None or ref not in repo.pending.moves:
        if tip is None:
            refs.check_absent(repo, ref)
        else:
            refs.check_present(repo, ref, tip)
    return read_commit(repo, tip) if tip is not None else None


def add_commit(
    repo: Repo, ref: str, parents: Sequence[Commit], tree: TreeId, *, verb: str, tail: str = ""
) -> None:
    """Commit a tree on the first of the parents and move the ref there; the write lock is held.

    `tail` is the end of the line in the ref's log (operations.py).

    Raises:
        StaleRef: somebody else moved the ref first.
    """
    now_s = max(repo.clock() // 1000, *(parent.committer.time_s for parent in parents), 0)
    name, mail = repo.committer
    who = Person(clean_name(name, "tract"), clean_name(mail, "tract@localhost"), now_s)
    over = [parent.id for parent in parents]
    message = f"tract: {verb}\n"
    made = write_commit(repo, tree, over, author=who, committer=who, message=message)
    refs.update_ref(repo, ref, made, old=over[0] if over else None, verb=verb, tail=tail)
