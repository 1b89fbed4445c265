"""test_import_damage.py - damaged files: what is kept, what is named, what is left unwritten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.git import git
from tests.porcelain.saying import contents, unchanged, user
from tract.errors import BadContent
from tract.porcelain.import_ import ImportResult
from tract.tract import Tract

BAD = {"role": "boss", "content": "x"}


def jsonl(*values: object) -> bytes:
    """JSON lines."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def record(*messages: object, **fields: Any) -> dict[str, Any]:
    """A conversation."""
    return {"messages": list(messages), **fields}


def brought(t: Tract, data: bytes) -> ImportResult:
    """What became of the one conversation in a file."""
    (found,) = t.import_bytes(data, name="talk.jsonl")
    return found


def test_lines_of_single_messages_are_one_conversation(t: Tract) -> None:
    """Lines that are messages are one conversation on the current branch."""
    found = brought(t, jsonl(user("1"), user("2")))
    assert (found.branch, found.line, found.error) == ("main", 1, None)
    assert contents(t) == ["1", "2"]


def test_torn_last_line_costs_itself(t: Tract) -> None:
    """A last message that was cut off costs only itself, and is named by its line."""
    found = brought(t, jsonl(user("1"), user("2")) + b'{"role": "us')
    assert contents(t) == ["1", "2"]
    assert len(found.commits) == 2
    assert found.line == 3
    assert found.error is not None
    assert "line 3" in found.error.message
    assert found.error.hint
    assert found.error.exit_code == 2


def test_damage_in_the_middle_stops_there(t: Tract) -> None:
    """What stands before the damage is kept; the line is named, and how many follow."""
    found = brought(t, jsonl(user("1")) + b"{torn\n" + jsonl(user("3"), user("4")))
    assert contents(t) == ["1"]
    assert found.line == 2
    assert found.error is not None
    assert "line 2" in found.error.message
    assert "2 messages after it were not imported" in found.error.message


@pytest.mark.parametrize(
    ("bad", "follow"),
    [([BAD], "it is the last line"), ([BAD, user("3")], "1 message after it was not imported")],
)
def test_bad_line_keeps_the_lines_before_it(t: Tract, bad: list[Any], follow: str) -> None:
    """A line that is no message of ours ends the conversation like a damaged one."""
    found = brought(t, jsonl(user("1"), user("2"), *bad))
    assert contents(t) == ["1", "2"]
    assert found.line == 3
    assert found.error is not None
    assert "line 3" in found.error.message
    assert follow in found.error.message
    assert "boss" in found.error.message


def test_bad_first_line_is_no_success(t: Tract) -> None:
    """Where the first line is damaged nothing is imported, and the error is raised."""
    for data in (b"{torn\n" + jsonl(user("2")), jsonl(BAD, user("2"))):
        with pytest.raises(BadContent, match=r"line 1.*1 message after it"), unchanged(t):
            t.import_bytes(data)


@pytest.mark.parametrize("kept", ["1", "12"])
def test_half_characters_count_as_damage(t: Tract, kept: str) -> None:
    """A lone surrogate in a line ends the conversation there; replacing goes on."""
    said = [*(user(text) for text in kept), user("\ud800"), user("end")]
    data = jsonl(*said)
    found = brought(t, data)
    assert contents(t) == list(kept)
    assert found.line == len(kept) + 1
    (found,) = t.import_bytes(data, onto="other", errors="replace")
    assert found.error is None
    assert contents(t, at="other") == [*kept, "\ufffd", "end"]


def test_bad_record_stops_its_conversation_only(t: Tract) -> None:
    """Among several, a bad conversation leaves no trace, and the others are whole."""
    said = [
        record(user("1"), id="a"),
        record(user("2"), BAD, user("3"), id="b"),
        record(user("4"), id="c"),
    ]
    found = t.import_bytes(jsonl(*said))
    assert [each.branch for each in found] == ["import/a", None, "import/c"]
    assert [each.line for each in found] == [1, 2, 3]
    assert found[1].commits == []
    assert "message 2 of record 2" in str(found[1].error)
    assert git(t.path, "for-each-ref", "--format=%(refname)").split() == [
        "refs/heads/import/a",
        "refs/heads/import/c",
        "refs/notes/tract/tokens",
    ]


def test_nothing_is_written_for_a_bad_conversation(t: Tract) -> None:
    """Not one object of it is written, however late its damage comes."""
    said = record(*[user(f"{n}") for n in range(50)], BAD)
    with pytest.raises(BadContent), unchanged(t):
        t.import_messages(said)


def test_torn_record_costs_itself(t: Tract) -> None:
    """A last conversation that was cut off is an error of its own line."""
    found = t.import_bytes(jsonl(record(user("1")), record(user("2"))) + b'{"messages": [{"ro')
    assert [len(each.commits) for each in found] == [1, 1, 0]
    assert found[2].line == 3
    assert "line 3" in str(found[2].error)


def test_record_without_messages_is_an_error(t: Tract) -> None:
    """An empty conversation among others is named, not passed over."""
    found = t.import_bytes(jsonl(record(user("1")), record(), {"messages": 5}))
    assert [each.error is None for each in found] == [True, False, False]
    with pytest.raises(BadContent), unchanged(t):
        t.import_bytes(jsonl(record()))


def test_all_bad_raises_the_first_error(t: Tract) -> None:
    """Where no conversation could be imported, the first one's error is raised."""
    with pytest.raises(BadContent, match="record 1"), unchanged(t):
        t.import_bytes(jsonl(record(BAD), record(BAD)))


def test_every_cut_is_seen(t: Tract, tmp_path: Path) -> None:
    """A file of messages cut off anywhere keeps its whole lines, and says what it lost."""
    data = jsonl(user("one"), user("two"), user("three"))
    first = data.index(b"\n") + 1
    for cut in range(first + 1, len(data) - 1, 5):
        onto = f"cut-{cut}"
        (found,) = t.import_bytes(data[:cut], onto=onto)
        whole = [json.loads(line)["content"] for line in data[:cut].split(b"\n") if _ends(line)]
        assert contents(t, at=onto) == whole
        assert (found.error is None) == (len(whole) == len(data[:cut].strip().split(b"\n")))


def _ends(line: bytes) -> bool:
    return line.endswith(b"}")
