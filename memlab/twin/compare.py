"""Where a twin and a chip disagree: two-sample tests of every step of the same procedure.

The procedure of each run is run again on several twins of different seeds. Two things are compared
at each reading: the level of the cells, and how it changed since the reading before, which tells
apart what belongs to a cell and what to a pulse. The test is that of Kolmogorov and Smirnov, on the
largest distance between the two distributions.

Its usual form takes the cells for independent. They are not: cells of a line share the errors of
the board and drops along the wires. How much the distance between one twin and the others is larger
than independence allows is measured, and the number of cells is divided by the square of it. The
twins count as no more than one chip, however many there are, because their parameters carry the
error of the runs that they come from. The probabilities are corrected for the number of tests by
Holm's method: with a right twin, one comparison in 100 finds any disagreement at the level of 0.01.

That a test finds nothing says little where few cells count: each goes with the smallest shift that
it would have found nine times in ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import kolmogi, kolmogorov, ndtri

from memlab.analysis.cut_off import SILENT
from memlab.characterize.offsets import are_net, net_conductance
from memlab.emulator import ChipPreset
from memlab.errors import DataError
from memlab.numeric import FloatArray
from memlab.runs import Record, Series
from memlab.twin.evidence import read_voltage
from memlab.twin.measured import MeasuredRun, simulate

__all__ = ["Comparison", "StepResult", "compare", "distances_of", "holm"]


TWINS = 8
_SEEDS_APART = 1000
_VECTOR_BLOCKS = 20
_INDEPENDENT = np.pi**2 / 12.0
"""Mean square of Kolmogorov's distribution: of the scaled distance of independent cells."""


@dataclass(frozen=True)
class StepResult:
    """One test.

    Parameters
    ----------
    run, procedure
        Name of the run file, and its procedure.
    kind
        `level`, `change`, or `current` of vectors.
    step
        Number of the reading, or of the block of vectors.
    units
        Of the medians.
    chip_median, twin_median
        In `units`.
    shift
        Difference of the medians, chip less twin, in deviations of the chip (quartiles).
    spread_ratio
        Distance of the quartiles, chip over twin.
    distance
        Largest difference of the distribution functions, 0 to 1.
    values, cells
        Values of the chip, and how many independent ones they count for.
    p
        Probability of this distance with a right twin, corrected for the number of tests.
    smallest_shift
        In `units`: a shift of a normal distribution like this that the test finds nine times in
        ten; infinite where it finds none.
    """

    run: str
    procedure: str
    kind: str
    step: int
    units: str
    chip_median: float
    twin_median: float
    shift: float
    spread_ratio: float
    distance: float
    values: int
    cells: float
    p: float
    smallest_shift: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """All tests of a twin against runs.

    Parameters
    ----------
    steps
        One for each run, kind and step.
    alpha
        Level of the whole comparison.
    twins
        For each run, the records of the twins.
    skipped
        Run file, and how many of its steps no twin went through in the same way.
    """

    steps: list[StepResult]
    alpha: float
    twins: list[tuple[MeasuredRun, list[Record]]]
    skipped: dict[str, int]

    @property
    def disagreeing(self) -> list[StepResult]:
        """Tests that the twin fails."""
        return [step for step in self.steps if step.p < self.alpha]

    @property
    def agrees(self) -> bool:
        """Whether no test finds a disagreement."""
        return not self.disagreeing

    @property
    def ranked(self) -> list[StepResult]:
        """All tests, the most significant first."""
        return sorted(self.steps, key=lambda one: (one.p, -one.distance * one.cells**0.5))

    @property
    def smallest_change(self) -> tuple[float, int]:
        """Smallest relative change of all levels that a test would have found, and of how many.

        Of the tests of levels, or of currents where there are none; NaN without any.
        """
        for kind in ("level", "current"):
            found = [
                one.smallest_shift / abs(one.chip_median)
                for one in self.steps
                if one.kind == kind and one.chip_median
            ]
            if found:
                return min(found), len(found)
        return float("nan"), 0


