"""test_upkeep.py - counting, cleaning, consolidating: what is packed, what stays, what goes."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

import pygit2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.git import fsck_clean, git
from tests.plumbing.commits import MAIN, WHO
from tests.plumbing.test_packs import BLOB, blobs, new, placed
from tract.plumbing import cleaning, inventory, pages, refs, upkeep
from tract.plumbing.objects import read_commit, write_blob, write_commit
from tract.plumbing.repo import CommitId, Repo, open_repo
from tract.testing import PinnedClock, PinnedRandom

NOW_S = 1_800_000_000


def grow(repo: Repo, count: int, ref: str = MAIN) -> list[CommitId]:
    """Append entries to a branch, each as loose objects."""
    made = []
    tip = refs.read_ref(repo, ref)
    for n in range(count):
        tree = read_commit(repo, tip).tree if tip else None
        blob = write_blob(repo, b"entry %d on %s after %s\n" % (n, ref.encode(), str(tip).encode()))
        added = pages.append(repo, tree, "user", blob)
        parents = [tip] if tip else []
        commit = write_commit(
            repo, added.tree, parents, author=WHO, committer=WHO, message=f"user: {n}\n"
        )
        with repo.lock:
            refs.update_ref(repo, ref, commit, old=tip, verb="append")
        made.append(tip := commit)
    return made


def loose(repo: Repo) -> set[str]:
    """The ids of loose objects."""
    folder = Path(repo.path, "objects")
    return {path.parent.name + path.name for path in folder.glob("??/*")}


def packs(repo: Repo) -> list[str]:
    """The packs' names, oldest first or not."""
    return sorted(path.stem for path in Path(repo.path, "objects/pack").glob("*.pack"))


def pack_files(repo: Repo) -> list[str]:
    """All files of the pack folder."""
    return sorted(os.listdir(os.path.join(repo.path, "objects/pack")))


def reopened(repo: Repo) -> Repo:
    """Another handle."""
    return open_repo(
        repo.path, clock=PinnedClock(NOW_S * 1000, 0), random=PinnedRandom(2), environ={}
    )


@pytest.fixture(autouse=True)
def two_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any two packs are folded here, where eight of a size would be; that rule is one test."""
    monkeypatch.setattr(upkeep, "ALIKE_MAX", 2)
    monkeypatch.setattr(upkeep, "_size_class", lambda count: 0)


def contents(repo: Repo, ids: Iterable[str]) -> dict[str, tuple[int, bytes]]:
    """Kind and bytes of objects, through that handle."""
    return {each: repo.odb.read(each) for each in ids}


def imported(repo: Repo, n: int, size: int = 5) -> str:
    """A pack of a few blobs under a ref of its own; returns one of them."""
    objects = [new(BLOB, b"import %d blob %d" % (n, each)) for each in range(size)]
    made = placed(repo, objects)
    made.release()
    return objects[0].id


@pytest.fixture
def grown(repo: Repo) -> Repo:
    """A repository with 30 loose appends."""
    grow(repo, 30)
    return repo


# Counting


def test_count_empty(repo: Repo) -> None:
    """A new repository has nothing."""
    assert inventory.count_storage(repo) == (0, 0, 0, 0, 0, 0)


def test_count(grown: Repo) -> None:
    """Loose objects, packs and their bytes are what stock git counts."""
    imported(grown, 1, size=7)
    found = inventory.count_storage(grown)
    said = dict(line.split(": ") for line in git(grown.path, "count-objects", "-v").split("\n"))
    assert (found.loose_count, found.pack_count) == (int(said["count"]), int(said["packs"]))
    assert found.packed_count == int(said["in-pack"]) == 7
    assert found.pack_bytes // 1024 == int(said["size-pack"])
    assert found.loose_bytes == sum(p.stat().st_size for p in Path(grown.path).glob("objects/??/*"))
    assert found.garbage_count == int(said["garbage"]) == 0
    assert inventory.count_loose(grown) == found.loose_count


@pytest.mark.parametrize(
    "name",
    "tmp_object_git2_a ab/tmp_obj_a pack/tmp_pack_a pack/tmp_idx_a pack/pack_git2_a"
    " pack/pack-1.pack pack/pack-1.idx".split(),
)
def test_garbage_is_counted(grown: Repo, name: str) -> None:
    """Temporary files and halves of packs count as garbage."""
    path = Path(grown.path, "objects", name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    assert inventory.count_storage(grown).garbage_count == 1


# Cleaning


def aged(repo: Repo, name: str, age_s: int, content: bytes = b"") -> Path:
    """A file in the object folder that was last changed so long before the clock's now."""
    path = Path(repo.path, "objects", name)
    path.write_bytes(content)
    os.utime(path, (NOW_S - age_s, NOW_S - age_s))
    return path


