"""test_damage.py - an error for a damaged file names it and what is whole; the rest is readable.

And nothing is ever written over damage: no empty context, no new root commit.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.git import git
from tests.porcelain.saying import contents
from tests.spoiled import HOWS, everything, loose_file, spoil
from tract.errors import CorruptRepo
from tract.plumbing import notes
from tract.porcelain.damage import explained
from tract.porcelain.workspace import Workspace
from tract.testing import PinnedClock, PinnedRandom
from tract.tract import Tract

MAIN = "refs/heads/main"
META = "refs/tract/meta"
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ONE = [{"role": "user", "content": "x"}]
NEWEST = "000/00/05.user.md"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six entries with an open call and notes, a second branch two entries back, settings."""
    path = tmp_path_factory.mktemp("origin") / ".tract"
    with Tract.open(path, clock=PinnedClock(), random=PinnedRandom()) as t:
        t.system("zero")
        t.user("one")
        t.assistant("two", tool_calls=[CALL], generation_config={"model": "m"})
        t.assistant("three", generation_config={"model": "m"})
        git(path, "branch", "other")
        t.user("four")
        t.user("five")
        t.config.set("budget.tokens", 5000)
    return path


@pytest.fixture
def path(origin: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(origin, tmp_path / ".tract"))


@pytest.fixture
def open_again(path: Path) -> Iterator[Callable[..., Tract]]:
    """Open a handle on it, which is closed at the end."""
    with ExitStack() as stack:

        def call(**options: Any) -> Tract:
            clock = PinnedClock(1_800_000_000_000)
            t = Tract.open(path, clock=clock, random=PinnedRandom(5), create=False, **options)
            return stack.enter_context(t)

        yield call


def batched(t: Tract) -> None:
    """Write one entry in a batch."""
    with t.batch() as b:
        b.user("x")


WRITES: dict[str, Callable[[Tract], object]] = {
    "system": lambda t: t.system("x"),
    "user": lambda t: t.user("x"),
    "assistant": lambda t: t.assistant("x"),
    "reasoning": lambda t: t.reasoning("x"),
    "tool_result": lambda t: t.tool_result("c1", "x"),
    "artifact": lambda t: t.artifact("x"),
    "handoff": lambda t: t.handoff(summary="x"),
    "commit": lambda t: t.commit({"content_type": "dialogue", "role": "user", "text": "x"}),
    "edit": lambda t: t.edit(5, "x"),
    "batch": batched,
    "record_usage": lambda t: t.record_usage({"prompt_tokens": 1}),
    "cancel_tool_calls": lambda t: t.cancel_tool_calls(),
    "import_messages": lambda t: t.import_messages(ONE),
    "import_bytes": lambda t: t.import_bytes(b'[{"role": "user", "content": "x"}]', onto="main"),
}
READS: dict[str, Callable[[Tract], object]] = {
    "compile": lambda t: t.compile(),
    "log": lambda t: t.log(),
    "show": lambda t: t.show(5),
    "status": lambda t: t.status(),
    "get": lambda t: t.get("HEAD"),
    "entry": lambda t: t.entry(5),
    "diff": lambda t: t.diff("HEAD~1", "HEAD"),
    "search": lambda t: t.search("five"),
}
MOVES: dict[str, Callable[[Tract], object]] = {
    "undo": lambda t: t.undo(),
    "redo": lambda t: t.redo(),
    "reset": lambda t: t.reset("HEAD~1"),
}
VERBS = WRITES | READS | MOVES
# What needs no context, or says what is damaged instead of failing.
NOT_OF_THE_TIP = {"register_content_type", "import_file", "checkout", "operations", "storage",
                  "fsck", "git"}  # fmt: skip
UNEXPLAINED = {"open", "mend", "close"}  # no handle yet, or none any more


def verbs() -> dict[str, Any]:
    """The public verbs of class Tract that are not a Workspace's."""
    named = {name: getattr(Tract, name) for name in vars(Tract) if not name.startswith("_")}
    return {name: verb for name, verb in named.items() if callable(verb)}


def test_every_verb_is_explained() -> None:
    """Every public verb of Tract tells of damage, be it one that was added yesterday."""
    code = explained(lambda ws: None).__code__
    plain = {name for name, verb in verbs().items() if verb.__code__ is not code}
    assert plain == UNEXPLAINED | {"batch"}  # a batch's own test is below


def test_every_verb_is_tried() -> None:
    """The tables here have every verb that reads the tip."""
    assert verbs().keys() - UNEXPLAINED == VERBS.keys() | NOT_OF_THE_TIP


def named(verb: Callable[[], object]) -> object:
    """The file that the error of a verb names; None where it does not fail."""
    try:
        verb()
    except CorruptRepo as error:
        return error.facts.get("path", "none is named")
    return None


