"""test_codec.py - an entry comes back from its bytes as it was, and the bytes are always the same.

Golden bytes written by hand stand in tests/golden; here is what must hold for any entry.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.content.strategies import characters, json_values, texts
from tract.content import codec
from tract.content.building import from_content
from tract.content.entry import Attached, Entry
from tract.content.kinds import ToolIOContent
from tract.errors import BadContent, BadObject

ID = "kqpxzmwvtlrsnoky"
PATH = "000/00/00.user.md"
BLOB = "0" * 40


def said(text: str, **keys: Any) -> Entry:
    """A user's turn."""
    return Entry(**({"type": "dialogue", "role": "user", "id": ID, "text": text} | keys))


def read(data: bytes, label: str = "user") -> Entry:
    """What stands in a file of that label."""
    return codec.decode(data, label=label, path=f"000/00/00.{label}.md", blob=BLOB)


def header_of(entry: Entry) -> str:
    """The line of JSON in an entry's file."""
    return codec.encode(entry).split(b"\n")[1].decode()


@given(texts)
def test_any_text_comes_back(text: str) -> None:
    """A text of any characters comes back as it was, and stands unchanged before one newline."""
    data = codec.encode(said(text))
    assert read(data).text == text
    assert data.endswith(b"\n---\n" + text.encode() + b"\n")


@given(texts)
def test_any_tool_result_comes_back(text: str) -> None:
    """A tool result comes back byte for byte, whatever layout it is stored in."""
    entry = Entry(type="tool_io", direction="result", id=ID, tool_call_id="c", text=text)
    assert read(codec.encode(entry), "tool-result") == entry


@given(st.dictionaries(st.text(characters), json_values))
def test_any_fields_come_back(fields: dict[str, Any]) -> None:
    """Whatever JSON stands in `provider`, `metadata` and a call comes back equal, types too."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, **fields}
    entry = said("x", role="assistant", provider=fields, metadata=fields, tool_calls=(call,))
    back = read(codec.encode(entry))
    assert msgspec.json.encode(back) == msgspec.json.encode(entry)


def test_five_megabytes_come_back() -> None:
    """A text of five megabytes comes back as it was."""
    text = "five megabytes 🎉 of text\r\n" * 200_000
    assert read(codec.encode(said(text))).text == text


def test_same_entry_same_bytes() -> None:
    """Reading and writing an entry again gives the same bytes."""
    data = codec.encode(said("x", priority="skip", provider={"z": 1, "a": 2}, unknown={"k": [1]}))
    assert codec.encode(read(data)) == data


def test_keys_stand_in_the_order_of_the_format() -> None:
    """Every key is written in FORMAT's order, unknown ones last, as they were found."""
    entry = Entry(
        type="tool_io",
        role="user",
        id=ID,
        priority="important",
        retain="the dates",
        retain_match=("20..",),
        name="n",
        content="",
        tool_calls=({"id": "c"},),
        tool_call_id="c",
        tool_name="t",
        direction="result",
        status="error",
        artifact_type="a",
        language="l",
        format="f",
        signature="s",
        attachments=(Attached(1, "image/png", 3),),
        replaces=2,
        provider={"p": 1},
        cache=True,
        at="2026-11-25T03:16:25.347Z",
        raw=1,
        external={"url": "x"},
        metadata={"m": 1},
        text='{"a":1}',
        unknown={"zeta": 1, "alpha": 2},
    )
    keys = list(msgspec.json.decode(header_of(entry)))
    order = (
        "type role id priority retain retain_match name content tool_calls tool_call_id tool_name "
        "direction status artifact_type language format signature attachments replaces json "
        "provider cache at raw external metadata zeta alpha"
    )
    assert keys == order.split()


def test_parts_stand_before_replaces() -> None:
    """`parts` has its place in the order too."""
    entry = said(
        "ab", parts=({"text": 1}, {"text": 1}), attachments=(Attached(1, "a/b", 0),), raw=1
    )
    keys = list(msgspec.json.decode(header_of(entry)))
    assert keys == ["type", "role", "id", "attachments", "parts", "raw"]


def test_defaults_are_absent() -> None:
    """A key that has its default is not written."""
    assert header_of(said("x")) == f'{{"type":"dialogue","role":"user","id":"{ID}"}}'


def test_nothing_is_escaped_that_need_not_be() -> None:
    """Letters stay as they are; DEL, C1, U+FFFE and U+FFFF are written as lower-case escapes."""
    header = header_of(said("x", name="ü\u2028🎉\x7f\x85\ufffe\uffff\t\n"))
    assert '"name":"ü\u2028🎉\\u007f\\u0085\\ufffe\\uffff\\t\\n"' in header


def test_unknown_keys_ride_along() -> None:
    """A key of a newer version survives a rewrite by this one."""
    data = codec.encode(said("x")).replace(b'"id"', b'"later":{"deep":[1,2.50]},"id"')
    entry = read(data)
    assert entry.unknown == {"later": {"deep": [1, 2.5]}}
    assert read(codec.encode(entry)) == entry