TEMPORARY = ["tmp_object_git2_abc", "pack/tmp_pack_a", "pack/tmp_idx_a", "pack/pack_git2_a"]


@pytest.mark.parametrize("name", TEMPORARY)
def test_old_temporary_file_goes(repo: Repo, name: str) -> None:
    """A temporary file of more than an hour is removed, a younger one may be in use."""
    old, young = aged(repo, name, 3601), aged(repo, name + "2", 3599)
    cleaning.clean(reopened(repo))
    assert (old.exists(), young.exists()) == (False, True)


def test_old_keep_goes(repo: Repo) -> None:
    """Our `.keep` of more than an hour is removed, its pack stays; a younger one stays."""
    first, second = placed(repo, blobs(1)), placed(repo, blobs(2))
    for made, age in ((first, 3601), (second, 3599)):
        aged(repo, f"pack/{os.path.basename(made.path)}.keep", age, b"tract 1\n")
    cleaning.clean(reopened(repo))
    assert os.path.exists(first.path + ".pack")
    assert not os.path.exists(first.path + ".keep")
    assert os.path.exists(second.path + ".keep")


def test_pack_without_index_goes(repo: Repo) -> None:
    """A pack that was killed before its index was there goes with our `.keep`."""
    aged(repo, "pack/pack-1.pack", 4000)
    aged(repo, "pack/pack-1.keep", 4000, b"tract 1\n")
    cleaning.clean(reopened(repo))
    assert pack_files(repo) == []


def test_files_of_others_stay(repo: Repo) -> None:
    """Another program's `.keep`, packs without one and unknown files are not touched."""
    for name in ("pack-1.pack", "pack-2.pack", "other"):
        aged(repo, f"pack/{name}", 9999)
    aged(repo, "pack/pack-1.keep", 9999, b"fetch-pack 17 on host\n")
    Path(repo.path, "objects/tmp_objdir-incoming-x").mkdir()
    os.utime(Path(repo.path, "objects/tmp_objdir-incoming-x"), (0, 0))
    cleaning.clean(reopened(repo))
    assert pack_files(repo) == ["other", "pack-1.keep", "pack-1.pack", "pack-2.pack"]
    assert Path(repo.path, "objects/tmp_objdir-incoming-x").exists()


def test_nothing_to_clean_asks_no_clock(repo: Repo) -> None:
    """Where nothing is left over, opening does not even look at the clock."""
    before = repo.clock()
    cleaning.clean(repo)
    assert repo.clock() == before + 1000


def test_clean_without_folders(repo: Repo) -> None:
    """A repository without its folders is no error here."""
    os.rmdir(os.path.join(repo.path, "objects/pack"))
    cleaning.clean(repo)


# Consolidating


def test_loose_limit(grown: Repo) -> None:
    """With fewer loose objects than the limit nothing happens; with as many they are packed."""
    count = len(loose(grown))
    assert not upkeep.consolidate(grown, loose_max=count + 1)
    assert packs(grown) == []
    assert upkeep.consolidate(grown, loose_max=count)
    assert (len(loose(grown)), len(packs(grown))) == (0, 1)


def test_everything_reads_as_before(grown: Repo) -> None:
    """The handle that was open, and one opened now, read every object as it was."""
    before = contents(grown, loose(grown))
    upkeep.consolidate(grown, loose_max=1)
    assert contents(grown, before) == before
    assert contents(reopened(grown), before) == before
    fsck_clean(grown.path)


def test_pages_are_deltas(grown: Repo) -> None:
    """Versions of a page, of its folder and of the root are found by the walk."""
    upkeep.consolidate(grown, loose_max=1)
    said = git(grown.path, "verify-pack", "-v", f"{grown.path}objects/pack/{packs(grown)[0]}.pack")
    trees = [line.split() for line in said.split("\n") if " tree " in line]
    large = [words for words in trees if len(words) > 5 or int(words[2]) > 80]
    assert len(large) > 50
    assert [words[2] for words in large if len(words) == 5] == ["1140"]  # the newest page
    assert {words[5] for words in large if len(words) > 5} == {"1"}