def failed(verb: Callable[[], object]) -> CorruptRepo:
    """The error of a verb."""
    with pytest.raises(CorruptRepo) as error:
        verb()
    return error.value


def newest(path: Path, name: str = "main") -> str:
    """The id of a commit."""
    return git(path, "rev-parse", name)


# Every verb


@pytest.mark.parametrize("name", VERBS)
def test_damaged_ref_is_named_by_every_verb(
    path: Path, open_again: Callable[..., Tract], name: str
) -> None:
    """Where the branch's file is damaged every verb names it, the newest whole commit, a hint."""
    whole = newest(path)
    spoil(path / MAIN, "emptied")
    before = everything(path)
    error = failed(lambda: VERBS[name](open_again()))
    assert (error.facts["path"], error.facts["whole"]) == (MAIN, whole)
    assert f"{MAIN} has 0 bytes" in error.message
    assert whole[:12] in error.message
    assert error.hint
    assert "fsck --repair" in error.hint
    assert everything(path) == before


@pytest.mark.parametrize("name", [*WRITES, *READS, "reset"])
def test_damaged_commit_is_named_by_every_verb(
    path: Path, open_again: Callable[..., Tract], name: str
) -> None:
    """Where the tip's commit is damaged every verb names it and the one before."""
    whole, file = newest(path, "main~1"), loose_file(path, "main")
    spoil(file, "NUL")
    before = everything(path)
    error = failed(lambda: VERBS[name](open_again()))
    assert error.facts["path"] == str(file.relative_to(path))
    assert error.facts["whole"] == whole
    assert "holds nothing but NUL" in error.message
    assert everything(path) == before


@pytest.mark.parametrize("name", [*WRITES, *READS, "undo", "reset"])
def test_damaged_tree_is_named_or_not_needed(
    path: Path, open_again: Callable[..., Tract], name: str
) -> None:
    """Where the tip's page is damaged a verb names it, or gives an answer that needs none of it."""
    file = loose_file(path, "main:000/00")
    spoil(file, "halved")
    said = named(lambda: VERBS[name](open_again()))
    needs_none = {"undo", "reset", "get", "record_usage"}
    assert said == str(file.relative_to(path)) or (said is None and name in needs_none)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("name", ["compile", "show", "entry", "search", "diff"])
def test_damaged_entry_is_named_by_what_reads_it(
    path: Path, open_again: Callable[..., Tract], name: str, how: str
) -> None:
    """Where an entry's blob is damaged, what reads it names the file."""
    file, whole = loose_file(path, f"main:{NEWEST}"), newest(path, "main~1")
    spoil(file, how)
    shutil.rmtree(path / "tract")
    error = failed(lambda: READS[name](open_again()))
    assert (error.facts["path"], error.facts["whole"]) == (str(file.relative_to(path)), whole)


def test_batch_names_it_at_its_begin_and_inside(
    path: Path, open_again: Callable[..., Tract]
) -> None:
    """A batch tells of damage whether it begins on it or meets it."""
    file = loose_file(path, f"main:{NEWEST}")
    t = open_again()
    spoil(file, "emptied")
    with pytest.raises(CorruptRepo) as met, t.batch() as b:
        b.user("x")
        b.compile()
    assert met.value.facts["path"] == str(file.relative_to(path))
    spoil(path / MAIN, "removed")
    error = failed(lambda: batched(t))
    assert error.facts["path"] == MAIN


def test_nothing_is_whole(path: Path, open_again: Callable[..., Tract]) -> None:
    """Where every commit needs the file, that is said."""
    spoil(loose_file(path, "main:000/00/00.system.md"), "removed")
    shutil.rmtree(path / "tract")
    error = failed(lambda: open_again().compile())
    assert error.facts["whole"] is None
    assert "no commit of main is whole" in error.message


def test_damage_that_costs_the_tip_nothing(path: Path, open_again: Callable[..., Tract]) -> None:
    """A file that only older commits need is named, and the tip called whole."""
    file = loose_file(path, "main~3")
    spoil(file, "emptied")
    t = open_again()
    assert contents(t)[-1] == "five"
    error = failed(lambda: t.log(10))
    assert error.facts == error.facts | {
        "path": str(file.relative_to(path)),
        "whole": newest(path),
    }
    assert "is whole at its newest commit" in error.message
    assert error.hint
    assert "only what is older" in error.hint


def test_detached_head(path: Path, open_again: Callable[..., Tract]) -> None:
    """On a detached HEAD the file is named, too."""
    git(path, "update-ref", "--no-deref", "HEAD", newest(path))
    file = loose_file(path, f"main:{NEWEST}")
    spoil(file, "NUL")
    shutil.rmtree(path / "tract")
    error = failed(lambda: open_again().compile())
    assert error.facts["path"] == str(file.relative_to(path))


