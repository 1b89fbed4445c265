"""test_suite.py - the suite itself: nothing of the user reaches a test, nothing is left out unsaid.

What `conftest.py`, `git.py` and `soak.py` promise is tried on small suites in a folder of their
own, each run by a pytest of its own.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pygit2
import pytest

from tests import soak
from tests.conftest import CORPUS_FILE
from tests.git import GitFailed, fsck_clean, git, git_bytes

HERE = Path(__file__).parent
SUITE = """
import pytest

@pytest.mark.corpus
def test_marked(): pass

def test_asks_for_it(corpus): pass

def test_plain(say): say("hello from a test")
"""


def run_suite(folder: Path, text: str, *args: str, corpus: str | None = None) -> str:
    """Run a suite that has our conftest.py in a new pytest; what it printed."""
    shutil.copy(HERE / "conftest.py", folder)
    (folder / "test_it.py").write_text(text, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  corpus: x\n", encoding="utf-8")
    unset = {"TRACT_CORPUS", "TRACT_SOAK", "PYTEST_ADDOPTS"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment["PYTHONPATH"] = str(HERE.parent)
    if corpus is not None:
        environment["TRACT_CORPUS"] = corpus
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *args, str(folder)]
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return ran.stdout + ran.stderr


@pytest.mark.parametrize(("workers", "corpus"), [("0", None), ("2", None), ("0", "nowhere")])
def test_corpus_is_left_out_in_one_line(tmp_path: Path, workers: str, corpus: str | None) -> None:
    """Without the corpus its tests are left out, and one line says how many; workers or not."""
    printed = run_suite(tmp_path, SUITE, "-n", workers, corpus=corpus)
    told = [line for line in printed.splitlines() if "left out" in line]
    assert len(told) == 1
    assert told[0].startswith("2 tests left out: set TRACT_CORPUS to the folder that holds ")
    assert "1 passed" in printed
    assert "skipped" not in printed


def test_corpus_is_used(tmp_path: Path) -> None:
    """With the corpus its tests run, and nothing is left out."""
    (tmp_path / CORPUS_FILE).write_text("", encoding="utf-8")
    printed = run_suite(tmp_path, SUITE, "-n", "2", corpus=str(tmp_path))
    assert "3 passed" in printed
    assert "left out" not in printed


def test_deselected_corpus_is_not_counted(tmp_path: Path) -> None:
    """A test that `-k` has taken out anyway is not told as left out."""
    printed = run_suite(tmp_path, SUITE, "-k", "plain or marked")
    assert "1 test left out" in printed


def test_said_lines_are_printed(tmp_path: Path) -> None:
    """What a passing test says stands in the summary once."""
    assert run_suite(tmp_path, SUITE, "-n", "2").count("hello from a test") == 1


def test_no_git_variable_is_set() -> None:
    """No variable of git's but the one that shuts the system's configuration out is set."""
    assert [name for name in os.environ if name.startswith("GIT_")] == ["GIT_CONFIG_NOSYSTEM"]


def test_home_is_empty() -> None:
    """The home that tests see is an empty folder."""
    assert list(Path.home().iterdir()) == []


def test_libgit2_sees_no_configuration(tmp_path: Path) -> None:
    """libgit2 finds no configuration but the repository's own."""
    repo = pygit2.init_repository(tmp_path / "r", bare=True)
    assert not [entry.name for entry in repo.config if entry.name.startswith(("user.", "alias."))]
    with pytest.raises(OSError, match="gitconfig"):
        pygit2.Config.get_global_config()


def test_git_raises_with_its_words(tmp_path: Path) -> None:
    """A failing git command raises, with what git said."""
    pygit2.init_repository(tmp_path / "r", bare=True)
    with pytest.raises(GitFailed, match=r"rev-parse --verify HEAD exited with 128: fatal"):
        git(tmp_path / "r", "rev-parse", "--verify", "HEAD")


def test_git_keeps_line_ends(tmp_path: Path) -> None:
    """What git prints arrives byte for byte; as text without the last newline."""
    pygit2.init_repository(tmp_path / "r", bare=True)
    name = git(tmp_path / "r", "hash-object", "-w", "--stdin", stdin="a\r\nb\r\n\n")
    assert git(tmp_path / "r", "cat-file", "blob", name) == "a\r\nb\r\n"
    assert git_bytes(tmp_path / "r", "cat-file", "blob", name) == b"a\r\nb\r\n\n"


def test_git_ids_are_the_same_everywhere(tmp_path: Path) -> None:
    """A commit made by hand has a fixed id: identity and date are pinned."""
    pygit2.init_repository(tmp_path / "r", bare=True)
    tree = git(tmp_path / "r", "mktree")
    commit = git(tmp_path / "r", "commit-tree", tree, "-m", "first")
    assert commit == "7e0b0a8b75002e2b7fb3d2cdc374dc9975e14e12"


def test_fsck_clean_can_fail(tmp_path: Path) -> None:
    """A whole repository is clean, one with a damaged object is not."""
    repo = tmp_path / "r"
    pygit2.init_repository(repo, bare=True)
    name = git(repo, "hash-object", "-w", "--stdin", stdin="text")
    fsck_clean(repo)
    path = repo / "objects" / name[:2] / name[2:]
    path.chmod(0o644)
    path.write_bytes(b"damaged")
    with pytest.raises(AssertionError, match="git fsck --strict"):
        fsck_clean(repo)


LAWS = '''
import hypothesis, hypothesis.stateful
from hypothesis import strategies as st

class Machine(hypothesis.stateful.RuleBasedStateMachine):
    """Random steps change nothing."""

    @hypothesis.stateful.rule()
    def step(self): pass

TestMachine = Machine.TestCase
TestMachine.settings = hypothesis.settings(max_examples=5, stateful_step_count=2, derandomize=True)

@hypothesis.settings(max_examples=7)
@hypothesis.given(st.integers())
def test_examples(n):
    """Any number | is a number.

    More words.
    """

def test_counted(runs):
    """A counted law."""
    runs(1234)

def test_broken():
    """A broken law."""
    assert False
'''


def test_soak_writes_the_table(tmp_path: Path) -> None:
    """Each law stands in the table with its sentence, the number tried and the result."""
    table = tmp_path / "SOAK.md"
    plugin = (
        f"from pathlib import Path\nfrom tests import soak\nsoak.TABLE = Path({str(table)!r})\n"
    )
    (tmp_path / "elsewhere.py").write_text(plugin, encoding="utf-8")
    args = ("-p", "tests.soak", "-p", "elsewhere", "-n", "2")
    printed = run_suite(tmp_path, LAWS, *args)
    assert "4 laws written" in printed
    rows = [line for line in table.read_text("utf-8").splitlines() if "test_it.py" in line]
    assert sorted(rows) == [
        "| A broken law. | test_it.py | 1 | **broken** |",
        "| A counted law. | test_it.py | 1,234 | held |",
        "| Any number \\| is a number. | test_it.py | 7 | held |",
        "| Random steps change nothing. | test_it.py | 5 | held |",
    ]


def test_examples_are_counted() -> None:
    """Examples of every phase are added up, invalid ones are not counted."""
    text = "reuse: 3 passing, 0 failing, and 9 invalid test cases\n- 40 passing, 2 failing, and 1"
    assert soak.examples_in(text) == 45
