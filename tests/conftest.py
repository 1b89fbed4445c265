"""conftest.py - what every test may take for granted.

No variable, configuration or home of the user reaches a test: the process's environment is
cleaned once, before anything is collected. The fixtures import tract inside themselves, so that
`test_tidy.py` can still say what is wrong with a package that does not import.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pygit2
import pytest

if TYPE_CHECKING:
    from tract.tract import Tract

CORPUS_FILE = "airline-conversations.jsonl"
LEFT_OUT = pytest.StashKey[int]()
HOME = pytest.StashKey[str]()
CLEARED = {"TRACT_DIR", "NO_COLOR", "FORCE_COLOR", "EDITOR", "VISUAL", "PAGER", "LESS"}

pytest.register_assert_rewrite("tests.git")

hypothesis.settings.register_profile(
    "default", max_examples=40, derandomize=True, deadline=None, database=None
)
hypothesis.settings.register_profile(
    "soak", max_examples=2000, deadline=None, database=None, print_blob=True
)
hypothesis.settings.load_profile("soak" if os.environ.get("TRACT_SOAK") else "default")


def isolate(home: str) -> None:
    """Cut this process and its children off from the user's git and shell settings."""
    for name in [name for name in os.environ if name.startswith("GIT_") or name in CLEARED]:
        del os.environ[name]
    os.environ |= {"HOME": home, "XDG_CONFIG_HOME": home, "GIT_CONFIG_NOSYSTEM": "1", "TZ": "UTC"}
    time.tzset()
    levels = pygit2.enums.ConfigLevel
    for level in (levels.GLOBAL, levels.XDG, levels.SYSTEM):
        # libgit2 has read HOME already, when it was imported: tell it, too.
        pygit2.settings.search_path[level] = home


def corpus_file() -> Path | None:
    """The corpus, if TRACT_CORPUS names a folder that has it."""
    folder = os.environ.get("TRACT_CORPUS")
    path = Path(folder or os.devnull, CORPUS_FILE)
    return path if path.is_file() else None


def pytest_configure(config: pytest.Config) -> None:
    """Isolate each process, workers of pytest-xdist among them, once."""
    config.stash[HOME] = tempfile.mkdtemp(prefix="tract-home-")
    isolate(config.stash[HOME])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the empty home."""
    shutil.rmtree(config.stash.get(HOME, os.devnull), ignore_errors=True)


def needs_corpus(item: pytest.Item) -> bool:
    """Whether a test is marked `corpus`, or asks for the fixture and forgot the marker."""
    asked = "corpus" in getattr(item, "fixturenames", ())
    return asked or item.get_closest_marker("corpus") is not None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests marked `corpus` out where there is no corpus."""
    if corpus_file():
        return
    left_out = [item for item in items if needs_corpus(item)]
    if left_out:
        items[:] = [item for item in items if not needs_corpus(item)]
        config.hook.pytest_deselected(items=left_out)
        count_left_out(config, len(left_out))
        if hasattr(config, "workeroutput"):
            config.workeroutput["corpus_left_out"] = len(left_out)


def count_left_out(config: pytest.Config, number: int) -> None:
    """Remember the number for the summary; every worker reports the same one."""
    config.stash[LEFT_OUT] = max(number, config.stash.get(LEFT_OUT, 0))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over what a worker of pytest-xdist has left out."""
    output = getattr(node, "workeroutput", None) or {}
    count_left_out(node.config, output.get("corpus_left_out", 0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests had to `say`, and one line about the tests that were left out."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in getattr(report, "user_properties", []):
                if name == "says" and report.when == "call":
                    terminalreporter.write_line(str(value))
    number = terminalreporter.config.stash.get(LEFT_OUT, 0)
    if number:
        tests = "1 test" if number == 1 else f"{number} tests"
        terminalreporter.write_line(
            f"{tests} left out: set TRACT_CORPUS to the folder that holds {CORPUS_FILE} to run all."
        )


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Say a line in the terminal's summary, without failing and under pytest-xdist too."""
    return lambda line: record_property("says", line)


@pytest.fixture
def runs(record_property: Callable[[str, object], None]) -> Callable[[int], None]:
    """Tell how often a law was tried: the number stands in tests/SOAK.md."""
    return lambda number: record_property("runs", number)


@pytest.fixture
def soak() -> bool:
    """Whether this is `make soak`: run the number that the law names, not a small one."""
    return bool(os.environ.get("TRACT_SOAK"))


@pytest.fixture
def corpus() -> Path:
    """The file of real conversations; mark the test `corpus`, so that `-m corpus` finds it."""
    path = corpus_file()
    assert path, f"TRACT_CORPUS names no folder with {CORPUS_FILE}"
    return path


@pytest.fixture
def pinned() -> dict[str, Any]:
    """The clock and the random source of a test, as keyword arguments of `Tract.open`.

    The clock gives milliseconds since 1970, one second more at every call.
    """
    from tract.testing import PinnedClock, PinnedRandom

    clock = PinnedClock(start_ms=1_700_000_000_000, step_ms=1000)
    return {"clock": clock, "random": PinnedRandom(seed=1)}


@pytest.fixture
def t(tmp_path: Path, pinned: dict[str, Any]) -> Iterator["Tract"]:
    """A new, empty context with a pinned clock and random source."""
    from tract.tract import Tract

    with Tract.open(tmp_path / ".tract", **pinned) as opened:
        yield opened
