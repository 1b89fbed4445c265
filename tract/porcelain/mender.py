"""mender.py - what the steps of a repair share; without one, a step only reports."""

from __future__ import annotations

from collections.abc import Callable

from tract.errors import CheckedOut, TractError
from tract.plumbing import refs
from tract.plumbing import repo as repos
from tract.plumbing.operations import new_operation, reason
from tract.plumbing.quarantine import Quarantine
from tract.plumbing.ref_lock import who
from tract.plumbing.ref_names import short
from tract.plumbing.reflog import last_line
from tract.plumbing.repo import CommitId, Repo
from tract.porcelain.problem import Problem

VERB = "repair"
_LOST = "it could not be mended; a clone or backup may have what is missing"


class Mender:
    """A repair in this repository; the write lock is held, and nobody else packs."""

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        self.folder = repo.path
        self.lock = repo.lock
        self.aside = Quarantine(repo.path, repo.clock())

    def move(self, ref: str, new: CommitId | None, old: CommitId) -> None:
        """Move a ref by compare-and-swap; None deletes it, and its log stays.

        Raises:
            CheckedOut: its files in a git work tree would be belied.
            StaleRef, RepoLocked: another program moved it, or holds it.
        """
        if ref in repos.checked_out(self.repo):
            raise CheckedOut(
                f"{short(ref)} is checked out in a git work tree",
                "repair a bare clone, or check out another branch there and repeat",
            )
        self.repo.prepare_for_writing()
        refs.update_ref(self.repo, ref, new, old=old, verb=VERB)

    def line(self, ref: str) -> tuple[tuple[str, str, int], str]:
        """Who and why, for a line of a log that is written by hand."""
        operation = new_operation(self.repo, [last_line(self.folder, ref)])
        return who(self.repo), reason(VERB, operation)


def mended(
    mender: Mender | None, problem: Problem, mend: Callable[[Mender], str | None]
) -> Problem:
    """The problem, mended where this is a repair: `mend` says how, None that it could not be."""
    if mender is None:
        return problem
    try:
        done = mend(mender)
    except TractError as error:
        hint = f"it could not be mended: {error.message}"
        return Problem(problem.kind, problem.where, problem.message, hint)
    if done is None:
        return Problem(problem.kind, problem.where, problem.message, _LOST)
    return Problem(problem.kind, problem.where, f"{problem.message}; {done}", None, True)
