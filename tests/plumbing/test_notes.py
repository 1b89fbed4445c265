"""test_notes.py - notes in any fan-out: read, added to by union, joined, carried over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha1
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.git import git
from tests.interop.counted import Counted
from tract.errors import BadObject, StaleRef, UsageError
from tract.plumbing import landing, notes, refs
from tract.plumbing.objects import (
    FILE,
    FOLDER,
    Person,
    TreeItem,
    read_blob,
    read_commit,
    read_tree,
    write_blob,
    write_commit,
    write_tree,
)
from tract.plumbing.repo import BlobId, CommitId, Repo, TreeId

REF = notes.TOKENS
WHO = Person("A", "a@example.org", 1_700_000_000)
Files = Mapping[str, bytes]
Notes = dict[str, list[str]]


def obj(n: int | str) -> str:
    """An object id; notes may stand on objects that nobody has."""
    return sha1(str(n).encode(), usedforsecurity=False).hexdigest()


ONE = obj(1)  # 356a192b7913b04c54574d18c28d46e6395428ab
FLAT = ONE
OURS = f"{ONE[:2]}/{ONE[2:]}"
DEEP = f"{ONE[:2]}/{ONE[2:4]}/{ONE[4:]}"
DEEPEST = "/".join(ONE[at : at + 2] for at in range(0, 40, 2))


def tree_of(repo: Repo, files: Files) -> TreeId:
    """A tree of these files, by path."""
    items: list[TreeItem] = []
    below: dict[str, dict[str, bytes]] = {}
    for path, body in files.items():
        top, _, rest = path.partition("/")
        if rest:
            below.setdefault(top, {})[rest] = body
        else:
            items.append((FILE, top.encode(), bytes.fromhex(write_blob(repo, body))))
    for name, inside in below.items():
        items.append((FOLDER, name.encode(), bytes.fromhex(tree_of(repo, inside))))
    return write_tree(repo, items)


def commit_of(repo: Repo, files: Files, *parents: CommitId, by: str = "them") -> CommitId:
    """A notes commit with a tree as somebody else may have laid it out."""
    tree = tree_of(repo, files)
    return write_commit(repo, tree, parents, author=WHO, committer=WHO, message=f"by {by}\n")


def lay(repo: Repo, files: Files, ref: str = REF) -> CommitId:
    """Let the notes ref be at a tree laid out by hand."""
    old = refs.read_ref(repo, ref)
    made = commit_of(repo, files, *([old] if old else []), by="hand")
    with repo.lock:
        refs.update_ref(repo, ref, made, old=old, verb="hand")
    return made


def add(repo: Repo, lines: Mapping[str, Iterable[str]], verb: str = "tokens") -> bool:
    """Add lines under the lock."""
    with repo.lock:
        return notes.add_lines(repo, REF, lines, verb=verb)


def join(repo: Repo, theirs: CommitId) -> bool:
    """Join under the lock."""
    with repo.lock:
        return notes.join(repo, REF, theirs, verb="fetch")


def tip(repo: Repo) -> CommitId:
    """Where the notes ref is."""
    found = refs.read_ref(repo, REF)
    assert found is not None
    return found


def files(repo: Repo, tree: str | None = None, above: str = "") -> dict[str, bytes]:
    """Every file of the notes tree, by path."""
    found: dict[str, bytes] = {}
    for mode, name, item in read_tree(repo, tree or read_commit(repo, tip(repo)).tree):
        path = above + name.decode()
        if mode == FOLDER:
            found |= files(repo, item.hex(), path + "/")
        else:
            found[path] = read_blob(repo, item.hex())
    return found


@pytest.fixture
def counted(repo: Repo) -> Counted:
    """What passes through the object database from now on."""
    repo.odb = Counted(repo.odb)  # type: ignore[assignment]
    return repo.odb  # type: ignore[return-value]


# Reading


def test_no_ref_has_no_notes(repo: Repo) -> None:
    """Where there is no notes ref, nothing has a note."""
    assert notes.read_lines(repo, REF, ONE) == []
    assert list(notes.list_lines(repo, REF)) == []
    assert notes.fan_out(repo, REF) == {}


@pytest.mark.parametrize("path", [FLAT, OURS, DEEP, DEEPEST])
def test_a_note_is_read_wherever_it_stands(repo: Repo, path: str) -> None:
    """Flat, in our fan-out, deeper, twenty levels down."""
    lay(repo, {path: b"b\na\n"})
    assert notes.read_lines(repo, REF, ONE) == ["b", "a"]
    assert list(notes.list_lines(repo, REF)) == [(ONE, ["b", "a"])]


def test_notes_in_several_places_are_joined(repo: Repo) -> None:
    """A line that stands in two of the places comes once."""
    lay(repo, {FLAT: b"a\nb\n", OURS: b"b\nc\n", DEEP: b"d\n"})
    assert notes.read_lines(repo, REF, ONE) == ["a", "b", "c", "d"]
    assert list(notes.list_lines(repo, REF)) == [(ONE, ["a", "b", "c", "d"])]


def test_blank_lines_are_skipped(repo: Repo) -> None:
    """Blank lines are skipped, a line of blanks is none, the last newline may be missing."""
    lay(repo, {OURS: b"\n\na\n\n \na\nz"})
    assert notes.read_lines(repo, REF, ONE) == ["a", " ", "z"]


def test_an_empty_note_has_no_lines(repo: Repo) -> None:
    """An annotated object without lines is listed."""
    lay(repo, {OURS: b"\n"})
    assert list(notes.list_lines(repo, REF)) == [(ONE, [])]


def test_any_bytes_survive(repo: Repo) -> None:
    """Bytes that are no UTF-8 are the same when the note is written again."""
    lay(repo, {OURS: b"\xff\xfe z\n\0\r\n"})
    assert add(repo, {ONE: ["a"]})
    assert files(repo)[OURS] == b"\0\r\na\n\xff\xfe z\n"
    assert add(repo, {obj(2): notes.read_lines(repo, REF, ONE)})
    assert notes.read_lines(repo, REF, obj(2)) == ["\0\r", "a", "\udcff\udcfe z"]
    assert len(set(files(repo).values())) == 1


def test_the_list_is_in_the_order_of_ids(repo: Repo) -> None:
    """Mixed fan-outs come in one order."""
    ids = sorted(obj(n) for n in range(300))
    depths = (0, 2, 4, 38)
    laid = {}
    for n, each in enumerate(ids):
        cut = depths[n % 4]
        laid["/".join([*(each[at : at + 2] for at in range(0, cut, 2)), each[cut:]])] = b"%d\n" % n
    lay(repo, laid)
    assert list(notes.list_lines(repo, REF)) == [(each, [str(n)]) for n, each in enumerate(ids)]


NO_NOTES = {
    "README": b"r",
    ONE[:38]: b"short",
    ONE.upper(): b"upper",
    "zz/" + ONE[2:]: b"no hex",
    "abc/" + ONE[3:]: b"three",
    f"{ONE[:2]}/README": b"inside",
    f"{ONE}/x": b"a folder named like a note",
    DEEPEST[:-2] + f"{ONE[-2:]}/x": b"one level too many",
}


def test_files_that_are_no_notes_are_passed_over(repo: Repo) -> None:
    """Names that are not the rest of an object id are no notes, nor are folders."""
    lay(repo, NO_NOTES)
    assert list(notes.list_lines(repo, REF)) == []
    assert notes.read_lines(repo, REF, ONE) == []


def test_a_link_is_no_note(repo: Repo) -> None:
    """Only a regular file is a note; an executable one is, as for git."""
    blob = bytes.fromhex(write_blob(repo, b"x\n"))
    items = [(b"120000", obj(1).encode(), blob), (b"100755", obj(2).encode(), blob)]
    made = write_commit(repo, write_tree(repo, items), (), author=WHO, committer=WHO, message="m\n")
    with repo.lock:
        refs.update_ref(repo, REF, made, old=None, verb="hand")
    assert list(notes.list_lines(repo, REF)) == [(obj(2), ["x"])]


def test_fan_out_names_each_folder(repo: Repo) -> None:
    """First-level folders with their trees; the root only where notes stand in it."""
    lay(repo, {OURS: b"a\n", "README": b"r", "zz/x": b"x"})
    root = read_commit(repo, tip(repo)).tree
    tree = {name: item.hex() for _, name, item in read_tree(repo, root)}[ONE[:2].encode()]
    assert notes.fan_out(repo, REF) == {ONE[:2]: tree}
    lay(repo, {OURS: b"a\n", obj(2): b"b\n"})
    assert notes.fan_out(repo, REF) == {ONE[:2]: tree, "": read_commit(repo, tip(repo)).tree}


def test_folders_together_are_the_list(repo: Repo) -> None:
    """What fan_out names and list_folder reads is what list_lines gives."""
    laid = {f"{obj(n)[:2]}/{obj(n)[2:]}": b"%d\n" % n for n in range(40)}
    lay(repo, laid | {obj(n): b"%d\n" % n for n in range(40, 50)} | {DEEP: b"deep\n"})
    found: dict[str, set[str]] = {}
    for prefix, tree in notes.fan_out(repo, REF).items():
        for object_id, lines in notes.list_folder(repo, tree, prefix):
            found.setdefault(object_id, set()).update(lines)
    assert found == {each: set(lines) for each, lines in notes.list_lines(repo, REF)}
    assert found[ONE] == {"1", "deep"}


def test_a_folder_is_cut_from_the_flat_notes(repo: Repo) -> None:
    """The root, listed as a folder, gives the notes that stand in none: those are cheap."""
    lay(repo, {OURS: b"a\n", obj(2): b"b\n"})
    root = notes.fan_out(repo, REF)[""]
    assert list(notes.list_folder(repo, root, "")) == [(obj(2), ["b"])]


# Adding


def test_the_first_note(repo: Repo) -> None:
    """It stands in our fan-out, under a commit without parent whose message is the reason."""
    assert add(repo, {ONE: ["93 o200k_base"]})
    assert files(repo) == {OURS: b"93 o200k_base\n"}
    made = read_commit(repo, tip(repo))
    assert (made.parents, made.message) == ((), "tract: tokens\n")
    assert made.author == made.committer == Person("tract", "tract@localhost", 1_700_000_000)


def test_modes_are_git_s(repo: Repo) -> None:
    """A note is a plain file, its folder a folder."""
    add(repo, {ONE: ["a"]})
    [(mode, _, tree)] = read_tree(repo, read_commit(repo, tip(repo)).tree)
    assert (mode, read_tree(repo, tree.hex())[0][0]) == (b"40000", b"100644")


def test_the_ref_moves_with_a_reason(repo: Repo) -> None:
    """Its reflog line is the one that every move of ours leaves."""
    add(repo, {ONE: ["a"]}, verb="append")
    entry = next(iter(repo.git.lookup_reference(REF).log()))
    assert entry.message.startswith("tract: append #")


def test_lines_are_added_by_union(repo: Repo) -> None:
    """Lines that stand there stay; all are sorted by bytes, each ended, none twice."""
    add(repo, {ONE: ["b", "ä", "a"]})
    add(repo, {ONE: ["b", "B", "z", "z"]})
    assert files(repo) == {OURS: "B\na\nb\nz\nä\n".encode()}


def test_a_line_break_parts_two_lines(repo: Repo) -> None:
    """What is added is lines, however they are handed in; blank ones are left out."""
    add(repo, {ONE: ["b\na\n", "", "c"]})
    assert notes.read_lines(repo, REF, ONE) == ["a", "b", "c"]


def test_nothing_new_writes_nothing(repo: Repo, counted: Counted) -> None:
    """Lines that stand there already, no lines, no objects: False, and no object is written."""
    lay(repo, {FLAT: b"b\n\na", OURS: b"c\n"})
    before = tip(repo), len(counted.writes)
    assert not add(repo, {ONE: ["a", "c"]})
    assert not add(repo, {obj(2): [], obj(3): ["", "\n"]})
    assert not add(repo, {})
    assert (tip(repo), len(counted.writes)) == before


def test_one_commit_for_many(repo: Repo, counted: Counted) -> None:
    """64 notes: one commit, one root, a folder each at most, and a blob a body."""
    wanted = {obj(n): [f"{n % 5} o200k_base"] for n in range(64)}
    folders = len({each[:2] for each in wanted})
    assert add(repo, wanted)
    assert len(counted.writes) == len(set(counted.writes)) == 5 + folders + 1 + 1
    assert dict(notes.list_lines(repo, REF)) == wanted


def test_a_note_beside_ten_thousand(repo: Repo, counted: Counted) -> None:
    """Adding one writes four objects and reads one folder, however many notes there are."""
    add(repo, {obj(n): [f"{n % 9}"] for n in range(10_000)})
    counted.reads.clear()
    counted.writes.clear()
    assert add(repo, {obj("new"): ["1 new"]})
    assert len(counted.writes) == 4
    assert len(counted.reads) == 3  # the commit, its root, one folder
    counted.reads.clear()
    assert notes.read_lines(repo, REF, obj("new")) == ["1 new"]
    assert len(counted.reads) == 4


def test_what_was_only_looked_at_is_not_written(repo: Repo, counted: Counted) -> None:
    """The folder of a note that has its line already is read, and not written again."""
    add(repo, {ONE: ["a"], obj(2): ["b"]})
    counted.writes.clear()
    assert add(repo, {ONE: ["a"], obj(2): ["c"]})
    assert len(counted.writes) == 4


@pytest.mark.parametrize("path", [FLAT, OURS, DEEP, DEEPEST])
def test_a_note_is_written_where_it_stands(repo: Repo, path: str) -> None:
    """A note that stock git put elsewhere stays there."""
    lay(repo, {path: b"a\n"})
    add(repo, {ONE: ["b"]})
    assert files(repo) == {path: b"a\nb\n"}


@pytest.mark.parametrize("other", [OURS, DEEP, DEEPEST])
def test_flat_and_in_a_folder_become_one(repo: Repo, other: str) -> None:
    """Both are joined where the folders are, and the flat one is removed."""
    lay(repo, {FLAT: b"a\n", other: b"b\n"})
    add(repo, {ONE: ["c"]})
    assert files(repo) == {other: b"a\nb\nc\n"}


def test_our_fan_out_is_preferred(repo: Repo) -> None:
    """Of several folders ours keeps the note, and the emptied ones go."""
    lay(repo, {FLAT: b"a\n", OURS: b"b\n", DEEP: b"c\n"})
    add(repo, {ONE: ["d"]})
    assert files(repo) == {OURS: b"a\nb\nc\nd\n"}
    assert len(read_tree(repo, notes.fan_out(repo, REF)[ONE[:2]])) == 1


def test_new_notes_stand_beside_flat_ones(repo: Repo) -> None:
    """Flat notes of stock git are left alone when another object gets its first."""
    lay(repo, {FLAT: b"z\na"})
    add(repo, {obj(2): ["b"]})
    assert files(repo) == {FLAT: b"z\na", f"{obj(2)[:2]}/{obj(2)[2:]}": b"b\n"}


def test_what_is_no_note_stays(repo: Repo) -> None:
    """Other files survive a write, in the root and in the folder that is written."""
    lay(repo, NO_NOTES)
    add(repo, {ONE: ["a"], obj(2): ["b"]})
    kept = files(repo)
    assert {path: kept[path] for path in NO_NOTES} == NO_NOTES
    assert notes.read_lines(repo, REF, ONE) == ["a"]


@pytest.mark.parametrize(
    ("there", "place"),
    [
        ({ONE[:2]: b"file"}, FLAT),
        ({f"{OURS}/x": b"folder"}, DEEP),
        ({OURS[:2]: b"file", f"{FLAT}/x": b"folder"}, None),
    ],
)
def test_a_file_in_the_way(repo: Repo, there: Files, place: str | None) -> None:
    """A note is put where nothing else stands; nowhere is an error."""
    lay(repo, there)
    if place is None:
        with pytest.raises(BadObject, match=f"no free place for a note on {ONE[:12]}"):
            add(repo, {ONE: ["a"]})
    else:
        add(repo, {ONE: ["a"]})
        assert files(repo) == {**there, place: b"a\n"}


def test_a_removed_note_may_come_back(repo: Repo) -> None:
    """An empty notes tree is one to start from."""
    lay(repo, {})
    assert add(repo, {ONE: ["a"]})
    assert files(repo) == {OURS: b"a\n"}


@pytest.mark.parametrize("bad", ["", "HEAD", ONE[:39], ONE + "0", ONE.upper(), "../" + ONE[3:]])
def test_only_whole_ids_are_taken(repo: Repo, bad: str) -> None:
    """What is no object id is refused before anything is written."""
    with pytest.raises(UsageError, match="is no object id"):
        add(repo, {ONE: ["a"], bad: ["b"]})
    assert refs.read_ref(repo, REF) is None


def test_dates_never_go_back(repo: Repo) -> None:
    """A notes commit is not older than its parent, even where the clock is."""
    who = WHO._replace(time_s=1_900_000_000)
    tree = tree_of(repo, {})
    made = write_commit(repo, tree, (), author=WHO, committer=who, message="later\n")
    with repo.lock:
        refs.update_ref(repo, REF, made, old=None, verb="hand")
    add(repo, {ONE: ["a"]})
    assert read_commit(repo, tip(repo)).committer.time_s == 1_900_000_000


def test_names_are_cleaned(repo: Repo) -> None:
    """A committer's name that git could not read back is written as git would."""
    repo.environ = {"GIT_COMMITTER_NAME": " <Ann\n> ", "GIT_COMMITTER_EMAIL": "<>"}
    add(repo, {ONE: ["a"]})
    made = read_commit(repo, tip(repo))
    assert made.committer[:2] == made.author[:2] == ("Ann", "tract@localhost")


