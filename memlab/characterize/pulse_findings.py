"""What SET and RESET maps say of the law of partial pulses, and how well they know it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from memlab.analysis.clusters import Lines, jackknife
from memlab.analysis.pulse_law import PulseLaw
from memlab.kinds import Quantity
from memlab.numeric import BoolArray, FloatArray
from memlab.runs import Findings

__all__ = [
    "CAVEAT",
    "FULL_VOLTAGE",
    "RESET_LAW",
    "SET_LAW",
    "THRESHOLD",
    "LawFindings",
    "LawOf",
    "within_cells",
]


CAVEAT = "as seen from the drivers: what wires take is not in the error"

THRESHOLD = Quantity("threshold", "V", "Amplitude below which a {} does nothing")
FULL_VOLTAGE = Quantity("full_voltage", "V", "Amplitude from which a {} is a full one")
_STEEPNESS = Quantity("steepness", "1/V", "Steepness of ln(part of a {}) with amplitude")
_LEVEL = Quantity("reset_conductance", "S", "Level of a full {}, without the cut-off at 0 S")
_DEPTH = Quantity("depth_slope", "S/V", "Rise of the {} level per volt below the full voltage")
_PART = Quantity("full_part", "1", "Part of the way to its level that a full {} of this width goes")


def _law(operation: str, *quantities: Quantity) -> tuple[Quantity, ...]:
    """Return the threshold, and what follows in the order of the numbers of a law."""
    return tuple(one.saying(one.description.format(operation)) for one in (THRESHOLD, *quantities))


SET_LAW = _law("SET", FULL_VOLTAGE, _STEEPNESS)
RESET_LAW = _law("RESET", FULL_VOLTAGE, _STEEPNESS, _LEVEL, _DEPTH, _PART)


class LawOf(Protocol):
    """Fits the law to some of the cells."""

    def __call__(self, which: BoolArray, near: FloatArray | None = None) -> PulseLaw:
        """Return the law of these cells, shape (cells,); `near` as for `fit_set`."""
        ...


def within_cells(values: FloatArray) -> FloatArray:
    """Return the standard error of means over cells, without what a cell keeps over a series.

    Parameters
    ----------
    values
        Shape (series, amplitudes, cells). That cells differ, in where they start and in how far
        they go, moves all amplitudes of a series together; it is for the jackknife.
    """
    series, amplitudes, n = values.shape
    mean = values.mean(axis=2)
    error = np.empty(mean.shape)
    for k in range(series):
        shape = np.stack([np.ones(amplitudes), mean[k]], axis=1)
        own = values[k] - shape @ (np.linalg.pinv(shape) @ values[k])
        freedom = max(amplitudes - 2, 1) / amplitudes
        error[k] = own.std(axis=1) / (max(n, 1) * freedom) ** 0.5
    return error


class LawFindings:
    """Adds a law to findings.

    Parameters
    ----------
    findings
        Where it goes.
    lines
        Where the cells lie.
    shared
        Why nothing can be said of levels, or "".

    Attributes
    ----------
    why
        What was missing, by the name of what is not determined.
    """

    def __init__(self, findings: Findings, lines: Lines, shared: str):
        self._findings, self._lines, self._shared = findings, lines, shared
        self.why: dict[str, str] = {}

    def add(self, law_of: LawOf, quantities: Sequence[Quantity]) -> None:
        """Fit and add; `quantities` are `SET_LAW` or `RESET_LAW`."""
        n, of = int(self._lines.row.size), "cells that respond"
        threshold, *others = quantities
        if n < 2:
            why = "fewer than two cells respond"
            self.why = {one.name: why for one in quantities}
            for one in quantities:
                self._findings.add_undetermined(one, why, n=n, of=of)
            return
        law = law_of(np.ones(n, bool))
        self.why = law.why
        if np.isfinite(law.threshold):
            self._findings.add(
                threshold,
                law.threshold,
                law.threshold_error,
                n=n,
                of=of,
                interval=law.threshold_range,
                caveat=CAVEAT,
            )
        else:
            self._findings.add_undetermined(threshold, law.why.get(threshold.name, ""), n=n, of=of)
        known = np.isfinite(law.numbers)
        errors = law.errors
        if known.any():
            _, spread = jackknife(lambda which: law_of(which, law.best).numbers, self._lines)
            # Few groups do not know their spread well; the fit knows what single cells scatter.
            errors = np.fmax(spread, law.errors)
        for k, one in enumerate(others):
            why = "" if known[k] else law.why.get(one.name, "the amplitudes do not tell")
            if one.name == _LEVEL.name and not why:
                why = self._shared
                errors[k] = np.hypot(errors[k], self._lines.scale_error() * abs(law.numbers[k]))
            value, error = float(law.numbers[k]), float(errors[k])
            self._findings.add(one, value, error, n=n, of=of, why=why, caveat=CAVEAT)
