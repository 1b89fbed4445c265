"""our_format.py - whether a repository is one of ours: `# tract N` in a branch's .gitattributes.

A tip that cannot be read says nothing. Then other tips answer, and what only tract leaves: its
folder, its words in a reflog.
"""

from __future__ import annotations

import os

import pygit2

from tract.errors import CorruptRepo, UnknownFormat
from tract.plumbing.failures import missing
from tract.plumbing.ref_names import OBJECT_ID

FORMAT = 1
_UNREADABLE = (KeyError, pygit2.GitError, ValueError, OSError)
_OUR_WORDS = b"\ttract: "


def check_format(git: pygit2.Repository) -> None:
    """The current branch answers for all; only where it does not are the others looked at.

    Raises:
        UnknownFormat: it is somebody else's, or of a newer format.
        CorruptRepo: no tip can be read, and nothing else tells whose it is.
    """
    if is_known(git, "HEAD"):
        return
    try:
        names = [name for name in git.references if name.startswith("refs/heads/")]
    except _UNREADABLE:
        names = ["refs/heads/"]  # a damaged packed-refs: some branch, whose tip cannot be read
    answers = [is_known(git, name) for name in names]
    if not names or any(answers):
        return
    if None not in answers:
        raise UnknownFormat(
            f"{git.path} is a git repository, but not one of tract's",
            "name another folder; tract makes its own repository in `.tract`",
        )
    if not _has_our_traces(git.path):
        raise CorruptRepo(
            f"no branch of {git.path} can be read, so nothing says whether it is tract's",
            "restore it from a clone or backup; `git fsck` says what is damaged",
            path=names[0],
        )


def _has_our_traces(path: str) -> bool:
    if os.path.isdir(os.path.join(path, "tract")):
        return True
    for folder, _, names in os.walk(os.path.join(path, "logs")):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                if _OUR_WORDS in file.read():
                    return True
    return False


def check_ref(git: pygit2.Repository, ref: str) -> None:
    """Refuse a branch that holds something else than the context of this format.

    Raises:
        UnknownFormat: its tip is of a newer format, or no context at all.
    """
    if is_known(git, ref) is False:
        raise UnknownFormat(f"{ref} holds no context of tract's", "name another branch")


def check_commit(git: pygit2.Repository, commit: str) -> None:
    """Refuse a commit that holds something else than the context of this format.

    Raises:
        UnknownFormat: it is of a newer format, or no context at all.
        BadObject: it cannot be read.
    """
    answer = is_known(git, commit)
    if answer is None:
        raise missing("commit", commit)
    if not answer:
        raise UnknownFormat(
            f"{commit[:12]} holds no context of tract's", "see `tract log` for those that do"
        )


def is_known(git: pygit2.Repository, ref: str) -> bool | None:
    """Whether a ref or commit is of our format; None where it cannot be read, or is not there.

    Raises:
        UnknownFormat: it is of a newer one.
    """
    number = format_of(git, ref)
    if number is not None and number > FORMAT:
        raise UnknownFormat(
            f"{git.path} has format {number}, and this tract reads format {FORMAT}",
            "upgrade tract: pip install --upgrade tract-context",
        )
    return number > 0 if number is not None else None


def format_of(git: pygit2.Repository, ref: str) -> int | None:
    """The number in `# tract N` of the attributes at a ref or commit; 0 where there is none.

    None where it cannot be read, or is not there.
    """
    try:
        found = git[ref] if OBJECT_ID.match(ref) else git.lookup_reference(ref)
        tree = found.peel(pygit2.Tree)
        if ".gitattributes" not in tree:
            return 0
        item = tree[".gitattributes"]
        data = item.data if isinstance(item, pygit2.Blob) else b""
    except _UNREADABLE:
        return None
    words = data.split(b"\n", 1)[0].split()
    ours = len(words) == 3 and words[:2] == [b"#", b"tract"] and words[2].isdigit()
    return int(words[2]) if ours else 0