def test_unreachable_stays_loose(grown: Repo) -> None:
    """What no ref and no reflog names may be about to be pointed at: it stays loose."""
    lonely = str(write_blob(grown, b"about to be committed"))
    upkeep.consolidate(grown, loose_max=1)
    assert loose(grown) == {lonely}


def test_only_unreachable(repo: Repo) -> None:
    """Where all that is loose is unreachable nothing is written."""
    write_blob(repo, b"lonely")
    assert not upkeep.consolidate(repo, loose_max=1)
    assert pack_files(repo) == []


def test_what_only_a_reflog_names(grown: Repo) -> None:
    """Commits that a branch left behind are packed: undo goes back to them."""
    tip, old = (grown.git.revparse_single(each).id for each in ("main", "main~10"))
    with grown.lock:
        refs.update_ref(grown, MAIN, CommitId(str(old)), old=CommitId(str(tip)), verb="reset")
    upkeep.consolidate(grown, loose_max=1)
    assert loose(grown) == set()


@pytest.mark.parametrize("packed", [False, True])
def test_every_kind_of_ref(grown: Repo, packed: bool) -> None:
    """Tags with words, notes, our own refs, refs to blobs and trees, and a detached HEAD count."""
    path = grown.path
    git(path, "tag", "-a", "-m", "words", "v1", "main~3")
    git(path, "notes", "--ref", "tract/tokens", "add", "-m", "3 gpt", "main")
    blob = git(path, "hash-object", "-w", "--stdin", stdin="a document")
    git(path, "update-ref", "refs/tract/blob", blob)
    git(path, "update-ref", "refs/tract/tree", git(path, "mktree", stdin=""))
    alone = git(path, "commit-tree", "-m", "alone", "main^{tree}")
    if packed:
        git(path, "pack-refs", "--all")
    git(path, "update-ref", "--no-deref", "HEAD", alone)
    (Path(path) / "logs/HEAD").unlink()
    upkeep.consolidate(grown, loose_max=1)
    assert loose(grown) == set()
    fsck_clean(path)


def test_second_time_finds_nothing(grown: Repo) -> None:
    """Once everything is packed there is nothing to do."""
    upkeep.consolidate(grown, loose_max=1)
    assert not upkeep.consolidate(grown, loose_max=0)


def test_loose_copies_of_packed_objects(grown: Repo) -> None:
    """Objects that are loose and packed, in the very same pack even, are not lost."""
    before = contents(grown, loose(grown))
    objects = Path(grown.path, "objects")
    shutil.copytree(objects, objects.parent / "copy")
    upkeep.consolidate(grown, loose_max=1)
    (name,) = packs(grown)
    shutil.copytree(objects.parent / "copy", objects, dirs_exist_ok=True)
    assert upkeep.consolidate(grown, loose_max=1)
    assert (packs(grown), loose(grown)) == ([name], set())
    assert contents(reopened(grown), before) == before


def test_damaged_loose_object_is_left(grown: Repo) -> None:
    """A loose object that cannot be read stays where it is; the others are packed."""
    blob = str(grown.git.revparse_single("main:000/00/05.user.md").id)
    path = Path(grown.path, "objects", blob[:2], blob[2:])
    path.chmod(0o644)
    path.write_bytes(b"")
    fresh = reopened(grown)
    assert upkeep.consolidate(fresh, loose_max=1)
    assert loose(grown) == {blob}


