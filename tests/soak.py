"""soak.py - a pytest plugin that writes tests/SOAK.md: each law, how often it ran, the result.

A law is a test; its docstring is the sentence in the table. Hypothesis counts its own examples,
other laws tell their number through the fixture `runs`. Loaded by `make soak` alone.
"""

import datetime
import platform
import re
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

import pytest

TABLE = Path(__file__).with_name("SOAK.md")
HEAD = """# Soak

Written by `make soak`, {date}, Python {python} on {system}. Each law is a test; the number is how
often it was tried: examples of Hypothesis, or what the test counted itself.

| law | suite | tried | result |
| --- | --- | ---: | --- |
"""


class Law(NamedTuple):
    """One row of the table."""

    sentence: str
    suite: str
    tried: int
    result: str


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the law and its number on the report, which pytest-xdist carries to the terminal."""
    report = yield
    if report.when == "teardown":
        report.user_properties.append(("law", sentence_of(item)))
        statistics = str(getattr(item, "hypothesis_statistics", ""))
        examples = examples_in(statistics)
        if examples:
            report.user_properties.append(("runs", examples))
    return report


def sentence_of(item: pytest.Item) -> str:
    """The first paragraph of the test's docstring, or the state machine's; else its name."""
    test = getattr(item, "obj", None)
    written = getattr(getattr(test, "_hypothesis_state_machine_class", test), "__doc__", None)
    return " ".join((written or item.name).strip().split("\n\n")[0].split())


def examples_in(statistics: str) -> int:
    """How many examples passed or failed, from Hypothesis's own description of a run."""
    return sum(int(number) for number in re.findall(r"(\d+) (?:passing|failing)\b", statistics))


def laws_of(reports: list[pytest.TestReport]) -> list[Law]:
    """One law a test, in the order of their suites; `reports` are of all phases of all tests."""
    failed = {report.nodeid for report in reports if report.failed}
    skipped = {report.nodeid for report in reports if report.skipped}
    laws = []
    for report in sorted(reports, key=lambda report: report.nodeid):
        told = dict(report.user_properties)
        if "law" not in told:
            continue
        result = "skipped" if report.nodeid in skipped else "held"
        result = "**broken**" if report.nodeid in failed else result
        suite = report.nodeid.split("::")[0].removeprefix("tests/")
        laws.append(Law(str(told["law"]), suite, int(str(told.get("runs", 1))), result))
    return laws


def table_of(laws: list[Law]) -> str:
    """The text of SOAK.md."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    head = HEAD.format(date=today, python=platform.python_version(), system=platform.system())
    rows = [
        f"| {law.sentence.replace('|', chr(92) + '|')} | {law.suite} | {law.tried:,} "
        f"| {law.result} |\n"
        for law in laws
    ]
    return head + "".join(rows)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the table, in the process that sees all reports."""
    reports = [
        report
        for found in terminalreporter.stats.values()
        for report in found
        if isinstance(report, pytest.TestReport)
    ]
    laws = laws_of(reports)
    if laws:
        TABLE.write_text(table_of(laws), encoding="utf-8")
        terminalreporter.write_line(f"{len(laws)} laws written to tests/{TABLE.name}")
