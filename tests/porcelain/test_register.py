"""test_register.py - a program's own kinds of content, and how others read them."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
import pydantic
import pytest

from tests.git import fsck_clean
from tests.porcelain.saying import contents, header, paths, unchanged
from tract.errors import BadContent, UsageError
from tract.tract import Tract


class Ticket(pydantic.BaseModel):
    """A kind as users of pydantic write it."""

    title: str
    urgent: bool = False
    tags: list[str] = []


class Weather(msgspec.Struct):
    """A kind as users of msgspec write it."""

    place: str
    degrees: float = 0.0
    notes: list[str] = msgspec.field(default_factory=list)


class Renamed(msgspec.Struct, rename="camel", tag="anything"):
    """A struct whose fields have other names in JSON."""

    the_place: str
    the_wind: int = 0


class Inner(msgspec.Struct):
    """A part of another kind."""

    day: datetime.date


class Outer(msgspec.Struct):
    """A kind made of others."""

    inner: Inner
    more: dict[str, Inner] = {}


@pytest.mark.parametrize(
    ("model", "content", "text"),
    [
        (Ticket, Ticket(title="x", urgent=True), '{\n  "title": "x",\n  "urgent": true\n}'),
        (Ticket, {"content_type": "x-mine", "title": "x"}, '{\n  "title": "x"\n}'),
        (Weather, Weather("Kyoto", 21.5), '{\n  "place": "Kyoto",\n  "degrees": 21.5\n}'),
        (Weather, Weather("Kyoto"), '{\n  "place": "Kyoto"\n}'),
        (Weather, {"content_type": "x-mine", "place": "x", "notes": ["a"]},
         '{\n  "place": "x",\n  "notes": [\n    "a"\n  ]\n}'),
    ],
)  # fmt: skip
def test_fields_are_the_text(t: Tract, model: Any, content: Any, text: str) -> None:
    """A model's object, or a dict of its fields, is kept as JSON, defaults left out."""
    t.register_content_type("mine", model)
    info = t.commit(content)
    assert (info.content_type, info.role, info.priority) == ("x-mine", "assistant", "normal")
    assert paths(t) == ["000/00/00.x-mine.md"]
    assert contents(t) == [text]
    fsck_clean(t.path)


def test_role_and_priority_are_written(t: Tract) -> None:
    """Role and priority are decided when the kind is registered, and stand in the header."""
    t.register_content_type("x-mine", Ticket, role="user", priority="pinned")
    t.commit(Ticket(title="x"))
    line = header(t, "000/00/00.x-mine.md")
    assert line.startswith('{"type":"x-mine","role":"user","id":"')
    assert line.endswith('"priority":"pinned"}')
    assert t.compile().to_dicts()[0]["role"] == "user"


def test_default_role_is_written(t: Tract) -> None:
    """The role of a registered kind is always written."""
    t.register_content_type("mine", Ticket)
    t.commit(Ticket(title="x"))
    assert '"role":"assistant"' in header(t, "000/00/00.x-mine.md")


def test_call_s_priority_wins(t: Tract) -> None:
    """A priority given with the content is the entry's."""
    t.register_content_type("mine", Ticket, priority="pinned")
    assert t.commit(Ticket(title="x"), priority="normal").priority == "normal"


def test_another_handle_compiles_the_same(t: Tract) -> None:
    """A process that never registered the kind compiles the same, and edits and shows it."""
    t.register_content_type("mine", Ticket, role="user")
    t.commit(Ticket(title="x", tags=["a"]))
    with Tract.open(t.path) as other:
        assert other.compile().to_dicts() == t.compile().to_dicts()
        assert other.compile().digest == t.compile().digest
        assert other.compile().token_count == t.compile().token_count
        assert other.fsck() == []
        other.edit(0, '{"title":"y"}')
        with pytest.raises(BadContent):
            other.edit(0, "no JSON")
        with pytest.raises(BadContent):
            other.commit({"content_type": "x-mine", "title": "z"})
    assert contents(t) == ['{\n  "title": "y"\n}']


