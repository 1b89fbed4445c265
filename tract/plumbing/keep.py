"""keep.py - refs/tract/keep/ID: commits that must outlive the branch they were on.

The last line of such a ref names what was lost: `tract: reset #OPERATION refs/heads/main`.
"""

from __future__ import annotations

from tract.plumbing import operations
from tract.plumbing.ref_names import KEEP
from tract.plumbing.refs import read_ref, update_ref
from tract.plumbing.repo import CommitId, Repo


def keep(repo: Repo, commit: CommitId, ref: str, *, verb: str, of: str | None = None) -> None:
    """Plan that a commit which `ref` loses is kept; `of` is the operation that this undoes.

    Where it is kept already, its ref gets a line more.
    """
    name = KEEP + commit
    end = operations.tail(of=of, lost=ref)
    update_ref(repo, name, commit, old=read_ref(repo, name), verb=verb, tail=end)
