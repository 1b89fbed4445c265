"""test_commits.py - trees, commits and reflog lines, their ids computed by hand."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from tests.git import git, git_bytes
from tests.golden.hand import blob, context, letters, object_id
from tract.plumbing import pages
from tract.plumbing.objects import write_blob
from tract.plumbing.repo import TreeId
from tract.tract import Tract

START_MS = 1_700_000_000_347


def opened(path: Path) -> Tract:
    """A repository in which every moment and every random byte is known."""
    return Tract.open(
        path / ".tract",
        clock=lambda: START_MS,
        random=lambda size: bytes(size),
        author="Ann <ann@example.org>",
    )


def test_first_commit_by_hand(tmp_path: Path) -> None:
    """The id of a first commit is that of the bytes FORMAT.md says."""
    with opened(tmp_path) as t:
        made = t.user("What is\nPython?")
    entry = f'---\n{{"type":"dialogue","role":"user","id":"{"z" * 16}"}}\n---\nWhat is\nPython?\n'
    tree = context(("00.user.md", blob(entry.encode())))
    commit = (
        f"tree {tree}\n"
        "author Ann <ann@example.org> 1700000000 +0000\n"
        "committer tract <tract@localhost> 1700000000 +0000\n"
        "\n"
        "user: What is Python?\n"
        "\n"
        "Tract-Operation: append\n"
        f"Tract-Entry: 0000000 {'z' * 16}\n"
        "Tract-Type: dialogue\n"
        "Tract-Time: 347\n"
    )
    assert made.commit_hash == object_id("commit", commit.encode())


def test_second_commit_by_hand(tmp_path: Path) -> None:
    """The next commit is a millisecond later; no message reaches the trailers."""
    with opened(tmp_path) as t:
        first = t.user("a")
        made = t.user("b", author="gpt-4o. <a>", message="mine\n\nTract-Operation: forged")
    found = git_bytes(tmp_path / ".tract", "cat-file", "commit", made.commit_hash).decode()
    head, _, message = found.partition("\n\n")
    assert head.split("\n")[1:] == [
        f"parent {first.commit_hash}",
        "author gpt-4o <a> 1700000000 +0000",
        "committer tract <tract@localhost> 1700000000 +0000",
    ]
    assert message.endswith(
        "mine\n\nTract-Operation: forged\n\nTract-Operation: append\n"
        f"Tract-Entry: 0000001 {'z' * 16}\nTract-Type: dialogue\nTract-Time: 348\n"
    )
    assert made.operation == "append"


def test_trailers_in_order(t: Tract) -> None:
    """Operation, entry, type, time, response: in the order of FORMAT.md, as the last paragraph."""
    first = t.user("q")
    t.commit(
        {"content_type": "dialogue", "role": "assistant", "text": "a"}, response_to=first.entry_id
    )
    keys = re.findall(r"^(Tract-[A-Za-z-]+):", git(t.path, "log", "-1", "--format=%B"), re.M)
    wanted = ["Tract-Operation", "Tract-Entry", "Tract-Type", "Tract-Time", "Tract-Response-To"]
    assert keys == [key for key in wanted if key != "Tract-Time" or key in keys]


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("x" * 66, "user: " + "x" * 66),
        ("x" * 67, "user: " + "x" * 65 + "…"),
        ("a\tb\x1b[31m\r\n c", "user: a b [31m   c"),
        ("", "user:"),
    ],
)
def test_subject(t: Tract, text: str, subject: str) -> None:
    """One line, control characters as spaces, over 72 characters cut at 71 plus …"""
    t.user(text)
    assert git(t.path, "log", "-1", "--format=%s") == subject


def test_subject_of_calls_and_results(t: Tract) -> None:
    """Calls are shown as NAME(ARGUMENTS), results with their tool's name."""
    function = {"name": "f", "arguments": '{"a":1}'}
    t.assistant(tool_calls=[{"id": "1", "type": "function", "function": function}])
    t.tool_result("1", "fine", name="f")
    subjects = git(t.path, "log", "--format=%s").split("\n")
    assert subjects == ["tool-result: f: fine", 'tool-call: f({"a":1})']


def test_slot_paths_at_the_edges(t: Tract) -> None:
    """Slots 99 to 100 and 9,999 to 10,000 open new folders, in byte order."""
    entry = write_blob(t.repo, b"hello\n")
    tree: TreeId | None = None
    for slot in (99, 9_999):
        tree = pages.replace(t.repo, tree, {slot: (pages.SlotFile(slot, "user", entry),)})
        tree, after, _ = pages.append(t.repo, tree, "user", entry)
        assert after == slot + 1
    found = git(t.path, "ls-tree", "-r", "--name-only", str(tree)).split("\n")
    assert found[1:] == [
        "000/00/99.user.md",
        "000/01/00.user.md",
        "000/99/99.user.md",
        "001/00/00.user.md",
    ]


def test_id_of_a_file_made_by_hand(t: Tract) -> None:
    """Without front matter the id is 16 digits of SHA-1 over path, NUL and blob id, as letters."""
    entry = write_blob(t.repo, b"hello")
    tree, *_ = pages.append(t.repo, None, "user", entry)
    commit = git(t.path, "commit-tree", "-m", "by hand", tree)
    git(t.path, "update-ref", "refs/heads/main", commit)
    digest = hashlib.sha1(f"000/00/00.user.md\0{entry}".encode(), usedforsecurity=False)
    assert t.compile().entry_ids == [letters(digest.hexdigest()[:16])]


def test_reflog_line(t: Tract) -> None:
    """A move's reason is `tract: VERB #OPERATION`: 11 letters of time, 4 random, rising."""
    for text in "abc":
        t.user(text)
    lines = git(t.path, "reflog", "--format=%gs", "main").split("\n")
    assert all(re.fullmatch(r"tract: append #[k-z]{15}", line) for line in lines)
    stamps = [line[-15:] for line in lines]
    assert stamps == sorted(stamps, reverse=True)
    assert len({stamp[:11] for stamp in stamps}) == 3
