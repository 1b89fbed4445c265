"""test_object_store.py - loose objects read by us: the same as libgit2's, and damage ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import ObjectType

from tests.faults.child import forked
from tests.git import git, git_bytes
from tests.spoiled import spoil
from tract.plumbing.object_store import DamagedLoose, ObjectStore, guarded, loose_path, read_loose
from tract.plumbing.repo import Repo

SIZES = (0, 1, 40, 5000, 200_000)
DATA = [bytes(n % 251 for n in range(size)) for size in SIZES]


def folder(repo: Repo) -> str:
    """The folder of the objects."""
    return os.path.join(repo.path, "objects", "")


def written(repo: Repo, data: bytes) -> tuple[str, Path]:
    """A blob as a loose object: its id and its file."""
    name = str(repo.odb.write(ObjectType.BLOB, data))
    return name, Path(repo.path, loose_path(name))


@pytest.mark.parametrize("data", DATA, ids=SIZES)
def test_as_libgit2_reads_it(repo: Repo, data: bytes) -> None:
    """Kind and content are what libgit2 says, whoever wrote the object."""
    ours, _ = written(repo, data)
    theirs = (
        git_bytes(repo.path, "hash-object", "-w", "--stdin", stdin=data + b"!").decode().strip()
    )
    for name in (ours, theirs):
        assert read_loose(folder(repo), name) == pygit2.Odb(folder(repo)).read(name)
        assert ObjectStore(folder(repo)).read(name)[0] == ObjectType.BLOB


def test_none_there(repo: Repo) -> None:
    """An object that has no file is None; nowhere at all, it is a KeyError."""
    assert read_loose(folder(repo), "1" * 40) is None
    with pytest.raises(KeyError):
        ObjectStore(folder(repo)).read("1" * 40)


@pytest.mark.parametrize(
    ("how", "what"),
    [
        ("emptied", "has 0 bytes"),
        ("halved", "is cut off"),
        ("NUL", "holds nothing but NUL"),
        ("changed", "cannot be decompressed|holds another object|is cut off"),
    ],
)
@pytest.mark.parametrize("data", DATA[1:], ids=SIZES[1:])
def test_what_is_wrong(repo: Repo, data: bytes, how: str, what: str) -> None:
    """A damaged file says what it is, and reading ends."""
    name, file = written(repo, data)
    spoil(file, how)
    with pytest.raises(DamagedLoose, match=what):
        read_loose(folder(repo), name)
    with pytest.raises(pygit2.GitError, match=loose_path(name)):
        ObjectStore(folder(repo)).read(name)


def test_another_object_under_its_name(repo: Repo) -> None:
    """A sound file under the name of another object is damage."""
    one, file = written(repo, b"one")
    two, _ = written(repo, b"two")
    file.chmod(0o644)
    file.write_bytes(Path(repo.path, loose_path(two)).read_bytes())
    with pytest.raises(DamagedLoose, match="another object"):
        read_loose(folder(repo), one)


def test_a_pack_has_it_whole(repo: Repo) -> None:
    """What is damaged as a file is read from a pack that has it."""
    name, file = written(repo, b"x" * 1000)
    content = file.read_bytes()
    packs = os.path.join(folder(repo), "pack", "pack")
    git(repo.path, "pack-objects", "-q", packs, stdin=name + "\n")
    file.chmod(0o644)
    file.write_bytes(content[:20])
    assert ObjectStore(folder(repo)).read(name)[1] == b"x" * 1000


BY_LIBGIT2: dict[str, Callable[[pygit2.Repository, str], object]] = {
    "a walk": lambda git, name: list(git.walk(name)),
    "a revision": lambda git, name: git.revparse_single("main~1"),
    "a look-up": lambda git, name: git[name],
    "first digits": lambda git, name: git[name[:8]],
    "a peel": lambda git, name: git.lookup_reference("HEAD").peel(pygit2.Tree),
}


@pytest.mark.parametrize("verb", BY_LIBGIT2)
def test_libgit2_ends_too(repo: Repo, verb: str) -> None:
    """What libgit2 reads by itself ends with an error, where alone it would never end."""
    who = pygit2.Signature("a", "a@b", 1, 0)
    tree = repo.git.TreeBuilder().write()
    first = repo.git.create_commit("refs/heads/main", who, who, "1", tree, [])
    tip = repo.git.create_commit("refs/heads/main", who, who, "2", tree, [first])
    spoil(Path(repo.path, loose_path(str(tip))), "halved")

    def read() -> None:
        signal.alarm(10)
        fresh = pygit2.Repository(repo.path)
        fresh.set_odb(guarded(folder(repo)))
        with pytest.raises(pygit2.GitError, match="is cut off"):
            BY_LIBGIT2[verb](fresh, str(tip))

    assert forked(read) == 0
