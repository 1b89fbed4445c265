"""test_fsck.py - every sort of damage is found, named, and changed by nobody."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.git import git
from tests.plumbing.stock import commit_files, entry
from tests.porcelain.saying import EXAMPLES, call, calling, result, unchanged, user
from tests.spoiled import pack_file, spoil
from tract.porcelain.problem import Problem
from tract.tract import Tract

K, L = "k" * 16, "l" * 16
SAID = {"type": "dialogue", "role": "user"}


def kinds(t: Tract) -> list[str]:
    """The kinds of problem that are found."""
    return [problem.kind for problem in t.fsck()]


def only(t: Tract) -> Problem:
    """The one problem that is found."""
    (problem,) = t.fsck()
    return problem


def object_file(t: Tract, name: str) -> Path:
    """The file of a loose object."""
    found = git(t.path, "rev-parse", name)
    return Path(t.path, "objects", found[:2], found[2:])


def test_sound_repository(t: Tract) -> None:
    """What tract wrote is sound, on every branch, and so is an empty repository."""
    assert t.fsck() == []
    for path in sorted(EXAMPLES.glob("*.json*")):
        t.import_file(path, onto=path.stem)
    t.user("x")
    t.edit(0, "y", priority="skip")
    assert t.fsck() == []


def test_fsck_changes_nothing(t: Tract) -> None:
    """Looking for damage writes nothing."""
    commit_files(t.path, {"000/00/00.user.md": "a\n", "000/00/00.assistant.md": "b\n"})
    with unchanged(t):
        assert t.fsck()


def test_git_s_own_check(t: Tract) -> None:
    """An object that only an older commit needs is found by git's check."""
    t.user("old")
    lost = object_file(t, "main:000/00/00.user.md")
    t.edit(0, "new")
    lost.chmod(0o600)
    lost.unlink()
    with Tract.open(t.path) as other:
        problems = other.fsck()
    assert {problem.kind for problem in problems} == {"git"}
    assert any("missing blob" in problem.message for problem in problems)


def test_ref_that_names_nothing(t: Tract) -> None:
    """A branch whose commit is missing is named, and the others are checked all the same."""
    t.user("x")
    Path(t.path, "refs", "heads", "broken").write_text("a" * 40 + "\n")
    commit_files(t.path, {"000/00/00.user.md": "---\nbroken\n---\n"}, branch="other")
    found = {problem.kind: problem for problem in t.fsck()}
    assert found["branch"].where == "refs/heads/broken"
    assert found["entry"].where == "other:000/00/00.user.md"


@pytest.mark.parametrize(
    "content",
    [
        "---\nbroken\n---\nx\n",
        entry("x", type="nonsense"),
        entry("x", type="dialogue", role="user", priority="high"),
        entry("x", **SAID, **{"!new": 1}),
        b"---\n{}\n---\n\xff\n",
    ],
)
def test_entry_that_cannot_be_read(t: Tract, content: str | bytes) -> None:
    """An unreadable entry is named by branch and path, with a hint."""
    commit_files(t.path, {"000/00/07.user.md": content, "000/00/08.user.md": entry("y", **SAID)})
    problem = only(t)
    assert (problem.kind, problem.where) == ("entry", "main:000/00/07.user.md")
    assert problem.hint


def test_every_unreadable_entry_is_named(t: Tract) -> None:
    """One unreadable entry does not hide the next."""
    bad = {f"000/0{n}/00.user.md": "---\nbroken\n---\nx\n" for n in range(3)}
    commit_files(t.path, bad)
    assert [problem.where for problem in t.fsck()] == [f"main:{path}" for path in bad]


def test_tool_that_cannot_be_read(t: Tract) -> None:
    """A tool definition that is no JSON is named."""
    commit_files(t.path, {"tools/000.f.json": "{broken"})
    problem = only(t)
    assert problem.kind == "entry"
    assert "tools/000.f.json" in problem.message


def test_missing_entry(t: Tract) -> None:
    """A blob of the tip that is missing is found by git's check and by ours."""
    t.user("x")
    lost = object_file(t, "main:000/00/00.user.md")
    lost.chmod(0o600)
    lost.unlink()
    with Tract.open(t.path) as other:
        assert {"git", "entry"} <= set(kinds(other))


def test_id_used_twice(t: Tract) -> None:
    """Two entries of one id are both named."""
    files = {f"000/00/0{n}.user.md": entry(f"{n}", **SAID, id=K) for n in (1, 2)}
    commit_files(t.path, files)
    assert [(p.kind, p.where) for p in t.fsck()] == [("id", f"main:{path}") for path in files]


def test_slot_that_is_shared(t: Tract) -> None:
    """Entries that share a slot are named by the slot."""
    theirs = entry("b", type="dialogue", role="assistant", id=L)
    ours = entry("a", **SAID, id=K)
    commit_files(t.path, {"000/01/05.user.md": ours, "000/01/05.assistant.md": theirs})
    problem = only(t)
    assert (problem.kind, problem.where) == ("slot", "main:105")


def test_label_that_is_not_the_header_s(t: Tract) -> None:
    """A file whose label differs from its header is named; the header counts."""
    commit_files(t.path, {"000/00/00.assistant.md": entry("x", **SAID, id=K)})
    problem = only(t)
    assert (problem.kind, problem.where) == ("label", "main:000/00/00.assistant.md")
    assert t.compile().to_dicts() == [user("x")]
    t.edit(0, "y")
    assert t.fsck() == []


