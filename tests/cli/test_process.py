"""test_process.py - real processes: terminals, pipes, signals, environments."""

import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Spawn, command, environment
from tests.git import git
from tract.tract import Tract

ESCAPE = b"\x1b["
CHAT = '[{"role": "user", "content": "Hi"}]'


@pytest.fixture
def filled(spawn: Spawn, tmp_path: Path) -> Spawn:
    """Like `spawn`, in a directory with a repository of two entries."""
    with Tract.open(tmp_path) as t:
        t.system("Be brief.")
        t.user("Hello there.")
    return spawn


def on_terminal(
    folder: Path, *args: str, stream: str = "stdout", stdin: bool = False, **env: str
) -> tuple[int, bytes]:
    """Run with one stream (and stdin, if asked) on a terminal: exit code, and what it shows."""
    master, slave = pty.openpty()
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | {stream: slave}
    process = subprocess.Popen(
        command(*args),
        stdin=slave if stdin else subprocess.DEVNULL,
        cwd=folder,
        env=environment(**({"TERM": "xterm"} | env)),
        stdout=streams["stdout"],
        stderr=streams["stderr"],
    )
    os.close(slave)
    shown = b""
    while chunk := read_terminal(master):
        shown += chunk
    os.close(master)
    process.communicate()
    return process.returncode, shown


def read_terminal(master: int) -> bytes:
    """Some bytes of what a terminal shows; empty when nobody has it open any more."""
    try:
        return os.read(master, 65536)
    except OSError:  # what Linux says then
        return b""


def test_python_m_tract(filled: Spawn) -> None:
    """`python -m tract` is the command."""
    ran = filled("log", "--oneline")
    assert ran.returncode == 0
    assert b"user: Hello there." in ran.stdout


def test_exit_code_of_an_error(spawn: Spawn) -> None:
    """The exit code of the process is the error's."""
    ran = spawn("log")
    assert (ran.returncode, ran.stdout) == (3, b"")
    assert b"Traceback" not in ran.stderr


def test_no_colour_in_a_pipe(filled: Spawn) -> None:
    """What is piped has no colour."""
    assert ESCAPE not in filled("log").stdout + filled("show", "nope").stderr


def test_colour_on_a_terminal(filled: Spawn, tmp_path: Path) -> None:
    """A terminal gets colour."""
    code, shown = on_terminal(tmp_path, "status")
    assert code == 0
    assert ESCAPE in shown


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (("status",), {"NO_COLOR": "1"}),
        (("status", "--no-color"), {}),
        (("--no-color", "status"), {}),
        (("status",), {"TERM": "dumb"}),
    ],
)
def test_no_colour_on_request(
    filled: Spawn, tmp_path: Path, words: tuple[str, ...], env: dict[str, str]
) -> None:
    """NO_COLOR, --no-color and a dumb terminal mean no colour."""
    code, shown = on_terminal(tmp_path, "-C", ".", *words, stream="stdout", stdin=False, **env)
    assert code == 0
    assert b"On branch main" in shown
    assert ESCAPE not in shown


def test_an_empty_no_color_means_nothing(filled: Spawn, tmp_path: Path) -> None:
    """NO_COLOR that is set to nothing leaves colour on."""
    assert ESCAPE in on_terminal(tmp_path, "status", NO_COLOR="")[1]


def test_pager(filled: Spawn, tmp_path: Path) -> None:
    """On a terminal the log goes through PAGER, in colour, with LESS set as git sets it."""
    code, shown = on_terminal(tmp_path, "log", PAGER="sh -c 'cat > paged; echo $LESS'")
    assert code == 0
    assert shown.strip() == b"FRX"
    assert ESCAPE in (tmp_path / "paged").read_bytes()


@pytest.mark.parametrize("pager", ["cat", "", "no-such-pager-anywhere", "'unbalanced"])
def test_no_pager(filled: Spawn, tmp_path: Path, pager: str) -> None:
    """Without a pager that works the log is printed."""
    code, shown = on_terminal(tmp_path, "log", PAGER=pager)
    assert code == 0
    assert b"user: Hello there." in shown


