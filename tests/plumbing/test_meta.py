"""test_meta.py - JSON documents on the meta ref: read whatever they hold, set one commit a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.foreign import bring
from tests.git import fsck_clean, git
from tests.plumbing.test_notes import tree_of
from tract.errors import BadContent, BadObject, StaleRef
from tract.plumbing import landing, meta, refs
from tract.plumbing.meta import (
    DEPTH_MAX,
    REF,
    SIZE_MAX,
    Document,
    read_document,
    read_documents,
    write_documents,
)
from tract.plumbing.objects import FILE, FOLDER, Person, TreeItem, write_blob, write_commit
from tract.plumbing.objects import write_tree as raw
from tract.plumbing.repo import Repo

WHO = Person("A", "a@example.org", 1_700_000_000)
CHAT = "settings/chat.json"


def put(repo: Repo, documents: Mapping[str, Mapping[str, Any] | None]) -> bool:
    """Set documents as a verb does it; whether a commit was made."""
    view = repo.staged()
    assert view.pending is not None
    with repo.lock:
        write_documents(view, documents, verb="config")
        landing.land(repo, view.pending)
        return bool(view.pending.moves)


def lay(repo: Repo, items: list[TreeItem]) -> None:
    """Let the meta ref be at a tree that stock git would not make."""
    commit = write_commit(repo, raw(repo, items), (), author=WHO, committer=WHO, message="them\n")
    with repo.lock:
        refs.update_ref(repo, REF, commit, old=refs.read_ref(repo, REF), verb="hand")


def file(repo: Repo, name: bytes, data: bytes = b'{"a": 1}', mode: bytes = FILE) -> TreeItem:
    """An item of a tree."""
    return mode, name, bytes.fromhex(write_blob(repo, data))


def only(repo: Repo) -> Document:
    """The one document there is."""
    found = read_documents(repo)
    assert len(found) == 1
    return found[0]


def lay_chat(repo: Repo, data: bytes) -> Document:
    """A document with these bytes, read."""
    bring(repo.path, {CHAT: data})
    return only(repo)


# Writing


def test_no_ref_is_no_documents(repo: Repo) -> None:
    """Without the ref there are no documents."""
    assert read_documents(repo) == []
    assert read_document(repo, CHAT) is None


def test_written_and_read(repo: Repo) -> None:
    """A document comes back with its fields, its blob, and the number of times it was set."""
    put(repo, {CHAT: {"model": "m"}})
    put(repo, {CHAT: {"model": "n"}})
    found = only(repo)
    assert (found.path, found.fields, found.seq, found.fault) == (CHAT, {"model": "n"}, 2, None)
    assert git(repo.path, "rev-parse", f"{REF}:{CHAT}") == found.blob
    assert read_document(repo, CHAT) == found


def test_bytes_are_canonical(repo: Repo) -> None:
    """Keys are in order at every depth, a line each, and one newline ends the file."""
    put(repo, {CHAT: {"b": {"d": 1, "c": [1.5, "é"]}, "a": None}})
    assert git(repo.path, "show", f"{REF}:{CHAT}") + "\n" == (
        '{\n  "a": null,\n  "b": {\n    "c": [\n      1.5,\n      "é"\n    ],\n    "d": 1\n  },\n'
        '  "seq": 1\n}\n'
    )


def test_one_commit_for_several(repo: Repo) -> None:
    """Several documents are set and removed in one commit, whose line says the verb."""
    put(repo, {"a/x.json": {"n": 1}, "b.json": {}})
    put(repo, {"a/x.json": None, "c/d/y.json": {"n": 2}})
    assert [each.path for each in read_documents(repo)] == ["b.json", "c/d/y.json"]
    assert git(repo.path, "log", "--format=%s %cn", REF).split("\n") == ["tract: config tract"] * 2
    assert git(repo.path, "reflog", "--format=%gs", REF).startswith("tract: config #")
    fsck_clean(repo.path)


def test_the_last_document_removed(repo: Repo) -> None:
    """Where the last document goes, an empty tree stays."""
    put(repo, {CHAT: {"n": 1}})
    put(repo, {CHAT: None})
    assert read_documents(repo) == []
    assert git(repo.path, "ls-tree", "-r", REF) == ""
    fsck_clean(repo.path)


def test_nothing_is_written_for_nothing(repo: Repo) -> None:
    """Setting what is set, and removing what is not there, makes no commit."""
    put(repo, {CHAT: {"a": [1, {"b": 2}]}})
    before = git(repo.path, "rev-parse", REF), git(repo.path, "count-objects")
    assert not put(repo, {CHAT: {"a": [1, {"b": 2}]}, "settings/none.json": None, "x/y/z": None})
    assert (git(repo.path, "rev-parse", REF), git(repo.path, "count-objects")) == before


@pytest.mark.parametrize(("old", "new"), [(1, True), (1, 1.0), (0, False)])
def test_what_python_takes_for_equal_is_not(repo: Repo, old: object, new: object) -> None:
    """1, true and 1.0 are three values."""
    put(repo, {CHAT: {"a": old}})
    assert put(repo, {CHAT: {"a": new}})


def test_files_of_others_stay(repo: Repo) -> None:
    """What else stands on the ref, documents or not, stays as it is."""
    bring(repo.path, {"agents/a.json": b"{}", "README": b"no document"})
    put(repo, {CHAT: {"n": 1}})
    names = git(repo.path, "ls-tree", "-r", "--name-only", REF).split("\n")
    assert names == ["README", "agents/a.json", CHAT]


def test_what_stands_in_the_way_is_replaced(repo: Repo) -> None:
    """A folder at the place of a document, or a file at that of its folder, gives way."""
    bring(repo.path, {f"{CHAT}/x": b"{}"})
    put(repo, {CHAT: {"n": 1}})
    assert only(repo).fields == {"n": 1}
    bring(repo.path, {CHAT: None, "settings": b"{}"})
    put(repo, {CHAT: {"n": 2}})
    assert only(repo).fields == {"n": 2}


def test_too_large_is_refused(repo: Repo) -> None:
    """A document of more than 1 MiB is refused."""
    with pytest.raises(BadContent, match="1,048,576 are the most"):
        put(repo, {CHAT: {"a": "x" * SIZE_MAX}})
    assert read_documents(repo) == []


def test_a_move_in_between_is_stale(repo: Repo) -> None:
    """Where stock git moved the ref after it was read, nothing is overwritten."""
    view = repo.staged()
    assert view.pending is not None
    with repo.lock:
        write_documents(view, {CHAT: {"n": 1}}, verb="config")
        bring(repo.path, {"a.json": {"n": 2}})
        with pytest.raises(StaleRef):
            landing.land(repo, view.pending)
    assert only(repo).path == "a.json"


def test_folder(repo: Repo) -> None:
    """Only the documents of a folder are read, when it is named."""
    bring(repo.path, {CHAT: b"{}", "policies/a.json": b"{}", "b.json": b"{}"})
    assert [each.path for each in read_documents(repo, "policies")] == ["policies/a.json"]
    assert read_documents(repo, "nothing") == []
    assert read_documents(repo, "b.json") == []


# What is no document


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"[]", "no JSON object"),
        (b'"x"', "no JSON object"),
        (b"5", "no JSON object"),
        (b'{"a": 1} x', "no JSON"),
        (b'\xef\xbb\xbf{"a": 1}', "no JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": "\\ud800"}', "lone surrogate"),
        (b'{"a": 1, "a": 2}', "a key twice"),
        (b'{"x": {"base_url": 1, "base_url": 2}}', "a key twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1e999}', "without bound"),
        (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
        (b"[" * 10_000 + b"]" * 10_000, "nested"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nested"),
        (b"[" * 101 + b"]" * 101, "nested"),
        (b'{"seq": -1}', "seq"),
        (b'{"seq": true}', "seq"),
        (b'{"seq": "1"}', "seq"),
        (b'{"seq": 99999999999999999999}', "seq"),
        (b'{"a": "%s"}' % (b"x" * SIZE_MAX), "more than 1,048,576"),
    ],
    ids=lambda value: value[:20].decode("utf-8", "replace") if isinstance(value, bytes) else None,
)
def test_no_document(repo: Repo, data: bytes, fault: str) -> None:
    """A file that is no document comes back as one that cannot be read, with the reason."""
    found = lay_chat(repo, data)
    assert found.fields is None
    assert fault in str(found.fault)
    assert read_document(repo, CHAT) == found


def test_reason_quotes_nothing(repo: Repo) -> None:
    """The reason does not repeat what a stranger wrote."""
    for data in (b'{"evil\\u001b": 1, "evil\\u001b": 2}', b'{"a": evil}', b"evil"):
        assert "evil" not in str(lay_chat(repo, data).fault)


def test_just_deep_enough(repo: Repo) -> None:
    """100 levels can be read."""
    data = b'{"a":' * DEPTH_MAX + b"1" + b"}" * DEPTH_MAX
    assert lay_chat(repo, data).fault is None


def test_huge_int_is_kept(repo: Repo) -> None:
    """A whole number beyond 64 bits comes back as it is."""
    assert lay_chat(repo, b'{"a": %d}' % 10**30).fields == {"a": 10**30}


@pytest.mark.parametrize(
    ("name", "mode", "fault"),
    [
        (b"chat.json", b"120000", "symbolic link"),
        (b"chat.json", b"160000", "submodule"),
        (b"chat.json", b"040000", "no file"),
        (b"settings/chat.json", FILE, "name"),
        (b"..", FILE, "name"),
        (b".git", FILE, "name"),
    ],
)
def test_strange_items(repo: Repo, name: bytes, mode: bytes, fault: str) -> None:
    """A link, a submodule, an odd mode and a name that no file has are no documents."""
    lay(repo, [file(repo, name, mode=mode)])
    found = only(repo)
    assert (found.path, found.fields) == (name.decode().replace("/", "\\x2f"), None)
    assert read_document(repo, "settings/chat.json") is None
    assert fault in str(found.fault)


def test_name_that_is_not_utf8(repo: Repo) -> None:
    """A name that is not UTF-8 comes with lone surrogates, and is removed by them."""
    lay(repo, [file(repo, b"\xff.json")])
    assert only(repo).path == "\udcff.json"
    put(repo, {"\udcff.json": None})
    assert read_documents(repo) == []


def test_the_same_name_twice(repo: Repo) -> None:
    """Two files of one name are no document, either of them."""
    lay(repo, [file(repo, b"a.json"), file(repo, b"a.json", b'{"a": 2}')])
    assert [each.fields for each in read_documents(repo)] == [None, None]
    found = read_document(repo, "a.json")
    assert found is not None
    assert found.fields is None


def test_folders_without_end(repo: Repo) -> None:
    """What stands deeper than three folders is named and not opened."""
    tree = tree_of(repo, {"x.json": b"{}"})
    for _ in range(50):
        tree = raw(repo, [(FOLDER, b"d", bytes.fromhex(tree))])
    lay(repo, [(FOLDER, b"d", bytes.fromhex(tree))])
    assert only(repo)[0::4] == ("d/d/d/d", "it stands more than 3 folders deep")


def test_files_without_end(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past a number of files the rest is not read, and that is said."""
    monkeypatch.setattr(meta, "DOCUMENTS_MAX", 3)
    bring(repo.path, {f"{n}.json": b"{}" for n in range(9)})
    found = read_documents(repo)
    assert [each.fault for each in found] == [None, None, None, "there are more than 3 files"]


