"""test_search.py - search: what is found, where, and the same with and without the index."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tempfile
import unicodedata
import warnings
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.git import git
from tests.porcelain.saying import call
from tests.porcelain.test_index_verbs import DAMAGE, index_of, warned
from tract import Hit
from tract.errors import BranchNotFound, UsageError
from tract.porcelain import search as searching
from tract.porcelain.workspace import IndexUnavailable
from tract.tract import Tract


def slots(hits: list[Hit]) -> list[int]:
    """Where the hits stand."""
    return [hit.slot for hit in hits]


# What is found


def test_a_hit_says_where_and_who(t: Tract) -> None:
    """A hit has the entry, its place, the newest commit that wrote it, and the line."""
    t.system("Be brief.")
    written = t.user("one\nA refund, please.\nthree")
    edited = t.edit(1, "one\nNo refund, please.\nthree")
    t.user("later")
    (hit,) = t.search("refund")
    assert hit.entry_id == written.entry_id
    assert hit.commit_hash == edited.commit_hash
    assert (hit.slot, hit.branch, hit.role, hit.content_type) == (1, "main", "user", "dialogue")
    assert hit.snippet == "No refund, please."


def test_newest_slots_first(t: Tract) -> None:
    """Hits come from the newest slot to the oldest, and `limit` keeps the newest."""
    for number in range(5):
        t.user(f"same {number}")
    assert slots(t.search("same")) == [4, 3, 2, 1, 0]
    assert slots(t.search("same", limit=2)) == [4, 3]
    assert t.search("same", limit=0) == []


def test_nothing_yet(t: Tract) -> None:
    """A branch without commits has no hits."""
    assert t.search("x") == []
    assert t.search("x", branch="main") == []


LITERAL = {
    "**bold** (really?)": "** (re",
    "this AND that": "AND th",
    'he said "no"': '"no"',
    "it's 50% off": "50%",
    "a_b": "a_b",
    "back\\slash": "k\\s",
    "東京に行きます": "東京",
    "naïve (composed)": unicodedata.normalize("NFD", "naïve"),
    unicodedata.normalize("NFD", "Zürich (decomposed)"): "zürich",
    "STRASSE": "straße",
    "nul\0inside": "l\0i",
    "🦊 fox": "🦊",
    "한글": unicodedata.normalize("NFD", "한글"),
    "-- ; DROP TABLE texts": "; DROP",
}


@pytest.mark.parametrize("said", LITERAL)
def test_literal(t: Tract, said: str) -> None:
    """Text is found as it stands: no letter has a meaning, case and composition do not matter."""
    t.user("something else, and ab axb")
    t.user(said)
    for _ in range(2):  # read the first time, known to the index the second
        assert slots(t.search(LITERAL[said])) == [1]


@pytest.mark.parametrize("query", ["l i", "\ud800", "a\0", "?", "in\nx"])
def test_not_found(t: Tract, query: str) -> None:
    """NUL is no blank, a surrogate no question mark, and two texts of an entry are not one."""
    t.user("begin", name="x")
    t.user("l\0i")
    for _ in range(2):
        assert t.search(query) == []


def test_calls_and_names_are_searched(t: Tract) -> None:
    """Names of speakers and tools, and a call's name and arguments, count as said."""
    t.user("hi", name="Alice")
    t.assistant(tool_calls=[call("c1", "look_up_flight", '{"to":"Paris"}')])
    t.tool_result("c1", "found", name="flights")
    assert slots(t.search("alice")) == [0]
    assert slots(t.search("up_fli")) == [1]
    assert slots(t.search('"to":"par')) == [1]
    assert slots(t.search("flights")) == [2]


