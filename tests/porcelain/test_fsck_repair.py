"""test_fsck_repair.py - what can be mended is, what is damaged is set aside, none is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.foreign import bring
from tests.git import fsck_clean, git
from tests.plumbing.stock import commit_files, entry
from tests.porcelain.saying import contents
from tests.spoiled import HOWS, everything, loose_file, pack_file, set_aside, spoil
from tract.errors import BadObject, RepoLocked, UsageError
from tract.plumbing import mending, notes, upkeep
from tract.porcelain.problem import Problem
from tract.testing import PinnedClock, PinnedRandom
from tract.tract import Tract

MAIN, THIRD = "refs/heads/main", "refs/heads/third"
SAID = {"type": "dialogue", "role": "user"}
WORDS = ["zero", "one", "two edited", "three", "four"]
FILES = [f"000/00/0{n}.user.md" for n in range(5)]
KEPT = ["emptied", "halved", "NUL", "changed"]
K, L = "k" * 16, "l" * 16


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five entries, one of them edited last; two branches; notes; all of it loose."""
    path = tmp_path_factory.mktemp("origin") / ".tract"
    with Tract.open(path, clock=PinnedClock(), random=PinnedRandom()) as t:
        for word in ("zero", "one", "two"):
            t.user(word)
        git(path, "branch", "third")
        t.user("three", generation_config={"model": "m"})
        t.user("four")
        t.edit(2, "two edited")
    return path


@pytest.fixture
def path(origin: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(origin, tmp_path / ".tract"))


@pytest.fixture
def packed(path: Path) -> Path:
    """The same in one pack and in packed-refs."""
    git(path, "repack", "-adq")
    git(path, "prune-packed")
    git(path, "pack-refs", "--all")
    return path


def opened(path: Path, branch: str | None = None) -> Tract:
    """A handle whose time comes after what is there."""
    clock = PinnedClock(1_900_000_000_000)
    return Tract.open(path, clock=clock, random=PinnedRandom(9), create=False, branch=branch)


def repair(path: Path) -> list[Problem]:
    """Repair it; a second repair has nothing to mend, and changes no byte."""
    with opened(path) as t:
        found = t.fsck(repair=True)
    before = everything(path)
    with opened(path) as t:
        again = t.fsck(repair=True)
    assert [each for each in again if each.repaired] == []
    assert everything(path) == before
    return found


def mended(found: list[Problem]) -> list[tuple[str, str]]:
    """Kind and place of what was mended."""
    return [(each.kind, each.where) for each in found if each.repaired]


def read(path: Path, branch: str | None = None) -> list[str]:
    """What a branch says."""
    with opened(path, branch) as t:
        return [str(each) for each in contents(t)]


def tip(path: Path, name: str = "main") -> str:
    """Where a branch stands."""
    return git(path, "rev-parse", name)


def is_in(path: Path, commit: str, branch: str = "main") -> bool:
    """Whether a commit is in the history of a branch."""
    return commit in git(path, "rev-list", branch).split()


# A sound repository


def test_sound_repository_is_not_changed(path: Path) -> None:
    """Where all is sound no byte is written, and nothing is reported."""
    before = everything(path)
    with opened(path) as t:
        assert t.fsck(repair=True) == []
    assert everything(path) == before


def test_sound_and_packed_repository_is_not_changed(packed: Path) -> None:
    """The same of one that stock git has packed."""
    git(packed, "commit-graph", "write", "--reachable")
    git(packed, "multi-pack-index", "write")
    before = everything(packed)
    with opened(packed) as t:
        assert t.fsck(repair=True) == []
    assert everything(packed) == before


def test_without_repair_nothing_is_changed(path: Path) -> None:
    """Looking at damage changes nothing, and says what a repair would do."""
    spoil(loose_file(path, "main"), "emptied")
    spoil(path / THIRD, "NUL")
    before = everything(path)
    with opened(path) as t:
        found = t.fsck()
    assert {each.kind for each in found} >= {"object", "ref", "branch"}
    assert all(each.hint for each in found)
    assert not any(each.repaired for each in found)
    assert everything(path) == before


def test_not_in_a_batch(path: Path) -> None:
    """A batch does not repair."""
    with opened(path) as t, t.batch() as b, pytest.raises(UsageError):
        b.fsck(repair=True)


# Objects


