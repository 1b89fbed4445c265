"""commit.py - say something: append an entry of any kind, answer or cancel a tool call.

The named verbs (`user`, `tool_result`, …) only put content together; `commit` is the one that
writes. Everything is checked before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tract.content.building import from_content
from tract.content.checks import check_entry
from tract.content.entry import Entry, with_fields
from tract.content.generation import LLMConfig, Usage, note_line, read_config, read_usage
from tract.content.kinds import (
    ArtifactContent,
    DialogueContent,
    InstructionContent,
    ReasoningContent,
    ToolIOContent,
)
from tract.content.messages import PendingCall
from tract.errors import BadContent, UnpairedToolCall, UsageError
from tract.plumbing.objects import Commit
from tract.porcelain import arguments, trailers
from tract.porcelain.commit_info import CommitInfo
from tract.porcelain.edit import edit
from tract.porcelain.register import entry_from, plain_calls
from tract.porcelain.targets import Target, entry_of
from tract.porcelain.workspace import Workspace, read_author
from tract.porcelain.write import Draft, Plan, new_id, write


def commit(
    ws: Workspace,
    content: object,
    *,
    operation: str = "append",
    response_to: Target | None = None,
    message: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    generation_config: object = None,
    usage: object = None,
    author: str | None = None,
    priority: str | None = None,
    at: datetime | str | None = None,
    attachments: Sequence[object] | None = None,
) -> CommitInfo:
    """Append an entry, as one commit.

    `content` is a content struct, a dict with `content_type`, or a registered model's object.
    `operation` is `append` or `x-NAME` (edit has a verb of its own, and is taken here with
    `response_to` naming the entry). `message` replaces the commit's subject; `at` is when it was
    said (a naive datetime is local time), where that is not now. `metadata` is any JSON object.
    `generation_config` (an LLMConfig or a dict) is how the answer was made; what says where to
    send or who pays is left out of it. `usage` is what it cost, as the provider reports it
    (usage.py records it later).

    Raises:
        BadContent: the content does not fit its kind, or cannot be stored.
        UnpairedToolCall: a result for a call that is not open.
        UsageError: a wrong operation, priority or time; `attachments`, which this version cannot
            keep.
    """
    ws.check_open()
    arguments.refuse_attachments(attachments)
    config = read_config(generation_config)
    counted = read_usage(usage) if usage is not None else None
    if operation == "edit":
        if response_to is None:
            raise UsageError("an edit names no entry", "use edit(target, content)")
        if at is not None:
            raise UsageError("an edit keeps when its entry was said", "leave at= out")
        if counted is not None:
            raise UsageError("an edit costs nothing", "record_usage() keeps what an answer cost")
        return edit(
            ws,
            response_to,
            content,
            message=message,
            metadata=metadata,
            author=author,
            priority=priority,
            generation_config=config,
        )
    trailers.check_message(message)
    made = entry_from(ws, content)
    said_ms = arguments.moment_ms(at)
    made = with_fields(
        made,
        id=new_id(ws.repo),
        priority=arguments.priority(priority) or made.priority,
        metadata=arguments.metadata(metadata),
        at=arguments.iso(said_ms),
    )
    draft = Draft(
        check_entry(made),
        operation=arguments.operation(operation),
        author=read_author(author),
        said_ms=said_ms,
        message=message,
        response_to=entry_of(ws, response_to).item.entry.id if response_to is not None else None,
        notes=_notes(ws, made.id, config, counted),
    )
    return write(ws, _append_plan(ws, draft))[0]


def _notes(
    ws: Workspace, entry_id: str, config: LLMConfig | None, usage: Usage | None
) -> tuple[str, ...]:
    if config is None and usage is None:
        return ()
    return (note_line(arguments.now(ws.repo), entry_id, config=config, usage=usage),)


def _append_plan(ws: Workspace, draft: Draft) -> Plan:
    def plan(tip: Commit | None) -> list[Draft]:
        if draft.entry.is_result:
            _check_answers(ws, tip, draft.entry)
        return [draft]

    return plan


def _check_answers(ws: Workspace, tip: Commit | None, entry: Entry) -> None:
    """A result must answer an open call (content/pairing.py)."""
    tree, call_id = tip.tree if tip is not None else None, entry.tool_call_id
    if ws.contexts.has_open_call(tree, call_id) if call_id else ws.context(tree).open_calls:
        return
    open_ids = [call.id or call.name for call in ws.context(tree).open_calls]
    raise UnpairedToolCall(
        f"no open tool call has the id {call_id}" if call_id else "no tool call is open",
        f"open calls: {', '.join(open_ids[:10])}"
        if open_ids
        else "write the turn that calls it first",
        calls=[call_id],
    )


# The named verbs


def system(ws: Workspace, text: str, **options: Any) -> CommitInfo:
    """Append a system prompt or instruction; pinned unless `priority` says otherwise."""
    return commit(ws, InstructionContent(text), **options)


def user(ws: Workspace, text: str, *, name: str | None = None, **options: Any) -> CommitInfo:
    """Append what a user said."""
    return commit(ws, DialogueContent("user", text, name), **options)


def assistant(
    ws: Workspace,
    text: str | None = None,
    *,
    name: str | None = None,
    tool_calls: Iterable[Any] | None = None,
    **options: Any,
) -> CommitInfo:
    """Append what the assistant said; `tool_calls` as the provider returned them."""
    calls = plain_calls(tool_calls)
    if text is None and not calls:
        raise BadContent("the assistant said nothing", "give a text, or tool_calls")
    return commit(ws, DialogueContent("assistant", text or "", name, calls), **options)


def reasoning(
    ws: Workspace, text: str, *, signature: str | None = None, **options: Any
) -> CommitInfo:
    """Append a model's reasoning; it is kept, and left out of what is sent."""
    return commit(ws, ReasoningContent(text, signature), **options)


