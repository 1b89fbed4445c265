"""repo.py - open or make the git repository a context lives in.

A Repo carries what plumbing may not fetch for itself: the clock, the random source and the
environment are passed in once, here. Opening never writes: configuration that a clone lost is
put back by `prepare_for_writing`, which the write path calls before its first write.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NewType

import pygit2
from pygit2.enums import RepositoryOpenFlag

from tract.errors import (
    CorruptRepo,
    NotReady,
    ReadOnly,
    RepoNotFound,
    TractError,
    UnknownFormat,
)
from tract.plumbing import our_format
from tract.plumbing.failures import storage_error
from tract.plumbing.lock import WriteLock
from tract.plumbing.object_store import ObjectStore, guard
from tract.plumbing.opening import BadFile, faults_of_opening, looks_like_one
from tract.plumbing.our_format import FORMAT
from tract.plumbing.pending import Backend, Pending

CommitId = NewType("CommitId", str)
TreeId = NewType("TreeId", str)
BlobId = NewType("BlobId", str)
Clock = Callable[[], int]
RandomSource = Callable[[int], bytes]

ATTRIBUTES = f"# tract {FORMAT}\n* -text\n".encode()
DEFAULT_BRANCH = "main"
_LETTERS = str.maketrans("0123456789abcdef", "zyxwvutsrqponmlk")
_durable_open = threading.Lock()
_BEFORE_FILES = 10  # libgit2 asks backends in descending order; its own for files have 1 and 2
CONFIGURATION = {
    "core.logAllRefUpdates": "always",
    "gc.reflogExpire": "never",
    "gc.reflogExpireUnreachable": "never",
    "gc.auto": "0",
    "notes.displayRef": "refs/notes/tract/*",
}


class Repo:
    """An open repository: libgit2's handle, its objects, the lock, and what is passed in."""

    def __init__(
        self,
        git: pygit2.Repository,
        *,
        clock: Clock,
        random: RandomSource,
        environ: Mapping[str, str],
        is_durable: bool = False,
    ) -> None:
        self.git = git
        self.path = shared_folder(git.path)
        self.odb = ObjectStore(os.path.join(self.path, "objects"))
        self.shallow = _read_shallow(self.path)
        self.clock = clock
        self.random = random
        self.environ = environ
        self.lock = WriteLock(os.path.join(self.path, "tract", "write"))
        self.remarks: list[str] = []
        self.discard: Callable[[], object] = lambda: None
        self.pending: Pending | None = None
        self.is_durable = is_durable
        self.newest_operation: str | None = None
        self._committer: tuple[str, str] | None = None
        self._prepared = False

    def random_letters(self, size: int) -> str:
        """`size` bytes of the random source as 2 × size letters k-z (0→z … f→k)."""
        return self.random(size).hex().translate(_LETTERS)

    @property
    def committer(self) -> tuple[str, str]:
        """Name and mail of who writes: GIT_COMMITTER_*, else git's configuration, else tract."""
        if self._committer is None:
            name = self.environ.get("GIT_COMMITTER_NAME")
            mail = self.environ.get("GIT_COMMITTER_EMAIL")
            self._committer = (
                _as_utf8(name or self._configured("user.name", "tract")),
                _as_utf8(mail or self._configured("user.email", "tract@localhost")),
            )
        return self._committer

    def _configured(self, key: str, default: str) -> str:
        try:
            return self.git.config[key] or default
        except (KeyError, pygit2.GitError):
            return default

    def prepare_for_writing(self) -> None:
        """Put back configuration that does not travel with a clone; once a handle.

        A write needs none of it: where another program holds the file, or left its lock when it
        was killed, the next write tries again, and status says so.
        """
        if self._prepared:
            return
        try:
            _configure(self.git)
        except (pygit2.GitError, OSError) as error:
            lock = os.path.join(self.path, "config.lock")
            if not os.path.exists(lock):
                raise storage_error(error, "write the repository's configuration") from error
            self.remarks.append(
                f"{lock} keeps the configuration as it is; remove it if no git runs"
            )
            return
        self._prepared = True

    def staged(self) -> Repo:
        """This repository, seen by one change: what is written stays in memory (pending.py)."""
        assert self.committer  # looked up once, for every view
        view = object.__new__(Repo)
        view.__dict__.update(self.__dict__)
        view.pending = Pending()
        return view

    def staged_apart(self) -> Repo:
        """The same for a batch: a libgit2 handle of its own, which sees the pending objects."""
        view = self.staged()
        assert view.pending is not None
        view.git = _open_git(Path(self.git.path))
        view.odb = ObjectStore(os.path.join(self.path, "objects"))
        view.git.odb.add_backend(Backend(view.pending), _BEFORE_FILES)
        view.discard = lambda: None
        return view

    @property
    def pending_bytes(self) -> int:
        """How much a staged repository holds in memory."""
        return self.pending.size_bytes if self.pending is not None else 0

    def close(self) -> None:
        """Let go of the lock's file and of libgit2's handle."""
        if self.pending is not None:
            self.git.free()
            return
        self.lock.close()
        self.git.free()
        self.discard()


