"""test_tidy.py - the house is in order: each law holds for tract/, and can fail.

The laws are in `tidy.py`. Every one is tried on a small tree that breaks it, because a law that
cannot fail says nothing.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import tidy
from tests.tree import Module, read_package

ROOT = Path(__file__).resolve().parents[1]
Law = Callable[[list[Module]], list[str]]
Bad = Callable[[dict[str, str]], list[Module]]


@pytest.fixture(scope="module")
def package() -> list[Module]:
    """The parsed modules of tract/."""
    return read_package(ROOT)


@pytest.fixture
def tree(tmp_path: Path) -> Bad:
    """Write a small package, given as path below tract/ and text, and parse it."""

    def write(files: dict[str, str]) -> list[Module]:
        for name, text in files.items():
            path = tmp_path / "tract" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return read_package(tmp_path)

    return write


def nothing(said: list[str]) -> None:
    """Assert that a law has no complaint, and show all that it has."""
    assert not said, "\n".join(said)


def test_imports_go_down(package: list[Module]) -> None:
    """A module imports from lower floors and its own room only, wherever the import stands."""
    nothing(tidy.floors(package))


def test_no_cycles(package: list[Module]) -> None:
    """No module imports itself through others, function-level imports counted."""
    nothing(tidy.cycles(package))


def test_owners(package: list[Module]) -> None:
    """Each third-party package is imported by the room that owns it, and by nobody else."""
    nothing(tidy.owners(package))


def test_declared(package: list[Module]) -> None:
    """Every third-party import is declared in pyproject.toml."""
    nothing(tidy.undeclared(package, ROOT / "pyproject.toml"))


def test_no_dead_modules(package: list[Module]) -> None:
    """Every module is imported by another or is an entry point."""
    nothing(tidy.dead(package))


def test_names(package: list[Module]) -> None:
    """No name says Manager, Handler, Helper, Util, Factory, Base, Impl or Misc."""
    nothing(tidy.names(package))


def test_nothing_ambient(package: list[Module]) -> None:
    """Below the facade nothing reads the environment, the terminal, the clock or randomness."""
    nothing(tidy.ambient(package))


def test_facade_binds(package: list[Module]) -> None:
    """No function body in tract/tract.py is longer than one return statement."""
    nothing(tidy.facade(package))


def test_no_broad_except(package: list[Module]) -> None:
    """A broad `except` stands only where the list in tidy.py allows it."""
    nothing(tidy.broad(package))


def test_docstrings(package: list[Module]) -> None:
    """A module opens with its name, a dash and its job; a room has three lines."""
    nothing(tidy.docstrings(package))


def test_no_private_paths() -> None:
    """No file of the project names a path of somebody's machine."""
    nothing(tidy.private_paths(ROOT, ("tract", "tests", "examples", "docs", ".ci")))


def test_longest(package: list[Module], say: Callable[[str], None]) -> None:
    """The ten longest files and functions are told; being long fails nothing."""
    files, functions = tidy.longest(package)
    say(f"longest files: {', '.join(files)}")
    say(f"longest functions: {', '.join(functions)}")
    assert files
    assert len(functions) <= 10


