"""test_who_and_when.py - author, committer and dates of a commit, the whole head by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.git import git, git_bytes
from tests.golden.hand import START_MS
from tract.tract import Tract

CALL = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
SAID: list[tuple[Callable[[Tract], Any], str]] = [
    (lambda t: t.system("x"), "system <system@tract>"),
    (lambda t: t.user("x", name="ann"), "user <user@tract>"),
    (lambda t: t.assistant("x"), "assistant <assistant@tract>"),
    (lambda t: t.assistant(tool_calls=[CALL]), "assistant <assistant@tract>"),
    (lambda t: t.reasoning("x"), "assistant <assistant@tract>"),
    (lambda t: t.artifact("x"), "assistant <assistant@tract>"),
    (lambda t: t.handoff(summary="x"), "system <system@tract>"),
    (
        lambda t: t.commit({"content_type": "dialogue", "role": "system", "text": "x"}),
        "system <system@tract>",
    ),
    (lambda t: t.user("x", author="Ann <ann@example.org>"), "Ann <ann@example.org>"),
    (lambda t: t.user("x", author="Ann"), "Ann <user@tract>"),
    (lambda t: t.assistant("x", author="gpt-4o"), "gpt-4o <assistant@tract>"),
    (lambda t: t.user("x", author="Jürgen ☃ <j@example.org>"), "Jürgen ☃ <j@example.org>"),
    (lambda t: t.user("x", author="A\nB\0C\r <a@example.org>"), "ABC <a@example.org>"),
    (lambda t: t.user("x", author=" .,;:'\" <a@example.org>"), "user <a@example.org>"),
    (lambda t: t.user("x", author="'Ann.' <a@example.org>"), "Ann <a@example.org>"),
]


def head(t: Tract, revision: str = "main") -> list[str]:
    """The lines of a commit above its message, but tree and parents."""
    lines = git_bytes(t.path, "cat-file", "commit", revision).decode().partition("\n\n")[0]
    return [line for line in lines.split("\n") if not line.startswith(("tree ", "parent "))]


@pytest.mark.parametrize(("write", "author"), SAID)
def test_author_is_who_said_it(known: Tract, write: Callable[[Tract], Any], author: str) -> None:
    """The author is the role, or whom the caller names, as git can write it."""
    write(known)
    assert head(known) == [
        f"author {author} 1700000000 +0000",
        "committer tract <tract@localhost> 1700000000 +0000",
    ]


@pytest.mark.parametrize(
    ("name", "author"),
    [(None, "tool"), ("look", "look"), ("a<b>\n", "ab"), (" . ", "tool"), ("météo", "météo")],
)
def test_author_of_a_result_is_the_tool(known: Tract, name: str | None, author: str) -> None:
    """A result's author is its tool, cleaned; without a name it is `tool`."""
    known.assistant(tool_calls=[CALL])
    known.tool_result("c", "x", name=name)
    assert head(known)[0] == f"author {author} <tool@tract> 1700000000 +0000"


@pytest.mark.parametrize(
    ("model", "author"),
    [("gpt-4o", "gpt-4o"), ("", "assistant"), ("<>", "assistant"), (7, "assistant")],
)
def test_imported_answers_are_the_model_s(known: Tract, model: object, author: str) -> None:
    """Import takes the record's model for what the assistant said, and for nothing else."""
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    known.import_messages({"model": model, "messages": messages})
    assert head(known)[0] == f"author {author} <assistant@tract> 1700000000 +0000"
    assert head(known, "main~1")[0] == "author user <user@tract> 1700000000 +0000"


def test_author_of_the_handle(tmp_path: Path) -> None:
    """An author given at open speaks in every entry; one given with a call wins."""
    with Tract.open(tmp_path / ".tract", author="Ann <a@example.org>", clock=lambda: 5) as t:
        t.assistant("x")
        t.assistant("y", author="Bo <b@example.org>")
        assert head(t, "main~1")[0] == "author Ann <a@example.org> 0 +0000"
        assert head(t)[0] == "author Bo <b@example.org> 0 +0000"


