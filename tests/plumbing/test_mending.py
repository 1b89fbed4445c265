"""test_mending.py - HEAD, configuration, refs and packed-refs are put back as git wrote them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.git import fsck_clean, git
from tests.plumbing.stock import commit_files
from tests.spoiled import set_aside, spoil
from tract.errors import RepoLocked
from tract.plumbing import mending
from tract.plumbing.quarantine import Quarantine
from tract.plumbing.repo import Repo

MAIN = "refs/heads/main"


@pytest.fixture
def tips(repo: Repo) -> dict[str, str]:
    """Two branches with commits, by their refs."""
    main = commit_files(repo.path, {"000/00/00.user.md": "x"})
    git(repo.path, "branch", "dev")
    other = commit_files(repo.path, {"000/00/01.user.md": "y"}, branch="dev")
    return {MAIN: main, "refs/heads/dev": other}


@pytest.fixture
def aside(repo: Repo) -> Quarantine:
    """Where damaged files go."""
    return Quarantine(repo.path, repo.clock())


def mend_head(repo: Repo, aside: Quarantine) -> str:
    """Mend HEAD under the lock; what it is then."""
    with repo.lock:
        mending.mend_head(repo.path, repo.lock, aside)
    return Path(repo.path, "HEAD").read_text()


def switch(repo: Repo, place: str) -> None:
    """Let HEAD stand elsewhere, with the line that git writes."""
    tip = git(repo.path, "rev-parse", place)
    log = Path(repo.path, "logs/HEAD")
    log.parent.mkdir(exist_ok=True)
    before = log.read_text() if log.exists() else ""
    line = f"{tip} {tip} x <x@x> 1700000000 +0000\tcheckout: moving from main to {place}\n"
    log.write_text(before + line)


@pytest.mark.parametrize("how", ["emptied", "NUL", "removed"])
def test_head_is_main(repo: Repo, tips: dict[str, str], aside: Quarantine, how: str) -> None:
    """Where HEAD never switched it stands on main."""
    was = spoil(Path(repo.path, "HEAD"), how)
    assert mend_head(repo, aside) == was.decode()


def test_head_is_where_the_newest_switch_led(
    repo: Repo, tips: dict[str, str], aside: Quarantine
) -> None:
    """Where it has switched, it stands on that branch."""
    switch(repo, "dev")
    spoil(Path(repo.path, "HEAD"), "emptied")
    assert mend_head(repo, aside) == "ref: refs/heads/dev\n"


def test_head_is_on_a_branch_with_a_blank_of_another_script(
    repo: Repo, tips: dict[str, str], aside: Quarantine
) -> None:
    """Git takes any blank but its own in a name."""
    git(repo.path, "branch", "a\u00a0b")
    switch(repo, "a\u00a0b")
    spoil(Path(repo.path, "HEAD"), "emptied")
    assert mend_head(repo, aside) == "ref: refs/heads/a\u00a0b\n"


def test_head_was_detached(repo: Repo, tips: dict[str, str], aside: Quarantine) -> None:
    """Where it has switched to a commit, it stands on that."""
    switch(repo, tips[MAIN])
    spoil(Path(repo.path, "HEAD"), "emptied")
    assert mend_head(repo, aside) == f"{tips[MAIN]}\n"


def test_head_of_a_branch_that_is_gone(repo: Repo, tips: dict[str, str], aside: Quarantine) -> None:
    """A branch that is gone since is not gone to."""
    switch(repo, "dev")
    git(repo.path, "update-ref", "-d", "refs/heads/dev")
    Path(repo.path, "logs/refs/heads/dev").unlink(missing_ok=True)
    spoil(Path(repo.path, "HEAD"), "emptied")
    assert mend_head(repo, aside) == f"ref: {MAIN}\n"


def test_head_without_main(repo: Repo, tips: dict[str, str], aside: Quarantine) -> None:
    """Where there is no main, HEAD stands on the branch that moved last."""
    git(repo.path, "update-ref", "-d", MAIN)
    for name in ("HEAD", MAIN):
        Path(repo.path, "logs", name).unlink(missing_ok=True)
    spoil(Path(repo.path, "HEAD"), "emptied")
    assert mend_head(repo, aside) == "ref: refs/heads/dev\n"


def test_damaged_head_is_set_aside(repo: Repo, tips: dict[str, str], aside: Quarantine) -> None:
    """What HEAD held is set aside before."""
    Path(repo.path, "HEAD").write_bytes(b"ref: refs/he")
    mend_head(repo, aside)
    assert set_aside(repo.path) == {"HEAD": b"ref: refs/he"}


def listed(repo: Repo) -> str:
    """The repository's configuration as stock git reads it."""
    return git(repo.path, "config", "--file", f"{repo.path}config", "--list").lower()