def tool_result(
    ws: Workspace,
    tool_call_id: str | None,
    content: Any,
    *,
    name: str | None = None,
    status: str | None = None,
    **options: Any,
) -> CommitInfo:
    """Append the result of an open tool call; `content` is text, or an object written as JSON.

    Raises:
        UnpairedToolCall: no call of that id is open.
    """
    made = ToolIOContent(name, "result", content, status, tool_call_id)
    return commit(ws, made, **options)


def artifact(
    ws: Workspace,
    content: str,
    *,
    artifact_type: str | None = None,
    language: str | None = None,
    **options: Any,
) -> CommitInfo:
    """Append a file or document that was made; shown in a fence with its language."""
    return commit(ws, ArtifactContent(content, artifact_type, language), **options)


def handoff(
    ws: Workspace,
    *,
    session_type: str = "handoff",
    summary: str | Sequence[str] = "",
    decisions: str | Sequence[str] = (),
    failed_approaches: str | Sequence[str] = (),
    next_steps: str | Sequence[str] = (),
    **options: Any,
) -> CommitInfo:
    """Append where things stand, for whoever goes on; pinned, and shown to the model."""
    given = (summary, decisions, failed_approaches, next_steps)
    parts = [part if isinstance(part, str) else tuple(part) for part in given]
    names = ("summary", "decisions", "failed_approaches", "next_steps")
    fields = dict(zip(names, parts, strict=True))
    content = {"content_type": "session", "session_type": session_type, **fields}
    return commit(ws, content, **options)


# Tool calls without an answer


def cancel_tool_calls(ws: Workspace, reason: str = "cancelled") -> list[CommitInfo]:
    """Answer every open tool call with the reason why it was not carried out.

    Returns a commit a call; none where no call is open.
    """
    ws.check_open()
    drafts: dict[tuple[str, str | None], Draft] = {}

    def plan(tip: Commit | None) -> list[Draft]:
        calls = ws.context(tip.tree if tip is not None else None).open_calls
        # A result without id answers by its tool's name: those with ids are answered first.
        calls = sorted(calls, key=lambda call: call.id is None)
        return [_cancelled(ws, call, number, reason, drafts) for number, call in enumerate(calls)]

    return write(ws, plan, verb="cancel-tool-calls")


def _cancelled(
    ws: Workspace,
    call: PendingCall,
    number: int,
    reason: str,
    drafts: dict[tuple[str, str | None], Draft],
) -> Draft:
    content = ToolIOContent(call.name, "result", reason, "cancelled", call.id)
    made = with_fields(from_content(content), id=new_id(ws.repo))
    return drafts.setdefault((f"{call.entry_id}-{number}", call.id), Draft(made))
