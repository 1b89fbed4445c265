"""entry.py - an entry in memory: its header's keys and its text.

One struct for all kinds, because the header is one list of keys (FORMAT.md, Entry); keys nobody
uses yet, and keys we do not know, ride along so that a rewrite loses nothing. `text` is what was
said, byte for byte; how it is spelled in the file is codec.py's business.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tract.content.kinds import CALL_LABEL, KINDS, PriorityName


class Attached(msgspec.Struct, frozen=True, omit_defaults=True):
    """An attachment as the header names it; its blob stands beside the entry."""

    n: int
    media_type: str
    bytes: int
    name: str | None = None


_NOTHING: dict[str, Any] = {}  # shared by all entries: nobody changes an entry's unknown keys


def _nothing() -> dict[str, Any]:
    return _NOTHING


class Entry(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,
):
    """One message-sized piece of context. Fields in the order of FORMAT.md's list of keys.

    Many are held at once: no cycle can go through one, so the collector need not look at it.
    """

    type: str
    role: str | None = None
    id: str = ""
    priority: PriorityName = "normal"
    retain: str | None = None
    retain_match: tuple[str, ...] | None = None
    name: str | None = None
    content: Literal["", "null", "absent"] | None = None
    tool_calls: tuple[dict[str, Any], ...] = ()
    tool_call_id: str | None = None
    tool_name: str | None = None
    direction: Literal["call", "result"] | None = None
    status: str | None = None
    artifact_type: str | None = None
    language: str | None = None
    format: str = "text"
    signature: str | None = None
    attachments: tuple[Attached, ...] = ()
    parts: tuple[dict[str, Any], ...] | None = None
    replaces: int | None = None
    provider: dict[str, Any] | None = None
    cache: bool = False
    at: str | None = None
    raw: int | None = None
    external: Any = None
    metadata: dict[str, Any] | None = None
    text: str = ""
    unknown: dict[str, Any] = msgspec.field(default_factory=_nothing)

    @property
    def label(self) -> str:
        """The word in the entry's file name and commit subject."""
        if self.type == "dialogue":
            bare_call = self.role == "assistant" and self.tool_calls and not self.text
            return CALL_LABEL if bare_call else str(self.role)
        return KINDS[self.type].label if self.type in KINDS else self.type

    @property
    def compiled_role(self) -> str | None:
        """The role of the message it becomes; None where it is left out."""
        if self.type in KINDS and self.type != "dialogue":
            return KINDS[self.type].role
        return self.role

    @property
    def is_result(self) -> bool:
        """Whether it answers a tool call."""
        return self.type == "tool_io"


def with_fields(entry: Entry, **changes: Any) -> Entry:
    """The entry with some keys changed."""
    return msgspec.structs.replace(entry, **changes)
