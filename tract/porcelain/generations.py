"""generations.py - what the generation notes say of the answers that commits wrote.

The notes ref is read once a verb (`forget` is called whenever the branch's tip is read), so a log
of a repository without such notes pays nothing for them. Notes that are damaged say nothing, and
status names them: they cost no context and no log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tract.content.generation import UNKNOWN, Generation, entry_of, of_entry
from tract.errors import CorruptRepo
from tract.plumbing import notes, refs
from tract.plumbing.index import Line
from tract.plumbing.repo import CommitId, Repo
from tract.porcelain.derived import Derived


class Generations:
    """Reads generation notes of one repository."""

    def __init__(self, repo: Repo, derived: Derived) -> None:
        self._derived = derived
        self.unwritten: Mapping[str, Sequence[str]] = {}
        self._repo = repo
        self._tip: CommitId | None = None
        self._is_read = False
        self.damage: dict[str, str] = {}
        self._sound: dict[str, CommitId | None] = {}

    def forget(self) -> None:
        """Look at the notes ref again at the next question."""
        self._is_read = False
        self.damage.clear()

    @property
    def exist(self) -> bool:
        """Whether the repository has generation notes at all."""
        if not self._is_read:
            with self._reading(notes.GENERATION):
                self._tip = refs.read_ref(self._repo, notes.GENERATION)
            self._is_read = True
        return self._tip is not None or bool(self.unwritten)

    def lines(self, commit: str) -> list[str]:
        """The lines of a commit's note, with those that a batch is going to write."""
        if not self.exist:
            return []
        written: list[str] = []
        with self._reading(notes.GENERATION):
            written = notes.read_lines(self._repo, notes.GENERATION, commit)
        return sorted({*written, *self.unwritten.get(commit, ())})

    def of_all(self, commits: Sequence[str], entries: Sequence[str]) -> list[Generation]:
        """What is known of many answers; a folder of notes that the index knows is not read."""
        if not self.exist:
            return [UNKNOWN] * len(commits)
        found: dict[str, list[str]] = {}
        for commit, _, line in self._all_lines():
            found.setdefault(commit, []).append(line)
        for commit, lines in self.unwritten.items():
            found.setdefault(commit, []).extend(lines)
        pairs = zip(commits, entries, strict=True)
        return [of_entry(found.get(commit, ()), entry_id) for commit, entry_id in pairs]

    @contextmanager
    def _reading(self, ref: str) -> Iterator[None]:
        """Go on without notes that are damaged, and remember which."""
        try:
            yield
        except CorruptRepo as error:
            self.damage[ref] = error.message

    def look(self) -> list[str]:
        """What is damaged of the notes, in words, a sentence a ref."""
        for ref in (notes.GENERATION, notes.TOKENS):
            with self._reading(ref):
                tip = refs.read_ref(self._repo, ref)
                if tip is None or tip != self._sound.get(ref):
                    notes.check(self._repo, ref)
                    self._sound[ref] = tip
        return [
            f"{ref} is damaged ({said}); `tract fsck --repair` keeps what can be read"
            for ref, said in sorted(self.damage.items())
        ]

    def _all_lines(self) -> Iterator[Line]:
        known = self._derived.noted(notes.GENERATION)
        folders: dict[str, str] = {}
        with self._reading(notes.GENERATION):
            folders = notes.fan_out(self._repo, notes.GENERATION)
        fresh: dict[str, tuple[str, list[Line]]] = {}
        for folder, tree in folders.items():
            found = known.get(folder)
            if found is None or found[0] != tree:
                found = self._folder(tree, folder)
                if found is None:
                    continue
                fresh[folder] = found
            yield from found[1]
        gone: dict[str, tuple[str, list[Line]]]
        gone = {folder: ("", []) for folder in known.keys() - folders.keys()}
        self._derived.keep_notes(notes.GENERATION, fresh | gone)

    def _folder(self, tree: str, folder: str) -> tuple[str, list[Line]] | None:
        with self._reading(notes.GENERATION):
            listed = notes.list_folder(self._repo, tree, folder)
            return tree, [(at, entry_of(line), line) for at, each in listed for line in each]
        return None

    def of(self, commit: str, entry_id: str | None) -> Generation:
        """What is known of the answer that a commit wrote."""
        if entry_id is None or not self.exist:
            return UNKNOWN
        return of_entry(self.lines(commit), entry_id)
