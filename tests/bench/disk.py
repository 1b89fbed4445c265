"""disk.py - what lies on disk: apparent bytes, loose objects, and what stock git gc leaves."""

import os
import subprocess
from pathlib import Path

from tests.bench.data import Repositories


def apparent_bytes(path: Path) -> int:
    """The bytes of all files: objects, notes, refs, reflogs; the derived index apart."""
    total, folders = 0, [str(path)]
    while folders:
        with os.scandir(folders.pop()) as found:
            for each in found:
                if each.is_dir(follow_symlinks=False):
                    folders.append(each.path)
                elif not each.name.startswith("index.sqlite"):
                    total += each.stat(follow_symlinks=False).st_size
    return total


def loose_objects(path: Path) -> int:
    """How many objects lie in files of their own."""
    return sum(1 for _ in path.glob("objects/??/*"))


def packs(path: Path) -> list[Path]:
    """The packs."""
    return list(path.glob("objects/pack/*.pack"))


def collected(repositories: Repositories, path: Path) -> Path:
    """A copy on which stock git gc was run, without options."""
    copy = repositories.copy(path)
    git(copy, "gc", "--quiet")
    return copy


def git(path: Path, *args: str) -> str:
    """What stock git prints."""
    command = ["git", f"--git-dir={path}", *args]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def damage(path: Path) -> str | None:
    """What stock git fsck finds wrong; None where all is well."""
    command = ["git", f"--git-dir={path}", "fsck", "--strict", "--no-dangling", "--no-progress"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [
        line for line in (ran.stdout + ran.stderr).splitlines() if not line.startswith("notice:")
    ]
    if ran.returncode or found:
        return f"git fsck: {'; '.join(found[:3]) or ran.returncode}"
    return None
