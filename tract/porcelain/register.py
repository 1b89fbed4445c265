"""register.py - what content is: the kinds that come with tract, and those a program registers.

Pydantic models are known by their methods, so pydantic itself is never imported here. A registered
kind decides what is written and never how it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tract.content.building import from_content, from_fields
from tract.content.entry import Entry
from tract.content.kinds import DIALOGUE_ROLES, DialogueContent
from tract.errors import BadContent, UsageError
from tract.porcelain import arguments
from tract.porcelain.workspace import RegisteredKind, Workspace


def entry_from(ws: Workspace, content: object) -> Entry:
    """The entry of a content, of the kinds that come with tract or were registered."""
    name = content.get("content_type") if isinstance(content, dict) else None
    for kind in ws.kinds.values():
        if name in (kind.name, kind.name.removeprefix("x-")) or (
            name is None and _is_instance(kind, content)
        ):
            fields = kind.check(content)
            return from_fields(kind.name, kind.role, kind.priority, fields)
    return from_content(_plain_calls(content))


def _is_instance(kind: RegisteredKind, content: object) -> bool:
    model = getattr(kind.check, "model", None)
    return model is not None and isinstance(content, model)


def _plain_calls(content: object) -> object:
    if isinstance(content, DialogueContent) and content.tool_calls:
        return msgspec.structs.replace(content, tool_calls=plain_calls(content.tool_calls))
    return content


def plain_calls(calls: object) -> tuple[dict[str, Any], ...]:
    """Tool calls as dicts; the objects that provider clients return (pydantic models) serve too."""
    if calls is None:
        return ()
    if not isinstance(calls, Iterable) or isinstance(calls, str | bytes | Mapping):
        raise BadContent("tool_calls is no list", "give a list of calls as OpenAI spells them")
    return tuple(plain(call) for call in calls)


def plain(value: Any) -> Any:
    """A pydantic model as a dict of what was set in it; anything else as it is."""
    dump = getattr(value, "model_dump", None)
    return dump(mode="json", exclude_unset=True) if callable(dump) else value


class _ModelCheck:
    """Checks an object against a registered model: a msgspec struct or a pydantic model."""

    def __init__(self, model: type) -> None:
        self.model = model

    def __call__(self, content: object) -> dict[str, Any]:
        if isinstance(content, dict):
            fields = {key: value for key, value in content.items() if key != "content_type"}
            content = self._made(fields)
        if hasattr(content, "model_dump"):
            return dict(content.model_dump(mode="json", exclude_defaults=True))
        if not isinstance(content, self.model):
            raise BadContent(f"{content!r} is no {self.model.__name__}")
        fields = msgspec.to_builtins(content)
        structs: Any = msgspec.structs
        shown = {f.encode_name for f in structs.fields(content) if not _is_default(content, f)}
        return {key: value for key, value in fields.items() if key in shown}

    def _made(self, fields: dict[str, Any]) -> object:
        try:
            if hasattr(self.model, "model_validate"):
                return self.model.model_validate(fields)
            return msgspec.convert(fields, self.model)
        except (msgspec.ValidationError, ValueError, TypeError) as error:
            raise BadContent(
                f"{self.model.__name__} does not take this: {_first_reason(error)}",
                "give the fields that the registered model has",
            ) from error


def _first_reason(error: Exception) -> str:
    """One sentence of what a model said; pydantic says several lines."""
    reasons = getattr(error, "errors", None)
    if not callable(reasons):
        return str(error)
    first = reasons()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _is_default(content: object, field: Any) -> bool:
    if field.default_factory is not msgspec.NODEFAULT:
        return bool(getattr(content, field.name) == field.default_factory())
    return field.default is not msgspec.NODEFAULT and bool(
        getattr(content, field.name) == field.default
    )


def register_content_type(
    ws: Workspace,
    name: str,
    model: type,
    *,
    role: str = "assistant",
    priority: str = "normal",
) -> None:
    """Let this handle write a kind of content of the program's own.

    `name` is `x-NAME` (the `x-` may be left out), NAME of `[a-z0-9-]{1,32}`; `model` a pydantic
    model or a msgspec struct. It is read the same by processes that never registered it.

    Raises:
        UsageError: a name, role or priority that cannot be one.
    """
    ws.check_open()
    short = name.removeprefix("x-")
    legal = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    if not 1 <= len(short) <= 32 or set(short) - legal:
        raise UsageError(f"{name!r} cannot name a kind", "use a-z, 0-9 and -, at most 32")
    if role not in DIALOGUE_ROLES:
        raise UsageError(f"{role!r} is no role", f"roles are {', '.join(DIALOGUE_ROLES)}")
    if not (hasattr(model, "model_validate") or issubclass(model, msgspec.Struct)):
        raise UsageError(
            f"{model!r} is neither a pydantic model nor a msgspec struct", "give the class of one"
        )
    kind = RegisteredKind(
        f"x-{short}", _ModelCheck(model), role, arguments.priority(priority) or "normal"
    )
    ws.kinds[kind.name] = kind
