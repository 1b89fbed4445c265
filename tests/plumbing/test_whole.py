"""test_whole.py - which commit is the newest whole one: along first parents, then along the log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.git import git
from tests.plumbing.stock import commit_files
from tests.spoiled import HOWS, loose_file, spoil
from tract.plumbing import refs
from tract.plumbing import repo as repos
from tract.plumbing.repo import CommitId, Repo
from tract.plumbing.whole import Disk, Fault, Found, TooMuch, find_whole, logged_value, value_of

MAIN = "refs/heads/main"


def path_of(number: int) -> str:
    """Where the entry of a commit stands: each on a page of its own, so no tree is shared."""
    return f"{number:03}/00/00.user.md"


@pytest.fixture
def made(repo: Repo) -> list[str]:
    """Four commits on main, each with an entry of its own."""
    return [commit_files(repo.path, {path_of(n): f"entry {n}\n"}) for n in range(4)]


def lose(repo: Repo, name: str) -> str:
    """Remove the file of a loose object; its id."""
    found = git(repo.path, "rev-parse", name)
    loose_file(repo.path, found).unlink()
    return found


def move(repo: Repo, new: str, old: str) -> None:
    """Move main as tract does, with a line in its log."""
    with repo.lock:
        refs.update_ref(repo, MAIN, CommitId(new), old=CommitId(old), verb="reset")


def test_sound_tip(repo: Repo, made: list[str]) -> None:
    """Where all can be read the tip itself is whole."""
    assert find_whole(repo, MAIN) == Found(made[3], None, made[3])


@pytest.mark.parametrize("how", HOWS)
def test_blob_of_the_tip(repo: Repo, made: list[str], how: str) -> None:
    """A blob that the tip added, however damaged, makes the commit before it the newest whole."""
    name = git(repo.path, "rev-parse", f"main:{path_of(3)}")
    spoil(loose_file(repo.path, name), how)
    assert find_whole(repo, MAIN) == Found(made[3], Fault("blob", name), made[2])


@pytest.mark.parametrize("what", ["main^{tree}", "main:003", "main:003/00"])
def test_tree_of_the_tip(repo: Repo, made: list[str], what: str) -> None:
    """So does any tree of it."""
    name = lose(repo, what)
    assert find_whole(repo, MAIN) == Found(made[3], Fault("tree", name), made[2])


def test_blob_of_several_commits(repo: Repo, made: list[str]) -> None:
    """A blob that came two commits ago leaves the commit before that one."""
    name = lose(repo, f"main:{path_of(2)}")
    assert find_whole(repo, MAIN) == Found(made[3], Fault("blob", name), made[1])


def test_blob_of_every_commit(repo: Repo, made: list[str]) -> None:
    """A blob that came with the first commit leaves nothing whole."""
    name = lose(repo, f"main:{path_of(0)}")
    assert find_whole(repo, MAIN) == Found(made[3], Fault("blob", name), None)


def test_blob_of_older_commits_alone(repo: Repo, made: list[str]) -> None:
    """A blob that the tip does not have any more costs it nothing."""
    was = git(repo.path, "rev-parse", f"main:{path_of(1)}")
    tip = commit_files(repo.path, {path_of(1): "changed\n"})
    lose(repo, was)
    assert find_whole(repo, MAIN) == Found(tip, None, tip)


def test_commit_before_the_tip(repo: Repo, made: list[str]) -> None:
    """A hole in the history costs the tip nothing either."""
    lose(repo, made[1])
    assert find_whole(repo, MAIN) == Found(made[3], None, made[3])


def test_commit_of_the_tip(repo: Repo, made: list[str]) -> None:
    """Past a tip that cannot be read, the ref's log leads on."""
    lose(repo, made[3])
    assert find_whole(repo, MAIN) == Found(made[3], Fault("commit", made[3]), made[2])


def test_two_commits_of_the_tip(repo: Repo, made: list[str]) -> None:
    """And past several."""
    lose(repo, made[3])
    lose(repo, made[2])
    assert find_whole(repo, MAIN).whole == made[1]


def test_commit_of_the_tip_without_a_log(repo: Repo, made: list[str]) -> None:
    """Without a log nobody knows what came before it."""
    lose(repo, made[3])
    Path(repo.path, "logs", MAIN).unlink()
    assert find_whole(repo, MAIN) == Found(made[3], Fault("commit", made[3]), None)


def test_broken_blob_and_broken_history(repo: Repo, made: list[str]) -> None:
    """Past a commit that cannot be read behind a damaged tip, the log leads on, too."""
    lose(repo, f"main:{path_of(3)}")
    lose(repo, made[2])
    assert find_whole(repo, MAIN).whole == made[1]


@pytest.mark.parametrize("how", ["emptied", "halved", "NUL"])
def test_ref_that_cannot_be_read(repo: Repo, made: list[str], how: str) -> None:
    """A ref whose file is damaged is where its log ends."""
    spoil(Path(repo.path, MAIN), how)
    assert find_whole(repo, MAIN) == Found(made[3], Fault("ref", MAIN), made[3])


def test_ref_of_which_nothing_is_known(repo: Repo) -> None:
    """Without a value and without a log nothing is found."""
    assert find_whole(repo, MAIN) == Found(None, Fault("ref", MAIN), None)


# What the branch had left


def test_what_an_undo_left_does_not_count(repo: Repo, made: list[str]) -> None:
    """A commit that was taken back before the damage is not gone to."""
    move(repo, made[2], made[3])
    tip = commit_files(repo.path, {path_of(9): "after the undo\n"})
    lose(repo, tip)
    assert find_whole(repo, MAIN).whole == made[2]