def test_a_stage_keeps_it_in_memory(repo: Repo) -> None:
    """Staged notes are seen in the stage alone, are added to there, and land together."""
    view = repo.staged()
    assert notes.add_lines(view, REF, {ONE: ["a"]}, verb="tokens")
    assert notes.add_lines(view, REF, {ONE: ["b"]}, verb="tokens")
    assert notes.read_lines(view, REF, ONE) == ["a", "b"]
    assert notes.read_lines(repo, REF, ONE) == []
    assert view.pending is not None
    with repo.lock:
        landing.land(repo, view.pending)
    assert notes.read_lines(repo, REF, ONE) == ["a", "b"]


def test_a_ref_that_moved_meanwhile(repo: Repo) -> None:
    """Another program's notes are never overwritten: the staged change is refused."""
    view = repo.staged()
    notes.add_lines(view, REF, {ONE: ["a"]}, verb="tokens")
    lay(repo, {FLAT: b"theirs\n"})
    assert view.pending is not None
    with repo.lock, pytest.raises(StaleRef):
        landing.land(repo, view.pending)
    assert files(repo) == {FLAT: b"theirs\n"}


# Damage


def lose(repo: Repo, object_id: str) -> None:
    """Remove a loose object, unseen by the handle."""
    Path(repo.path, "objects", object_id[:2], object_id[2:]).unlink()


