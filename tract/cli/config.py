"""config.py - the command config: settings kept in the repository, listed, read, set, accepted.

As git's: `config list`, `config get KEY`, `config set KEY VALUE`, `config unset KEY`; and `config
accept`, because what a clone brought is shown and does nothing until somebody says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import click

from tract.cli.options import CONTEXT, SHARED, Call, command, format_sections, pass_call
from tract.cli.render import Line, Paint, flat
from tract.errors import UsageError

if TYPE_CHECKING:
    from tract.porcelain.in_force import WaitingDocument


class Subcommands(click.Group):
    """A command that has commands, and takes the shared options too."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params = [*self.params, *SHARED]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the options."""
        self.format_commands(ctx, formatter)
        format_sections(self, ctx, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; who gives a key alone is told how it is read and set."""
        if args[0] not in self.commands and not ctx.resilient_parsing:
            raise UsageError(
                f"there is no command {ctx.command_path} {args[0]}",
                f"it is one of {', '.join(self.commands)}, such as {ctx.command_path} get KEY",
            )
        return super().resolve_command(ctx, args)


@click.group(
    "config",
    cls=Subcommands,
    context_settings=CONTEXT,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
)
@pass_call
@click.pass_context
def config(context: click.Context, call: Call) -> None:
    """Show and change the settings kept in the repository.

    Keys are encoding, budget, budget.action, and chat.FIELD (or default, merge, compress,
    orchestrate, message) with FIELD model, temperature and so on, or any other name. What says
    where to send or who pays is never kept. What a clone brought waits until it is accepted.

    \b
    Examples:
      tract config
      tract config set chat.model gpt-4o
      tract config accept chat
    """
    if context.invoked_subcommand is None:
        _list(call, only_waiting=False)


@command("list")
@click.option("--waiting", is_flag=True, help="Show only what is not in force, and why.")
def list_(call: Call, waiting: bool) -> None:
    """List the settings in force, then what waits and why.

    \b
    Examples:
      tract config list
      tract config list --waiting
    """
    _list(call, only_waiting=waiting)


def _list(call: Call, *, only_waiting: bool) -> None:
    with call.open() as t:
        pairs, waiting = t.config.items(), t.config.waiting()
    if call.json:
        settings = {} if only_waiting else {"settings": dict(pairs)}
        call.screen.document(settings | {"waiting": waiting})
        return
    lines: list[Line] = [] if only_waiting else [_pair(*pair) for pair in pairs]
    if lines and waiting:
        lines.append(())
    for each in waiting:
        lines += _shown(each)
    call.screen.page(lines)
    if not lines:
        call.screen.note("Nothing waits." if only_waiting else "No settings.")


def _pair(key: str, value: Any, *, is_whole: bool = False) -> Line:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return (Paint(key, "green"), "=", flat(text, len(text)) if is_whole else flat(text))


def _shown(each: WaitingDocument, *, is_whole: bool = False) -> Iterator[Line]:
    """A document that is not in force: where it stands, why, and what it says."""
    yield (Paint("not in force: ", "yellow"), each.path, Paint(f"  {each.reason}", dim=True))
    for key, value in each.values.items():
        yield ("  ", *_pair(flat(key), value, is_whole=is_whole))


@command("get")
@click.argument("key", metavar="KEY")
def get(call: Call, key: str) -> None:
    """Print the value of a setting; exit code 3 if it is not set.

    \b
    Examples:
      tract config get budget
      tract config get chat.model
    """
    with call.open() as t:
        value = t.config[key]
    if call.json:
        call.screen.document({"key": key, "value": value})
    elif isinstance(value, str):
        call.screen.say(value)
    else:
        call.screen.say(json.dumps(value, ensure_ascii=False))


# A number such as -0.5 is a value, and no option.
@command("set", context_settings={**CONTEXT, "ignore_unknown_options": True})
@click.argument("key", metavar="KEY")
@click.argument("value", metavar="VALUE")
def set_(call: Call, key: str, value: str) -> None:
    """Keep a setting in the repository, for everybody who writes there.

    VALUE is JSON where it reads as a number, true, false, a list, an object or a quoted text,
    else a text. The encoding, a model and an action are always texts.

    \b
    Examples:
      tract config set budget 100000
      tract config set chat.model gpt-4o
      tract config set chat.stop_sequences '["END"]'
      tract config set chat '{"model": "gpt-4o", "temperature": 0.2}'
    """
    from tract.content.setting import is_text

    with call.open() as t:
        changed = t.config.set(key, value if is_text(key) else _parsed(value))
        now = t.config.get(key)
    if call.json:
        call.screen.document({"key": key, "value": now, "changed": changed})
    else:
        call.screen.note("" if changed else "unchanged: ", *_pair(key, now))


def _parsed(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text
    return text if value is None else value


def _refuse(said: str) -> NoReturn:
    raise ValueError(said)


@command("unset")
@click.argument("key", metavar="KEY")
def unset(call: Call, key: str) -> None:
    """Take a setting away, or all of a thing such as chat, whoever wrote it.

    \b
    Examples:
      tract config unset chat.temperature
      tract config unset chat
    """
    with call.open() as t:
        changed = t.config.unset(key)
    if call.json:
        call.screen.document({"key": key, "changed": changed})
    else:
        call.screen.note("unset " if changed else "not set: ", flat(key))


@command("accept")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Accept all that may be accepted.")
def accept(call: Call, names: tuple[str, ...], everything: bool) -> None:
    """Put in force here what somebody else wrote, and show what that is.

    NAME is what `tract config list` shows: chat, budget. What says where to send or who pays is
    never accepted.

    \b
    Examples:
      tract config accept chat
      tract config accept --all
    """
    if bool(names) == everything:
        raise UsageError("name what to accept, or say --all", "tract config list shows what waits")
    with call.open() as t:
        waiting = t.config.waiting()
        by_name = {each.name: each for each in waiting}
        able = [each for each in waiting if each.can_accept]
        for each in able if not call.json else ():
            if everything or each.name in names:
                call.screen.lines(_shown(each, is_whole=True))
        chosen = able if everything else [by_name.get(name, name) for name in names]
        accepted = t.config.accept(*chosen) if chosen else []
    if call.json:
        call.screen.document({"accepted": accepted})
    else:
        said = ", ".join(each.name for each in accepted)
        call.screen.note(f"Accepted: {said}" if said else "Nothing was accepted.")


for one in (list_, get, set_, unset, accept):
    config.add_command(one)
