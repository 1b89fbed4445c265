"""moment.py - when a commit is written, and by whom: now, but always later than its parent."""

from __future__ import annotations

from tract.plumbing.objects import Commit, Person, clean_name
from tract.plumbing.repo import Repo
from tract.porcelain import trailers


def later_than(repo: Repo, parent: Commit | None) -> int:
    """Now in milliseconds since 1970, or one more than the parent's where the clock is behind."""
    now_ms = repo.clock()
    return now_ms if parent is None else max(now_ms, trailers.committed_ms(parent) + 1)


def committer_at(repo: Repo, moment_ms: int) -> Person:
    """Who writes in this repository, at that moment."""
    name, mail = repo.committer
    return Person(clean_name(name, "tract"), clean_name(mail, "tract@localhost"), moment_ms // 1000)
