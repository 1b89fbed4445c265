"""test_2_refs.py - refs, HEAD, configuration and clones, as stock git sees them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.git import clean_environment, fsck_clean, git
from tract.errors import CheckedOut, UnknownFormat
from tract.tract import Tract

KEYS = {
    "core.bare": "true",
    "core.logallrefupdates": "always",
    "gc.auto": "0",
    "gc.reflogexpire": "never",
    "gc.reflogexpireunreachable": "never",
    "notes.displayref": "refs/notes/tract/*",
}
SAY = (
    "import sys; from tract import Tract\n"
    "t = Tract.open(sys.argv[1]); t.user('said in the hook')\n"
    "assert t.fsck() == [], t.fsck()\n"
    "sys.exit(t.git('log', '--oneline'))\n"
)


def configured(path: str | Path, *keys: str) -> dict[str, str]:
    """The values that the repository's own configuration has."""
    said = git(path, "config", "--file", str(Path(path) / "config"), "--list")
    found = dict(line.split("=", 1) for line in said.split("\n"))
    return {key: found[key] for key in keys or KEYS if key in found}


def test_configuration_at_init(t: Tract) -> None:
    """FORMAT's keys are set, and HEAD is main."""
    assert configured(t.path) == KEYS
    assert git(t.path, "symbolic-ref", "HEAD") == "refs/heads/main"


def test_configuration_comes_back_at_the_first_write(t: Tract, tmp_path: Path) -> None:
    """A clone lost the configuration: reading leaves it so, writing puts it back."""
    t.user("x")
    git(t.path, "clone", "--quiet", "--bare", t.path, str(tmp_path / "clone.git"))
    with Tract.open(tmp_path / "clone.git") as clone:
        clone.compile()
        assert configured(clone.path, "gc.auto") == {}
        clone.user("y")
        assert configured(clone.path) == KEYS


@pytest.mark.parametrize("how", ["--mirror", "--bare", "--no-hardlinks"])
def test_clone_compiles_to_the_same_digest(t: Tract, tmp_path: Path, how: str) -> None:
    """Every kind of clone opens, and what a model would see is the same."""
    t.system("s")
    t.user("u")
    git(t.path, "clone", "--quiet", how, t.path, str(tmp_path / "clone"))
    with Tract.open(tmp_path / "clone") as clone:
        assert clone.compile().digest == t.compile().digest


def test_checked_out_branch_is_not_written(t: Tract, tmp_path: Path) -> None:
    """In a work tree the branch checked out is refused, another is written."""
    t.user("u")
    git(t.path, "clone", "--quiet", t.path, str(tmp_path / "work"))
    with Tract.open(tmp_path / "work") as clone:
        before = git(clone.path, "rev-parse", "HEAD")
        with pytest.raises(CheckedOut) as caught:
            clone.user("no")
        assert caught.value.hint
        assert git(clone.path, "rev-parse", "HEAD") == before
    with Tract.open(tmp_path / "work", branch="other") as clone:
        clone.user("yes")
    assert git(clone.path, "config", "core.bare") == "false"
    fsck_clean(clone.path)


def test_outer_project_does_not_add_it(tmp_path: Path) -> None:
    """The folder ignores itself, so that a project around it never takes it in."""
    project = tmp_path / "project"
    git(project / ".git", "init", "--quiet", str(project))
    with Tract.open(project) as t:
        t.user("x")
    work = ["--work-tree", str(project)]
    assert git(project / ".git", *work, "status", "--porcelain", "--ignored") == "!! .tract/"