def test_escapes_of_json_are_read(t: Tract) -> None:
    """Strings in JSON are found as they read: in arguments, results and handoffs."""
    t.assistant(tool_calls=[call("c1", "f", '{"city":"Z\\u00fcrich"}')])
    t.tool_result("c1", '[{"name": "\\u6771\\u4eac"}, {"a\\"b": [1, null, "x\\ny"]}]')
    t.handoff(summary='He said "no".', decisions=["one\ttwo"])
    for _ in range(2):
        assert slots(t.search("zürich")) == [0]
        assert slots(t.search("東京")) == [1]
        assert slots(t.search("x\ny")) == slots(t.search('a"b')) == [1]
        assert slots(t.search('said "no"')) == slots(t.search("one\ttwo")) == [2]


def test_only_what_stands_now(t: Tract) -> None:
    """Edited text is gone, skipped text is found, on the tip alone."""
    t.user("old words")
    t.user("hidden words", priority="skip")
    t.reasoning("thought words")
    t.edit(0, "new text")
    assert slots(t.search("words")) == [2, 1]
    assert t.search("thought")[0].role is None


def test_regex(t: Tract) -> None:
    """A pattern is Python's, and minds case and composition unless it says otherwise."""
    t.user("Order-123456 and\norder-654321")
    t.user("")
    assert slots(t.search(regex=r"order-\d{6}")) == [0]
    assert t.search(regex=r"order-\d{6}")[0].snippet == "order-654321"
    assert t.search(regex=r"(?i)order-\d{6}")[0].snippet == "Order-123456 and"
    assert slots(t.search(regex="^$")) == [1]
    assert t.search(regex="(?i)zurich") == []


# Filters


def test_content_type(t: Tract) -> None:
    """Only entries of a kind; a registered kind with or without its x-."""
    import msgspec

    class Ticket(msgspec.Struct):
        """A kind of the program's own."""

        title: str

    t.register_content_type("ticket", Ticket)
    t.user("word")
    t.system("word")
    t.commit({"content_type": "ticket", "title": "word"})
    assert slots(t.search("word", content_type="instruction")) == [1]
    assert slots(t.search("word", content_type="ticket")) == [2]
    assert slots(t.search("word", content_type="x-ticket")) == [2]
    assert slots(t.search("word", content_type="dialogue", limit=1)) == [0]


def test_author_and_since(t: Tract) -> None:
    """Both are of the commit that last wrote the entry, and come before `limit`."""
    t.user("word", author="Ada Lovelace")
    before = t.user("word", author="Bob")
    t.user("word", author="Ada Lovelace")
    edited = t.edit(0, "word, edited", author="Carl")
    assert slots(t.search("word", author="ada")) == [2]
    assert slots(t.search("word", author="CARL")) == [0]
    assert slots(t.search("word", author="o", limit=1)) == [2]
    assert slots(t.search("word", since=edited.created_at)) == [0]
    assert slots(t.search("word", since=before.created_at.isoformat())) == [2, 1, 0]
    assert t.search("word", since=datetime(2100, 1, 1, tzinfo=UTC)) == []


def test_another_branch(t: Tract) -> None:
    """`branch` is another branch's tip; the hit names it, and commits are its own."""
    t.user("this one")
    with Tract.open(t.path, branch="other") as other:
        there = other.user("that one")
    (hit,) = t.search("one", branch="other")
    assert (hit.branch, hit.commit_hash) == ("other", there.commit_hash)
    assert t.search("that") == t.search("this", branch="other") == []


def test_in_a_batch(t: Tract) -> None:
    """A batch finds what it wrote, and nobody else does."""
    t.user("before")
    with t.batch() as b:
        b.user("inside")
        assert slots(b.search("inside")) == [1]
        assert t.search("inside") == []
    assert slots(t.search("inside")) == [1]


# Refusals


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"text": "a", "regex": "b"},
        {"text": ""},
        {"text": " \n\t"},
        {"regex": ""},
        {"text": 5},
        {"regex": "a{99999999999999999999}"},
        {"text": "a", "limit": -1},
        {"text": "a", "since": "yesterday"},
        {"text": "a", "content_type": "letter"},
    ],
    ids=str,
)
def test_refused(t: Tract, asked: dict[str, Any]) -> None:
    """What cannot be asked is refused with a sentence, also where there is nothing to search."""
    with pytest.raises(UsageError):
        t.search(**asked)


