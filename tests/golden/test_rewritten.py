"""test_rewritten.py - a rewrite loses nothing: every key, known or not, in FORMAT's order."""

from __future__ import annotations

import pytest

from tests.git import git, git_bytes
from tests.golden.hand import entry
from tests.plumbing.stock import commit_files
from tract.tract import Tract

ID = "kqpxzmwvtlrsnoky"
PNG = "\x89PNG by hand"

# Every known key of a turn, in FORMAT's order, then two that nobody knows.
TURN = [
    '"type":"dialogue"', '"role":"assistant"', f'"id":"{ID}"', '"priority":"important"',
    '"retain":"the sum"', '"retain_match":["€","\\\\d+"]', '"name":"bob"',
    '"tool_calls":[{"function":{"arguments":"{}","name":"f"},"id":"c1","type":"function","x":1}]',
    '"status":"cut"', '"artifact_type":"file"', '"language":"py"', '"format":"html"',
    '"signature":"c2ln="',
    ('"attachments":[{"n":1,"media_type":"image/png","bytes":12,"name":"map.png"},'
    '{"n":2,"media_type":"application/json","bytes":2}]'),
    ('"parts":[{"text":3},{"attachment":1},{"thinking":2,"signature":"s"},{"redacted":"r"},'
    '{"call":0},{"block":{"b":[1]}}]'),
    '"replaces":2', '"provider":{"id":"resp_1","z":{"b":1,"a":[]}}', '"cache":true',
    '"at":"2026-11-25T03:16:25.347Z"', '"raw":2', '"external":{"sha256":"00","url":"https://x"}',
    '"metadata":{"b":1,"a":null}', '"zz_new":{"k":[1,2.5]}', '"aa_new":"\\u007f"',
]  # fmt: skip
RESULT = [
    '"type":"tool_io"', f'"id":"{ID}"', '"tool_call_id":"c1"', '"tool_name":"f"',
    '"direction":"result"', '"status":"ok"', '"json":"spaced"', '"cache":true',
    '"metadata":{"m":1}', '"new":0',
]  # fmt: skip


def by_hand(t: Tract, label: str, lines: list[str], text: str) -> None:
    """Commit an entry by stock git, its keys back to front (type first, as nobody must)."""
    shuffled = "{" + ", ".join([lines[0], *lines[:0:-1]]) + "}"
    path = f"000/00/00.{label}"
    files: dict[str, str | bytes | None] = {f"{path}.md": entry(shuffled, text)}
    if label == "assistant":
        files |= {f"{path}.1.png": PNG, f"{path}.2.json": "{}"}
    commit_files(t.path, files)


def stored(t: Tract, label: str) -> bytes:
    """The blob as it stands now."""
    return git_bytes(t.path, "show", f"main:000/00/00.{label}.md")


def test_every_key_of_a_turn_survives(known: Tract) -> None:
    """A turn that has every key is rewritten with all of them, unknown ones behind as found."""
    by_hand(known, "assistant", TURN, "one two")
    known.edit(ID, "one two", priority="pinned")
    lines = [line.replace("important", "pinned") for line in TURN]
    lines[-2], lines[-1] = lines[-1], lines[-2]  # as found: back to front
    assert stored(known, "assistant") == entry("{" + ",".join(lines) + "}", "one two")


def test_attachments_stay_beside_the_entry(known: Tract) -> None:
    """The attachments of a rewritten entry are the same blobs under the same names."""
    by_hand(known, "assistant", TURN, "one two")
    before = git(known.path, "ls-tree", "-r", "main").split("\n")
    known.edit(ID, "one two", priority="pinned")
    after = git(known.path, "ls-tree", "-r", "main").split("\n")
    changed = {line.split("\t")[1] for line in set(before) ^ set(after)}
    assert changed == {"000/00/00.assistant.md"}