def test_demanded_key_refuses_the_entry() -> None:
    """A key that begins with `!` must be understood, or the entry is not read."""
    data = codec.encode(said("x")).replace(b'"id"', b'"!encrypted":1,"id"')
    with pytest.raises(BadObject, match="!encrypted"):
        read(data)


def test_attachments_come_back() -> None:
    """The header's list of attachments is read as it was written."""
    attached = (Attached(1, "image/png", 48213, "map.png"), Attached(2, "text/plain", 0))
    assert read(codec.encode(said("x", attachments=attached, raw=2))).attachments == attached


@pytest.mark.parametrize(
    "data",
    [
        b"---\nnot json\n---\nx\n",
        b"---\n[1]\n---\nx\n",
        b'---\n{"type":"dialogue"}\nx\n',
        b'---\n{"type":"dialogue",\n"role":"user"}\n---\nx\n',
        b'---\n{"type":"nonsense"}\n---\nx\n',
        b'---\n{"type":"dialogue","role":"boss"}\n---\nx\n',
        b'---\n{"type":"dialogue","role":"user","priority":"high"}\n---\nx\n',
        b'---\n{"type":"dialogue","role":"user","tool_calls":"none"}\n---\nx\n',
        b'---\n{"type":"dialogue","role":"user","json":"tidy"}\n---\n{}\n',
        b"---\n" + b"[" * 100_000 + b"\n---\nx\n",
        b'---\n{"type":"dialogue","role":"user"}\n---\n\xff\n',
    ],
)
def test_unreadable_header_names_the_path(data: bytes) -> None:
    """A header or text that cannot be read is a BadObject that names the path."""
    with pytest.raises(BadObject, match=PATH) as caught:
        read(data)
    assert caught.value.hint
    assert caught.value.path == PATH


@pytest.mark.parametrize(
    ("label", "kind", "role"),
    [
        ("user", "dialogue", "user"),
        ("assistant", "dialogue", "assistant"),
        ("system", "instruction", "system"),
        ("reasoning", "reasoning", None),
        ("artifact", "artifact", "assistant"),
        ("output", "output", "assistant"),
        ("freeform", "freeform", "assistant"),
        ("session", "session", "system"),
        ("summary", "summary", "user"),
        ("x-note", "x-note", "assistant"),
    ],
)
def test_file_without_header_is_read_by_its_label(label: str, kind: str, role: str | None) -> None:
    """A hand-made file is of the kind that its label names."""
    entry = read(b"by hand\n", label)
    assert (entry.type, entry.compiled_role, entry.text) == (kind, role, "by hand")


@pytest.mark.parametrize("label", ["tool-call", "tool-result", "nonsense"])
def test_file_without_header_cannot_be_a_tool_s(label: str) -> None:
    """A call or result needs a header, and a label that names no kind cannot be read."""
    with pytest.raises(BadObject):
        read(b"by hand\n", label)


def test_file_without_header_gets_an_id_of_path_and_blob() -> None:
    """Its id is SHA-1 over path, NUL and blob id, the first 16 digits as letters."""
    blob = "ce013625030ba8dba906f756967f9e9ca394464a"
    entry = codec.decode(b"hello", label="user", path="000/00/05.user.md", blob=blob)
    # printf '000/00/05.user.md\0ce01…464a' | sha1sum | cut -c-16 | tr 0-9a-f zyxwvutsrqponmlk
    assert entry.id == "rrupmvvlpzxltkmq"


@pytest.mark.parametrize(
    ("data", "text"), [(b"", ""), (b"\n", ""), (b"a", "a"), (b"a\n", "a"), (b"a\n\n", "a\n")]
)
def test_one_last_newline_is_not_part_of_the_text(data: bytes, text: str) -> None:
    """Exactly one newline follows the text; a file without it is all text."""
    assert read(data).text == text


def test_header_without_id_gets_one() -> None:
    """A header written by hand may leave the id out, or have one that is none."""
    for line in (b'{"type":"dialogue","role":"user"}', b'{"type":"dialogue","id":"ABC"}'):
        assert read(b"---\n" + line + b"\n---\nx\n").id == codec.derived_id(PATH, BLOB)


@pytest.mark.parametrize("key", ["name", "tool_call_id", "status", "language", "signature"])
def test_lone_surrogate_in_a_key_is_refused(key: str) -> None:
    """Half a character in any key is BadContent, not an error of Python's."""
    with pytest.raises(BadContent):
        codec.encode(said("x", **{key: "\ud800"}))


def test_lone_surrogate_in_the_text_is_refused() -> None:
    """Half a character in the text is BadContent, and the message says where."""
    with pytest.raises(BadContent, match="text holds a lone surrogate"):
        codec.encode(said("a\udfff"))


def test_label_of_a_call_follows_its_text() -> None:
    """An assistant's turn with calls is a `tool-call` while it says nothing, else `assistant`."""
    content = ToolIOContent(tool_name="f", direction="call", payload={}, tool_call_id="c")
    entry = from_content(content)
    assert entry.label == "tool-call"
    assert msgspec.structs.replace(entry, text="let me see").label == "assistant"