@dataclass(frozen=True, eq=False)
class _Pair:
    """Samples of the chip and of each twin for one test."""

    run: MeasuredRun
    kind: str
    step: int
    chip: FloatArray
    twins: list[FloatArray]


def compare(
    preset: ChipPreset,
    runs: Sequence[MeasuredRun],
    *,
    seed: int = 0,
    twins: int = TWINS,
    alpha: float = 0.01,
) -> Comparison:
    """Run the procedures of these runs on twins and test where they differ.

    Parameters
    ----------
    preset
        The twin.
    runs
        From `load_runs`.
    seed
        Of the first twin.
    twins
        How many, at least 3.
    alpha
        Probability to find any disagreement with a right twin.

    Raises
    ------
    DataError
        If the runs hold no step that can be compared.
    """
    repeated = [simulate(runs, preset, seed + _SEEDS_APART * k) for k in range(twins)]
    pairs: list[_Pair] = []
    records: list[tuple[MeasuredRun, list[Record]]] = []
    skipped: dict[str, int] = {}
    for number, (run, _) in enumerate(repeated[0]):
        each = [twin[number][1] for twin in repeated]
        records.append((run, each))
        steps = _common(run.record.readings, [record.readings for record in each])
        if steps < len(run.record.readings):
            skipped[run.path.name] = len(run.record.readings) - steps
        pairs += _cell_pairs(run, each, steps) + _vector_pairs(run, each)
    if not pairs:
        raise DataError("nothing to compare: the twin goes through none of the steps of these runs")
    return Comparison(_tested(pairs, alpha), alpha, records, skipped)


def holm(p: FloatArray) -> FloatArray:
    """Correct probabilities of several tests by Holm's method; same shape (n,)."""
    order = np.argsort(p)
    corrected = np.maximum.accumulate(p[order] * (p.size - np.arange(p.size)))
    found = np.empty(p.size)
    found[order] = np.minimum(corrected, 1.0)
    return found


def _common(chip: Series, twins: Sequence[Series]) -> int:
    """Return how many readings, from the first, all went through with the same coordinates."""
    names = [name for name in chip.coordinates if name != "time"]
    steps = min(len(chip), *(len(twin) for twin in twins))
    for name in names:
        expected = chip.coordinate(name)[:steps]
        for twin in twins:
            found = twin.coordinate(name)[: expected.size]
            differs = ~np.isclose(found, expected, rtol=1e-9, atol=0.0, equal_nan=True)
            if differs.any():
                steps = min(steps, int(np.argmax(differs)))
                expected = expected[:steps]
    return steps


def _cell_pairs(run: MeasuredRun, twins: list[Record], steps: int) -> list[_Pair]:
    voltage = read_voltage(run)
    # Around 0 S a board errs, and a board is no part of the comparison.
    chip, others = (
        np.maximum(net_conductance(run.record, voltage), SILENT),
        [np.maximum(net_conductance(record, voltage), SILENT) for record in twins],
    )
    pairs = [_Pair(run, "level", k, chip[k], [other[k] for other in others]) for k in range(steps)]
    for k in range(1, steps):
        changes = [other[k] - other[k - 1] for other in others]
        pairs.append(_Pair(run, "change", k, chip[k] - chip[k - 1], changes))
    return pairs


def _vector_pairs(run: MeasuredRun, twins: list[Record]) -> list[_Pair]:
    """Compare the currents of vectors in blocks of equal length; of zeros there is nothing to."""
    if are_net(run.record):
        return []
    steps = min(len(run.record.vectors), *(len(record.vectors) for record in twins))
    if not steps:
        return []
    edges = np.linspace(0, steps, min(_VECTOR_BLOCKS, steps) + 1).astype(int)
    chip, others = run.record.vectors.value, [record.vectors.value for record in twins]
    return [
        _Pair(run, "current", k, chip[a:b].ravel(), [other[a:b].ravel() for other in others])
        for k, (a, b) in enumerate(pairwise(edges))
    ]


