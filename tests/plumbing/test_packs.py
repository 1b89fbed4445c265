"""test_packs.py - packs of our own making: what is in them, their files, and what goes wrong."""

from __future__ import annotations

import hashlib
import os
import random
import resource
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pygit2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.child import forked
from tests.git import git
from tests.plumbing.commits import WHO
from tract.errors import ReadOnly, StorageFull
from tract.plumbing import pages
from tract.plumbing.objects import write_blob, write_commit
from tract.plumbing.packs import Pack, write_pack
from tract.plumbing.repo import CommitId, Repo

COMMIT, TREE, BLOB, TAG = 1, 2, 3, 4
KINDS = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob", TAG: b"tag"}
NOBODY = 65534
WORDS = """the of a to and in is it you that he was for on are with as his they be at one have this
from or had by hot but some what there we can out other were all your when up use word how said an
each she which do their time if will way about many then them would write like so these her long
make thing see him two has look more day could go come did my sound no most number who over know
water than call first people may down side been now find any new work part take get place made live
where after back little only round man year came show every good me give our under""".split()


class NewObject(NamedTuple):
    """An object to store, as packs.py takes it."""

    id: str
    kind: int
    data: bytes
    family: str = ""


def new(kind: int, data: bytes, family: str = "") -> NewObject:
    """An object with its id."""
    name = hashlib.sha1(b"%s %d\0" % (KINDS[kind], len(data)) + data).hexdigest()
    return NewObject(name, kind, data, family)


def blobs(count: int) -> list[NewObject]:
    """Blobs that have nothing to do with each other."""
    return [new(BLOB, b"text %d" % n) for n in range(count)]


def page_of(numbers: range, mode: str = "100644", changed: int = -1) -> bytes:
    """A raw tree with a line a number."""
    ids = (hashlib.sha1(b"%d" % (n if n != changed else -n)).digest() for n in numbers)
    lines = (f"{mode} {n:04}.user.md\0".encode() for n in numbers)
    return b"".join(line + id for line, id in zip(lines, ids, strict=True))


def versions_of(count: int) -> list[NewObject]:
    """The versions of a page that grows."""
    return [new(TREE, page_of(range(n)), "page") for n in range(1, count + 1)]


def listing(repo: Repo) -> list[str]:
    """The files of the pack folder."""
    return sorted(os.listdir(os.path.join(repo.path, "objects/pack")))


def verified(path: str) -> dict[str, list[str]]:
    """What `git verify-pack -v` says of each object: kind, size, size in the pack, …, depth."""
    lines = git(Path(path).parent, "verify-pack", "-v", f"{path}.pack").split("\n")
    words = [line.split() for line in lines if line[40:41] == " "]
    return {each[0]: each[1:] for each in words}


def placed(repo: Repo, objects: list[NewObject]) -> Pack:
    """A pack of objects given oldest first, written and put in place."""
    made = write_pack(repo, reversed(objects))
    made.place()
    return made


def read_back(repo: Repo, objects: list[NewObject]) -> None:
    """A handle opened now reads every object as it was given."""
    odb = pygit2.Odb(os.path.join(repo.path, "objects"))
    for each in objects:
        assert odb.read(each.id) == (each.kind, each.data)


@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from([BLOB, TREE, COMMIT, TAG]),
            st.one_of(st.binary(max_size=200), st.integers(0, 99).map(lambda n: page_of(range(n)))),
            st.sampled_from(["", "a", "b"]),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_any_objects(shared_repo: Repo, parts: list[tuple[int, bytes, str]]) -> None:
    """Whatever is written is read back, and git builds the same index."""
    objects = [new(*part) for part in parts]
    made = placed(shared_repo, objects)
    read_back(shared_repo, objects)
    git(shared_repo.path, "index-pack", "-o", f"{made.path}.other", f"{made.path}.pack")
    assert Path(f"{made.path}.other").read_bytes() == Path(f"{made.path}.idx").read_bytes()
    for end in ("other", "pack", "idx", "keep"):
        os.unlink(f"{made.path}.{end}")


@pytest.mark.parametrize("size", [0, 15, 16, 2047, 2048, 7001, 70_000, 3_000_000])
def test_any_size(repo: Repo, size: int) -> None:
    """Objects are read back, the sizes at which the header grows among them."""
    objects = [new(BLOB, os.fsencode("x" * size)), new(BLOB, hashlib.shake_128().digest(size) * 2)]
    placed(repo, objects)
    read_back(repo, objects)


