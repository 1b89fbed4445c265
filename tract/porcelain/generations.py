"""generations.py - what the generation notes say of the answers that commits wrote.

The notes ref is read once a verb (`forget` is called whenever the branch's tip is read), so a log
of a repository without such notes pays nothing for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tract.content.generation import UNKNOWN, Generation, of_entry
from tract.plumbing import notes, refs
from tract.plumbing.repo import CommitId, Repo


class Generations:
    """Reads generation notes of one repository."""

    def __init__(self, repo: Repo) -> None:
        self.unwritten: Mapping[str, Sequence[str]] = {}
        self._repo = repo
        self._tip: CommitId | None = None
        self._is_read = False

    def forget(self) -> None:
        """Look at the notes ref again at the next question."""
        self._is_read = False

    @property
    def exist(self) -> bool:
        """Whether the repository has generation notes at all."""
        if not self._is_read:
            self._tip = refs.read_ref(self._repo, notes.GENERATION)
            self._is_read = True
        return self._tip is not None or bool(self.unwritten)

    def lines(self, commit: str) -> list[str]:
        """The lines of a commit's note, with those that a batch is going to write."""
        if not self.exist:
            return []
        written = notes.read_lines(self._repo, notes.GENERATION, commit)
        return sorted({*written, *self.unwritten.get(commit, ())})

    def of(self, commit: str, entry_id: str | None) -> Generation:
        """What is known of the answer that a commit wrote."""
        if entry_id is None or not self.exist:
            return UNKNOWN
        return of_entry(self.lines(commit), entry_id)