def _as_utf8(text: str) -> str:
    """Text out of the environment, whose bytes may be in any encoding."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def shared_folder(path: str) -> str:
    """Where refs and objects are, with a `/` at its end; a linked work tree shares them."""
    try:
        common = Path(path, "commondir").read_text("utf-8").strip()
    except OSError:
        return path
    return os.path.join(os.path.normpath(os.path.join(path, common)), "")


def _read_shallow(path: str) -> frozenset[str]:
    """The commits of a shallow clone whose parents were left behind (gitrepository-layout)."""
    try:
        return frozenset(Path(path, "shallow").read_text("ascii").split())
    except OSError:
        return frozenset()


def checked_out(repo: Repo) -> set[str]:
    """The refs that are checked out in a work tree, the repository's own or a linked one."""
    heads = [] if has_no_work_tree(repo) else [os.path.join(repo.path, "HEAD")]
    linked = f"{repo.path}worktrees"
    if os.path.isdir(linked):
        heads += [os.path.join(linked, name, "HEAD") for name in os.listdir(linked)]
    said = (Path(head).read_text("utf-8") for head in heads if os.path.isfile(head))
    return {text.removeprefix("ref:").strip() for text in said}


def has_no_work_tree(repo: Repo) -> bool:
    """Whether the repository itself is bare, even where it was opened from a linked work tree."""
    if repo.git.is_bare or (repo.git.path == repo.path and _is_dot_git(repo.path)):
        return bool(repo.git.is_bare)
    own = pygit2.Config(os.path.join(repo.path, "config"))
    if "core.bare" in own:
        return bool(own.get_bool("core.bare"))
    return not _is_dot_git(repo.path)  # its configuration is lost, and it was never a project's


def _is_dot_git(path: str) -> bool:
    return os.path.basename(os.path.normpath(path)) == ".git"


# Finding


def find_repository(start: Path) -> Path | None:
    """The `.tract` of `start` or of its nearest parent that has one."""
    for folder in (start, *start.parents):
        if (folder / ".tract").is_dir():
            return folder / ".tract"
    return None


def locate(path: str | Path | None) -> tuple[Path, bool]:
    """Where the repository that `path` means is, or is to be made, and whether it is there."""
    if path is None:
        here = Path.cwd()
        found = find_repository(here)
        return (found, True) if found else (here / ".tract", False)
    given = Path(path)
    if given.name.endswith((".tract", ".git")) or looks_like_one(str(given)):
        return given, given.exists()
    if (given / ".tract").is_dir():
        return given / ".tract", True
    if (given / ".git").exists() and _carries_format(given / ".git"):
        return given / ".git", True
    return given / ".tract", False


def _is_bare(path: Path) -> bool:
    return (path / "HEAD").is_file() and (path / "objects").is_dir() and (path / "refs").is_dir()


def _carries_format(path: Path) -> bool:
    try:
        git = _open_git(path)
        names = [name for name in git.references if name.startswith("refs/heads/")]
    except (TractError, pygit2.GitError):
        return False
    return any(our_format.format_of(git, name) for name in names)


# Opening


def open_repo(
    path: str | Path,
    *,
    clock: Clock,
    random: RandomSource,
    environ: Mapping[str, str],
    is_durable: bool = False,
) -> Repo:
    """Open the repository at `path` as it stands; nothing is written.

    With `is_durable` every object, ref and reflog line is on the disk before a call returns, and
    the objects before their ref moves: a power cut then costs no more than a kill.

    Raises:
        RepoNotFound: there is no repository.
        UnknownFormat: it is somebody else's, of a newer format, or one libgit2 cannot read.
        CorruptRepo: a file that git cannot do without is damaged; names it.
    """
    git = _open_durable(Path(path)) if is_durable else _open_git(Path(path))
    our_format.check_format(git)
    return Repo(git, clock=clock, random=random, environ=environ, is_durable=is_durable)


def _open_git(path: Path) -> pygit2.Repository:
    if path.is_file() and path.name != ".git":
        raise RepoNotFound(
            f"{path} is a file, not a repository", "name another folder, or move the file away"
        )
    if not path.exists():
        raise RepoNotFound(
            f"there is no repository at {path}", "make one with `tract init`, or name another"
        )
    try:
        git = pygit2.Repository(str(path), RepositoryOpenFlag.NO_SEARCH)
        guard(git.odb, os.path.join(shared_folder(git.path), "objects"))
        return git
    except (pygit2.GitError, OSError, ValueError) as error:
        raise _open_error(path, error) from error