def test_user_s_configuration_changes_nothing(tmp_path: Path) -> None:
    """Signing, hooks, line ends and the default branch of the user's own git are not ours."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[commit]\n\tgpgsign = true\n[core]\n\tautocrlf = true\n\thooksPath = /nowhere\n"
        "[init]\n\tdefaultBranch = trunk\n[user]\n\tname = Me\n\temail = me@example.org\n"
    )
    run_in(home, tmp_path / "t", {})
    path = tmp_path / "t" / ".tract"
    assert git(path, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert git(path, "log", "-1", "--format=%cn <%ce>|%an") == "Me <me@example.org>|user"
    assert "gpgsig" not in git(path, "cat-file", "commit", "HEAD")
    fsck_clean(path)


def run_in(home: Path, where: Path, variables: dict[str, str]) -> None:
    """Speak through a process of its own, with that home and those variables."""
    environ = {
        **{key: value for key, value in clean_environment().items() if not key.startswith("GIT_")},
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path]),
        **variables,
    }
    subprocess.run([sys.executable, "-c", SAY, str(where)], env=environ, check=True)


def test_inside_a_hook(tmp_path: Path) -> None:
    """Variables that name another repository lead nothing of ours there."""
    decoy = tmp_path / "decoy"
    git(decoy / ".git", "init", "--quiet", str(decoy))
    (decoy / ".git" / "objects2").mkdir()
    before = sorted(str(each) for each in decoy.rglob("*"))
    run_in(
        tmp_path,
        tmp_path / "t",
        {
            "GIT_DIR": str(decoy / ".git"),
            "GIT_WORK_TREE": str(decoy),
            "GIT_INDEX_FILE": str(decoy / ".git" / "index"),
            "GIT_OBJECT_DIRECTORY": str(decoy / ".git" / "objects2"),
        },
    )
    assert sorted(str(each) for each in decoy.rglob("*")) == before
    assert git(tmp_path / "t" / ".tract", "log", "--format=%s") == "user: said in the hook"
    fsck_clean(tmp_path / "t" / ".tract")


def test_committer_of_the_environment(tmp_path: Path) -> None:
    """GIT_COMMITTER_NAME and _EMAIL are followed, _DATE is not."""
    who = {"GIT_COMMITTER_NAME": "Cy", "GIT_COMMITTER_EMAIL": "cy@example.org",
           "GIT_COMMITTER_DATE": "1000000000 +0500"}  # fmt: skip
    run_in(tmp_path, tmp_path / "t", who)
    said = git(tmp_path / "t" / ".tract", "log", "-1", "--format=%cn <%ce> %ct %ci")
    assert said.startswith("Cy <cy@example.org> ")
    assert said.endswith(" +0000")
    assert " 1000000000 " not in said


def test_switch_to_the_first_import_is_a_checkout_for_git(t: Tract) -> None:
    """Importing several onto an unborn branch moves HEAD, with the line git itself writes."""
    record = [{"role": "user", "content": "x"}]
    t.import_messages([{"id": "a", "messages": record}, {"id": "b", "messages": record}])
    assert git(t.path, "symbolic-ref", "HEAD") == "refs/heads/import/a"
    last = (Path(t.path) / "logs" / "HEAD").read_text().splitlines()[-1]
    assert "\tcheckout: moving from main to import/a (tract import #" in last


def test_user_s_configuration_does_not_stand_in_for_ours(tmp_path: Path) -> None:
    """What the user's own git says of logs and gc does not keep FORMAT's keys from being set."""
    (tmp_path / ".gitconfig").write_text(
        "[core]\n\tlogAllRefUpdates = false\n[gc]\n\tauto = 5\n\treflogExpire = now\n"
    )
    run_in(tmp_path, tmp_path / "t", {})
    assert configured(tmp_path / "t" / ".tract") == KEYS
    assert (tmp_path / "t" / ".tract" / "logs/refs/heads/main").exists()


def test_branch_of_a_linked_work_tree_is_not_written(t: Tract, tmp_path: Path) -> None:
    """A branch that `git worktree add` checked out is refused, from both sides."""
    t.user("u")
    git(t.path, "worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    for path, branch in ((t.path, "side"), (tmp_path / "linked", None)):
        with Tract.open(path, branch=branch) as other, pytest.raises(CheckedOut):
            other.user("no")
    with Tract.open(tmp_path / "linked", branch="main") as other:
        other.user("yes")
        assert other.path == t.path
    fsck_clean(t.path)


def test_branch_of_a_newer_format_is_refused(t: Tract) -> None:
    """A branch of another format is not opened, though HEAD's is ours."""
    t.user("x")
    marks = git(t.path, "hash-object", "-w", "--stdin", stdin="# tract 2\n* -text\n")
    root = git(t.path, "mktree", stdin=f"100644 blob {marks}\t.gitattributes\n")
    git(t.path, "update-ref", "refs/heads/two", git(t.path, "commit-tree", "-m", "2", root))
    with pytest.raises(UnknownFormat, match="format 2"):
        Tract.open(t.path, branch="two")
    with Tract.open(t.path) as again:
        assert again.compile().commit_count == 1
