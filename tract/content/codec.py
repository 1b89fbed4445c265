"""codec.py - entry ⇄ bytes: one line of JSON as front matter, the text, one newline.

The same entry always gives the same bytes; golden files in tests/ are written by hand. A tool
result that is JSON is laid out over several lines, so that `git diff` shows what changed, but only
where the text as received can be had back byte for byte (`"json":"compact"` or `"spaced"`).
"""

from __future__ import annotations

import hashlib
import re
from sys import intern
from typing import Any

import msgspec

from tract.content.checks import check_text
from tract.content.entry import Entry
from tract.content.kinds import DIALOGUE_ROLES, KINDS
from tract.errors import BadContent, BadObject

FENCE = b"---\n"
_KEYS = tuple(key for key in Entry.__struct_fields__ if key not in ("text", "unknown"))
_DEFAULTS = {key: getattr(Entry(type=""), key) for key in _KEYS}
_KNOWN = frozenset((*_KEYS, "json"))
_JSON_AFTER = "replaces"
_HEADERS = msgspec.json.Decoder(Entry)
# A line break, an escaped letter, the spelling of JSON, and fields of Entry that are no keys.
_UNUSUAL = re.compile(rb'\n|\\u|"(?:json|text|unknown)"')
_SHARED = {"type", "role"}  # few values, held many times
_INDENT = {"compact": -1, "spaced": 0}
_GROWTH_MAX = 4
# DEL, C1, U+FFFE and U+FFFF in UTF-8: legal in JSON, harmful or lost in terminals and viewers.
_ESCAPED = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xef\xbf[\xbe\xbf]")
_ID = re.compile(r"[k-z]{16}\Z")
_TO_LETTERS = str.maketrans("0123456789abcdef", "zyxwvutsrqponmlk")


# Entry to bytes


def encode(entry: Entry) -> bytes:
    """The bytes of the entry's blob.

    Raises:
        BadContent: the text or a key holds what UTF-8 or JSON cannot.
    """
    check_text(entry.text, "text")
    text, spelling = _stored_text(entry)
    try:
        line = _escape(msgspec.json.encode(_header(entry, spelling)))
    except (UnicodeEncodeError, RecursionError, TypeError, ValueError) as error:
        raise BadContent(f"the entry's header cannot be written: {error}") from error
    return b"".join((FENCE, line, b"\n", FENCE, text.encode(), b"\n"))


def _header(entry: Entry, spelling: str | None) -> dict[str, Any]:
    header: dict[str, Any] = {}
    for key in _KEYS:
        value = getattr(entry, key)
        if key == "type" or value != _DEFAULTS[key]:
            header[key] = value
        if key == _JSON_AFTER and spelling is not None:
            header["json"] = spelling
    return header | entry.unknown


def dump(value: dict[str, Any]) -> str:
    """An object as headers and note lines spell it."""
    return _escape(msgspec.json.encode(value)).decode()


def _escape(line: bytes) -> bytes:
    return _ESCAPED.sub(lambda m: b"\\u%04x" % ord(m[0].decode()), line)


def _stored_text(entry: Entry) -> tuple[str, str | None]:
    """The text as it stands in the file, and how the JSON in it was spelled."""
    text = entry.text
    if not entry.is_result or entry.parts is not None or not text.startswith(("{", "[")):
        return text, None
    try:
        pretty = msgspec.json.format(text, indent=2)
        if pretty == text or len(pretty.encode()) > _GROWTH_MAX * len(text.encode()):
            return text, None
        for spelling, indent in _INDENT.items():
            if msgspec.json.format(pretty, indent=indent) == text:
                return pretty, spelling
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        pass
    return text, None


# Bytes to entry


def decode(data: bytes, *, label: str, path: str, blob: str) -> Entry:
    """The entry that a file holds; `label` and `path` are its name's, `blob` its object id.

    A file without front matter is read by its label, and gets an id made of path and blob.

    Raises:
        BadObject: the header cannot be read, or the text is not UTF-8; names the path.
    """
    found = _decode_usual(data)
    if found is not None:
        return found
    header, body = _split(data, path)
    if body.endswith(b"\n"):
        body = body[:-1]
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _bad(path, f"byte {error.start} of its text is not UTF-8") from error
    spelling = header.pop("json", None)
    if spelling is not None:
        text = _received_text(text, spelling, path)
    unknown = {key: header.pop(key) for key in list(header) if key not in _KNOWN}
    demanded = [key for key in unknown if key.startswith("!")]
    if demanded:
        raise _bad(path, f"it demands {demanded[0]!r}, which this version does not know")
    _complete(header, label, path, blob)
    for key in _SHARED & header.keys():
        if isinstance(header[key], str):
            header[key] = intern(header[key])
    header["text"] = text
    if unknown:
        header["unknown"] = unknown
    try:
        return msgspec.convert(header, Entry)
    except msgspec.ValidationError as error:
        raise _bad(path, str(error)) from error


