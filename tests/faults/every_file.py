"""every_file.py - a repository of 30 commits, and what becomes of it when one file is damaged.

Made once, copied for each case. A case goes the way of a user: reads, writes on both branches,
repairs, reads and writes again; whatever happens must be the right answer, an error that names the
file, or a loss of no more than the file held.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tests.git import clean_environment, git
from tract.errors import CorruptRepo, UnknownFormat
from tract.plumbing import upkeep
from tract.porcelain.problem import Problem
from tract.porcelain.settle import settle
from tract.testing import PinnedClock, PinnedRandom
from tract.tract import Tract

BRANCHES = ("main", "other", "third")  # the last one stands in packed-refs alone
DAMAGES = ("emptied", "halved", "NUL", "removed")
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
# What nobody needs: git's own samples and words, and what a lock or a cache makes again by itself.
LEFT_OUT = ("hooks", "description", "info/exclude")
LOOSE = "loose "


def opened(path: Path, **options: Any) -> Tract:
    """A handle whose clock and random source make each run the same."""
    options.setdefault("random", PinnedRandom(7))
    clock = PinnedClock(start_ms=1_700_000_000_000, step_ms=1000)
    return Tract.open(path, create=False, clock=clock, **options)


def make(path: Path) -> Path:
    """Thirty commits on main: some packed, some loose; a branch, a tag, notes, an index."""
    clock = PinnedClock(start_ms=1_600_000_000_000, step_ms=1000)
    with Tract.open(path, clock=clock, random=PinnedRandom(1)) as t:
        t.system("You book flights.")
        said = [{"role": "user" if n % 2 else "assistant", "content": f"old {n}"} for n in range(8)]
        t.import_messages(said)
        t.assistant("one", generation_config={"model": "gpt-4o"}, usage={"prompt_tokens": 3})
        t.edit(3, "edited early")
        settle(t)
        upkeep.consolidate(t.repo, loose_max=1)
        git(path, "branch", "other")
        git(path, "branch", "third")
        git(path, "tag", "v1")
        git(path, "pack-refs", "--all")
        t.user("call it")
        t.assistant("", tool_calls=[CALL], generation_config={"model": "gpt-4o"})
        t.tool_result("c1", "sunny")
        for n in range(15):
            t.user(f"new {n}")
        t.edit(14, "edited late")
        t.config.set("budget", 9000)
    with opened(path, branch="other") as t:
        t.user("on the other branch")
    assert git(path, "rev-list", "--count", "main") == "30"
    return path


def files_of(path: Path) -> list[str]:
    """The files of the repository that may be damaged, from its folder."""
    found = [str(each.relative_to(path)) for each in sorted(path.rglob("*")) if each.is_file()]
    return [name for name in found if not name.startswith(LEFT_OUT)]


def kind_of(path: Path, name: str) -> str:
    """What sort of file it is, for the table."""
    parts = name.split("/")
    if parts[0] == "objects" and len(parts[1]) == 2:
        return f"{LOOSE}{git(path, 'cat-file', '-t', parts[1] + parts[2])}"
    if parts[0] == "objects":
        return f"pack {Path(name).suffix}"
    if parts[0] == "tract":
        return "tract/" + parts[1].split("-")[0]
    if parts[0] in ("refs", "logs"):
        sort = "HEAD" if name == "logs/HEAD" else "branch or tag"
        sort = "notes, settings" if "tract" in parts else sort
        return f"{'reflog' if parts[0] == 'logs' else 'ref'}: {sort}"
    return name


def damage(file: Path, how: str) -> None:
    """Do to a file what a power cut does."""
    content = file.read_bytes()
    file.chmod(0o644)
    if how == "removed":
        file.unlink()
    else:
        half = content[: len(content) // 2]
        file.write_bytes({"emptied": b"", "halved": half, "NUL": bytes(len(content))}[how])


class Outcome(NamedTuple):
    """What a case came to: `before` and `after` the repair, and how many entries are lost."""

    before: str
    after: str
    lost: int


class Truth(NamedTuple):
    """What the sound repository says."""

    texts: dict[str, list[str]]
    ids: dict[str, list[str]]
    tips: dict[str, str]
    log: list[str]
    old: str


def truth_of(path: Path) -> Truth:
    """Read it all, before anything is damaged."""
    texts, ids = {}, {}
    for branch in BRANCHES:
        with opened(path, branch=branch) as t:
            texts[branch] = compiled(path, branch)
            ids[branch] = list(t.compile().entry_ids)
    tips = {branch: git(path, "rev-parse", branch) for branch in BRANCHES}
    with opened(path) as t:
        log = [info.commit_hash for info in t.log(100)]
    return Truth(texts, ids, tips, log, log[12])


def compiled(path: Path, branch: str) -> list[str]:
    """What the context of a branch says."""
    with opened(path, branch=branch) as t:
        return [str(each["content"]) for each in t.compile().to_dicts()]


def caught(verb: Callable[[], Any]) -> tuple[Any, CorruptRepo | None]:
    """What a verb answers, or its error for something damaged; any other error is a bug."""
    try:
        return verb(), None
    except CorruptRepo as error:
        return None, error


class Case:
    """One file, damaged in one way."""

    def __init__(self, path: Path, name: str, truth: Truth) -> None:
        self.path = path
        self.name = name
        self.truth = truth
        self.is_refused = False
        self.added: dict[str, list[str]] = {branch: [] for branch in BRANCHES}
        self.hidden: list[str] = []
        self.problems: list[Problem] = []

    def attempt(self, what: str, verb: Callable[[], object], right: object) -> bool:
        """Whether a verb gave the right answer; else it must have named the file."""
        found, error = caught(verb)
        if error is None:
            assert found == right, (self.name, what, found, right)
            return True
        assert not isinstance(error, UnknownFormat), (self.name, what, error)
        assert self.is_named(what, error), (self.name, what, error, error.facts)
        assert error.hint
        self.is_refused = True
        return False

    def is_named(self, what: str, error: CorruptRepo) -> bool:
        """Whether an error names the file, or the other half of its pack."""
        if what == "a setting":  # no verb of a handle: it names the document, or the object
            said = f"{error.message} {error.facts.get('name')}"
            if "refs/tract/meta" in said or self.name.replace("/", "")[-40:] in said:
                return True
        stem = self.name.removesuffix(".idx").removesuffix(".pack")
        return stem in str(error) or stem in str(error.facts.get("path"))

    def read(self) -> None:
        """Everything that only looks."""
        truth = self.truth
        for branch, texts in truth.texts.items():
            self.attempt(f"compile {branch}", partial(compiled, self.path, branch), texts)
        self.attempt("log", lambda: self._log(100), truth.log)
        self.attempt("a short log", lambda: self._log(3), truth.log[:3])
        self.attempt("status", self._status, (truth.tips["main"], len(truth.ids["main"])))
        self.attempt("get", lambda: self._get(truth.old), truth.old)
        self.attempt("HEAD", self._branch, "main")
        self.attempt("a setting", self._setting, 9000)

    def _log(self, limit: int) -> list[str]:
        with opened(self.path, branch="main") as t:
            return [info.commit_hash for info in t.log(limit)]

    def _status(self) -> tuple[str | None, int]:
        with opened(self.path, branch="main") as t:
            said = t.status()
            return said.head_hash, said.entry_count

    def _get(self, commit: str) -> str:
        with opened(self.path, branch="main") as t:
            return t.get(commit).commit_hash

    def _setting(self) -> object:
        with opened(self.path, branch="main") as t:
            said = " ".join(t.status().warnings)
            value = t.config.get("budget")
        return 9000 if value is None and "settings" in said else value

    def _branch(self) -> str | None:
        with opened(self.path) as t:
            t.compile()
            return t.branch_name

    def append(self, text: str) -> None:
        """Write on both branches: behind their tips, or not at all."""
        for branch in BRANCHES:
            tip = self.truth.tips[branch]

            def write(branch: str = branch, tip: str = tip) -> bool:
                with opened(self.path, branch=branch, random=PinnedRandom(len(text))) as t:
                    info = t.user(f"{text} on {branch}", generation_config={"model": "m"})
                    self.added[branch].append(f"{text} on {branch}")
                    self.truth.tips[branch] = info.commit_hash
                    return tip in info.parents

            if branch not in self.hidden:
                self.attempt(f"append on {branch}", write, right=True)

    def repair(self) -> None:
        """Mend it, as `tract fsck --repair` does."""
        mended = Tract.mend(self.path)
        with opened(self.path) as t:
            found = t.fsck(repair=True)
        self.problems = [*mended, *found]
        with opened(self.path) as t:
            again = t.fsck(repair=True)
        assert not [each for each in again if each.repaired], (self.name, again)

    def after(self) -> int:
        """How many entries are lost; what was written since the damage is not."""
        lost = 0
        self.hidden.clear()
        for branch in BRANCHES:
            wanted = self.truth.texts[branch] + self.added[branch]
            found, error = caught(partial(compiled, self.path, branch))
            if error is not None:
                assert error.facts.get("path"), (self.name, error)
                self.hidden.append(branch)
                lost = max(lost, len(wanted))
                continue
            assert found, (self.name, "an empty context")
            assert set(self.added[branch]) <= set(found), (self.name, branch, found)
            rest = [each for each in found if each in wanted]
            assert rest == [each for each in wanted if each in found], (self.name, found)
            lost = max(lost, len(wanted) - len(rest))
            self.truth.tips[branch] = git(self.path, "rev-parse", branch)
        return lost

    def judged_by_git(self) -> bool:
        """Whether stock git finds all that the branches reach sound; else fsck has said so."""
        command = ["git", f"--git-dir={self.path}", "fsck", "--no-reflogs", "--no-dangling"]
        ran = subprocess.run(
            [*command, *BRANCHES], capture_output=True, env=clean_environment(), check=False
        )
        if ran.returncode:
            left = [each for each in self.problems if not each.repaired and not each.is_harmless]
            assert left, (self.name, ran.stdout, ran.stderr)
        return ran.returncode == 0


def held(path: Path, name: str) -> int:
    """How many entries a file may cost: a loose object holds one, a pack what is in it."""
    if not name.startswith("objects/"):
        return 0
    return 99 if name.startswith("objects/pack/") else 1


def run(origin: Path, folder: Path, name: str, how: str, truth: Truth) -> Outcome:
    """One case from damage to the end."""
    path = Path(shutil.copytree(origin, folder / ".tract"))
    damage(path / name, how)
    copied = Truth(truth.texts, truth.ids, dict(truth.tips), truth.log, truth.old)
    case = Case(path, name, copied)
    case.read()
    case.append("since")
    before = "named" if case.is_refused else "right"
    case.repair()
    lost = case.after()
    case.is_refused = False
    case.append("afterwards")
    assert not case.is_refused, (name, how, "no write after the repair")
    assert case.after() == lost, (name, how)
    assert lost <= held(path, name), (name, how, lost)
    sound = case.judged_by_git()
    shutil.rmtree(folder)
    after = "whole" if sound else "a hole in the history"
    if case.hidden:
        after = "nothing whole is left"
    return Outcome(before, after, lost)
