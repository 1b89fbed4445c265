"""commit_info.py - a commit as its user sees it: what every writing verb, log and get return."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from tract.content.generation import Generation, LLMConfig, Usage


class CommitInfo(msgspec.Struct, frozen=True, eq=False, kw_only=True, gc=False):
    """A commit as its user sees it.

    `entry_id`, `slot`, `blob_id`, `content_type`, `role`, `priority` and `metadata` are those of
    the entry it wrote (None where it wrote several, or none), `generation_config`, `usage`, `cost`
    and `request_digest` what its notes say of that entry's answer. `message` is the subject line,
    `created_at` the committer's time, `changed` False where the call found the context already
    as it should be. `context_tokens`, in a log, is what the whole context counted then.
    """

    commit_hash: str
    parents: tuple[str, ...]
    entry_id: str | None
    slot: int | None
    blob_id: str | None
    branch: str | None
    content_type: str | None
    role: str | None
    operation: str
    response_to: str | None
    message: str
    priority: str | None
    metadata: dict[str, Any] | None
    author: str
    created_at: datetime
    changed: bool = True
    context_tokens: int | None = None
    generation_config: LLMConfig | None = None
    usage: Usage | None = None
    request_digest: str | None = None
    count: Callable[[], int]

    @property
    def parent_hash(self) -> str | None:
        """The first parent; None for a first commit."""
        return self.parents[0] if self.parents else None

    @property
    def token_count(self) -> int:
        """Tokens of the entries this commit wrote, each counted by itself."""
        return self.count()

    @property
    def cost(self) -> float | None:
        """What the answer cost in US dollars, where that was reported."""
        return self.usage.cost_usd if self.usage is not None else None

    def as_dict(self) -> dict[str, Any]:
        """What is known of the commit, ready for JSON."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__ if name != "count"}
        config, usage = self.generation_config, self.usage
        return fields | {
            "parent_hash": self.parent_hash,
            "token_count": self.token_count,
            "generation_config": config.to_dict() if config is not None else None,
            "usage": msgspec.to_builtins(usage) if usage is not None else None,
            "cost": self.cost,
            "created_at": self.created_at.isoformat(),
        }

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CommitInfo):
            return NotImplemented
        mine, theirs = self.as_dict(), other.as_dict()
        ignored = {"context_tokens", "branch"}
        return all(mine[key] == theirs[key] for key in mine.keys() - ignored)

    def __hash__(self) -> int:
        return hash(self.commit_hash)


def with_generation(info: CommitInfo, said: Generation) -> CommitInfo:
    """The same, with what notes say of the answer."""
    return msgspec.structs.replace(
        info,
        generation_config=said.config,
        usage=said.usage,
        request_digest=said.request_digest,
    )