# Each law, with a tree that breaks it and a part of what it must say about it.
BROKEN: list[tuple[str, Law, dict[str, str], str]] = [
    (
        "up, at the top",
        tidy.floors,
        {"plumbing/refs.py": "from tract.porcelain import log", "porcelain/log.py": ""},
        "tract.plumbing.refs:1 imports up: tract.porcelain.log",
    ),
    (
        "up, relative",
        tidy.floors,
        {"plumbing/refs.py": "from ..porcelain import log", "porcelain/log.py": ""},
        "imports up: tract.porcelain.log",
    ),
    (
        "up, in a function",
        tidy.floors,
        {"errors.py": "def f():\n    import tract.content.kinds", "content/kinds.py": ""},
        "tract.errors:2 imports up",
    ),
    (
        "up, under TYPE_CHECKING",
        tidy.floors,
        {
            "porcelain/log.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
            "    from tract.tract import Tract",
            "tract.py": "",
        },
        "tract.porcelain.log:3 imports up: tract.tract",
    ),
    (
        "up, by name",
        tidy.floors,
        {
            "agent/loop.py": "from importlib import import_module\nimport_module('tract.tract')",
            "tract.py": "",
        },
        "tract.agent.loop:2 imports up: tract.tract",
    ),
    (
        "up, from the package itself",
        tidy.floors,
        {"cli/main.py": "from tract import Tract", "__init__.py": ""},
        "tract.cli.main:1 imports up: tract",
    ),
    (
        "sideways",
        tidy.floors,
        {"plumbing/refs.py": "from tract.content.kinds import Kind", "content/kinds.py": ""},
        "imports sideways: tract.content.kinds",
    ),
    ("a room without a floor", tidy.floors, {"attic/box.py": ""}, "the room attic has no floor"),
    (
        "a cycle in a room",
        tidy.cycles,
        {
            "plumbing/a.py": "from tract.plumbing import b",
            "plumbing/b.py": "def f():\n    from . import c",
            "plumbing/c.py": "from tract.plumbing.a import x",
        },
        "tract.plumbing.a -> tract.plumbing.b -> tract.plumbing.c -> tract.plumbing.a",
    ),
    (
        "pygit2 above plumbing",
        tidy.owners,
        {"porcelain/log.py": "import pygit2"},
        "imports pygit2, which belongs to tract.plumbing",
    ),
    (
        "litellm outside the gateway",
        tidy.owners,
        {"llm/ask.py": "def f():\n    import litellm.utils"},
        "tract.llm.ask:2 imports litellm",
    ),
    (
        "litellm at the top of the gateway",
        tidy.owners,
        {"llm/gateway.py": "import litellm"},
        "at the top",
    ),
    (
        "tiktoken outside tokens",
        tidy.owners,
        {"content/codec.py": "import tiktoken"},
        "belongs to tract.content.tokens",
    ),
    (
        "rich below cli",
        tidy.owners,
        {"tract.py": "from rich.table import Table"},
        "belongs to tract.cli",
    ),
    (
        "click below cli",
        tidy.owners,
        {"porcelain/log.py": "import click"},
        "belongs to tract.cli",
    ),
    (
        "pydantic at the top",
        tidy.owners,
        {"porcelain/commit.py": "import pydantic"},
        "imports pydantic at the top",
    ),
    (
        "a module that nobody imports",
        tidy.dead,
        {"__init__.py": "", "plumbing/__init__.py": "", "plumbing/packs.py": ""},
        "tract.plumbing.packs is imported by nobody",
    ),
    ("a banned class", tidy.names, {"errors.py": "class RefManager: ..."}, "manager says nothing"),
    ("a banned function", tidy.names, {"errors.py": "def x_handler(): ..."}, "handler"),
    ("a banned method", tidy.names, {"errors.py": "class A:\n  def base(self): ..."}, "base"),
    ("a banned module", tidy.names, {"plumbing/ref_utils.py": ""}, "utils says nothing"),
    ("the environment", tidy.ambient, {"llm/ask.py": "import os\nos.environ.get('A')"}, ":2 uses"),
    ("a renamed module", tidy.ambient, {"agent/a.py": "import os as o\no.getenv('A')"}, "getenv"),
    (
        "a name imported from a module",
        tidy.ambient,
        {"agent/a.py": "from time import time as now\nnow()"},
        "uses time.time:",
    ),
    (
        "today",
        tidy.ambient,
        {"content/a.py": "from datetime import datetime as d\nd.now()"},
        "uses datetime.datetime.now",
    ),
    ("randomness", tidy.ambient, {"content/a.py": "import secrets"}, "imports secrets"),
    ("a random function", tidy.ambient, {"content/a.py": "from random import x"}, "imports random"),
    ("the terminal", tidy.ambient, {"content/a.py": "print('hello')"}, "calls print"),
    ("standard error", tidy.ambient, {"content/a.py": "import sys\nsys.stderr"}, "sys.stderr"),
    (
        "a body in the facade",
        tidy.facade,
        {"tract.py": "class Tract:\n  def log(self):\n    a = 1\n    return a"},
        "tract.tract:2 log has a body",
    ),
    (
        "a statement in the facade",
        tidy.facade,
        {"tract.py": "class Tract:\n  async def log(self):\n    '''Doc.'''\n    self.x = 1"},
        "log has a body",
    ),
    (
        "except Exception",
        tidy.broad,
        {"errors.py": "def f():\n  try:\n    g()\n  except Exception:\n    pass"},
        "tract.errors:4 catches everything in f",
    ),
    (
        "a bare except",
        tidy.broad,
        {"errors.py": "try:\n  g()\nexcept:\n  pass"},
        "catches everything in the module",
    ),
    (
        "everything in a tuple",
        tidy.broad,
        {"errors.py": "try:\n  g()\nexcept (OSError, BaseException) as e:\n  pass"},
        "catches everything",
    ),
    (
        "a way past the raise",
        tidy.broad,
        {"errors.py": "def f():\n  try: g()\n  except BaseException:\n    if x: return\n    raise"},
        "catches everything in f",
    ),
    (
        "suppress(Exception)",
        tidy.broad,
        {"errors.py": "import contextlib\nwith contextlib.suppress(Exception):\n  g()"},
        "catches everything",
    ),
    ("no docstring", tidy.docstrings, {"errors.py": ""}, 'opens with "errors.py - "'),
    (
        "another file's docstring",
        tidy.docstrings,
        {"errors.py": '"""error.py - every exception."""'},
        "tract.errors: its docstring opens",
    ),
    (
        "a short room",
        tidy.docstrings,
        {"plumbing/__init__.py": '"""git objects.\n\nAnd refs."""'},
        "tract.plumbing: its docstring says in three lines",
    ),
]


