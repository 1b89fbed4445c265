"""test_together.py - processes and threads that write one branch at the same time."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.git import fsck_clean, git
from tract.tract import Tract


def children(path: Path, names: str, appends: int) -> None:
    """A process a name, all appending to the same branch; each must end well."""
    pids = []
    for name in names:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                with Tract.open(path) as t:
                    for n in range(appends):
                        t.user(f"{name} {n}")
                code = 0
            finally:
                os._exit(code)
        pids.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0] * len(pids)


def check(path: Path, names: str, appends: int) -> None:
    """Every entry is there, each writer's in its own order, one commit each."""
    with Tract.open(path) as t:
        contents = [str(each["content"]) for each in t.compile().to_dicts()]
        assert t.status().commit_count == len(names) * appends
    for name in names:
        mine = [text for text in contents if text.startswith(f"{name} ")]
        assert mine == [f"{name} {n}" for n in range(appends)]
    assert len(contents) == len(names) * appends
    assert git(path, "reflog", "--format=%H", "main").count("\n") + 1 == len(contents)
    fsck_clean(path)


@pytest.mark.parametrize("appends", [200])
def test_two_processes(tmp_path: Path, appends: int) -> None:
    """Two processes × 200 appends to one branch lose nothing."""
    path = tmp_path / ".tract"
    Tract.open(path).close()
    children(path, "ab", appends)
    check(path, "ab", appends)


def test_processes_that_make_it_at_once(tmp_path: Path) -> None:
    """Processes that all make the repository end up with the same one."""
    path = tmp_path / ".tract"
    children(path, "abcd", 5)
    check(path, "abcd", 5)
    assert sorted(each.name for each in tmp_path.iterdir()) == [".tract"]


def test_threads_on_one_handle(t: Tract) -> None:
    """Four threads × 50 appends through one handle lose nothing."""

    def speak(name: str) -> None:
        for n in range(50):
            t.user(f"{name} {n}")

    threads = [threading.Thread(target=speak, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(Path(t.path), "abcd", 50)
