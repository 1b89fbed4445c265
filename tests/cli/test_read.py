"""test_read.py - compile, log, show, status, diff, fsck."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run

CALLS = '[{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]'


def test_compile_as_text(repo: Run) -> None:
    """By default the context is printed to read, and its size on standard error."""
    said = repo("compile")
    assert said.stdout == "[system]\nBe brief.\n\n[user]\nHello there.\n"
    assert re.fullmatch(r"2 messages, \d+ tokens \(tiktoken:o200k_base\)\n", said.stderr)


@pytest.mark.parametrize("form", ["dicts", "openai"])
def test_compile_as_messages(repo: Run, form: str) -> None:
    """The formats are JSON lists of messages, with nothing else when piped."""
    said = repo("compile", "--format", form)
    assert json.loads(said.stdout) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello there."},
    ]
    assert said.stderr == ""


@pytest.mark.parametrize(("form", "key"), [("dicts", "messages"), ("text", "text")])
def test_compile_as_json(repo: Run, form: str, key: str) -> None:
    """With --json the document has the messages, the counts and what they come from."""
    document = json.loads(repo("compile", "--format", form, "--json").stdout)
    assert document["format"] == form
    assert document[key]
    assert len(document["entry_ids"]) == len(document["token_counts"]) == 2
    assert document["token_count"] == sum(document["token_counts"]) + 3
    assert document["digest"].startswith("1:")


def test_compile_at(repo: Run) -> None:
    """--at compiles the context of an earlier commit."""
    said = repo("compile", "--at", "HEAD~1", "--format", "dicts")
    assert json.loads(said.stdout) == [{"role": "system", "content": "Be brief."}]


def test_compile_nothing(run: Run) -> None:
    """An empty context is an empty list."""
    run("init")
    assert json.loads(run("compile", "--format", "openai").stdout) == []


def test_log(repo: Run) -> None:
    """A commit of the log has its id, place, entry, role and tokens, like git's in shape."""
    lines = repo("log").stdout.splitlines()
    assert re.fullmatch(
        r"commit [0-9a-f]{10} \(main\)  :1 [k-z]{16} user  \d tokens / \d\d in context", lines[0]
    )
    assert lines[1] == "Author: user"
    assert re.fullmatch(r"Date:   \w{3} \w{3} \d+ \d\d:\d\d:\d\d \d{4} \+0000", lines[2])
    assert lines[4] == "    user: Hello there."


def test_log_in_one_line(repo: Run) -> None:
    """--oneline is one line a commit, the newest first."""
    lines = repo("log", "--oneline").stdout.splitlines()
    assert re.fullmatch(r"[0-9a-f]{10}    :1 user: Hello there\.  \d/\d\d", lines[0])
    assert "system: Be brief. [pinned]" in lines[1]


@pytest.mark.parametrize(("limit", "shown"), [("1", 1), ("0", 30), ("30", 30)])
def test_log_limit(repo: Run, limit: str, shown: int) -> None:
    """-n limits, 0 shows all."""
    for number in range(28):
        repo("-q", "user", str(number))
    assert len(repo("log", "--oneline", "-n", limit).stdout.splitlines()) == shown


def test_log_shows_twenty(repo: Run) -> None:
    """Without -n a log shows twenty commits."""
    for number in range(20):
        repo("-q", "user", str(number))
    assert len(json.loads(repo("log", "--json").stdout)) == 20


def test_log_of_nothing(run: Run) -> None:
    """A branch without commits says so, and is no error."""
    run("init")
    said = run("log")
    assert (said.exit_code, said.stdout) == (0, "")
    assert "No commits yet" in said.stderr
    assert json.loads(run("log", "--json").stdout) == []


def test_log_as_json(repo: Run) -> None:
    """Each commit of the list has its tokens, and those of the context."""
    newest = json.loads(repo("log", "--json").stdout)[0]
    assert newest["token_count"] < newest["context_tokens"]
    assert len(newest["commit_hash"]) == 40


@pytest.mark.parametrize("target", ["HEAD", ":1", "main"])
def test_show(repo: Run, target: str) -> None:
    """show prints the commit, and the whole text of the entry it added."""
    said = repo("show", target)
    assert said.stdout.startswith("commit ")
    assert said.stdout.endswith("\nHello there.\n")


