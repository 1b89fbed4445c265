"""demo.py - `tract demo`: the main job once, offline, in a folder of its own.

A tour with stops: import, edit, compile, status, git's view, a refusal. It may be taken again;
what is there stays, and the imports of the next tour get branches of their own.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tract.cli import report
from tract.cli.import_ import check_readable, record
from tract.cli.options import Call, command, read_bytes
from tract.cli.render import Line, Paint, error_lines, number
from tract.errors import FileMissing, GitMissing, TractError, UnpairedToolCall, UsageError

if TYPE_CHECKING:
    from tract.porcelain.compile import CompiledContext
    from tract.tract import Tract

SUBJECT_COLUMNS = 60
SHOWN_MESSAGES = 4


@command("demo")
@click.argument("files", nargs=-1, type=click.Path(), metavar="[FILE]...")
@click.option(
    "--dir",
    "folder",
    metavar="DIR",
    default="tract-demo",
    show_default=True,
    help="Where the repository of the demo is made.",
)
def demo(call: Call, files: tuple[str, ...], folder: str) -> None:
    """Import conversations, edit one, compile it, and look around. Needs no network.

    Takes the five conversations that come with tract, or your own FILEs. Works in a folder of its
    own, and may be run again.

    \b
    Examples:
      tract demo
      tract demo chat.jsonl
      tract demo --dir scratch
    """
    chosen = list(files) or shipped()
    for path in chosen:
        check_readable(path)
    tour = Tour(call, folder)
    tour.imports(chosen)
    tour.looks_around()
    if call.json:
        call.screen.document(tour.facts)
    if tour.errors:
        raise click.exceptions.Exit(UsageError.exit_code)


def shipped() -> list[str]:
    """The conversations that come with tract: in the wheel, or in a checkout.

    Raises:
        FileMissing: they are in neither place.
    """
    here = Path(__file__).resolve()
    for folder in (here.parent / "examples", here.parents[2] / "examples" / "data"):
        found = sorted(str(path) for path in folder.glob("*.json*"))
        if found:
            return found
    raise FileMissing("the conversations of the demo are not here", "name one: tract demo FILE")


class Tour:
    """One run of the demo: what it imported, what failed, and the facts for --json."""

    def __init__(self, call: Call, folder: str) -> None:
        self.facts: dict[str, Any] = {"path": folder, "imports": []}
        self.errors: list[TractError] = []
        self._call = call
        self._folder = folder
        self._shown_folder = os.path.join(call.start or "", folder)
        self._branches: list[str] = []

    def _open(self, branch: str | None = None) -> Tract:
        from tract.tract import Tract

        return Tract.open(self._folder, branch=branch)

    def _say(self, *lines: Any) -> None:
        if not self._call.json:
            self._call.screen.lines(lines)

    def _heading(self, text: str) -> None:
        self._say(*[()] * bool(self.facts["imports"]), (Paint(f"== {text}", "cyan", bold=True),))

    # The stops

    def imports(self, paths: list[str]) -> None:
        """Import every file, each conversation onto a branch of its own."""
        self._heading("Import: every message becomes a commit")
        for path in paths:
            try:
                self._import(path)
            except TractError as error:
                self._failed(path, error)
        if not self._branches:
            raise click.exceptions.Exit(self.errors[0].exit_code)

    def _import(self, path: str) -> None:
        data = read_bytes(path)
        with self._open() as t:
            results = t.import_bytes(data, name=os.path.basename(path), apart=True)
        for result in results:
            self.facts["imports"].append({"file": path, **record(result)})
            if result.commits and result.branch:
                self._branches.append(result.branch)
                self._imported(result.branch, len(result.commits), path)
            if result.error is not None:
                self.errors.append(result.error)
                self._say(*error_lines(result.error, path))

    def _failed(self, path: str, error: TractError) -> None:
        self.errors.append(error)
        self.facts["imports"].append({"file": path, "error": error})
        self._say(*error_lines(error))

    def _imported(self, branch: str, messages: int, path: str) -> None:
        with self._open(branch) as t:
            tokens = number(t.status().token_count, "token")
        said = f"{number(messages, 'message'):>13}  {tokens:>13}  "
        file = os.path.basename(path)
        self._say((said, Paint(f"{branch:<30}", "green"), Paint(f"  {file}", dim=True)))

    def looks_around(self) -> None:
        """Take the other stops, on the first conversation that compiles."""
        healthy, broken = self._sorted_by_health()
        with self._open(healthy or self._branches[0]) as t:
            self._edits(t)
            self._compiles(t)
            self._status(t)
            self._asks_git(t)
        self._refusal(broken)
        self._next(t.branch_name or "", broken)

    def _sorted_by_health(self) -> tuple[str | None, str | None]:
        """The first branch whose tool calls are all answered, and the first of the others."""
        healthy = broken = None
        for branch in self._branches:
            with self._open(branch) as t:
                if t.compile().pending_tool_calls:
                    broken = broken or branch
                else:
                    healthy = healthy or branch
        return healthy, broken

    def _edits(self, t: Tract) -> None:
        self._heading(f"Edit: an entry of {t.branch_name} changes, its history stays")
        target = editable(t)
        if target is None:
            self._say(("no entry here has a text of its own",))
            return
        text = t.entry(target).text
        info = t.edit(target, f"{text}\nAnswer in one sentence.", message="demo: ask for brevity")
        self.facts["edit"] = info
        self._say(report.written(info), (), *report.diff_lines(t.diff()))

    def _compiles(self, t: Tract) -> None:
        self._heading("Compile: what the OpenAI API would be sent")
        compiled = t.compile()
        messages = None
        with contextlib.suppress(UnpairedToolCall):
            messages = compiled.to_openai()
        self.facts["openai"] = {
            "messages": messages,
            "token_count": compiled.token_count,
            "token_source": compiled.token_source,
        }
        self._say(*message_lines(compiled), report.compiled_line(compiled))

    def _status(self, t: Tract) -> None:
        self._heading("Status")
        found = t.status()
        self.facts["status"] = found
        self._say(*report.status_lines(found))

    def _asks_git(self, t: Tract) -> None:
        self._heading("The same in stock git: git log --stat")
        if self._call.json:
            return
        try:
            t.git("--no-pager", "log", "--stat", "-2", *color(self._call), str(t.branch_name), "--")
        except GitMissing:
            self._say(("git is not installed, so this stop is left out",))

    def _refusal(self, branch: str | None) -> None:
        if branch is None:
            return
        self._heading(f"A refusal: in {branch} a tool call has no result")
        with self._open(branch) as t:
            try:
                t.compile().to_openai()
            except UnpairedToolCall as error:
                self.facts["refused"] = error
                self._say(*error_lines(error))

    def _next(self, branch: str, broken: str | None) -> None:
        here = f"{invoked_as()} -C {shlex.quote(self._shown_folder)}"
        there = here + self._on(branch)
        commands = [
            f"{there} log",
            f"{there} show :0",
            f"{there} compile --format openai",
            f"{there} git log -p -1 {shlex.quote(branch)}",
        ]
        if broken:
            commands.append(f"{here}{self._on(broken)} cancel-tool-calls")
        self.facts["next"] = commands
        self._heading("Next, try")
        self._say(*(("  ", line) for line in commands))

    def _on(self, branch: str) -> str:
        with self._open() as t:
            return "" if t.branch_name == branch else f" --branch {shlex.quote(branch)}"


def editable(t: Tract) -> str | None:
    """The id of the first entry with a text that is no part of a tool call."""
    compiled = t.compile()
    for message in compiled.messages:
        if message.role in ("system", "user") and message.content and message.entry_ids:
            return message.entry_ids[0]
    return None


def message_lines(compiled: CompiledContext) -> list[Line]:
    """The first messages, a line each, with their tokens."""
    lines: list[Line] = []
    counted = zip(compiled.messages, compiled.token_counts, strict=True)
    for message, tokens in list(counted)[:SHOWN_MESSAGES]:
        words = " ".join(message.content.split()) or "(tool calls)"
        cut = words if len(words) <= SUBJECT_COLUMNS else words[: SUBJECT_COLUMNS - 1] + "…"
        lines.append((f"{tokens:>7,}  ", Paint(f"{message.role:<10}", "green"), cut))
    more = len(compiled.messages) - len(lines)
    if more > 0:
        lines.append((Paint(f"         and {more:,} more", dim=True),))
    return lines


def color(call: Call) -> tuple[str, ...]:
    """The option that tells git what was told to us."""
    return ("--no-color",) if call.no_color or os.environ.get("NO_COLOR") else ()


def invoked_as() -> str:
    """How this command was started, so that the commands we suggest can be typed as they stand."""
    started = Path(sys.argv[0])
    prefix = "TRACT_DIR= " if os.environ.get("TRACT_DIR") else ""
    if started.name == "__main__.py":
        return f"{prefix}{shlex.quote(os.path.relpath(sys.executable))} -m tract"
    found = shutil.which("tract")
    if found is not None and os.path.realpath(found) == os.path.realpath(started):
        return f"{prefix}tract"
    return prefix + shlex.quote(str(started)) if started.name == "tract" else f"{prefix}tract"
