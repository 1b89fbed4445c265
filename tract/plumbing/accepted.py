"""accepted.py - which documents of the meta ref are in force here: those written or accepted here.

`.tract/tract/accepted` holds the blob id of each, a line each. It does not travel with a clone, so
what a stranger's repository says is inert. Lost or emptied, everything is inert until it is
accepted again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from tract.plumbing.failures import storage_error
from tract.plumbing.repo import Repo

_LINE = re.compile(rb"^([0-9a-f]{40})\n", re.M)


def read_accepted(repo: Repo) -> frozenset[str]:
    """The blob ids that were accepted; a line that is not whole says nothing."""
    try:
        with open(_path(repo), "rb") as file:
            return frozenset(found.decode() for found in _LINE.findall(file.read()))
    except OSError:
        return frozenset()  # what cannot be read accepts nothing


def accepted_stamp(repo: Repo) -> tuple[int, int, int] | None:
    """What changes whenever the file does; None where there is none."""
    try:
        found = os.stat(_path(repo))
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def accept(repo: Repo, blobs: Iterable[str]) -> None:
    """Add blob ids; called before a ref moves to what holds them, the write lock being held.

    Raises:
        StorageFull, ReadOnly: they could not be written.
    """
    fresh = sorted(set(blobs) - read_accepted(repo))
    if not fresh:
        return
    try:
        _append(repo, "".join(f"{blob}\n" for blob in fresh).encode())
    except OSError as error:
        raise storage_error(error, "write down what is accepted") from error


def _append(repo: Repo, lines: bytes) -> None:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    file = os.open(_path(repo), flags, 0o666)
    try:
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            lines = b"\n" + lines  # behind a line that a power cut tore
        if os.write(file, lines) < len(lines):
            raise OSError("no space left")
        if repo.is_durable:
            os.fsync(file)
    finally:
        os.close(file)
    if repo.is_durable and not size:
        _sync_folder(os.path.dirname(_path(repo)))


def _sync_folder(path: str) -> None:
    """Flush the name of a file that is new."""
    folder = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _path(repo: Repo) -> str:
    return os.path.join(repo.path, "tract", "accepted")
