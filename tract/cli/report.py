"""report.py - results as lines: a commit, the log, a diff, a search, the status, what is wrong.

Pure functions from a result to lines of pieces; only render.py prints. Places are written as they
are accepted: `:17` is a slot, ten digits are a commit.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from tract.cli.render import Line, Paint, Piece, flat, number

if TYPE_CHECKING:
    from tract.content.entry import Entry
    from tract.porcelain.commit_info import CommitInfo
    from tract.porcelain.compile import CompiledContext
    from tract.porcelain.diff import DiffResult
    from tract.porcelain.log import StatusInfo
    from tract.porcelain.problem import Problem
    from tract.porcelain.search import Hit
    from tract.porcelain.storage import StorageInfo

HASH_DIGITS = 10
INDENT = "    "
_EDGE = {"+": "green", "-": "red", "@": "cyan"}
_SIGN = {"added": "+", "removed": "-", "modified": "~", "moved": ">"}
_STATUS_COLOR = {"added": "green", "removed": "red", "modified": "yellow", "moved": "cyan"}


def short(commit: str) -> Paint:
    """The first digits of a commit id."""
    return Paint(commit[:HASH_DIGITS], "yellow")


def indented(text: str, indent: str = INDENT) -> Iterator[Line]:
    """The lines of a text, moved right."""
    for line in text.split("\n"):
        yield (indent, line) if line else ()


def place(info: CommitInfo) -> str:
    """Where the entry of a commit stands, as a target; empty if the commit wrote several."""
    return "" if info.slot is None else f":{info.slot}"


# Commits


def written(info: CommitInfo) -> Line:
    """What a writing command did, in a line: branch, commit, entry, subject."""
    where = info.branch or "detached HEAD"
    line: list[Piece] = ["[", Paint(where, "green"), " ", short(info.commit_hash), "] "]
    if info.entry_id:
        line += [f"{place(info)} ", Paint(info.entry_id, "cyan"), " "]
    line.append(flat(info.message) if info.changed else "unchanged: it says so already")
    return line


def log_line(info: CommitInfo) -> Line:
    """A commit of `log --oneline`."""
    line: list[Piece] = [short(info.commit_hash), f" {place(info):>5} ", flat(info.message)]
    if info.priority not in (None, "normal"):
        line.append(Paint(f" [{info.priority}]", "magenta"))
    return [*line, Paint(f"  {_tokens(info)}", dim=True)]


def log_entry(info: CommitInfo, tip: str | None = None) -> Iterator[Line]:
    """A commit as git's log shows it, with its tokens; `tip` is the branch that stands there."""
    head: list[Piece] = [Paint("commit ", "yellow"), short(info.commit_hash)]
    if tip:
        head.append(Paint(f" ({tip})", "green", bold=True))
    yield [*head, "  ", *_what(info), Paint(f"  {_tokens(info, words=True)}", dim=True)]
    yield ("Author: ", flat(info.author))
    yield ("Date:   ", date(info))
    yield from generation_lines(info)
    yield ()
    yield from indented(info.message)
    yield ()


def generation_lines(info: CommitInfo) -> Iterator[Line]:
    """How the answer of a commit was made, and what it cost, where that is known."""
    config, usage = info.generation_config, info.usage
    if config is not None:
        said = [f"{key} {flat(str(value))}" for key, value in config.to_dict().items()]
        yield ("Model:  ", ", ".join(said).removeprefix("model "))
    if usage is not None:
        counts = [
            f"{value:,} {name.removesuffix('_tokens')}"
            for name, value in msgspec.structs.asdict(usage).items()
            if isinstance(value, int)
        ]
        cost = f", ${usage.cost_usd:.5f}" if usage.cost_usd is not None else ""
        yield ("Usage:  ", ", ".join(counts), " tokens", cost)


def _what(info: CommitInfo) -> Iterator[Piece]:
    if info.entry_id:
        yield f"{place(info)} "
        yield Paint(info.entry_id, "cyan")
    words = [info.role or info.content_type or ""]
    if info.operation != "append":
        words.append(info.operation)
    yield " " + " ".join(word for word in words if word)
    if info.priority not in (None, "normal"):
        yield Paint(f" [{info.priority}]", "magenta")


def _tokens(info: CommitInfo, *, words: bool = False) -> str:
    own, context = info.token_count, info.context_tokens
    if not words:
        return f"{own:,}" if context is None else f"{own:,}/{context:,}"
    said = number(own, "token")
    return said if context is None else f"{said} / {context:,} in context"


def date(info: CommitInfo) -> str:
    """When it was said, in local time, spelled as git does."""
    when = info.created_at.astimezone()
    return f"{when:%a %b} {when.day} {when:%H:%M:%S %Y %z}"


def shown(
    info: CommitInfo, entry: Entry | None, diff: DiffResult, *, whole: bool
) -> Iterator[Line]:
    """A commit, then the text of its entry if that is new or wanted whole, else what changed."""
    yield from log_entry(info)
    whole = whole or all(one.status == "added" for one in diff.message_diffs)
    if entry is not None and whole:
        yield from entry_lines(entry)
    else:
        yield from diff_lines(diff)


def entry_lines(entry: Entry) -> Iterator[Line]:
    """An entry: its text as it is, then its tool calls."""
    facts = [f"entry {entry.id}", f"type {entry.type}"]
    for key in ("name", "tool_name", "tool_call_id", "status", "language", "artifact_type"):
        if getattr(entry, key):
            facts.append(f"{key} {flat(str(getattr(entry, key)))}")
    yield (Paint("  ".join(facts), "cyan"),)
    yield ()
    if entry.text or not entry.tool_calls:
        yield from indented(entry.text, "")
    for call in entry.tool_calls:
        yield call_line(call)


