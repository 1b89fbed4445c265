"""test_import.py - `tract import`: which branches, what becomes of damage, what is left behind."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

ONE = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


def write(path: Path, *records: Any) -> str:
    """Write records, a line each, and give the file's name."""
    path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    return path.name


def branches(folder: Path) -> list[str]:
    """The branches of the repository in a folder, by stock git."""
    from tests.git import git

    return git(folder / ".tract", "branch", "--format=%(refname:short)").splitlines()


def test_import_makes_a_repository(run: Run, tmp_path: Path) -> None:
    """One conversation goes onto the current branch of a repository that is made for it."""
    said = run("import", write(tmp_path / "chat.json", ONE))
    assert said.exit_code == 0
    assert said.stdout == "main: 2 messages from chat.json\n"
    assert branches(tmp_path) == ["main"]


def test_import_of_standard_input(run: Run, tmp_path: Path) -> None:
    """A FILE of - is standard input."""
    said = run("import", "-", stdin=json.dumps(ONE))
    assert said.stdout == "main: 2 messages from standard input\n"


def test_import_of_several_in_one_file(run: Run, tmp_path: Path) -> None:
    """Several conversations become branches of their own, and status stands on the first."""
    records = [{"id": name, "messages": ONE} for name in ("a", "b")]
    assert run("import", write(tmp_path / "all.jsonl", *records)).exit_code == 0
    assert branches(tmp_path) == ["import/a", "import/b"]
    assert run("status").stdout.startswith("On branch import/a\n")


def test_import_of_several_files(run: Run, tmp_path: Path) -> None:
    """Of several files, each gets a branch called after it, and HEAD stands on the first."""
    names = [write(tmp_path / name, ONE) for name in ("a.json", "b.json", "c d.jsonl")]
    assert run("import", *names).exit_code == 0
    assert branches(tmp_path) == ["import/a", "import/b", "import/c-d"]
    assert run("status").stdout.startswith("On branch import/a\n")


def test_import_of_several_files_beside_another(repo: Run, tmp_path: Path) -> None:
    """Several files leave the conversation that is there alone."""
    names = [write(tmp_path / name, ONE) for name in ("a.json", "b.json")]
    assert repo("import", *names).exit_code == 0
    assert branches(tmp_path) == ["import/a", "import/b", "main"]
    assert len(json.loads(repo("log", "--json").stdout)) == 2


def test_import_of_the_same_file_twice(repo: Run, tmp_path: Path) -> None:
    """A name that is taken gets -2."""
    name = write(tmp_path / "a.json", ONE)
    assert repo("import", name, name).exit_code == 0
    assert branches(tmp_path) == ["import/a", "import/a-2", "main"]


def test_import_onto(repo: Run, tmp_path: Path) -> None:
    """--onto appends to the branch that it names."""
    name = write(tmp_path / "a.json", ONE)
    assert repo("import", "--onto", "main", name, name).exit_code == 0
    assert branches(tmp_path) == ["main"]
    assert len(json.loads(repo("log", "--json").stdout)) == 6


def test_import_as_json(run: Run, tmp_path: Path) -> None:
    """The document has each conversation's branch, commits and error."""
    document = json.loads(run("import", write(tmp_path / "a.json", ONE), "--json").stdout)
    (result,) = document["results"]
    assert (result["branch"], result["messages"], result["error"]) == ("main", 2, None)
    assert len(result["commits"]) == 2


def test_torn_last_line(run: Run, tmp_path: Path) -> None:
    """A torn last line costs itself: the rest is in, the line is named, exit code 2."""
    name = write(tmp_path / "a.jsonl", *ONE)
    with (tmp_path / "a.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"role": "us')
    said = run("import", name)
    assert said.exit_code == 2
    assert "main: 2 messages" in said.stdout
    assert "error: a.jsonl: line 3" in said.stderr


def test_bad_record_among_good_ones(run: Run, tmp_path: Path) -> None:
    """A bad record stops its conversation only."""
    bad = [{"role": "boss", "content": "no"}]
    records = [{"id": name, "messages": m} for name, m in (("a", ONE), ("b", bad), ("c", ONE))]
    said = run("import", write(tmp_path / "all.jsonl", *records))
    assert said.exit_code == 2
    assert branches(tmp_path) == ["import/a", "import/c"]
    assert "'boss'" in said.stderr


@pytest.mark.parametrize("data", [b"", b"{nope", b"[]", b'[{"role": "boss"}]', b"\xff\xfe", b"3"])
def test_file_of_which_nothing_comes_in(run: Run, tmp_path: Path, data: bytes) -> None:
    """A file that gives nothing ends with 2, and leaves no repository behind."""
    (tmp_path / "bad.json").write_bytes(data)
    said = run("import", "bad.json")
    assert said.exit_code == 2
    assert said.stderr.startswith("error: ")
    assert not (tmp_path / ".tract").exists()


def test_missing_file_is_found_before_anything_is_done(run: Run, tmp_path: Path) -> None:
    """If one of the files is missing, nothing of the others is imported: exit code 3."""
    said = run("import", write(tmp_path / "a.json", ONE), "missing.json")
    assert said.exit_code == 3
    assert "missing.json" in said.stderr
    assert not (tmp_path / ".tract").exists()


def test_folder_in_place_of_a_file(run: Run, tmp_path: Path) -> None:
    """A folder is refused with 3."""
    (tmp_path / "folder").mkdir()
    assert run("import", "folder").exit_code == 3


def test_bad_file_among_good_ones(run: Run, tmp_path: Path) -> None:
    """A file of which nothing comes in does not stop the next one; exit code 2."""
    (tmp_path / "bad.json").write_text("{nope", encoding="utf-8")
    said = run("import", "bad.json", write(tmp_path / "a.json", ONE))
    assert said.exit_code == 2
    assert "import/a: 2 messages from a.json" in said.stdout
    assert "bad.json" in said.stderr


@pytest.mark.parametrize(("errors", "code"), [("strict", 2), ("replace", 0)])
def test_text_that_is_no_unicode(run: Run, tmp_path: Path, errors: str, code: int) -> None:
    """A lone surrogate is refused, or replaced where that is asked for."""
    (tmp_path / "a.json").write_text('[{"role": "user", "content": "a\\ud800b"}]', "utf-8")
    assert run("import", "--errors", errors, "a.json").exit_code == code


def test_quiet_import(run: Run, tmp_path: Path) -> None:
    """--quiet says nothing where all went well."""
    assert run("-q", "import", write(tmp_path / "a.json", ONE)).output == ""