def test_one_at_a_time(grown: Repo) -> None:
    """While somebody else is at it, nothing is done."""
    with open(Path(grown.path, "tract/upkeep"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert not upkeep.consolidate(grown, loose_max=1)
    assert upkeep.consolidate(grown, loose_max=1)


def test_nested_folders_of_damaged_refs(grown: Repo) -> None:
    """Files under refs that are no refs, and empty ones, are passed over."""
    Path(grown.path, "refs/heads/empty").write_text("")
    Path(grown.path, "refs/heads/words").write_text("no id here\n")
    assert upkeep.consolidate(grown, loose_max=1)
    assert loose(grown) == set()


# Folding


def test_eight_of_a_size_become_one(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packs of a size, powers of eight apart, gather until there are eight; larger ones stay."""
    monkeypatch.undo()
    imported(repo, 0, size=600)
    (large,) = packs(repo)
    for n in range(1, 8):
        imported(repo, n, size=9)
        assert len(packs(repo)) == n + 1
    grow(repo, 3)
    assert 8 <= len(loose(repo)) < 64
    assert upkeep.consolidate(repo, loose_max=1)
    assert len(packs(repo)) == 2
    assert large in packs(repo)
    fsck_clean(repo.path)


def test_number_of_packs_is_bounded(repo: Repo) -> None:
    """After 120 packs of an import each there were never more than 50, and all can be read."""
    wanted = []
    for n in range(120):
        wanted.append(imported(repo, n))
        upkeep.fold(repo)
        assert len(packs(repo)) <= upkeep.PACKS_MAX
    assert len(contents(reopened(repo), wanted)) == 120
    assert len(contents(repo, wanted)) == 120


def test_fold_waits_for_the_51st(repo: Repo) -> None:
    """Fifty packs are left alone."""
    for n in range(upkeep.PACKS_MAX):
        imported(repo, n)
    before = packs(repo)
    assert not upkeep.needs_fold(repo)
    assert not upkeep.fold(repo)
    assert packs(repo) == before


def test_unreachable_in_a_folded_pack_is_kept(repo: Repo) -> None:
    """What nobody points at is copied with the pack it is in."""
    lonely = imported(repo, 1)
    grow(repo, 10)
    upkeep.consolidate(repo, loose_max=1)
    assert len(packs(repo)) == 1
    assert reopened(repo).odb.read(lonely)[1] == b"import 1 blob 0"


@pytest.mark.parametrize("end", [".keep", ".mtimes", ".promisor"])
def test_special_packs_stay(repo: Repo, end: str) -> None:
    """A pack that somebody keeps, a cruft pack and a promisor pack are never folded."""
    imported(repo, 1)
    (name,) = packs(repo)
    Path(repo.path, f"objects/pack/{name}{end}").write_bytes(b"")
    grow(repo, 10)
    upkeep.consolidate(repo, loose_max=1)
    assert len(packs(repo)) == 2
    assert name in packs(repo)


def test_index_over_many_packs(repo: Repo) -> None:
    """Under a multi-pack-index of stock git no pack is touched; what is loose is packed."""
    imported(repo, 1)
    imported(repo, 2)
    git(repo.path, "multi-pack-index", "write")
    before = packs(repo)
    grow(repo, 10)
    assert upkeep.consolidate(repo, loose_max=1)
    assert set(before) < set(packs(repo))
    git(repo.path, "multi-pack-index", "verify")
    fsck_clean(repo.path)


def test_side_files_go_with_their_pack(repo: Repo) -> None:
    """The reverse index and the bitmap that stock git wrote go with a folded pack."""
    grow(repo, 10)
    git(repo.path, "-c", "pack.writeReverseIndex=true", "repack", "-adbq")
    assert any(name.endswith(".rev") for name in pack_files(repo))
    grow(repo, 20)
    upkeep.consolidate(repo, loose_max=1)
    (name,) = packs(repo)
    assert pack_files(repo) == [f"{name}.idx", f"{name}.pack"]


def test_damaged_pack_is_left(repo: Repo) -> None:
    """A pack that cannot be read stays as it is; what is loose is packed without it."""
    imported(repo, 1)
    (name,) = packs(repo)
    path = Path(repo.path, f"objects/pack/{name}.pack")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:12] + b"\xff" * 20 + path.read_bytes()[32:])
    grow(repo, 10)
    fresh = reopened(repo)
    assert upkeep.consolidate(fresh, loose_max=1)
    assert name in packs(repo)
    assert loose(repo) == set()


def test_only_damaged_packs(repo: Repo) -> None:
    """Too many packs, one of them damaged: nothing changes, and nothing is raised."""
    for n in range(upkeep.PACKS_MAX + 1):
        imported(repo, n, size=1 + (n > 0))
    small = min(Path(repo.path, "objects/pack").glob("*.pack"), key=lambda p: p.stat().st_size)
    small.chmod(0o644)
    small.write_bytes(small.read_bytes()[:12] + b"\xff" * 10 + small.read_bytes()[22:])
    before = pack_files(repo)
    assert not upkeep.fold(reopened(repo))
    assert pack_files(repo) == before


def test_open_handle_reads_on(repo: Repo) -> None:
    """A handle that has read from loose files and old packs reads on after all these are gone."""
    grow(repo, 10)
    upkeep.consolidate(repo, loose_max=1)
    grow(repo, 20)
    old = reopened(repo)
    everything = git(repo.path, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    ids = everything.split("\n")
    before = contents(old, ids[::3])
    upkeep.consolidate(repo, loose_max=1)
    assert len(packs(repo)) == 1
    newer = grow(repo, 1)
    assert len(contents(old, [*ids, *newer])) == len(ids) + 1
    assert contents(old, before) == before


def test_handle_that_never_read(repo: Repo) -> None:
    """A handle that knew of an old pack but had not opened it finds its objects elsewhere."""
    grow(repo, 10)
    upkeep.consolidate(repo, loose_max=1)
    old = reopened(repo)
    tip = git(repo.path, "rev-parse", "main")
    assert tip in old.odb  # the index is open, the pack is not
    grow(repo, 20)
    upkeep.consolidate(repo, loose_max=1)
    assert len(packs(repo)) == 1
    assert old.odb.read(tip)[0] == pygit2.enums.ObjectType.COMMIT


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="open files cannot be counted")
def test_no_file_stays_open(repo: Repo) -> None:
    """A handle that consolidates again and again holds no pack that is gone."""
    counts = set()
    for n in range(12):
        grow(repo, 1 + n % 2)
        upkeep.consolidate(repo, loose_max=1)
        refs.read_ref(repo, MAIN)
        counts.add(len(os.listdir("/dev/fd")))
    assert max(counts) - min(counts) <= 3


def test_long_reflog(repo: Repo) -> None:
    """In a log of megabytes the newest ids are found, one that a block's edge cuts too."""
    one, other = (grow(repo, 2, f"refs/heads/{name}")[-1] for name in ("one", "other"))
    for name in ("one", "other"):
        Path(repo.path, "refs/heads", name).unlink()
        Path(repo.path, "logs/refs/heads", name).unlink()
    line = b"%040d %s A <a@example.org> 1700000000 +0000\ttract: append\n"
    middle, last = line % (0, other.encode()), line % (0, one.encode())
    between = (1 << 20) - len(last) - len(middle[61:]) - 1
    log = Path(repo.path, "logs/refs/heads/main")
    older = (line % (0, b"1" * 40)) * 9000
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(older + middle + b" " * between + b"\n" + last)
    assert upkeep.consolidate(repo, loose_max=1)
    assert loose(repo) == set()


def test_malformed_commit(grown: Repo) -> None:
    """A commit without a tree, as only somebody's mistake makes it, is packed like another."""
    text = "author A <a@example.org> 1 +0000\n\nno tree\n"
    odd = git(grown.path, "hash-object", "-t", "commit", "--literally", "-w", "--stdin", stdin=text)
    Path(grown.path, "refs/tract").mkdir(exist_ok=True)
    Path(grown.path, "refs/tract/odd").write_text(odd + "\n")
    assert upkeep.consolidate(grown, loose_max=1)
    assert loose(grown) == set()


def test_threads(grown: Repo) -> None:
    """Threads with handles of their own that consolidate at once pack everything once."""
    done: list[bool] = []

    def work() -> None:
        done.append(upkeep.consolidate(reopened(grown), loose_max=1))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert any(done)
    assert loose(grown) == set()
    fsck_clean(grown.path)


@given(steps=st.lists(st.sampled_from("abcde"), min_size=1, max_size=8))
def test_any_order(steps: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Appends, imports, resets, consolidations and stock repacks in any order lose nothing."""
    from tract.plumbing.repo import init_repo

    folder = tmp_path_factory.mktemp("order") / ".tract"
    repo = init_repo(folder, clock=PinnedClock(), random=PinnedRandom(), environ={})
    expected: dict[str, tuple[int, bytes]] = {}
    for n, step in enumerate(steps):
        if step == "a":
            expected |= contents(repo, grow(repo, 3))
        elif step == "b":
            git(repo.path, "update-ref", f"refs/tract/import{n}", imported(repo, n))
        elif step == "c":
            expected |= contents(repo, grow(repo, 2, "refs/heads/side"))
        elif step == "d":
            upkeep.consolidate(repo, loose_max=1)
            assert loose(repo) == set()
        else:
            git(repo.path, "repack", "-adq")
    assert contents(repo, expected) == expected
    fsck_clean(repo.path)
    repo.close()
