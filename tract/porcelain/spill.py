"""spill.py - what a batch has built goes to packs: at its end, and before it is too much."""

from __future__ import annotations

from tract.plumbing import landing
from tract.plumbing.aside import Aside
from tract.porcelain.workspace import Workspace

SPILL_BYTES = 64 << 20


def spill(ws: Workspace) -> None:
    """Write a batch's objects to a pack when they have become too many to hold in memory."""
    if ws.repo.pending_bytes >= SPILL_BYTES:
        aside = pack(ws)
        ws.repo.odb.look_into(aside.path)
        ws.repo.git.odb.add_disk_alternate(aside.path)


def pack(ws: Workspace) -> Aside:
    """Write a batch's objects to a pack in its folder, which is made with the first."""
    recording, pending = ws.recording, ws.repo.pending
    assert recording is not None
    assert pending is not None
    recording.aside = aside = recording.aside or Aside(ws.repo)
    recording.packs += landing.pack(ws.repo, pending, aside.packs)
    return aside
