"""test_damage.py - which file is damaged, and in which way: each judged by itself."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.git import git
from tests.plumbing.stock import commit_files
from tests.spoiled import HOWS, loose_file, pack_file, spoil
from tract.plumbing.damage import (
    bad_loose,
    bad_made_again,
    bad_packs,
    fault_of_index,
    fault_of_loose,
    fault_of_packed_refs,
    fault_of_ref,
    fault_of_sealed,
    file_of,
)
from tract.plumbing.object_store import loose_path
from tract.plumbing.opening import BadFile
from tract.plumbing.repo import Repo, init_repo
from tract.testing import PinnedClock, PinnedRandom

MAIN = "refs/heads/main"
FIRST, SECOND = "000/00/00.user.md", "000/00/01.user.md"
GONE = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two repositories of two commits: `loose`, and `packed` in one pack and `packed-refs`."""
    folder = tmp_path_factory.mktemp("origin")
    made = init_repo(
        folder / "loose" / ".tract", clock=PinnedClock(), random=PinnedRandom(), environ={}
    )
    commit_files(made.path, {FIRST: "one\n"})
    commit_files(made.path, {SECOND: "two\n" * 40})
    made.close()
    shutil.copytree(folder / "loose", folder / "packed")
    packed = folder / "packed" / ".tract"
    git(packed, "-c", "pack.writeReverseIndex=true", "repack", "-adq")
    git(packed, "prune-packed")
    git(packed, "pack-refs", "--all")
    return folder


@pytest.fixture
def path(origin: Path, repo: Repo) -> Path:
    """A repository of two commits, all of it loose."""
    return Path(shutil.copytree(origin / "loose" / ".tract", repo.path, dirs_exist_ok=True))


@pytest.fixture
def packed(origin: Path, repo: Repo) -> Path:
    """The same in one pack, its refs in `packed-refs`."""
    return Path(shutil.copytree(origin / "packed" / ".tract", repo.path, dirs_exist_ok=True))


def blob(path: Path, name: str = SECOND) -> str:
    """The id of a file of main's tip."""
    return git(path, "rev-parse", f"main:{name}")


# Loose objects

OF_LOOSE = {
    "emptied": "has 0 bytes",
    "halved": "is cut off",
    "NUL": "holds nothing but NUL",
    "changed": "cannot be decompressed",
    "removed": "is missing",
}


def test_sound_loose_objects(repo: Repo, path: Path) -> None:
    """What git and tract write has no fault."""
    assert fault_of_loose(repo.path, blob(path)) is None
    assert list(bad_loose(repo)) == []


@pytest.mark.parametrize("how", HOWS)
def test_loose_object(path: Path, how: str) -> None:
    """The file of a loose object says by itself what happened to it."""
    name = blob(path)
    spoil(loose_file(path, name), how)
    assert fault_of_loose(str(path), name) == OF_LOOSE[how]


@pytest.mark.parametrize("how", HOWS)
def test_list_of_bad_loose_objects(repo: Repo, path: Path, how: str) -> None:
    """Every damaged loose object is listed with its id; one that is gone cannot be."""
    name = blob(path)
    spoil(loose_file(path, name), how)
    expected = [] if how == "removed" else [(name, BadFile(loose_path(name), OF_LOOSE[how]))]
    assert list(bad_loose(repo)) == expected


def test_loose_object_of_another_name(path: Path) -> None:
    """A file that holds a sound object, and another one than its name says, is damaged."""
    name = blob(path)
    spoil(loose_file(path, name), "removed")
    shutil.copy(loose_file(path, f"main:{FIRST}"), path / loose_path(name))
    assert fault_of_loose(str(path), name) == "holds another object than its name says"


def test_loose_object_that_is_a_folder(path: Path) -> None:
    """What the system refuses to read is told in the system's words."""
    (path / loose_path(GONE)).mkdir(parents=True)
    assert fault_of_loose(str(path), GONE) == "cannot be read (Is a directory)"


# Packs

OF_SEALED = {
    "emptied": "has 0 bytes",
    "halved": "is cut off or changed",
    "NUL": "holds nothing but NUL",
    "changed": "is cut off or changed",
    "removed": "is missing",
}


@pytest.mark.parametrize("end", [".pack", ".idx", ".rev"])
def test_sound_pack(packed: Path, end: str) -> None:
    """Pack, index and reverse index of git's end with the checksum of what stands before."""
    assert fault_of_sealed(str(pack_file(packed, end))) is None


