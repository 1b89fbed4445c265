"""test_settings.py - t.config: kept, read afresh, and a stranger's settings are inert."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.child import start
from tests.faults.test_together import ended
from tests.foreign import HOSTILE, META, bring
from tests.git import fsck_clean, git
from tests.porcelain.saying import unchanged
from tract.content.generation import LLMConfig
from tract.errors import (
    BadContent,
    Closed,
    CorruptRepo,
    Refused,
    SettingNotFound,
    SettingRefused,
    UsageError,
)
from tract.tract import Tract

CHAT = "settings/chat.json"
THEIRS = {"setting": "chat", "model": "theirs"}


@pytest.fixture
def theirs(t: Tract) -> Tract:
    """A handle whose repository has a chat model that somebody else set."""
    t.user("hi")
    bring(t.path, {CHAT: THEIRS})
    return t


def lines(t: Tract) -> int:
    """How many commits the meta ref has."""
    return git(t.path, "rev-list", META).count("\n") + 1


# Setting and reading


def test_nothing_is_set_at_first(t: Tract) -> None:
    """A new repository has no settings, and reading makes no ref."""
    assert t.config.items() == []
    assert t.config.get("chat.model") is None
    assert t.config.get("budget", 5) == 5
    assert t.config.llm("chat") is None
    assert t.config.waiting() == []
    assert git(t.path, "for-each-ref") == ""


def test_set_and_read(t: Tract) -> None:
    """What is set is read by key, by thing, and in the list of all."""
    assert t.config.set("chat.model", "gpt-4o")
    assert t.config.set("chat.effort", "low")
    assert t.config.set("budget", 5000)
    assert t.config["chat.model"] == "gpt-4o"
    assert t.config["chat"] == {"model": "gpt-4o", "effort": "low"}
    assert t.config.get("budget") == t.config.get("budget.tokens") == 5000
    assert t.config.items() == [
        ("budget.tokens", 5000),
        ("chat.effort", "low"),
        ("chat.model", "gpt-4o"),
    ]
    assert list(t.config) == ["budget.tokens", "chat.effort", "chat.model"]


def test_llm_settings_of_an_operation(t: Tract) -> None:
    """The settings of an operation are an LLMConfig; those of default are not mixed in."""
    t.config.set("default.model", "a")
    t.config.set("merge", LLMConfig(temperature=0, extra={"x": [1]}))
    assert t.config.llm("merge") == LLMConfig(temperature=0, extra={"x": [1]})
    assert t.config.llm("default") == LLMConfig(model="a")
    with pytest.raises(UsageError, match="no operation"):
        t.config.llm("budget")


def test_what_is_given_out_is_nobodys(t: Tract) -> None:
    """Changing what was read changes nothing."""
    t.config.set("chat.x", {"a": [1]})
    t.config["chat.x"]["a"].append(2)
    assert t.config["chat.x"] == {"a": [1]}


def test_contains(t: Tract) -> None:
    """`in` says whether a key or a thing is set; what is no key is not in it."""
    t.config.set("chat.model", "m")
    assert "chat.model" in t.config
    assert "chat" in t.config
    for key in ("chat.seed", "merge", "budget", "nope", "", 5, None):
        assert key not in t.config


def test_keys_that_are_none(t: Tract) -> None:
    """A key that there is not is a UsageError; one that is not set is a SettingNotFound."""
    with pytest.raises(UsageError, match="no setting"):
        t.config.get("nope")
    with pytest.raises(SettingNotFound, match="not set") as caught:
        _ = t.config["chat.model"]
    assert "tract config set chat.model" in str(caught.value.hint)


def test_handles_see_each_other(t: Tract) -> None:
    """What one handle sets the other reads at once."""
    with Tract.open(t.path) as other:
        t.config.set("chat.model", "a")
        assert other.config["chat.model"] == "a"
        other.config.set("chat.seed", 1)
        assert t.config["chat"] == {"model": "a", "seed": 1}


def test_each_change_is_a_commit(t: Tract) -> None:
    """A change is one commit of the meta ref, and no branch moves."""
    t.user("hi")
    tip = git(t.path, "rev-parse", "main")
    t.config.set("chat.model", "a")
    t.config.set("chat.model", "b")
    t.config.unset("chat")
    assert lines(t) == 3
    assert git(t.path, "rev-parse", "main") == tip
    fsck_clean(t.path)


def test_the_same_again_writes_nothing(t: Tract) -> None:
    """Setting what is set so, and unsetting what is not set, writes nothing and says False."""
    t.config.set("chat", {"model": "m", "temperature": 0})
    t.config.set("budget", 5)
    with unchanged(t):
        assert not t.config.set("chat.temperature", 0.0)
        assert not t.config.set("chat", {"temperature": 0, "model": "m"})
        assert not t.config.set("budget.tokens", 5)
        assert not t.config.unset("chat.seed")
        assert not t.config.unset("merge")
        assert not t.config.unset("merge.model")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("chat.api_key", "sk"),
        ("chat", {"extra": {"base_url": "x"}}),
        ("chat.x", {"a": [{"headers": {}}]}),
        ("chat.temperature", float("nan")),
        ("chat.x", "\ud800"),
        ("budget", True),
        ("budget.action", "warn"),
        ("encoding", "klingon"),
        ("chat.x", "x" * (1 << 20)),
        ("nope", 1),
        ("chat.model", None),
    ],
)
def test_what_is_refused_writes_nothing(t: Tract, key: str, value: Any) -> None:
    """A bad key or value is refused before anything is written, the list of accepted too."""
    t.config.set("chat.model", "m")
    accepted = Path(t.path, "tract/accepted")
    before = accepted.read_bytes()
    with unchanged(t), pytest.raises(UsageError):
        t.config.set(key, value)
    assert accepted.read_bytes() == before


def test_unset(t: Tract) -> None:
    """A field goes alone, its document with the last one; a thing goes whole."""
    t.config.set("chat", {"model": "m", "seed": 1})
    t.config.set("budget", {"tokens": 5, "action": "reject"})
    assert t.config.unset("chat.seed")
    assert t.config.unset("budget.action")
    assert t.config.items() == [("budget.tokens", 5), ("chat.model", "m")]
    assert t.config.unset("chat.model")
    assert t.config.unset("budget.tokens")
    assert t.config.items() == []
    assert git(t.path, "ls-tree", "-r", META) == ""


def test_not_in_a_batch(t: Tract) -> None:
    """Settings are no part of a batch; inside one they are read, and not written."""
    t.config.set("chat.model", "m")
    with t.batch() as b:
        b.user("hi")
        assert b.config["chat.model"] == "m"
        for handle in (b, t):
            with pytest.raises(UsageError, match="batch"):
                handle.config.set("chat.model", "n")
            with pytest.raises(UsageError, match="batch"):
                handle.config.accept(all=True)
    assert t.config["chat.model"] == "m"


def test_after_close(t: Tract) -> None:
    """After close every call says so."""
    config = t.config
    t.close()
    for call in (config.items, config.waiting, config.warnings, lambda: config.get("budget"),
                 lambda: "budget" in config, lambda: config.set("budget", 1),
                 lambda: config.unset("budget"), lambda: config.accept(all=True)):  # fmt: skip
        with pytest.raises(Closed):
            call()


def test_on_a_detached_head(t: Tract) -> None:
    """Settings need no branch."""
    t.user("hi")
    git(t.path, "update-ref", "--no-deref", "HEAD", git(t.path, "rev-parse", "main"))
    with Tract.open(t.path) as detached:
        assert detached.config.set("budget", 5)


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    """Two processes that set different keys at once, of one thing and of two, lose nothing."""
    path = tmp_path / ".tract"
    Tract.open(path).close()

    def work(name: str) -> None:
        with Tract.open(path) as t:
            for n in range(20):
                t.config.set(f"chat.{name}{n}", n)
                t.config.set(f"{name}.seed", n)

    assert ended([start(lambda: work("merge")), start(lambda: work("compress"))]) == [0, 0]
    with Tract.open(path) as t:
        assert len(t.config["chat"]) == 40
        assert (t.config["merge.seed"], t.config["compress.seed"]) == (19, 19)
        assert t.config.waiting() == []
        assert lines(t) == 80
    fsck_clean(path)


# The budget and the encoding


def test_budget_in_status(t: Tract) -> None:
    """Status shows the tokens of the budget, None where none is in force."""
    assert t.status().token_budget_max is None
    t.config.set("budget", 5000)
    assert t.status().token_budget_max == 5000
    bring(t.path, {"settings/budget.json": {"setting": "budget", "tokens": 9}})
    assert t.status().token_budget_max is None


@pytest.mark.parametrize("name", ["cl100k_base", "gpt-4"])
def test_encoding_at_open(t: Tract, name: str) -> None:
    """A handle that is opened without a tokenizer counts with the encoding that is set."""
    t.config.set("encoding", name)
    assert t.counter.name == "o200k_base"
    with Tract.open(t.path) as opened:
        assert opened.counter.name == "cl100k_base"
        assert opened.status().warnings == ()
    with Tract.open(t.path, tokenizer="o200k_base") as opened:
        assert opened.counter.name == "o200k_base"


def test_encoding_that_is_not_accepted(t: Tract) -> None:
    """An encoding that somebody else set is not used."""
    bring(t.path, {"settings/encoding.json": {"setting": "encoding", "encoding": "cl100k_base"}})
    with Tract.open(t.path) as opened:
        assert opened.counter.name == "o200k_base"
        opened.config.accept("encoding")
    with Tract.open(t.path) as opened:
        assert opened.counter.name == "cl100k_base"


def test_encoding_that_cannot_be_had(t: Tract) -> None:
    """An accepted encoding that is not known here counts as the default, and status says so."""
    unknown = {"setting": "encoding", "encoding": "o300k\x1b_base"}
    bring(t.path, {"settings/encoding.json": unknown})
    t.config.accept("encoding")
    with Tract.open(t.path) as opened:
        assert opened.counter.name == "o200k_base"
        assert opened.status().warnings == (
            "the encoding o300k\\x1b_base cannot be had here; o200k_base counts instead",
        )


# What others wrote


def test_theirs_is_inert_and_shown(theirs: Tract) -> None:
    """What somebody else set is not in force; it is shown, and status says what to do."""
    assert theirs.config.items() == []
    assert theirs.config.llm("chat") is None
    found = theirs.config.waiting()
    assert [(each.name, each.path, each.values) for each in found] == [
        ("chat", CHAT, {"chat.model": "theirs"})
    ]
    [warning] = theirs.status().warnings
    assert warning == (
        "settings/chat.json is not in force: it was not written or accepted here; to use it: "
        "tract config accept chat; to be rid of it: tract config unset chat"
    )
    with pytest.raises(SettingNotFound, match="not written or accepted here"):
        _ = theirs.config["chat.model"]


def test_accepted_it_is_in_force(theirs: Tract) -> None:
    """What was accepted is in force for every handle here, and no commit is made of that."""
    with unchanged(theirs):
        assert [each.name for each in theirs.config.accept("chat")] == ["chat"]
        assert theirs.config.accept("chat") == []
    with Tract.open(theirs.path) as other:
        assert other.config["chat.model"] == "theirs"
        assert other.status().warnings == ()


def test_accept_needs_to_be_told_what(theirs: Tract) -> None:
    """Neither a name nor all=True, or both, is an error; so is a name of nothing."""
    with pytest.raises(UsageError):
        theirs.config.accept()
    with pytest.raises(UsageError):
        theirs.config.accept("chat", all=True)
    with pytest.raises(SettingNotFound):
        theirs.config.accept("chat", "merge")
    assert theirs.config.items() == []


def test_ours_is_not_mixed_with_theirs(theirs: Tract) -> None:
    """Beside a document that is not accepted nothing is set, nor a field of it unset."""
    with unchanged(theirs):
        changes: list[Callable[[], object]] = [
            lambda: theirs.config.set("chat.seed", 1),
            lambda: theirs.config.set("chat", {"model": "ours"}),
            lambda: theirs.config.unset("chat.model"),
        ]
        for change in changes:
            with pytest.raises(SettingRefused) as caught:
                change()
            assert "tract config accept chat" in str(caught.value.hint)
    theirs.config.set("merge.seed", 1)
    assert theirs.config.unset("chat")
    assert theirs.config.set("chat.seed", 1)
    assert theirs.config.items() == [("chat.seed", 1), ("merge.seed", 1)]


def test_ours_replaced_by_theirs(t: Tract) -> None:
    """A setting of ours that a fetch replaced is not in force."""
    t.config.set("chat.model", "ours")
    bring(t.path, {CHAT: THEIRS})
    assert t.config.items() == []


def test_accepted_under_another_name(t: Tract) -> None:
    """A blob that was accepted for one thing does not serve at the place of another."""
    t.config.set("chat.model", "m")
    blob = git(t.path, "cat-file", "blob", f"{META}:{CHAT}").encode() + b"\n"
    bring(t.path, {"settings/merge.json": blob, CHAT: None})
    assert t.config.items() == []
    assert [each.reason for each in t.config.waiting()] == [
        "it says that it is 'chat', and stands where merge belongs"
    ]
    with pytest.raises(SettingRefused):
        t.config.accept("merge")


def test_changed_since_it_was_shown(theirs: Tract) -> None:
    """What `waiting` gave is accepted as it was shown, and no later version of it."""
    [shown] = theirs.config.waiting()
    bring(theirs.path, {CHAT: THEIRS | {"seed": 1}})
    with pytest.raises(SettingRefused, match="has changed since"):
        theirs.config.accept(shown)
    assert theirs.config.accept(*theirs.config.waiting())
    assert theirs.config["chat"] == {"model": "theirs", "seed": 1}


@pytest.mark.parametrize("is_removed", [True, False])
def test_list_of_accepted_lost(t: Tract, is_removed: bool) -> None:
    """Where the list of what was accepted is lost, nothing is in force until it is accepted."""
    t.config.set("chat.model", "m")
    path = Path(t.path, "tract/accepted")
    path.unlink() if is_removed else path.write_bytes(b"")
    assert t.config.items() == []
    assert len(t.status().warnings) == 1
    t.config.accept("chat")
    assert t.config["chat.model"] == "m"


def test_hostile_documents(t: Tract) -> None:
    """Of addresses, keys, headers, policies and nonsense nothing is used, and each is named."""
    t.user("hi")
    bring(t.path, HOSTILE)
    assert t.config.items() == []
    reasons = {each.path: each.reason for each in t.config.waiting()}
    assert reasons == {
        "policies/pin.json": "endpoint says where to send or who pays",
        "settings/budget.json": "True is no number of tokens",
        "settings/chat.json": "extra.base_url says where to send or who pays",
        "settings/compress.json": "extra.extra_headers says where to send or who pays",
        "settings/default.json": "it says that it is 'chat', and stands where default belongs",
        "settings/merge.json": "extra.a.apiKey says where to send or who pays",
        "settings/message.json": "model says where to send or who pays",
        "settings/orchestrate.json": "it cannot be read: it is nested more than 100 deep",
        "settings/other.json": "this version knows no such thing",
    }
    warnings = t.status().warnings
    assert [line.split(" ")[0] for line in warnings] == sorted(reasons)
    with Tract.open(t.path) as opened:
        assert opened.compile().to_openai() == [{"role": "user", "content": "hi"}]
        opened.user("goes on")


def test_hostile_documents_are_never_accepted(t: Tract) -> None:
    """None of them is accepted, by name or with all=True, nor used where its id is on the list."""
    bring(t.path, HOSTILE)
    waiting = t.config.waiting()
    for each in waiting:
        with pytest.raises(Refused) as caught:
            t.config.accept(each.name)
        assert caught.value.names == [each.name]
        assert each.reason in caught.value.message
    assert t.config.accept(all=True) == []
    Path(t.path, "tract").mkdir(exist_ok=True)
    listed = "".join(f"{each.blob}\n" for each in waiting)
    Path(t.path, "tract/accepted").write_text(listed)
    assert t.config.items() == []
    assert len(t.config.waiting()) == len(HOSTILE)


def test_keys_of_others_are_not_shown(t: Tract) -> None:
    """What is shown of a document leaves out what says where to send or who pays."""
    bring(t.path, HOSTILE)
    assert "sk" not in str([each.values for each in t.config.waiting()])


def test_hostile_documents_are_unset(t: Tract) -> None:
    """Each of them can be removed by the name it is shown with."""
    bring(t.path, HOSTILE)
    for each in t.config.waiting():
        assert t.config.unset(each.name)
    assert t.config.waiting() == []
    fsck_clean(t.path)


def test_one_refused_none_accepted(theirs: Tract) -> None:
    """Where one of several names is refused, none is accepted."""
    bring(theirs.path, {"settings/merge.json": HOSTILE["settings/merge.json"]})
    with pytest.raises(SettingRefused, match="apiKey"):
        theirs.config.accept("chat", "merge")
    assert theirs.config.items() == []


def test_names_that_pass_for_others(t: Tract) -> None:
    """A file in the root that is called as a setting is not taken for it."""
    bring(t.path, {CHAT: THEIRS, "chat": {"setting": "chat", "model": "root"}})
    assert [each.name for each in t.config.waiting()] == ["./chat", "chat"]
    t.config.accept("chat")
    assert t.config["chat.model"] == "theirs"
    assert t.config.unset("./chat")
    assert t.config.waiting() == []


def test_names_that_steer_a_terminal(t: Tract) -> None:
    """Names and keys of others are one harmless line in warnings, and cut."""
    evil = {"setting": "chat", "extra": {"api_key\n\x1b": 1, "api-key" * 50: 1}}
    bring(t.path, {'"policies/a\\nwarning: b\\033[2J.json"': b"{}", CHAT: evil})
    warnings = t.status().warnings
    assert all(line.isprintable() and len(line) < 400 for line in warnings)
    [policy, _] = t.config.waiting()
    assert t.config.unset(policy.name)


def test_many_documents(t: Tract) -> None:
    """Status names ten of many, and says how many more there are."""
    bring(t.path, {f"policies/{n:03}.json": b"{}" for n in range(300)})
    warnings = t.status().warnings
    assert len(warnings) == 11
    assert warnings[10].startswith("290 more documents are not in force")


def test_meta_that_is_no_meta(t: Tract) -> None:
    """A meta ref that points at a branch's commit, or at no commit, breaks nothing."""
    t.user("hi")
    git(t.path, "update-ref", META, git(t.path, "rev-parse", "main"))
    assert t.config.items() == []
    assert len(t.status().warnings) == 2
    git(t.path, "update-ref", META, git(t.path, "rev-parse", "main:.gitattributes"))
    with Tract.open(t.path) as opened, pytest.raises(CorruptRepo):
        opened.config.items()