def test_a_broken_pattern_says_where(t: Tract) -> None:
    """The error of a pattern names the place in it."""
    with pytest.raises(UsageError, match=r"unterminated character set at character 3"):
        t.search(regex="ab[c")


@pytest.mark.parametrize("branch", ["nowhere", "", "a b", "../x", "main\0", "\ud800"])
def test_no_such_branch(t: Tract, branch: str) -> None:
    """A branch that is not there is named."""
    t.user("x")
    with pytest.raises(BranchNotFound):
        t.search("x", branch=branch)


# Snippets


@pytest.mark.parametrize("before", [0, 10, 95, 500])
@pytest.mark.parametrize("after", [0, 10, 95, 500])
def test_a_long_line_is_cut_around_the_match(t: Tract, before: int, after: int) -> None:
    """A snippet has the match and at most 100 characters; … stands where it is cut."""
    line = "b" * before + "MATCH" + "a" * after
    t.user(f"first\n{line}\nlast")
    snippet = t.search("match")[0].snippet
    assert len(snippet) <= 100
    assert "MATCH" in snippet
    assert snippet.strip("…") in line
    assert (snippet == line) == (len(line) <= 100)
    assert snippet.startswith("…") == (not line.startswith(snippet.strip("…")))
    assert snippet.endswith("…") == (not line.endswith(snippet.strip("…")))


def test_a_snippet_is_as_it_was_said(t: Tract) -> None:
    """Control characters stay, and lengths that folding changes do not move it."""
    t.user("a\x1b[31m red \x07")
    assert t.search("red")[0].snippet == "a\x1b[31m red \x07"
    t.user("ß" * 300 + "e\u0301" * 300 + "needle" + "İ" * 300)
    assert "needle" in t.search("NEEDLE")[0].snippet
    t.user("x\n\n\nnext line")
    assert t.search("\n\nnext")[0].snippet == "next line"


# With and without the index


def plainly(texts: list[str], query: str) -> list[int]:
    """What is found by comparing each text."""

    def plain(text: str) -> str:
        return unicodedata.normalize("NFC", text).casefold()

    return [n for n, text in reversed(list(enumerate(texts))) if plain(query) in plain(text)]


LETTERS = st.text(st.sampled_from('aAb"*% \n\té\u0301eßİ\uffff\0本東🦊'), max_size=8)


@given(texts=st.lists(LETTERS | st.text(max_size=20), max_size=6), query=LETTERS, long=LETTERS)
def test_answers_are_those_of_a_plain_scan(texts: list[str], query: str, long: str) -> None:
    """Read, known to the index, and in a new handle: what is found is what compares equal."""
    texts = [text.encode("utf-8", "replace").decode() for text in [*texts, query + long, ""]]
    with tempfile.TemporaryDirectory() as folder:
        with Tract.open(folder) as t:
            with t.batch() as b:
                for text in texts:
                    b.user(text)
            asked = [each for each in (query, long, query + long) if each.strip()]
            for each in (*asked, *asked):
                assert slots(t.search(each)) == plainly(texts, each)
                assert slots(t.search(regex=re.escape(each))) == [
                    n for n, text in reversed(list(enumerate(texts))) if each in text
                ]
        with Tract.open(folder) as t:
            assert [slots(t.search(each)) for each in asked] == [
                plainly(texts, each) for each in asked
            ]


def fill(t: Tract) -> Path:
    """Write 150 entries, all of whose texts the index knows."""
    with t.batch() as b:
        for number in range(150):
            b.user(f"entry {number:03} of 東京 and Zürich")
    t.search("nothing at all")
    t.close()
    return Path(t.path)


