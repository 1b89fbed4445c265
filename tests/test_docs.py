"""test_docs.py - documents that can fail.

What the README shows runs, what the command line and the API offer is on their pages, links lead
somewhere, and the examples stay short. Each check is also tried on a document that breaks it.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import docs, tidy
from tests.docs import ROOT

if TYPE_CHECKING:
    import click

README = ROOT / "README.md"
EXAMPLES = sorted((ROOT / "examples").glob("[0-9][0-9]_*.py"))
EXAMPLE_LINES_MAX = 60
NOT_RUN_MAX = 2


def nothing(said: list[str]) -> None:
    """Assert that a check has no complaint, and show all that it has."""
    assert not said, "\n".join(said)


def test_readme_python_runs(tmp_path: Path) -> None:
    """The Python of the README runs from top to bottom, in one namespace and an empty folder."""
    assert docs.run_python(README, tmp_path / "reader") == ""


def test_readme_console_runs(tmp_path: Path) -> None:
    """Every `$ tract` and `$ git` line of the README exits with 0, beside the example data."""
    folder = tmp_path / "reader"
    (folder / "examples").mkdir(parents=True)
    (folder / "examples" / "data").symlink_to(ROOT / "examples" / "data")
    nothing(docs.run_console(README, folder))


def test_readme_console_programs() -> None:
    """The console lines of the README need nothing but tract, git, make and pip."""
    nothing(docs.foreign_programs(README))


def test_readme_make_targets() -> None:
    """Every `make` target that a document names exists."""
    pages = docs.documents(ROOT)
    nothing([line for page in pages for line in docs.unknown_targets(page, ROOT / "Makefile")])


def test_readme_runs_nearly_all() -> None:
    """At most two blocks of the README are exempt from running."""
    exempt = [block.line for block in docs.blocks_of(README.read_text("utf-8")) if block.exempt]
    assert len(exempt) <= NOT_RUN_MAX


@pytest.mark.parametrize("example", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_example_runs(example: Path, tmp_path: Path) -> None:
    """An example runs offline in an empty folder, and stock git accepts what it leaves."""
    folder = tmp_path / "reader"
    assert docs.run([sys.executable, str(example)], folder) == ""
    nothing(docs.broken_repositories(folder))


@pytest.mark.parametrize("example", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_example_is_short(example: Path) -> None:
    """An example has fewer than 60 lines."""
    assert len(example.read_text("utf-8").splitlines()) < EXAMPLE_LINES_MAX


def test_example_statements(say: Callable[[str], None]) -> None:
    """No example needs more statements than it did: the interface does not get harder to use."""
    kept = json.loads((ROOT / "examples" / "statements.json").read_text("utf-8"))
    counted = {path.name: docs.statements_in(path.read_text("utf-8")) for path in EXAMPLES}
    wrong, told = docs.compare_statements(kept, counted)
    if told:
        say(told)
    nothing(wrong)


def commands() -> "Iterator[tuple[str, click.Command]]":
    """Every visible command of the command line, with the words that call it."""
    import click

    from tract.cli.main import cli

    row: list[tuple[str, click.Command]] = [("tract", cli)]
    while row:
        words, command = row.pop()
        yield words, command
        if isinstance(command, click.Group):
            context = click.Context(command, info_name=words)
            for name in command.list_commands(context):
                below = command.get_command(context, name)
                if below and not below.hidden:
                    row.append((f"{words} {name}", below))


def options() -> "Iterator[tuple[str, click.Option]]":
    """Every visible option of every command, with the words that call the command."""
    import click

    for words, command in commands():
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                yield words, option


def test_commands_have_help() -> None:
    """Every command and option has a help text."""
    silent = [words for words, command in commands() if not (command.help or "").strip()]
    silent += [f"{words} {option.opts[-1]}" for words, option in options() if not option.help]
    nothing(silent)


def test_cli_page_is_complete() -> None:
    """Every command and every option of the command line is on docs/cli.md."""
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    missing = [words for words, _ in commands() if not docs.mentions(page, words)]
    for words, option in options():
        names = [*option.opts, *option.secondary_opts]
        missing += [f"{words} {name}" for name in names if not docs.mentions(page, name)]
    nothing(missing)


def test_api_page_is_complete() -> None:
    """Every public name, and every public method of Tract, is on docs/api.md."""
    import tract
    from tract.tract import Tract

    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    methods = [
        name
        for name in dir(Tract)
        if not name.startswith("_")
        and (callable(getattr(Tract, name)) or isinstance(getattr(Tract, name), property))
    ]
    assert methods
    nothing([name for name in [*tract.__all__, *methods] if not docs.mentions(page, name)])


def test_public_names_exist() -> None:
    """Every name in `tract.__all__` can be imported."""
    import tract

    nothing([name for name in tract.__all__ if not hasattr(tract, name)])


def test_links_resolve() -> None:
    """Every link between documents leads to a file and a heading that exist."""
    pages = docs.documents(ROOT)
    nothing([line for page in pages for line in docs.broken_links(page, ROOT)])


def test_format_ships_with_the_code() -> None:
    """The repository format is described beside the code that writes it."""
    page = ROOT / "tract" / "plumbing" / "FORMAT.md"
    assert page.read_text("utf-8").startswith("# ")


def test_documents_name_no_private_path() -> None:
    """No document names a path of somebody's machine."""
    told = tidy.private_paths(ROOT, ("docs", "tract", "tests", "examples"))
    nothing([line for line in told if ".md:" in line])