def test_pager_that_quits_early(filled: Spawn, tmp_path: Path) -> None:
    """Leaving the pager before the end is no error."""
    with Tract.open(tmp_path) as t:
        t.user("x" * 1_000_000)
    assert on_terminal(tmp_path, "show", PAGER="true")[0] == 0


def test_progress_bar(spawn: Spawn, tmp_path: Path) -> None:
    """import draws a progress bar on a terminal."""
    (tmp_path / "a.json").write_text(CHAT, encoding="utf-8")
    code, shown = on_terminal(tmp_path, "import", "a.json", stream="stderr")
    assert code == 0
    assert b"a.json" in shown


@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_no_progress_bar(spawn: Spawn, tmp_path: Path, option: str) -> None:
    """With --quiet and --json there is none."""
    (tmp_path / "a.json").write_text(CHAT, encoding="utf-8")
    assert on_terminal(tmp_path, option, "import", "a.json", stream="stderr") == (0, b"")


def test_no_progress_bar_in_a_pipe(spawn: Spawn, tmp_path: Path) -> None:
    """In a pipe there is none."""
    (tmp_path / "a.json").write_text(CHAT, encoding="utf-8")
    assert spawn("import", "a.json").stderr == b""


@pytest.mark.skipif(not Path("/dev/stdin").exists(), reason="needs /dev/stdin")
def test_import_of_a_pipe(spawn: Spawn) -> None:
    """A FILE may be a pipe, as a shell's `<(command)`: it is read once."""
    ran = spawn("import", "/dev/stdin", stdin=CHAT.encode())
    assert ran.returncode == 0, ran.stderr
    assert b"1 message" in ran.stdout


def test_editor_on_a_terminal(filled: Spawn, tmp_path: Path) -> None:
    """`tract user` without a text opens the editor, if there is a terminal."""
    (tmp_path / "edit.py").write_text(
        "import pathlib, sys\npathlib.Path(sys.argv[1]).write_bytes(b'Typed.\\n')\n", "utf-8"
    )
    editor = f"{shlex.quote(sys.executable)} edit.py"
    assert on_terminal(tmp_path, "user", stdin=True, EDITOR=editor)[0] == 0
    with Tract.open(tmp_path, create=False) as t:
        assert t.entry(2).text == "Typed."


def test_editor_that_leaves_nothing(filled: Spawn, tmp_path: Path) -> None:
    """An editor that leaves no text writes nothing: exit code 2."""
    code, shown = on_terminal(tmp_path, "user", stream="stderr", stdin=True, EDITOR="true")
    assert code == 2
    assert b"nothing was written" in shown


