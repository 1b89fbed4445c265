"""conftest.py - run the command: inside this process for speed, or as a real one.

Each test works in an empty directory of its own.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., Result]
Spawn = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `tract` in this process: `run("log", "--json").stdout`; a bug raises here."""
    monkeypatch.chdir(tmp_path)
    from tract.cli.main import cli

    def call(*args: str, stdin: bytes | str = b"", **env: str) -> Result:
        runner = CliRunner(env=env)
        return runner.invoke(cli, list(args), input=stdin, catch_exceptions=False)

    return call


@pytest.fixture
def repo(run: Run) -> Run:
    """Like `run`, in a directory with a repository of two entries."""
    for words in (("init",), ("system", "Be brief."), ("user", "Hello there.")):
        assert run(*words).exit_code == 0
    return run


def environment(**more: str) -> dict[str, str]:
    """The environment of a real process, which finds this checkout's tract."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def command(*args: str) -> list[str]:
    """The command line of a real process."""
    return [sys.executable, "-m", "tract", *args]


@pytest.fixture
def spawn(tmp_path: Path) -> Spawn:
    """Run `python -m tract` as a real process."""

    def call(*args: str, stdin: bytes = b"", **env: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            command(*args),
            input=stdin,
            capture_output=True,
            cwd=tmp_path,
            env=environment(**env),
            check=False,
        )

    return call
