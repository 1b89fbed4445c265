"""write.py - the commands that write: init, the three speakers, commit, edit, cancel-tool-calls.

A text is stored byte for byte as it was given: neither an argument, a file nor standard input
loses or gains a newline on its way.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from tract.cli import report
from tract.cli.options import (
    Call,
    command,
    edited_text,
    given_text,
    may_edit,
    parse_json,
    read_target,
    text_options,
)
from tract.cli.render import Paint
from tract.errors import RepoNotFound, UsageError

if TYPE_CHECKING:
    from tract.porcelain.commit_info import CommitInfo
    from tract.tract import Tract

PRIORITIES = ("skip", "normal", "important", "pinned")

# The field of a kind that TEXT fills, and the options that go with the kind. A kind without a
# text field takes its fields as a JSON object in TEXT.
KINDS: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "instruction": ("text", ("name",)),
    "dialogue": ("text", ("role", "name", "tool_calls")),
    "tool_io": ("payload", ("tool_name", "tool_call_id", "direction", "status")),
    "reasoning": ("text", ("signature",)),
    "artifact": ("content", ("artifact_type", "language")),
    "output": ("text", ("format",)),
    "freeform": (None, ()),
    "session": (None, ()),
}


@command("init")
@click.argument("directory", required=False, type=click.Path(), metavar="[DIR]")
def init(call: Call, directory: str | None) -> None:
    """Make a repository: the folder `.tract` in DIR, or in the current directory.

    Where there is one already, nothing is changed.

    \b
    Examples:
      tract init
      tract init notes/support
    """
    from tract.tract import Tract

    path = directory or os.environ.get("TRACT_DIR") or os.curdir
    try:
        t, made = Tract.open(path, create=False), False
    except RepoNotFound:
        t, made = Tract.open(path), True
    with t:
        if call.json:
            call.screen.document({"path": t.path, "created": made})
        elif made:
            call.screen.note("Made an empty tract repository in ", Paint(t.path, "green"))
        else:
            call.screen.note(Paint(t.path, "green"), " is already a tract repository")


def about_entry(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that every writing command has."""
    for option in (
        click.option("--author", metavar="NAME", help='Who said it, as "Name <mail>".'),
        click.option("--metadata", metavar="JSON", help="A JSON object of your own, or @PATH."),
        click.option(
            "--priority", type=click.Choice(PRIORITIES), help="How it fares when space is short."
        ),
        click.option("-m", "--message", metavar="TEXT", help="The commit message."),
    ):
        function = option(function)
    return function


generation_option = click.option(
    "--generation-config",
    metavar="JSON",
    help="How the answer was made: model, temperature, …, a JSON object, or @PATH.",
)
usage_option = click.option(
    "--usage", metavar="JSON", help="What the provider counted for it, a JSON object, or @PATH."
)


def write(call: Call, verb: Callable[[Tract], CommitInfo]) -> None:
    """Open the repository, write, and say what was written."""
    with call.open() as t:
        tell(call, verb(t))


def tell(call: Call, info: CommitInfo) -> None:
    """Print a commit that was written."""
    if call.json:
        call.screen.document(info)
    elif not call.quiet:
        call.screen.say(*report.written(info))


def spoken(text: str | None, file: str | None, *, optional: bool = False) -> str:
    """The text that was given; without one the editor, if somebody is there to use it.

    Raises:
        UsageError: no text, and none came out of an editor.
    """
    given = given_text(text, file)
    if given is not None:
        return given
    if optional:
        return ""
    if not may_edit():
        raise UsageError(
            "no text was given", "give it as an argument, with -F FILE, or as - on standard input"
        )
    written = edited_text("")
    if not written.strip():
        raise UsageError("the editor left no text, so nothing was written", "write it and save")
    return written


