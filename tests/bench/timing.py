"""timing.py - medians of what is run in turn, so that a busy moment hits each side alike."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Figure(NamedTuple):
    """The median and the quartiles of some runs: milliseconds, unless the row says otherwise."""

    median: float
    low: float
    high: float
    runs: int


def counted(number: float) -> Figure:
    """What was counted, once: bytes, or objects."""
    return Figure(number, number, number, 1)


def summary(taken_s: Sequence[float]) -> Figure:
    """What the runs come to."""
    if len(taken_s) == 1:
        return counted(_ms(taken_s[0]))
    low, median, high = statistics.quantiles(taken_s, n=4, method="inclusive")
    return Figure(_ms(median), _ms(low), _ms(high), len(taken_s))


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 4)


def clocked(work: Callable[P, R], *args: P.args, **options: P.kwargs) -> tuple[float, R]:
    """Seconds that one run took, and what it returned: letting go of that is not in the time."""
    start = time.perf_counter()
    made = work(*args, **options)
    return time.perf_counter() - start, made


def in_turn(rounds: int, *works: Callable[[], object]) -> list[Figure]:
    """Run each of them once a round, after one round that does not count."""
    taken: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        for mine, work in zip(taken, works, strict=True):
            spent, _ = clocked(work)
            if number:
                mine.append(spent)
    return [summary(mine) for mine in taken]


def after_each(rounds: int, change: Callable[[], object], work: Callable[[], object]) -> Figure:
    """Run `work` after each `change`, which does not count; the first round does not either."""
    taken = []
    for number in range(rounds + 1):
        change()
        spent, _ = clocked(work)
        if number:
            taken.append(spent)
    return summary(taken)