@pytest.fixture
def known(t: Tract) -> Path:
    """A repository of 150 entries, all of them known to the index."""
    return fill(t)


@pytest.fixture(scope="module")
def known_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[Hit]]]:
    """The same, made once, and what is found in it."""
    path = fill(Tract.open(tmp_path_factory.mktemp("known")))
    return path, answers(path)


ASKED: dict[str, dict[str, Any]] = {
    "many": {"text": "zürich"},
    "few": {"text": "entry 14"},
    "none": {"text": "entry 999"},
    "short": {"text": "東京"},
    "regex": {"regex": "7[02] of"},
    "limited": {"text": "entry", "limit": 3},
}


def answers(path: Path) -> dict[str, list[Hit]]:
    """What every question is answered, in a new handle."""
    with Tract.open(path) as t:
        return {name: t.search(**asked) for name, asked in ASKED.items()}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_a_damaged_index(known: Path, damage: Callable[[Path], None]) -> None:
    """Whatever became of the index, hits are the same, with at most one warning a handle."""
    wanted = answers(known)
    assert len(wanted["few"]) == 10
    damage(index_of(known))
    for _ in range(2):
        with warned(1):
            assert answers(known) == wanted


def test_changed_texts_lose_no_hit(known: Path) -> None:
    """Letters changed inside the texts of the index, which SQLite cannot notice, hide nothing."""
    wanted = answers(known)
    content = index_of(known).read_bytes()
    assert content.count(b"entry 14") == 10
    index_of(known).write_bytes(content.replace(b"entry 14", b"entry 99"))
    assert answers(known) == wanted
    assert b"entry 14" in index_of(known).read_bytes()


SPOTS = st.lists(st.tuples(st.floats(0, 0.9999), st.binary(min_size=1, max_size=40)), min_size=1)


@given(spots=SPOTS, bits=st.lists(st.tuples(st.floats(0, 0.9999), st.integers(0, 7)), min_size=1))
def test_silent_damage_loses_no_hit(
    known_once: tuple[Path, dict[str, list[Hit]]],
    spots: list[tuple[float, bytes]],
    bits: list[tuple[float, int]],
) -> None:
    """Whatever bytes of the index are changed, or single bits: every hit is there, and no other."""
    path, wanted = known_once
    content = index_of(path).read_bytes()
    garbage, flipped = bytearray(content), bytearray(content)
    for where, some in spots:
        at = min(int(where * len(content)), len(content) - len(some))
        garbage[at : at + len(some)] = some
    for where, bit in bits:
        flipped[int(where * len(content))] ^= 1 << bit
    try:
        for damaged in (garbage, flipped):
            index_of(path).write_bytes(damaged)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", IndexUnavailable)  # the number of a newer schema
                assert answers(path) == wanted
    finally:
        for each in path.glob("tract/index.sqlite*"):
            each.unlink()
        index_of(path).write_bytes(content)


def test_no_table_of_texts(known: Path) -> None:
    """Where the index has no table of texts, hits are the same, and it is begun anew."""
    wanted = answers(known)
    with sqlite3.connect(index_of(known)) as connection:
        connection.execute("DROP TABLE texts")
    connection.close()
    assert answers(known) == wanted
    assert answers(known) == wanted


def test_an_index_that_another_handle_replaced(known: Path) -> None:
    """A handle whose index was removed and begun anew by another misses nothing."""
    wanted = answers(known)["few"]
    with Tract.open(known) as t, Tract.open(known) as other:
        assert t.search("entry 14") == wanted
        other.derived.close()
        for each in known.glob("tract/index.sqlite*"):
            each.unlink()
        other.derived.add_texts({"0" * 40: b"something else"})
        assert t.search("entry 14") == wanted


def blobs_of(path: Path) -> list[str]:
    """The blobs of the tip."""
    return re.findall("[0-9a-f]{40}", git(path, "ls-tree", "-r", "main"))


