"""options.py - what every command takes: the options before it, targets, texts, JSON values.

The options of the command itself (`-C`, `--branch`, `--json`, `--quiet`, `--no-color`) are taken
before the command and after it, because people type them in both places. What they say is kept in
one `Call`, which opens the repository and has the screen.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from tract.cli.render import Screen, is_terminal
from tract.errors import FileMissing, NotReady, RepoNotFound, TractError, UsageError

if TYPE_CHECKING:
    from tract.porcelain.problem import Problem
    from tract.tract import Tract

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Call:
    """What one call was told for all commands alike."""

    def __init__(self) -> None:
        self.branch: str | None = None
        self.start: str | None = None
        self.json = False
        self.quiet = False
        self.no_color = False
        self.durability: str | None = None

    @property
    def screen(self) -> Screen:
        """Where this call prints."""
        return Screen(json=self.json, quiet=self.quiet, color=not self.no_color)

    def open(self, *, create: bool = False, branch: str | None = None) -> Tract:
        """The repository that TRACT_DIR, `-C` or the current directory names.

        Raises:
            RepoNotFound: there is none, and this is no command that makes one.
        """
        from tract.tract import Tract

        t = Tract.open(
            self._path(),
            branch=branch or self.branch,
            create=create,
            durability=self.durability or "process",
        )
        # Counting loads tables for half a second, longer than a command should take to end.
        t.counts_at_close = False
        return t

    def mend(self) -> list[Problem]:
        """Put back what keeps the repository from being opened, and say what that was."""
        from tract.tract import Tract

        return Tract.mend(os.environ.get("TRACT_DIR") or (os.curdir if self.start else None))

    def _path(self) -> str | None:
        return os.environ.get("TRACT_DIR") or self._own_repository()

    def finds_repository(self) -> bool:
        """Whether there is a repository to open."""
        from tract.tract import Tract

        try:
            Tract.open(self._path(), create=False).close()
        except RepoNotFound:
            return False
        return True

    def _own_repository(self) -> str | None:
        """The repository of the directory that `-C` names, which may be its `.git`.

        None where it has none of its own: like git's, `-C` is a place to start looking from.
        """
        from tract.tract import Tract

        if self.start is None:
            return None
        try:
            with Tract.open(os.curdir, create=False) as t:
                return t.path
        except RepoNotFound:
            return None


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value and not context.resilient_parsing:
        setattr(context.ensure_object(Call), str(parameter.name), value)


def _enter(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    """Go to the directory at once, so that the paths of the other options start from it."""
    if value is None or context.resilient_parsing:
        return
    before = os.getcwd()
    try:
        os.chdir(value)
    except OSError as error:
        raise from_os_error(error) from error
    context.find_root().call_on_close(lambda: os.chdir(before))
    call = context.ensure_object(Call)
    call.start = os.path.join(call.start or "", value)


def _shared(*names: str, **settings: Any) -> click.Option:
    callback = settings.pop("callback", _remember)
    return click.Option(names, expose_value=False, callback=callback, **settings)


SHARED: tuple[click.Option, ...] = (
    _shared(
        "-C",
        "start",
        metavar="DIR",
        callback=_enter,
        is_eager=True,
        type=click.Path(file_okay=False),
        help="Run as if started in DIR.",
    ),
    _shared("--branch", metavar="NAME", help="Work on this branch; HEAD stays where it is."),
    _shared("--json", is_flag=True, help="Print one JSON document; errors too, on stderr."),
    _shared("-q", "--quiet", is_flag=True, help="Print results and errors only."),
    _shared(
        "--durability",
        type=click.Choice(("process", "power")),
        help="What a write survives: a kill (process, the default), or a power cut too.",
    ),
    _shared("--no-color", is_flag=True, help="No colour. So does NO_COLOR in the environment."),
)


class Verb(click.Command):
    """A command that takes the shared options too, listed apart in its help."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params = [*self.params, *SHARED]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then those of all commands."""
        format_sections(self, ctx, formatter)


