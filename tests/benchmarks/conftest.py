"""The fixture by which benchmarks report, and the table at the end of what all of them said."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest
from support.speed_table import GOALS, Found, lines

KEY = "speed"


class Speed:
    """Reports of one benchmark."""

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self._properties = properties

    def __call__(
        self, name: str, measured: float, *, limit: float, gap: str | Callable[[], str] = ""
    ) -> None:
        """Report a figure, and hold it to a limit.

        `limit` is what holds today with a margin, beyond it the benchmark fails. `gap` tells where
        the time goes, and is told, or called, where the goal is not met.
        """
        goal = GOALS[name]
        met = goal.met(measured)
        why = "" if met else gap() if callable(gap) else gap
        self._report(name, Found(measured, limit, why))
        print(f"\n{goal.work}: {goal.text(measured)}; limit {limit:g}, goal {goal.value:g}")
        assert measured >= limit if goal.least else measured <= limit

    def peer(self, name: str, who: str, measured: float) -> None:
        """Report what another program needs for the work of a row."""
        self._report(name, Found(peers={who: measured}))
        print(f"\n{GOALS[name].work}: {who} {GOALS[name].text(measured)}")

    def _report(self, name: str, found: Found) -> None:
        self._properties.append((KEY, {"name": name, **asdict(found)}))


@pytest.fixture
def speed(request: pytest.FixtureRequest) -> Speed:
    return Speed(request.node.user_properties)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    def reports(*outcomes: str) -> Iterator[Any]:
        for outcome in outcomes:
            for report in terminalreporter.getreports(outcome):
                if "benchmarks" in report.nodeid:
                    yield report

    told = [
        (value["name"], Found(**{key: one for key, one in value.items() if key != "name"}))
        for report in reports("passed", "failed")
        if report.when == "call"
        for name, value in report.user_properties
        if name == KEY
    ]
    if not told:
        return
    terminalreporter.section("what work costs")
    for line in lines(told):
        terminalreporter.write_line(line)
    for report in reports("skipped"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        terminalreporter.write_line(f"skipped: {report.nodeid.rpartition('::')[2]}: {reason}")