@pytest.mark.parametrize("how", KEPT)
def test_loose_object_is_set_aside(path: Path, how: str) -> None:
    """A damaged loose object is moved to `tract/damaged`, byte for byte."""
    file = loose_file(path, f"main:{FILES[4]}")
    spoil(file, how)
    broken, name = file.read_bytes(), str(file.relative_to(path))
    found = repair(path)
    assert ("object", name) in mended(found)
    assert set_aside(path)[name] == broken
    assert not file.exists()


@pytest.mark.parametrize("how", KEPT)
def test_loose_object_that_a_pack_has_too(path: Path, how: str) -> None:
    """Where a pack has the object whole nothing is lost, and no branch moves."""
    git(path, "repack", "-aq")
    was, file = tip(path), loose_file(path, f"main:{FILES[4]}")
    spoil(file, how)
    found = repair(path)
    assert mended(found) == [("object", str(file.relative_to(path)))]
    assert "a pack has the object whole" in found[0].message
    assert (tip(path), read(path)) == (was, WORDS)
    fsck_clean(path)


@pytest.mark.parametrize("how", HOWS)
def test_attributes_are_written_again(path: Path, how: str) -> None:
    """The blob that every tree of ours begins with is written again, and nothing is lost."""
    was, file = tip(path), loose_file(path, "main:.gitattributes")
    spoil(file, how)
    repair(path)
    assert (tip(path), read(path)) == (was, WORDS)
    fsck_clean(path)


# Branches


@pytest.mark.parametrize("how", HOWS)
def test_branch_goes_to_its_newest_whole_commit(path: Path, how: str) -> None:
    """Where the tip's commit is damaged the branch goes back to the one before, and no further."""
    whole = tip(path, "main~1")
    spoil(loose_file(path, "main"), how)
    found = repair(path)
    assert ("branch", MAIN) in mended(found)
    assert tip(path) == whole
    assert read(path) == ["zero", "one", "two", "three", "four"]


@pytest.mark.parametrize("how", HOWS)
def test_branch_keeps_what_came_after(path: Path, how: str) -> None:
    """An entry that is lost goes, what was written after it stays, behind the newest whole."""
    whole, file = tip(path, "main~3"), loose_file(path, f"main:{FILES[3]}")
    spoil(file, how)
    found = repair(path)
    assert ("branch", MAIN) in mended(found)
    assert read(path) == ["zero", "one", "two edited", "four"]
    assert is_in(path, whole)
    assert git(path, "rev-list", "--count", f"{whole}..main") == "1"


@pytest.mark.parametrize("how", HOWS)
def test_edit_that_is_lost(path: Path, how: str) -> None:
    """Where the text of an edit is lost the entry has the one before."""
    whole = tip(path, "main~1")
    spoil(loose_file(path, f"main:{FILES[2]}"), how)
    repair(path)
    assert tip(path) == whole
    assert read(path)[2] == "two"


@pytest.mark.parametrize("how", HOWS)
def test_entry_of_every_commit(path: Path, how: str) -> None:
    """Where no commit is whole, what can be read of the tip follows it: no new root, no empty."""
    was = tip(path)
    spoil(loose_file(path, f"main:{FILES[0]}"), how)
    repair(path)
    assert read(path) == WORDS[1:]
    assert tip(path, "main~1") == was


@pytest.mark.parametrize("how", HOWS)
def test_blob_that_only_older_commits_need(path: Path, how: str) -> None:
    """A blob that the tip does not need moves no branch."""
    was = tip(path)
    spoil(loose_file(path, f"main~1:{FILES[2]}"), how)
    third = read(path)
    repair(path)
    assert tip(path) == was
    assert read(path) == third == WORDS


def test_hole_in_the_history(path: Path) -> None:
    """A commit that is missing behind the tip moves no branch, and stays a problem."""
    was = tip(path)
    loose_file(path, "main~4").unlink()
    found = repair(path)
    assert tip(path) == was
    assert [each for each in found if not each.repaired and not each.is_harmless]


def test_all_branches_are_looked_at(path: Path) -> None:
    """Each branch that needs the file goes to its own newest whole commit."""
    spoil(loose_file(path, f"main:{FILES[1]}"), "emptied")
    repair(path)
    assert read(path) == ["zero", "two edited", "three", "four"]
    assert read(path, "third") == ["zero", "two"]


def test_message_says_where_it_went(path: Path) -> None:
    """What was done says from where to where."""
    was, whole = tip(path), tip(path, "main~1")
    spoil(loose_file(path, f"main:{FILES[2]}"), "emptied")
    (said,) = [each.message for each in repair(path) if each.kind == "branch"]
    assert f"main is not whole at {was[:12]}" in said
    assert f"it went back to {whole[:12]}" in said


