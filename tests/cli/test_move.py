"""test_move.py - checkout, reset, undo, redo, operations."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.cli.conftest import Run, Spawn
from tests.git import git
from tract.tract import Tract

COMMIT = "[0-9a-f]{10}"
OPERATION = "#[k-z]{15}"


def document(said: Result) -> Any:
    """The JSON document of a call that went well."""
    assert said.exit_code == 0, said.stderr
    return json.loads(said.stdout)


def tip(run: Run, *options: str) -> str:
    """The newest commit of the branch."""
    commits = document(run(*options, "log", "--json"))
    return str(commits[0]["commit_hash"]) if commits else ""


def subjects(run: Run, *options: str) -> list[str]:
    """What the commits of the branch say, newest first."""
    return [each["message"] for each in document(run(*options, "log", "--json"))]


def conversations(*texts: str) -> str:
    """Lines to import: each is a conversation of one message."""
    records = [{"messages": [{"role": "user", "content": text}]} for text in texts]
    return "\n".join(map(json.dumps, records))


@pytest.fixture
def forked(repo: Run, tmp_path: Path) -> Run:
    """Like `repo`, with a branch `side` that has one entry more."""
    git(tmp_path / ".tract", "branch", "side")
    assert repo("--branch", "side", "user", "Aside.").exit_code == 0
    return repo


# Undo and redo


def test_undo_says_what_and_where(repo: Run) -> None:
    """It names the verb, the operation, and where the branch went from and to."""
    operation, after = document(repo("operations", "--json"))[0]["id"], tip(repo)
    said = repo("undo").stdout
    before = tip(repo)
    assert said == f"undid append #{operation}: main {after[:10]} → {before[:10]}\n"
    assert subjects(repo) == ["system: Be brief."]


def test_undo_of_an_answer_names_its_notes(repo: Run) -> None:
    """Where several refs moved there is a line for each."""
    assert repo("assistant", "Hi.", "--generation-config", '{"model": "m"}').exit_code == 0
    said = repo("undo").stdout.splitlines()
    assert re.fullmatch(f"undid append {OPERATION}:", said[0])
    assert re.fullmatch(f"  main {COMMIT} → {COMMIT}", said[1])
    assert re.fullmatch(f"  notes/tract/generation {COMMIT} → {COMMIT}", said[2])
    assert len(said) == 3


def test_undo_of_a_first_commit(repo: Run) -> None:
    """The branch has no commits then, and the line says so and how to come back."""
    repo("undo")
    said = repo("undo").stdout.splitlines()
    assert re.fullmatch(f"undid append {OPERATION}: main {COMMIT} → no commits", said[0])
    assert said[1:] == ["main has no commits now; what was there is kept.", "  back: tract redo"]
    assert subjects(repo) == []


def test_undo_of_an_import(run: Run) -> None:
    """An import of several conversations goes as a whole, and HEAD is back where it was."""
    run("init")
    assert run("import", "-", stdin=conversations("a", "b")).exit_code == 0
    said = run("undo").stdout.splitlines()
    assert said[1] == "  HEAD import/1 → main"
    assert re.fullmatch(f"  import/1 {COMMIT} → no commits", said[2])
    assert re.fullmatch(f"  import/2 {COMMIT} → no commits", said[3])
    assert "2 branches have no commits now; what was there is kept." in said
    assert document(run("status", "--json"))["branch_name"] == "main"


def test_redo(repo: Run) -> None:
    """It brings again what undo took, and names what that was."""
    before = tip(repo)
    repo("undo")
    said = repo("redo").stdout
    assert re.fullmatch(f"redid append {OPERATION}: main {COMMIT} → {before[:10]}\n", said)
    assert tip(repo) == before


def test_undo_after_redo_names_the_same(repo: Run) -> None:
    """An undo of a redo says what was done in the first place."""
    first = repo("undo").stdout
    repo("redo")
    assert repo("undo").stdout == first


@pytest.mark.parametrize("verb", ["undo", "redo"])
def test_nothing_to_take_back(run: Run, verb: str) -> None:
    """Where nothing is left it ends with 2, and with a hint."""
    run("init")
    said = run(verb)
    assert said.exit_code == 2
    assert said.stderr.startswith(f"error: there is nothing to {verb} here\nhint: ")


@pytest.mark.parametrize("verb", ["undo", "redo"])
def test_as_json(repo: Run, verb: str) -> None:
    """With --json: the operation, what it took back, and every ref that moved."""
    newest = document(repo("operations", "--json"))[0]
    undone = document(repo("undo", "--json"))
    said = undone if verb == "undo" else document(repo("redo", "--json"))
    taken = newest if verb == "undo" else undone
    assert (said["verb"], said["of"], said["is_undone"]) == (verb, taken["id"], False)
    assert [each["ref"] for each in said["moves"]] == ["refs/heads/main"]
    assert said["moves"][0]["new"] == taken["moves"][0]["old"]


@pytest.mark.parametrize("words", [("undo",), ("reset", "HEAD~1"), ("checkout", "HEAD~1")])
def test_quiet(repo: Run, words: tuple[str, ...]) -> None:
    """`--quiet` says nothing of what was done."""
    said = repo("--quiet", *words)
    assert (said.exit_code, said.output) == (0, "")


def test_undo_of_another_branch(forked: Run) -> None:
    """With --branch that branch is looked at alone, and the way back names it."""
    main = tip(forked)
    said = forked("--branch", "side", "undo").stdout
    assert re.fullmatch(f"undid append {OPERATION}: side {COMMIT} → {main[:10]}\n", said)
    assert tip(forked) == main


def test_redo_of_a_branch_without_commits(repo: Run) -> None:
    """The way back that an undo of a first commit prints works, with --branch too."""
    repo("import", "-", stdin=conversations("a", "b"))
    said = repo("--branch", "import/2", "undo").stdout.splitlines()
    assert said[-1] == "  back: tract --branch import/2 redo"
    assert subjects(repo, "--branch", "import/2") == []
    assert repo(*said[-1].split()[2:]).exit_code == 0
    assert subjects(repo, "--branch", "import/2") == ["user: b"]


def test_undo_after_an_import_beside_the_branch(repo: Run) -> None:
    """What was done last was the import, though it moved other branches alone."""
    repo("import", "-", stdin=conversations("a", "b"))
    assert repo("undo").stdout.startswith("undid import #")
    assert subjects(repo) == ["user: Hello there.", "system: Be brief."]


def test_undo_of_what_somebody_else_built_on(repo: Run, tmp_path: Path) -> None:
    """A branch that stock git moved since is left alone: exit code 4, and who moved it."""
    there = tmp_path / ".tract"
    commit = git(there, "commit-tree", "-p", "main", "-m", "by hand", "main^{tree}").strip()
    git(there, "update-ref", "-m", "by \x1b[31mhand", "refs/heads/main", commit)
    said = repo("undo")
    assert said.exit_code == 4
    assert "error: main moved after append #" in said.stderr
    assert "by ␛[31mhand" in said.stderr
    assert tip(repo) == commit


def test_undo_by_another_process(spawn: Spawn, tmp_path: Path) -> None:
    """It does not matter which process wrote."""
    with Tract.open(tmp_path) as t:
        kept = t.system("Be brief.").commit_hash
        t.user("Hello there.")
    ran = spawn("undo")
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout.decode().startswith("undid append #")
    assert git(tmp_path / ".tract", "rev-parse", "main").strip() == kept
    assert spawn("redo").returncode == 0
    with Tract.open(tmp_path, create=False) as t:
        assert t.status().commit_count == 2


# Operations


def test_operations(repo: Run) -> None:
    """A line each, newest first: id, time, verb, the move; then what it took back, and `undone`."""
    repo("undo")
    said = repo("operations").stdout.splitlines()
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    start = f"{OPERATION}  {time}"
    assert re.fullmatch(f"{start}  undo    main {COMMIT} → {COMMIT}  of {OPERATION}", said[0])
    assert re.fullmatch(f"{start}  append  main {COMMIT} → {COMMIT}  undone", said[1])
    assert re.fullmatch(f"{start}  append  main no commits → {COMMIT}", said[2])
    assert said[0].split()[-1] == said[1].split()[0]
    assert len(said) == 3


@pytest.mark.parametrize(("limit", "shown"), [("1", 1), ("2", 2), ("0", 2), ("9", 2)])
def test_operations_limit(repo: Run, limit: str, shown: int) -> None:
    """-n is how many; 0 is all."""
    assert len(repo("operations", "-n", limit).stdout.splitlines()) == shown


def test_no_operations(run: Run) -> None:
    """In an empty repository there are none, and that is no error."""
    run("init")
    said = run("operations")
    assert (said.exit_code, said.stdout, said.stderr) == (0, "", "No operations yet.\n")
    assert document(run("operations", "--json")) == []


def test_operations_of_many_refs(run: Run) -> None:
    """A line stays a line: of many refs it shows three, and counts the others."""
    run("init")
    run("import", "-", stdin=conversations("a", "b", "c", "d"))
    said = run("operations").stdout.splitlines()
    assert len(said) == 1
    assert said[0].endswith(", and 3 more refs")


# Reset


def test_reset(repo: Run) -> None:
    """It says from where to where, and the two ways back; ORIG_HEAD is one of them."""
    after = tip(repo)
    said = repo("reset", "HEAD~1").stdout.splitlines()
    before = tip(repo)
    assert said == [
        f"main {after[:10]} → {before[:10]} system: Be brief.",
        "  back: tract undo or tract reset ORIG_HEAD",
    ]
    assert repo("reset", "ORIG_HEAD").exit_code == 0
    assert tip(repo) == after


@pytest.mark.parametrize(("mode", "kept"), [((), True), (("--soft",), True), (("--hard",), False)])
def test_reset_modes(repo: Run, tmp_path: Path, mode: tuple[str, ...], kept: bool) -> None:
    """soft, the default, keeps what the branch leaves under a ref; hard names undo alone."""
    after = tip(repo)
    said = repo("reset", *mode, "HEAD~1").stdout
    refs = git(tmp_path / ".tract", "for-each-ref", "--format=%(refname)")
    assert (f"refs/tract/keep/{after}" in refs) is kept
    assert ("ORIG_HEAD" in said) is kept
    assert repo("undo").exit_code == 0
    assert tip(repo) == after


def test_reset_of_another_branch(forked: Run) -> None:
    """ORIG_HEAD is HEAD's own, so with --branch the way back names the commit."""
    after = tip(forked, "--branch", "side")
    said = forked("--branch", "side", "reset", "main").stdout
    back = f"tract --branch side reset {after[:12]}"
    assert said.endswith(f"  back: tract --branch side undo or {back}\n")
    assert forked(*back.split()[1:]).exit_code == 0
    assert tip(forked, "--branch", "side") == after