def test_said_earlier_than_written(known: Tract) -> None:
    """`at` is the author's date, in whole seconds; the committer's is now."""
    content = {"content_type": "dialogue", "role": "user", "text": "x"}
    known.commit(content, at="2001-09-09T03:46:40.999+02:00")
    assert head(known) == [
        "author user <user@tract> 1000000000 +0000",
        "committer tract <tract@localhost> 1700000000 +0000",
    ]


@pytest.mark.parametrize(
    ("environment", "config", "committer"),
    [
        ({}, {}, "tract <tract@localhost>"),
        ({}, {"user.name": "Cy", "user.email": "cy@example.org"}, "Cy <cy@example.org>"),
        (
            {"GIT_COMMITTER_NAME": "Di", "GIT_COMMITTER_EMAIL": "di@example.org"},
            {"user.name": "Cy", "user.email": "cy@example.org"},
            "Di <di@example.org>",
        ),
        ({"GIT_COMMITTER_NAME": "Di"}, {"user.email": "cy@example.org"}, "Di <cy@example.org>"),
        ({"GIT_COMMITTER_EMAIL": "di@example.org"}, {}, "tract <di@example.org>"),
        ({"GIT_COMMITTER_NAME": "D<i>\n"}, {}, "Di <tract@localhost>"),
        ({"GIT_COMMITTER_NAME": ".", "GIT_AUTHOR_NAME": "no"}, {}, "tract <tract@localhost>"),
        ({"GIT_COMMITTER_DATE": "1000000000 +0500"}, {}, "tract <tract@localhost>"),
    ],
)
def test_committer(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    config: dict[str, str],
    committer: str,
) -> None:
    """GIT_COMMITTER_NAME and _EMAIL, else git's configuration, else tract; also in the reflog."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / ".tract"
    Tract.open(path).close()
    for name, value in config.items():
        git(path, "config", name, value)
    with Tract.open(path, clock=lambda: START_MS) as t:
        t.user("x")
        assert head(t) == [
            "author user <user@tract> 1700000000 +0000",
            f"committer {committer} 1700000000 +0000",
        ]
    for log in ("HEAD", "refs/heads/main"):
        line = (path / "logs" / log).read_text().splitlines()[0]
        assert line[82:].partition("\t")[0] == f"{committer} 1700000000 +0000"


@pytest.mark.parametrize(
    ("clock", "seconds", "time"),
    [
        ([1_700_000_000_347, 1_700_000_009_001], 1_700_000_009, "Tract-Time: 1\n"),
        ([1_700_000_000_347, 1_700_000_009_000], 1_700_000_009, ""),
        ([1_700_000_000_347, 1_600_000_000_000], 1_700_000_000, "Tract-Time: 348\n"),
        ([1_700_000_000_999, 1_600_000_000_000], 1_700_000_001, ""),
        ([1_700_000_000_000, 1_700_000_000_000], 1_700_000_000, "Tract-Time: 1\n"),
    ],
)
def test_written_later_than_the_parent(
    tmp_path: Path, clock: list[int], seconds: int, time: str
) -> None:
    """A commit is now, or a millisecond after its parent; Tract-Time is absent where it is 0."""
    now = clock[0]
    with Tract.open(tmp_path / ".tract", clock=lambda: now) as t:
        t.user("x")
        now = clock[1]
        made = t.user("y")
        assert head(t)[1] == f"committer tract <tract@localhost> {seconds} +0000"
        message = git_bytes(t.path, "cat-file", "commit", "main").decode()
        assert message.endswith(f"Tract-Type: dialogue\n{time}")
        milliseconds = int(time[12:] or 0)
        assert made.created_at.timestamp() == seconds + milliseconds / 1000
