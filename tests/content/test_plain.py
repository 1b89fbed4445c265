"""test_plain.py - what was said, for programs, for people, and as a digest."""

from __future__ import annotations

import hashlib
import json

from hypothesis import given

from tests.content.strategies import json_values
from tract.content.formats.plain import digest, hash_of, to_dict, to_text
from tract.content.messages import Message

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}


def test_own_messages_have_role_and_content() -> None:
    """A message has role and content, and only what else was said."""
    assert to_dict(Message("user", "x")) == {"role": "user", "content": "x"}
    assert list(to_dict(Message("assistant", "x", name="ada", tool_calls=(CALL,)))) == [
        "role",
        "content",
        "name",
        "tool_calls",
    ]


def test_content_is_spelled_as_it_was() -> None:
    """An empty content is null, absent or empty text, as it was received."""
    assert to_dict(Message("user", "", spelled="null")) == {"role": "user", "content": None}
    assert to_dict(Message("user", "", spelled="absent")) == {"role": "user"}
    assert to_dict(Message("assistant", "", tool_calls=(CALL,), spelled=""))["content"] == ""


def test_provider_overlays_the_message() -> None:
    """What tract has no key for comes back, and the exact role."""
    message = Message("system", "x", provider={"role": "developer", "weight": 0})
    assert to_dict(message) == {"role": "developer", "content": "x", "weight": 0}


def test_text_for_people() -> None:
    """People see a heading a message, names and calls among it."""
    messages = [
        Message("system", "Be kind."),
        Message("user", "Hi", name="ada"),
        Message("assistant", "", tool_calls=(CALL,)),
        Message("tool", "1", name="f", tool_call_id="c"),
    ]
    assert to_text(messages) == (
        '[system]\nBe kind.\n\n[user ada]\nHi\n\n[assistant]\n→ f({"a":1})\n\n[tool f]\n1'
    )


def test_no_messages_no_text() -> None:
    """An empty context is an empty text."""
    assert to_text([]) == ""


@given(json_values)
def test_hash_is_that_of_canonical_json(value: object) -> None:
    """A hash is SHA-256 of JSON with sorted keys, no blanks and no escapes, in UTF-8."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert hash_of(value) == hashlib.sha256(text.encode()).digest()


def test_hash_ignores_the_order_of_keys() -> None:
    """Two messages with the same fields have one hash."""
    assert hash_of({"a": 1, "b": 2}) == hash_of({"b": 2, "a": 1})


def test_digest_divides_messages_from_tools() -> None:
    """The digest covers the messages' hashes, 32 zero bytes, then the tools'."""
    one, tool = hash_of({"role": "user", "content": "x"}), {"type": "function"}
    whole = hashlib.sha256(one + bytes(32) + hash_of(tool)).hexdigest()
    assert digest([one], [tool]) == f"1:{whole}"
    assert digest([], []) == f"1:{hashlib.sha256(bytes(32)).hexdigest()}"
