"""usage.py - what answers cost: usage that is reported after the answer was committed."""

from __future__ import annotations

from tract.content.generation import note_line, read_usage
from tract.errors import EntryNotFound
from tract.porcelain import history
from tract.porcelain.commit_info import CommitInfo
from tract.porcelain.targets import Target, commit_of, entry_of, looks_like_entry
from tract.porcelain.workspace import Workspace
from tract.porcelain.write import write_note


def record_usage(ws: Workspace, usage: object, *, target: Target | None = None) -> CommitInfo:
    """Keep what a provider counted for an answer, as a line of the commit's generation note.

    `usage` is what OpenAI's or Anthropic's API reports: a dict, or their client's object (also
    with `cost_usd`). `target` names the entry, or the commit that wrote it; without one it is the
    newest commit of the branch. Reported again, the newest report of each number counts.

    Raises:
        BadContent: no number of tokens is in it.
        EntryNotFound: there is nothing to record it for.
        RevisionNotFound, AmbiguousRevision, BadRevision: the target.
    """
    ws.check_writable()
    counted = read_usage(usage)
    info = _answer(ws, target)
    entry_id = str(info.entry_id)
    return write_note(ws, info, lambda at: note_line(at, entry_id, usage=counted))


def _answer(ws: Workspace, target: Target | None) -> CommitInfo:
    """The commit that wrote the entry an answer stands in."""
    if target is None or not looks_like_entry(ws, target):
        info = history.info_at(ws, commit_of(ws, target if target is not None else "HEAD"))
        if info.entry_id is None:
            raise EntryNotFound(
                f"{info.commit_hash[:10]} did not write exactly one entry",
                "name the entry that the usage is about",
            )
        return info
    located = entry_of(ws, target)
    return history.info_at(ws, history.writer_of(ws, located.tip.id, located.item.entry.id))
