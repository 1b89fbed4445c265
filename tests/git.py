"""git.py - stock git, as the judge of what we write.

Every call gets a clean environment: no GIT_* variable, no user's or system's configuration, a
fixed identity and date, so what a test commits by hand has the same id everywhere.
"""

import os
import subprocess
from pathlib import Path

FIXED = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Stock Git",
    "GIT_AUTHOR_EMAIL": "stock@example.org",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_NAME": "Stock Git",
    "GIT_COMMITTER_EMAIL": "stock@example.org",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
    "LC_ALL": "C",
}


class GitFailed(AssertionError):
    """A git command did not exit with 0; the message holds the command and its stderr."""


def clean_environment() -> dict[str, str]:
    """The process's environment without git's variables, and with the fixed ones."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | FIXED


def git_bytes(repo: str | os.PathLike[str], *args: str, stdin: bytes = b"") -> bytes:
    """Run git on the repository directory `repo` and return its stdout, byte for byte.

    Raises:
        GitFailed: git exited with another status than 0.
    """
    command = ["git", f"--git-dir={os.fspath(repo)}", *args]
    ran = subprocess.run(
        command, input=stdin, capture_output=True, env=clean_environment(), check=False
    )
    if ran.returncode:
        said = ran.stderr.decode(errors="replace").strip()
        raise GitFailed(f"git {' '.join(args)} exited with {ran.returncode}: {said}")
    return ran.stdout


def git(repo: str | os.PathLike[str], *args: str, stdin: str = "") -> str:
    """Like `git_bytes`, as text; line ends stay as they are, one newline at the end is cut."""
    said = git_bytes(repo, *args, stdin=stdin.encode("utf-8", "surrogateescape"))
    return said.decode("utf-8", "surrogateescape").removesuffix("\n")


def fsck_complaints(repo: str | os.PathLike[str]) -> list[str]:
    """What `git fsck --strict --full` finds wrong in `repo`, one line a finding."""
    assert Path(repo).is_dir(), f"no repository at {repo}"
    command = ["git", f"--git-dir={os.fspath(repo)}", "fsck", "--strict", "--full"]
    ran = subprocess.run(
        [*command, "--no-dangling", "--no-progress"],
        capture_output=True,
        env=clean_environment(),
        check=False,
        text=True,
        errors="replace",
    )
    lines = (ran.stdout + ran.stderr).splitlines()
    found = [line for line in lines if line.strip() and not line.startswith("notice:")]
    if ran.returncode and not found:
        found = [f"git fsck exited with {ran.returncode}"]
    return found


def fsck_clean(repo: str | os.PathLike[str]) -> None:
    """Assert that `git fsck --strict --full` finds nothing wrong in `repo`."""
    found = fsck_complaints(repo)
    assert not found, "git fsck --strict: " + "; ".join(found)
