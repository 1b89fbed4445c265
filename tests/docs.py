"""docs.py - what `test_docs.py` asks of documents: their code, commands, links and examples.

Documents and examples run as a reader would run them: in an empty folder, in another process,
without a network. Only the loopback may be reached; a guard in the child raises on anything else.
"""

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.git import fsck_complaints

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT_S = 120
NOT_RUN = "<!-- not run -->"
PROGRAMS = {"tract", "git", "make", "pip"}
WIRE = {"clone", "fetch", "pull", "push"}  # git commands that would ask a network

GUARD = """
import ipaddress, sys

def local(host):
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("localhost", "", None)

def guard(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    if not local(host.decode() if isinstance(host, bytes) else host):
        raise OSError(f"an example reached for the network: {host}")

sys.addaudithook(guard)
"""


class Block(NamedTuple):
    """A fenced block of a document."""

    language: str
    text: str
    line: int
    exempt: bool

    @property
    def commands(self) -> list[str]:
        """The command lines of a console block, without `$ `, lines joined at backslashes."""
        joined = self.text.replace("\\\n> ", "").replace("\\\n", "")
        return [line[2:].strip() for line in joined.splitlines() if line.startswith("$ ")]


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks of a Markdown text; `line` is that of their first line of content."""
    found = []
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        opened = re.match(r"(`{3,}|~{3,})\s*([\w-]*)", lines[number])
        if not opened:
            number += 1
            continue
        before = next((line.strip() for line in reversed(lines[:number]) if line.strip()), "")
        start = number + 1
        number = start
        while number < len(lines) and not lines[number].startswith(opened[1]):
            number += 1
        body = "".join(line + "\n" for line in lines[start:number])
        found.append(Block(opened[2], body, start + 1, before == NOT_RUN))
        number += 1
    return found


def script_of(blocks: list[Block]) -> str:
    """The Python blocks that run, as one program whose line numbers are the document's."""
    program = ""
    for block in blocks:
        if block.language == "python" and not block.exempt:
            program += "\n" * (block.line - 1 - program.count("\n")) + block.text
    return program