def _open_durable(path: Path) -> pygit2.Repository:
    """A handle that flushes refs and reflogs: libgit2 decides that when their store is opened.

    Loose objects are flushed by landing.py, all of an operation together.
    """
    with _durable_open:
        pygit2.settings.enable_fsync_gitdir(True)
        try:
            git = _open_git(path)
            git.references.get("HEAD")
        finally:
            pygit2.settings.enable_fsync_gitdir(False)
    return git


def _open_error(path: Path, error: BaseException) -> TractError:
    said = str(error)
    low = said.lower()
    if "object format" in low or "extension" in low or "repositoryformatversion" in low:
        return UnknownFormat(
            f"{path} is a kind of git repository that libgit2 cannot read ({said})",
            "clone it with git into an ordinary SHA-1 repository with files for refs",
        )
    if "not owned" in low:
        return ReadOnly(
            f"{path} belongs to another user",
            f"if you trust it: git config --global --add safe.directory {path}",
        )
    if "permission denied" in low:
        return ReadOnly(f"{path} may not be read by this user", "ask its owner for access")
    faults = faults_of_opening(str(path)) if looks_like_one(str(path)) else []
    if faults:
        return damaged(str(path), faults[0])
    if not _is_bare(path):
        return RepoNotFound(f"{path} is no git repository", "make one with `tract init`")
    return NotReady(
        f"{path} cannot be opened: {said}",
        "if it names a git configuration file, make that readable, or set HOME",
    )


def damaged(folder: str, fault: BadFile) -> CorruptRepo:
    """The error for a repository that cannot be opened because of that file."""
    return CorruptRepo(
        f"{folder} cannot be opened: {fault.path} {fault.what}",
        "`tract fsck --repair` puts it back, and sets aside what is damaged",
        path=fault.path,
    )


def check_branch(repo: Repo, ref: str) -> None:
    """Refuse a branch that holds something else than the context of this format.

    Raises:
        UnknownFormat: its tip is of a newer format, or no context at all.
    """
    our_format.check_ref(repo.git, ref)


def check_context(repo: Repo, commit: CommitId) -> None:
    """Refuse a commit that holds something else than the context of this format.

    Raises:
        UnknownFormat: it is of a newer format, or no context at all.
        BadObject: it cannot be read.
    """
    our_format.check_commit(repo.git, commit)


# Making


def init_repo(
    path: str | Path,
    *,
    clock: Clock,
    random: RandomSource,
    environ: Mapping[str, str],
    is_durable: bool = False,
) -> Repo:
    """Make the bare repository at `path`, or open the one that is there.

    It is made aside and renamed into place, so a kill leaves no half repository and two
    processes that make it at once both end up with the same one.
    """
    target = Path(path)
    if not _is_bare(target):
        _make(target)
        if is_durable:
            os.sync()
    return open_repo(target, clock=clock, random=random, environ=environ, is_durable=is_durable)


def _make(target: Path) -> None:
    parent, aside = target.parent, None
    for each in (target, *target.parents):
        if each.is_file():
            raise RepoNotFound(f"{target} cannot be made: {each} is a file", "name another folder")
    was_there = parent.exists()
    try:
        parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".tract-new-", dir=parent))
        _make_aside(aside)
        os.rename(aside, target)
    except (pygit2.GitError, OSError) as error:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)
        if _is_bare(target):
            return  # another process was faster, and its repository serves
        if not was_there:
            with suppress(OSError):
                parent.rmdir()
        raise storage_error(error, f"make {target}") from error


def _make_aside(folder: Path) -> None:
    git = pygit2.init_repository(str(folder), bare=True, initial_head=DEFAULT_BRANCH)
    _configure(git)
    git.free()
    (folder / ".gitignore").write_bytes(b"*\n")
    (folder / "tract").mkdir()
    folder.chmod(0o777 & ~_umask())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _configure(git: pygit2.Repository) -> None:
    """Set what the repository's own configuration lacks; the user's does not travel with it."""
    own = pygit2.Config(os.path.join(shared_folder(git.path), "config"))
    for key, value in CONFIGURATION.items():
        if key not in own:
            own[key] = value


def throwaway_repo(
    *, clock: Clock, random: RandomSource, environ: Mapping[str, str], is_durable: bool = False
) -> Repo:
    """A repository in a temporary folder, removed when it is closed or forgotten."""
    folder = tempfile.mkdtemp(prefix="tract-memory-")
    repo = init_repo(
        Path(folder) / ".tract",
        clock=clock,
        random=random,
        environ=environ,
        is_durable=is_durable,
    )
    repo.discard = weakref.finalize(repo, shutil.rmtree, folder, ignore_errors=True)
    return repo
