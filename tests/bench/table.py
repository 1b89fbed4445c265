"""table.py - RESULTS.md, out of results.json and nothing else."""

from collections.abc import Iterable

from tests.bench.rows import Limit, Machine, Results, Row, Unit
from tests.bench.timing import Figure

_HEAD = """# Results

Written by `make bench` out of `results.json`; {date}, commit {commit}.

{machine}; load {load} at the start.

Another run differs by some percent, so each figure is a median, and is also given as a ratio to a
floor: the least that the same work can take, measured in turn with ours in the same run.
`results.json` has the quartiles and the number of runs. Messages have 400 characters. Nothing is
flushed to the disk by hand (durability "process"). O is a context store on SQLite, of the same
vocabulary; its figures were measured elsewhere, on two cores.

{langgraph}
"""


def render(results: Results) -> str:
    """The whole document."""
    head = _HEAD.format(
        date=results.date,
        commit=results.commit,
        load=results.load,
        machine=_machine(results.machine),
        langgraph=results.langgraph,
    )
    rows = results.rows
    longest = [row for row in rows if row.entries == _lengths(rows, row)[-1]]
    parts = [head, _targets(longest), _growth(rows), _notes(longest)]
    return "\n".join(part for part in parts if part)


def _machine(machine: Machine) -> str:
    return (
        f"{machine.cores} cores ({machine.processor}), {machine.memory_gib:g} GiB, "
        f"{machine.system}, {machine.python}, git {machine.git}, libgit2 {machine.libgit2}, "
        f"pygit2 {machine.pygit2}"
    )


def _lengths(rows: Iterable[Row], like: Row) -> list[int]:
    return sorted(row.entries for row in rows if (row.id, row.work) == (like.id, like.work))


def _table(head: list[str], aligned: str, lines: list[list[str]]) -> str:
    rules = [{"l": "---", "r": "---:"}[side] for side in aligned]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [head, rules, *lines])


def _targets(rows: list[Row]) -> str:
    head = "id|work|entries|floor|tract|ratio|target|met|O|LangGraph".split("|")
    lines = [
        [
            row.id,
            row.work,
            f"{row.entries:,}",
            _told(row.floor, row.unit),
            _told(row.tract, row.unit),
            f"{row.ratio:.2f}" if row.ratio is not None else "",
            _limit(row.limit, row.unit),
            {True: "yes", False: "**no**", None: ""}[row.is_met],
            row.peer or "",
            _told(row.langgraph, row.unit),
        ]
        for row in rows
    ]
    return _table(head, "llrrrrrlll", lines)


def _growth(rows: list[Row]) -> str:
    lengths = sorted({row.entries for row in rows if len(_lengths(rows, row)) > 1})
    if not lengths:
        return ""
    lines: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if len(_lengths(rows, row)) > 1:
            cells = lines.setdefault((row.id, row.work), [row.id, row.work] + [""] * len(lengths))
            cells[2 + lengths.index(row.entries)] = _grown(row)
    head = ["id", "work", *(f"{length:,} entries" for length in lengths)]
    table = _table(head, "ll" + "r" * len(lengths), list(lines.values()))
    return f"## Growth\n\n{_GROWTH}\n\n{table}"


_GROWTH = "The median, and in brackets its ratio to the floor; what is over the target is bold."


def _grown(row: Row) -> str:
    told = _told(row.tract, row.unit) + (f" ({row.ratio:.2f})" if row.ratio else "")
    told = f"**{told}**" if row.is_met is False else told
    beside = f"; LangGraph {_told(row.langgraph, row.unit)}" if row.langgraph else ""
    return told + beside


def _notes(rows: list[Row]) -> str:
    said = []
    for row in rows:
        wrong = f"**failed: {row.failed}**" if row.failed else ""
        parts = [wrong, f"floor: {row.floor_of}" if row.floor_of else "", row.note or ""]
        told = "; ".join(part for part in parts if part)
        if told:
            said.append(f"- {row.id}, {row.work}: {told}.\n")
    return "## Floors and notes\n\n" + "".join(said)


def _limit(limit: Limit | None, unit: Unit) -> str:
    if limit is None:
        return ""
    if limit.kind == "floors":
        return f"≤ {limit.number:g} × floor"
    return f"≤ {f'{limit.number:,g} ms' if unit == 'ms' else _number(limit.number, unit)}"


def _told(figure: Figure | None, unit: Unit) -> str:
    return _number(figure.median, unit) if figure is not None else ""


def _number(number: float, unit: Unit) -> str:
    if unit == "ms":
        digits = 3 if number < 0.1 else 2 if number < 10 else 1 if number < 100 else 0
        return f"{number:,.{digits}f} ms"
    if unit == "bytes":
        return f"{number / 1e6:,.2f} MB" if number >= _MILLION else f"{number:,.0f} bytes"
    return f"{number:,.1f}" if number < _FEW else f"{number:,.0f}"


_MILLION, _FEW = 1_000_000, 10