def blob_of(repo: Repo, body: bytes) -> BlobId:
    """The id of a body."""
    return write_blob(repo, body)


def test_a_missing_note_is_named(repo: Repo) -> None:
    """Reading a note whose blob is gone, or adding to it, says which object is missing."""
    add(repo, {ONE: ["a"]})
    lost = blob_of(repo, b"a\n")
    lose(repo, lost)
    with pytest.raises(BadObject, match=f"the blob {lost[:12]} is missing"):
        notes.read_lines(repo, REF, ONE)
    with pytest.raises(BadObject, match=f"the blob {lost[:12]} is missing"):
        list(notes.list_lines(repo, REF))
    with pytest.raises(BadObject, match=f"the blob {lost[:12]} is missing"):
        add(repo, {ONE: ["b"]})


def test_a_missing_folder_is_named(repo: Repo) -> None:
    """Notes in other folders are still read and written."""
    same = next(obj(n) for n in range(2, 9999) if obj(n)[:2] == ONE[:2])
    add(repo, {ONE: ["a"], obj(2): ["b"]})
    lost = notes.fan_out(repo, REF)[ONE[:2]]
    lose(repo, lost)
    for each in (ONE, same):
        with pytest.raises(BadObject, match=f"the tree {lost[:12]} is missing"):
            notes.read_lines(repo, REF, each)
        with pytest.raises(BadObject, match=f"the tree {lost[:12]} is missing"):
            add(repo, {each: ["c"]})
    assert add(repo, {obj(2): ["c"], obj(3): ["d"]})
    assert notes.read_lines(repo, REF, obj(2)) == ["b", "c"]