def format_sections(
    command: click.Command, context: click.Context, formatter: click.HelpFormatter
) -> None:
    """Write two lists of options: the command's own, and the shared ones."""
    own: list[tuple[str, str]] = []
    shared: list[tuple[str, str]] = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            (shared if parameter in SHARED else own).append(record)
    for title, records in (("Options", own), ("Options of every command", shared)):
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


def command(name: str, **settings: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function `(call, **options)` a command of tract."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        settings.setdefault("context_settings", CONTEXT)
        return click.command(name, cls=Verb, **settings)(pass_call(function))

    return decorate


pass_call = click.make_pass_decorator(Call, ensure=True)


def read_target(text: str) -> str | int:
    """A target as the facade takes it: `:17` is the slot 17, all else stays text."""
    digits = text[1:]
    if text.startswith(":") and digits.isascii() and digits.isdigit() and len(digits) <= 9:
        return int(digits)
    return text


# Texts


def text_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add TEXT and `--file`; `given_text` makes one text of the two."""
    function = click.option(
        "-F",
        "--file",
        metavar="PATH",
        type=click.Path(),
        help="Take the text from a file, byte for byte; - is standard input.",
    )(function)
    return click.argument("text", required=False, metavar="[TEXT]")(function)


def given_text(text: str | None, file: str | None) -> str | None:
    """The text from the argument, the file or standard input; None where none was given.

    Raises:
        UsageError: it was given twice, or is not UTF-8.
        FileMissing: the file cannot be read.
    """
    if text is not None and file is not None:
        raise UsageError(
            "the text was given twice, as an argument and with --file", "leave one of them out"
        )
    source = file if file is not None else "-" if text == "-" else None
    if source is None:
        return text
    where = "standard input" if source == "-" else source
    return decoded(read_bytes(source), where)


def read_bytes(path: str) -> bytes:
    """The bytes of a file; `-` is standard input.

    Raises:
        FileMissing: it cannot be read.
    """
    if path == "-":
        return sys.stdin.buffer.read() if sys.stdin is not None else b""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise from_os_error(error) from error


def decoded(data: bytes, where: str) -> str:
    """The bytes as text, every one of them: no mark is skipped, no line end changed.

    Raises:
        UsageError: they are not UTF-8.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{where} is not UTF-8: byte {error.start + 1:,} is 0x{data[error.start]:02x}",
            "convert it first, for instance with: iconv -f LATIN1 -t UTF-8",
        ) from error


def edited_text(text: str) -> str:
    """What the user's editor makes of a text; one newline is added for it and taken off again.

    Raises:
        UsageError: the editor failed, or left bytes that are not UTF-8.
    """
    data = text.encode("utf-8") + b"\n"
    try:
        left = click.edit(data, extension=".md", require_save=False)
    except click.ClickException as error:
        raise UsageError(
            error.format_message(), "set VISUAL or EDITOR to an editor that works here"
        ) from error
    assert left is not None  # only an editor that must save gives None
    return decoded(left, "what the editor left").removesuffix("\n")


def may_edit() -> bool:
    """Whether somebody is there to use an editor."""
    return is_terminal(sys.stdin)


def parse_json(text: str | None, option: str, kind: type[Any]) -> Any:
    """The value of an option that takes JSON; `@PATH` takes it from a file.

    Raises:
        UsageError: it is no JSON, or another kind of value.
    """
    if text is None:
        return None
    if text.startswith("@"):
        text = decoded(read_bytes(text[1:]), text[1:])
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{option} is no JSON: {error}", "quote it for the shell") from error
    if not isinstance(value, kind):
        wanted = "an object" if kind is dict else "a list"
        raise UsageError(f"{option} takes {wanted}", "see the example in the command's --help")
    return value


def from_os_error(error: OSError) -> TractError:
    """An error of the operating system as one of ours: a sentence, the path, an exit code."""
    reason = error.strerror or str(error)
    if error.filename is None:
        return NotReady(f"the system refused: {reason}", "free some space, or try another place")
    path = os.fsdecode(error.filename)
    return FileMissing(f"{path} cannot be used: {reason}", "check the path and its permissions")
