"""compile.py - what a model would be sent: the shown entries of one commit, in order.

The result is a value: it knows the tree it was made of and never changes. What costs more than
putting lists together (digest, which commit wrote what) is computed when it is first asked for.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from tract.content.formats import openai, plain
from tract.content.generation import LLMConfig
from tract.content.messages import Message, PendingCall
from tract.plumbing.objects import Commit, read_commit
from tract.porcelain import history
from tract.porcelain.context import Context
from tract.porcelain.decoded import Item, total_tokens
from tract.porcelain.targets import commit_of
from tract.porcelain.workspace import Workspace


class CompiledContext:
    """The context of one commit, immutable. Lists are parallel to `messages`.

    `commit_count` is the number of entries shown, `token_source` says who counted
    (`tiktoken:o200k_base`, `estimate`, or a counter's own name), `pending_tool_calls` lists calls
    without a result; while there are any, provider formats refuse.
    """

    def __init__(self, ws: Workspace, commit: Commit | None, context: Context) -> None:
        self._ws = ws
        self._commit = commit
        self._context = context

    @property
    def _items(self) -> list[Item]:
        return self._context.shown

    @property
    def messages(self) -> tuple[Message, ...]:
        return self._context.messages

    @property
    def commit_count(self) -> int:
        return len(self._items)

    @cached_property
    def token_count(self) -> int:
        """Tokens of the whole request, by OpenAI's published rule."""
        return total_tokens(self._context.tokens, self._ws.counter)

    @property
    def token_counts(self) -> list[int]:
        """Tokens of each message."""
        return [item.tokens for item in self._items]

    @property
    def token_source(self) -> str:
        return token_source(self._ws)

    @property
    def entry_ids(self) -> list[str]:
        return [item.id for item in self._items]

    @property
    def priorities(self) -> list[str]:
        return [item.entry.priority for item in self._items]

    @cached_property
    def _writers(self) -> dict[str, str]:
        self._ws.check_open()
        if self._commit is None:
            return {}
        return {**history.writers_of(self._ws, self._commit.id, set(self.entry_ids))}

    @property
    def commit_hashes(self) -> list[str]:
        """The newest reachable commit that wrote or edited each message's entry."""
        return [self._writers[entry_id] for entry_id in self.entry_ids]

    @cached_property
    def generation_configs(self) -> list[LLMConfig | None]:
        """How each message was generated, where that is known; edits keep it."""
        if not self._ws.generations.exist:
            return [None] * len(self._items)
        said = self._ws.generations.of_all(self.commit_hashes, self.entry_ids)
        return [each.config for each in said]

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tool definitions in force, in OpenAI's shape."""
        return [dict(tool) for tool in self._context.tools]

    @property
    def pending_tool_calls(self) -> tuple[PendingCall, ...]:
        return tuple(self._context.open_calls)

    @cached_property
    def digest(self) -> str:
        """What stands for this context: the same on every machine (docs/api.md, digest)."""
        return plain.digest((item.hash for item in self._items), self._context.tools)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Every message as it was said, imported oddities included."""
        return [plain.to_dict(message) for message in self.messages]

    def to_openai(self) -> list[dict[str, Any]]:
        """What OpenAI's chat completions take as `messages`.

        Raises:
            UnpairedToolCall: a call has no result yet.
        """
        return openai.to_openai(self.messages)

    def to_text(self) -> str:
        """The context for people to read."""
        return plain.to_text(self.messages)

    def __repr__(self) -> str:
        at = self._commit.id[:10] if self._commit is not None else "nothing"
        return f"<CompiledContext of {at}: {self.commit_count} messages>"


def token_source(ws: Workspace) -> str:
    """Who counts: `tiktoken:ENCODING`, `estimate`, or the name of a counter of the user's."""
    estimate = getattr(ws.counter, "is_estimate", None)
    if estimate is None:
        return ws.counter.name
    return "estimate" if estimate else f"tiktoken:{ws.counter.name}"


def compile(ws: Workspace, *, at: str | None = None) -> CompiledContext:
    """The context as a model would see it, now or at a revision.

    Raises:
        BadRevision, AmbiguousRevision, RevisionNotFound: `at`.
        BadObject: an entry cannot be read; names it.
    """
    commit = read_commit(ws.repo, commit_of(ws, at)) if at is not None else ws.tip_commit()
    context = ws.context(commit.tree if commit is not None else None)
    return CompiledContext(ws, commit, context)
