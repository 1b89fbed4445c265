"""test_chain.py - a whole conversation, each commit's id written by hand.

The bytes are put together as FORMAT.md says; the ids stand here as literals too, so that a change
of the format, of git's hash or of hand.py is seen as what it is.
"""

from __future__ import annotations

import pytest

from tests.git import git, git_bytes
from tests.golden.hand import ATTRIBUTES, blob, commit, context, entry, entry_id
from tract.tract import Tract

CALL = (
    '[{"id":"call_1","type":"function","function":'
    '{"name":"weather","arguments":"{\\"city\\": \\"Rome\\"}"}}]'
)
ARGUMENTS = {"name": "weather", "arguments": '{"city": "Rome"}'}
I1, I2, I3, I4, I5 = map(entry_id, range(1, 6))
SYSTEM = entry(f'{{"type":"instruction","id":"{I1}","priority":"pinned"}}', "Be brief.")
USER = entry(f'{{"type":"dialogue","role":"user","id":"{I2}","name":"ann"}}', "Rome?\nToday.")
CALLS = entry(f'{{"type":"dialogue","role":"assistant","id":"{I3}","tool_calls":{CALL}}}', "")
RESULT = entry(
    f'{{"type":"tool_io","id":"{I4}","tool_call_id":"call_1","tool_name":"weather",'
    '"direction":"result","status":"ok","json":"compact"}',
    '{\n  "sky": "clear",\n  "°C": 21.50\n}',
)
ANSWER = entry(f'{{"type":"dialogue","role":"assistant","id":"{I5}"}}', "Clear, 21.5 °C. 🌞")
EDITED = entry(f'{{"type":"dialogue","role":"user","id":"{I2}","name":"ann"}}', "Rome, please?")
FILES = [
    ("00.system.md", blob(SYSTEM)),
    ("01.user.md", blob(USER)),
    ("02.tool-call.md", blob(CALLS)),
    ("03.tool-result.md", blob(RESULT)),
    ("04.assistant.md", blob(ANSWER)),
]
AFTER_EDIT = [FILES[0], ("01.user.md", blob(EDITED)), *FILES[2:]]


def trailers(operation: str, slot: int, name: str, kind: str, ms: int) -> str:
    """The last paragraph of a message."""
    return (
        f"\n\nTract-Operation: {operation}\nTract-Entry: 000000{slot} {name}\n"
        f"Tract-Type: {kind}\nTract-Time: {ms}\n"
    )


# What was written: the files of the tree, who said it, the message.
WRITTEN = [
    (
        FILES[:1],
        "system <system@tract>",
        "system: Be brief." + trailers("append", 0, I1, "instruction", 347),
    ),
    (
        FILES[:2],
        "user <user@tract>",
        "user: Rome? Today." + trailers("append", 1, I2, "dialogue", 348),
    ),
    (
        FILES[:3],
        "assistant <assistant@tract>",
        'tool-call: weather({"city": "Rome"})' + trailers("append", 2, I3, "dialogue", 349),
    ),
    (
        FILES[:4],
        "weather <tool@tract>",
        'tool-result: weather: {"sky":"clear","°C":21.50}'
        + trailers("append", 3, I4, "tool_io", 350),
    ),
    (
        FILES,
        "assistant <assistant@tract>",
        "assistant: Clear, 21.5 °C. 🌞" + trailers("append", 4, I5, "dialogue", 351),
    ),
    (
        AFTER_EDIT,
        "user <user@tract>",
        "user: Rome, please?" + trailers("edit", 1, I2, "dialogue", 352),
    ),
]
COMMITS = [
    "72a583fabe0a0eb3afb1bbabe536b5f77f94b96e",
    "b2036e1fe53e826d851616f4a506195def71ab0f",
    "58fac35c16a52c3c1b89becc33cb7c8ce05372dc",
    "e010d2feee605b15dc725e4e44676fba4d812506",
    "642ff3d5daf1a91cb36047d87b796412d3c3b55e",
    "8f09858a82fcc20226a764f0094295acbcde7e39",
]


@pytest.fixture
def said(known: Tract) -> Tract:
    """The conversation, through tract's own verbs."""
    known.system("Be brief.")
    question = known.user("Rome?\nToday.", name="ann")
    known.assistant(tool_calls=[{"id": "call_1", "type": "function", "function": ARGUMENTS}])
    known.tool_result("call_1", '{"sky":"clear","°C":21.50}', name="weather", status="ok")
    known.assistant("Clear, 21.5 °C. 🌞")
    known.edit(str(question.entry_id), "Rome, please?")
    return known


def test_literals_are_the_hand_made_bytes() -> None:
    """The ids written here are those of the bytes written here."""
    made: list[str] = []
    for files, author, message in WRITTEN:
        made.append(commit(context(*files), message, *made[-1:], author=author))
    assert made == COMMITS


def test_commits(said: Tract) -> None:
    """Every commit of a conversation has the id that was worked out by hand."""
    assert git(said.path, "rev-list", "--reverse", "main").split("\n") == COMMITS


@pytest.mark.parametrize("number", range(len(WRITTEN)))
def test_messages(said: Tract, number: int) -> None:
    """Every message is the subject, a blank line, and the trailers in FORMAT's order."""
    found = git_bytes(said.path, "cat-file", "commit", f"main~{len(WRITTEN) - 1 - number}")
    assert found.decode().partition("\n\n")[2] == WRITTEN[number][2]


@pytest.mark.parametrize(
    ("path", "data"),
    [
        (".gitattributes", ATTRIBUTES),
        ("000/00/00.system.md", SYSTEM),
        ("000/00/01.user.md", EDITED),
        ("000/00/02.tool-call.md", CALLS),
        ("000/00/03.tool-result.md", RESULT),
        ("000/00/04.assistant.md", ANSWER),
    ],
)
def test_files(said: Tract, path: str, data: bytes) -> None:
    """Every file of the newest tree holds the bytes that were written by hand."""
    assert git_bytes(said.path, "show", f"main:{path}") == data


def test_nothing_else_is_in_the_tree(said: Tract) -> None:
    """The tree holds the six files and nothing else."""
    assert git(said.path, "rev-parse", "main^{tree}") == context(*AFTER_EDIT)


def test_edit_keeps_the_old_text_reachable(said: Tract) -> None:
    """The commit before the edit still has the old bytes."""
    assert git_bytes(said.path, "show", "main~1:000/00/01.user.md") == USER
