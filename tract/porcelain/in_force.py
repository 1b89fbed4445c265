"""in_force.py - which documents of the meta ref are settings in force here, and why others wait.

Only what was written or accepted on this machine is in force, and never what says where to send
or who pays: whatever a clone or a pull brings is shown, and does nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tract.content.generation import without_transport
from tract.content.setting import (
    ENCODING,
    NAME_MAX,
    THINGS,
    Values,
    checked,
    flat,
    own_fields,
    says_it_is,
    shown,
    transport_in,
)
from tract.content.tokens import TokenCounter, counter_for, encoding_of, has_table
from tract.errors import BadContent, TractError
from tract.plumbing import meta, refs
from tract.plumbing.accepted import accepted_stamp, read_accepted
from tract.plumbing.chain import META
from tract.plumbing.meta import Document
from tract.plumbing.repo import Repo

FOLDER = "settings"
_NAMED_MAX = 5
_BYTES_MAX = 2 << 20  # of a stranger's files, so that status does not take seconds


class WaitingDocument(msgspec.Struct, frozen=True):
    """A document that is not in force, and why.

    `name` is what `accept` and `unset` take, `blob` which version it is. `values` is what it says,
    without what says where to send or who pays.
    """

    name: str
    path: str
    blob: str
    values: dict[str, Any]
    reason: str
    can_accept: bool = False


def path_of(thing: str) -> str:
    """Where the document of a thing stands."""
    return f"{FOLDER}/{thing}.json"


_THING_AT = {path_of(thing): thing for thing in THINGS}


def read_values(repo: Repo, thing: str) -> Values | WaitingDocument | None:
    """The values of a thing that are in force, or what stands in their place; None for nothing.

    Raises:
        BadObject: an object of the meta ref is damaged.
    """
    document = meta.read_document(repo, path_of(thing))
    return _judge(document, read_accepted(repo)) if document is not None else None


def state(repo: Repo) -> object:
    """What changes whenever the settings in force do: the meta ref and what is accepted.

    Raises:
        BadObject: the meta ref cannot be read.
    """
    return refs.read_ref(repo, META), accepted_stamp(repo)


def read_all(repo: Repo) -> tuple[dict[str, Values], list[WaitingDocument]]:
    """The values in force by thing, and all documents that are not in force.

    Raises:
        BadObject: an object of the meta ref is damaged.
    """
    view = repo if repo.pending is not None else repo.staged()  # the ref as it is at one moment
    documents = meta.read_documents(view, bytes_max=_BYTES_MAX)
    accepted = read_accepted(repo) if documents else frozenset()
    found = {thing: read_values(view, thing) for thing in THINGS if documents}
    values = {thing: it for thing, it in found.items() if isinstance(it, dict)}
    others = [each for each in documents if _THING_AT.get(each.path) not in values]
    judged = [_judge(each, accepted) for each in others]
    return values, [it for it in judged if isinstance(it, WaitingDocument)]


def path_named(repo: Repo, name: str) -> str | None:
    """The path of a document that is no setting, by the name that `name_of` gives it."""
    found = (each.path for each in meta.read_documents(repo) if name_of(each) == name)
    return next(found, None)


def name_of(document: Document) -> str:
    """How people name a document: a setting's own name, else its path, which has a `/`."""
    path = document.path if "/" in document.path else f"./{document.path}"
    return _THING_AT.get(path) or shown(path, NAME_MAX)


def _judge(document: Document, accepted: frozenset[str]) -> Values | WaitingDocument:
    """The values of a document that is in force, else why it is not."""
    fields = document.fields
    if fields is None:
        return _waiting(document, f"it cannot be read: {document.fault}")
    thing = _THING_AT.get(document.path)
    values, fault = _values(thing, fields)
    if names := transport_in(fields):
        return _waiting(document, _names(names), fields)
    if values is None or thing is None:
        return _waiting(document, fault, fields)
    if document.blob not in accepted:
        found = _waiting(document, "it was not written or accepted here", flat(thing, values))
        return msgspec.structs.replace(found, can_accept=True)
    return values


def _values(thing: str | None, fields: dict[str, Any]) -> tuple[Values | None, str]:
    if thing is None:
        return None, "this version knows no such thing"
    if says_it_is(fields) != thing:
        said = shown(repr(says_it_is(fields)))
        return None, f"it says that it is {said}, and stands where {thing} belongs"
    try:
        return checked(thing, own_fields(fields)), ""
    except BadContent as error:
        return None, error.message


def _names(names: list[str]) -> str:
    said = ", ".join(map(shown, names[:_NAMED_MAX]))
    more = f" and {len(names) - _NAMED_MAX} more" if len(names) > _NAMED_MAX else ""
    return f"{said}{more} says where to send or who pays"


def _waiting(document: Document, reason: str, fields: Values | None = None) -> WaitingDocument:
    values = without_transport(own_fields(fields or {}))
    path = shown(document.path, NAME_MAX)
    return WaitingDocument(name_of(document), path, document.blob, values, reason)


# The encoding


def counter_of(repo: Repo) -> TokenCounter | None:
    """The counter that the settings name; None where they name none that can be had here."""
    try:
        values = read_values(repo, ENCODING)
    except TractError:
        return None  # status says so
    name = values[ENCODING] if isinstance(values, dict) else None
    return counter_for(name) if name is not None and can_count(name) else None


def can_count(name: str) -> bool:
    """Whether the encoding that a name means is known, and its table here."""
    encoding = encoding_of(name)
    return encoding is not None and has_table(encoding)
