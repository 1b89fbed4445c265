"""revs.py - what a target names: git's revision syntax, and walks along the history.

The first word is resolved here, because ref names win over abbreviated ids and two refs of one
name are an error with the candidates (git itself warns and picks); what follows it (`~2`, `^2`,
`@{yesterday}`) and rarer forms (`:/text`, describe's output) are libgit2's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice

import pygit2

from tract.errors import AmbiguousRevision, BadObject, BadRevision, RevisionNotFound
from tract.plumbing.failures import missing
from tract.plumbing.objects import Commit, read_commit
from tract.plumbing.ref_names import HEADS
from tract.plumbing.refs import read_ref
from tract.plumbing.repo import CommitId, Repo

_WORD = re.compile(r"(@(?!\{)|(?:(?!@\{)[^~^:])*)(.*)\Z", re.S)
_BEFORE = re.compile(r"(-\Z|@\{-\d{1,9}\})(.*)", re.S)
_HEX = re.compile(r"[0-9a-fA-F]{4,40}\Z")
_SPACES = ("refs/tags/", HEADS, "refs/remotes/", "refs/")
_CANDIDATES_MAX = 20
_LENGTH_MAX = 1000
_BACK_MAX = 10_000
_DAMAGED = re.compile(r"objects/([0-9a-f]{2})/([0-9a-f]{38}) ")
_UNREADABLE = (KeyError, pygit2.GitError, ValueError)


def resolve(
    repo: Repo, text: str, *, head: str, own: Callable[[str], str | None] = lambda _: None
) -> CommitId:
    """The commit that a revision names; `head` is what HEAD and @ stand for: a ref or a commit id.

    `own` says what else a handle has words of its own for (`-`, `@{-1}`, ORIG_HEAD), in the same
    way; None for a word that it leaves to git.

    Raises:
        BadRevision: not git's syntax, or it names something that is no commit.
        AmbiguousRevision: several answer; `candidates` lists them.
        RevisionNotFound: none answers.
    """
    if not text or any(ord(char) < 32 or "\ud800" <= char <= "\udfff" for char in text):
        raise BadRevision(f"{text!r} is no revision", "name a branch, a tag or a commit id")
    if len(text) > _LENGTH_MAX:
        raise _not_found(f"{text[:40]}…")
    match = _WORD.match(text)
    assert match is not None
    word, rest = _words(text, match[1], match[2])
    mine = own(word) if word else None
    if mine is not None:
        return _with_suffix(repo, mine, rest, text)
    if word in ("HEAD", "@") or (not word and re.match(r"@\{(?!-|u|push)", rest)):
        return _with_suffix(repo, head, rest, text)
    named = _refs_called(repo, word) if word else []
    if len(named) > 1:
        raise AmbiguousRevision(
            f"{word} names {len(named)} refs: {', '.join(named)}",
            "write the whole name",
            candidates=named,
        )
    if named:
        return _with_suffix(repo, named[0], rest, text)
    if _HEX.match(word):
        return _with_suffix(repo, _abbreviated(repo, word, head), rest, text)
    return _by_libgit2(repo, text, text)


def _words(text: str, word: str, rest: str) -> tuple[str, str]:
    """The first word and what follows it; where it stood before is a word, too."""
    before = _BEFORE.match(text)
    return (before[1], before[2]) if before is not None else (word, rest)


def _refs_called(repo: Repo, word: str) -> list[str]:
    if word.startswith("refs/"):
        return [word] if read_ref(repo, word) is not None else []
    names = [space + word for space in _SPACES]
    return [name for name in names if read_ref(repo, name) is not None]


def _abbreviated(repo: Repo, prefix: str, head: str) -> CommitId:
    """The one commit whose id begins so; other objects of the same prefix do not count."""
    prefix = prefix.lower()
    try:
        found = [repo.git[prefix]]
    except KeyError:
        _check_history(repo, head, prefix)
        raise _not_found(prefix) from None
    except (ValueError, pygit2.GitError):
        ids = (str(oid) for oid in repo.odb)
        found = [_object(repo, each) for each in ids if each.startswith(prefix)]
    commits = [str(item.id) for item in found if isinstance(item, pygit2.Commit | pygit2.Tag)]
    if not commits:
        kinds = ", ".join(sorted({item.type_str for item in found}))
        raise BadRevision(f"{prefix} is a {kinds}, not a commit", "see `tract log` for commits")
    if len(commits) > 1:
        raise AmbiguousRevision(
            f"{prefix} begins {len(commits)} commit ids",
            "write more digits: " + ", ".join(item[:12] for item in commits[:_CANDIDATES_MAX]),
            candidates=commits,
        )
    return CommitId(commits[0])


def _with_suffix(repo: Repo, base: str, rest: str, text: str) -> CommitId:
    """`base` is a full ref name or a commit id."""
    if base.startswith("refs/"):
        tip = read_ref(repo, base)
        if tip is None:
            raise RevisionNotFound(
                f"{base.removeprefix(HEADS)} has no commits yet", "write a first entry to it"
            )
        if not rest.startswith("@{"):
            base = tip
    if not rest:
        return _peel(repo, _object(repo, base), text) if base else _by_libgit2(repo, base, text)
    try:
        return _by_libgit2(repo, base + rest, text)
    except RevisionNotFound:
        _check_history(repo, base)
        raise


def _object(repo: Repo, name: str) -> pygit2.Object:
    try:
        return repo.git[name]
    except _UNREADABLE as error:
        raise missing("commit", name) from error


def _check_history(repo: Repo, start: str, prefix: str = "") -> None:
    """Nothing answers to a revision; was that because a commit is missing on the way to it?

    Raises:
        BadObject: a commit along first parents, whose id begins so, is missing or damaged.
    """
    try:
        tip = read_ref(repo, start) if start.startswith("refs/") else CommitId(start)
        for _ in islice(walk_first_parents(repo, tip), _BACK_MAX):
            pass
    except BadObject as error:
        if str(error.facts.get("name")).startswith(prefix):
            raise


def _by_libgit2(repo: Repo, spec: str, text: str) -> CommitId:
    try:
        found = repo.git.revparse_single(spec)
    except KeyError:
        raise _not_found(text) from None
    except (ValueError, pygit2.GitError, OSError) as error:
        damaged = _DAMAGED.search(str(error))
        if damaged is not None:
            raise missing("object", damaged[1] + damaged[2]) from error
        raise BadRevision(
            f"{text!r} is no revision: {error}", "name a branch, a tag or a commit id"
        ) from error
    return _peel(repo, found, text)


def _peel(repo: Repo, found: pygit2.Object, text: str) -> CommitId:
    try:
        return CommitId(str(found.peel(pygit2.Commit).id))
    except (pygit2.GitError, ValueError) as error:
        raise BadRevision(f"{text!r} names a {found.type_str}, not a commit") from error


def _not_found(text: str) -> RevisionNotFound:
    return RevisionNotFound(
        f"nothing is called {text!r} here", "see `tract log` for commits and entries"
    )


def walk_first_parents(repo: Repo, tip: CommitId | None) -> Iterator[Commit]:
    """The commits from `tip` back along first parents."""
    while tip is not None:
        commit = read_commit(repo, tip)
        yield commit
        tip = commit.parents[0] if commit.parents else None


def walk_first_parent_ids(repo: Repo, tip: CommitId) -> Iterator[CommitId]:
    """The ids of the commits from `tip` back along first parents; libgit2 reads them.

    Raises:
        BadObject: one of them is missing or damaged.
    """
    walker = repo.git.walk(tip)
    walker.simplify_first_parent()
    return _ids(walker, tip)


def walk_ids(repo: Repo, tip: CommitId) -> Iterator[CommitId]:
    """Every commit reachable from `tip`, newest first, none before its children.

    Raises:
        BadObject: one of them is missing or damaged.
    """
    try:
        for found in _until_a_merge(repo, tip):
            yield CommitId(str(found.id))
        if len(found.parent_ids) > 1:
            order = pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.TIME
            rest = repo.git.walk(found.id, order)
            next(rest)
            yield from (CommitId(str(each.id)) for each in rest)
    except _UNREADABLE as error:
        raise _broken(tip, error) from error


def _until_a_merge(repo: Repo, tip: CommitId) -> Iterator[pygit2.Commit]:
    """The commits from `tip` back to the first merge, it included: their order is sure.

    Only past a merge is the whole history needed to put it into order.
    """
    walker = repo.git.walk(tip)
    walker.simplify_first_parent()
    for found in walker:
        yield found
        if len(found.parent_ids) > 1:
            return


def _ids(walker: pygit2.Walker, tip: CommitId) -> Iterator[CommitId]:
    try:
        for found in walker:
            yield CommitId(str(found.id))
    except _UNREADABLE as error:
        raise _broken(tip, error) from error


def _broken(tip: CommitId, error: BaseException) -> BadObject:
    return BadObject(
        f"the history of {tip[:12]} has a commit that is missing or damaged ({error})",
        "run `tract fsck` to see which; a clone or backup may still have it",
    )
