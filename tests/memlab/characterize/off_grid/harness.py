"""Estimates held against hidden truth, away from the road on which they were made.

A `Setting` is an emulated chip, a part of it and the settings of a procedure, with what is true of
it. For each seed the procedure runs on a chip of its own; every finding gives

    z = (estimate - truth) / stated error

Honest errors make z normal with mean 0 and deviation 1. The limits are those for 40 seeds; for
fewer they are wider, so that an honest estimate fails as seldom. A finding that the procedure does
not determine (NaN) makes no claim and is counted apart; an interval is judged by how often it holds
the truth.

    python -m tests.memlab.characterize.off_grid NAME ... --seeds 40      # a table, s per setting
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binom, chi2
from support.known_chips import Known, characterise, chip

from memlab.array.board_array import BoardArray
from memlab.regions import Region

__all__ = ["Case", "Found", "Setting", "judge", "run_setting"]

FloatArray = npt.NDArray[np.float64]

SEEDS = 40
"""Number of seeds for which the limits are written."""

MEAN, NEVER, NARROW, WIDE = 0.5, 0.8, 0.7, 1.4
"""Limits of |mean z|, the one that no case may pass, and those of the deviation of z."""

Truth = float | Callable[[Known], float]


@dataclass(frozen=True)
class Found:
    """An estimate, what is true, and either one standard error or an interval (low, high)."""

    value: float
    truth: float
    error: float = np.nan
    interval: tuple[float, float] | None = None
    coverage: float = 0.95
    """Of the interval, as stated."""
    caveat: str = ""
    """The model error that is named, for which the error may be larger than chance needs."""


@dataclass(frozen=True)
class Setting:
    """A chip, where it is looked at, and how: not the defaults.

    Parameters
    ----------
    name
        Says what is unusual.
    truth
        By finding: a number, or what makes it of the `Known` run, where it is that of this chip.
    chip
        Changes of `preset`; two underscores stand for the dot of a nested name.
    settings
        Of the procedure; nested ones as dicts.
    shape, region
        Of the chip, and which part of it is measured.
    before
        What is done to the array first.
    undetermined
        Findings that must say so: their truth is not in what is measured.
    """

    name: str
    truth: Mapping[str, Truth] = field(default_factory=dict)
    chip: Mapping[str, float] = field(default_factory=dict)
    preset: str = "ta-hfo2"
    settings: Mapping[str, Any] = field(default_factory=dict)
    shape: tuple[int, int] = (16, 12)
    region: Region = Region()  # noqa: RUF009 - frozen
    before: Callable[[BoardArray], None] = lambda array: None
    undetermined: tuple[str, ...] = ()

    def measure(self, procedure: str, seed: int) -> dict[str, Found]:
        """Run the procedure on a chip of this seed; return what it found, by name."""
        known = characterise(
            procedure,
            chip(self.preset, **self.chip),
            shape=self.shape,
            seed=seed,
            region=self.region,
            before=self.before,
            **self.settings,
        )
        truth = {**self.truth, **dict.fromkeys(self.undetermined, np.nan)}
        return {
            name: Found(
                known.value(name),
                float(at(known) if callable(at) else at),
                known.error(name),
                known.findings.values[name].interval,
                caveat=known.findings.values[name].caveat,
            )
            for name, at in truth.items()
        }


@dataclass(frozen=True)
class Case:
    """A finding at a setting over all seeds."""

    procedure: str
    setting: str
    finding: str
    found: tuple[Found, ...]
    undetermined: bool = False
    """Whether it must be."""

    @property
    def z(self) -> FloatArray:
        """Deviations in stated errors, of the seeds in which there is an estimate."""
        return np.array([(f.value - f.truth) / f.error for f in self.found if np.isfinite(f.value)])

    @property
    def missing(self) -> int:
        """Seeds in which it was not determined."""
        return sum(not np.isfinite(f.value) for f in self.found)

    def __str__(self) -> str:
        what = f"{self.procedure:<13} {self.setting:<34} {self.finding:<24}"
        z = self.z
        if z.size and self.found[0].interval is None:
            what += f" z {z.mean():+6.2f} +- {z.std(ddof=1) if z.size > 1 else np.nan:5.2f}"
            middle = np.median([f.value for f in self.found if np.isfinite(f.value)])
            what += f"  {middle:.4g} for {np.median([f.truth for f in self.found]):.4g}"
        if self.missing:
            what += f"  not determined {self.missing}/{len(self.found)}"
        return what


@dataclass(frozen=True)
class Verdict:
    """Whether a case holds, and where not whether it is beyond what no case may be."""

    case: Case
    wrong: str = ""
    gross: bool = False

    def __str__(self) -> str:
        return f"{self.case}  {self.wrong}"


def run_setting(procedure: str, setting: Setting, seeds: range) -> tuple[list[Case], float]:
    """Return a case for each finding, and the seconds that all seeds took."""
    start = time.perf_counter()
    runs = [setting.measure(procedure, seed) for seed in seeds]
    cases = [
        Case(
            procedure,
            setting.name,
            name,
            tuple(run[name] for run in runs),
            name in setting.undetermined,
        )
        for name in runs[0]
    ]
    return cases, time.perf_counter() - start


def judge(case: Case) -> Verdict:
    """Judge a case by the limits, which widen for fewer seeds than `SEEDS`."""
    z, count = case.z, len(case.found)
    if case.undetermined:
        stated = count - case.missing
        # A chance agreement here and there; the stated error must then at least be there.
        wrong = stated > max(1, 0.05 * count)
        return Verdict(case, f"stated in {stated} of {count} seeds" if wrong else "", wrong)
    if case.found[0].interval is not None:
        return _judge_intervals(case)
    if not z.size:
        return Verdict(case)
    if not np.isfinite(z).all():
        return Verdict(case, "a value without an error", True)
    wider = (SEEDS / z.size) ** 0.5
    mean = float(z.mean())
    if abs(mean) > MEAN * wider:
        return Verdict(case, f"|mean z| > {MEAN * wider:.2f}", abs(mean) > NEVER * wider)
    if z.size > 1:
        low, high = _deviations(z.size)
        deviation = float(z.std(ddof=1))
        if any(f.caveat for f in case.found) or z.size < 8:  # a few may agree by chance
            low = 0.0
        if not low <= deviation <= high:
            return Verdict(case, f"deviation of z outside {low:.2f}..{high:.2f}")
    return Verdict(case)


def _deviations(count: int) -> tuple[float, float]:
    """Return limits of the deviation of z that are as improbable as those for `SEEDS` seeds."""
    freedom = SEEDS - 1
    low = chi2.ppf(chi2.cdf(NARROW**2 * freedom, freedom), count - 1)
    high = chi2.isf(chi2.sf(WIDE**2 * freedom, freedom), count - 1)
    return float((low / (count - 1)) ** 0.5), float((high / (count - 1)) ** 0.5)


def _judge_intervals(case: Case) -> Verdict:
    held = [
        f.interval[0] <= f.truth <= f.interval[1]
        for f in case.found
        if f.interval is not None and np.isfinite(f.value)
    ]
    if not held:
        return Verdict(case)
    # Discrete estimates have intervals that hold more than they state: only too few are wrong.
    few = float(binom.cdf(sum(held), len(held), case.found[0].coverage))
    wrong = f"{sum(held)} of {len(held)} intervals hold the truth" if few < 0.005 else ""
    return Verdict(case, wrong, few < 1e-5)