def test_bytes_without_end(repo: Repo) -> None:
    """Past a number of bytes the files are named and not read; one by one they are."""
    bring(repo.path, {f"{n}.json": b'{"a": "0123"}' for n in range(5)})
    found = read_documents(repo, bytes_max=30)
    assert [each.fields is not None for each in found] == [True] * 2 + [False] * 3
    assert read_document(repo, "4.json") is not None


def test_the_same_folder_twice(repo: Repo) -> None:
    """Of two folders with one name no document is read."""
    inside = bytes.fromhex(tree_of(repo, {"chat.json": b"{}"}))
    lay(repo, [(FOLDER, b"settings", inside), (FOLDER, b"settings", inside)])
    assert [each.fields for each in read_documents(repo)] == [None, None]
    assert read_document(repo, CHAT) is None


@given(st.binary(max_size=60) | st.text('{}[]":,0123ae\\ u', max_size=40).map(str.encode))
def test_any_bytes_are_read(shared_repo: Repo, data: bytes) -> None:
    """Whatever a file holds, reading it gives fields that JSON can hold, or the reason."""
    bring(shared_repo.path, {CHAT: data})
    found = only(shared_repo)
    assert (found.fields is None) == (found.fault is not None)
    json.dumps(found.fields, allow_nan=False).encode()