def test_newest_version_is_whole(repo: Repo) -> None:
    """The last version of a family is stored whole, the others as deltas of depth 1 against it."""
    versions = versions_of(50)
    said = verified(placed(repo, versions).path)
    assert len(said[versions[-1].id]) == 4  # no depth, no base
    deltas = [said[each.id][4:] for each in versions[3:-1]]
    assert deltas == [["1", versions[-1].id]] * len(deltas)


def test_no_family_no_delta(repo: Repo) -> None:
    """Objects without a family are stored whole."""
    versions = [each._replace(family="") for each in versions_of(20)]
    assert all(len(each) == 4 for each in verified(placed(repo, versions).path).values())


def test_delta_only_where_it_is_smaller(repo: Repo) -> None:
    """Versions that have nothing in common are stored whole."""
    versions = [new(BLOB, hashlib.shake_128(b"%d" % n).digest(300), "same") for n in range(9)]
    assert all(len(each) == 4 for each in verified(placed(repo, versions).path).values())


def test_family_of_two_kinds(repo: Repo) -> None:
    """A base is of the same kind as what is told from it."""
    data = page_of(range(30))
    objects = [
        new(TREE, data, "f"),
        new(BLOB, data + b"x", "f"),
        new(TREE, page_of(range(31)), "f"),
    ]
    placed(repo, objects)
    read_back(repo, objects)


def test_drifting_versions_get_another_base(repo: Repo) -> None:
    """A folder that changes elsewhere each time costs a few lines a version, not all of them."""
    ids = [hashlib.sha1(b"%d" % n).digest() for n in range(256)]
    versions = []
    for n in range(256):
        ids[n * 97 % 256] = hashlib.sha1(b"new %d" % n).digest()
        lines = (b"40000 %02x\0" % at + each for at, each in enumerate(ids))
        versions.append(new(TREE, b"".join(lines), "notes"))
    made = placed(repo, versions)
    read_back(repo, versions)
    assert os.path.getsize(made.path + ".pack") / 256 < 1000
    assert {each[4] for each in verified(made.path).values() if len(each) > 4} == {"1"}


def test_bytes_a_commit(repo: Repo) -> None:
    """A batch of 400-letter texts takes at most 850 bytes a commit, index included."""
    view = repo.staged()
    assert view.pending is not None
    draw = random.Random(1)
    parents: list[CommitId] = []
    tree, tail = None, None
    for n in range(500):
        text = " ".join(draw.choices(WORDS, k=80))[:400]
        blob = write_blob(view, f'---\n{{"type":"dialogue"}}\n---\n{text}\n'.encode())
        tree, _, tail = pages.append(view, tree, "user", blob, tail=tail)
        message = f"user: {text[:65]}…\n\nTract-Operation: append\nTract-Entry: {n:07}\n"
        made = write_commit(view, tree, parents, author=WHO, committer=WHO, message=message)
        parents = [made]
    found = view.pending.take_objects().items()
    objects = [NewObject(name, int(each.kind), each.data, each.family) for name, each in found]
    path = placed(repo, objects).path
    assert len(objects) == 2501
    assert sum(os.path.getsize(path + end) for end in (".pack", ".idx")) / 500 <= 850
    read_back(repo, objects)


def test_id_twice_is_written_once(repo: Repo) -> None:
    """An object that is given twice, in two families too, is in the pack once."""
    versions = versions_of(5)
    made = placed(repo, [*versions, versions[0], versions[2]._replace(family="other")])
    assert sorted(verified(made.path)) == sorted(each.id for each in versions)


def test_files(repo: Repo) -> None:
    """A pack is three files named after its checksum, the read-only two with git's rights."""
    made = placed(repo, blobs(3))
    stem = os.path.basename(made.path)
    assert listing(repo) == [f"{stem}.idx", f"{stem}.keep", f"{stem}.pack"]
    assert stem == f"pack-{Path(made.path + '.pack').read_bytes()[-20:].hex()}"
    assert Path(made.path + ".keep").read_bytes() == b"tract %d\n" % os.getpid()
    modes = [os.stat(made.path + end).st_mode for end in (".pack", ".idx")]
    assert [stat.S_IMODE(mode) | 0o044 for mode in modes] == [0o444] * 2


