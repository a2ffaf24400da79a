"""What SET and RESET maps say of the law of partial pulses, and how well they know it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from memlab.characterize.clusters import Lines, jackknife
from memlab.characterize.pulse_law import PulseLaw
from memlab.runs import Findings

__all__ = ["CAVEAT", "LawFindings", "LawOf", "within_cells"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

CAVEAT = "as seen from the drivers: what wires take is not in the error"

_TEXTS = {
    "full_voltage": ("V", "Amplitude from which a {} is a full one"),
    "steepness": ("1/V", "Steepness of ln(part of a {}) with amplitude"),
    "reset_conductance": ("S", "Level of a full {}, without the cut-off at 0 S"),
    "depth_slope": ("S/V", "Rise of the {} level per volt below the full voltage"),
    "full_part": ("1", "Part of the way to its level that a full {} of this width goes"),
}
"""Units and meaning, in the order of the numbers of a law; a SET has the first two."""


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

    def add(self, law_of: LawOf, operation: str) -> None:
        """Fit and add; `operation` is SET or RESET."""
        n, of = int(self._lines.row.size), "cells that respond"
        names = [*_TEXTS] if operation == "RESET" else [*_TEXTS][:2]
        units, text = "V", f"Amplitude below which a {operation} does nothing"
        if n < 2:
            why = "fewer than two cells respond"
            self.why = dict.fromkeys(("threshold", *names), why)
            self._findings.undetermined("threshold", units, text, why, n=n, of=of)
            for name in names:
                units, text = _TEXTS[name]
                self._findings.undetermined(name, units, text.format(operation), why, n=n, of=of)
            return
        law = law_of(np.ones(n, bool))
        self.why = law.why
        if np.isfinite(law.threshold):
            self._findings.number(
                "threshold",
                law.threshold,
                units,
                text,
                law.threshold_error,
                n=n,
                of=of,
                interval=law.threshold_range,
                caveat=CAVEAT,
            )
        else:
            why = law.why.get("threshold", "")
            self._findings.undetermined("threshold", units, text, why, n=n, of=of)
        known = np.isfinite(law.numbers)
        errors = law.errors
        if known.any():
            _, spread = jackknife(lambda which: law_of(which, law.best).numbers, self._lines)
            # Few groups do not know their spread well; the fit knows what single cells scatter.
            errors = np.fmax(spread, law.errors)
        for k, name in enumerate(names):
            units, text = _TEXTS[name]
            text = text.format(operation)
            why = "" if known[k] else law.why.get(name, "the amplitudes do not tell")
            if name == "reset_conductance" and not why:
                why = self._shared
                errors[k] = np.hypot(errors[k], self._lines.scale_error() * abs(law.numbers[k]))
            if why:
                self._findings.undetermined(name, units, text, why, n=n, of=of)
            else:
                value, error = float(law.numbers[k]), float(errors[k])
                self._findings.number(name, value, units, text, error, n=n, of=of, caveat=CAVEAT)
