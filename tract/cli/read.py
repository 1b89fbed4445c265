"""read.py - the commands that look: compile, log, show, status, diff, search, fsck, git.

None of them makes a repository or writes to one. Each prints lines, or one JSON document.
"""

from __future__ import annotations

from typing import Any

import click

from tract.cli import report
from tract.cli.options import CONTEXT, Call, command, pass_call, read_target
from tract.cli.render import Line, Paint, is_terminal, number, patient, to_json
from tract.errors import CorruptRepo, UsageError

INTERRUPTED = 128  # a shell's exit code for a program that a signal ended: 128 + the signal


@command("compile")
@click.option(
    "--format",
    "form",
    type=click.Choice(["dicts", "openai", "text"]),
    help="dicts: what was said; openai: for its API; text: to read. Default: text.",
)
@click.option("--at", metavar="TARGET", help="Compile the context as it was at this commit.")
def compile_(call: Call, form: str | None, at: str | None) -> None:
    """Print what a model would see.

    `dicts` and `openai` are JSON lists of messages. With --json the document also has the
    counts, the commit and entry of each message, and the open tool calls.

    \b
    Examples:
      tract compile
      tract compile --format openai > messages.json
      tract compile --at HEAD~2
    """
    import sys

    with call.open() as t:
        compiled = t.compile(at=at)
        if call.json:
            call.screen.document(_document(compiled, form or "dicts"))
            return
        if form in ("dicts", "openai"):
            print_json(compiled.to_dicts() if form == "dicts" else compiled.to_openai())
        else:
            call.screen.lines(report.indented(compiled.to_text(), ""))
        if form in (None, "text") or is_terminal(sys.stdout):
            call.screen.note(*report.compiled_line(compiled))


def print_json(value: object) -> None:
    """Print a value as JSON where JSON is the format asked for, not the manner of speaking."""
    click.echo(to_json(value))


def _document(compiled: Any, form: str) -> dict[str, Any]:
    shapes = {"dicts": "to_dicts", "openai": "to_openai", "text": "to_text"}
    body = getattr(compiled, shapes[form])()
    names = (
        *("token_count", "token_source", "token_counts", "commit_count", "commit_hashes"),
        *("entry_ids", "priorities", "tools", "pending_tool_calls", "digest"),
    )
    facts = {name: getattr(compiled, name) for name in names}
    return {"format": form, "text" if form == "text" else "messages": body, **facts}


@command("log")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="How many commits to show; 0 shows all.",
)
@click.option("--oneline", is_flag=True, help="One line a commit.")
def log(call: Call, limit: int, oneline: bool) -> None:
    """Show the commits of the branch, newest first.

    Each has its place (`:12`, accepted wherever an entry is), its own tokens, and the tokens of
    the whole context at that commit. On a terminal a long log goes through $PAGER.

    \b
    Examples:
      tract log
      tract log --oneline -n 0
      tract --branch import/chat-7 log
    """
    with call.open() as t:
        commits = t.log(limit=limit or EVERY)
        if call.json:
            call.screen.document(commits)
            return
        if not commits:
            call.screen.note(f"No commits yet on {t.branch_name}")
        lines: list[Line] = []
        for position, info in enumerate(commits):
            tip = t.branch_name if position == 0 else None
            lines += [report.log_line(info)] if oneline else report.log_entry(info, tip)
        call.screen.page(lines)


EVERY = 10_000_000  # as many slots as the format has


@command("show")
@click.argument("target", type=read_target, default="HEAD", metavar="[TARGET]")
def show(call: Call, target: str | int) -> None:
    """Show a commit and the entry it wrote.

    TARGET is a commit, a branch, HEAD~2, the letters of an entry id, or a place such as `:12`.
    Without it: the newest commit. A new entry, and one that TARGET names itself, is printed
    whole; for a commit that edits, what changed.

    \b
    Examples:
      tract show
      tract show :12
      tract show HEAD~3
    """
    with call.open() as t:
        shown = t.show(target)
        if call.json:
            call.screen.document(shown)
            return
        entry = shown.entry
        whole = entry is not None and (isinstance(target, int) or entry.id.startswith(target))
        call.screen.page(list(report.shown(shown.commit, entry, shown.diff, whole=whole)))


@command("status")
@click.option("--storage", is_flag=True, help="Show what is on disk instead: counts and bytes.")
def status(call: Call, storage: bool) -> None:
    """Show the branch, its size in tokens, open tool calls, warnings and recent commits.

    \b
    Examples:
      tract status
      tract status --json
      tract status --storage
    """
    with call.open() as t:
        if storage:
            kept = t.storage()
            if call.json:
                call.screen.document(kept)
                return
            call.screen.lines(report.storage_lines(kept))
            return
        found = t.status()
        if call.json:
            call.screen.document(found)
            return
        call.screen.lines(report.status_lines(found))


