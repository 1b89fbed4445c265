"""test_by_hand.py - repositories that stock git or somebody's editor has changed."""

from __future__ import annotations

import pytest

from tests.git import fsck_clean, git
from tests.plumbing.stock import commit_files, entry
from tests.porcelain.saying import contents, header, paths, user
from tract.content.codec import derived_id
from tract.errors import BadContent, UnknownFormat
from tract.tract import Tract

K, L = "k" * 16, "l" * 16
SAID = {"type": "dialogue", "role": "user"}


def blob(t: Tract, path: str) -> str:
    """The id of a file of main."""
    return git(t.path, "rev-parse", f"main:{path}")


def test_repository_of_stock_git_opens(t: Tract) -> None:
    """A context written by hand, files without header among it, compiles and can be gone on."""
    commit_files(
        t.path,
        {
            "000/00/00.system.md": "Be kind.\n",
            "000/00/01.user.md": "What is Python?\n",
            "000/00/02.assistant.md": entry("A language.", type="dialogue", role="assistant"),
            "000/00/03.artifact.md": "no newline at the end",
            "000/00/05.x-note.md": '{"a": 1}\n',
        },
    )
    assert t.compile().to_dicts() == [
        {"role": "system", "content": "Be kind."},
        user("What is Python?"),
        {"role": "assistant", "content": "A language."},
        {"role": "assistant", "content": "```\nno newline at the end\n```"},
        {"role": "assistant", "content": '{"a": 1}'},
    ]
    assert t.user("more").slot == 6
    assert t.fsck() == []


def test_file_without_header_has_an_id_of_its_path_and_blob(t: Tract) -> None:
    """Its id is the same for everyone who reads that commit."""
    commit_files(t.path, {"000/00/00.user.md": "x\n"})
    expected = derived_id("000/00/00.user.md", blob(t, "000/00/00.user.md"))
    assert t.compile().entry_ids == [expected]
    assert t.get(expected).entry_id == expected


def test_header_is_written_at_the_next_write(t: Tract) -> None:
    """An edit gives a hand-made file its header, with the id that it was read by."""
    commit_files(t.path, {"000/00/00.user.md": "x\n"})
    (entry_id,) = t.compile().entry_ids
    t.edit(entry_id, "y")
    assert header(t, "000/00/00.user.md") == (
        f'{{"type":"dialogue","role":"user","id":"{entry_id}"}}'
    )
    assert t.compile().entry_ids == [entry_id]


@pytest.mark.parametrize("apart", [1, 150])
def test_second_copy_of_an_id_is_read_under_its_own(t: Tract, apart: int) -> None:
    """Of two entries with one id the second counts as without, on one page or on two."""
    second = f"000/{apart // 100:02}/{apart % 100:02}.user.md"
    commit_files(t.path, {"000/00/00.user.md": entry("a", **SAID, id=K),
                          second: entry("b", **SAID, id=K)})  # fmt: skip
    first_id, second_id = t.compile().entry_ids
    assert (first_id, second_id) == (K, derived_id(second, blob(t, second)))
    t.edit(second_id, "B")
    assert contents(t) == ["a", "B"]
    assert t.compile().entry_ids == [K, second_id]
    assert t.fsck() == []


def test_shared_slots_are_given_their_own(t: Tract) -> None:
    """The next append first gives entries that share a slot slots of their own, as a commit."""
    t.user("0")
    git(t.path, "branch", "side")
    with Tract.open(t.path, branch="side") as side:
        side.assistant("theirs")
    t.user("ours")
    theirs = git(t.path, "rev-parse", "side:000/00/01.assistant.md")
    content = git(t.path, "cat-file", "blob", theirs) + "\n"
    commit_files(t.path, {"000/00/01.assistant.md": content})
    before = t.compile()
    assert contents(t) == ["0", "theirs", "ours"]
    t.user("next")
    assert contents(t) == ["0", "theirs", "ours", "next"]
    assert t.compile().entry_ids[:3] == before.entry_ids
    assert [info.operation for info in t.log(2)] == ["append", "repair"]
    assert paths(t) == [
        "000/00/00.user.md",
        "000/00/01.assistant.md",
        "000/00/02.user.md",
        "000/00/03.user.md",
    ]
    assert t.fsck() == []


def test_shared_slots_push_what_follows(t: Tract) -> None:
    """Entries behind a shared slot move up only as far as they must, and keep their ids."""
    commit_files(
        t.path,
        {
            "000/00/98.user.md": "a\n",
            "000/00/98.assistant.md": "b\n",
            "000/00/98.system.md": "c\n",
            "000/00/99.user.md": "d\n",
            "000/01/50.user.md": "e\n",
        },
    )
    before = t.compile()
    t.user("f")
    assert t.compile().to_dicts()[:5] == before.to_dicts()
    assert t.compile().entry_ids[:5] == before.entry_ids
    assert paths(t)[-2:] == ["000/01/50.user.md", "000/01/51.user.md"]
    assert t.fsck() == []
    fsck_clean(t.path)


def test_edit_of_a_shared_slot_is_refused(t: Tract) -> None:
    """An entry that shares its slot cannot be edited before it has one of its own."""
    commit_files(t.path, {"000/00/00.user.md": entry("a", **SAID, id=K),
                          "000/00/00.assistant.md": entry("b", **SAID, id=L)})  # fmt: skip
    with pytest.raises(BadContent, match="share slot 0"):
        t.edit(K, "x")
    t.user("c")
    t.edit(K, "x")
    assert contents(t) == ["b", "x", "c"]


def test_foreign_files_stay(t: Tract) -> None:
    """Files that are not ours survive our writes."""
    foreign = {"README.md": "x\n", "000/00/notes.txt": "y\n", "docs/a.md": "z\n"}
    commit_files(t.path, foreign)
    t.user("1")
    t.edit(0, "2")
    assert set(foreign) <= set(paths(t))
    assert contents(t) == ["2"]


def test_newer_format_appears_under_a_handle(t: Tract) -> None:
    """A branch that somebody moved on to a newer format is refused at open."""
    t.user("x")
    commit_files(t.path, {".gitattributes": "# tract 2\n* -text\n"})
    with pytest.raises(UnknownFormat, match="2"):
        Tract.open(t.path)


def test_merge_by_stock_git_is_read(t: Tract) -> None:
    """A merge commit of stock git is read by its tree, and the log follows first parents."""
    t.user("0")
    git(t.path, "branch", "side")
    with Tract.open(t.path, branch="side") as side:
        theirs = side.user("theirs")
    ours = t.user("ours")
    tree = git(t.path, "rev-parse", "main^{tree}")
    merged = git(t.path, "commit-tree", tree, "-p", "main", "-p", "side", "-m", "merged")
    git(t.path, "update-ref", "refs/heads/main", merged)
    info = t.log()[0]
    assert (info.commit_hash, info.parents) == (merged, (ours.commit_hash, theirs.commit_hash))
    assert (info.operation, info.entry_id) == ("x-git", None)
    assert [each.commit_hash for each in t.log()][1] == ours.commit_hash
    assert t.compile().commit_hashes[1] == ours.commit_hash
    assert t.user("more").slot == 2
