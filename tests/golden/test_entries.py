"""test_entries.py - the bytes of an entry's blob, each written out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from tests.git import git_bytes
from tests.golden.hand import letters
from tract.tract import Tract


class Booking(BaseModel):
    """A registered kind."""

    seat: str
    paid: bool = False


CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
WRITTEN: list[tuple[str, Callable[[Tract], Any], str]] = [
    (
        "000/00/00.system.md",
        lambda t: t.system("Be kind."),
        '---\n{"type":"instruction","id":"ID","priority":"pinned"}\n---\nBe kind.\n',
    ),
    (
        "000/00/00.user.md",
        lambda t: t.user("What is Python?", name="ann"),
        '---\n{"type":"dialogue","role":"user","id":"ID","name":"ann"}\n---\nWhat is Python?\n',
    ),
    (
        "000/00/00.user.md",
        lambda t: t.user("\x7f", name="\x80\ufffe\n"),
        '---\n{"type":"dialogue","role":"user","id":"ID","name":"\\u0080\\ufffe\\n"}\n---\n\x7f\n',
    ),
    (
        "000/00/00.tool-call.md",
        lambda t: t.assistant(tool_calls=[CALL]),
        (
            '---\n{"type":"dialogue","role":"assistant","id":"ID","tool_calls":[{"id":"c1",'
            '"type":"function","function":{"name":"f","arguments":"{\\"a\\": 1}"}}]}\n---\n\n'
        ),
    ),
    (
        "000/00/00.artifact.md",
        lambda t: t.artifact("x = 1\n", artifact_type="file", language="python"),
        (
            '---\n{"type":"artifact","id":"ID","artifact_type":"file","language":"python"}\n---\n'
            "x = 1\n\n"
        ),
    ),
    (
        "000/00/00.session.md",
        lambda t: t.handoff(summary="done", next_steps=["a", "b"]),
        (
            '---\n{"type":"session","id":"ID","priority":"pinned"}\n---\n{\n'
            '  "session_type": "handoff",\n  "summary": "done",\n  "next_steps": [\n    "a",\n'
            '    "b"\n  ]\n}\n'
        ),
    ),
    (
        "000/00/00.freeform.md",
        lambda t: t.commit({"content_type": "freeform", "payload": {"k": [1]}}),
        '---\n{"type":"freeform","id":"ID"}\n---\n{\n  "k": [\n    1\n  ]\n}\n',
    ),
    (
        "000/00/00.reasoning.md",
        lambda t: t.reasoning("hm", signature="s="),
        '---\n{"type":"reasoning","id":"ID","signature":"s="}\n---\nhm\n',
    ),
    (
        "000/00/00.user.md",
        lambda t: t.commit(
            {"content_type": "dialogue", "role": "user", "text": "t"},
            priority="skip",
            metadata={"z": 1, "a": None},
            at="2026-11-25T03:16:25.347Z",
        ),
        (
            '---\n{"type":"dialogue","role":"user","id":"ID","priority":"skip",'
            '"at":"2026-11-25T03:16:25.347Z","metadata":{"z":1,"a":null}}\n---\nt\n'
        ),
    ),
]


@pytest.mark.parametrize(("path", "write", "expected"), WRITTEN)
def test_blob_is_as_written_by_hand(
    t: Tract, path: str, write: Callable[[Tract], Any], expected: str
) -> None:
    """Front matter in the order of FORMAT's keys, defaults absent, the text, one newline."""
    made = write(t)
    found = git_bytes(t.path, "show", f"main:{path}")
    assert found == expected.replace("ID", str(made.entry_id)).encode()


def test_registered_kind(t: Tract) -> None:
    """A registered kind keeps its role in the header and its fields, defaults absent, as JSON."""
    t.register_content_type("x-booking", Booking, role="user", priority="important")
    made = t.commit(Booking(seat="4A"))
    expected = (
        f'---\n{{"type":"x-booking","role":"user","id":"{made.entry_id}","priority":"important"}}\n'
        '---\n{\n  "seat": "4A"\n}\n'
    )
    assert git_bytes(t.path, "show", "main:000/00/00.x-booking.md") == expected.encode()


@pytest.mark.parametrize(
    ("payload", "json", "stored"),
    [
        (
            '{"a":[1,2],"b":"ü"}',
            ',"json":"compact"',
            '{\n  "a": [\n    1,\n    2\n  ],\n  "b": "ü"\n}',
        ),
        ('{"a": [1, 2]}', ',"json":"spaced"', '{\n  "a": [\n    1,\n    2\n  ]\n}'),
        ('{"a":  1}', "", '{"a":  1}'),
        ('{"a": 1', "", '{"a": 1'),
        ("17", "", "17"),
        ("[[[[1]]]]", "", "[[[[1]]]]"),
        ({"a": 1}, ',"json":"compact"', '{\n  "a": 1\n}'),
    ],
)
def test_payload(t: Tract, payload: Any, json: str, stored: str) -> None:
    """A JSON result is laid out only where the text received comes back byte for byte."""
    t.assistant(tool_calls=[CALL])
    made = t.tool_result("c1", payload, name="f")
    header = (
        f'{{"type":"tool_io","id":"{made.entry_id}","tool_call_id":"c1","tool_name":"f",'
        f'"direction":"result"{json}}}'
    )
    expected = f"---\n{header}\n---\n{stored}\n".encode()
    assert git_bytes(t.path, "show", "main:000/00/01.tool-result.md") == expected


def test_id_is_eight_random_bytes_as_letters(t: Tract, pinned: dict[str, Any]) -> None:
    """An entry id is 8 bytes of the random source, 0→z … f→k."""
    given: list[bytes] = []

    def random(size: int) -> bytes:
        given.append(bytes(range(size)))
        return given[-1]

    with Tract.open(":memory:", clock=pinned["clock"], random=random) as other:
        made = other.user("x")
    assert made.entry_id == letters(bytes(range(8)).hex())
    assert made.entry_id == "zzzyzxzwzvzuztzs"
