"""rows.py - one line of the result: what was done, how long, and what it is held against."""

from typing import Literal

import msgspec

from tests.bench.timing import Figure

Unit = Literal["ms", "bytes", "objects"]
Kind = Literal[Unit, "floors"]


class Limit(msgspec.Struct, frozen=True):
    """What a figure may be at most: so many of its unit, or so many times its floor."""

    number: float
    kind: Kind = "ms"


class Row(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A figure. `entries` is how long the history was; rows of one `id` and `work` show growth.

    `floor_of` says what the floor did; `peer` is what O was measured at, in words, since it comes
    with a range. `langgraph` is the same work done by LangGraph's SqliteSaver. `failed` says what
    went wrong, so that the figure, however good, is not within its limit.
    """

    id: str
    work: str
    entries: int
    tract: Figure
    unit: Unit = "ms"
    floor: Figure | None = None
    floor_of: str | None = None
    limit: Limit | None = None
    peer: str | None = None
    langgraph: Figure | None = None
    note: str | None = None
    failed: str | None = None

    @property
    def ratio(self) -> float | None:
        """How many floors it took."""
        return self.tract.median / self.floor.median if self.floor else None

    @property
    def is_met(self) -> bool | None:
        """Whether the figure is within its limit; None without one."""
        if self.failed is not None:
            return False
        if self.limit is None:
            return None
        figure = self.ratio if self.limit.kind == "floors" else self.tract.median
        return figure is not None and figure <= self.limit.number


class Machine(msgspec.Struct, frozen=True):
    """What it was measured on."""

    cores: int
    memory_gib: float
    processor: str
    system: str
    python: str
    git: str
    libgit2: str
    pygit2: str


class Results(msgspec.Struct, frozen=True):
    """All that a run found out: what results.json holds, and RESULTS.md is made of.

    `load` is how many processes wanted a core when it began: above the number of cores, others
    were measured as well.
    """

    date: str
    commit: str
    load: float
    machine: Machine
    rows: list[Row]
    langgraph: str
