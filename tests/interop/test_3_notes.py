"""test_3_notes.py - stock git reads and edits our notes, we read and keep its, both join alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha1
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.git import fsck_clean, git, git_bytes
from tests.plumbing.commits import MAIN, commit
from tract.plumbing import notes, refs
from tract.plumbing.objects import (
    FILE,
    FOLDER,
    Person,
    TreeItem,
    write_blob,
    write_commit,
    write_tree,
)
from tract.plumbing.repo import CommitId, Repo, TreeId, init_repo
from tract.testing import PinnedClock, PinnedRandom

REF = notes.TOKENS
REMOTE = "refs/tract/remotes/origin/notes/tokens"
WHO = Person("A", "a@example.org", 1_700_000_000)
Bodies = dict[str, bytes]


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    """A new repository; at the end of the test `git fsck --strict` has nothing to say."""
    made = init_repo(tmp_path / ".tract", clock=PinnedClock(), random=PinnedRandom(), environ={})
    yield made
    made.close()
    fsck_clean(tmp_path / ".tract")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repo]:
    """One repository for all examples of a property, judged once at the end."""
    path = tmp_path_factory.mktemp("shared") / ".tract"
    made = init_repo(path, clock=PinnedClock(), random=PinnedRandom(), environ={})
    yield made
    made.close()
    fsck_clean(path)


def obj(n: int | str) -> str:
    """An object id; git, too, lets a note stand on an object that it does not have."""
    return sha1(str(n).encode(), usedforsecurity=False).hexdigest()


def add(repo: Repo, lines: Mapping[str, list[str]], ref: str = REF) -> bool:
    """Add lines to our notes."""
    with repo.lock:
        return notes.add_lines(repo, ref, lines, verb="tokens")


def theirs(repo: Repo, *args: str, stdin: str = "") -> str:
    """What `git notes` says of the token notes."""
    return git(repo.path, "notes", "--ref", "tract/tokens", *args, stdin=stdin)


def listed(path: str, ref: str = REF) -> dict[str, str]:
    """Object and blob of every note, as `git notes list` has them."""
    pairs = (line.split(" ") for line in git(path, "notes", "--ref", ref, "list").splitlines())
    return {annotated: blob for blob, annotated in pairs}


def seen(repo: Repo, ref: str = REF) -> dict[str, list[str]]:
    """Every note as we read it."""
    return dict(notes.list_lines(repo, ref))


def imported(repo: Repo, number: int) -> list[str]:
    """As many commits with a note each, by `git fast-import`; the commits."""
    who = "committer A <a@example.org> 1700000000 +0000\n"
    stream = [
        f"commit refs/heads/x\nmark :{n + 1}\n{who}data {len(f'{n}')}\n{n}\n" for n in range(number)
    ]
    stream.append(f"commit {REF}\n{who}data 0\n")
    stream += [f"N inline :{n + 1}\ndata {len(f'{n}')}\n{n}\n" for n in range(number)]
    git(repo.path, "fast-import", "--quiet", stdin="".join(stream))
    return git(repo.path, "rev-list", "--reverse", "refs/heads/x").split("\n")


def places(repo: Repo) -> set[int]:
    """How many folders stand above notes: 0 for flat ones, 1 for ours."""
    paths = git(repo.path, "ls-tree", "-r", "--name-only", REF).splitlines()
    return {path.count("/") for path in paths}


# Stock git reads ours


@pytest.mark.parametrize("number", [1, 20, 300, 3000])
def test_git_lists_our_notes(repo: Repo, number: int) -> None:
    """`git notes list` names the same objects, whatever fan-out git itself would have taken."""
    add(repo, {obj(n): [f"{n} o200k_base"] for n in range(number)})
    found = listed(repo.path)
    assert found.keys() == seen(repo).keys()
    assert len(found) == number
    assert places(repo) == {1}
    bodies = git_bytes(repo.path, "cat-file", "--batch=", stdin="\n".join(found.values()).encode())
    expected = [f"{n} o200k_base" for n in range(number)]
    assert sorted(filter(None, bodies.decode().split("\n"))) == sorted(expected)


def test_notes_show(repo: Repo) -> None:
    """`git notes show` prints the lines as they were written."""
    add(repo, {obj(1): ["b", "ä"], obj(2): ["c"]})
    assert theirs(repo, "show", obj(1)) == "b\nä"


def test_git_log_shows_our_notes(repo: Repo) -> None:
    """Plain `git log` prints the lines of every notes ref under the commit, as init set it up."""
    said = commit(repo, "hello", ref=MAIN)
    add(repo, {said: ["93 o200k_base"]})
    add(repo, {said: ['{"reason":"terms"}']}, notes.ANNOTATIONS)
    printed = git(repo.path, "log", "-1")
    assert "Notes (tract/tokens):\n    93 o200k_base" in printed
    assert 'Notes (tract/annotations):\n    {"reason":"terms"}' in printed


def test_git_knows_the_commit(repo: Repo) -> None:
    """`git log` of the notes ref has one commit a call, with its verb as the message."""
    add(repo, {obj(1): ["a"]})
    add(repo, {obj(2): ["b"], obj(3): ["c"]})
    assert (
        git(repo.path, "log", "--format=%s|%an|%ce", REF).split("\n")
        == ["tract: tokens|tract|tract@localhost"] * 2
    )


def test_git_reads_notes_in_two_places(repo: Repo) -> None:
    """A note that stands twice is one for git as well; after a write it stands once."""
    blobs = [bytes.fromhex(write_blob(repo, text)) for text in (b"a\n", b"b\n")]
    one = obj(1).encode()
    folder = write_tree(repo, [(FILE, one[2:], blobs[1])])
    tree = write_tree(repo, [(FILE, one, blobs[0]), (FOLDER, one[:2], bytes.fromhex(folder))])
    lay(repo, REF, tree)
    assert theirs(repo, "list", obj(1))
    assert notes.read_lines(repo, REF, obj(1)) == ["a", "b"]
    add(repo, {obj(1): ["c"]})
    assert theirs(repo, "show", obj(1)) == "a\nb\nc"
    assert places(repo) == {1}


# Stock git edits ours


def test_notes_add(repo: Repo) -> None:
    """`git notes add` beside ours lays them out anew; we read all and write beside them."""
    add(repo, {obj(n): [f"{n}"] for n in range(5)})
    theirs(repo, "add", "-m", "by git", obj(5))
    assert places(repo) == {0}
    add(repo, {obj(5): ["by us"], obj(6): ["new"]})
    assert theirs(repo, "show", obj(5)) == "by git\nby us"
    assert seen(repo) == {
        **{obj(n): [f"{n}"] for n in range(5)},
        obj(5): ["by git", "by us"],
        obj(6): ["new"],
    }
    assert places(repo) == {0, 1}
    assert listed(repo.path).keys() == seen(repo).keys()


def test_notes_append(repo: Repo) -> None:
    """`git notes append` puts a blank line between, which is no line."""
    add(repo, {obj(1): ["b"]})
    theirs(repo, "append", "-m", "a", obj(1))
    assert theirs(repo, "show", obj(1)) == "b\n\na"
    assert notes.read_lines(repo, REF, obj(1)) == ["b", "a"]


def test_notes_remove(repo: Repo) -> None:
    """What `git notes remove` took is gone, and may be added again."""
    add(repo, {obj(n): [f"{n}"] for n in range(100)})
    theirs(repo, "remove", "--stdin", stdin="\n".join(map(obj, range(99))))
    assert seen(repo) == {obj(99): ["99"]}
    assert add(repo, {obj(1): ["again"]})
    assert seen(repo) == {obj(99): ["99"], obj(1): ["again"]}


def test_every_note_removed(repo: Repo) -> None:
    """An empty notes tree of git's has no notes, and takes new ones."""
    add(repo, {obj(1): ["a"]})
    theirs(repo, "remove", obj(1))
    assert (seen(repo), notes.fan_out(repo, REF)) == ({}, {})
    assert add(repo, {obj(1): ["b"]})
    assert listed(repo.path).keys() == {obj(1)}