@pytest.mark.parametrize("parts", [[{"text": 9}, {"text": 1}], [{"text": 1}, {"text": 1}]])
def test_parts_that_do_not_fit(t: Tract, parts: list[object]) -> None:
    """Slices past the end or inside a character are named, and read as one text."""
    commit_files(t.path, {"000/00/00.user.md": entry("ä", **SAID, id=K, parts=parts)})
    assert only(t).kind == "parts"
    assert t.compile().to_dicts() == [user("ä")]


def test_call_that_the_conversation_went_past(t: Tract) -> None:
    """An open call is a problem once something else was said; in the last turn it is none."""
    t.import_messages([user(), calling(call())])
    assert t.fsck() == []
    t.user("and?")
    assert only(t).kind == "open-call"
    t.tool_result("c1", "x")
    assert t.fsck() == []


def test_result_without_call(t: Tract) -> None:
    """A result that answers no open call is named."""
    t.import_messages([calling(call()), result(), result()])
    problem = only(t)
    assert (problem.kind, problem.where) == ("orphan", "main:000/00/02.tool-result.md")
    assert "c1" in problem.message


def test_same_context_on_two_branches_is_told_once(t: Tract) -> None:
    """A tree that several branches share is looked at once."""
    t.import_messages([result("zz")])
    git(t.path, "branch", "other")
    assert kinds(t) == ["orphan"]


def test_without_the_git_program(t: Tract, tmp_path: Path) -> None:
    """Where git is not installed our own check runs alone."""
    t.import_messages([result("zz")])
    t.repo.environ = {"PATH": str(tmp_path)}
    assert kinds(t) == ["orphan"]


# Files, each by itself


@pytest.mark.parametrize("how", ["emptied", "halved", "NUL", "changed"])
def test_damaged_object_is_named_by_its_file(t: Tract, how: str) -> None:
    """A damaged loose object is named by its file, and so is the branch that needs it."""
    t.user("x")
    t.user("y")
    file = object_file(t, "main:000/00/01.user.md")
    spoil(file, how)
    name = str(file.relative_to(t.path))
    found = {problem.kind: problem for problem in t.fsck()}
    assert found["object"].where == name
    assert found["branch"].where == "refs/heads/main"
    assert name in found["branch"].message


def test_damaged_pack_is_named(t: Tract) -> None:
    """A pack whose index is damaged is named by that half, and called mendable."""
    t.user("x")
    git(t.path, "repack", "-adq")
    file = pack_file(t.path, ".idx")
    spoil(file, "halved")
    (found,) = [problem for problem in t.fsck() if problem.kind == "pack"]
    assert found.where == str(file.relative_to(t.path))
    assert found.hint is not None
    assert "nothing is lost" in found.hint


@pytest.mark.parametrize("how", ["emptied", "NUL", "removed"])
def test_damaged_ref_says_where_it_stood(t: Tract, how: str) -> None:
    """A ref whose file is damaged is named, with the commit where its log ends."""
    tip = t.user("x").commit_hash
    spoil(Path(t.path, "refs/heads/main"), how)
    (found,) = [problem for problem in t.fsck() if problem.kind == "ref"]
    assert found.where == "refs/heads/main"
    assert found.hint is not None
    assert tip[:12] in found.hint


def test_false_line_of_a_log(t: Tract) -> None:
    """A line of a move that never was is named, and harmless."""
    tip = t.user("x").commit_hash
    log = Path(t.path, "logs/refs/heads/main")
    line = f"{tip} {'a' * 40} x <x@x> 1700000000 +0000\ttract: append #killed\n"
    log.write_text(log.read_text() + line)
    (found,) = [problem for problem in t.fsck() if problem.kind == "reflog"]
    assert found.where == "logs/refs/heads/main"
    assert found.is_harmless


def test_note_on_nothing(t: Tract) -> None:
    """A note on an object that is not there is named, and harmless."""
    t.user("x")
    blob = git(t.path, "hash-object", "-w", "--stdin", stdin="5 o200k_base\n")
    tree = git(t.path, "mktree", stdin=f"100644 blob {blob}\t{'a' * 40}\n")
    note = git(t.path, "commit-tree", tree, "-m", "note")
    git(t.path, "update-ref", "refs/notes/tract/tokens", note)
    problem = only(t)
    assert (problem.kind, problem.where) == ("note", f"refs/notes/tract/tokens:{'a' * 40}")
    assert problem.is_harmless


def test_note_that_says_nothing(t: Tract) -> None:
    """Lines of a note that are none of ours are counted."""
    tip = t.assistant("x", generation_config={"model": "m"}).commit_hash
    git(t.path, "notes", "--ref=refs/notes/tract/generation", "append", "-m", "words", tip)
    problem = only(t)
    assert problem.where == f"refs/notes/tract/generation:{tip}"
    assert problem.message.startswith("1 lines of the note")


def test_lock_that_was_left(t: Tract) -> None:
    """A lock that is more than an hour old is named."""
    t.user("x")
    left = Path(t.path, "refs/heads/main.lock")
    left.touch()
    os.utime(left, (0, 0))
    problem = only(t)
    assert (problem.kind, problem.where) == ("stray", "refs/heads/main.lock")
