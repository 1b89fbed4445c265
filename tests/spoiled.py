"""spoiled.py - what a power cut, a full disk or a hand does to one file of a repository."""

from __future__ import annotations

from pathlib import Path

from tests.git import git

HOWS = ("emptied", "halved", "NUL", "changed", "removed")


def spoil(file: Path, how: str) -> bytes:
    """Do that to a file; what it held before."""
    content = file.read_bytes()
    if how == "removed":
        file.unlink()
        return content
    half = len(content) // 2
    changed = content[:half] + bytes([content[half] ^ 0xFF]) + content[half + 1 :]
    written = {"emptied": b"", "halved": content[:half], "NUL": bytes(len(content))}
    file.chmod(0o644)
    file.write_bytes(written.get(how, changed))
    return content


def loose_file(path: str | Path, name: str) -> Path:
    """The file of a loose object, by what stock git calls the object."""
    found = git(path, "rev-parse", name)
    return Path(path, "objects", found[:2], found[2:])


def pack_file(path: str | Path, end: str = ".pack") -> Path:
    """The one file of a pack with that end."""
    (found,) = Path(path, "objects", "pack").glob(f"*{end}")
    return found


def everything(path: str | Path) -> dict[str, bytes]:
    """Every file of a repository; of `tract/` only what is set aside."""
    folder = Path(path)
    files = {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}
    is_own = ("tract/write", "tract/upkeep", "tract/index", "tract/mended")
    return {name: p.read_bytes() for name, p in files.items() if not name.startswith(is_own)}


def set_aside(path: str | Path) -> dict[str, bytes]:
    """What repairs have set aside: the path that it had, and the bytes."""
    folder = Path(path, "tract", "damaged")
    files = (each for each in sorted(folder.rglob("*")) if each.is_file())
    return {"/".join(p.relative_to(folder).parts[1:]): p.read_bytes() for p in files}