def test_sound_index(packed: Path) -> None:
    """The index that git writes is one."""
    assert fault_of_index(str(pack_file(packed, ".idx"))) is None


@pytest.mark.parametrize("how", HOWS)
def test_pack(packed: Path, how: str) -> None:
    """A pack says by itself what happened to it."""
    file = pack_file(packed)
    spoil(file, how)
    assert fault_of_sealed(str(file)) == OF_SEALED[how]


@pytest.mark.parametrize("how", HOWS)
def test_index_of_a_pack(packed: Path, how: str) -> None:
    """So does its index."""
    file = pack_file(packed, ".idx")
    spoil(file, how)
    assert fault_of_index(str(file)) == OF_SEALED[how]


@pytest.mark.parametrize("size", [1, 19])
def test_less_than_a_checksum(packed: Path, size: int) -> None:
    """A file too short for a checksum is cut off."""
    file = pack_file(packed)
    file.chmod(0o644)
    os.truncate(file, size)
    assert fault_of_sealed(str(file)) == "is cut off"


def test_sealed_file_that_is_no_index(packed: Path) -> None:
    """A pack in the place of its index has its checksum, and is no index."""
    file = pack_file(packed, ".idx")
    file.unlink()
    shutil.copy(pack_file(packed), file)
    assert fault_of_index(str(file)) == "is no index of a pack"


def test_no_bad_packs(repo: Repo, packed: Path) -> None:
    """Sound packs are not listed, nor is what git makes out of them."""
    assert bad_packs(repo) == []
    assert list(bad_made_again(repo)) == []


@pytest.mark.parametrize("how", HOWS)
def test_bad_pack(repo: Repo, packed: Path, how: str) -> None:
    """Where the pack is damaged its index is not accused."""
    file = pack_file(packed)
    spoil(file, how)
    assert bad_packs(repo) == [(str(file)[: -len(".pack")], OF_SEALED[how], None)]


@pytest.mark.parametrize("how", HOWS)
def test_bad_index(repo: Repo, packed: Path, how: str) -> None:
    """Where the index is damaged the pack is not accused."""
    file = pack_file(packed, ".idx")
    spoil(file, how)
    assert bad_packs(repo) == [(str(file)[: -len(".idx")], None, OF_SEALED[how])]


def test_pack_in_the_making_is_not_judged(repo: Repo, packed: Path) -> None:
    """A temporary file beside the packs is no damaged pack."""
    (packed / "objects/pack/tmp_pack_1").write_bytes(b"PACK")
    assert bad_packs(repo) == []


@pytest.mark.parametrize("how", ["emptied", "halved", "NUL", "changed"])
def test_what_git_makes_again(repo: Repo, packed: Path, how: str) -> None:
    """Damaged files that git makes again are listed by their paths."""
    git(packed, "commit-graph", "write", "--reachable")
    git(packed, "multi-pack-index", "write")
    assert list(bad_made_again(repo)) == []
    for name in ("objects/info/commit-graph", "objects/pack/multi-pack-index"):
        spoil(packed / name, how)
    spoil(pack_file(packed, ".rev"), how)
    found = dict(bad_made_again(repo))
    assert set(found) == {
        "objects/info/commit-graph",
        "objects/pack/multi-pack-index",
        str(pack_file(packed, ".rev").relative_to(packed)),
    }
    assert set(found.values()) == {OF_SEALED[how]}


# Refs

OF_REF = {
    "emptied": "has 0 bytes",
    "halved": "is no ref",
    "NUL": "holds nothing but NUL",
    "changed": "is no ref",
    "removed": "is missing, and so is packed-refs",
}


def test_sound_ref(repo: Repo, path: Path) -> None:
    """A ref that can be read has no fault, nor has HEAD."""
    assert fault_of_ref(repo, MAIN) is None
    assert fault_of_ref(repo, "HEAD") is None


@pytest.mark.parametrize("how", HOWS)
def test_ref(repo: Repo, path: Path, how: str) -> None:
    """The file of a ref says what happened to it."""
    spoil(path / MAIN, how)
    assert fault_of_ref(repo, MAIN) == BadFile(MAIN, OF_REF[how])