# Damage


def objects_at(repo: Repo) -> dict[str, str]:
    """What the meta ref is made of: the objects by what they are."""
    parse = ("rev-parse", REF, f"{REF}^{{tree}}", f"{REF}:settings", f"{REF}:{CHAT}")
    names = git(repo.path, *parse).split("\n")
    return dict(zip(("commit", "root", "tree", "blob"), names, strict=True))


@pytest.mark.parametrize("which", ["commit", "root", "tree", "blob"])
@pytest.mark.parametrize("is_gone", [True, False])
def test_damaged_object(repo: Repo, which: str, is_gone: bool) -> None:
    """An object that is missing or damaged is an error that names the ref, and the file."""
    put(repo, {CHAT: {"n": 1}})
    name = objects_at(repo)[which]
    path = Path(repo.path, "objects", name[:2], name[2:])
    path.chmod(0o644)
    path.unlink() if is_gone else path.write_bytes(b"damaged")
    with pytest.raises(BadObject, match=f"{REF}.*cannot be read: the .* {name[:12]} is missing"):
        read_documents(repo)
    if which == "blob":
        with pytest.raises(BadObject, match=f"{REF}:{CHAT} cannot be read"):
            read_document(repo, CHAT)


def test_damaged_document_is_removed(repo: Repo) -> None:
    """A document whose blob is gone can still be removed."""
    put(repo, {CHAT: {"n": 1}, "a.json": {"n": 2}})
    name = objects_at(repo)["blob"]
    Path(repo.path, "objects", name[:2], name[2:]).unlink()
    put(repo, {CHAT: None})
    assert only(repo).path == "a.json"