def test_packed_object(path: Path, open_again: Callable[..., Tract]) -> None:
    """An object in a damaged pack is named by the pack."""
    git(path, "repack", "-adq")
    git(path, "prune-packed")
    (pack,) = path.glob("objects/pack/*.pack")
    spoil(pack, "halved")
    error = failed(lambda: open_again().compile())
    assert error.facts["path"] == str(pack.relative_to(path))


# What is not damaged


@pytest.mark.parametrize("how", HOWS)
def test_other_branches_stay_readable(
    path: Path, open_again: Callable[..., Tract], how: str
) -> None:
    """Damage of one branch's file costs no other branch."""
    spoil(path / MAIN, how)
    t = open_again(branch="other")
    assert contents(t) == ["zero", "one", "two", "three"]
    assert len(t.log()) == t.status().commit_count == 4


@pytest.mark.parametrize("how", HOWS)
def test_other_branches_stay_writable(
    path: Path, open_again: Callable[..., Tract], how: str
) -> None:
    """Damage of what one branch has written costs no write on another."""
    spoil(loose_file(path, "main"), how)
    t = open_again(branch="other")
    t.user("more")
    assert contents(t)[-1] == "more"


@pytest.mark.parametrize("how", ["emptied", "halved", "NUL", "changed"])
def test_writing_beside_a_damaged_ref(
    path: Path, open_again: Callable[..., Tract], how: str
) -> None:
    """A write on another branch goes on while HEAD's is damaged, or names that file."""
    spoil(path / MAIN, how)
    assert named(lambda: open_again(branch="other").user("more")) in (MAIN, None)


@pytest.mark.parametrize("how", HOWS)
def test_older_commits_stay_readable(
    path: Path, open_again: Callable[..., Tract], how: str
) -> None:
    """Damage of an entry costs no commit before it: by the id that the error names it is read."""
    spoil(loose_file(path, f"main:{NEWEST}"), how)
    shutil.rmtree(path / "tract")
    t = open_again()
    whole = failed(t.compile).facts["whole"]
    assert contents(t, at=str(whole))[-1] == "four"
    assert t.get(str(whole)).commit_hash == whole


# Never empty, never a new root


def roots(path: Path) -> set[str]:
    """Every commit without parents that any ref reaches."""
    return set(git(path, "rev-list", "--max-parents=0", "--all").split())


WHERE: dict[str, Callable[[Path], Path]] = {
    "ref": lambda path: path / MAIN,
    "packed-refs": lambda path: path / "packed-refs",
    "commit": lambda path: loose_file(path, "main"),
    "tree": lambda path: loose_file(path, "main^{tree}"),
    "page": lambda path: loose_file(path, "main:000/00"),
}


@pytest.mark.parametrize("how", ["emptied", "NUL", "removed"])
@pytest.mark.parametrize("where", WHERE)
def test_no_new_root_commit(
    path: Path, open_again: Callable[..., Tract], where: str, how: str
) -> None:
    """No write makes a root commit, or any other, of a branch that cannot be read."""
    if where == "packed-refs":
        git(path, "pack-refs", "--all")
    file = WHERE[where](path)
    was = spoil(file, how)
    for name in ("user", "batch", "import_messages", "edit"):
        error = failed(partial(WRITES[name], open_again()))
        assert "path" in error.facts, (name, error)
    file.write_bytes(was)
    assert len(roots(path) - roots_of_notes(path)) == 1
    assert newest(path) == git(path, "rev-parse", "main@{0}")
    assert contents(open_again())[-1] == "five"


def roots_of_notes(path: Path) -> set[str]:
    """The root commits of notes and settings."""
    refs = git(path, "for-each-ref", "--format=%(refname)", "refs/notes", "refs/tract").split()
    return set(git(path, "rev-list", "--max-parents=0", *refs).split())


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("how", ["emptied", "NUL", "removed"])
def test_no_empty_context(
    path: Path, open_again: Callable[..., Tract], where: str, how: str
) -> None:
    """A context that cannot be read is an error, never an empty answer."""
    if where == "packed-refs":
        git(path, "pack-refs", "--all")
    spoil(WHERE[where](path), how)
    t = open_again()
    for verb in (t.compile, t.status, t.log):
        failed(verb)


# HEAD and the configuration


@pytest.mark.parametrize("how", ["emptied", "NUL", "removed", "changed"])
def test_damaged_head(path: Path, open_again: Callable[..., Tract], how: str) -> None:
    """A HEAD that is damaged is named, at the opening or by the first verb; no branch is made."""
    spoil(path / "HEAD", how)
    error = failed(lambda: open_again().user("x"))
    assert "HEAD" in error.message
    assert error.facts["path"] == "HEAD"
    assert git_heads(path) == {"main", "other"}