def test_notes_copy(repo: Repo) -> None:
    """`git notes copy` copies ours, as carry does."""
    add(repo, {obj(1): ["b", "a"]})
    theirs(repo, "copy", obj(1), obj(2))
    with repo.lock:
        notes.carry(repo, REF, {obj(1): obj(3)}, verb="pick")
    assert len(set(listed(repo.path).values())) == 1
    assert seen(repo).keys() == {obj(1), obj(2), obj(3)}


def test_notes_prune(repo: Repo) -> None:
    """`git notes prune` takes the notes of objects that are not there, and leaves the others."""
    said = commit(repo, "hello", ref=MAIN)
    add(repo, {said: ["1"], **{obj(n): ["2"] for n in range(30)}})
    theirs(repo, "prune")
    assert seen(repo) == {said: ["1"]}


# We read and keep stock git's


@pytest.mark.parametrize(("number", "depth"), [(10, 0), (600, 1)])
def test_notes_of_stock_git(repo: Repo, number: int, depth: int) -> None:
    """Whatever fan-out git takes is read, and kept when we write beside it and into it."""
    commits = imported(repo, number)
    theirs(repo, "add", "-m", "flat or not", obj(1))  # laid out by `git notes`, not fast-import
    assert places(repo) == {depth}
    expected = {each: [f"{n}"] for n, each in enumerate(commits)} | {obj(1): ["flat or not"]}
    assert seen(repo) == expected
    add(repo, {commits[1]: ["more"], obj(2): ["new"]})
    assert seen(repo) == expected | {commits[1]: ["1", "more"], obj(2): ["new"]}
    assert theirs(repo, "show", commits[1]) == "1\nmore"
    assert listed(repo.path).keys() == seen(repo).keys()
    assert places(repo) == {depth, 1}