# From here on, the checks themselves.


@pytest.fixture
def page(tmp_path: Path) -> Callable[[str], Path]:
    """Write a document."""

    def write(text: str) -> Path:
        path = tmp_path / "PAGE.md"
        path.write_text(text, encoding="utf-8")
        return path

    return write


Page = Callable[[str], Path]


def test_blocks_share_a_namespace(page: Page, tmp_path: Path) -> None:
    """A later Python block sees the names of an earlier one."""
    document = page("```python\nx = 1\n```\ntext\n```python\nassert x == 1\n```\n")
    assert docs.run_python(document, tmp_path / "reader") == ""


def test_failing_block_names_its_line(page: Page, tmp_path: Path) -> None:
    """A block that raises fails, with the line of the document."""
    document = page("# Title\n\n```python\nx = 1\nassert x == 2\n```\n")
    said = docs.run_python(document, tmp_path / "reader")
    assert "line 5" in said
    assert "AssertionError" in said


def test_exempt_block(page: Page, tmp_path: Path) -> None:
    """A block after `<!-- not run -->` does not run, and is counted as exempt."""
    document = page("<!-- not run -->\n\n```python\nassert False\n```\n")
    assert docs.run_python(document, tmp_path / "reader") == ""
    assert [block.exempt for block in docs.blocks_of(document.read_text("utf-8"))] == [True]


def test_network_is_refused(page: Page, tmp_path: Path) -> None:
    """A block that reaches for another machine fails."""
    document = page("```python\nimport socket\nsocket.create_connection(('192.0.2.1', 80))\n```\n")
    assert "reached for the network" in docs.run_python(document, tmp_path / "reader")


def test_loopback_is_allowed(page: Page, tmp_path: Path) -> None:
    """A block may talk to a server of its own on this machine."""
    program = (
        "import socket\ns = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(s.getsockname()).close()\ns.close()\n"
    )
    assert docs.run_python(page(f"```python\n{program}```\n"), tmp_path / "reader") == ""


def test_console_runs_git(page: Page, tmp_path: Path) -> None:
    """A git line runs in the folder of the lines before it; what they print is no command."""
    document = page("```console\n$ git init -q a\n$ git -C a rev-parse --git-dir\n.git\n```\n")
    nothing(docs.run_console(document, tmp_path / "reader"))
    assert (tmp_path / "reader" / "a" / ".git").is_dir()


def test_console_failure_is_told(page: Page, tmp_path: Path) -> None:
    """A line that exits with another status than 0 is told."""
    document = page("```console\n$ git rev-parse --verify \\\n    nothing\n```\n")
    said = docs.run_console(document, tmp_path / "reader")
    assert len(said) == 1
    assert said[0].startswith("PAGE.md: $ git rev-parse --verify     nothing: exit 128")