def _tested(pairs: list[_Pair], alpha: float) -> list[StepResult]:
    distances, clustering = np.array([distances_of(pair.chip, pair.twins) for pair in pairs]).T
    # Single tests know the clustering from a few twins only; none is taken below the median.
    clustering = np.maximum(clustering, 1.0)
    groups = np.array([f"{pair.run.path} {pair.kind}" for pair in pairs])
    for group in np.unique(groups):
        member = groups == group
        clustering[member] = np.maximum(clustering[member], np.median(clustering[member]))
    cells = np.array([pair.chip.size for pair in pairs]) / clustering
    p = holm(np.asarray(kolmogorov(distances * np.sqrt(cells / 2.0))))
    return [
        _result(pair, float(distances[k]), float(cells[k]), float(p[k]), alpha / len(pairs))
        for k, pair in enumerate(pairs)
    ]


def _seen_shift(cells: float, alpha: float) -> float:
    """Return the shift of a normal distribution, in deviations, that a test finds at 90 %.

    Shifted by d, two distributions are 2 F(d / 2) - 1 apart. What is measured of that scatters by
    at most half of sqrt(2 / cells).
    """
    scatter = (2.0 / cells) ** 0.5
    distance = scatter * (float(kolmogi(alpha)) - 0.5 * float(ndtri(0.1)))
    return 2.0 * float(ndtri(0.5 * (1.0 + distance))) if distance < 1.0 else float("inf")


def distances_of(chip: FloatArray, twins: Sequence[FloatArray]) -> tuple[float, float]:
    """Return how far a chip is from all twins, and by how much twins are farther than by chance.

    Parameters
    ----------
    chip, twins
        Samples, shape (n,) each.

    Returns
    -------
    Largest difference between the distribution functions of the chip and of all twins together;
    and the mean square of the same between one twin and the others, over what it is for independent
    cells.
    """
    samples = [chip, *twins]
    pooled = np.concatenate(samples)
    order = np.argsort(pooled, kind="stable")
    ordered = pooled[order]
    # Distribution functions jump: they are compared behind each value, not within equal ones.
    last = np.flatnonzero(np.append(ordered[1:] > ordered[:-1], True))
    member = np.repeat(np.arange(len(samples)), [one.size for one in samples])[order]
    count = np.array([np.cumsum(member == k)[last] for k in range(len(samples))], np.float64)
    sizes = count[:, -1]
    of_twins, n = count[1:].sum(axis=0), sizes[1:].sum()
    distance = np.abs(count[0] / sizes[0] - of_twins / n).max()
    excess = []
    for one, size in zip(count[1:], sizes[1:], strict=True):
        apart = np.abs(one / size - (of_twins - one) / (n - size)).max()
        excess.append(apart**2 * size * (n - size) / n / _INDEPENDENT)
    return float(distance), float(np.mean(excess))


def _result(pair: _Pair, distance: float, cells: float, p: float, alpha: float) -> StepResult:
    twin = np.concatenate(pair.twins)
    chip_quartiles, twin_quartiles = (np.quantile(s, [0.25, 0.5, 0.75]) for s in (pair.chip, twin))
    widths = chip_quartiles[2] - chip_quartiles[0], twin_quartiles[2] - twin_quartiles[0]
    # A normal distribution has its quartiles 1.349 deviations apart.
    deviation = widths[0] / 1.349
    shift = chip_quartiles[1] - twin_quartiles[1]
    return StepResult(
        run=pair.run.path.name,
        procedure=pair.run.procedure.name,
        kind=pair.kind,
        step=pair.step,
        units="A" if pair.kind == "current" else "S",
        chip_median=float(chip_quartiles[1]),
        twin_median=float(twin_quartiles[1]),
        shift=float(shift / deviation) if deviation else float("nan"),
        spread_ratio=float(widths[0] / widths[1]) if widths[1] else float("nan"),
        distance=distance,
        values=int(pair.chip.size),
        cells=cells,
        p=p,
        smallest_shift=_seen_shift(cells, alpha) * float(deviation),
    )
