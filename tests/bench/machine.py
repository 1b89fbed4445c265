"""machine.py - what a figure depends on: processor, memory, system, versions, our own commit."""

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

import pygit2

from tests.bench.rows import Machine

ROOT = Path(__file__).resolve().parents[2]


def this_machine() -> Machine:
    """The machine we run on, without its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        cores=os.cpu_count() or 1,
        memory_gib=round(memory / 2**30, 1),
        processor=_processor(),
        system=_system(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        git=_said("git", "version").removeprefix("git version "),
        libgit2=pygit2.LIBGIT2_VERSION,
        pygit2=importlib.metadata.version("pygit2"),
    )


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    if listed.is_file():
        found = re.search(r"^model name\s*: (.+)$", listed.read_text(encoding="utf-8"), re.M)
        if found:
            return found[1].strip()
    return _said("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()


def _system() -> str:
    if platform.system() != "Linux":
        return f"{platform.system()} {platform.mac_ver()[0] or platform.release()}".strip()
    try:
        named = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        named = "Linux"
    return f"{named}, kernel {'.'.join(platform.release().split('.')[:2])}"


def _said(*command: str) -> str:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return ran.stdout.strip()


def this_commit() -> str:
    """The commit of the checkout, and whether tract/ differs from it."""
    try:
        repo = pygit2.Repository(str(ROOT))
        commit = str(repo.head.target)[:12]
        changed = any(path.startswith("tract/") for path in repo.status())
    except pygit2.GitError:
        return "unknown"
    return f"{commit} with changes" if changed else commit