@pytest.mark.parametrize(
    ("law", "files", "part"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_law_can_fail(tree: Bad, law: Law, files: dict[str, str], part: str) -> None:
    """Each law complains about a tree that breaks it, once, and names the place."""
    said = law(tree(files))
    assert len(said) == 1
    assert part in said[0]


ORDERLY = {
    "__init__.py": '"""tract - a package.\n\nIn three\nlines.\n"""\nfrom importlib import '
    "import_module\n_WHERE = {'Tract': 'tract', 'Session': '.session'}",
    "__main__.py": '"""__main__.py - the command."""\nfrom tract.cli.main import main\n',
    "errors.py": '"""errors.py - every exception."""\n',
    "plumbing/__init__.py": '"""git objects and refs.\n\nImports errors.\nOpen refs.\n"""',
    "plumbing/refs.py": '"""refs.py - refs."""\nimport os\nimport pygit2\nimport time\n'
    "from tract import errors\nfrom . import revs\n"
    "try: x()\nexcept BaseException:\n  y()\n  raise\n"
    "time.monotonic()\ntime.sleep(0)\n"
    "def merge_base(repo, random): return random(8), os.path.join('a', 'b')\n",
    "plumbing/revs.py": '"""revs.py — revisions."""\n',
    "content/__init__.py": '"""What an entry is.\n\nImports errors.\nOpen tokens.\n"""',
    "content/tokens.py": '"""tokens.py - counts."""\nimport os\nos.environ.get("A")\n',
    "tract.py": '"""tract.py - binds."""\nfrom tract.content import tokens\n'
    "from tract.plumbing.refs import merge_base\nclass Tract:\n  def f(self):\n"
    '    """Doc."""\n    return 1\n  def g(self): ...\n  merge_base = merge_base\n',
    "session.py": '"""session.py - binds."""\nfrom tract.tract import Tract\n',
    "cli/__init__.py": '"""The terminal.\n\nImports all.\nOpen main.\n"""',
    "cli/main.py": '"""main.py - commands."""\nimport click\nfrom tract.tract import Tract\n'
    "print(click, Tract)\n",
}


@pytest.mark.parametrize(
    "law",
    [
        tidy.floors,
        tidy.cycles,
        tidy.owners,
        tidy.dead,
        tidy.names,
        tidy.ambient,
        tidy.facade,
        tidy.broad,
        tidy.docstrings,
    ],
)
def test_law_can_hold(tree: Bad, law: Law) -> None:
    """No law complains about a small tree in order, lazy imports by name among it."""
    nothing(law(tree(ORDERLY)))


def test_undeclared_can_fail(tree: Bad, tmp_path: Path) -> None:
    """An import that pyproject.toml does not declare is told, Python's own are not."""
    modules = tree({"plumbing/refs.py": "import os, pygit2, requests, langgraph"})
    told = tidy.undeclared(modules, ROOT / "pyproject.toml")
    assert [line.split()[2].rstrip(",") for line in told] == ["requests", "langgraph"]


def test_doors_may_use_extras(tree: Bad) -> None:
    """A module of adapters may import what an extra declares."""
    modules = tree({"adapters/graph.py": "import langgraph"})
    nothing(tidy.undeclared(modules, ROOT / "pyproject.toml"))


def test_broad_except_can_be_allowed(tree: Bad) -> None:
    """A place on the list may catch everything, another function of the module may not."""
    text = "def f():\n  try: g()\n  except Exception: pass\n"
    modules = tree({"porcelain/policy.py": text + text.replace("f()", "other()")})
    said = tidy.broad(modules, frozenset({"tract.porcelain.policy:f"}))
    assert len(said) == 1
    assert said[0].endswith("in other")


@pytest.mark.parametrize("path", ["work/main", "home/you/x", "Users/you/x", "root/x", "tmp/v/x"])
def test_private_path_can_fail(tmp_path: Path, path: str) -> None:
    """A path of somebody's machine is told with file and line."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text(f"fine\nsee `/{path}`\n", encoding="utf-8")
    said = tidy.private_paths(tmp_path, ["docs"])
    assert len(said) == 1
    assert said[0].startswith("docs/a.md:2 ")


@pytest.mark.parametrize(
    "text", ["https://example.org/home/you", "../work/x", "a/tmp/x", "src/root/x", "~/work/x"]
)
def test_other_paths_are_fine(tmp_path: Path, text: str) -> None:
    """Relative paths and addresses are no paths of a machine."""
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    nothing(tidy.private_paths(tmp_path, []))


def test_longest_counts(tree: Bad) -> None:
    """Files and functions are sorted by their lines, the longest first."""
    modules = tree({"errors.py": "def f():\n  return 1\n", "tract.py": "def g(): ...\n"})
    assert tidy.longest(modules) == (["errors.py 2", "tract.py 1"], ["errors.f 2", "tract.g 1"])
