"""The table of what work costs: goals, and what benchmarks measured in one run, in one place.

Goals were set in ms and s on a machine where numpy multiplied one vector with 128 x 64 cells in
1.67 us and 6,400 of them in about 3.7 ms, where scipy's splu took 90 ms for the wires of 128 x 64
cells, and `memlab train airline --epochs 1` 2.15 s, 24 times as long as `python -c 'import numpy'`.
Here they are ratios to the same work in the same run; where that is a product of numpy's, it is
called "products".
"""

from __future__ import annotations

import cProfile
import pstats
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["GOALS", "Found", "Goal", "lines", "paired", "profiled"]


@dataclass(frozen=True)
class Goal:
    """What is wanted of some work.

    Parameters
    ----------
    work, unit
        What it is, and what the figure counts.
    value
        The most that it may be, or with `least` the least.
    """

    work: str
    unit: str
    value: float
    least: bool = False

    def met(self, measured: float) -> bool:
        """Whether a figure is as good as is wanted."""
        return measured >= self.value if self.least else measured <= self.value

    def text(self, measured: float) -> str:
        """Return a figure with its unit."""
        return f"{measured:.3g} {self.unit}" if measured < 1000 else f"{measured:,.0f} {self.unit}"


GOALS = {
    "one vector": Goal("one vector, 128 x 64, Array.vmm", "products", 8.0),
    "one vector, noise": Goal("the same with noise", "products", 14.0),
    "100 vectors": Goal("100 vectors", "products", 3.0),
    "6,400 vectors": Goal("6,400 vectors", "products", 2.2),
    "6,400 vectors, noise": Goal("the same with noise", "products", 4.0),
    "6,400 vectors, all effects": Goal("6,400 vectors, ta-hfo2-full", "products", 10.0),
    # 3.5 ms of 1.67 us
    "airline epoch": Goal("airline epoch, no log", "products of a vector", 2100.0),
    "airline log": Goal("airline epoch, full log", "x without", 1.10),
    # 17 ms of 3.7 ms
    "mnist-cnn batch": Goal("mnist-cnn batch of 100", "products of 6,400 vectors", 4.6),
    "mnist-cnn full": Goal("mnist-cnn, pt-taox-ta-full", "x bare", 1.8),
    "wires 128 x 64": Goal("wires 128 x 64", "x faster than splu", 10.0, least=True),
    "wires 34 x 60": Goal("wires 34 x 60", "x faster than splu", 10.0, least=True),
    # 0.3 s of 90 ms
    "wires 256 x 256": Goal("wires 256 x 256", "x splu of 128 x 64", 3.3),
    "wires memory": Goal("wires 1,024 x 1,024, memory", "MB", 200.0),
    # 1.0 s and 0.25 s of 2.15 s that were 24 imports
    "train": Goal("memlab train airline --epochs 1", "x import numpy", 11.0),
    "train --help": Goal("memlab train --help", "x import numpy", 2.8),
    "limits": Goal("memlab limits", "x import numpy", 2.8),
    "board list --no-probe": Goal("memlab board list", "x import numpy", 11.0),
    "log size": Goal("full log of mnist-cnn, an image", "kB", 10.0),
    "log time": Goal("full log of mnist-cnn, time", "x without", 1.15),
    "log memory": Goal("full log of mnist-cnn, memory", "MB", 600.0),
    "log file": Goal("full log of mnist-cnn, an epoch", "GB", 0.6),
    "sweep, short": Goal("sweep of short trials, 2 processes", "of two cores", 0.85, least=True),
    "sweep, long": Goal("sweep of long trials, 2 processes", "of two cores", 0.95, least=True),
    # 4 ms of 1.67 us
    "program over TCP": Goal("program 128 rows over TCP, server", "products of a vector", 2400.0),
    # 1 ms of 1.67 us
    "Monte Carlo": Goal("airline, a seed and epoch of 50", "products of a vector", 600.0),
}
"""By the names that benchmarks report under, in the order of the table."""


@dataclass
class Found:
    """What benchmarks of one run say of one row.

    Parameters
    ----------
    measured
        In the unit of the goal; None where nobody measured it.
    limit
        What the benchmark allows: what was measured on a busy machine and a quarter more, so that a
        figure fails when something has become slower, and not when neighbours have.
    gap
        Where the time goes, where the goal is not met.
    peers
        The same of others, by their names, in the same unit.
    """

    measured: float | None = None
    limit: float | None = None
    gap: str = ""
    peers: dict[str, float] = field(default_factory=dict)

    def update(self, other: Found) -> None:
        """Take over what another benchmark says of the row."""
        self.peers.update(other.peers)
        if other.measured is not None:
            self.measured, self.limit, self.gap = other.measured, other.limit, other.gap


def lines(found: Iterable[tuple[str, Found]]) -> Iterator[str]:
    """Give the table: one line for each goal, in order, and what is between it and the goal."""
    rows: dict[str, Found] = {name: Found() for name in GOALS}
    for name, one in found:
        rows[name].update(one)
    yield f"{'work':36} {'measured':>33} {'goal':>9} {'limit':>9}  {'peers':28}"
    for name, row in rows.items():
        goal = GOALS[name]
        peers = ", ".join(f"{peer} {value:.3g}" for peer, value in row.peers.items()) or "-"
        verdict = "not measured" if row.measured is None else _verdict(goal, row)
        measured = "-" if row.measured is None else goal.text(row.measured)
        limit = "-" if row.limit is None else f"{row.limit:g}"
        sign = ">=" if goal.least else "<="
        wanted = f"{sign} {goal.value:g}"
        yield f"{goal.work:36} {measured:>33} {wanted:>9} {limit:>9}  {peers:28}  {verdict}"
        if row.gap:
            yield f"    {row.gap}"


def _verdict(goal: Goal, row: Found) -> str:
    assert row.measured is not None
    return "met" if goal.met(row.measured) else "gap"


def paired(
    work: Callable[[], object], base: Callable[[], object], pairs: int, *, calls: int = 1
) -> float:
    """Return the median of thread times of some work over those of `calls` calls of a base.

    Both are measured in turn, so that what slows the machine slows both of a pair. The first pair
    does not count.
    """
    ratios = []
    for _ in range(pairs + 1):
        start = time.thread_time()
        for _ in range(calls):
            base()
        middle = time.thread_time()
        work()
        ratios.append((time.thread_time() - middle) / (middle - start) * calls)
    return statistics.median(ratios[1:])


def profiled(work: Callable[[], object], per: int = 1, most: int = 6) -> str:
    """Return the functions in which some work spends most of its time, without those they call.

    Shares are those of Python's profiler, which makes many short calls longer than they are; ms
    are of the work as it is without it, for each of `per` units that it does.
    """
    start = time.thread_time()
    work()
    whole = (time.thread_time() - start) / per * 1e3
    profile = cProfile.Profile(time.thread_time)
    profile.enable()
    work()
    profile.disable()
    own: dict[str, float] = {}
    for (path, _, function), entry in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        name = function.strip("<>") if path == "~" else f"{Path(path).stem}.{function}"
        own[name] = own.get(name, 0.0) + entry[2]
    total = sum(own.values())
    told = [
        f"{name} {whole * own[name] / total:.2g} ms {own[name] / total:.0%}"
        for name in sorted(own, key=own.__getitem__, reverse=True)[:most]
    ]
    return f"profile of {whole:.3g} ms: {', '.join(told)}"