def test_reset_to_where_it_is(repo: Run) -> None:
    """Then nothing is written, and it says so."""
    said = repo("reset", "HEAD")
    assert said.stdout == f"main is there already: {tip(repo)[:10]} user: Hello there.\n"
    assert len(document(repo("operations", "--json"))) == 2


def test_reset_as_json(repo: Run) -> None:
    """With --json: branch, mode, from where, and the commit where it stands now."""
    after = tip(repo)
    said = document(repo("reset", "HEAD~1", "--json"))
    assert (said["branch"], said["mode"], said["changed"]) == ("main", "soft", True)
    assert said["from"] == after
    assert said["commit"]["commit_hash"] == tip(repo)


# Checkout


def test_checkout_of_a_branch(forked: Run) -> None:
    """HEAD goes to the branch, and what follows is written there."""
    said = forked("checkout", "side").stdout
    assert said == f"On branch side, at {tip(forked)[:10]} user: Aside.\n"
    forked("user", "More.")
    assert subjects(forked, "--branch", "side")[0] == "user: More."


def test_checkout_of_the_current_branch(repo: Run) -> None:
    """It says that nothing moved."""
    assert repo("checkout", "main").stdout.startswith("Already on branch main, at ")


def test_checkout_of_a_commit(repo: Run) -> None:
    """HEAD is detached; it says what that means and how to go back."""
    said = repo("checkout", "HEAD~1").stdout.splitlines()
    assert re.fullmatch(f"HEAD detached at {COMMIT} system: Be brief.", said[0])
    assert said[1:] == [
        "Look around; there is no branch here, so nothing can be written.",
        "  next: tract checkout main",
    ]
    refused = repo("user", "x")
    assert refused.exit_code == 2
    assert "tract checkout NAME" in refused.stderr