@pytest.mark.parametrize(
    "words", [("log", "-n", "0"), ("status",), ("--help",), ("compile", "--format", "dicts")]
)
def test_closed_pipe(filled: Spawn, tmp_path: Path, words: tuple[str, ...]) -> None:
    """If the reader goes away the command ends without a word."""
    process = subprocess.Popen(
        command(*words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment(),
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, said = process.communicate()
    assert (process.returncode, said) == (141, b"")


def test_closed_standard_output(filled: Spawn, tmp_path: Path) -> None:
    """A shell's `>&-` is no reason to fail."""
    line = f"exec {shlex.join(command('log'))} >&-"
    ran = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, env=environment(), capture_output=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_full_disk(filled: Spawn, tmp_path: Path) -> None:
    """Output that finds no space is one sentence and exit code 9."""
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(
            command("log"),
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=environment(),
            check=False,
        )
    assert ran.returncode == 9
    assert ran.stderr.startswith(b"error: ")
    assert b"Traceback" not in ran.stderr


def test_ctrl_c(filled: Spawn, tmp_path: Path) -> None:
    """Ctrl-C ends with 130 and no traceback, and writes nothing."""
    os.mkfifo(tmp_path / "slow")
    process = subprocess.Popen(
        command("user", "-F", "slow"), stderr=subprocess.PIPE, cwd=tmp_path, env=environment()
    )
    with (tmp_path / "slow").open("wb"):  # opens when the command has begun to read
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert (process.returncode, said) == (130, b"")
    with Tract.open(tmp_path, create=False) as t:
        assert t.status().commit_count == 2


def test_ascii_terminal(filled: Spawn, tmp_path: Path) -> None:
    """Where the encoding lacks a character it is spelled out."""
    with Tract.open(tmp_path) as t:
        t.user("漢")
    ran = filled("show", PYTHONIOENCODING="ascii")
    assert ran.returncode == 0
    assert b"\\u6f22" in ran.stdout


def test_standard_input_is_kept_byte_for_byte(filled: Spawn, tmp_path: Path) -> None:
    """A real pipe loses nothing either."""
    data = "\ufeffa\r\n\x00\x1b é\n\n".encode()
    assert filled("user", "-", stdin=data).returncode == 0
    with Tract.open(tmp_path, create=False) as t:
        assert t.entry(2).text.encode() == data


def test_argument_that_is_not_utf8(filled: Spawn, tmp_path: Path) -> None:
    """An argument of other bytes is refused with 2, and shown harmlessly."""
    ran = subprocess.run(
        [*command("user"), b"caf\xe9\x9b"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 2
    assert b"\x9b" not in ran.stderr


# Stock git


def test_git(filled: Spawn) -> None:
    """`tract git` runs stock git on the repository."""
    assert filled("git", "rev-list", "--count", "HEAD").stdout == b"2\n"


def test_git_takes_its_own_options(filled: Spawn) -> None:
    """Options, shared ones among them, and -- are git's after `git`."""
    said = filled("git", "log", "--no-color", "-1", "--format=%s", "--", "000/00/00.system.md")
    assert said.stdout == b"system: Be brief.\n"
    assert filled("git", "--version").stdout.startswith(b"git version")


def test_git_gives_its_exit_code(filled: Spawn) -> None:
    """The exit code is git's."""
    assert filled("git", "rev-parse", "--verify", "-q", "nope").returncode == 1
    assert filled("git", "nonsense").returncode == 1


def test_git_from_below(filled: Spawn, tmp_path: Path) -> None:
    """It works from a directory below, and with -C."""
    (tmp_path / "a").mkdir()
    assert filled("-C", "a", "git", "rev-parse", "HEAD").returncode == 0


def test_git_that_is_missing(filled: Spawn, tmp_path: Path) -> None:
    """Without git installed: one sentence, and exit code 9."""
    ran = filled("git", "log", PATH=str(tmp_path / "empty"))
    assert ran.returncode == 9
    assert ran.stderr.startswith(b"error: ")


@pytest.mark.parametrize(
    "words",
    [("user", "x"), ("log",), ("git", "log"), ("import", "a.json"), ("fsck",)],
    ids=" ".join,
)
def test_inside_a_git_hook(filled: Spawn, tmp_path: Path, words: tuple[str, ...]) -> None:
    """With git's variables set, as in a hook, the other repository is not touched."""
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run(["git", "init", "-q", str(other)], check=True, capture_output=True)
    (tmp_path / "a.json").write_text(CHAT, encoding="utf-8")
    inside = other / ".git"
    before = sorted(str(path) for path in inside.rglob("*"))
    ran = filled(
        *words,
        GIT_DIR=str(inside),
        GIT_WORK_TREE=str(other),
        GIT_INDEX_FILE=str(inside / "index"),
        GIT_OBJECT_DIRECTORY=str(inside / "objects"),
        GIT_PREFIX="sub/",
    )
    assert ran.returncode == 0, ran.stderr
    assert sorted(str(path) for path in inside.rglob("*")) == before
    assert int(git(tmp_path / ".tract", "rev-list", "--count", "HEAD")) >= 2


def test_control_characters_on_a_terminal(filled: Spawn, tmp_path: Path) -> None:
    """On a terminal the only escape sequences are our colours."""
    with Tract.open(tmp_path) as t:
        t.user("a\x1b]0;title\x07b\x9b31mc")
    _, shown = on_terminal(tmp_path, "show", PAGER="cat")
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).replace("\r\n", "\n")
    assert "a␛]0;title␇b\\x9b31mc" in text
    assert all(char.isprintable() or char == "\n" for char in text)
