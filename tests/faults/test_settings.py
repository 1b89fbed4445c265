"""test_settings.py - SIGKILL at every step of a change of settings: all is old or new."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.aftermath import an_hour_later
from tests.faults.child import Steps, Told, forked, killed_at, open_pinned, steps_of
from tests.faults.test_kill import copied
from tests.faults.test_refused import ended, without_rights
from tests.faults.work import nothing
from tests.foreign import META, bring
from tests.git import fsck_clean
from tract.errors import ReadOnly, RepoLocked
from tract.plumbing import ref_lock
from tract.tract import Tract

OLD: dict[str, Any] = {"budget.tokens": 5000, "chat.model": "old", "chat.seed": 1}


def change(t: Tract, told: Told) -> None:
    """A field of a thing that has others."""
    t.config.set("chat.model", "new")


def add(t: Tract, told: Told) -> None:
    """A thing that was not there."""
    t.config.set("merge.model", "new")


def take_away(t: Tract, told: Told) -> None:
    """A whole thing."""
    t.config.unset("chat")


def accept(t: Tract, told: Told) -> None:
    """What somebody else wrote."""
    t.config.accept("compress")


CASES = {
    "set": (change, OLD | {"chat.model": "new"}),
    "set of a new thing": (add, OLD | {"merge.model": "new"}),
    "unset": (take_away, {"budget.tokens": 5000}),
    "accept": (accept, OLD | {"compress.model": "theirs"}),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with settings, one of them of somebody else; closed."""
    path = tmp_path_factory.mktemp("settings") / ".tract"
    with open_pinned(path) as t:
        t.user("hi")
        t.config.set("budget", 5000)
        t.config.set("chat", {"model": "old", "seed": 1})
    bring(path, {"settings/compress.json": {"setting": "compress", "model": "theirs"}})
    return path


@pytest.mark.parametrize("name", CASES)
def test_killed_at_every_step(
    path: Path, tmp_path: Path, name: str, say: Callable[[str], None]
) -> None:
    """A process killed at step 1 … N of a change leaves the old settings or the new ones."""
    work, new = CASES[name]
    steps = steps_of(copied(path, tmp_path / "new"), nothing, work)
    assert read(tmp_path / "new/.tract") == new
    found = []
    for n in range(1, len(steps) + 1):
        copy = copied(path, tmp_path / f"{n}")
        killed_at(copy, n, nothing, work)
        found.append(read(copy))
        assert found[-1] in (OLD, new)
        goes_on(copy)
        shutil.rmtree(copy.parent)
    assert found == sorted(found, key=lambda each: each == new)
    say(f"SIGKILL at {len(steps)} steps of config {name}: the old settings or the new")


def read(path: Path) -> dict[str, Any]:
    """The settings in force; none that was ours is inert."""
    with Tract.open(path, create=False) as t:
        assert {each.name for each in t.config.waiting()} <= {"compress"}
        return dict(t.config.items())


def goes_on(path: Path) -> None:
    """Git finds nothing wrong, the next change works, and an hour later nothing is left over."""
    fsck_clean(path)
    with Tract.open(path) as t:
        t.config.set("message.model", "next")
        t.user("next")
    assert read(path)["message.model"] == "next"
    an_hour_later(path)
    fsck_clean(path)


def test_power(path: Path, tmp_path: Path) -> None:
    """With durability "power" the list of accepted is flushed before the ref is locked."""
    copy, said = copied(path, tmp_path), Told(tmp_path / "steps")

    def child() -> None:
        t, steps = open_pinned(copy, durability="power"), Steps()
        steps.arm(t)
        t.config.set("chat.model", "new")
        said.say(*list(steps.taken))
        os._exit(0)

    assert forked(child) == 0
    before = said.lines[: said.lines.index("lock_ref")]
    accepted = before.index("write")
    assert before[accepted + 1] == "fsync"
    assert read(copy)["chat.model"] == "new"


def test_torn_list(path: Path, tmp_path: Path) -> None:
    """A line that a power cut tore costs only itself, and is not joined with the next."""
    copy = copied(path, tmp_path)
    with (copy / "tract/accepted").open("ab") as file:
        file.write(b"abc")
    assert read(copy) == OLD
    goes_on(copy)
    with Tract.open(copy) as t:
        assert t.config["message.model"] == "next"


def test_lock_of_another_program(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where another program holds the meta ref the change is refused, and nothing has changed."""
    monkeypatch.setattr(ref_lock, "FOREIGN_WAIT_S", 0.05)
    copy = copied(path, tmp_path)
    lock = copy / f"{META}.lock"
    lock.write_text("of somebody else\n")
    with Tract.open(copy) as t, pytest.raises(RepoLocked, match=r"meta\.lock"):
        t.config.set("chat.model", "new")
    assert read(copy) == OLD
    lock.unlink()
    goes_on(copy)


def test_read_only_repository(path: Path) -> None:
    """Who may not write reads the settings all the same, and is refused with nothing changed."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        copy = copied(path, Path(folder, "r"))
        rights(copy.parent, 0o555, 0o444)
        try:
            with Tract.open(copy) as t:

                def look() -> None:
                    assert dict(t.config.items()) == OLD
                    assert t.status().token_budget_max == 5000
                    assert [each.name for each in t.config.waiting()] == ["compress"]

                assert ended(Path(folder), look, without_rights) == {"ok": True}
                for work in (change, take_away, accept):
                    said = ended(Path(folder), lambda: work(t, Told(copy)), without_rights)  # noqa: B023
                    assert (said["type"], said["code"]) == (ReadOnly.__name__, 9)
        finally:
            rights(copy.parent, 0o755, 0o644)
        assert read(copy) == OLD


def rights(path: Path, folders: int, files: int) -> None:
    """Give folders and files below a path these rights."""
    for each in [path, *path.rglob("*")]:
        each.chmod(folders if each.is_dir() else files)
