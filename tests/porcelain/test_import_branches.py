"""test_import_branches.py - where imported conversations go, and how their branches are called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.git import git
from tests.porcelain.saying import contents, user
from tract.tract import Tract


def record(text: str, **fields: Any) -> dict[str, Any]:
    """A conversation of one message."""
    return {"messages": [user(text)], **fields}


def branches(t: Tract) -> list[str]:
    """All branches, as stock git lists them."""
    return git(t.path, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()


def test_one_goes_onto_the_current_branch(t: Tract) -> None:
    """A single conversation goes onto the branch where one stands, whatever its id."""
    (found,) = t.import_messages(record("x", id="a"))
    assert (found.branch, branches(t)) == ("main", ["main"])


def test_several_get_a_branch_each(t: Tract) -> None:
    """Several conversations begin a branch each, from an empty context, named by their ids."""
    t.user("before")
    found = t.import_messages([record("1", id="a"), record("2", id="b")])
    assert [each.branch for each in found] == ["import/a", "import/b"]
    assert [each.line for each in found] == [1, 2]
    assert branches(t) == ["import/a", "import/b", "main"]
    assert contents(t, at="import/a") == ["1"]
    assert contents(t, at="import/b") == ["2"]
    assert contents(t) == ["before"]
    assert found[0].commits[0].parents == ()
    assert found[0].commits[0].branch == "import/a"


def test_several_on_an_unborn_branch_switch_to_the_first(t: Tract) -> None:
    """Where nothing was written yet, the handle and HEAD stand on the first one afterwards."""
    t.import_messages([record("1", id="a"), record("2", id="b")])
    assert t.branch_name == "import/a"
    assert git(t.path, "symbolic-ref", "HEAD") == "refs/heads/import/a"
    assert contents(t) == ["1"]
    t.user("more")
    with Tract.open(t.path) as other:
        assert contents(other) == ["1", "more"]


def test_handle_of_a_branch_moves_no_head(t: Tract) -> None:
    """A handle with `branch=` switches itself and leaves HEAD alone."""
    with Tract.open(t.path, branch="work") as work:
        work.import_messages([record("1", id="a"), record("2", id="b")])
        assert work.branch_name == "import/a"
    assert git(t.path, "symbolic-ref", "HEAD") == "refs/heads/main"


def test_first_that_landed_is_switched_to(t: Tract) -> None:
    """A conversation that failed is no place to stand."""
    found = t.import_messages([{"id": "a", "messages": [{"role": "boss"}]}, record("2", id="b")])
    assert found[0].error is not None
    assert found[0].branch is None
    assert t.branch_name == "import/b"


def test_onto_appends_to_a_branch(t: Tract) -> None:
    """`onto` takes all conversations onto one branch, made where it is not there yet."""
    t.user("before")
    data = "".join(json.dumps(record(text)) + "\n" for text in "12").encode()
    found = t.import_bytes(data, onto="talk")
    assert [each.branch for each in found] == ["talk", "talk"]
    assert contents(t, at="talk") == ["1", "2"]
    t.import_bytes(data, onto="talk")
    assert contents(t, at="talk") == ["1", "2", "1", "2"]
    assert contents(t) == ["before"]
    assert t.branch_name == "main"


def test_onto_the_current_branch(t: Tract) -> None:
    """`onto` may name the branch on which one stands."""
    t.user("before")
    t.import_bytes(json.dumps([record("1"), record("2")]).encode(), onto="main")
    assert contents(t) == ["before", "1", "2"]


def test_line_numbers_name_what_has_no_id(t: Tract, tmp_path: Path) -> None:
    """Without an id the line number names the branch."""
    file = tmp_path / "talk.jsonl"
    lines = [json.dumps(record(f"{n}")) for n in range(3)]
    file.write_text("\n" + "\n\n".join(lines))
    found = t.import_file(file)
    assert [each.branch for each in found] == ["import/2", "import/4", "import/6"]


def test_taken_names_get_numbers(t: Tract) -> None:
    """A name that is taken gets -2, and so on, however often one imports."""
    for _ in range(2):
        t.import_messages([record("1", id="a"), record("2", id="a")])
    assert branches(t) == ["import/a", "import/a-2", "import/a-3", "import/a-4"]


def test_names_are_compared_without_case(t: Tract) -> None:
    """Ids that differ in capitals alone get numbers, too."""
    found = t.import_messages([record("1", id="Talk"), record("2", id="tALK"), record("3", id="b")])
    assert [each.branch for each in found] == ["import/Talk", "import/tALK-2", "import/b"]


def test_number_that_is_taken_is_passed_over(t: Tract) -> None:
    """An id that looks numbered keeps its name, and the next free number is used."""
    found = t.import_messages([record("1", id="a-2"), record("2", id="a"), record("3", id="a")])
    assert [each.branch for each in found] == ["import/a-2", "import/a", "import/a-3"]


def test_folder_of_that_name_is_taken(t: Tract) -> None:
    """A branch below the name is in the way like the name itself."""
    t.user("x")
    git(t.path, "branch", "import/a/b", "main")
    found = t.import_messages([record("1", id="a"), record("2", id="b")])
    assert found[0].branch == "import/a-2"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("plain-1.2_x", "plain-1.2_x"),
        ("a b  c", "a-b-c"),
        ("a/b\\c", "a-b-c"),
        ("ä", "-"),
        ("a..b", "a-b"),
        ("a...b", "a-.b"),
        (".hidden", "-hidden"),
        ("end.", "end-"),
        ("...", "--"),
        ("x.lock", "x-"),
        ("a.lock.lock", "a.lock-"),
        ("a@{b}", "a-b-"),
        ("HEAD", "HEAD"),
        ("-x", "-x"),
        ("x" * 150, "x" * 100),
        ("x" * 99 + ".y", "x" * 99 + "-"),
        ("x" * 95 + ".lockx", "x" * 95 + "-"),
        (7, "7"),
        ("", "1"),
        (None, "1"),
        (["a"], "1"),
        ({"a": 1}, "1"),
    ],
)
def test_id_is_reduced_to_a_name(t: Tract, given: Any, name: str) -> None:
    """What git or a path would not take becomes `-`; an empty id is the line number."""
    found = t.import_messages([record("1", id=given), record("2", id="second")])
    assert found[0].branch == f"import/{name}"
    assert t.entry(0).metadata == {"import": {"id": given}}


@settings(max_examples=25)
@given(
    st.lists(
        st.one_of(st.text(max_size=8), st.text("aA.-/lock", max_size=8)), min_size=2, max_size=4
    )
)
def test_import_always_gets_a_branch(ids: list[str]) -> None:
    """Whatever the ids are, every conversation lands on a branch of its own."""
    ids = [one.encode("utf-8", "replace").decode() for one in ids]
    with Tract.open(":memory:") as t:
        found = t.import_messages([record(f"{n}", id=one) for n, one in enumerate(ids)])
        assert [each.error for each in found] == [None] * len(ids)
        names = [str(each.branch) for each in found]
        assert len({name.lower() for name in names}) == len(ids)
        for number, name in enumerate(names):
            assert contents(t, at=name) == [f"{number}"]


def test_apart_gives_one_its_own_branch(t: Tract, tmp_path: Path) -> None:
    """`apart` gives a single conversation a branch too: its id, else the file's name."""
    t.user("before")
    data = json.dumps(record("x", id="a")).encode()
    assert t.import_bytes(data, apart=True)[0].branch == "import/a"
    file = tmp_path / "my talk.json"
    file.write_text(json.dumps([user("y")]))
    assert t.import_file(file, apart=True)[0].branch == "import/my-talk"
    assert contents(t) == ["before"]
