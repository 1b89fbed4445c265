"""test_harmless.py - text of others is printed harmlessly wherever it stands; JSON is whole."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tract.tract import Tract

CHAT = '[{"role": "user", "content": "Hi"}]'
EVIL = "a\x1b]0;title\x07b\x9b31mc\u202ed\u2028e\x7f\rf"
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\u2066-\u2069]")


@pytest.fixture
def evil(repo: Run, tmp_path: Path) -> Run:
    """A repository with control characters in every text that may hold them."""
    call = {"id": EVIL, "type": "function", "function": {"name": EVIL, "arguments": EVIL}}
    with Tract.open(tmp_path) as t:
        t.user(EVIL, name=EVIL, author=f"{EVIL} <a@example.org>", metadata={EVIL: EVIL})
        t.edit(2, EVIL + " edited", message="x\u202ey")
        t.artifact(EVIL, language=EVIL, artifact_type=EVIL)
        t.assistant(EVIL, tool_calls=[call])
    return repo


def test_evil_text_is_stored_as_it_is(evil: Run, tmp_path: Path) -> None:
    """What is made visible on the way out is stored byte for byte."""
    with Tract.open(tmp_path, create=False) as t:
        assert t.entry(2).text == EVIL + " edited"


@pytest.mark.parametrize(
    "words",
    [
        ("log",),
        ("log", "--oneline"),
        ("log", "--json"),
        ("show",),
        ("show", ":2"),
        ("show", ":3"),
        ("show", "--json"),
        ("status",),
        ("status", "--json"),
        ("diff",),
        ("diff", "HEAD~4"),
        ("diff", "--json"),
        ("compile",),
        ("compile", "--format", "dicts"),
        ("compile", "--format", "openai"),
        ("compile", "--json"),
        ("fsck",),
        ("fsck", "--json"),
        ("edit", ":2", EVIL),
        ("user", EVIL),
        ("assistant", "x", "-m", EVIL),
        ("cancel-tool-calls", "--reason", EVIL),
        ("show", EVIL),
        ("undo",),
        ("operations",),
        ("checkout", EVIL),
        ("checkout", "HEAD~1"),
        ("reset", "HEAD~2"),
        (EVIL,),
        ("log", "--" + EVIL),
        ("log", "-n", EVIL),
        ("compile", "--format", EVIL),
        ("-C", EVIL, "log"),
        ("--branch", EVIL, "log"),
        ("user", "-F", EVIL),
        ("import", EVIL),
        ("commit", "--type", EVIL, "x"),
        ("commit", "--at", EVIL, "x"),
        ("commit", "--operation", EVIL, "x"),
        ("user", "x", "--metadata", EVIL),
        ("user", "x", "--author", EVIL),
        ("demo", EVIL),
        ("init", EVIL),
        ("completion", EVIL),
    ],
    ids=lambda words: ascii(" ".join(words).replace(EVIL, "EVIL")),
)
def test_control_characters_are_harmless(evil: Run, words: tuple[str, ...]) -> None:
    """Whatever is printed of it, in a pipe and in errors too, has no raw control character."""
    ran = evil(*words)
    for said in (ran.stdout, ran.stderr):
        assert not HARMFUL.search(said), ascii(said)


def test_control_characters_in_file_and_branch_names(run: Run, tmp_path: Path) -> None:
    """An imported file, and the branch that it goes onto, are printed harmlessly."""
    name = EVIL + ".json"
    (tmp_path / name).write_text(CHAT[:-1], encoding="utf-8")
    (tmp_path / ("b" + name)).write_text(CHAT, encoding="utf-8")
    ran = run("import", "--onto", "x\u202ey", name, "b" + name)
    assert ran.exit_code == 2
    said = ran.output
    assert "x\\u202ey: 1 message" in said
    assert not HARMFUL.search(said), ascii(said)


@pytest.mark.parametrize(
    "words",
    [
        ("init",),
        ("system", "x"),
        ("user", "x"),
        ("assistant", "x"),
        ("commit", "x"),
        ("edit", ":1", "x"),
        ("import", "a.json"),
        ("cancel-tool-calls",),
        ("compile",),
        ("log",),
        ("show",),
        ("status",),
        ("diff",),
        ("fsck",),
        ("demo",),
        ("completion", "bash"),
    ],
    ids=" ".join,
)
def test_every_command_speaks_json(repo: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    """With --json standard output is one document, and standard error is empty."""
    (tmp_path / "a.json").write_text(CHAT, encoding="utf-8")
    ran = repo("--json", *words)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert json.loads(ran.stdout) is not None