def test_every_key_of_a_result_survives(known: Tract) -> None:
    """A result keeps its keys, `json` between `replaces` and `provider`, and its spelling."""
    by_hand(known, "tool-result", RESULT, '{\n  "a": 1\n}')
    known.edit(ID, '{"a": 1}', priority="skip")
    lines = [*RESULT[:2], '"priority":"skip"', *RESULT[2:]]
    assert stored(known, "tool-result") == entry("{" + ",".join(lines) + "}", '{\n  "a": 1\n}')


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ('{"type":"output","id":"ID","format":"text","priority":"normal","cache":false}', ""),
        ('{"type":"output","id":"ID","tool_calls":[],"attachments":[]}', ""),
        ('{"type":"output","id":"ID","format":"html"}', ',"format":"html"'),
        ('{"type":"output","id":"ID","name":null,"metadata":null}', ""),
    ],
)
def test_defaults_are_absent(known: Tract, line: str, kept: str) -> None:
    """A key that has its default by hand is gone after a rewrite."""
    commit_files(known.path, {"000/00/00.output.md": entry(line.replace("ID", ID), "x")})
    known.edit(ID, "y")
    assert stored(known, "output") == entry(f'{{"type":"output","id":"{ID}"{kept}}}', "y")


def test_new_text_drops_what_described_the_old(known: Tract) -> None:
    """An edit by a string drops text parts, signatures, content, raw and provider, no more."""
    by_hand(known, "assistant", TURN, "one two")
    known.edit(ID, "né")
    gone = ('"signature"', '"provider"', '"raw"')
    lines = [line for line in TURN if not line.startswith(gone)]
    lines[lines.index(TURN[14])] = (
        '"parts":[{"text":3},{"attachment":1},{"call":0},{"block":{"b":[1]}}]'
    )
    lines[lines.index(TURN[13])] = (
        '"attachments":[{"n":1,"media_type":"image/png","bytes":12,"name":"map.png"}]'
    )
    lines[-2], lines[-1] = lines[-1], lines[-2]
    assert stored(known, "assistant") == entry("{" + ",".join(lines) + "}", "né")
    names = git(known.path, "ls-tree", "-r", "--name-only", "main").split("\n")
    assert names[1:] == ["000/00/00.assistant.1.png", "000/00/00.assistant.md"]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("\x7f", "\\u007f"),
        ("\x80\x9f", "\\u0080\\u009f"),
        ("\ufffe\uffff", "\\ufffe\\uffff"),
        ("\x00\x1b", "\\u0000\\u001b"),
        ('\n\t\r\b\f"\\/', '\\n\\t\\r\\b\\f\\"\\\\/'),
        ("\u2028\ufeff\ufffd", "\u2028\ufeff\ufffd"),
        ("ü日本🌍\u00a0", "ü日本🌍\u00a0"),
        ("\U0001fffe", "\U0001fffe"),
    ],
)
def test_escapes_of_the_header(known: Tract, text: str, escaped: str) -> None:
    """DEL, C1, U+FFFE and U+FFFF are escaped beyond what JSON demands, nothing else is."""
    made = known.user("x", name=text, metadata={text: [text]})
    line = (
        f'{{"type":"dialogue","role":"user","id":"{made.entry_id}","name":"{escaped}",'
        f'"metadata":{{"{escaped}":["{escaped}"]}}}}'
    )
    assert git_bytes(known.path, "show", "main:000/00/00.user.md") == entry(line, "x")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\n\n",
        "a\r\nb\r\n",
        "---\n",
        "---\n{}\n---\nx",
        "\0",
        "  \t",
        "\x7f\x80\ufffe",
        "\ufeffx",
    ],
)
def test_texts_are_not_escaped(known: Tract, text: str) -> None:
    """The text stands as it was said, and exactly one newline follows it."""
    made = known.user(text)
    line = f'{{"type":"dialogue","role":"user","id":"{made.entry_id}"}}'
    assert git_bytes(known.path, "show", "main:000/00/00.user.md") == entry(line, text)