def test_checkout_of_where_head_stood(forked: Run) -> None:
    """`-` goes back and forth, in one process or many."""
    forked("checkout", "side")
    assert forked("checkout", "-").stdout.startswith("On branch main, at ")
    assert forked("checkout", "-").stdout.startswith("On branch side, at ")
    assert forked("checkout", "@{-1}").stdout.startswith("On branch main, at ")


def test_checkout_without_an_earlier_place(repo: Run) -> None:
    """Where HEAD never moved `-` ends with 3."""
    said = repo("checkout", "-")
    assert said.exit_code == 3
    assert "there is no earlier place to go back to" in said.stderr


def test_checkout_of_a_branch_without_commits(run: Run) -> None:
    """A branch that has none may be the current one."""
    run("init")
    assert run("checkout", "main").stdout == "Already on branch main, without commits\n"


def test_checkout_beside_branch_option(forked: Run) -> None:
    """With --branch it could not move anything: refused with 2 and the command that does."""
    said = forked("--branch", "side", "checkout", "main")
    assert said.exit_code == 2
    assert "hint: leave it out: tract checkout main" in said.stderr


def test_checkout_as_json(repo: Run) -> None:
    """With --json: the branch, none where HEAD is detached, and the commit."""
    said = document(repo("checkout", "HEAD~1", "--json"))
    assert (said["branch"], said["changed"]) == (None, True)
    assert said["commit"]["message"] == "system: Be brief."
    said = document(repo("checkout", "main", "--json"))
    assert (said["branch"], said["commit"]["commit_hash"]) == ("main", tip(repo))


