"""import_.py - `tract import`: files of conversations, each message a commit.

The facade decides what a file is and where it goes. What is decided here: with several files each
conversation gets a branch of its own, because one appended to another reads as a single one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from tract.cli.options import Call, command, from_os_error, read_bytes
from tract.cli.render import Paint, is_terminal, number, visible
from tract.errors import TractError, UsageError

if TYPE_CHECKING:
    from tract.porcelain.import_ import ImportResult

Step = Callable[[int, int], None]


@command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(), metavar="FILE...")
@click.option("--onto", metavar="BRANCH", help="Append everything to this branch.")
@click.option(
    "--errors",
    type=click.Choice(["strict", "replace"]),
    default="strict",
    show_default=True,
    help="replace: turn what is no valid text into U+FFFD, and keep the record beside it.",
)
def import_(call: Call, files: tuple[str, ...], onto: str | None, errors: str) -> None:
    """Import conversations: OpenAI chat messages as JSON or JSONL. A FILE may be -.

    A file that holds one conversation goes onto the current branch. One that holds several, and
    each of several files, goes onto branches of its own, `import/ID`. A bad record stops its own
    conversation only; it is named, and the exit code is 2. Makes a repository if there is none.

    \b
    Examples:
      tract import chat.jsonl
      tract import --onto main more.json
      curl -s https://example.org/chat.json | tract import -
    """
    for path in files:
        check_readable(path)
    outcome = Outcome(call)
    apart = len(files) > 1 and onto is None and call.branch is None
    for path in files:
        outcome.take(path, apart=apart, onto=onto, errors=errors)
    outcome.finish()


def check_readable(path: str) -> None:
    """Refuse a file that cannot be read before anything is made or written.

    It is not opened: what a pipe (`<(command)`) gives can be read only once.

    Raises:
        FileMissing: it is missing, a folder, or not for this user to read.
    """
    if path == "-":
        return
    try:
        is_folder = stat.S_ISDIR(os.stat(path).st_mode)
    except OSError as error:
        raise from_os_error(error) from error
    if is_folder or not os.access(path, os.R_OK):
        code = errno.EISDIR if is_folder else errno.EACCES
        raise from_os_error(OSError(code, os.strerror(code), path))


class Outcome:
    """What became of each file: printed at once, or gathered for one JSON document."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._records: list[dict[str, Any]] = []
        self._raised: list[TractError] = []
        self._imported = False
        self._damaged = False

    def take(self, path: str, *, apart: bool, onto: str | None, errors: str) -> None:
        """Import a file; an error that leaves nothing of it does not stop the next file."""
        try:
            data = read_bytes(path)
            if not self._call.finds_repository():
                try_out(data, path, errors=errors)
            with self._call.open(create=True) as t, bar(self._call, path) as step:
                name = name_of(path)
                results = t.import_bytes(
                    data, name=name, onto=onto, apart=apart, errors=errors, progress=step
                )
        except TractError as error:
            self._raised.append(error)
            self._records.append({"file": path, "error": error})
            if not self._call.json:
                self._call.screen.fail(error)
            return
        for result in results:
            self._add(path, result)

    def _add(self, path: str, result: ImportResult) -> None:
        self._imported = self._imported or bool(result.commits)
        self._damaged = self._damaged or result.error is not None
        if self._call.json:
            self._records.append({"file": path, **record(result)})
            return
        if result.branch and not self._call.quiet:
            self._call.screen.say(
                Paint(result.branch, "green"),
                f": {number(len(result.commits), 'message')} from {spoken_of(path)}",
            )
        if result.error is not None:
            self._call.screen.fail(result.error, where=spoken_of(path))

    def finish(self) -> None:
        """Print the document, and end with the exit code that fits."""
        screen = self._call.screen
        if not self._imported and len(self._raised) == 1 and len(self._records) == 1:
            if self._call.json:
                screen.fail(self._raised[0])
            raise click.exceptions.Exit(self._raised[0].exit_code)
        if self._call.json:
            screen.document({"results": self._records})
        if self._damaged or self._raised:
            raise click.exceptions.Exit(UsageError.exit_code)


def spoken_of(path: str) -> str:
    """The name of a source in a sentence."""
    return "standard input" if path == "-" else path


def record(result: ImportResult) -> dict[str, Any]:
    """A conversation that was imported, for JSON."""
    return {
        "branch": result.branch,
        "line": result.line,
        "messages": len(result.commits),
        "commits": [info.commit_hash for info in result.commits],
        "error": result.error,
    }


def name_of(path: str) -> str | None:
    """What is kept as the place that a conversation came from."""
    return None if path == "-" else os.path.basename(path)


def try_out(data: bytes, path: str, *, errors: str) -> None:
    """Import into a repository that is thrown away, before the first one is made.

    A file of which nothing can be imported must not leave an empty repository behind.

    Raises:
        BadContent: nothing at all can be imported.
    """
    from tract.tract import Tract

    with Tract.open(":memory:") as t:
        t.import_bytes(data, name=name_of(path), errors=errors)


@contextlib.contextmanager
def bar(call: Call, path: str) -> Iterator[Step | None]:
    """A progress bar on standard error, if that is a terminal and nobody asked for silence."""
    if call.quiet or call.json or not is_terminal(sys.stderr):
        yield None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True, no_color=call.no_color or None)
    with Progress(*columns, console=console, transient=True) as drawn:
        task = drawn.add_task(escape(visible(path)), total=None)
        yield lambda done, total: drawn.update(task, completed=done, total=total)