@pytest.mark.parametrize(
    ("how", "what"),
    [
        ("emptied", "has 0 bytes"),
        ("NUL", "holds nothing but NUL"),
        ("changed", "names no branch and no commit"),
        ("removed", "is missing"),
    ],
)
def test_head(repo: Repo, path: Path, how: str, what: str) -> None:
    """HEAD is judged by what git writes there."""
    spoil(path / "HEAD", how)
    assert fault_of_ref(repo, "HEAD") == BadFile("HEAD", what)


def test_head_cut_off(repo: Repo, path: Path) -> None:
    """A HEAD that lost the end of its branch's name is cut off, though it names a branch."""
    (path / "HEAD").write_bytes(b"ref: refs/heads/mai")
    assert fault_of_ref(repo, "HEAD") == BadFile("HEAD", "is cut off")


def test_ref_gone_beside_sound_packed_refs(repo: Repo, packed: Path) -> None:
    """A ref that is in no file, while `packed-refs` is sound, is missing itself."""
    assert fault_of_ref(repo, "refs/heads/gone") == BadFile("refs/heads/gone", "is missing")


@pytest.mark.parametrize("how", ["emptied", "halved", "NUL"])
def test_ref_of_damaged_packed_refs(repo: Repo, packed: Path, how: str) -> None:
    """A ref that has no file of its own is accused by the name of `packed-refs`."""
    spoil(packed / "packed-refs", how)
    bad = fault_of_ref(repo, "refs/heads/gone")
    assert bad is not None
    assert bad.path == "packed-refs"


OF_PACKED = {
    "emptied": "has 0 bytes",
    "halved": "is cut off",
    "NUL": "holds nothing but NUL",
    "changed": "has lines that are none of git's",
    "removed": None,
}


@pytest.mark.parametrize("how", HOWS)
def test_packed_refs(packed: Path, how: str) -> None:
    """`packed-refs` says what happened to it; where it is missing refs have files."""
    spoil(packed / "packed-refs", how)
    assert fault_of_packed_refs(str(packed)) == OF_PACKED[how]


def test_packed_refs_of_stock_git(packed: Path) -> None:
    """What stock git writes is sound: its header, tags and what they are peeled to."""
    git(packed, "tag", "-a", "-m", "words", "v1")
    git(packed, "branch", "with/ü")
    git(packed, "pack-refs", "--all")
    assert b"\n^" in (packed / "packed-refs").read_bytes()
    assert fault_of_packed_refs(str(packed)) is None


# Who is it


def test_nothing_keeps_it_from_being_read(repo: Repo, path: Path) -> None:
    """Of what can be read no file is accused."""
    assert file_of(repo, "blob", blob(path)) is None
    assert file_of(repo, "ref", MAIN) is None


@pytest.mark.parametrize("how", HOWS)
def test_file_of_a_loose_object(repo: Repo, path: Path, how: str) -> None:
    """A loose object is named by its own file, be it gone."""
    name = blob(path)
    spoil(loose_file(path, name), how)
    assert file_of(repo, "blob", name) == BadFile(loose_path(name), OF_LOOSE[how])


@pytest.mark.parametrize("how", ["emptied", "halved", "NUL", "changed"])
@pytest.mark.parametrize("end", [".pack", ".idx"])
def test_file_of_a_packed_object(repo: Repo, packed: Path, how: str, end: str) -> None:
    """An object in a damaged pack is named by the half of it that is damaged."""
    name, file = blob(packed), pack_file(packed, end)
    spoil(file, how)
    assert file_of(repo, "blob", name) == BadFile(str(file.relative_to(packed)), OF_SEALED[how])


@pytest.mark.parametrize("end", [".pack", ".idx"])
def test_file_of_an_object_whose_pack_lost_a_half(repo: Repo, packed: Path, end: str) -> None:
    """An object whose pack lost a half is named by the half that is gone."""
    name, file = blob(packed), pack_file(packed, end)
    file.unlink()
    assert file_of(repo, "blob", name) == BadFile(str(file.relative_to(packed)), "is missing")


def test_damaged_pack_of_others_is_not_accused(repo: Repo, packed: Path) -> None:
    """An object that the index of a damaged pack does not name is missing by itself."""
    spoil(pack_file(packed), "halved")
    assert file_of(repo, "blob", GONE) == BadFile(loose_path(GONE), "is missing")


@pytest.mark.parametrize("how", HOWS)
def test_file_of_a_ref(repo: Repo, path: Path, how: str) -> None:
    """A ref is named by its own file."""
    spoil(path / MAIN, how)
    assert file_of(repo, "ref", MAIN) == BadFile(MAIN, OF_REF[how])