def git_heads(path: Path) -> set[str]:
    """The names of the branches, whatever HEAD is."""
    return {each.name for each in (path / "refs/heads").iterdir()}


@pytest.mark.parametrize("how", ["cut", "unborn"])
def test_head_that_names_what_never_was(
    path: Path, open_again: Callable[..., Tract], how: str
) -> None:
    """A HEAD that was cut off is damage; a new branch that stock git chose is none."""
    named = b"ref: refs/heads/ma" + (b"" if how == "cut" else b"\n")
    (path / "HEAD").write_bytes(named)
    t = open_again()
    if how == "cut":
        assert failed(t.compile).facts["path"] == "HEAD"
    else:
        assert contents(t) == []


@pytest.mark.parametrize("how", ["emptied", "NUL", "removed"])
def test_damaged_config(path: Path, open_again: Callable[..., Tract], how: str) -> None:
    """A configuration that is damaged is named, or nothing of it is needed."""
    spoil(path / "config", how)
    assert named(lambda: contents(open_again())) in ("config", None)


@pytest.mark.parametrize("how", ["emptied", "NUL", "removed"])
def test_writing_with_a_damaged_config(
    path: Path, open_again: Callable[..., Tract], how: str
) -> None:
    """A write puts back what the configuration lacks, or names it."""
    spoil(path / "config", how)
    assert named(lambda: open_again().user("x")) in ("config", None)


# Notes


NOTED = (notes.GENERATION, notes.TOKENS)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("ref", NOTED)
def test_damaged_notes_cost_nothing(
    path: Path, open_again: Callable[..., Tract], ref: str, how: str
) -> None:
    """Damaged notes cost no context, log or status, and status says so."""
    with Tract.open(path) as t:
        said = contents(t), [info.commit_hash for info in t.log()], t.status().token_count
    spoil(path / ref, how)
    t = open_again()
    assert (contents(t), [info.commit_hash for info in t.log()], t.status().token_count) == said
    assert any(ref in warning for warning in t.status().warnings)


@pytest.mark.parametrize("what", ["", "^{tree}"])
@pytest.mark.parametrize("ref", NOTED)
def test_damaged_objects_of_notes_cost_nothing(
    path: Path, open_again: Callable[..., Tract], ref: str, what: str
) -> None:
    """Nor does a commit or tree of theirs."""
    spoil(loose_file(path, ref + what), "emptied")
    t = open_again()
    assert contents(t)[-1] == "five"
    assert len(t.log()) == 6
    assert any(ref in warning for warning in t.status().warnings)


@pytest.mark.parametrize("how", HOWS)
def test_writing_to_damaged_notes(path: Path, open_again: Callable[..., Tract], how: str) -> None:
    """What has to write to damaged notes is refused before anything is written."""
    spoil(path / notes.GENERATION, how)
    before = everything(path)
    error = failed(lambda: open_again().assistant("x", generation_config={"model": "m"}))
    assert error.facts["path"] == notes.GENERATION
    assert everything(path) == before


def test_writing_without_notes(path: Path, open_again: Callable[..., Tract]) -> None:
    """What has nothing to write there goes on."""
    spoil(path / notes.GENERATION, "emptied")
    t = open_again()
    t.user("x")
    assert contents(t)[-1] == "x"


# Settings


@pytest.mark.parametrize("how", HOWS)
def test_damaged_settings_cost_nothing(
    path: Path, open_again: Callable[..., Tract], how: str
) -> None:
    """Damaged settings cost no context, and status says so."""
    spoil(path / META, how)
    t = open_again()
    assert contents(t)[-1] == "five"
    t.user("x")
    assert any("settings" in warning for warning in t.status().warnings)


@pytest.mark.parametrize("how", HOWS)
def test_writing_to_damaged_settings(
    path: Path, open_again: Callable[..., Tract], how: str
) -> None:
    """A setting is not written over damaged ones."""
    spoil(path / META, how)
    before = everything(path)
    error = failed(lambda: open_again().config.set("budget.tokens", 1))
    assert META in error.message
    assert everything(path) == before


def test_error_of_something_else_is_left_as_it_is(open_again: Callable[..., Tract]) -> None:
    """An error that no damaged file explains is what it was."""
    error = CorruptRepo("something else")

    def verb(ws: Workspace) -> None:
        raise error

    with pytest.raises(CorruptRepo) as raised:
        explained(verb)(open_again())
    assert raised.value.message == "something else"
    assert "path" not in raised.value.facts