def call_line(call: dict[str, Any]) -> Line:
    """A tool call as the provider spells it, in a line."""
    function = call.get("function")
    inner: dict[str, Any] = function if isinstance(function, dict) else {}
    name = str(inner.get("name", "") or call.get("type", "call"))
    said = f"{name}({inner.get('arguments', '')})"
    return [Paint("call ", "cyan"), flat(said), Paint(f"  {call.get('id') or 'no id'}", dim=True)]


# Differences


def diff_lines(diff: DiffResult) -> Iterator[Line]:
    """The entries that differ, each with its text, then the sum."""
    for one in diff.message_diffs:
        color = _STATUS_COLOR.get(one.status)
        before, after = one.slot_before, one.slot_after
        slots = [f":{slot}" for slot in (before, after) if slot is not None]
        where = " -> ".join(dict.fromkeys(slots))
        head = f"{_SIGN.get(one.status, '?')} {one.status} {where} {flat(one.label)}"
        yield [
            Paint(head, color, bold=True),
            f"  {one.entry_id}",
            Paint(f"  {one.token_delta:+,} tokens", dim=True),
        ]
        for line in one.text.removesuffix("\n").split("\n") if one.text else ():
            yield (Paint(line, _EDGE.get(line[:1])),)
        yield ()
    yield (stat_line(diff),)


def stat_line(diff: DiffResult) -> str:
    """How many entries differ, and by how many tokens."""
    counted = [
        f"{getattr(diff.stat, status)} {status}" for status in _SIGN if getattr(diff.stat, status)
    ]
    if not counted:
        return "no difference"
    return f"{', '.join(counted)}; {diff.token_delta:+,} tokens"


# Entries that were found


def hit_line(hit: Hit) -> Line:
    """An entry of a search, on one line."""
    return [
        f"{f':{hit.slot}':>5} ",
        Paint(hit.entry_id, "cyan"),
        f" {hit.role or hit.content_type}  ",
        flat(hit.snippet),
    ]


# The whole context


def status_lines(status: StatusInfo) -> Iterator[Line]:
    """Where the branch stands, what is open, and what to do next."""
    if status.is_detached:
        yield ("HEAD detached at ", short(status.head_hash or ""))
    else:
        yield ("On branch ", Paint(status.branch_name or "", "green"))
    if not status.commit_count:
        yield from _warnings(status)
        yield ()
        yield ("No commits yet",)
        yield from advice('tract user "Hello"', "tract import chat.jsonl")
        return
    sizes = [
        f"{number(status.entry_count, 'entry', 'entries')} in",
        f"{number(status.commit_count, 'commit')},",
        f"{number(status.token_count, 'token')} ({status.token_source})",
    ]
    if status.token_budget_max is not None:
        sizes.append(f"of a budget of {status.token_budget_max:,}")
    yield (" ".join(sizes),)
    if status.pinned_count or status.skipped_count:
        yield (f"{status.pinned_count:,} pinned, {status.skipped_count:,} skipped",)
    yield from _open_calls(status)
    yield from _warnings(status)
    yield ()
    yield ("Recent commits:",)
    for info in status.recent_commits:
        yield ("  ", *log_line(info))


def _warnings(status: StatusInfo) -> Iterator[Line]:
    for warning in status.warnings:
        yield (Paint("warning: ", "yellow"), warning)


def storage_lines(found: StorageInfo) -> Iterator[Line]:
    """What the repository takes on disk, a line a part."""
    rows = [
        (number(found.loose_count, "loose object"), found.loose_bytes),
        (
            f"{number(found.pack_count, 'pack')} of {number(found.packed_count, 'object')}",
            found.pack_bytes,
        ),
        ("reflogs", found.reflog_bytes),
        ("index (made again when it is deleted)", found.index_bytes),
    ]
    rows.append(
        (f"in all, the index apart: {number(found.object_count, 'object')}", found.total_bytes)
    )
    for what, size in rows:
        yield (f"{size:>13,} bytes  ", what)
    if found.garbage_count:
        left = number(found.garbage_count, "temporary file")
        yield (f"{left}: of a writer at work, or of a killed one; those go after an hour",)


def _open_calls(status: StatusInfo) -> Iterator[Line]:
    if not status.pending_tool_calls:
        return
    yield ()
    yield (Paint("Tool calls without a result:", "yellow"),)
    for call in status.pending_tool_calls:
        said = flat(f"{call.name}({call.arguments})")
        yield ("  ", said, Paint(f"  {flat(call.id or 'no id')}", dim=True))
    first = shlex.quote(status.pending_tool_calls[0].id or "ID")
    yield from advice(
        f"tract commit --type tool_io --tool-call-id {first} RESULT", "tract cancel-tool-calls"
    )


def advice(*commands: str) -> Iterator[Line]:
    """What to do next, a command a line."""
    for command in commands:
        yield (Paint("  next: ", dim=True), command)


def compiled_line(compiled: CompiledContext) -> Line:
    """How large a compiled context is."""
    said = (
        f"{number(len(compiled.messages), 'message')}, {number(compiled.token_count, 'token')} "
        f"({compiled.token_source})"
    )
    if compiled.pending_tool_calls:
        said += f", {number(len(compiled.pending_tool_calls), 'open tool call')}"
    return (said,)


# What is wrong


def problem_line(problem: Problem) -> Line:
    """Something that fsck found, or mended."""
    word = Paint("repaired ", "green", bold=True) if problem.repaired else ""
    kind = Paint(problem.kind, "red", bold=True)
    where = "" if problem.where in problem.message else f" {flat(problem.where)}"
    return [word, kind, f"{where}: {flat(problem.message)}"]
