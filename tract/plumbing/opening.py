"""opening.py - what a repository cannot be opened without: HEAD, its configuration, two folders.

Judged by the files alone, since libgit2 does not open what it misses, or takes a HEAD that was cut
off for another branch, and a repository without configuration for one with a work tree.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

import pygit2

from tract.plumbing import reflog
from tract.plumbing.ref_names import HEAD, stored_value

_HEAD = re.compile(rb"(?:ref: refs/heads/[^\0-\x20\x7f~^:?*\[\\]+|[0-9a-f]{40})\s*\Z")
_PARTS_MIN = 2


class BadFile(NamedTuple):
    """A file by its path in the repository, and what is wrong with it."""

    path: str
    what: str


def is_nul(data: bytes) -> bool:
    """Whether there is nothing but NUL, as a power cut leaves it."""
    return not data.strip(b"\0")


def looks_like_one(folder: str) -> bool:
    """Whether a folder is what is left of a repository: two of the parts that each one has."""
    folders = [os.path.isdir(os.path.join(folder, name)) for name in ("objects", "refs")]
    files = [os.path.isfile(os.path.join(folder, name)) for name in (HEAD, "config")]
    return any(folders) and sum(folders + files) >= _PARTS_MIN


def fault_of_head(folder: str) -> str | None:
    """What is wrong with HEAD: no branch and no commit, or a name that is cut off."""
    try:
        with open(os.path.join(folder, HEAD), "rb") as file:
            data = file.read(4096)
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if not data:
        return "has 0 bytes"
    if is_nul(data):
        return "holds nothing but NUL"
    if not _HEAD.match(data):
        return "names no branch and no commit"
    is_cut = not data.endswith(b"\n") and data.startswith(b"ref: ")
    if is_cut and not is_known(folder, data[5:].decode("utf-8", "replace")):
        return "is cut off"
    return None


def is_known(folder: str, ref: str) -> bool:
    """Whether there is such a ref, or was: it has a log."""
    has_log = reflog.last_line(os.path.join(folder, ""), ref) is not None
    return has_log or stored_value(folder, ref) is not None


def fault_of_config(folder: str) -> str | None:
    """What is wrong with the repository's own configuration: git always says `core.bare`."""
    path = os.path.join(folder, "config")
    try:
        with open(path, "rb") as file:
            data = file.read()
        if not data:
            return "has 0 bytes"
        if b"\0" in data:
            return "holds NUL"
        own = pygit2.Config(path)
        if "core.bare" not in own:
            return "has lost core.bare"
        own.get_bool("core.bare")
    except FileNotFoundError:
        return "is missing"
    except (pygit2.GitError, ValueError, OSError) as error:
        return f"cannot be read ({error})"
    return None


def faults_of_opening(folder: str) -> list[BadFile]:
    """What keeps the repository from being opened, or from being what it is."""
    missing = [
        BadFile(name, "is missing")
        for name in ("objects", "refs")
        if not os.path.isdir(os.path.join(folder, name))
    ]
    found = {HEAD: fault_of_head(folder), "config": fault_of_config(folder)}
    return missing + [BadFile(name, what) for name, what in found.items() if what is not None]