def test_notes_of_git_notes_add(repo: Repo) -> None:
    """Notes added one by one by git are read, ours in between them too."""
    for n in range(6):
        theirs(repo, "add", "-m", f"{n}", obj(n))
        add(repo, {obj(n + 100): [f"{n}"]})
    assert seen(repo) == {obj(n + more): [f"{n}"] for n in range(6) for more in (0, 100)}
    assert listed(repo.path).keys() == seen(repo).keys()


def test_other_files_stay(repo: Repo) -> None:
    """A file that is no note survives our write as it survives git's."""
    add(repo, {obj(1): ["a"]})
    stream = f"commit {REF}\ncommitter A <a@b> 1700000000 +0000\ndata 0\nfrom {REF}^0\n"
    git(repo.path, "fast-import", "--quiet", stdin=stream + "M 644 inline README\ndata 2\nhi\n")
    add(repo, {obj(2): ["b"]})
    theirs(repo, "add", "-m", "c", obj(3))
    add(repo, {obj(3): ["d"]})
    assert git(repo.path, "cat-file", "blob", f"{REF}:README") == "hi"
    assert seen(repo).keys() == {obj(1), obj(2), obj(3)}


# Joining


def test_two_clones(repo: Repo, tmp_path: Path) -> None:
    """Notes of two clones, joined by stock git in one and by us in the other: the same notes."""
    add(repo, {obj(n): [f"{n}"] for n in range(20)})
    clones = [tmp_path / "by-git.git", tmp_path / "by-us.git"]
    for clone in clones:
        git(repo.path, "clone", "--quiet", "--bare", repo.path, str(clone))
        git(clone, "fetch", "--quiet", "origin", "refs/notes/*:refs/notes/*")
    git(clones[1], "notes", "--ref", REF, "remove", obj(1), obj(2))
    git(clones[1], "notes", "--ref", REF, "append", "-m", "by the clone", obj(3))
    add(repo, {obj(2): ["kept"], obj(3): ["by us"], obj(30): ["new"]})
    for clone in clones:
        git(clone, "fetch", "--quiet", repo.path, f"{REF}:{REMOTE}")
    git(clones[0], "fetch", "--quiet", "--force", str(clones[1]), f"{REF}:{REF}")
    git(clones[0], "notes", "--ref", REF, "merge", "--quiet", "-s", "cat_sort_uniq", REMOTE)
    opened = init_repo(clones[1], clock=PinnedClock(), random=PinnedRandom(), environ={})
    fetched = refs.read_ref(opened, REMOTE)
    assert fetched is not None
    with opened.lock:
        assert notes.join(opened, REF, fetched, verb="fetch")
    assert listed(str(clones[0])) == listed(str(clones[1]))
    assert obj(1) not in seen(opened)
    assert seen(opened)[obj(2)] == ["2", "kept"]
    assert seen(opened)[obj(3)] == ["3", "by the clone", "by us"]
    opened.close()
    for clone in clones:
        fsck_clean(clone)


def lay(repo: Repo, ref: str, tree: TreeId, *parents: CommitId) -> CommitId:
    """Let a notes ref be at a tree laid out by hand."""
    made = write_commit(repo, tree, parents, author=WHO, committer=WHO, message=f"{ref}\n")
    old = refs.read_ref(repo, ref)
    with repo.lock:
        refs.update_ref(repo, ref, made, old=old, verb="hand")
    return made


def tree_of(repo: Repo, bodies: Bodies, depth: int) -> TreeId:
    """A notes tree with that many folders above each note."""
    items: list[TreeItem] = []
    below: dict[str, Bodies] = {}
    for name, body in bodies.items():
        if depth == 0:
            items.append((FILE, name.encode(), bytes.fromhex(write_blob(repo, body))))
        else:
            below.setdefault(name[:2], {})[name[2:]] = body
    for folder, inside in below.items():
        tree = bytes.fromhex(tree_of(repo, inside, depth - 1))
        items.append((FOLDER, folder.encode(), tree))
    return write_tree(repo, items)