def test_console_leaves_some_lines(page: Page, tmp_path: Path) -> None:
    """make, pip and what would ask a network is not run."""
    text = "```console\n$ make nothing\n$ pip install nothing\n$ git clone https://x.invalid/y\n```"
    nothing(docs.run_console(page(text), tmp_path / "reader"))


def test_foreign_program_is_told(page: Page) -> None:
    """A console line may not need a program that is not on the list."""
    document = page("```console\n$ tract log\n$ curl example.org\n```\n```sh\n$ wget x\n```\n")
    assert docs.foreign_programs(document) == ["PAGE.md: curl example.org"]


def test_unknown_target_is_told(page: Page, tmp_path: Path) -> None:
    """A make target that is only in the document is told."""
    makefile = tmp_path / "Makefile"
    makefile.write_text("demo: x\n\techo\n", encoding="utf-8")
    document = page("`make demo` or\n```console\n$ make dinner\n```\nand make nothing of it")
    assert docs.unknown_targets(document, makefile) == ["PAGE.md: make dinner"]


def test_statements_are_counted() -> None:
    """Statements inside a function or loop count, expressions do not."""
    assert (
        docs.statements_in("def f():\n    for x in y:\n        g(x)\n    return [a for a in b]")
        == 4
    )


@pytest.mark.parametrize(
    ("kept", "counted", "part"),
    [
        ({"01_a.py": 3}, {"01_a.py": 4}, "grew from 3 to 4"),
        ({}, {"01_a.py": 4}, 'add "01_a.py": 4'),
        ({"01_a.py": 3}, {}, "is gone"),
    ],
)
def test_statements_can_fail(kept: dict[str, int], counted: dict[str, int], part: str) -> None:
    """An example that grew, is new or is gone fails, with what to do."""
    wrong, told = docs.compare_statements(kept, counted)
    assert len(wrong) == 1
    assert part in wrong[0]
    assert told == ""


def test_shrinking_example_is_told() -> None:
    """An example that shrank fails nothing, and the new number is told."""
    wrong, told = docs.compare_statements(
        {"01_a.py": 3, "02_b.py": 5}, {"01_a.py": 2, "02_b.py": 5}
    )
    assert wrong == []
    assert told.endswith('"01_a.py": 2')


@pytest.mark.parametrize(
    ("link", "fine"),
    [
        ("PAGE.md", True),
        ("PAGE.md#a-b-c", True),
        ("#a-b-c", True),
        ("#a-b-c-1", True),
        ("https://example.org/x", True),
        ("mailto:a@example.org", True),
        ("folder/", True),
        ("NOPE.md", False),
        ("#nope", False),
        ("PAGE.md#in-code", False),
        ("../outside.md", False),
    ],
)
def test_links_are_followed(page: Page, tmp_path: Path, link: str, fine: bool) -> None:
    """A link to a file or heading of the checkout must lead there; others are not followed."""
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (tmp_path / "outside.md").write_text("")
    text = (
        f"# A `b` C\n\n# A b: C!\n\n[x]({link})\n\n```\n# in code\n[y](gone.md)\n```\n`[z](gone)`\n"
    )
    document = page(text).rename(root / "PAGE.md")
    assert (docs.broken_links(document, root) == []) is fine


def test_reference_links_are_followed(page: Page, tmp_path: Path) -> None:
    """A link written as a reference is followed, too."""
    assert len(docs.broken_links(page("[x][1]\n\n[1]: gone.md\n"), tmp_path)) == 1


def test_mentions_whole_words() -> None:
    """A name counts as mentioned only as a word of its own."""
    assert docs.mentions("use `--at` or `t.log()`", "log")
    assert docs.mentions("use `--at=X`", "--at")
    assert not docs.mentions("use `--at-time`", "--at")
    assert not docs.mentions("the catalog", "log")


def test_broken_repository_is_told(tmp_path: Path) -> None:
    """A repository that stock git complains about is found, wherever the example left it."""
    folder = tmp_path / "reader"
    repo = folder / "deep" / ".tract"
    assert docs.run(["git", "init", "-q", "--bare", str(repo)], folder) == ""
    nothing(docs.broken_repositories(folder))
    bad = repo / "objects" / "ab"
    bad.mkdir()
    (bad / ("c" * 38)).write_bytes(b"no object")
    assert docs.broken_repositories(folder)
