"""test_3_settings.py - stock git shows settings and carries them; what it brings is inert."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.foreign import META, bring
from tests.git import clean_environment, fsck_clean, git
from tract.tract import Tract

CHAT = f"{META}:settings/chat.json"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A repository with one entry and two settings; closed."""
    with Tract.open(tmp_path / ".tract") as t:
        t.user("hi")
        t.config.set("chat", {"model": "gpt-4o", "temperature": 0.2, "effort": "low"})
        t.config.set("budget", 100_000)
    return tmp_path / ".tract"


def clone(path: Path, name: str, *options: str) -> Path:
    """A clone by stock git."""
    to = path.parent / name
    command = ["git", "clone", "--quiet", *options, str(path), str(to)]
    subprocess.run(command, env=clean_environment(), check=True)
    return to


def test_git_show(path: Path) -> None:
    """`git show` prints a document as JSON, a key a line, in the order of keys."""
    assert git(path, "show", CHAT).split("\n") == [
        "{",
        '  "extra": {',
        '    "effort": "low"',
        "  },",
        '  "model": "gpt-4o",',
        '  "seq": 1,',
        '  "setting": "chat",',
        '  "temperature": 0.2',
        "}",
    ]
    fsck_clean(path)


def test_git_log(path: Path) -> None:
    """`git log -p` of the meta ref shows what changed, and its reflog who changed it."""
    with Tract.open(path) as t:
        t.config.set("chat.model", "gpt-5")
    changed = git(path, "log", "-1", "-p", "-U0", "--format=%s", META).split("\n")
    assert changed[0] == "tract: config"
    assert [line for line in changed if line[:1] in "+-" and line[1:2] == " "] == [
        '-  "model": "gpt-4o",',
        '-  "seq": 1,',
        '+  "model": "gpt-5",',
        '+  "seq": 2,',
    ]
    assert git(path, "reflog", "--format=%gs", META).count("tract: config #") == 3


def test_mirror_clone_is_inert(path: Path) -> None:
    """In a mirror clone every setting is there, shown and inert; the origin's are in force."""
    mirror = clone(path, "mirror.git", "--mirror")
    with Tract.open(mirror) as t:
        assert t.config.items() == []
        assert [each.name for each in t.config.waiting()] == ["budget", "chat"]
        assert len(t.status().warnings) == 2
        assert t.status().token_budget_max is None
        t.config.accept(all=True)
        assert t.config["budget"] == 100_000
    with Tract.open(path) as t:
        assert t.config["chat.model"] == "gpt-4o"
    fsck_clean(mirror)


def test_plain_clone_has_none(path: Path) -> None:
    """A plain clone takes no meta ref along, so it has no settings."""
    with Tract.open(clone(path, "plain.git", "--bare"), create=False) as t:
        assert t.config.items() == []
        assert t.config.waiting() == []
        t.config.set("budget", 5)
        assert t.config["budget"] == 5


def test_fetch_replaces_a_setting(path: Path) -> None:
    """A setting that a forced fetch replaced is inert, and ours is in force where it comes back."""
    mirror = clone(path, "mirror.git", "--mirror")
    bring(mirror, {"settings/chat.json": {"setting": "chat", "model": "theirs"}})
    ours = git(path, "rev-parse", META)
    git(path, "fetch", "--quiet", str(mirror), f"+{META}:{META}")
    with Tract.open(path) as t:
        assert t.config.items() == [("budget.tokens", 100_000)]
        git(path, "update-ref", META, ours)
        assert t.config["chat.model"] == "gpt-4o"


def test_made_by_hand(path: Path) -> None:
    """A document written with stock git, keys in any order, serves once it is accepted."""
    bring(path, {"settings/merge.json": b'{"model":"m","setting":"merge"}'})
    with Tract.open(path) as t:
        t.config.accept("merge")
        t.config.set("merge.seed", 5)
    said = json.loads(git(path, "show", f"{META}:settings/merge.json"))
    assert said == {"model": "m", "seed": 5, "seq": 1, "setting": "merge"}


def test_gc_and_pack_refs(path: Path) -> None:
    """Stock git's upkeep changes no setting."""
    git(path, "pack-refs", "--all")
    git(path, "gc", "--quiet", "--prune=now")
    with Tract.open(path) as t:
        assert t.config["chat.model"] == "gpt-4o"
        assert t.config.set("chat.model", "gpt-5")
        assert t.config["chat.model"] == "gpt-5"
    fsck_clean(path)
