"""Random walks of moves: every ref is where a plain model of refs and operations says it is."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.git import fsck_clean, git
from tests.properties.moves import HEAD, Refs, Refused, Stand
from tract.errors import TractError
from tract.testing import PinnedRandom
from tract.tract import Tract

FIRST = ("main", "dev")


class Walk:
    """Handles on one repository, the model beside it, and what each commit's context says."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        self.folder = folder / ".tract"
        self.ticks = itertools.count(1_700_000_000_000)
        self.letters = PinnedRandom(seed)
        self.branches = [*FIRST]
        self.refs = Refs({"main": None, "dev": None, HEAD: "main"})
        self.texts: dict[str | None, list[str]] = {None: []}
        self.words = itertools.count()
        self.handles = [(self.open(), Stand("main", own=False))]
        self.handles.append((self.open(branch="dev"), Stand("dev", own=True)))

    def open(self, branch: str | None = None) -> Tract:
        """A handle whose clock never stands still."""
        return Tract.open(
            self.folder, clock=lambda: next(self.ticks), random=self.letters, branch=branch
        )

    # -- one step each

    def append(self, t: Tract, stand: Stand) -> None:
        """Say something, where there is a branch to say it on."""
        if stand.place not in self.branches:
            self.refused("DetachedHead", lambda: t.user("detached"))
            return
        text, tip = f"said {next(self.words)}", self.refs.values[stand.place]
        self.wrote("append", stand, t.user(text).commit_hash, [*self.texts[tip], text])

    def edit(self, t: Tract, stand: Stand) -> None:
        """Change an entry."""
        tip = self.refs.values.get(stand.place)
        if tip is None:
            return
        texts = list(self.texts[tip])
        at, text = self.dice.randrange(len(texts)), f"edited {next(self.words)}"
        texts[at] = text
        info = t.edit(t.compile().entry_ids[at], text)
        self.wrote("edit", stand, info.commit_hash, texts)

    def wrote(self, kind: str, stand: Stand, commit: str, texts: list[str]) -> None:
        """A commit was made on the handle's branch."""
        self.texts[commit] = texts
        self.refs.move(kind, **{stand.place: commit})

    def bring(self, t: Tract, stand: Stand) -> None:
        """Import two conversations at once, each onto a branch of its own; who stands on nothing
        goes to the first.
        """
        number = next(self.words)
        record = {"messages": [{"role": "user", "content": f"brought {number}"}]}
        results = t.import_messages([record | {"id": f"{number}-{each}"} for each in "ab"])
        values: dict[str, str | None] = {}
        for result in results:
            assert result.branch is not None
            self.branches.append(result.branch)
            values[result.branch] = result.commits[0].commit_hash
            self.texts[values[result.branch]] = [f"brought {number}"]
        goes = self.refs.values.get(stand.place, "") is None
        first = str(results[0].branch)
        if goes and not stand.own and self.refs.values[HEAD] != first:
            values[HEAD] = first
        op = self.refs.move("import", **values)
        op.from_head = not stand.own
        if goes:
            stand.before.append(stand.place)
            stand.place = first

    def reset(self, t: Tract, stand: Stand) -> None:
        """Move the branch to any commit that ever was."""
        commits = [commit for commit in self.texts if commit is not None]
        if not commits:
            return
        goal, mode = self.dice.choice(commits), self.dice.choice(("soft", "hard"))
        if stand.place not in self.branches:
            self.refused("DetachedHead", lambda: t.reset(goal, mode=mode))
            return
        tip = self.refs.values[stand.place]
        t.reset(goal, mode=mode)
        if tip != goal:
            lost = stand.place if mode == "soft" and tip is not None else None
            self.refs.move("reset", lost, **{stand.place: goal})
            if lost:
                assert t.get("ORIG_HEAD").commit_hash == tip

    def checkout(self, t: Tract, stand: Stand) -> None:
        """Go to a branch, a commit, or back."""
        commits = [commit for commit in self.texts if commit is not None]
        target = self.dice.choice(["-", *self.branches, *commits[-3:]])
        place = self.meant(stand, target)
        if place is None:
            self.refused("RevisionNotFound", lambda: t.checkout(target))
            return
        t.checkout(target)
        if stand.own:
            if place != stand.place:
                stand.before.append(stand.place)
        elif place != self.refs.values[HEAD]:
            self.refs.move("checkout", HEAD=place)
        stand.place = place

    def meant(self, stand: Stand, target: str) -> str | None:
        """Where a target leads; None where there is nothing."""
        if target == "-":
            before = stand.before if stand.own else self.refs.places
            return before[-1] if before else None
        if target not in self.branches or self.refs.values[target] is not None:
            return target
        had_commits = any(target in op.after for op in self.refs.ops)
        return target if had_commits or target in (stand.place, self.refs.values[HEAD]) else None

    def undo(self, t: Tract, stand: Stand) -> None:
        """Take something back."""
        self.alike(lambda: self.refs.undo(stand), t.undo)

    def redo(self, t: Tract, stand: Stand) -> None:
        """Bring something again."""
        self.alike(lambda: self.refs.redo(stand), t.redo)

    def by_hand(self, _t: Tract, _stand: Stand) -> None:
        """Stock git puts a commit on a branch; it knows nothing of operations."""
        name = self.dice.choice(self.branches)
        tip = self.refs.values[name]
        if tip is None:
            return
        made = git(self.folder, "commit-tree", f"{tip}^{{tree}}", "-p", tip, "-m", "by hand")
        git(self.folder, "update-ref", f"refs/heads/{name}", made, tip)
        self.texts[made] = self.texts[tip]
        self.refs.values[name] = made

    def second_handle(self, _t: Tract, _stand: Stand) -> None:
        """One more handle, or another one in its place; it stands where HEAD stands."""
        place = str(self.refs.values[HEAD])
        self.handles[2:] = [(self.open(), Stand(place, own=False))]

    # -- looking after

    def alike(self, model: Callable[[], object], real: Callable[[], object]) -> None:
        """Both do it, or both refuse it."""
        try:
            model()
        except Refused as refusal:
            self.refused(str(refusal), real)
        else:
            real()

    def refused(self, name: str, call: Callable[[], object]) -> None:
        """A call fails with the error of that name."""
        with pytest.raises(TractError) as caught:
            call()
        assert type(caught.value).__name__ == name

    def check(self) -> None:
        """Every ref, HEAD, and every handle are where the model says."""
        for name in self.branches:
            found = git(self.folder, "for-each-ref", "--format=%(objectname)", f"refs/heads/{name}")
            assert (found or None) == self.refs.values[name], name
        head = (self.folder / HEAD).read_text().strip().removeprefix("ref: refs/heads/")
        assert head == self.refs.values[HEAD]
        for t, stand in self.handles:
            assert (t.branch_name or t.detached_at) == stand.place
            tip = self.refs.values[stand.place] if stand.place in self.branches else stand.place
            assert t.status().head_hash == tip
            assert [each["content"] for each in t.compile().to_dicts()] == self.texts[tip]

    def finish(self) -> None:
        """No branch lost a way back, and stock git finds nothing to say."""
        fsck_clean(self.folder)
        for t, stand in self.handles:
            seen = list(self.refs.seen(stand))
            effective = {id(op) for op in self.refs.in_effect(stand)}
            found = [(each.verb, each.is_undone) for each in t.operations(10_000)]
            assert found == [(op.kind, id(op) not in effective) for op in seen]
            t.close()


