"""cleaning.py - remove what killed writers left, once it is an hour old and surely nobody's."""

from __future__ import annotations

import os

from tract.plumbing.aside import folders_aside, remove_aside
from tract.plumbing.inventory import (
    SIDE_FILES,
    is_temporary,
    names_in,
    object_folder,
    pack_folder,
    remove_file,
)
from tract.plumbing.packs import KEEP_MARK
from tract.plumbing.repo import Repo

STALE_MS = 3_600_000


def clean(repo: Repo) -> None:
    """Remove what killed writers left more than an hour ago; cheap where there is nothing.

    Files of other programs stay, their `.keep` too; what cannot be removed is left silently.
    """
    folder, packs = object_folder(repo), pack_folder(repo)
    stale = [
        os.path.join(folder, name)
        for name in names_in(folder)
        if len(name) > 4 and name.startswith("tmp_")
    ]
    in_packs = names_in(packs)
    stale += [os.path.join(packs, name) for name in in_packs if is_temporary(name)]
    keeps = [os.path.join(packs, name) for name in in_packs if name.endswith(".keep")]
    asides = folders_aside(repo)
    if not stale and not keeps and not asides:
        return
    now_ms = repo.clock()
    for path in asides:
        if _is_old(path, now_ms):
            remove_aside(path)
    for path in stale:
        if _is_old(path, now_ms):
            remove_file(path)
    for path in keeps:
        if _is_old(path, now_ms) and _is_ours(path):
            _clean_keep(path.removesuffix(".keep"))


def leftovers(repo: Repo) -> list[str]:
    """Temporary files and locks that are more than an hour old, from the repository's folder."""
    folder, now_ms = object_folder(repo), repo.clock()
    tops = [folder, pack_folder(repo), *(f"{folder}/{n}" for n in names_in(folder) if len(n) == 2)]
    found = [os.path.join(top, n) for top in tops for n in names_in(top) if is_temporary(n)]
    found += [os.path.join(repo.path, n) for n in names_in(repo.path) if n.endswith(".lock")]
    for top, _, names in os.walk(os.path.join(repo.path, "refs")):
        found += [os.path.join(top, name) for name in names if name.endswith(".lock")]
    return sorted(os.path.relpath(path, repo.path) for path in found if _is_old(path, now_ms))


def is_ours(path: str) -> bool:
    """Whether a leftover is of the sort that `clean` removes, which libgit2 and we make."""
    folder, name = os.path.split(path)
    return folder in ("objects", "objects/pack") and is_temporary(name)


def _is_old(path: str, now_ms: int) -> bool:
    try:
        changed_ms = os.stat(path, follow_symlinks=False).st_mtime_ns // 1_000_000
    except OSError:
        return False
    return now_ms - changed_ms > STALE_MS


def _is_ours(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(KEEP_MARK)) == KEEP_MARK
    except OSError:
        return False


def _clean_keep(path: str) -> None:
    """A pack whose index is not there was never in place, or is half removed: it goes first."""
    if not os.path.exists(path + ".idx"):
        for end in (*SIDE_FILES, ".pack"):
            remove_file(path + end)
    remove_file(path + ".keep")