def test_show_an_edit(repo: Run) -> None:
    """For an edit, show prints what changed."""
    repo("edit", ":1", "Hello again.")
    said = repo("show").stdout
    assert "-Hello there.\n" in said
    assert "+Hello again.\n" in said


@pytest.mark.parametrize("by_id", [False, True])
def test_show_an_edited_entry(repo: Run, by_id: bool) -> None:
    """For an entry that was edited, show prints its text as it is now."""
    repo("edit", ":1", "Hello again.")
    entry_id = json.loads(repo("show", "--json").stdout)["entry"]["id"]
    said = repo("show", entry_id[:8] if by_id else ":1").stdout
    assert said.endswith("\nHello again.\n")
    assert "Hello there." not in said


def test_show_tool_calls(repo: Run) -> None:
    """The calls of a turn are listed below its text."""
    repo("assistant", "Calling.", "--tool-calls", CALLS)
    assert "call f({})  call_1" in repo("show").stdout


def test_show_as_json(repo: Run) -> None:
    """The document has the commit, the entry and the difference."""
    document = json.loads(repo("show", "--json").stdout)
    assert document["commit"]["slot"] == 1
    assert document["entry"]["text"] == "Hello there."
    assert document["diff"]["stat"]["added"] == 1


@pytest.mark.parametrize("target", ["nope", "zzzzzzzz", ":99", "HEAD~99"])
def test_show_of_nothing(repo: Run, target: str) -> None:
    """A target that names nothing ends with 3 and a hint."""
    said = repo("show", target)
    assert said.exit_code == 3
    assert "hint: " in said.stderr


def test_status(repo: Run) -> None:
    """status has the branch, the counts and the newest commits."""
    lines = repo("status").stdout.splitlines()
    assert lines[0] == "On branch main"
    assert re.fullmatch(r"2 entries in 2 commits, \d+ tokens \(tiktoken:o200k_base\)", lines[1])
    assert lines[2] == "1 pinned, 0 skipped"
    assert "user: Hello there." in lines[-2]


def test_status_of_nothing(run: Run) -> None:
    """In an empty repository status says what to do first."""
    run("init")
    said = run("status").stdout
    assert "No commits yet" in said
    assert 'next: tract user "Hello"' in said


def test_status_names_open_calls(repo: Run) -> None:
    """An open tool call is shown, with the two ways to close it."""
    repo("assistant", "--tool-calls", CALLS)
    said = repo("status").stdout
    assert "f({})  call_1" in said
    assert "next: tract commit --type tool_io --tool-call-id call_1 RESULT" in said
    assert "next: tract cancel-tool-calls" in said


def test_status_of_a_detached_head(repo: Run, tmp_path: Path) -> None:
    """A detached HEAD is named by its commit."""
    from tests.git import git

    head = git(tmp_path / ".tract", "rev-parse", "HEAD")
    git(tmp_path / ".tract", "update-ref", "--no-deref", "HEAD", head)
    assert repo("status").stdout.startswith(f"HEAD detached at {head[:10]}\n")


def test_diff(repo: Run) -> None:
    """diff shows what the newest commit changed, and its tokens."""
    repo("edit", ":1", "Hello there, and again.")
    said = repo("diff").stdout
    assert "~ modified :1 user" in said
    assert "+Hello there, and again.\n" in said
    assert re.search(r"1 modified; \+\d tokens\n$", said)


def test_diff_of_the_first_commit(run: Run) -> None:
    """The first commit added all that it has."""
    run("init")
    run("user", "x")
    assert "1 added" in run("diff").stdout


def test_diff_of_two(repo: Run) -> None:
    """diff A B compares two commits."""
    document = json.loads(repo("diff", "HEAD", "HEAD~1", "--json").stdout)
    assert document["stat"] == {"added": 0, "removed": 1, "modified": 0, "moved": 0}


def test_diff_of_none(repo: Run) -> None:
    """A commit does not differ from itself."""
    assert repo("diff", "HEAD", "HEAD").stdout == "no difference\n"


