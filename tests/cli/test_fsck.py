"""test_fsck.py - `tract fsck` and `--repair` from the shell: what is said, and the exit code."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run, Spawn
from tests.git import fsck_clean, git
from tests.spoiled import loose_file, set_aside, spoil

MAIN = "refs/heads/main"


@pytest.fixture
def path(repo: Run, tmp_path: Path) -> Path:
    """The folder of a repository of two entries."""
    return tmp_path / ".tract"


def test_sound(repo: Run) -> None:
    """A repair of what is sound says so, and ends with 0."""
    said = repo("fsck", "--repair")
    assert (said.exit_code, said.stdout) == (0, "")
    assert "Sound: nothing is wrong." in said.stderr


def test_damage_is_named(repo: Run, path: Path) -> None:
    """Without --repair what is damaged is named with a hint, and the exit code is 8."""
    spoil(path / MAIN, "emptied")
    said = repo("fsck")
    assert said.exit_code == 8
    assert f"{MAIN} has 0 bytes" in said.stdout
    assert "hint: `tract fsck --repair` puts it back" in said.stdout
    assert (path / MAIN).read_bytes() == b""


def test_repair(repo: Run, path: Path) -> None:
    """With --repair it says what was done, and ends with 0; then all is sound."""
    was = git(path, "rev-parse", MAIN)
    spoil(path / MAIN, "NUL")
    said = repo("fsck", "--repair")
    assert said.exit_code == 0
    assert f"it was put back at {was[:12]}" in said.stdout
    assert "1 problem repaired" in said.stderr
    assert repo("fsck").exit_code == 0
    fsck_clean(path)


def test_what_cannot_be_mended(repo: Run, path: Path) -> None:
    """What is lost for older commits is left, named, and ends with 8."""
    file = loose_file(path, "main~1")
    spoil(file, "emptied")
    said = repo("fsck", "--repair")
    assert said.exit_code == 8
    assert "repaired" in said.stderr
    assert str(file.relative_to(path)) in said.stdout
    assert repo("compile").exit_code == 0


def test_harmless_problem(repo: Run, path: Path) -> None:
    """Something harmful to nothing ends a check with 8, and a repair with 0."""
    (path / "index.lock").touch()
    os.utime(path / "index.lock", (0, 0))
    assert repo("fsck").exit_code == 8
    assert repo("fsck", "--repair").exit_code == 0
    assert (path / "index.lock").exists()


def test_json(repo: Run, path: Path) -> None:
    """The document has each problem, and whether it was repaired; sound is what is left."""
    spoil(path / MAIN, "emptied")
    before = json.loads(repo("fsck", "--json").stdout)
    assert before["sound"] is False
    assert {each["repaired"] for each in before["problems"]} == {False}
    after = json.loads(repo("fsck", "--repair", "--json").stdout)
    assert after["sound"] is True
    (problem,) = after["problems"]
    assert (problem["kind"], problem["where"], problem["repaired"]) == ("ref", MAIN, True)


@pytest.mark.parametrize("name", ["HEAD", "config", "refs"])
def test_repository_that_cannot_be_opened(repo: Run, path: Path, name: str) -> None:
    """What keeps a repository from being opened is put back, and the rest is mended behind it."""
    if name == "refs":
        shutil.rmtree(path / name)
    else:
        spoil(path / name, "emptied")
    said = repo("fsck", "--repair")
    assert said.exit_code == 0
    assert name in said.stdout
    assert "repaired" in said.stderr
    assert repo("compile").stdout == "[system]\nBe brief.\n\n[user]\nHello there.\n"
    assert repo("fsck").exit_code == 0


def test_head_that_was_emptied_in_a_real_shell(repo: Run, spawn: Spawn, path: Path) -> None:
    """Every command names HEAD with exit code 8, and the repair that it hints at helps."""
    broken = spoil(path / "HEAD", "emptied")
    refused = spawn("user", "x")
    assert refused.returncode == 8
    assert b"HEAD" in refused.stderr
    assert b"tract fsck --repair" in refused.stderr
    assert spawn("fsck", "--repair").returncode == 0
    assert (path / "HEAD").read_bytes() == broken
    assert set_aside(path) == {"HEAD": b""}
    assert spawn("user", "x").returncode == 0


def test_repair_makes_no_repository(run: Run, tmp_path: Path) -> None:
    """Where there is no repository none is made."""
    said = run("fsck", "--repair")
    assert said.exit_code == 3
    assert not (tmp_path / ".tract").exists()