# Carrying


def test_notes_are_carried(repo: Repo) -> None:
    """The new object gets the lines of the old beside its own; the old one keeps its note."""
    add(repo, {obj("old"): ["a", "b"], obj("new"): ["b", "c"], obj("gone"): ["x"]})
    with repo.lock:
        assert notes.carry(repo, REF, {obj("old"): obj("new"), obj("bare"): obj(9)}, verb="rebase")
    assert notes.read_lines(repo, REF, obj("new")) == ["a", "b", "c"]
    assert notes.read_lines(repo, REF, obj("old")) == ["a", "b"]
    assert notes.read_lines(repo, REF, obj(9)) == []
    assert read_commit(repo, tip(repo)).message == "tract: rebase\n"
    assert len(list(repo.git.lookup_reference(REF).log())) == 2


def test_a_chain_is_carried_one_step(repo: Repo) -> None:
    """Each gets what the one before had at first; several onto one are all there."""
    add(repo, {obj("a"): ["1"], obj("b"): ["2"]})
    moved = {obj("a"): obj("b"), obj("b"): obj("c"), obj("d"): obj("c")}
    with repo.lock:
        notes.carry(repo, REF, moved, verb="rebase")
    lines = [notes.read_lines(repo, REF, obj(each)) for each in "abc"]
    assert lines == [["1"], ["1", "2"], ["2"]]