def outside(folder: Path) -> dict[str, str]:
    """The environment of a reader in `folder`: `tract` on the path, no keys and no network."""
    guard = folder.parent / f"{folder.name}-path"
    guard.mkdir(exist_ok=True)
    (guard / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    command = guard / "tract"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tract "$@"\n')
    command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    kept["PYTHONPATH"] = os.pathsep.join([str(guard), str(ROOT)])
    kept["PATH"] = os.pathsep.join([str(guard), kept.get("PATH", os.defpath)])
    return kept | {"NO_COLOR": "1", "COLUMNS": "100", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def run(command: list[str], folder: Path) -> str:
    """Run a command in `folder`; what it said if it failed, else nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    ran = subprocess.run(
        command,
        cwd=folder,
        env=outside(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT_S,
        check=False,
    )
    if not ran.returncode:
        return ""
    return f"exit {ran.returncode}\n{ran.stdout}{ran.stderr}"


def run_python(document: Path, folder: Path) -> str:
    """Run the Python blocks of a document, in order, as one program."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder.parent / f"{folder.name}-{document.name}.py"
    program.write_text(script_of(blocks_of(document.read_text("utf-8"))), encoding="utf-8")
    return run([sys.executable, str(program)], folder)


def is_run(command: str) -> bool:
    """Whether a console line runs in a test: tract always, git unless it asks a network."""
    words = shlex.split(command, comments=True)
    if words[:1] == ["git"]:
        return not WIRE & set(words)
    return words[:1] == ["tract"]


def foreign_programs(document: Path) -> list[str]:
    """Console lines that start a program which a reader may not have."""
    return [
        f"{document.name}: {command}"
        for block in blocks_of(document.read_text("utf-8"))
        if block.language == "console"
        for command in block.commands
        if command.split()[:1] and command.split()[0] not in PROGRAMS
    ]


def run_console(document: Path, folder: Path) -> list[str]:
    """Run the console lines of a document in `folder`; those that did not exit with 0."""
    failed = []
    for block in blocks_of(document.read_text("utf-8")):
        if block.language != "console" or block.exempt:
            continue
        for command in filter(is_run, block.commands):
            said = run(["sh", "-c", command], folder)
            if said:
                failed.append(f"{document.name}: $ {command}: {said}")
    return failed


def unknown_targets(document: Path, makefile: Path) -> list[str]:
    """Targets of `make` that a document tells its reader to run and the Makefile does not have."""
    known = set(re.findall(r"^([a-z-]+):", makefile.read_text("utf-8"), re.MULTILINE))
    text = document.read_text("utf-8")
    told = re.findall(r"(?:`|^\$ )make ([a-z-]+)", text, re.MULTILINE)
    return [f"{document.name}: make {name}" for name in told if name not in known]


def statements_in(source: str) -> int:
    """The number of statements of a program, those inside others counted."""
    return sum(isinstance(node, ast.stmt) for node in ast.walk(ast.parse(source)))


def compare_statements(kept: dict[str, int], counted: dict[str, int]) -> tuple[list[str], str]:
    """What is wrong with examples/statements.json, and what could be said about it."""
    wrong = [f"{name} is gone: remove it" for name in sorted(kept.keys() - counted.keys())]
    shrunk = []
    for name, number in counted.items():
        if name not in kept:
            wrong.append(f'{name} is new: add "{name}": {number}')
        elif number > kept[name]:
            wrong.append(f"{name} grew from {kept[name]} to {number} statements: make it simpler")
        elif number < kept[name]:
            shrunk.append(f'"{name}": {number}')
    return wrong, f"examples shrank, update statements.json: {', '.join(shrunk)}" if shrunk else ""


def broken_repositories(folder: Path) -> list[str]:
    """What stock git finds wrong in the repositories that were left in `folder`."""
    found = sorted(folder.rglob(".tract"))
    return [f"{path}: {line}" for path in found for line in fsck_complaints(path)]


def documents(root: Path) -> Iterator[Path]:
    """Every Markdown file of the checkout that is not in a hidden or built folder."""
    for path in sorted(root.rglob("*.md")):
        parts = path.relative_to(root).parts
        if not any(part.startswith(".") or part in {"build", "dist"} for part in parts):
            yield path


def prose_of(text: str) -> str:
    """A Markdown text without its code, fenced or inline; the lines stay where they are."""
    without = re.sub(r"^(`{3,}|~{3,}).*?^\1`*$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", without)


def anchors_of(text: str) -> set[str]:
    """The anchors that a forge makes of the headings of a Markdown text."""
    bare = re.sub(r"^(`{3,}|~{3,}).*?^\1`*$", "", text, flags=re.MULTILINE | re.DOTALL)
    anchors: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?)[ #]*$", bare, re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 1
        unique = anchor
        while unique in anchors:
            unique, number = f"{anchor}-{number}", number + 1
        anchors.add(unique)
    return anchors


def broken_links(document: Path, root: Path) -> list[str]:
    """Links of a document to files or headings of the checkout that are not there."""
    prose = prose_of(document.read_text("utf-8"))
    links = re.findall(r"\]\(\s*<?([^)\s>]+)", prose)
    links += re.findall(r"^\[[^\]]+\]:\s+<?([^\s>]+)", prose, re.MULTILINE)
    broken = []
    for link in links:
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or not target.is_relative_to(root.resolve()):
            broken.append(f"{document.name}: {link}: no such file in the checkout")
        elif anchor and target.suffix == ".md":
            if anchor not in anchors_of(target.read_text("utf-8")):
                broken.append(f"{document.name}: {link}: no such heading")
    return broken


def mentions(text: str, name: str) -> bool:
    """Whether a document mentions a name or an option as a word of its own."""
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None
