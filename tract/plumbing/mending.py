"""mending.py - put back what git cannot do without: HEAD, the configuration, refs, packed-refs.

Works on files alone. The write lock is held, and git's own lock for the file, which stays empty:
the new file is written in `.tract/tract/` and renamed into its place. So a kill leaves the damaged
file or the new one, and whoever takes the write lock next removes the lock (lock.py) without
taking the newest line of the log for the dead writer's. What was damaged is set aside before.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tract.errors import RepoLocked
from tract.plumbing import reflog
from tract.plumbing.damage import fault_of_packed_refs
from tract.plumbing.failures import storage_error
from tract.plumbing.lock import WriteLock
from tract.plumbing.opening import is_known
from tract.plumbing.quarantine import Quarantine
from tract.plumbing.ref_names import HEAD, HEADS, OBJECT_ID, stored_value
from tract.plumbing.reflog import NOTHING
from tract.plumbing.repo import CONFIGURATION, DEFAULT_BRANCH

FOREIGN_WAIT_S = 5.0
_POLL_S = 0.005
_PUT_BACK = "put-back"
_PACKED = re.compile(rb"^([0-9a-f]{40}) ([^\0-\x20\x7f]+)\n", re.M)


def mend_folder(folder: str, name: str) -> str:
    """Make a folder of git's again, empty; what was done, in words."""
    try:
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    except OSError as error:
        raise storage_error(error, f"make {name}") from error
    return "it was made again, empty"


def mend_head(folder: str, lock: WriteLock, aside: Quarantine) -> str:
    """Let HEAD name the branch that it most likely stood on; what was done, in words."""
    value = _likely_head(folder)
    with locked_file(folder, lock, HEAD):
        if os.path.exists(os.path.join(folder, HEAD)):
            aside.copy(HEAD)
        put_file(folder, HEAD, value.encode() + b"\n")
    return f"HEAD is {value} now; if it was another branch: tract checkout NAME"


def _likely_head(folder: str) -> str:
    """Where the newest switch led, if that is still there, else main, else what moved last."""
    for line in reflog.read_lines(os.path.join(folder, ""), HEAD):
        went = reflog.switch_of(line)
        if went is not None:
            if OBJECT_ID.match(went[1]):
                return went[1]
            if is_known(folder, HEADS + went[1]):
                return f"ref: {HEADS}{went[1]}"
            break
    return f"ref: {HEADS}{_likely_branch(folder)}"


def _likely_branch(folder: str) -> str:
    if is_known(folder, HEADS + DEFAULT_BRANCH):
        return DEFAULT_BRANCH
    newest: tuple[float, str] = (0.0, DEFAULT_BRANCH)
    top = os.path.join(folder, "logs", HEADS)
    for where, _, names in os.walk(top):
        for path in (os.path.join(where, name) for name in names):
            branch = os.path.relpath(path, top)
            if stored_value(folder, HEADS + branch) is not None:
                newest = max(newest, (os.stat(path).st_mtime, branch))
    return newest[1]


def mend_config(folder: str, aside: Quarantine) -> str:
    """Write the configuration anew, as init does; what was done, in words."""
    is_bare = os.path.basename(os.path.normpath(folder)) != ".git"
    core = {"core.repositoryformatversion": "0", "core.bare": str(is_bare).lower()}
    lines: dict[str, list[str]] = {}
    for key, value in (core | CONFIGURATION).items():
        section, _, name = key.partition(".")
        lines.setdefault(section, []).append(f"\t{name} = {value}\n")
    text = "".join(f"[{section}]\n{''.join(each)}" for section, each in lines.items())
    if os.path.exists(os.path.join(folder, "config")):
        aside.copy("config")
    put_file(folder, "config", text.encode())
    return "it was written anew; a name, mail or remote that it held is to be set again"


def mend_packed_refs(
    folder: str, lock: WriteLock, aside: Quarantine, more: Mapping[str, str]
) -> str:
    """Write packed-refs anew: its lines that can be read, and `more`; what was done, in words."""
    path = os.path.join(folder, "packed-refs")
    with locked_file(folder, lock, "packed-refs"):
        held = dict(more)
        if fault_of_packed_refs(folder) is not None:
            with open(path, "rb") as file:
                lines = _PACKED.findall(file.read())
            held |= {os.fsdecode(name): value.decode() for value, name in lines}
            aside.copy("packed-refs")
        body = "".join(f"{held[name]} {name}\n" for name in sorted(held))
        put_file(folder, "packed-refs", os.fsencode(body))
    return f"{len(held)} of its refs were put back"


def put_ref(folder: str, lock: WriteLock, name: str, value: str, *, found: bytes | None) -> bool:
    """Write a ref's file anew, where it still holds `found` (None: it is missing); else False.

    The value is the newest that its log tells of, so no line is added.
    """
    with locked_file(folder, lock, name):
        if content(folder, name) != found:
            return False
        put_file(folder, name, value.encode() + b"\n")
    return True


def content(folder: str, name: str) -> bytes | None:
    """The bytes of a ref's file; None where there is none."""
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read(4096)
    except OSError:
        return None


def newest_logged(folder: str, name: str) -> str | None:
    """The value that the newest line of a ref's log tells of; None where that is none."""
    line = reflog.last_line(os.path.join(folder, ""), name)
    return line.new if line is not None and line.new not in ("", NOTHING) else None


@contextmanager
def locked_file(folder: str, lock: WriteLock, name: str) -> Iterator[None]:
    """Hold git's lock for a file, which was announced, so that it does not outlive a kill."""
    path = os.path.join(folder, f"{name}.lock")
    is_ref = name != "packed-refs"
    lock.announce(name if is_ref else "refs/", _PUT_BACK if is_ref else NOTHING)
    try:
        _create(path)
        try:
            yield
        finally:
            os.unlink(path)
    finally:
        lock.withdraw()


def _create(path: str) -> None:
    deadline = time.monotonic() + FOREIGN_WAIT_S
    while True:
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
            return
        except FileExistsError:
            if time.monotonic() > deadline:
                raise RepoLocked(
                    f"another program holds {path}",
                    "wait for that program; if none runs, remove the file and repeat",
                    path=path,
                ) from None
        except OSError as error:
            raise storage_error(error, f"make {path}") from error
        time.sleep(_POLL_S)


def put_file(folder: str, name: str, data: bytes) -> None:
    """Write a file beside its place, flush it, and rename it there."""
    beside = os.path.join(folder, "tract", "mended")
    target = os.path.join(folder, name)
    try:
        os.makedirs(os.path.dirname(beside), exist_ok=True)
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            os.write(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.replace(beside, target)
    except OSError as error:
        raise storage_error(error, f"write {name}") from error
