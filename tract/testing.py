"""testing.py - what tests of programs that use tract need: a pinned clock and random source."""

from __future__ import annotations

import hashlib


class PinnedClock:
    """A clock that starts where it is told and goes on by the same step at every look."""

    def __init__(self, start_ms: int = 1_700_000_000_000, step_ms: int = 1000) -> None:
        self.now_ms = start_ms
        self.step_ms = step_ms

    def __call__(self) -> int:
        now = self.now_ms
        self.now_ms += self.step_ms
        return now


class PinnedRandom:
    """A random source that gives the same bytes for the same seed, everywhere."""

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self.calls = 0

    def __call__(self, size: int) -> bytes:
        self.calls += 1
        return hashlib.shake_128(f"{self.seed}:{self.calls}".encode()).digest(size)