few = st.integers(0, 7).map(obj)
line = st.sampled_from([b"a", b"b", b"B", b"c d", b"", b" ", b"\xff", "ä".encode(), b"a\r"])
body = st.builds(
    lambda lines, end: b"\n".join(lines) + end,
    st.lists(line, min_size=1, max_size=3),
    st.sampled_from([b"\n", b""]),
)
bodies = st.dictionaries(few, body, max_size=6)
depths = st.integers(0, 2)
OURS, THEIRS, BY_GIT = (f"refs/notes/try/{name}" for name in ("ours", "theirs", "by-git"))


class Side:
    """What one side does to the notes: lays some out anew by hand, lets stock git remove some."""

    def __init__(self, changed: Bodies, removed: set[str], depth: int) -> None:
        self.changed = changed
        self.removed = removed
        self.depth = depth

    def __repr__(self) -> str:
        return f"Side({self.changed}, {self.removed}, {self.depth})"

    def play(self, repo: Repo, ref: str, base: Bodies, *parents: CommitId) -> None:
        """Make this side's notes at `ref`."""
        bodies = {**base, **self.changed}
        lay(repo, ref, tree_of(repo, bodies, self.depth), *parents)
        gone = sorted(self.removed & bodies.keys())
        if gone:
            git(repo.path, "notes", "--ref", ref, "remove", *gone)


sides = st.builds(Side, bodies, st.sets(few, max_size=3), depths)


@given(base=bodies, has_base=st.booleans(), ours=sides, theirs=sides, depth=depths)
def test_join_is_git_s(
    shared: Repo, base: Bodies, has_base: bool, ours: Side, theirs: Side, depth: int
) -> None:
    """Joined by us or by `git notes merge -s cat_sort_uniq`: the same blob for every object."""
    start = [lay(shared, OURS, tree_of(shared, base, depth))] if has_base else []
    ours.play(shared, OURS, base, *start)
    theirs.play(shared, THEIRS, base, *start)
    assert joined_alike(shared)


def joined_alike(repo: Repo) -> bool:
    """Join THEIRS into OURS, and by stock git into BY_GIT: whether the blobs are the same."""
    git(repo.path, "update-ref", BY_GIT, OURS)
    git(repo.path, "notes", "--ref", BY_GIT, "merge", "-q", "-s", "cat_sort_uniq", THEIRS)
    join(repo, OURS, THEIRS)
    return listed(repo.path, OURS) == listed(repo.path, BY_GIT)


def join(repo: Repo, ref: str, other: str) -> None:
    """Join one notes ref into another."""
    theirs = refs.read_ref(repo, other)
    assert theirs is not None
    with repo.lock:
        notes.join(repo, ref, theirs, verb="fetch")


def test_joins_that_crossed(repo: Repo) -> None:
    """Both sides joined the other at once: of two merge bases ours is the one that git takes."""
    add(repo, {obj(n): [f"{n}"] for n in range(4)}, OURS)
    git(repo.path, "update-ref", THEIRS, OURS)
    git(repo.path, "notes", "--ref", OURS, "remove", obj(1))
    add(repo, {obj(1): ["more"], obj(2): ["a"]}, THEIRS)
    add(repo, {obj(2): ["b"], obj(3): ["c"]}, OURS)
    git(repo.path, "update-ref", "refs/notes/try/before", OURS)
    join(repo, OURS, THEIRS)
    join(repo, THEIRS, "refs/notes/try/before")
    git(repo.path, "notes", "--ref", THEIRS, "remove", obj(1), obj(2))
    add(repo, {obj(3): ["d"]}, OURS)
    assert len(git(repo.path, "merge-base", "--all", OURS, THEIRS).split()) == 2
    assert joined_alike(repo)


@given(first=bodies, second=bodies, third=bodies)
def test_joins_lose_no_line(shared: Repo, first: Bodies, second: Bodies, third: Bodies) -> None:
    """Three sides that only add end at the same lines, in whatever order they are joined."""
    ends = []
    for order in ((first, second, third), (third, second, first)):
        lay(shared, OURS, tree_of(shared, order[0], 0))
        for n, bodies in enumerate(order[1:]):
            lay(shared, THEIRS, tree_of(shared, bodies, n))
            join(shared, OURS, THEIRS)
        ends.append({each: set(lines) for each, lines in seen(shared, OURS).items()})
    union: dict[str, set[str]] = {}
    for bodies in (first, second, third):
        for each, body in bodies.items():
            lines = body.decode("utf-8", "surrogateescape").split("\n")
            union.setdefault(each, set()).update(filter(None, lines))
    assert ends == [union, union]
