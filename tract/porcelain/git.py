"""git.py - run the stock git program on the repository, for whoever wants to look or to doubt."""

from __future__ import annotations

from tract.plumbing.program import run_git
from tract.porcelain.workspace import Workspace


def git(ws: Workspace, *args: str) -> int:
    """Run stock git on this repository, its output to the terminal; returns its exit code.

    Raises:
        GitMissing: it is not installed.
    """
    ws.check_open()
    return run_git(ws.repo, *args, capture=False).returncode