def about(given: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of the options of `about_entry`."""
    metadata = parse_json(given.pop("metadata"), "--metadata", dict)
    given["metadata"] = metadata
    settings = given.pop("generation_config", None)
    given["generation_config"] = parse_json(settings, "--generation-config", dict)
    given["usage"] = parse_json(given.pop("usage", None), "--usage", dict)
    return {key: value for key, value in given.items() if value is not None}


@command("system")
@text_options
@about_entry
def system(call: Call, text: str | None, file: str | None, **given: Any) -> None:
    """Write a system prompt, or a later instruction. It is pinned.

    Without TEXT, on a terminal, your editor opens. TEXT may be - for standard input; put -- before
    a text that begins with a dash.

    \b
    Examples:
      tract system "You are a helpful assistant."
      tract system -F prompt.md
    """
    write(call, lambda t: t.system(spoken(text, file), **about(given)))


@command("user")
@text_options
@click.option("--name", metavar="NAME", help="Who of several users says it.")
@about_entry
def user(call: Call, text: str | None, file: str | None, **given: Any) -> None:
    """Write what the user says.

    Without TEXT, on a terminal, your editor opens. TEXT may be - for standard input; put -- before
    a text that begins with a dash.

    \b
    Examples:
      tract user "What is a monad?"
      git diff | tract user -
      tract user -- "-5 degrees, why?"
    """
    write(call, lambda t: t.user(spoken(text, file), **about(given)))


@command("assistant")
@text_options
@click.option("--name", metavar="NAME", help="Which of several assistants says it.")
@click.option(
    "--tool-calls",
    metavar="JSON",
    help="The tool calls of the turn, a JSON list in OpenAI's shape, or @PATH.",
)
@generation_option
@usage_option
@about_entry
def assistant(
    call: Call, text: str | None, file: str | None, tool_calls: str | None, **given: Any
) -> None:
    """Write what the assistant says, and the tools it calls.

    With --tool-calls the text may be left out. TEXT may be - for standard input; put -- before a
    text that begins with a dash.

    \b
    Examples:
      tract assistant "A monoid in the category of endofunctors."
      tract assistant --tool-calls @calls.json
      tract assistant "Yes." --generation-config '{"model": "gpt-4o", "temperature": 0}'
    """
    calls = parse_json(tool_calls, "--tool-calls", list)
    write(
        call,
        lambda t: t.assistant(
            spoken(text, file, optional=bool(calls)), tool_calls=calls, **about(given)
        ),
    )


@command("commit")
@text_options
@click.option(
    "--type",
    "kind",
    metavar="KIND",
    default="dialogue",
    show_default=True,
    help=f"{', '.join(KINDS)}, or a registered name that begins with x-.",
)
@click.option("--role", help="dialogue: system, user or assistant. Default: user.")
@click.option("--name", metavar="NAME", help="instruction, dialogue: who of several speaks.")
@click.option("--tool-calls", metavar="JSON", help="dialogue: a JSON list, or @PATH.")
@click.option("--tool-call-id", metavar="ID", help="tool_io: the call that this answers.")
@click.option("--tool-name", metavar="NAME", help="tool_io: the name of the tool.")
@click.option("--direction", help="tool_io: result (the default) or call.")
@click.option("--status", metavar="WORD", help="tool_io: how it went, such as error.")
@click.option("--signature", metavar="TEXT", help="reasoning: the provider's signature.")
@click.option("--artifact-type", metavar="WORD", help="artifact: what it is, such as file.")
@click.option("--language", metavar="WORD", help="artifact: its language, such as python.")
@click.option("--format", metavar="WORD", help="output: its format, such as markdown.")
@click.option("--operation", metavar="NAME", help="Another operation than append: x-NAME.")
@click.option(
    "--response-to", type=read_target, metavar="TARGET", help="The entry that it answers."
)
@click.option("--at", metavar="TIME", help="When it was said, such as 2026-11-25T09:30.")
@generation_option
@usage_option
@about_entry
def commit(call: Call, text: str | None, file: str | None, kind: str, **given: Any) -> None:
    """Write an entry of any kind.

    TEXT is what was said; for freeform, session and registered kinds it is a JSON object of the
    entry's fields. TEXT may be - for standard input.

    \b
    Examples:
      tract commit --type tool_io --tool-call-id call_1 '{"seats": 4}'
      tract commit --type artifact --language python -F app.py
      tract commit --type session '{"session_type": "handoff", "summary": "Half done."}'
    """
    fields = fields_of(kind, given)
    optional = kind == "dialogue" and bool(fields.get("tool_calls"))

    def verb(t: Tract) -> CommitInfo:
        content = content_of(kind, spoken(text, file, optional=optional), fields)
        return t.commit(content, **about(given))

    write(call, verb)


def fields_of(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """Take the options that go with a kind out of what was given.

    Raises:
        UsageError: the kind is unknown, or an option goes with another kind.
    """
    if kind not in KINDS and not kind.startswith("x-"):
        raise UsageError(f"{kind} is no kind of entry", f"kinds are {', '.join(KINDS)} and x-NAME")
    fields = {}
    for name in sorted({name for _, names in KINDS.values() for name in names}):
        value = given.pop(name)
        if value is None:
            continue
        if name not in KINDS.get(kind, (None, ()))[1]:
            owners = [other for other, (_, names) in KINDS.items() if name in names]
            option = "--" + name.replace("_", "-")
            raise UsageError(
                f"{option} does not go with --type {kind}", f"it goes with {', '.join(owners)}"
            )
        fields[name] = parse_json(value, "--tool-calls", list) if name == "tool_calls" else value
    return fields


def content_of(kind: str, text: str, fields: dict[str, Any]) -> dict[str, Any]:
    """The content as the facade takes it: a dict with content_type."""
    slot = KINDS.get(kind, (None, ()))[0]
    if slot is not None:
        roles = {"role": "user"} if kind == "dialogue" else {}
        return {"content_type": kind, **roles, **fields, slot: text}
    inner = parse_json(text, f"the text of --type {kind}", dict)
    if kind == "freeform":
        return {"content_type": kind, "payload": inner}
    return {**inner, "content_type": kind}


@command("edit")
@click.argument("target", type=read_target, metavar="TARGET")
@text_options
@generation_option
@about_entry
def edit(call: Call, target: str | int, text: str | None, file: str | None, **given: Any) -> None:
    """Change the text of an entry; it keeps its place and its id, and the old text its history.

    TARGET is a place such as `:12`, the letters of an entry id, or a commit. Without TEXT the
    entry's text opens in $VISUAL or $EDITOR; leaving it as it was writes nothing.

    \b
    Examples:
      tract edit :0 "You are terse."
      tract edit :12
      tract edit HEAD -F better.md -m "say it better"
    """

    def verb(t: Tract) -> CommitInfo:
        new = given_text(text, file)
        if new is None:
            new = from_editor(t.entry(target).text)
        return t.edit(target, new, **about(given))

    write(call, verb)


def from_editor(text: str) -> str:
    """What the user's editor makes of the text of an entry.

    Raises:
        UsageError: there is neither a terminal nor an editor that was named.
    """
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not named and not may_edit():
        raise UsageError(
            "there is no terminal to edit on", "give the new text as an argument, or set EDITOR"
        )
    return edited_text(text)


@command("record-usage")
@click.argument("usage", metavar="JSON")
@click.argument("target", type=read_target, required=False, metavar="[TARGET]")
def record_usage(call: Call, usage: str, target: str | int | None) -> None:
    """Keep what a provider counted for an answer, and what it cost.

    JSON is the object `usage` of OpenAI's or Anthropic's API, or @PATH; `cost_usd` in it is kept
    too. TARGET is the answer's entry or commit; without it, the newest commit.

    \b
    Examples:
      tract record-usage '{"prompt_tokens": 412, "completion_tokens": 88, "cost_usd": 0.0019}'
      tract record-usage @usage.json :12
    """
    counted = parse_json(usage, "the usage", dict)
    with call.open() as t:
        info = t.record_usage(counted, target=target)
        if call.json:
            call.screen.document(info)
        elif not call.quiet:
            call.screen.lines(report.generation_lines(info))


@command("cancel-tool-calls")
@click.option(
    "--reason",
    metavar="TEXT",
    default="cancelled",
    show_default=True,
    help="What each result says.",
)
def cancel_tool_calls(call: Call, reason: str) -> None:
    """Answer every open tool call with a result that says why there is none.

    Providers refuse a conversation in which a call is unanswered; after this it compiles.

    \b
    Examples:
      tract cancel-tool-calls
      tract cancel-tool-calls --reason "the user closed the window"
    """
    with call.open() as t:
        commits = t.cancel_tool_calls(reason)
        if call.json:
            call.screen.document(commits)
            return
        for info in commits:
            tell(call, info)
        if not commits:
            call.screen.note("No tool call is open.")
