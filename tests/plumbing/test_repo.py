"""test_repo.py - a repository made, found and opened; what is somebody else's is left alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.git import git
from tests.plumbing.stock import commit_files
from tract.errors import RepoNotFound, TractError, UnknownFormat
from tract.plumbing.repo import Repo, find_repository, init_repo, locate, open_repo, throwaway_repo


def reopened(path: Path, pinned: dict[str, Any], **environ: str) -> Repo:
    """The repository at a path, opened."""
    return open_repo(path, environ=environ, **pinned)


def bare(path: Path) -> Path:
    """A bare repository of stock git."""
    git(path, "init", "--quiet", "--bare", "--initial-branch=main")
    return path


def seen(folder: Path) -> dict[str, bytes]:
    """Every file under a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# -- made


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("core.bare", "true"),
        ("core.logallrefupdates", "always"),
        ("gc.reflogexpire", "never"),
        ("gc.reflogexpireunreachable", "never"),
        ("gc.auto", "0"),
        ("notes.displayref", "refs/notes/tract/*"),
    ],
)
def test_configuration_is_written_at_init(repo: Repo, key: str, value: str) -> None:
    """A new repository is bare, keeps its reflogs, shows our notes, and is packed by us alone."""
    assert git(repo.path, "config", key) == value


def test_head_is_main_whatever_is_configured(tmp_path: Path, pinned: dict[str, Any]) -> None:
    """HEAD is main at init, whatever git's configuration would choose."""
    configuration = Path(os.environ["HOME"], ".gitconfig")
    configuration.write_text("[init]\n\tdefaultBranch = trunk\n")
    try:
        made = init_repo(tmp_path / ".tract", environ={}, **pinned)
    finally:
        configuration.unlink()
    assert git(made.path, "symbolic-ref", "HEAD") == "refs/heads/main"


def test_project_around_it_never_adds_it(repo: Repo) -> None:
    """A .gitignore of `*` hides the repository from a project around it."""
    assert Path(repo.path, ".gitignore").read_bytes() == b"*\n"


def test_nothing_is_left_beside_it(repo: Repo) -> None:
    """The folder in which a repository was made holds it alone."""
    assert [path.name for path in Path(repo.path).parent.iterdir()] == [".tract"]


def test_mode_follows_the_umask(repo: Repo) -> None:
    """The folder is as open as any that the user makes."""
    beside = Path(repo.path).parent / "folder"
    beside.mkdir()
    assert stat.S_IMODE(Path(repo.path).stat().st_mode) == stat.S_IMODE(beside.stat().st_mode)


def test_making_what_is_there_opens_it(repo: Repo, pinned: dict[str, Any]) -> None:
    """Init on a repository changes nothing."""
    tip = commit_files(repo.path, {"000/00/00.user.md": "x"})
    before = seen(Path(repo.path))
    again = init_repo(Path(repo.path), environ={}, **pinned)
    assert git(again.path, "rev-parse", "main") == tip
    assert seen(Path(repo.path)) == before


def test_throwaway_repository_is_removed(pinned: dict[str, Any]) -> None:
    """A repository of `:memory:` is gone with its folder once it is closed."""
    repo = throwaway_repo(environ={}, **pinned)
    path = Path(repo.path)
    assert path.is_dir()
    repo.close()
    assert not path.parent.exists()


# -- opened


def test_opening_never_writes(repo: Repo, pinned: dict[str, Any]) -> None:
    """Opening leaves every file as it was, missing configuration too."""
    commit_files(repo.path, {"000/00/00.user.md": "x"})
    git(repo.path, "config", "--unset", "gc.auto")
    before = seen(Path(repo.path))
    reopened(Path(repo.path), pinned).close()
    assert seen(Path(repo.path)) == before


def test_lost_configuration_is_put_back_before_writing(repo: Repo, pinned: dict[str, Any]) -> None:
    """What a clone has lost is written before the first write; what a user set stays."""
    git(repo.path, "config", "--unset", "gc.auto")
    git(repo.path, "config", "gc.reflogExpire", "90 days")
    reopened(Path(repo.path), pinned).prepare_for_writing()
    assert git(repo.path, "config", "gc.auto") == "0"
    assert git(repo.path, "config", "gc.reflogExpire") == "90 days"


def test_clone_by_stock_git_opens(repo: Repo, tmp_path: Path, pinned: dict[str, Any]) -> None:
    """A bare clone and a work tree's `.git` made by stock git open; core.bare stays."""
    commit_files(repo.path, {"000/00/00.user.md": "x"})
    git(repo.path, "clone", "--quiet", "--bare", repo.path, str(tmp_path / "bare.git"))
    git(repo.path, "clone", "--quiet", repo.path, str(tmp_path / "work"))
    for path in (tmp_path / "bare.git", tmp_path / "work" / ".git"):
        assert reopened(path, pinned).path
    assert git(tmp_path / "work" / ".git", "config", "core.bare") == "false"


def test_empty_repository_of_stock_git_opens(tmp_path: Path, pinned: dict[str, Any]) -> None:
    """A repository without any commit is nobody's yet."""
    assert reopened(bare(tmp_path / "x.git"), pinned).path


