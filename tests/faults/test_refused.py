"""test_refused.py - locks of others, full disks and missing rights: refused, nothing changed."""

from __future__ import annotations

import json
import os
import resource
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pygit2
import pytest

from tests.faults.child import forked
from tests.git import fsck_clean, git
from tract.errors import ReadOnly, RepoLocked, StorageFull, TractError
from tract.plumbing import lock, ref_lock
from tract.tract import Tract

NOBODY = 65534


def test_foreign_lock_is_waited_for_and_never_removed(
    t: Tract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ref lock of another program gives RepoLocked with the file's name, and stays."""
    t.user("a")
    monkeypatch.setattr(ref_lock, "FOREIGN_WAIT_S", 0.05)
    held = Path(t.path) / "refs/heads/main.lock"
    held.write_text("of somebody else\n")
    tip = git(t.path, "rev-parse", "main")
    with pytest.raises(RepoLocked, match=r"main\.lock") as caught:
        t.user("b")
    assert caught.value.hint
    assert held.read_text() == "of somebody else\n"
    held.unlink()
    assert git(t.path, "rev-parse", "main") == tip
    t.user("c")
    fsck_clean(t.path)


def test_write_lock_held_too_long_names_the_holder(
    t: Tract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that does not let go is named by its process id."""
    t.user("a")
    monkeypatch.setattr(lock, "WAIT_S", 0.05)
    with Tract.open(t.path) as other, other.repo.lock, pytest.raises(RepoLocked) as caught:
        t.user("b")
    assert str(os.getpid()) in caught.value.message
    t.user("c")


def test_forked_child_keeps_no_lock(t: Tract) -> None:
    """A child forked while its parent holds the write lock does not hold it in turn."""
    t.user("a")
    read, written = os.pipe()
    with t.repo.lock:
        pid = os.fork()
        if pid == 0:
            os.read(read, 1)  # lives on until it is told
            os._exit(0)
    t.user("b")
    os.write(written, b"x")
    os.waitpid(pid, 0)
    assert [each["content"] for each in t.compile().to_dicts()] == ["a", "b"]


def ended(path: Path, work: Callable[[], object], enter: Callable[[], object]) -> dict[str, object]:
    """What became of `work` in a child that first does `enter`: the error, or ok."""
    told = path / "told.json"
    told.touch()
    told.chmod(0o666)
    file = told.open("w")

    def child() -> None:
        enter()
        said: dict[str, object] = {"ok": True}
        try:
            work()
        except TractError as error:
            said = {"type": type(error).__name__, "code": error.exit_code, "hint": error.hint}
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), json.dumps(said).encode())

    assert forked(child) == 0
    file.close()
    found: dict[str, object] = json.loads(told.read_text())
    return found


def no_large_files() -> None:
    """As a full disk does: writing past 300 bytes of a file fails."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, hard))


def test_full_disk(t: Tract, tmp_path: Path) -> None:
    """Where nothing more can be written the error says so, and nothing has changed."""
    t.user("a")
    tip = git(t.path, "rev-parse", "main")
    text = os.urandom(2000).hex()
    said = ended(tmp_path, lambda: t.user(text), no_large_files)
    assert (said["type"], said["code"]) == (StorageFull.__name__, 9)
    assert said["hint"]
    assert git(t.path, "rev-parse", "main") == tip
    t.user("b")
    fsck_clean(t.path)


def without_rights() -> None:
    """Become nobody where we are root; the folders are read-only for everybody else already."""
    if os.geteuid() == 0:
        pygit2.settings.owner_validation = False
        os.setegid(NOBODY)
        os.seteuid(NOBODY)


@pytest.fixture
def passable() -> Iterator[Path]:
    """A folder that everybody may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_read_only_repository(passable: Path) -> None:
    """Who may not write reads all the same, and is refused with nothing changed."""
    path = passable / ".tract"
    with Tract.open(path) as t:
        t.user("a")
    tip = git(path, "rev-parse", "main")
    for each in [path, *path.rglob("*")]:
        each.chmod(0o555 if each.is_dir() else 0o444)
    try:
        with Tract.open(path) as t:

            def read() -> None:
                assert t.compile().to_dicts() == [{"role": "user", "content": "a"}]
                assert t.status().entry_count == 1

            assert ended(passable, read, without_rights) == {"ok": True}
            said = ended(passable, lambda: t.user("b"), without_rights)
            assert (said["type"], said["code"]) == (ReadOnly.__name__, 9)
        assert git(path, "rev-parse", "main") == tip
    finally:
        for each in [path, *path.rglob("*")]:
            each.chmod(0o755 if each.is_dir() else 0o644)
    fsck_clean(path)
