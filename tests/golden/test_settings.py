"""test_settings.py - the commits of the meta ref and the list of accepted, byte by byte by hand."""

from __future__ import annotations

from pathlib import Path

from tests.git import git
from tests.golden.hand import blob, commit, folder, page
from tract.tract import Tract

WHO = "tract <tract@localhost>"
CHAT = b"""{
  "extra": {
    "a": [
      1,
      {
        "b": null,
        "c": "\xc3\xa9"
      }
    ],
    "effort": "low"
  },
  "model": "gpt-4o",
  "seq": 1,
  "setting": "chat",
  "stop_sequences": [
    "END"
  ],
  "temperature": 0.0
}
"""
BUDGET = b'{\n  "seq": 1,\n  "setting": "budget",\n  "tokens": 100000\n}\n'
AGAIN = b"""{
  "action": "reject",
  "seq": 2,
  "setting": "budget",
  "tokens": 100000
}
"""
ENCODING = b'{\n  "encoding": "gpt-4o",\n  "seq": 1,\n  "setting": "encoding"\n}\n'


def meta(*files: tuple[str, bytes], parents: tuple[str, ...] = ()) -> str:
    """A commit of the meta ref with these documents."""
    inside = page(*((f"{name}.json", blob(data)) for name, data in files))
    return commit(folder(("settings", inside)), "tract: config\n", *parents, author=WHO)


def test_documents(known: Tract) -> None:
    """Each change is a commit, its message says config, and a document stands in sorted keys."""
    chat = {"effort": "low", "a": [1, {"c": "é", "b": None}]}
    known.config.set(
        "chat", {"temperature": 0, "model": "gpt-4o", "stop_sequences": ["END"]} | chat
    )
    known.config.set("budget", 100_000)
    known.config.set("budget.action", "reject")
    known.config.set("encoding", "gpt-4o")
    first = meta(("chat", CHAT))
    second = meta(("budget", BUDGET), ("chat", CHAT), parents=(first,))
    third = meta(("budget", AGAIN), ("chat", CHAT), parents=(second,))
    files = (("budget", AGAIN), ("chat", CHAT), ("encoding", ENCODING))
    fourth = meta(*files, parents=(third,))
    assert git(known.path, "rev-list", "--reverse", "refs/tract/meta").split("\n") == [
        first,
        second,
        third,
        fourth,
    ]
    accepted = Path(known.path, "tract/accepted").read_text()
    assert accepted == "".join(f"{blob(each)}\n" for each in (CHAT, BUDGET, AGAIN, ENCODING))