def test_what_an_undo_left_on_damage_does_not_count(repo: Repo, made: list[str]) -> None:
    """Nor is one that comes after the very commit that is damaged."""
    move(repo, made[2], made[3])
    tip = commit_files(repo.path, {path_of(9): "after the undo\n"})
    lose(repo, tip)
    lose(repo, made[2])
    assert find_whole(repo, MAIN).whole == made[1]


def test_false_newest_line(repo: Repo, made: list[str]) -> None:
    """The ref's own value counts, not what a killed writer's line tells of."""
    move(repo, made[1], made[3])
    log = Path(repo.path, "logs", MAIN)
    line = f"{made[1]} {made[3]} x <x@x> 1700000000 +0000\ttract: append #killed\n"
    log.write_text(log.read_text() + line)
    lose(repo, f"{made[1]}:{path_of(1)}")
    assert find_whole(repo, MAIN).whole == made[0]


# Bounds


def test_look_is_bounded(repo: Repo, made: list[str]) -> None:
    """What would take too many looks is given up; where the ref stands is told all the same."""
    name = lose(repo, f"main:{path_of(0)}")
    disk = Disk(repo, looks_max=6)
    assert find_whole(repo, MAIN, disk) == Found(made[3], Fault("blob", name), None)
    with pytest.raises(TooMuch):
        disk.commit(made[0])


def test_what_commits_share_is_read_once(repo: Repo, made: list[str]) -> None:
    """Trees and blobs that commits share cost no further look."""
    name = git(repo.path, "hash-object", "-w", "--stdin", stdin="many")
    for n in range(20):
        commit_files(repo.path, {f"000/00/{n:02}.user.md": "many"})
    assert git(repo.path, "rev-parse", "main:000/00/07.user.md") == name
    disk = Disk(repo, looks_max=200)
    lose(repo, f"main:{path_of(0)}")
    assert find_whole(repo, MAIN, disk).whole is not None


def test_tree_too_deep(repo: Repo) -> None:
    """A tree deeper than any of ours is not followed to its end."""
    tip = commit_files(repo.path, {"d/" * 60 + "x": "deep\n"})
    fault = Disk(repo).fault_of_commit(tip)
    assert fault is not None
    assert fault.kind == "tree"


def test_shallow_commit_has_no_parents(repo: Repo, made: list[str]) -> None:
    """The parents that a shallow clone left behind are no damage."""
    lose(repo, made[0])
    Path(repo.path, "shallow").write_text(made[1] + "\n")
    other = repos.open_repo(repo.path, clock=repo.clock, random=repo.random, environ={})
    found = list(Disk(other).first_parents(made[3]))
    other.close()
    assert found == [(commit, True) for commit in reversed(made[1:])]


def test_first_parents_end_at_a_hole(repo: Repo, made: list[str]) -> None:
    """The first commit that cannot be read is the last."""
    lose(repo, made[1])
    found = list(Disk(repo).first_parents(made[3]))
    assert found == [(made[3], True), (made[2], True), (made[1], False)]


# Objects


def test_objects_of_another_kind(repo: Repo, made: list[str]) -> None:
    """An object of another kind than was asked for is not there."""
    disk = Disk(repo)
    tree = git(repo.path, "rev-parse", "main^{tree}")
    assert disk.read("blob", tree) is None
    assert tree in disk


def test_submodule_is_no_damage(repo: Repo, made: list[str]) -> None:
    """A commit of another repository that a tree names is not looked for."""
    listed = git(repo.path, "ls-tree", "main") + f"\n160000 commit {'a' * 40}\tmodule\n"
    tree = git(repo.path, "mktree", stdin=listed)
    assert Disk(repo).fault_of_tree(tree) is None


def test_sees_the_disk_as_it_is(repo: Repo, made: list[str]) -> None:
    """An object that the handle has read before is looked for again."""
    name = git(repo.path, "rev-parse", f"main:{path_of(3)}")
    assert repo.odb.read(name)
    lose(repo, name)
    assert Disk(repo).fault_of_blob(name) == Fault("blob", name)


# Refs


def test_value_of_symbolic_refs(repo: Repo, made: list[str]) -> None:
    """Symbolic refs are followed, HEAD too."""
    git(repo.path, "symbolic-ref", "refs/heads/alias", MAIN)
    assert value_of(repo, "refs/heads/alias") == value_of(repo, "HEAD") == made[3]


def test_symbolic_refs_in_a_ring(repo: Repo) -> None:
    """Symbolic refs that lead to each other have no value, and end."""
    for one, other in (("a", "b"), ("b", "a")):
        Path(repo.path, "refs/heads", one).write_text(f"ref: refs/heads/{other}\n")
    assert value_of(repo, "refs/heads/a") is None


def test_value_of_a_packed_ref(repo: Repo, made: list[str]) -> None:
    """A ref without a file has the value that `packed-refs` tells of."""
    git(repo.path, "pack-refs", "--all")
    assert value_of(repo, MAIN) == made[3]


def test_logged_value_passes_over_torn_lines(repo: Repo, made: list[str]) -> None:
    """The newest value in a log is that of the newest line that can be read."""
    log = Path(repo.path, "logs", MAIN)
    log.write_bytes(log.read_bytes() + b"\0" * 90)
    assert logged_value(repo, MAIN) == made[3]
