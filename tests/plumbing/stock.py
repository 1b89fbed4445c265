"""stock.py - what stock git, or somebody by hand, puts into a repository.

Built with `git fast-import`, so a test says which files a commit has and nothing of how.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from tests.git import git, git_bytes

ATTRIBUTES = "# tract 1\n* -text\n"
WHO = "Stock Git <stock@example.org> 1700000000 +0000"


def commit_files(
    repo: str | os.PathLike[str],
    files: Mapping[str, str | bytes | None],
    *,
    branch: str = "main",
    message: str = "by hand",
) -> str:
    """Commit files (None removes one) onto a branch; the first commit gets `.gitattributes`."""
    ref = f"refs/heads/{branch}"
    tip = git(repo, "for-each-ref", "--format=%(objectname)", ref)
    stream = [f"commit {ref}\ncommitter {WHO}\n".encode(), _data(message.encode())]
    if tip:
        stream.append(f"from {tip}\n".encode())
    else:
        stream.append(_file(".gitattributes", ATTRIBUTES))
    stream += [_file(path, content) for path, content in files.items()]
    git_bytes(repo, "fast-import", "--quiet", stdin=b"".join(stream))
    return git(repo, "rev-parse", ref)


def _file(path: str, content: str | bytes | None) -> bytes:
    if content is None:
        return f"D {path}\n".encode()
    data = content.encode() if isinstance(content, str) else content
    return f"M 100644 inline {path}\n".encode() + _data(data)


def _data(data: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(data), data)


def entry(text: str, **header: object) -> str:
    """The content of a file with front matter, as somebody would write it by hand."""
    return f"---\n{json.dumps(header, separators=(',', ':'))}\n---\n{text}\n"
