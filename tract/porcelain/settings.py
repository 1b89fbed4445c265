"""settings.py - t.config: settings kept in the repository, read afresh by every call.

A change writes down first that its document is accepted here, then moves the meta ref: killed in
between, nothing has changed.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from tract.content.generation import LLMConfig
from tract.content.setting import (
    ENCODING,
    OPERATIONS,
    Values,
    fields_of,
    flat,
    shown,
    split_key,
    value_of,
    with_value,
    without,
)
from tract.content.tokens import DEFAULT_ENCODING
from tract.errors import CorruptRepo, SettingNotFound, SettingRefused, UsageError
from tract.plumbing import accepted, landing, meta
from tract.plumbing.repo import Repo
from tract.porcelain import in_force
from tract.porcelain.in_force import WaitingDocument, can_count, path_of

WARNED_MAX = 10
_NOT_SET = object()


class Owner(Protocol):
    """The handle whose repository it is: a workspace."""

    repo: Repo

    def check_open(self) -> None: ...

    def check_writable(self) -> None: ...


class Settings:
    """The settings of a repository: `encoding`, `budget`, and those of model calls.

    Keys are `encoding`, `budget` (or `budget.tokens`), `budget.action`, and `NAME.FIELD` with NAME
    one of default, chat, merge, compress, orchestrate, message, and FIELD a field of LLMConfig or
    any other name; NAME alone means all of its fields. What others wrote waits until it is
    accepted here, and what says where to send or who pays is never kept nor used.
    """

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._said: tuple[object, list[str]] | None = None

    # Reading

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, as it is in force now; `default` where it is not set.

        Raises:
            UsageError: there is no such key.
            CorruptRepo: the settings are damaged.
        """
        self._owner.check_open()
        thing, field = split_key(key)
        values = in_force.read_values(self._owner.repo, thing)
        try:
            return value_of(thing, field, values) if isinstance(values, dict) else default
        except KeyError:
            return default

    def __getitem__(self, key: str) -> Any:
        value = self.get(key, _NOT_SET)
        if value is not _NOT_SET:
            return value
        found = in_force.read_values(self._owner.repo, split_key(key)[0])
        if isinstance(found, WaitingDocument):
            raise SettingNotFound(f"{key} is not set: {_sentence(found)}", _advice(found))
        raise SettingNotFound(f"{key} is not set", f"set it: tract config set {key} VALUE")

    def __contains__(self, key: object) -> bool:
        try:
            return isinstance(key, str) and self.get(key, _NOT_SET) is not _NOT_SET
        except UsageError:
            self._owner.check_open()
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(key for key, _ in self.items())

    def items(self) -> list[tuple[str, Any]]:
        """Every key that is in force with its value, by key.

        Raises:
            CorruptRepo: the settings are damaged.
        """
        self._owner.check_open()
        found, _ = in_force.read_all(self._owner.repo)
        return sorted(
            pair for thing, values in found.items() for pair in flat(thing, values).items()
        )

    def llm(self, operation: str) -> LLMConfig | None:
        """The settings of one operation alone, or of `default`; None where none are in force.

        Raises:
            UsageError: there is no such operation.
            CorruptRepo: the settings are damaged.
        """
        self._owner.check_open()
        if operation not in OPERATIONS:
            raise UsageError(f"there is no operation {operation!r}", f"use {', '.join(OPERATIONS)}")
        values = in_force.read_values(self._owner.repo, operation)
        return LLMConfig.from_dict(values) if isinstance(values, dict) else None

    def waiting(self) -> list[WaitingDocument]:
        """What is kept and not in force, by path: others wrote it, or it is no setting.

        Raises:
            CorruptRepo: the settings are damaged.
        """
        self._owner.check_open()
        return in_force.read_all(self._owner.repo)[1]

    def warnings(self) -> list[str]:
        """What status says of settings: a line a document that is not in force."""
        self._owner.check_open()
        try:
            state = in_force.state(self._owner.repo)
            if self._said is None or self._said[0] != state:
                self._said = state, self._warnings()
            return self._said[1]
        except CorruptRepo as error:
            return [f"settings cannot be read: {error.message}"]

    def _warnings(self) -> list[str]:
        found, waiting = in_force.read_all(self._owner.repo)
        said = [f"{_sentence(each)}; {_advice(each)}" for each in waiting[:WARNED_MAX]]
        if len(waiting) > WARNED_MAX:
            more = len(waiting) - WARNED_MAX
            said.append(f"{more:,} more documents are not in force; tract config list shows them")
        name = found.get(ENCODING, {}).get(ENCODING)
        if name is not None and not can_count(name):
            said.append(
                f"the encoding {shown(name)} cannot be had here; {DEFAULT_ENCODING} counts instead"
            )
        return said

    # Changing

    def set(self, key: str, value: Any) -> bool:
        """Keep a value, in a meta commit of its own; False where it is set so already.

        A dict, or for a model call an LLMConfig, sets all fields of a thing.

        Raises:
            UsageError: no such key, a value that says where to send or who pays, a batch.
            BadContent: a value of the wrong type, or one that JSON cannot hold.
            SettingRefused: others wrote what stands there; accept or unset it first.
            CorruptRepo: the settings are damaged.
            StaleRef, RepoLocked, StorageFull, ReadOnly: nothing was changed.
        """
        with self._change() as view:
            thing, field = split_key(key)
            values = with_value(thing, field, value, self._before(view, thing))
            return self._write(view, {path_of(thing): fields_of(thing, values)})

    def unset(self, key: str) -> bool:
        """Take a value away, or a whole thing, whoever wrote that; False where it is not set.

        What is no setting is taken away by the name that `waiting` gives it.

        Raises:
            UsageError: no such key, or a batch.
            SettingRefused: a single field of what others wrote.
            CorruptRepo, StaleRef, RepoLocked, StorageFull, ReadOnly: nothing was changed.
        """
        with self._change() as view:
            if "/" in key and (other := in_force.path_named(view, key)) is not None:
                return self._write(view, {other: None})
            thing, field = split_key(key)
            if field is None:
                return self._write(view, {path_of(thing): None})
            before = self._before(view, thing)
            if key not in flat(thing, before):
                return False
            left = without(thing, field, before)
            return self._write(view, {path_of(thing): fields_of(thing, left) if left else None})

    def accept(self, *names: str | WaitingDocument, all: bool = False) -> list[WaitingDocument]:
        """Put in force here what others wrote: by name, or with `all=True` whatever can be.

        One that `waiting` gave is accepted only as it was then. Returns what was accepted.

        Raises:
            UsageError: neither or both were given, or a batch.
            SettingNotFound: nothing of that name is there.
            SettingRefused: it can never be in force, or it has changed; nothing was accepted.
            CorruptRepo, RepoLocked, StorageFull, ReadOnly: nothing was changed.
        """
        with self._change() as view:
            if bool(names) == all:
                raise UsageError("name what to accept, or say all=True", "waiting() lists it")
            found, waiting = in_force.read_all(view)
            by_name = {each.name: each for each in waiting}
            chosen = [each for each in waiting if each.can_accept] if all else []
            for name in names:
                chosen += _chosen(name, by_name, found)
            accepted.accept(self._owner.repo, (each.blob for each in chosen))
            return chosen

    @contextmanager
    def _change(self) -> Iterator[Repo]:
        """A view of the repository for one change, under the write lock."""
        self._owner.check_writable()
        if self._owner.repo.pending is not None:
            raise UsageError(
                "settings are no part of a batch", "set them before or after it, through its handle"
            )
        with self._owner.repo.lock:
            yield self._owner.repo.staged()

    def _before(self, view: Repo, thing: str) -> Values:
        """The values in force of a thing that is to be changed."""
        found = in_force.read_values(view, thing)
        if isinstance(found, WaitingDocument):
            raise SettingRefused(_sentence(found), _advice(found), names=[found.name])
        return found or {}

    def _write(self, view: Repo, documents: dict[str, dict[str, Any] | None]) -> bool:
        assert view.pending is not None
        written = meta.write_documents(view, documents, verb="config")
        if not view.pending.moves:
            return False
        self._owner.repo.prepare_for_writing()
        accepted.accept(self._owner.repo, written.values())
        landing.land(self._owner.repo, view.pending)
        return True


def _chosen(
    name: str | WaitingDocument, by_name: dict[str, WaitingDocument], found: dict[str, Values]
) -> list[WaitingDocument]:
    """The document of that name that is to be accepted; none where it is in force already."""
    wanted = name.name if isinstance(name, WaitingDocument) else name
    each = by_name.get(wanted)
    if each is None:
        if wanted in found:
            return []
        raise SettingNotFound(f"nothing called {wanted} waits", "tract config list shows what does")
    if not each.can_accept:
        raise SettingRefused(_sentence(each), _advice(each), names=[each.name])
    if isinstance(name, WaitingDocument) and name.blob != each.blob:
        raise SettingRefused(
            f"{each.path} has changed since it was shown", "look at it again", names=[each.name]
        )
    return [each]


def _sentence(each: WaitingDocument) -> str:
    return f"{each.path} is not in force: {each.reason}"


def _advice(each: WaitingDocument) -> str:
    name = shlex.quote(each.name)
    removal = f"to be rid of it: tract config unset {name}"
    return f"to use it: tract config accept {name}; {removal}" if each.can_accept else removal
