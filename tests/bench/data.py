"""data.py - the conversations that are measured, and repositories that hold them.

The generated ones are the same everywhere: messages of 400 characters, made of common words by a
seeded generator. The recorded ones are cut from the corpus, where TRACT_CORPUS names it.
"""

import json
import os
import random
import shutil
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from tests.bench.timing import clocked
from tract import Tract

CHARACTERS = 400
CORPUS_FILE = "airline-conversations.jsonl"
_WORDS = """
the of and to in is that it was for on are with as they be at one have this from by hot word but
what some we can out other were all there when up use your how said each she which their time if
will way about many then them write would like so these her long make thing see him two has look
more day could go come did number sound no most people my over know water than call first who may
down side been now find any new work part take get place made live where after back little only
round man year came show every good me give our under name very through just form sentence great
think say help low line differ turn cause much mean before move right boy old too same tell does
set three want air well also play small end put home read hand port large spell add even land here
must big high such follow act why ask men change went light kind off need house picture try again
animal point mother world near build self earth father head stand own page should country found
answer school grow study still learn plant cover food sun four between state keep eye never last
let thought city tree cross farm hard start might story saw far sea draw left late run while press
close night real life few north open seem together next white children begin got walk example ease
paper group always music those both mark often letter until mile river car feet care second book
carry took science eat room friend began idea fish mountain stop once base hear horse cut sure
watch color face wood main enough plain girl usual young ready above ever red list though feel
talk bird soon body dog family direct pose leave song measure door product black short class wind
question happen complete ship area half rock order fire south problem piece told knew pass since
""".split()
_SENTENCE_WORDS = (6, 14)


def texts(seed: int = 1) -> Iterator[str]:
    """Texts of 400 characters without end, the same for the same seed."""
    chance = random.Random(seed)
    while True:
        text = _sentence(chance)
        while len(text) < CHARACTERS:
            text += " " + _sentence(chance)
        yield text[: CHARACTERS - 1] + "."


def _sentence(chance: random.Random) -> str:
    words = chance.choices(_WORDS, k=chance.randint(*_SENTENCE_WORDS))
    return " ".join(words).capitalize() + "."


def messages(count: int) -> list[dict[str, Any]]:
    """A conversation of that many messages: user and assistant in turn, in OpenAI's shape."""
    roles = cycle(("user", "assistant"))
    return [{"role": next(roles), "content": text} for text in islice(texts(), count)]


def conversations() -> list[dict[str, Any]]:
    """The recorded conversations, with their messages and what is told of them; none without."""
    path = Path(os.environ.get("TRACT_CORPUS") or os.devnull, CORPUS_FILE)
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def corpus_messages(count: int) -> list[dict[str, Any]] | None:
    """As many messages of recorded conversations, tool calls with their results; None without.

    One conversation follows the other, over again where they do not suffice; the last one is not
    cut in the middle, so there may be a few more. System prompts are left out after the first.
    """
    found: list[dict[str, Any]] = []
    for each in cycle(conversations()):
        said = each["messages"]
        found += [message for message in said if message["role"] != "system" or not found]
        if len(found) >= count:
            return found
    return None


class Repositories:
    """Repositories in one folder, each built once and handed out as it is, or as a copy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.first_read_s: dict[int, float] = {}
        self._made = 0

    def generated(self, count: int) -> Path:
        """One that holds `messages(count)`, every message a commit, in packs.

        A handle has read it, so the index knows what it can.
        """
        path = self.folder / f"generated-{count}" / ".tract"
        if not path.exists():
            build(path, messages(count))
            self.first_read_s[count], _ = clocked(_read, path)
        return path

    def recorded(self, count: int) -> Path | None:
        """One that holds `corpus_messages(count)`; None without the corpus."""
        path = self.folder / f"recorded-{count}" / ".tract"
        if not path.exists():
            said = corpus_messages(count)
            if said is None:
                return None
            build(path, said)
        return path

    def new(self) -> Path:
        """Where another one can be made.

        It stays until the end: a disk that is told of freed blocks is slow for some time after.
        """
        self._made += 1
        folder = self.folder / f"new-{self._made}"
        folder.mkdir()
        return folder / ".tract"

    def copy(self, path: Path) -> Path:
        """A copy to write to."""
        made = self.new()
        shutil.copytree(path, made, symlinks=True)
        return made


def _read(path: Path) -> None:
    with Tract.open(path) as t:
        assert t.compile().token_count
        t.status()
        t.log(100)


def build(path: Path, said: list[dict[str, Any]]) -> None:
    """Make a repository of a conversation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Tract.open(path) as t:
        t.import_messages(said, format="openai")