def test_nothing_to_carry(repo: Repo) -> None:
    """Without a ref, without notes or a second time nothing is written."""
    with repo.lock:
        assert not notes.carry(repo, REF, {ONE: obj(2)}, verb="pick")
        assert refs.read_ref(repo, REF) is None
        notes.add_lines(repo, REF, {ONE: ["a"]}, verb="tokens")
        assert notes.carry(repo, REF, {ONE: obj(2)}, verb="pick")
        before = tip(repo)
        assert not notes.carry(repo, REF, {ONE: obj(2)}, verb="pick")
        assert not notes.carry(repo, REF, {obj(7): obj(2)}, verb="pick")
    assert tip(repo) == before


# Joining


def test_joining_into_nothing_takes_theirs(repo: Repo) -> None:
    """Without notes of ours the ref goes to their commit."""
    theirs = commit_of(repo, {FLAT: b"a\n"})
    assert join(repo, theirs)
    assert tip(repo) == theirs


def test_joining_ahead_and_behind(repo: Repo) -> None:
    """Fast-forward where ours is an ancestor; nothing where theirs is, or is the same."""
    first = lay(repo, {FLAT: b"a\n"})
    second = commit_of(repo, {FLAT: b"a\nb\n"}, first)
    assert join(repo, second)
    assert tip(repo) == second
    assert not join(repo, first)
    assert not join(repo, second)
    assert tip(repo) == second


