"""kinds.py - the kinds of content one can write, as frozen structs; each row names label and role.

A struct is checked at the door by msgspec (`DialogueContent(role="boss", …)` is refused), a plain
dict with `content_type` serves as well. The table KINDS is FORMAT.md's; programs add rows of their
own with `register_content_type`, which decides what is written and never how it is read.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal, NamedTuple, cast

import msgspec

from tract.errors import BadContent


class Priority(StrEnum):
    """How an entry fares: left out, ordinary, important to summaries, never compressed."""

    SKIP = "skip"
    NORMAL = "normal"
    IMPORTANT = "important"
    PINNED = "pinned"


PriorityName = Literal["skip", "normal", "important", "pinned"]


class Kind(NamedTuple):
    """A row of the table: the role it compiles to (None: left out) and its default priority."""

    type: str
    label: str
    role: str | None
    priority: PriorityName


KINDS = {
    row.type: row
    for row in (
        Kind("instruction", "system", "system", "pinned"),
        Kind("dialogue", "", "", "normal"),
        Kind("tool_io", "tool-result", "tool", "normal"),
        Kind("reasoning", "reasoning", None, "normal"),
        Kind("artifact", "artifact", "assistant", "normal"),
        Kind("output", "output", "assistant", "normal"),
        Kind("freeform", "freeform", "assistant", "normal"),
        Kind("session", "session", "system", "pinned"),
        Kind("summary", "summary", "user", "normal"),
    )
}
DIALOGUE_ROLES = ("system", "user", "assistant")
CALL_LABEL = "tool-call"


class InstructionContent(msgspec.Struct, frozen=True, tag="instruction", tag_field="content_type"):
    """A system prompt or a later instruction."""

    text: str
    name: str | None = None


class DialogueContent(msgspec.Struct, frozen=True, tag="dialogue", tag_field="content_type"):
    """A turn of the conversation; an assistant's turn may carry tool calls, as OpenAI spells them.

    `parts` divides the text: `[{"text": 5}, {"text": 7}]`, lengths in bytes of UTF-8.
    """

    role: Literal["system", "user", "assistant"]
    text: str = ""
    name: str | None = None
    tool_calls: tuple[dict[str, Any], ...] = ()
    parts: tuple[dict[str, Any], ...] | None = None


class ToolIOContent(msgspec.Struct, frozen=True, tag="tool_io", tag_field="content_type"):
    """A tool call or its result; `payload` is text as received, or an object kept as JSON."""

    tool_name: str | None = None
    direction: Literal["call", "result"] = "result"
    payload: Any = ""
    status: str | None = None
    tool_call_id: str | None = None


class ReasoningContent(msgspec.Struct, frozen=True, tag="reasoning", tag_field="content_type"):
    """A model's reasoning, with the provider's signature where there is one."""

    text: str
    signature: str | None = None


class ArtifactContent(msgspec.Struct, frozen=True, tag="artifact", tag_field="content_type"):
    """A file or document that was made; shown in a fence with its language."""

    content: str
    artifact_type: str | None = None
    language: str | None = None


class OutputContent(msgspec.Struct, frozen=True, tag="output", tag_field="content_type"):
    """A result for people, in the named format."""

    text: str
    format: str = "text"


class FreeformContent(msgspec.Struct, frozen=True, tag="freeform", tag_field="content_type"):
    """Any JSON object."""

    payload: dict[str, Any]


class SessionContent(msgspec.Struct, frozen=True, tag="session", tag_field="content_type"):
    """Where a session stands, for whoever goes on: each part a text or a list of points."""

    session_type: Literal["start", "end", "handoff", "checkpoint"]
    summary: str | tuple[str, ...] = ""
    decisions: str | tuple[str, ...] = ()
    failed_approaches: str | tuple[str, ...] = ()
    next_steps: str | tuple[str, ...] = ()


Content = (
    InstructionContent
    | DialogueContent
    | ToolIOContent
    | ReasoningContent
    | ArtifactContent
    | OutputContent
    | FreeformContent
    | SessionContent
)
TYPES = {
    str(struct.__struct_config__.tag): struct
    for struct in (
        InstructionContent,
        DialogueContent,
        ToolIOContent,
        ReasoningContent,
        ArtifactContent,
        OutputContent,
        FreeformContent,
        SessionContent,
    )
}


def check(content: object) -> Content:
    """The content as a checked struct; a dict needs `content_type`.

    Raises:
        BadContent: unknown kind, a missing or unknown field, or one of the wrong type.
    """
    if isinstance(content, msgspec.Struct):
        struct = type(content)
        fields = {name: getattr(content, name) for name in struct.__struct_fields__}
    elif isinstance(content, dict):
        fields = dict(content)
        struct = _struct_called(fields.pop("content_type", None))
        unknown = fields.keys() - set(struct.__struct_fields__)
        if unknown:
            raise BadContent(
                f"{struct.__name__} has no field {', '.join(sorted(map(str, unknown)))}",
                f"its fields are {', '.join(struct.__struct_fields__)}",
            )
    else:
        raise BadContent(
            f"content of type {type(content).__name__} cannot be stored",
            "give a content struct, or a dict with content_type",
        )
    if struct not in TYPES.values():
        raise BadContent(f"{struct.__name__} is no kind of content", "register it first")
    try:
        checked = msgspec.convert(fields | {"content_type": _tag(struct)}, struct)
    except (msgspec.ValidationError, RecursionError) as error:
        raise BadContent(
            f"{struct.__name__} does not take this: {error}",
            f"its fields are {', '.join(struct.__struct_fields__)}",
        ) from error
    return cast(Content, checked)


def _tag(struct: type[msgspec.Struct]) -> str:
    return str(struct.__struct_config__.tag)


def _struct_called(name: object) -> type[msgspec.Struct]:
    if isinstance(name, str) and name in TYPES:
        return TYPES[name]
    raise BadContent(
        f"{name!r} is no kind of content" if name else "the dict has no content_type",
        f"kinds are {', '.join(TYPES)}, and what register_content_type added",
    )