def test_registering_decides_what_is_written_only(t: Tract) -> None:
    """Registering a kind anew with another role changes nothing that was written."""
    t.register_content_type("mine", Ticket, role="user")
    t.commit(Ticket(title="x"))
    before = t.compile().digest
    t.register_content_type("mine", Weather, role="system", priority="pinned")
    assert t.compile().digest == before


def test_edit_by_a_registered_content(t: Tract) -> None:
    """An entry may become one of a registered kind."""
    t.register_content_type("mine", Ticket)
    asked = t.user("x")
    info = t.edit(0, Ticket(title="y"))
    assert (info.content_type, info.entry_id) == ("x-mine", asked.entry_id)


def test_renamed_fields_are_kept(t: Tract) -> None:
    """Fields that msgspec writes under other names are kept under those."""
    t.register_content_type("mine", Renamed)
    t.commit(Renamed("Kyoto", 3))
    t.commit({"content_type": "x-mine", "thePlace": "Amman"})
    assert msgspec.json.decode(contents(t)[0]) == {"thePlace": "Kyoto", "theWind": 3}
    assert msgspec.json.decode(contents(t)[1]) == {"thePlace": "Amman"}


def test_nested_models_are_kept(t: Tract) -> None:
    """Models within models, dates among them, are kept as JSON."""
    t.register_content_type("outer", Outer)
    t.commit(Outer(Inner(datetime.date(2026, 1, 2))))
    assert msgspec.json.decode(contents(t)[0]) == {"inner": {"day": "2026-01-02"}}


@pytest.mark.parametrize(
    ("model", "content"),
    [
        (Ticket, {"content_type": "x-mine"}),
        (Ticket, {"content_type": "x-mine", "title": {"no": "text"}}),
        (Weather, {"content_type": "x-mine"}),
        (Weather, {"content_type": "x-mine", "place": 5}),
        (Weather, {"content_type": "x-mine", "place": "x", "degrees": "warm"}),
        (Weather, Weather("x", float("nan"))),
        (Weather, Weather("\ud800")),
        (Ticket, Ticket(title="\ud800")),
    ],
)
def test_content_that_does_not_fit_is_refused(t: Tract, model: Any, content: Any) -> None:
    """What the model does not take, or JSON cannot hold, is BadContent."""
    t.register_content_type("mine", model)
    with pytest.raises(BadContent), unchanged(t):
        t.commit(content)


def test_unregistered_kind_is_refused(t: Tract) -> None:
    """A kind that nobody registered on this handle cannot be written."""
    for content in ({"content_type": "x-mine", "title": "x"}, Ticket(title="x"), Weather("x")):
        with pytest.raises(BadContent), unchanged(t):
            t.commit(content)


@pytest.mark.parametrize(
    "name", ["", "x-", "Mine", "my kind", "mine!", "ä", "a" * 33, "x-" + "a" * 33]
)
def test_name_that_cannot_be_one(t: Tract, name: str) -> None:
    """A name is 1 to 32 of a-z, 0-9 and `-`."""
    with pytest.raises(UsageError):
        t.register_content_type(name, Ticket)


@pytest.mark.parametrize("name", ["a", "x-a", "0", "my-kind-2", "a" * 32])
def test_name_that_can_be_one(t: Tract, name: str) -> None:
    """The `x-` may be left out."""
    t.register_content_type(name, Ticket)
    assert t.commit(Ticket(title="x")).content_type == f"x-{name.removeprefix('x-')}"


@pytest.mark.parametrize("options", [{"role": "tool"}, {"role": ""}, {"priority": "high"}])
def test_role_and_priority_are_checked(t: Tract, options: dict[str, str]) -> None:
    """An unknown role or priority is a UsageError."""
    with pytest.raises(UsageError):
        t.register_content_type("mine", Ticket, **options)


def test_model_that_is_none_is_refused(t: Tract) -> None:
    """A model is a pydantic model or a msgspec struct."""
    for model in (dict, str, int):
        with pytest.raises((UsageError, TypeError)):
            t.register_content_type("mine", model)
