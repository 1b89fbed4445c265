"""program.py - start the stock git program, on this repository and on no other.

`--git-dir` alone does not override GIT_OBJECT_DIRECTORY and its like, which are set inside a hook;
so every variable that says which repository is meant is taken out of the environment.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from typing import BinaryIO

from tract.errors import GitMissing
from tract.plumbing.repo import Repo

# git rev-parse --local-env-vars, and the few others that say which repository is meant.
_LOCATING = frozenset(
    f"GIT_{name}"
    for name in (
        "ALTERNATE_OBJECT_DIRECTORIES CEILING_DIRECTORIES COMMON_DIR CONFIG CONFIG_COUNT "
        "CONFIG_PARAMETERS DIR GRAFT_FILE IMPLICIT_WORK_TREE INDEX_FILE INDEX_VERSION "
        "INTERNAL_SUPER_PREFIX NAMESPACE NO_REPLACE_OBJECTS OBJECT_DIRECTORY PREFIX "
        "QUARANTINE_PATH REPLACE_REF_BASE SHALLOW_FILE WORK_TREE"
    ).split()
)


def git_program(repo: Repo) -> str:
    """The path of the stock git program.

    Raises:
        GitMissing: it is not on PATH.
    """
    found = shutil.which("git", path=repo.environ.get("PATH"))
    if found is None:
        raise GitMissing("the git program is not installed", "install git and repeat")
    return found


def git_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what would lead git to another repository (as in a hook)."""
    return {
        name: value
        for name, value in environ.items()
        if name not in _LOCATING and not name.startswith(("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"))
    }


def run_git(
    repo: Repo, *args: str, capture: bool = True, stdin: BinaryIO | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run stock git on this repository and on no other; output is captured, or passes through."""
    return subprocess.run(
        [git_program(repo), f"--git-dir={repo.path}", *args],
        env=git_environment(repo.environ),
        stdin=stdin or (subprocess.DEVNULL if capture else None),
        capture_output=capture,
        check=False,
    )