@pytest.mark.parametrize(
    "attributes",
    [None, "*.png binary\n", "# tractor 1\n", "# tract\n", "# tract one\n", "tract 1\n"],
)
def test_somebody_else_s_repository_is_refused(
    tmp_path: Path, pinned: dict[str, Any], attributes: str | None
) -> None:
    """A repository with commits of which no branch carries `# tract` is refused, with a hint."""
    path = bare(tmp_path / "x.git")
    commit_files(path, {".gitattributes": attributes, "README.md": "x"})
    with pytest.raises(UnknownFormat, match="not one of tract's") as caught:
        reopened(path, pinned)
    assert caught.value.hint


def test_one_branch_of_ours_is_enough(tmp_path: Path, pinned: dict[str, Any]) -> None:
    """A repository opens if any branch tip carries the format number."""
    path = bare(tmp_path / "x.git")
    commit_files(path, {".gitattributes": None, "README.md": "x"})
    commit_files(path, {"000/00/00.user.md": "x"}, branch="talk")
    assert reopened(path, pinned).path


def test_newer_format_is_refused_by_number(tmp_path: Path, pinned: dict[str, Any]) -> None:
    """A higher format number is refused, and the message names both numbers."""
    path = bare(tmp_path / "x.git")
    commit_files(path, {".gitattributes": "# tract 2\n* -text\n"})
    with pytest.raises(UnknownFormat, match=r"format 2.*format 1"):
        reopened(path, pinned)


def test_sha256_repository_is_refused_by_name(tmp_path: Path, pinned: dict[str, Any]) -> None:
    """A repository of a kind that libgit2 cannot read is refused, and the message says which."""
    git(tmp_path / "x.git", "init", "--quiet", "--bare", "--object-format=sha256")
    with pytest.raises(UnknownFormat, match=r"sha256|object"):
        reopened(tmp_path / "x.git", pinned)


@pytest.mark.parametrize("kind", ["nothing", "folder", "file"])
def test_what_is_no_repository_is_not_found(
    tmp_path: Path, pinned: dict[str, Any], kind: str
) -> None:
    """A path that holds no repository is RepoNotFound."""
    path = tmp_path / ".tract"
    if kind == "folder":
        path.mkdir()
    elif kind == "file":
        path.write_text("x")
    with pytest.raises(RepoNotFound) as caught:
        reopened(path, pinned)
    assert caught.value.hint


def test_making_where_a_file_is_in_the_way(tmp_path: Path, pinned: dict[str, Any]) -> None:
    """Where no folder can be made the error is tract's own, and nothing is left behind."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(TractError):
        init_repo(tmp_path / "file" / ".tract", environ={}, **pinned)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# -- found


def test_nearest_parent_is_found(tmp_path: Path, pinned: dict[str, Any]) -> None:
    """Without a path the nearest `.tract` upwards is meant."""
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    assert find_repository(tmp_path / "a") in (None, *(p / ".tract" for p in tmp_path.parents))
    init_repo(tmp_path / ".tract", environ={}, **pinned)
    assert find_repository(deep) == tmp_path / ".tract"
    init_repo(tmp_path / "a" / ".tract", environ={}, **pinned)
    assert find_repository(deep) == tmp_path / "a" / ".tract"


def test_path_means_the_repository_or_its_folder(tmp_path: Path, pinned: dict[str, Any]) -> None:
    """A path is a repository by its name or its content, else the folder that holds one."""
    assert locate(tmp_path) == (tmp_path / ".tract", False)
    assert locate(tmp_path / ".tract") == (tmp_path / ".tract", False)
    assert locate(tmp_path / "x" / ".git") == (tmp_path / "x" / ".git", False)
    init_repo(tmp_path / ".tract", environ={}, **pinned)
    assert locate(tmp_path) == (tmp_path / ".tract", True)
    assert locate(str(tmp_path)) == (tmp_path / ".tract", True)
    assert locate(bare(tmp_path / "x.git")) == (tmp_path / "x.git", True)


def test_project_s_git_counts_only_if_it_is_ours(tmp_path: Path) -> None:
    """A folder's `.git` is meant where a branch tip there carries the format number."""
    dot_git = tmp_path / "x" / ".git"
    dot_git.parent.mkdir()
    git(dot_git, "init", "--quiet", "--initial-branch=main")
    assert locate(tmp_path / "x") == (tmp_path / "x" / ".tract", False)
    commit_files(dot_git, {".gitattributes": None, "README.md": "x"})
    assert locate(tmp_path / "x") == (tmp_path / "x" / ".tract", False)
    commit_files(dot_git, {"000/00/00.user.md": "x"}, branch="talk")
    assert locate(tmp_path / "x") == (dot_git, True)


# -- identity


def test_committer_is_the_environment_s_then_git_s_then_tract_s(
    repo: Repo, pinned: dict[str, Any]
) -> None:
    """GIT_COMMITTER_* comes first, then git's configuration, then `tract <tract@localhost>`."""
    path = Path(repo.path)
    assert reopened(path, pinned).committer == ("tract", "tract@localhost")
    git(path, "config", "user.name", "Ada")
    assert reopened(path, pinned).committer == ("Ada", "tract@localhost")
    told = {"GIT_COMMITTER_NAME": "Bob", "GIT_COMMITTER_EMAIL": "bob@example.org"}
    assert reopened(path, pinned, **told).committer == ("Bob", "bob@example.org")


def test_committer_in_another_encoding_is_readable(repo: Repo, pinned: dict[str, Any]) -> None:
    """A name in the environment that is no UTF-8 can be written all the same."""
    named = reopened(Path(repo.path), pinned, GIT_COMMITTER_NAME="J\udce9r")
    assert named.committer == ("J\ufffdr", "tract@localhost")