def reads(t: Tract, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The entries that are decoded from now on."""
    from tract.porcelain import context
    from tract.porcelain.decoded import read_entry

    seen: list[object] = []

    def counting(*given: Any) -> Any:
        seen.append(given[-1])
        return read_entry(*given)

    monkeypatch.setattr(context, "read_entry", counting)
    return seen


def test_known_entries_are_not_read(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the index only what may match is read; that is what it is for."""
    with Tract.open(known) as t:
        t.compile().commit_hashes  # noqa: B018 - the index learns who wrote what
    with Tract.open(known) as t:
        seen = reads(t, monkeypatch)
        assert len(t.search("entry 14")) == 10
        assert len(seen) == 10
        assert t.search("entry 999") == []
        assert len(seen) == 10
        assert t.search("zz") == t.search("東北") == t.search("\U0001f98a") == []
        assert len(seen) == 10


@pytest.mark.parametrize("query", ["京 ", "7", "49", "ü"])
def test_short_queries_come_from_the_index(
    known: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """One character or two rule out as well as many: what is read is what has them."""
    texts = [f"entry {number:03} of 東京 and Zürich" for number in range(150)]
    wanted = plainly(texts, query)
    with Tract.open(known) as t:
        t.compile().commit_hashes  # noqa: B018 - the index learns who wrote what
    with Tract.open(known) as t:
        seen = reads(t, monkeypatch)
        assert slots(t.search(query)) == wanted
        assert len(seen) == len(wanted)


def test_a_limit_ends_the_search(known: Path) -> None:
    """With a limit the index is not asked of pages that nobody needs."""
    with Tract.open(known) as t:
        asked: list[str] = []
        texts = t.derived.texts

        def counting(blobs: Iterable[str]) -> dict[str, bytes]:
            asked.extend(given := list(blobs))
            return texts(given)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(t.derived, "texts", counting)
            assert slots(t.search("entry", limit=3)) == [149, 148, 147]
            assert len(asked) == 50


def test_a_pattern_does_without_the_index(known: Path) -> None:
    """A regular expression reads all and adds nothing, as folded texts cannot answer it."""
    index_of(known).unlink()
    with Tract.open(known) as t:
        assert slots(t.search(regex="7[02] of")) == [72, 70]
        assert not any(t.derived.texts([hit]) for hit in blobs_of(known))


def test_new_entries_are_read_and_added(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written after a search is found, and read once."""
    with Tract.open(known) as t:
        t.user("entry 140, again")
        t.edit(5, "entry 140, in its place")
        assert slots(t.search("entry 140")) == [150, 140, 5]
    with Tract.open(known) as t:
        seen = reads(t, monkeypatch)
        assert slots(t.search("in its place")) == [5]
        assert len(seen) <= 2  # it, and by who looks for the commit that wrote it


def test_a_search_adds_so_many(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each search adds a bounded number of texts, and no huge one, until all are known."""
    index_of(known).unlink()
    monkeypatch.setattr(searching, "ADDED_MAX", 60)
    monkeypatch.setattr(searching, "ADDED_CHARS_MAX", 2000)
    counts = []
    with Tract.open(known) as t:
        huge = t.user("entry " * 1000)
        blobs = blobs_of(known)
        for _ in range(4):
            assert len(t.search("entry")) == 151
            counts.append(len(t.derived.texts(blobs)))
        assert huge.blob_id not in t.derived.texts(blobs)
    assert counts == [60, 120, 150, 150]


def test_a_folder_that_cannot_be_written(known: Path) -> None:
    """Where the index is in nobody's reach, hits are the same."""
    wanted = answers(known)
    shutil.rmtree(known / "tract", ignore_errors=True)
    (known / "tract").write_bytes(b"")
    with Tract.open(known) as t, warned(1):
        assert {name: t.search(**asked) for name, asked in ASKED.items()} == wanted
        os.unlink(known / "tract")