def test_fsck_of_a_sound_repository(repo: Run) -> None:
    """fsck of a sound repository says so."""
    said = repo("fsck")
    assert said.exit_code == 0
    assert "Sound" in said.stderr
    assert json.loads(repo("fsck", "--json").stdout) == {"sound": True, "problems": []}


def test_fsck_of_a_damaged_one(repo: Run, tmp_path: Path) -> None:
    """A blob that is gone is named, with exit code 8."""
    from tests.git import git

    blob = git(tmp_path / ".tract", "rev-parse", "HEAD:000/00/01.user.md")
    (tmp_path / ".tract" / "objects" / blob[:2] / blob[2:]).unlink()
    said = repo("fsck")
    assert said.exit_code == 8
    assert blob in said.stdout
    document = json.loads(repo("fsck", "--json").stdout)
    assert document["sound"] is False
    assert document["problems"]


def test_fsck_repair(repo: Run, tmp_path: Path) -> None:
    """--repair mends, says what it did, and ends with 0; then nothing is wrong."""
    from tests.git import git

    blob = git(tmp_path / ".tract", "rev-parse", "HEAD:000/00/01.user.md")
    (tmp_path / ".tract" / "objects" / blob[:2] / blob[2:]).unlink()
    said = repo("fsck", "--repair")
    assert said.exit_code == 0
    assert "repaired branch" in said.stdout
    assert "1 problem repaired" in said.stderr
    assert repo("fsck").exit_code == 0
    assert "Hello" not in repo("compile").stdout


def test_fsck_repair_of_what_cannot_be_opened(repo: Run, tmp_path: Path) -> None:
    """Without HEAD every command names it; --repair puts it back, also with -C and --json."""
    head = tmp_path / ".tract" / "HEAD"
    for words in ((), ("-C", str(tmp_path))):
        head.unlink()
        said = repo(*words, "log")
        assert said.exit_code == 8
        assert "HEAD is missing" in said.stderr
        assert "tract fsck --repair" in said.stderr
        document = json.loads(repo(*words, "--json", "fsck", "--repair").stdout)
        assert document["sound"] is True
        assert document["problems"][0]["repaired"] is True
        assert repo("log").exit_code == 0


def test_fsck_repair_of_a_sound_one(repo: Run) -> None:
    """There is nothing to mend."""
    said = repo("fsck", "--repair")
    assert said.exit_code == 0
    assert "Sound" in said.stderr


def test_fsck_repair_that_cannot_mend(repo: Run, tmp_path: Path) -> None:
    """What is lost for good is named, with exit code 8; what is harmless is named with 0."""
    from tests.git import git

    (tmp_path / ".tract" / "refs" / "tags" / "v1").write_text("1" * 40 + "\n")
    assert repo("fsck", "--repair").exit_code == 8
    (tmp_path / ".tract" / "refs" / "tags" / "v1").unlink()
    git(tmp_path / ".tract", "notes", "--ref=tract/tokens", "add", "-f", "-m", "by hand", "main")
    assert repo("fsck").exit_code == 8
    assert repo("fsck", "--repair").exit_code == 0


def test_git_has_no_json(repo: Run) -> None:
    """`tract --json git` is refused: git prints what git prints."""
    assert repo("--json", "git", "log").exit_code == 2


@pytest.mark.skipif(shutil.which("chmod") is None, reason="needs chmod")
@pytest.mark.parametrize("verb", ["log", "status", "compile", "show", "diff", "fsck"])
def test_reading_a_read_only_repository(repo: Run, tmp_path: Path, verb: str) -> None:
    """Looking needs no right to write, and writes nothing but the derived index."""
    everything = [tmp_path / ".tract", *(tmp_path / ".tract").rglob("*")]
    before = {path: path.stat().st_mtime_ns for path in everything}
    for path in everything:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        assert repo(verb).exit_code == 0
    finally:
        for path in everything:
            path.chmod(path.stat().st_mode | 0o200)
    folder = tmp_path / ".tract"
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    after = {path: at for path, at in after.items() if path.parent != folder / "tract"}
    assert after == {path: before[path] for path in after}
