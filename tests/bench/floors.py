"""floors.py - the least that the same work can take: libgit2, or git, and nothing else."""

import subprocess
from pathlib import Path
from typing import NamedTuple

import pygit2

REF = "refs/heads/main"
_REASON = "tract: append #kkkkkkkkkkkkkkk"


class Written(NamedTuple):
    """What an append wrote: five objects, and the commit that the branch moved from."""

    objects: list[tuple[int, bytes]]
    parent: pygit2.Oid


def what_it_wrote(repo: pygit2.Repository, commit_id: str, path: str) -> Written:
    """The objects of an append, read back; `path` is that of its entry, from the root."""
    commit = repo[commit_id]
    assert isinstance(commit, pygit2.Commit)
    ids = [commit.tree_id]
    for name in path.split("/"):
        tree = repo[ids[0]]
        assert isinstance(tree, pygit2.Tree)
        ids.insert(0, tree[name].id)
    return Written([repo.odb.read(oid) for oid in [*ids, commit.id]], commit.parent_ids[0])


class BareAppend:
    """Writes the same bytes, and moves the same ref the way that two writers survive.

    Compare-and-swap under git's lock, with a line in the reflog: a transaction. The identity is
    set once, since looking it up in the configuration would cost more than it tells.
    """

    def __init__(self, path: Path) -> None:
        self.repo = pygit2.Repository(str(path))
        self.repo.set_ident("tract", "tract@localhost")
        self.odb = self.repo.odb

    def write(self, written: Written) -> None:
        """Five objects, one ref."""
        repo = self.repo
        for kind, data in written.objects:
            made = self.odb.write(kind, data)
        with repo.transaction() as moving:
            moving.lock_ref(REF)
            if repo.lookup_reference(REF).target != written.parent:
                raise RuntimeError("somebody else moved the ref")
            moving.set_target(REF, made, message=_REASON)


def walk(repo: pygit2.Repository, limit: int) -> list[str]:
    """The messages of the newest commits along first parents."""
    walker = repo.walk(repo.head.target)
    walker.simplify_first_parent()
    return [commit.message for commit, _ in zip(walker, range(limit), strict=False)]


def git_diff(path: Path, old: str, new: str) -> bytes:
    """What stock git prints."""
    command = ["git", f"--git-dir={path}", "diff", old, new]
    return subprocess.run(command, capture_output=True, check=True).stdout


# Run in a process of its own: read every blob of the tip, as bytes.
READ_BLOBS = """
import sys, time
start = time.perf_counter()
import pygit2
imported = time.perf_counter()
repo = pygit2.Repository(sys.argv[1])
odb, count, trees = repo.odb, 0, [repo.head.peel().tree]
while trees:
    for item in trees.pop():
        if isinstance(item, pygit2.Tree):
            trees.append(item)
        else:
            odb.read(item.id)
            count += 1
print(imported - start, time.perf_counter() - imported)
"""
