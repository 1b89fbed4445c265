"""arguments.py - the options that writing verbs share, checked and in the form they are kept in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from tract.content.checks import check_json
from tract.content.kinds import Priority
from tract.errors import BadContent, UsageError
from tract.plumbing.repo import Repo

_LATEST_MS = 253_402_300_799_999


def refuse_attachments(attachments: object) -> None:
    """Refuse attachments, which this version cannot keep.

    Raises:
        UsageError: some are given.
    """
    if attachments is not None:
        raise UsageError(
            "attachments= cannot be kept yet",
            "this version keeps texts and tool calls; it comes with a later one",
        )


def operation(given: str) -> str:
    """`append`, or an operation of the program's own."""
    named = given.startswith("x-") and 2 < len(given) <= 64 and given.isascii()
    if given == "append" or (named and given.isprintable() and " " not in given):
        return given
    raise UsageError(f"{given!r} is no operation", 'use "append" or "x-NAME"')


def priority(given: str | None) -> Any:
    """One of the four priorities, or None where none is given."""
    if given is None:
        return None
    try:
        return Priority(given).value
    except ValueError:
        raise UsageError(
            f"{given!r} is no priority", f"priorities are {', '.join(Priority)}"
        ) from None


def metadata(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Metadata as JSON will give it back."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise BadContent("metadata is no object", "give a dict that JSON can hold")
    check_json(dict(given), "metadata")
    kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(dict(given)))
    return kept


def moment_ms(at: datetime | str | None) -> int | None:
    """When something was said, in milliseconds since 1970; a naive datetime is local time."""
    if at is None:
        return None
    if isinstance(at, str):
        try:
            at = datetime.fromisoformat(at)
        except ValueError:
            raise UsageError(f"{at!r} is no time", "write 2026-11-25T03:16:25.347Z") from None
    if not isinstance(at, datetime):
        raise UsageError(f"{at!r} is no time", "give a datetime, or a text in ISO 8601")
    try:
        moment = round(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        moment = -1
    if not 0 <= moment <= _LATEST_MS:
        raise UsageError(f"git cannot hold the time {at}", "give one from 1970 to 9999")
    return moment


def now(repo: Repo) -> str:
    """This moment, as headers and notes spell it."""
    return str(iso(repo.clock()))


def iso(moment: int | None) -> str | None:
    """A moment as an entry's header spells it: `2026-11-25T03:16:25.347Z`."""
    if moment is None:
        return None
    return f"{datetime.fromtimestamp(moment // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{moment % 1000:03}Z"