def _decode_usual(data: bytes) -> Entry | None:
    """The entry of a file as tract writes most: whole, and with nothing that is to be looked at.

    Four times as fast as the way that knows all cases; None sends the file there.
    """
    line, fence, body = data[len(FENCE) :].partition(b"\n" + FENCE)
    if not data.startswith(FENCE) or not fence or _UNUSUAL.search(line):
        return None
    try:
        entry = _HEADERS.decode(line)
        text = body.removesuffix(b"\n").decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not _ID.match(entry.id) or not _is_complete(entry):
        return None
    # Nobody has seen it yet, so it is filled in where it stands.
    msgspec.structs.force_setattr(entry, "type", intern(entry.type))
    if entry.role is not None:
        msgspec.structs.force_setattr(entry, "role", intern(entry.role))
    msgspec.structs.force_setattr(entry, "text", text)
    return entry


def _is_complete(entry: Entry) -> bool:
    """Whether a header leaves nothing out that `_complete` would fill in or refuse."""
    if entry.type == "dialogue":
        return entry.role in DIALOGUE_ROLES
    if entry.type.startswith("x-"):
        return entry.role is not None
    return entry.type in KINDS and (entry.type != "tool_io" or entry.direction is not None)


def _split(data: bytes, path: str) -> tuple[dict[str, Any], bytes]:
    if not data.startswith(FENCE) and data != b"---":
        return {}, data
    line, fence, body = data[len(FENCE) :].partition(b"\n" + FENCE)
    try:
        header = msgspec.json.decode(line) if fence and b"\n" not in line else None
    except (msgspec.DecodeError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise _bad(path, "its front matter is not one line of JSON between two lines ---")
    return header, body


def _received_text(text: str, spelling: object, path: str) -> str:
    if spelling not in _INDENT:
        raise _bad(path, f"it spells JSON {spelling!r}, which is neither compact nor spaced")
    try:
        return msgspec.json.format(text, indent=_INDENT[str(spelling)])
    except (msgspec.DecodeError, RecursionError):
        return text  # edited by hand until it was JSON no more: it is the text now


def _complete(header: dict[str, Any], label: str, path: str, blob: str) -> None:
    """Fill in what a file made or changed by hand leaves out: the kind, the role, the id."""
    if "type" not in header:
        header.update(_by_label(label, path) | header)
    kind = header["type"]
    if kind == "dialogue":
        role = header.setdefault("role", "assistant" if label == "tool-call" else label)
        if role not in DIALOGUE_ROLES:
            raise _bad(path, f"{role!r} is no role of a dialogue")
    elif isinstance(kind, str) and kind.startswith("x-"):
        header.setdefault("role", "assistant")
    elif kind not in KINDS:
        raise _bad(path, f"{kind!r} is no kind of entry")
    if kind == "tool_io":
        header.setdefault("direction", "result")
    if not isinstance(header.get("id"), str) or not _ID.match(header["id"]):
        header["id"] = derived_id(path, blob)


def _by_label(label: str, path: str) -> dict[str, Any]:
    if label in ("user", "assistant"):
        return {"type": "dialogue", "role": label}
    for kind in KINDS.values():
        if kind.label == label and kind.type != "tool_io":
            return {"type": kind.type}
    if label.startswith("x-"):
        return {"type": label, "role": "assistant"}
    raise _bad(path, f"a {label} without front matter cannot be read")


def derived_id(path: str, blob: str) -> str:
    """The id of an entry that carries none: from its path and blob, the same everywhere."""
    digest = hashlib.sha1(f"{path}\0{blob}".encode(), usedforsecurity=False).hexdigest()
    return digest[:16].translate(_TO_LETTERS)


def _bad(path: str, why: str) -> BadObject:
    return BadObject(
        f"the entry {path} cannot be read: {why}",
        "mend or remove that file with stock git, or go back to an older commit",
        path=path,
    )