# Damage, and where nothing may be written


@pytest.mark.parametrize("which", [META, f"{META}^{{tree}}", f"{META}:{CHAT}"])
def test_damaged_settings(t: Tract, which: str) -> None:
    """Where settings are damaged, reading them says so, status names the file, the rest works."""
    t.user("hi")
    t.config.set("chat.model", "m")
    t.config.set("encoding", "cl100k_base")
    name = git(t.path, "rev-parse", which)
    Path(t.path, "objects", name[:2], name[2:]).unlink()
    with Tract.open(t.path) as opened:
        opened.user("goes on")
        assert len(opened.compile().messages) == 2
        for read in (opened.config.items, opened.config.waiting, lambda: opened.config["chat"]):
            with pytest.raises(CorruptRepo, match=META):
                read()
        [warning] = opened.status().warnings
        assert warning.startswith(f"settings cannot be read: {META}")
        assert name[:12] in warning


def test_damaged_document_is_unset(t: Tract) -> None:
    """A thing whose document is damaged can be unset, and set again."""
    t.config.set("chat.model", "m")
    name = git(t.path, "rev-parse", f"{META}:{CHAT}")
    Path(t.path, "objects", name[:2], name[2:]).unlink()
    with Tract.open(t.path) as opened:
        with pytest.raises(CorruptRepo):
            opened.config.set("chat.model", "n")
        assert opened.config.unset("chat")
        assert opened.config.set("chat.model", "n")
    with Tract.open(t.path) as opened:
        assert opened.config["chat.model"] == "n"


def test_no_setting_is_read_without_the_ref(t: Tract) -> None:
    """Without a meta ref not even the list of accepted is looked for."""
    Path(t.path, "tract").mkdir(exist_ok=True)
    Path(t.path, "tract/accepted").mkdir()
    with Tract.open(t.path) as opened:
        assert opened.status().warnings == ()


def test_copy_of_the_folder(t: Tract, tmp_path: Path) -> None:
    """A copy of the folder, list of accepted and all, is the same repository: in force there."""
    t.config.set("chat.model", "m")
    copy = shutil.copytree(t.path, tmp_path / "copy.git")
    with Tract.open(copy) as other:
        assert other.config["chat.model"] == "m"


def test_bad_content_says_what_to_do(t: Tract) -> None:
    """Every refusal of a value has a hint."""
    for key, value in (("budget", 0), ("encoding", "x"), ("chat.model", 4), ("chat", "m")):
        with pytest.raises(BadContent) as caught:
            t.config.set(key, value)
        assert caught.value.hint