def test_undo_of_a_checkout(forked: Run) -> None:
    """HEAD's moves are operations, too."""
    forked("checkout", "side")
    said = forked("undo").stdout
    assert re.fullmatch(f"undid checkout {OPERATION}: HEAD side → main\n", said)
    assert document(forked("status", "--json"))["branch_name"] == "main"


def test_checkout_in_a_work_tree(repo: Run, tmp_path: Path) -> None:
    """HEAD of a git work tree is git's: refused with 5."""
    there = tmp_path / ".tract"
    git(there, "clone", "-q", str(there), str(tmp_path / "tree"))
    said = repo("checkout", "HEAD~1", TRACT_DIR=str(tmp_path / "tree" / ".git"))
    assert said.exit_code == 5
    assert "git switch" in said.stderr


# What all of them take


@pytest.mark.parametrize("verb", ["checkout", "reset"])
@pytest.mark.parametrize(("target", "code"), [("nope", 3), ("", 2), (":1", 2), ("a\x1bb", 2)])
def test_targets_that_are_none(repo: Run, verb: str, target: str, code: int) -> None:
    """What names no commit is refused, shown harmlessly, and nothing moves."""
    said = repo(verb, target)
    assert said.exit_code == code
    assert "\x1b" not in said.output
    assert len(document(repo("operations", "--json"))) == 2


def test_place_is_no_commit(repo: Run) -> None:
    """A place names an entry, and the hint says how to find its commit."""
    assert "hint: tract show :1 shows the commit" in repo("reset", ":1").stderr


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("undoo",), "did you mean undo?"),
        (("undo", "--jsn"), "did you mean --json?"),
        (("reset",), "see tract reset --help"),
        (("undo", "main"), "see tract undo --help"),
    ],
)
def test_misuse(repo: Run, words: tuple[str, ...], hint: str) -> None:
    """A slip of the finger ends with 2 and a way on."""
    said = repo(*words)
    assert said.exit_code == 2
    assert hint in said.stderr


@pytest.mark.parametrize("verb", ["checkout", "reset", "undo", "redo", "operations"])
def test_completion(spawn: Spawn, verb: str) -> None:
    """The shell completes the commands."""
    ran = spawn(_TRACT_COMPLETE="bash_complete", COMP_WORDS=f"tract {verb[:3]}", COMP_CWORD="1")
    assert f"plain,{verb}" in ran.stdout.decode().splitlines()


def test_control_characters_in_what_is_said(repo: Run) -> None:
    """A commit's subject cannot steer the terminal."""
    repo("user", "x", "-m", "a\x9b31m\u202eb")
    repo("user", "y")
    said = repo("reset", "HEAD~1").stdout
    assert "\\u202eb" in said
    assert "\u202e" not in said