@pytest.mark.parametrize("how", ["emptied", "NUL", "removed"])
def test_config_is_as_init_writes_it(repo: Repo, aside: Quarantine, how: str) -> None:
    """A new configuration says what that of a new repository says, but the file's own modes."""
    before = set(listed(repo).splitlines())
    spoil(Path(repo.path, "config"), how)
    mending.mend_config(repo.path, aside)
    after = set(listed(repo).splitlines())
    assert after <= before
    assert all(line.startswith("core.") for line in before - after)
    assert git(repo.path, "rev-parse", "--is-bare-repository") == "true"


def test_config_of_a_work_tree(repo: Repo, aside: Quarantine, tmp_path: Path) -> None:
    """The repository of a work tree is not made bare."""
    path = Path(shutil.copytree(repo.path, tmp_path / "project/.git"))
    mending.mend_config(str(path), aside)
    assert git(path, "config", "core.bare") == "false"


def test_lines_of_packed_refs_are_kept(repo: Repo, tips: dict[str, str], aside: Quarantine) -> None:
    """Of packed-refs every whole line is kept, and what is known from elsewhere is added."""
    git(repo.path, "pack-refs", "--all")
    file = Path(repo.path, "packed-refs")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:2]) + lines[2][:30])
    broken = file.read_bytes()
    with repo.lock:
        mending.mend_packed_refs(repo.path, repo.lock, aside, {MAIN: tips[MAIN]})
    said = git(repo.path, "for-each-ref", "--format=%(refname) %(objectname)")
    assert dict(line.split(" ") for line in said.splitlines()) == tips
    assert set_aside(repo.path) == {"packed-refs": broken}
    fsck_clean(repo.path)


def test_ref_is_put_where_it_holds_what_was_found(repo: Repo, tips: dict[str, str]) -> None:
    """A ref's file is written anew while it is what was found."""
    spoil(Path(repo.path, MAIN), "emptied")
    with repo.lock:
        assert mending.put_ref(repo.path, repo.lock, MAIN, tips[MAIN], found=b"")
    assert git(repo.path, "rev-parse", MAIN) == tips[MAIN]


def test_ref_that_somebody_put_back_is_left(repo: Repo, tips: dict[str, str]) -> None:
    """A ref that another program has put back meanwhile is left as it is."""
    with repo.lock:
        assert not mending.put_ref(repo.path, repo.lock, MAIN, "a" * 40, found=b"")
    assert git(repo.path, "rev-parse", MAIN) == tips[MAIN]


def test_lock_of_another_program(
    repo: Repo, tips: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock of another program's is waited for, named, and never removed."""
    monkeypatch.setattr(mending, "FOREIGN_WAIT_S", 0.01)
    held = Path(repo.path, f"{MAIN}.lock")
    held.touch()
    with repo.lock, pytest.raises(RepoLocked) as refused:
        mending.put_ref(repo.path, repo.lock, MAIN, tips[MAIN], found=None)
    assert refused.value.facts["path"] == str(held)
    assert held.exists()


def test_no_lock_is_left(repo: Repo, tips: dict[str, str], aside: Quarantine) -> None:
    """After a repair git can move what was mended."""
    spoil(Path(repo.path, "HEAD"), "emptied")
    mend_head(repo, aside)
    assert not list(Path(repo.path).rglob("*.lock"))
    git(repo.path, "symbolic-ref", "HEAD", "refs/heads/dev")
