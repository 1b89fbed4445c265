"""main.py - the command `tract`: its commands by family, and how errors become exit codes.

All errors end here: one of ours with its own exit code, a misuse of the command with 2, Ctrl-C
with 130, a closed pipe without a word. Anything else is a bug and keeps its traceback.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

import click

from tract.cli import config, demo, import_, move, read, write
from tract.cli.options import CONTEXT, SHARED, Call, command, format_sections, from_os_error
from tract.cli.render import Paint, Screen
from tract.errors import TractError, UsageError

INTERRUPTED = 130
PIPE_CLOSED = 141  # what a shell sees of a program that SIGPIPE ended, such as git
SHELLS = ("bash", "zsh", "fish")


class Commands(click.Group):
    """The group: lists its commands by family, and ends every call with an exit code."""

    def main(self, *args: Any, **settings: Any) -> NoReturn:
        """Run one call of the command, and exit."""
        given = settings.pop("args", args[0] if args else None)
        words = list(sys.argv[1:] if given is None else given)
        for stream in (sys.stdout, sys.stderr):
            # What a terminal's encoding lacks is escaped, instead of ending the command.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        sys.exit(ended(words, lambda: self._run(words, settings)))

    def _run(self, words: list[str], settings: dict[str, Any]) -> int:
        warnings.showwarning = _show_warning
        complete_var = settings.get("complete_var")
        self._main_shell_completion({}, "tract", complete_var)
        with self.make_context("tract", list(words)) as context:
            self.invoke(context)
        return 0

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by family, then the options."""
        self.format_commands(ctx, formatter)
        format_sections(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, a section a family."""
        for family, commands in FAMILIES.items():
            with formatter.section(family):
                formatter.write_dl(
                    [(one.name or "", one.get_short_help_str(limit=90)) for one in commands]
                )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a misspelt one is told which it is close to."""
        name = args[0]
        if name not in self.commands and not name.startswith("-") and not ctx.resilient_parsing:
            raise UsageError(f"there is no command {name}", suggestion(name, self.commands))
        return super().resolve_command(ctx, args)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Say a warning of the library in a line, without Python's place of it."""
    Screen().warn(Paint("warning: ", "yellow"), str(message))


def suggestion(name: str, known: Any) -> str:
    """What somebody may have meant."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else "tract --help lists the commands"


def ended(words: list[str], run: Callable[[], int]) -> int:
    """Run, print what went wrong, and give the exit code."""
    try:
        code = run()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        return code
    except click.exceptions.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        silence()
        return PIPE_CLOSED
    except TractError as error:
        return report(words, error)
    except click.ClickException as error:
        return report(words, from_click(error))
    except OSError as error:
        silence()
        return report(words, from_os_error(error))


def report(words: list[str], error: TractError) -> int:
    """Print an error; even a command line that cannot be read says whether it wants JSON."""
    own = words[: words.index("--")] if "--" in words else words
    screen = Screen(json="--json" in own, color="--no-color" not in own)
    with contextlib.suppress(OSError):
        screen.fail(error)
    return error.exit_code


def from_click(error: click.ClickException) -> TractError:
    """A misuse of the command as an error of ours, with the hint where to read on."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "tract"
    message, hint = error.format_message().rstrip("."), f"see {path} --help"
    if isinstance(error, click.NoSuchOption):
        message = f"there is no option {error.option_name}"
        close = sorted(error.possibilities or ())
        hint = f"did you mean {' or '.join(close)}?" if close else hint
    return UsageError(message[:1].lower() + message[1:], hint)


def silence() -> None:
    """Send what is still to be written nowhere, or the interpreter complains while it ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value or context.resilient_parsing:
        return
    from importlib import metadata

    try:
        number = metadata.version("tract-context")
    except metadata.PackageNotFoundError:
        number = "(not installed)"
    click.echo(f"tract {number}")
    context.exit()


@click.group(
    name="tract",
    cls=Commands,
    context_settings=CONTEXT,
    invoke_without_command=True,
    no_args_is_help=False,
    subcommand_metavar="COMMAND [ARGS]...",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Print the version.",
)
@click.pass_context
def cli(context: click.Context) -> None:
    """Version control for LLM context: every message a commit, in a git repository.

    The repository is the nearest .tract folder, or the one that TRACT_DIR names. Errors are one
    sentence and a hint; exit codes: 2 misuse, 3 not found, 4 conflict, 5 refused, 8 damaged, 9 the
    machine cannot. With --json an error is a document {"error": ...} on standard error.

    \b
    Examples:
      tract demo
      tract import chat.jsonl
      tract log
    """
    context.ensure_object(Call)
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@command("completion")
@click.argument("shell", type=click.Choice(SHELLS), metavar="bash|zsh|fish")
def completion(call: Call, shell: str) -> None:
    """Print the script that completes commands and options in your shell.

    \b
    Examples:
      eval "$(tract completion bash)"                              in ~/.bashrc
      eval "$(tract completion zsh)"                               in ~/.zshrc
      tract completion fish > ~/.config/fish/completions/tract.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(cli, {}, "tract", "_TRACT_COMPLETE").source()
    if call.json:
        call.screen.document({"shell": shell, "script": script})
    else:
        click.echo(script)


FAMILIES: dict[str, tuple[click.Command, ...]] = {
    "Begin": (demo.demo, write.init, import_.import_),
    "Write": (
        write.system,
        write.user,
        write.assistant,
        write.commit,
        write.edit,
        write.cancel_tool_calls,
        write.record_usage,
    ),
    "Read": (read.compile_, read.log, read.show, read.status, read.diff, read.search),
    "Move": (move.checkout, move.reset, move.undo, move.redo, move.operations),
    "Look after": (config.config, read.fsck, read.git, completion),
}
cli.params += SHARED
for family in FAMILIES.values():
    for one in family:
        cli.add_command(one)


def main() -> NoReturn:
    """The entry point of the command `tract`."""
    cli.main(prog_name="tract")