def test_write_goes_on_after_a_repair(path: Path) -> None:
    """The branch can be written to afterwards, and its log tells of the repair."""
    spoil(loose_file(path, f"main:{FILES[3]}"), "emptied")
    repair(path)
    with opened(path) as t:
        t.user("goes on")
        assert contents(t) == ["zero", "one", "two edited", "four", "goes on"]
    assert "tract: repair" in git(path, "reflog", "-2", "main")


def test_checked_out_branch_is_refused(path: Path, tmp_path: Path) -> None:
    """A branch that is checked out in a work tree stays where it is, and that is said."""
    git(path, "worktree", "add", "-q", str(tmp_path / "tree"), "third")
    was = tip(path, "third")
    spoil(loose_file(path, f"third:{FILES[0]}"), "emptied")
    with opened(path) as t:
        found = t.fsck(repair=True)
    (said,) = [each for each in found if each.where == THIRD]
    assert not said.repaired
    assert said.hint
    assert "checked out in a git work tree" in said.hint
    assert tip(path, "third") == was


# Packs


@pytest.mark.parametrize("how", HOWS)
def test_index_of_a_pack_is_made_again(packed: Path, how: str) -> None:
    """A pack's index is made again from the pack, and nothing is lost."""
    file = pack_file(packed, ".idx")
    was = file.read_bytes()
    spoil(file, how)
    found = repair(packed)
    assert ("pack", str(file.relative_to(packed))) in mended(found)
    assert file.read_bytes() == was
    assert read(packed) == WORDS
    fsck_clean(packed)


def test_cut_pack_is_salvaged(path: Path) -> None:
    """Of a pack that is cut off what can be read is kept, and the pack set aside byte for byte."""
    git(path, "repack", "-adq", "--depth=0", "--window=0")
    git(path, "prune-packed")
    file = pack_file(path)
    count = len(git(path, "rev-list", "--all", "--objects").splitlines())
    spoil(file, "halved")
    broken = file.read_bytes()
    found = repair(path)
    assert ("pack", str(file.relative_to(path))) in mended(found)
    assert set_aside(path)[str(file.relative_to(path))] == broken
    loose = [each for each in path.glob("objects/??/*") if each.is_file()]
    assert 0 < len(loose) < count


def test_cut_pack_beside_loose_copies(path: Path) -> None:
    """Where loose files have what the pack lost, nothing is lost."""
    git(path, "repack", "-aq")
    was = tip(path)
    spoil(pack_file(path), "halved")
    repair(path)
    assert (tip(path), read(path)) == (was, WORDS)
    fsck_clean(path)


@pytest.mark.parametrize("how", KEPT)
def test_what_git_makes_again_is_set_aside(packed: Path, how: str) -> None:
    """A damaged commit-graph is set aside; git makes it again."""
    git(packed, "commit-graph", "write", "--reachable")
    file = packed / "objects/info/commit-graph"
    spoil(file, how)
    broken = file.read_bytes()
    repair(packed)
    assert set_aside(packed) == {"objects/info/commit-graph": broken}
    assert read(packed) == WORDS
    fsck_clean(packed)


# Refs


@pytest.mark.parametrize("how", HOWS)
def test_ref_is_put_back(path: Path, how: str) -> None:
    """A ref is put back where its log ends, and the damaged file set aside."""
    was = tip(path)
    spoil(path / MAIN, how)
    broken = {} if how == "removed" else {MAIN: (path / MAIN).read_bytes()}
    found = repair(path)
    assert ("ref", MAIN) in mended(found)
    assert (tip(path), read(path)) == (was, WORDS)
    assert set_aside(path) == broken
    fsck_clean(path)


@pytest.mark.parametrize("how", KEPT)
def test_ref_without_a_log(path: Path, how: str) -> None:
    """A ref of which nothing is known stays a problem, and no branch is made up."""
    spoil(path / THIRD, how)
    (path / "logs" / THIRD).unlink()
    with opened(path) as t:
        found = t.fsck(repair=True)
    assert [(each.where, each.repaired) for each in found if each.kind == "ref"] == [(THIRD, False)]
    assert read(path) == WORDS


@pytest.mark.parametrize("how", ["emptied", "halved", "NUL", "removed"])
def test_packed_refs_are_written_anew(packed: Path, how: str) -> None:
    """Refs that stand in packed-refs alone are put back from their logs."""
    before = git(packed, "for-each-ref")
    spoil(packed / "packed-refs", how)
    repair(packed)
    assert git(packed, "for-each-ref") == before
    assert read(packed) == WORDS
    fsck_clean(packed)