def test_a_join_has_two_parents(repo: Repo) -> None:
    """Ours first; it is written even where both sides say the same, so that neither repeats it."""
    ours = lay(repo, {OURS: b"a\n"})
    theirs = commit_of(repo, {OURS: b"a\n", "x": b"x"})
    assert join(repo, theirs)
    made = read_commit(repo, tip(repo))
    assert (made.parents, made.message) == ((ours, theirs), "tract: fetch\n")
    assert not join(repo, theirs)


def joined(repo: Repo, base: Files | None, ours: Files, theirs: Files) -> dict[str, bytes]:
    """The files after a join of two sides that come from `base`."""
    start = [lay(repo, base)] if base is not None else []
    other = commit_of(repo, theirs, *start)
    lay(repo, ours)
    assert join(repo, other)
    return files(repo)


BODY = b"z\na\na\n\nm\n"
CASES: dict[str, tuple[Files | None, Files, Files, Files]] = {
    "only they have it": (None, {}, {OURS: BODY}, {OURS: BODY}),
    "only we have it": (None, {OURS: BODY}, {}, {OURS: BODY}),
    "both the same": (None, {OURS: BODY}, {FLAT: BODY}, {OURS: BODY}),
    "both": (None, {OURS: b"b\n\na\n"}, {OURS: b"c\nb"}, {OURS: b"a\nb\nc\n"}),
    "theirs is flat": (None, {OURS: b"a\n"}, {FLAT: b"b\n"}, {OURS: b"a\nb\n"}),
    "ours is flat": (None, {FLAT: b"a\n"}, {OURS: b"b\n"}, {FLAT: b"a\nb\n"}),
    "flat, taken over": (None, {}, {FLAT: b"b\na\n"}, {OURS: b"b\na\n"}),
    "both changed": ({OURS: BODY}, {OURS: b"b\n"}, {OURS: b"a\n"}, {OURS: b"a\nb\n"}),
    "they changed": ({OURS: BODY}, {OURS: BODY}, {OURS: b"b\na\n"}, {OURS: b"b\na\n"}),
    "we changed": ({OURS: BODY}, {OURS: b"b\na\n"}, {OURS: BODY}, {OURS: b"b\na\n"}),
    "they removed": ({OURS: BODY}, {OURS: BODY}, {}, {}),
    "we removed": ({OURS: BODY}, {}, {OURS: BODY}, {}),
    "both removed": ({OURS: BODY}, {}, {}, {}),
    "we removed, they changed": ({OURS: BODY}, {}, {OURS: b"b\na\n"}, {OURS: b"b\na\n"}),
    "they removed, we changed": ({OURS: BODY}, {OURS: b"b\na\n"}, {}, {OURS: b"a\nb\n"}),
    "they moved it": ({FLAT: BODY}, {FLAT: BODY}, {OURS: BODY}, {FLAT: BODY}),
    "they moved it, we removed": ({FLAT: BODY}, {}, {OURS: BODY}, {}),
    "they moved it, we changed": ({FLAT: BODY}, {FLAT: b"b\n"}, {DEEP: BODY}, {FLAT: b"b\n"}),
    "they removed what stood twice": ({FLAT: BODY, DEEP: b"x"}, {FLAT: BODY, DEEP: b"x"}, {}, {}),
    "theirs stands twice": (None, {}, {FLAT: b"b\n", DEEP: b"a"}, {OURS: b"a\nb\n"}),
    "nothing but blank lines": (None, {OURS: b""}, {OURS: b"\n\n"}, {OURS: b""}),
    "a file of theirs": (None, {}, {"x": b"t", "ab/x": b"t"}, {"x": b"t", "ab/x": b"t"}),
    "a file of both": (None, {"x": b"o"}, {"x": b"t"}, {"x": b"o"}),
    "a folder of theirs": (None, {}, {"docs/x": b"t"}, {"docs/x": b"t"}),
    "a folder of both": (None, {"d/x": b"o"}, {"d/x": b"t"}, {"d/x": b"o"}),
    "a file that we removed": ({"x": b"t"}, {}, {"x": b"t", OURS: b"a"}, {OURS: b"a"}),
    "a file that they removed": ({"x": b"t"}, {"x": b"t"}, {}, {"x": b"t"}),
    "a file where we have a folder": (None, {"ab/x": b"o"}, {"ab": b"t"}, {"ab/x": b"o"}),
    "a folder where we have a file": (None, {"ab": b"o"}, {"ab/x": b"t"}, {"ab": b"o"}),
    "their file becomes a folder": (
        {"ab": b"t"},
        {"ab": b"t"},
        {f"{obj(137)[:2]}/{obj(137)[2:]}": b"t"},
        {"ab": b"t", f"{obj(137)[:2]}/{obj(137)[2:]}": b"t"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_join_case(repo: Repo, case: str) -> None:
    """What stands after a join, for what stood before it and on either side."""
    base, ours, theirs, expected = CASES[case]
    assert joined(repo, base, ours, theirs) == expected


def test_the_missing_side_is_named(repo: Repo) -> None:
    """Joining a commit that is not there moves nothing."""
    before = lay(repo, {OURS: b"a\n"})
    with pytest.raises(BadObject, match=f"the commit {ONE[:12]} is missing"):
        join(repo, CommitId(ONE))
    with pytest.raises(BadObject, match="is no commit"):
        join(repo, CommitId(blob_of(repo, b"a\n")))
    assert tip(repo) == before


def test_a_join_opens_only_what_differs(repo: Repo, counted: Counted) -> None:
    """With 2,000 notes on both sides, a note of each costs three folders at most."""
    add(repo, {obj(n): ["1"] for n in range(2000)})
    base = tip(repo)
    add(repo, {obj("theirs"): ["2"]})
    theirs = tip(repo)
    with repo.lock:
        refs.update_ref(repo, REF, base, old=theirs, verb="undo")
    add(repo, {obj("ours"): ["3"]})
    counted.reads.clear()
    counted.writes.clear()
    assert join(repo, theirs)
    assert len(counted.writes) == 3  # one folder, the root, the commit
    assert len(counted.reads) <= 3 * 3  # three commits, three roots, a folder of each
    assert len(list(notes.list_lines(repo, REF))) == 2002


def test_a_join_of_what_is_staged(repo: Repo) -> None:
    """Notes that are still in memory are joined with those on disk, and keep their base."""
    base = lay(repo, {OURS: BODY, FLAT.replace("3", "4"): b"x\n"})
    theirs = commit_of(repo, {OURS: BODY}, base)
    view = repo.staged()
    assert notes.add_lines(view, REF, {obj(2): ["a"]}, verb="tokens")
    assert notes.join(view, REF, theirs, verb="fetch")
    assert not notes.join(view, REF, theirs, verb="fetch")
    assert dict(notes.list_lines(view, REF)) == {ONE: ["z", "a", "m"], obj(2): ["a"]}
    other = repo.staged()
    assert notes.add_lines(other, notes.GENERATION, {ONE: ["g"]}, verb="tokens")
    assert notes.join(other, notes.GENERATION, theirs, verb="fetch")
    assert notes.read_lines(other, notes.GENERATION, ONE) == ["a", "g", "m", "z"]


# Taking back


def take_back(repo: Repo, old: str | None, new: str | None) -> bool:
    """Take back what the move from `old` to `new` did, under the lock."""
    with repo.lock:
        return notes.take_back(repo, REF, old, new, verb="undo", tail=" of #" + "k" * 15)


def now(repo: Repo) -> dict[str, list[str]]:
    """Every note, by object."""
    return dict(notes.list_lines(repo, REF))


def test_lines_of_a_move_go(repo: Repo) -> None:
    """What one move added goes; the note that it added to keeps its other lines."""
    add(repo, {ONE: ["a"]})
    old = tip(repo)
    add(repo, {ONE: ["b"], obj(2): ["c"]})
    assert take_back(repo, old, tip(repo))
    assert now(repo) == {ONE: ["a"]}


def test_first_notes_are_taken_back(repo: Repo) -> None:
    """Taking back the move that made the ref leaves a ref with no notes."""
    add(repo, {ONE: ["a"]})
    assert take_back(repo, None, tip(repo))
    assert (now(repo), files(repo)) == ({}, {})
    add(repo, {ONE: ["b"]})
    assert now(repo) == {ONE: ["b"]}


def test_what_came_later_stays(repo: Repo) -> None:
    """Notes that were written since are left as they are, on the same object too."""
    add(repo, {ONE: ["a"]})
    old = tip(repo)
    add(repo, {ONE: ["b"]})
    new = tip(repo)
    add(repo, {ONE: ["c"], obj(2): ["d"]})
    assert take_back(repo, old, new)
    assert now(repo) == {ONE: ["a", "c"], obj(2): ["d"]}


def test_lines_that_a_move_removed_come_again(repo: Repo) -> None:
    """Taking back a taking-back brings the lines again: that is a redo."""
    add(repo, {ONE: ["a"]})
    old = tip(repo)
    add(repo, {ONE: ["b"], obj(2): ["c"]})
    new = tip(repo)
    take_back(repo, old, new)
    assert take_back(repo, new, tip(repo))
    assert now(repo) == {ONE: ["a", "b"], obj(2): ["c"]}


def test_taking_back_is_a_new_commit(repo: Repo) -> None:
    """The ref goes on to a commit over its tip, with a line that says what was taken back."""
    add(repo, {ONE: ["a"]})
    old = tip(repo)
    take_back(repo, None, old)
    made = read_commit(repo, tip(repo))
    assert (made.parents, made.message) == ((old,), "tract: undo\n")
    entry = next(iter(repo.git.lookup_reference(REF).log()))
    assert entry.message.endswith(" of #" + "k" * 15)


def test_twice_is_once(repo: Repo, counted: Counted) -> None:
    """Where nothing is left of it, False is returned and nothing is written."""
    add(repo, {ONE: ["a"]})
    old = tip(repo)
    add(repo, {ONE: ["b"]})
    new = tip(repo)
    assert take_back(repo, old, new)
    before = tip(repo)
    counted.writes.clear()
    assert not take_back(repo, old, new)
    assert (tip(repo), counted.writes) == (before, [])


@pytest.mark.parametrize("path", [FLAT, OURS, DEEP])
def test_note_of_stock_git_is_taken_back_where_it_stands(repo: Repo, path: str) -> None:
    """Wherever stock git has put a note, its lines go from there."""
    first = lay(repo, {path: b"a\n"})
    lay(repo, {path: b"a\nb\n", obj(2): b"c\n"})
    assert take_back(repo, first, tip(repo))
    assert files(repo) == {path: b"a\n"}


def test_note_that_moved_since_is_found(repo: Repo) -> None:
    """A note that stood flat and stands in a folder by now loses the same lines."""
    first = lay(repo, {FLAT: b"a\n"})
    second = lay(repo, {FLAT: b"a\nb\n"})
    lay(repo, {OURS: b"a\nb\nc\n"})
    assert take_back(repo, first, second)
    assert files(repo) == {OURS: b"a\nc\n"}


def test_move_of_a_note_in_the_tree_is_no_change(repo: Repo) -> None:
    """A move that only put notes elsewhere in the tree did nothing that could be taken back."""
    first = lay(repo, {FLAT: b"a\nb\n"})
    second = lay(repo, {OURS: b"b\na\n"})
    assert not take_back(repo, first, second)


def test_files_that_are_no_notes_stay(repo: Repo) -> None:
    """What is no note is not taken back."""
    first = lay(repo, {OURS: b"a\n"})
    second = lay(repo, {OURS: b"a\nb\n", "README": b"r", f"{ONE[:2]}/README": b"i"})
    take_back(repo, first, second)
    assert files(repo) == {OURS: b"a\n", "README": b"r", f"{ONE[:2]}/README": b"i"}


def test_ref_that_is_gone_has_nothing_to_take_back(repo: Repo) -> None:
    """Somebody deleted the notes since: nothing is made anew."""
    add(repo, {ONE: ["a"]})
    made = tip(repo)
    git(repo.path, "update-ref", "-d", REF)
    assert not take_back(repo, None, made)
    assert refs.read_ref(repo, REF) is None


def test_missing_notes_commit_is_named(repo: Repo) -> None:
    """A move one end of which is gone cannot be taken back."""
    add(repo, {ONE: ["a"]})
    with pytest.raises(BadObject, match="aaaaaaaaaaaa"):
        take_back(repo, "a" * 40, tip(repo))


def test_taking_back_opens_only_what_differs(repo: Repo, counted: Counted) -> None:
    """With 2,000 notes, taking back one writes four objects and reads few."""
    add(repo, {obj(n): [f"{n}"] for n in range(2000)})
    old = tip(repo)
    add(repo, {ONE: ["x"]})
    new = tip(repo)
    counted.reads.clear()
    counted.writes.clear()
    assert take_back(repo, old, new)
    assert len(counted.writes) == 4
    assert len(counted.reads) <= 12


_LINES = st.dictionaries(
    st.sampled_from([obj(n) for n in range(3)]),
    st.lists(st.sampled_from("abcd"), max_size=3),
    max_size=3,
)


@given(st.lists(_LINES, max_size=2), _LINES, st.lists(_LINES, max_size=2))
def test_taking_back_is_as_if_it_had_never_been(
    shared_repo: Repo, before: list[Notes], one: Notes, after: list[Notes]
) -> None:
    """Add some, one, some more, and take the one back: the lines that only it brought are gone."""
    git(shared_repo.path, "update-ref", "-d", REF)
    for each in before:
        add(shared_repo, each)
    old = refs.read_ref(shared_repo, REF)
    is_new = add(shared_repo, one)
    new = refs.read_ref(shared_repo, REF)
    had = as_sets(before)
    for each in after:
        add(shared_repo, each)
    if is_new:
        take_back(shared_repo, old, new)
    brought = {k: lines - had.get(k, set()) for k, lines in as_sets([one]).items()}
    everything = as_sets([*before, one, *after])
    expected = {k: lines - brought.get(k, set()) for k, lines in everything.items()}
    found = {k: set(lines) for k, lines in notes.list_lines(shared_repo, REF)}
    assert found == {k: lines for k, lines in expected.items() if lines}


def as_sets(many: list[Notes]) -> dict[str, set[str]]:
    """Which lines each object has after all of these."""
    found: dict[str, set[str]] = {}
    for each in many:
        for object_id, lines in each.items():
            found.setdefault(object_id, set()).update(lines)
    return found