STEPS: list[tuple[int, Callable[[Walk, Tract, Stand], None]]] = [
    (6, Walk.append),
    (3, Walk.edit),
    (1, Walk.bring),
    (3, Walk.reset),
    (3, Walk.checkout),
    (7, Walk.undo),
    (5, Walk.redo),
    (1, Walk.by_hand),
    (1, Walk.second_handle),
]
WEIGHTS = [weight for weight, _ in STEPS]


def walk(folder: Path, seed: int, steps: int) -> None:
    """Walk, and look after every step; a failure says which walk and step it was."""
    one = Walk(folder, seed)
    names: list[str] = []
    for _ in range(steps):
        (_, step) = one.dice.choices(STEPS, WEIGHTS)[0]
        t, stand = one.dice.choice(one.handles)
        names.append(f"{step.__name__} {stand.place[:7]}{' own' if stand.own else ''}")
        try:
            step(one, t, stand)
            one.check()
        except (AssertionError, TractError) as error:
            raise AssertionError(f"walk {seed}: {json.dumps(names)}: {error!r}") from error
    one.finish()


def test_moves_come_to_what_the_model_says(
    tmp_path: Path, soak: bool, runs: Callable[[int], None]
) -> None:
    """After any walk of writes, resets, checkouts, undos and redos, by three handles and by stock
    git, every ref is where a plain model says, and each refusal is the model's.
    """
    count = 1000 if soak else 12
    for seed in range(count):
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        walk(folder, seed, steps=40)
    runs(count)