@command("diff")
@click.argument("a", default="HEAD~1", metavar="[A]")
@click.argument("b", default="HEAD", metavar="[B]")
def diff(call: Call, a: str, b: str) -> None:
    """Show what changed from commit A to commit B, entry by entry.

    A is HEAD~1 and B is HEAD unless given. Entries are matched by their id, so one that was
    edited or moved is shown as that, with the difference in tokens.

    \b
    Examples:
      tract diff
      tract diff HEAD~5
      tract diff main import/chat-7
    """
    with call.open() as t:
        found = t.diff(a, b)
        if call.json:
            call.screen.document(found)
            return
        call.screen.page(list(report.diff_lines(found)))


@command("search")
@click.argument("text", required=False, metavar="[TEXT]")
@click.option("--regex", metavar="PATTERN", help="Look for a regular expression instead.")
@click.option("--type", "kind", metavar="KIND", help="Only entries of this kind, such as tool_io.")
@click.option("--author", metavar="NAME", help="Only what somebody of this name wrote last.")
@click.option("--since", metavar="TIME", help="Only what was written at this time or later.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="How many entries to show; 0 shows all.",
)
def search(
    call: Call,
    text: str | None,
    regex: str | None,
    kind: str | None,
    author: str | None,
    since: str | None,
    limit: int,
) -> None:
    """Find the entries that say something, newest place first.

    TEXT is literal, in any case. Looked at are the entries of the branch as they stand now,
    skipped ones too: their text, names, and tool calls. PATTERN is a regular expression of
    Python's; (?i) in front makes it caseless. Each line has the place, the entry and its role.

    \b
    Examples:
      tract search "out of memory"
      tract search --regex 'order-[0-9]{6}' --type tool_io
      tract --branch import/chat-7 search refund --since 2026-11-25 --limit 5
    """
    options = {"regex": regex, "content_type": kind, "author": author, "since": since}
    with call.open() as t:
        found = t.search(text, **options, limit=limit + 1 if limit else None)
    hits = found[:limit] if limit else found
    if call.json:
        call.screen.document(hits)
        return
    call.screen.page([report.hit_line(hit) for hit in hits])
    if not hits:
        call.screen.note("Nothing found.")
    if len(found) > len(hits):
        call.screen.note(f"There are more than {number(limit, 'entry', 'entries')}; -n 0 shows all")


@command("fsck")
@click.option("--repair", is_flag=True, help="Mend what can be mended; nothing is deleted.")
def fsck(call: Call, repair: bool) -> None:
    """Check the repository: its files, git's objects, every entry, refs and notes.

    Ends with exit code 8 if something is wrong, and names it.

    --repair sets damaged files aside in .tract/tract/damaged, makes again what can be made, and
    moves a branch that is not whole to its newest whole commit, and on with what came after and
    can be read. It then ends with 0, unless something harmful is left.

    \b
    Examples:
      tract fsck
      tract fsck --json
      tract fsck --repair
    """
    screen = call.screen
    problems = call.mend() if repair else []
    with call.open() as t:
        problems += t.fsck(repair=repair)
    left = [each for each in problems if not each.repaired]
    if call.json:
        screen.document({"sound": not left, "problems": problems})
    else:
        for problem in problems:
            screen.say(*report.problem_line(problem))
            if problem.hint:
                screen.say(Paint("  hint: ", "yellow"), problem.hint)
    if len(left) < len(problems):
        screen.note(f"{number(len(problems) - len(left), 'problem')} repaired")
    if left:
        screen.note(number(len(left), "problem"))
    if any(not (repair and each.is_harmless) for each in left):
        raise click.exceptions.Exit(CorruptRepo.exit_code)
    if not problems:
        screen.note("Sound: nothing is wrong.")


class PassThrough(click.Command):
    """A command that hands on every argument as it stands, options and `--` among them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take everything; only a lone `--help` or `-h` is for us."""
        if args in (["--help"], ["-h"]):
            return super().parse_args(ctx, args)
        ctx.params["args"] = tuple(args)
        return []


@click.command(
    "git",
    cls=PassThrough,
    context_settings=CONTEXT,
    options_metavar="",
)
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
@pass_call
def git(call: Call, args: tuple[str, ...]) -> None:
    """Run stock git on the repository, whatever directory you are in.

    Everything after `git` is git's, and so is the exit code. Options of tract go before `git`.

    \b
    Examples:
      tract git log --stat
      tract git blame main -- 000/00/00.system.md
    """
    if call.json:
        raise UsageError("`tract git` prints what git prints, and has no --json", "leave it out")
    with call.open() as t, patient():
        code = t.git(*args)
    raise click.exceptions.Exit(code if code >= 0 else INTERRUPTED - code)
