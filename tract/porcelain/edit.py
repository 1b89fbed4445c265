"""edit.py - replace what an entry says; its place, its id and its history stay.

An edit is planned on the entry's blob: where somebody else changed that entry in between it is
refused, where they appended it finds the entry as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tract.content.checks import check_entry
from tract.content.entry import Entry, with_fields
from tract.content.generation import LLMConfig, note_line, read_config
from tract.content.rewriting import replaced_by, with_text
from tract.errors import BadContent, StaleRef
from tract.plumbing.objects import Commit
from tract.plumbing.pages import read_slot
from tract.porcelain import arguments, history, trailers
from tract.porcelain.commit_info import CommitInfo
from tract.porcelain.register import entry_from
from tract.porcelain.targets import Target, entry_of
from tract.porcelain.workspace import Workspace, read_author
from tract.porcelain.write import Draft, write, write_note


def edit(
    ws: Workspace,
    target: Target,
    content: object,
    *,
    message: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    author: str | None = None,
    priority: str | None = None,
    generation_config: object = None,
) -> CommitInfo:
    """Replace what an entry says; its place and id stay. `content` is a text, or any content.

    The entry keeps what is known of how it was generated and what that cost, unless
    `generation_config` says anew.
    Editing it to what it says already writes nothing, and returns the commit that last set it.

    Raises:
        EntryNotFound, AmbiguousRevision: the target.
        BadContent: the content, or it would tear a tool call from its result.
        StaleRef: somebody else changed the same entry in between.
    """
    ws.check_open()
    trailers.check_message(message)
    config = read_config(generation_config)
    located = entry_of(ws, target)
    before = located.item
    made = _edited(ws, before.entry, content)
    made = with_fields(
        made,
        priority=arguments.priority(priority) or made.priority,
        metadata=arguments.metadata(metadata) or made.metadata,
    )
    if made == before.entry:
        return _unchanged(ws, located.tip, made, config)
    check_entry(made)
    file = before.file
    fresh = note_line(arguments.now(ws.repo), made.id, config=config) if config else None
    is_known = fresh is None and ws.generations.exist
    draft = Draft(
        made,
        "edit",
        file,
        author=read_author(author),
        message=message,
        notes=(fresh,) if fresh else (),
        carries=history.writer_of(ws, located.tip.id, made.id) if is_known else None,
    )

    def plan(tip: Commit | None) -> list[Draft]:
        if tip is None or read_slot(ws.repo, tip.tree, file.slot) != (file,):
            raise StaleRef(
                f"the entry {made.id} was changed by somebody else",
                "read it again, then repeat the edit",
                expected=located.tip.id,
                found=tip.id if tip is not None else None,
            )
        return [draft]

    shared = read_slot(ws.repo, located.tip.tree, file.slot)
    if len(shared) > 1:
        raise BadContent(
            f"{len(shared)} entries share slot {file.slot} since a merge by stock git",
            "write any new entry first: that gives each a slot of its own",
        )
    return write(ws, plan)[0]


def _edited(ws: Workspace, entry: Entry, content: object) -> Entry:
    if isinstance(content, str):
        return with_text(entry, content)
    return replaced_by(entry, entry_from(ws, content))


def _unchanged(ws: Workspace, tip: Commit, entry: Entry, config: LLMConfig | None) -> CommitInfo:
    """The commit that last set the entry; new settings are added to its note."""
    info = history.info_at(ws, history.writer_of(ws, tip.id, entry.id))
    info = msgspec.structs.replace(info, changed=False)
    if config is None:
        return info
    return write_note(ws, info, lambda at: note_line(at, entry.id, config=config), verb="edit")
