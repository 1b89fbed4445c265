"""test_render.py - what is printed is harmless, and JSON is whole."""

import json
from datetime import UTC, datetime

import click
import pytest

from tract.cli.render import Paint, draw, error_lines, flat, number, plain, to_json, visible
from tract.errors import UnpairedToolCall

HARMFUL = [
    *(chr(code) for code in range(0x20) if chr(code) not in "\t\n"),
    *(chr(code) for code in range(0x7F, 0xA0)),
    *"\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
]


@pytest.mark.parametrize("char", HARMFUL, ids=[f"U+{ord(char):04X}" for char in HARMFUL])
def test_control_characters_become_visible(char: str) -> None:
    """Each control, format and line character is replaced by printable ones."""
    shown = visible(f"a{char}b")
    assert shown.startswith("a")
    assert shown.endswith("b")
    assert shown[1:-1].isprintable()
    assert len(shown) > 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "␛[31m"),
        ("\x7f", "␡"),
        ("\x9b", "\\x9b"),
        ("\u202e", "\\u202e"),
        ("a\r\nb", "a␍\nb"),
    ],
)
def test_spelling_of_control_characters(text: str, shown: str) -> None:
    """C0 and DEL become pictures, the others escapes."""
    assert visible(text) == shown


@pytest.mark.parametrize("text", ["a\tb\nc", "ごま油", "👩🏽‍🍳", "naïve", "البصل"])
def test_ordinary_text_stays(text: str) -> None:
    """Tab, newline, other scripts and joined emoji are printed as they are."""
    assert visible(text) == text


def test_undecodable_bytes_become_visible() -> None:
    """A file name that is not UTF-8 is shown with its bytes spelled out."""
    assert visible(b"a\x9bb".decode("utf-8", "surrogateescape")) == "a\\udc9bb"


def test_colour_is_added_after_text_is_made_harmless() -> None:
    """Colour codes in a text are shown, only ours are sent."""
    drawn = draw([Paint("\x1b[31mred", "green")], color=True)
    assert drawn == click.style("␛[31mred", "green")


def test_no_colour_where_none_is_asked() -> None:
    """Without colour a line is its text."""
    assert draw(["a", Paint("b", "red", bold=True)], color=False) == "ab"


@pytest.mark.parametrize(
    ("amount", "said"), [(0, "0 tokens"), (1, "1 token"), (1204, "1,204 tokens")]
)
def test_numbers_take_their_noun(amount: int, said: str) -> None:
    """One is singular, thousands have a comma."""
    assert number(amount, "token") == said


def test_json_escapes_every_control_character() -> None:
    """JSON is ASCII without a raw control character, and gives the text back."""
    text = "".join(HARMFUL) + "\x00é漢"
    document = to_json({"text": text})
    assert document.isascii()
    assert all(char.isprintable() or char == "\n" for char in document)
    assert json.loads(document)["text"] == text


def test_json_of_an_error() -> None:
    """An error is its type, message, hint and exit code."""
    assert plain(UnpairedToolCall("open", "cancel it")) == {
        "type": "UnpairedToolCall",
        "message": "open",
        "hint": "cancel it",
        "exit_code": 5,
    }


def test_json_of_a_time() -> None:
    """A time is ISO 8601, with its zone."""
    assert plain([datetime(2026, 11, 25, tzinfo=UTC)]) == ["2026-11-25T00:00:00+00:00"]


def test_a_second_line_of_an_error_is_moved_right() -> None:
    """A newline in a message cannot start a line that looks like ours."""
    lines = error_lines(UnpairedToolCall("a\nhint: b"))
    assert draw(lines[0], color=False) == "error: a\n       hint: b"


def test_flat_text_is_one_line() -> None:
    """Where one line is meant, newlines are shown and what is long is cut."""
    assert flat("a\nb") == "a␊b"
    assert flat("x" * 300, 10) == "x" * 9 + "…"