def test_ref_that_packed_refs_has_older(packed: Path) -> None:
    """A ref whose file is gone is put back at its newest value, not at what was packed."""
    with opened(packed) as t:
        t.user("five")
    was = tip(packed)
    (packed / MAIN).unlink()
    repair(packed)
    assert tip(packed) == was


@pytest.mark.parametrize("how", ["emptied", "NUL"])
def test_head_is_put_back(path: Path, how: str) -> None:
    """HEAD of a repository that can be opened is put back by fsck alone, else by `mend`."""
    was = spoil(path / "HEAD", how)
    done = Tract.mend(path)
    assert [each.where for each in done] == ["HEAD"]
    repair(path)
    assert (path / "HEAD").read_bytes() == was
    assert read(path) == WORDS


def test_damaged_ref_and_damaged_object(path: Path) -> None:
    """A ref is put back first, and goes to its newest whole commit then, in one repair."""
    whole = tip(path, "main~1")
    spoil(loose_file(path, "main"), "NUL")
    spoil(path / MAIN, "emptied")
    repair(path)
    assert tip(path) == whole


def test_lock_of_another_program(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ref that another program holds is left, and that is said."""
    monkeypatch.setattr(mending, "FOREIGN_WAIT_S", 0.01)
    spoil(path / MAIN, "emptied")
    held = path / f"{MAIN}.lock"
    held.touch()
    with opened(path) as t:
        found = t.fsck(repair=True)
    (said,) = [each for each in found if each.kind == "ref" and each.where == MAIN]
    assert not said.repaired
    assert said.hint
    assert "another program holds" in said.hint
    assert held.exists()


def test_while_another_process_packs(path: Path) -> None:
    """While somebody packs nothing is mended, and the error says so."""
    with opened(path) as t, upkeep.alone(t.repo), pytest.raises(RepoLocked):
        t.fsck(repair=True)


# Logs

FALSE = "{0} {1} x <x@x> 1700000000 +0000\ttract: append #killed\n"


def log_of(path: Path, ref: str = MAIN) -> Path:
    """The file of a ref's log."""
    return path / "logs" / ref


def test_false_line_is_cut_off(path: Path) -> None:
    """A line that a killed writer left is cut off, and the log is as it was before."""
    was = log_of(path).read_bytes()
    line = FALSE.format(tip(path), tip(path, "main~3"))
    log_of(path).write_bytes(was + line.encode())
    found = repair(path)
    assert mended(found) == [("reflog", f"logs/{MAIN}")]
    assert log_of(path).read_bytes() == was


@pytest.mark.parametrize("torn", [bytes(120), b"0123 torn", b"\0\0\n\0\0\n"])
def test_torn_line_is_cut_off(path: Path, torn: bytes) -> None:
    """What is no line at the end of a log is cut off, and set aside with it."""
    was = log_of(path).read_bytes()
    log_of(path).write_bytes(was + torn)
    found = repair(path)
    assert ("reflog", f"logs/{MAIN}") in mended(found)
    assert log_of(path).read_bytes() == was
    assert set_aside(path) == {f"logs/{MAIN}": was + torn}


def test_log_that_lost_its_end(path: Path) -> None:
    """A log that lost lines gets one that leads to where the ref is."""
    lines = log_of(path).read_bytes().splitlines(keepends=True)
    log_of(path).write_bytes(b"".join(lines[:-2]))
    repair(path)
    old, new = log_of(path).read_text().splitlines()[-1].split()[:2]
    assert (old, new) == (lines[-3].decode().split()[1], tip(path))
    assert read(path) == WORDS


def test_line_inside_that_cannot_be_read(path: Path) -> None:
    """A torn line between others is reported, and stays."""
    lines = log_of(path).read_bytes().splitlines(keepends=True)
    log_of(path).write_bytes(b"".join([*lines[:2], b"\0\0\0\n", *lines[2:]]))
    before = log_of(path).read_bytes()
    with opened(path) as t:
        found = t.fsck(repair=True)
    assert [(each.kind, each.repaired) for each in found] == [("reflog", False)]
    assert log_of(path).read_bytes() == before


# Slots, leftovers, index, notes


def test_shared_slots_are_separated(path: Path) -> None:
    """Entries that share a slot get slots of their own, in a commit that follows."""
    theirs = entry("b", type="dialogue", role="assistant", id=L)
    ours = entry("a", **SAID, id=K)
    was = commit_files(path, {"000/00/07.user.md": ours, "000/00/07.assistant.md": theirs})
    found = repair(path)
    assert mended(found) == [("slot", MAIN)]
    assert tip(path, "main~1") == was
    assert sorted(read(path)[5:]) == ["a", "b"]
    fsck_clean(path)


OURS = ["objects/tmp_object_git2_x", "objects/pack/tmp_pack_x", "objects/pack/pack_git2_x"]


@pytest.mark.parametrize("name", OURS)
def test_stray_file_of_ours(path: Path, name: str) -> None:
    """A temporary file that is left behind for more than an hour is gone afterwards."""
    (path / name).parent.mkdir(exist_ok=True)
    (path / name).write_bytes(b"left")
    repair(path)
    assert not (path / name).exists()


@pytest.mark.parametrize("name", ["index.lock", "packed-refs.lock", f"{THIRD}.lock"])
def test_stale_lock(path: Path, name: str) -> None:
    """A lock that is left behind is reported with what to do, and never removed."""
    (path / name).touch()
    with opened(path) as t:
        found = t.fsck(repair=True)
    (said,) = [each for each in found if each.kind == "stray"]
    assert (said.where, said.repaired) == (name, False)
    assert said.hint
    assert "remove it" in said.hint
    assert (path / name).exists()


@pytest.mark.parametrize("how", KEPT)
def test_damaged_notes_ref(path: Path, how: str) -> None:
    """A damaged ref of notes is put back, and the notes say what they said."""
    with opened(path) as t:
        was = t.get("main~2").generation_config
    spoil(path / notes.GENERATION, how)
    found = repair(path)
    assert ("ref", notes.GENERATION) in mended(found)
    with opened(path) as t:
        assert was
        assert t.get("main~2").generation_config == was
    fsck_clean(path)


def test_settings_are_put_back(path: Path) -> None:
    """A damaged ref of settings is put back where its log ends."""
    with opened(path) as t:
        t.config.set("budget.tokens", 5000)
    spoil(path / "refs/tract/meta", "emptied")
    repair(path)
    with opened(path) as t:
        assert t.config.get("budget.tokens") == 5000


def test_settings_of_which_the_newest_is_lost(path: Path) -> None:
    """Where the newest settings cannot be read those before are in force, and the rest is kept."""
    with opened(path) as t:
        t.config.set("budget.tokens", 5000)
        t.config.set("chat.model", "m")
    spoil(loose_file(path, "refs/tract/meta:settings/chat.json"), "emptied")
    repair(path)
    with opened(path) as t:
        assert t.config.get("budget.tokens") == 5000
        assert t.config.get("chat.model") is None


MANY: dict[str, Callable[[Path], object]] = {
    "an emptied commit": lambda path: spoil(loose_file(path, "main"), "emptied"),
    "a lost page": lambda path: spoil(loose_file(path, "main:000/00"), "removed"),
    "a lost root": lambda path: spoil(loose_file(path, "main^{tree}"), "NUL"),
    "all of main's log": lambda path: spoil(log_of(path), "NUL"),
    "foreign settings": lambda path: bring(path, {"settings/budget.json": b"x"}),
}


@pytest.mark.parametrize("name", MANY)
def test_context_is_never_empty(path: Path, name: str) -> None:
    """Whatever was damaged, after a repair the branch says something, in a history of its own."""
    root = git(path, "rev-list", "--max-parents=0", "main")
    MANY[name](path)
    repair(path)
    assert len(read(path)) >= 4
    assert git(path, "rev-list", "--max-parents=0", "main") == root


def test_undo_after_a_repair(path: Path) -> None:
    """An undo does not bring the damage back."""
    spoil(loose_file(path, f"main:{FILES[4]}"), "removed")
    repair(path)
    kept = read(path)
    with opened(path) as t, pytest.raises(BadObject):
        t.undo()
    assert read(path) == kept


@pytest.mark.parametrize("what", ["", "^{tree}"])
@pytest.mark.parametrize("ref", [notes.GENERATION, notes.TOKENS])
def test_damaged_objects_of_notes(path: Path, ref: str, what: str) -> None:
    """Notes that cannot be read do not keep anybody from writing after a repair."""
    spoil(loose_file(path, ref + what), "emptied")
    repair(path)
    with opened(path) as t:
        t.assistant("goes on", generation_config={"model": "n"})
        assert contents(t) == [*WORDS, "goes on"]
        assert not [each for each in t.status().warnings if "damaged" in each]
