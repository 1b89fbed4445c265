"""render.py - what reaches the terminal: harmless text, colour, JSON, the pager.

A line is made of pieces, a str or a `Paint` (a str with a colour), and only `draw` turns pieces
into what is written. It makes control characters visible first and adds colour after, so no text
of an entry, name, path or error can move the cursor, and no caller can forget to ask.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TextIO

import click

from tract.errors import TractError

# C0 but tab and newline, DEL, C1, the marks, overrides and isolates that reorder text, the two
# line ends of Unicode, and lone surrogates (the undecodable bytes of a file name).
_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


class Paint(NamedTuple):
    """A piece of text with a colour."""

    text: str
    fg: str | None = None
    bold: bool = False
    dim: bool = False


Piece = str | Paint
Line = Sequence[Piece]


def visible(text: str) -> str:
    """The text with each character that could steer a terminal or reorder a line made visible.

    C0 and DEL become Unicode's control pictures (ESC is ␛), the others escapes such as `\\x9b`
    and `\\u202e`. Tab and newline stay.
    """
    return _HARMFUL.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def draw(pieces: Iterable[Piece], *, color: bool) -> str:
    """The pieces as one harmless text, coloured if asked."""
    drawn = []
    for piece in pieces:
        paint = piece if isinstance(piece, Paint) else Paint(piece)
        text = visible(paint.text)
        if color and text and (paint.fg or paint.bold or paint.dim):
            text = click.style(text, paint.fg, bold=paint.bold or None, dim=paint.dim or None)
        drawn.append(text)
    return "".join(drawn)


def number(amount: int, noun: str, nouns: str | None = None) -> str:
    """`1 token`, `1,204 tokens`."""
    return f"{amount:,} {noun if amount == 1 else nouns or noun + 's'}"


def to_json(value: object) -> str:
    """A JSON document in pure ASCII, so every control character in it is escaped.

    Takes what the facade returns: structs, CommitInfo, entries, errors, and lists of them.
    """
    # DEL is the one control character that is ASCII and that JSON leaves as it is.
    return json.dumps(plain(value), ensure_ascii=True, indent=2).replace("\x7f", "\\u007f")


def plain(value: Any) -> Any:
    """The value in JSON's own types; a struct is an object of its fields."""
    if isinstance(value, TractError):
        return {
            "type": type(value).__name__,
            "message": value.message,
            "hint": value.hint,
            "exit_code": value.exit_code,
        }
    if hasattr(value, "as_dict"):
        return plain(value.as_dict())
    if hasattr(value, "__struct_fields__"):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        # An entry says only what it has; a result says all of its fields, empty ones too.
        short = value.__struct_config__.omit_defaults
        return plain({k: v for k, v in fields.items() if v or k == "text" or not short})
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def error_lines(error: TractError, where: str | None = None) -> list[Line]:
    """What happened (and where), and what to do.

    What follows a newline in either is moved right, so it cannot pass for a line of ours.
    """
    message = f"{where}: {error.message}" if where else error.message
    lines: list[Line] = [(Paint("error: ", "red", bold=True), message.replace("\n", "\n       "))]
    if error.hint:
        lines.append((Paint("hint: ", "yellow"), error.hint.replace("\n", "\n      ")))
    return lines


def flat(text: str, columns_max: int = 200) -> str:
    """A text on one line, cut where it is long."""
    text = text.replace("\n", "\u240a")
    return text if len(text) <= columns_max else text[: columns_max - 1] + "…"


class Screen:
    """Where one call prints: results on standard output, remarks and errors on standard error."""

    def __init__(self, *, json: bool = False, quiet: bool = False, color: bool = True) -> None:
        self.json = json
        self.quiet = quiet
        self._color = color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def say(self, *pieces: Piece) -> None:
        """Print one line of the result."""
        self._write(sys.stdout, [pieces])

    def note(self, *pieces: Piece) -> None:
        """Print a remark on standard error, unless the call is quiet or speaks JSON."""
        if not self.quiet and not self.json:
            self._write(sys.stderr, [pieces])

    def warn(self, *pieces: Piece) -> None:
        """Print a line on standard error, whatever was asked."""
        self._write(sys.stderr, [pieces])

    def lines(self, lines: Iterable[Line]) -> None:
        """Print the lines of a result."""
        self._write(sys.stdout, lines)

    def document(self, value: object, *, error: bool = False) -> None:
        """Print one JSON document."""
        _write_text(sys.stderr if error else sys.stdout, to_json(value) + "\n")

    def fail(self, error: TractError, *, where: str | None = None) -> None:
        """Print an error and its hint, or its JSON document, on standard error."""
        if self.json:
            self.document({"error": error}, error=True)
            return
        self._write(sys.stderr, error_lines(error, where))

    def page(self, lines: Iterable[Line]) -> None:
        """Print the lines, through the user's pager if standard output is a terminal."""
        command = _pager() if is_terminal(sys.stdout) else None
        if command is None:
            self.lines(lines)
            return
        text = "".join(draw(line, color=self._color) + "\n" for line in lines)
        sys.stdout.flush()
        _through(command, text)

    def _write(self, stream: TextIO, lines: Iterable[Line]) -> None:
        color = self._color and is_terminal(stream)
        _write_text(stream, "".join(draw(line, color=color) + "\n" for line in lines))


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is there and a terminal."""
    return stream is not None and not stream.closed and stream.isatty()


def _write_text(stream: TextIO | None, text: str) -> None:
    if stream is not None:  # None where the shell closed it: `tract log >&-`
        stream.write(text)
        stream.flush()


def _pager() -> list[str] | None:
    """The command of the user's pager; None where there is none to be had."""
    try:
        command = shlex.split(os.environ.get("PAGER", "less"))
    except ValueError:
        return None
    if not command or command == ["cat"] or not shutil.which(command[0]):
        return None
    return command


def _through(command: list[str], text: str) -> None:
    # As git does it: quit if it fits the screen, pass colours, leave the text on the screen.
    environment = {"LESS": "FRX", "LV": "-c", **os.environ}
    encoding = sys.stdout.encoding or "utf-8"
    with patient(), subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as pager:
        # communicate ignores a pipe that closes early: to quit early is what a pager is for.
        pager.communicate(text.encode(encoding, "backslashreplace"))


@contextlib.contextmanager
def patient() -> Iterator[None]:
    """Leave Ctrl-C to the program that has the terminal, and wait for it to end.

    A function and not SIG_IGN, which the program would inherit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