def test_order_of_steps(repo: Repo) -> None:
    """`.keep` first, then the pack, then its index, by which readers find it."""
    steps: list[str] = []
    names = ("tmp_pack", "tmp_idx")

    def watched(real: Callable[[str, str], None]) -> Callable[[str, str], None]:
        def rename(old: str, new: str) -> None:
            assert any(f"/{name}_" in old for name in names)
            steps.append(",".join(each.rsplit(".", 1)[-1] for each in listing(repo)))
            real(old, new)

        return rename

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "rename", watched(os.rename))
        placed(repo, blobs(1))
    assert [step.split(",tmp", 1)[0] for step in steps] == ["keep", "keep,pack"]


def test_release(repo: Repo) -> None:
    """A pack that is released has no `.keep`; a second time changes nothing."""
    made = placed(repo, blobs(3))
    made.release()
    made.release()
    assert [name.rsplit(".")[-1] for name in listing(repo)] == ["idx", "pack"]


def test_discard(repo: Repo) -> None:
    """A pack that is discarded before it was placed leaves nothing."""
    write_pack(repo, blobs(3)).discard()
    assert listing(repo) == []


def test_pack_is_unseen_until_it_is_placed(repo: Repo, tmp_path: Path) -> None:
    """What is written waits under temporary names, or in a folder of its own, complete."""
    waiting = write_pack(repo, blobs(3))
    assert all(name.startswith("tmp_") for name in listing(repo))
    folder = tmp_path / "aside"
    folder.mkdir()
    aside = write_pack(repo, blobs(2), str(folder))
    assert sorted(path.suffix for path in folder.iterdir()) == [".idx", ".pack"]
    git(repo.path, "verify-pack", str(next(folder.glob("*.idx"))))
    for each in (waiting, aside):
        each.place()
    assert not list(folder.iterdir())
    read_back(repo, blobs(3))


def test_same_pack_again(repo: Repo) -> None:
    """A pack that is there already is not harmed by being placed again."""
    first = placed(repo, blobs(3))
    first.release()
    second = placed(repo, blobs(3))
    assert second.path == first.path
    read_back(repo, blobs(3))
    second.release()
    assert [name.rsplit(".")[-1] for name in listing(repo)] == ["idx", "pack"]


def test_keep_of_somebody_else(repo: Repo) -> None:
    """A `.keep` that was there is neither written over nor taken away."""
    first = placed(repo, blobs(3))
    Path(first.path + ".keep").write_text("mine\n")
    placed(repo, blobs(3)).release()
    assert Path(first.path + ".keep").read_text() == "mine\n"


def test_temporary_name_is_taken(repo: Repo) -> None:
    """A temporary file of somebody else stays; another name is tried."""
    draws = [bytes(6), bytes(6), bytes(range(6))]
    repo.random = lambda size: draws.pop()
    taken = Path(repo.path, "objects/pack/tmp_pack_abcdef")
    taken.write_bytes(b"theirs")
    placed(repo, blobs(1))
    assert draws == [bytes(6)]
    assert taken.read_bytes() == b"theirs"


def test_missing_folder_is_made(repo: Repo) -> None:
    """A repository that lost its empty folder gets it back."""
    os.rmdir(os.path.join(repo.path, "objects/pack"))
    placed(repo, blobs(1))
    read_back(repo, blobs(1))


def test_full_disk(repo: Repo) -> None:
    """A disk that fills up gives StorageFull and leaves no file."""
    data = hashlib.shake_128(b"").digest(3 << 20)

    def write() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, 2 << 20))
        with pytest.raises(StorageFull):
            placed(repo, [new(BLOB, data)])

    assert forked(write) == 0
    assert listing(repo) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_no_rights(repo: Repo) -> None:
    """A folder that may not be written gives ReadOnly."""

    def write() -> None:
        os.chdir(os.path.join(repo.path, "objects"))  # its parents are the user's alone
        repo.path = "../"
        os.setuid(NOBODY)
        with pytest.raises(ReadOnly):
            placed(repo, blobs(1))

    assert forked(write) == 0
    assert listing(repo) == []


def test_failed_rename_leaves_nothing(repo: Repo) -> None:
    """Where the index cannot be put in place, the pack goes too."""
    real, calls = os.rename, [0]

    def rename(old: str, new: str) -> None:
        calls[0] += 1
        if calls[0] == 2:
            raise OSError(28, "No space left on device")
        real(old, new)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "rename", rename)
        with pytest.raises(StorageFull):
            placed(repo, blobs(1))
    assert listing(repo) == []
