"""`ideal:` - an array without codes: float64, no noise, no quantisation, weights set directly.

It serves gradient checks and software baselines, so that the same network code runs on it.
"""

from __future__ import annotations

import copy
from dataclasses import asdict, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from memlab.array.arguments import as_numbers
from memlab.array.measurement import Measurement
from memlab.array.seam import Array
from memlab.array.switching_law import SwitchingLaw
from memlab.array.two_pulses import TwoPulses
from memlab.chip.coupled_limits import check_operating_point, check_program, check_vmm
from memlab.chip.limits import Limits, OperatingPoint
from memlab.chip.shape import PUBLISHED
from memlab.numeric import FloatArray
from memlab.storage import State

__all__ = ["IdealArray"]

LAW = SwitchingLaw(set_slope=98e-6, set_offset=120e-6)
"""Li 2019's SET, without its noise."""


class IdealArray(Array):
    """A plain float64 crossbar of any size.

    Conductances can be written directly (`write`), or pulsed with the noise-free law of Li 2019,
    so that every script written for a board runs here too, and is refused here what a board would
    refuse: limits are those of `BoardArray`.

    Parameters
    ----------
    rows, columns
        Size of the array.
    limits, point
        What a chip may see, and the voltages and widths of reading and programming.
    """

    def __init__(
        self,
        rows: int = PUBLISHED[0],
        columns: int = PUBLISHED[1],
        limits: Limits | None = None,
        point: OperatingPoint | None = None,
    ):
        super().__init__(rows, columns)
        self._limits, self._point = limits or Limits(), point or OperatingPoint()
        check_operating_point(self._limits, self._point)
        self._cells = np.zeros((rows, columns))

    writable = True
    _mark = "IDEAL"

    @property
    def stated_law(self) -> SwitchingLaw:
        """The law of Li 2019 that this array follows."""
        return LAW

    def with_operating_point(self, **changes: float) -> Self:
        """Return a view with other voltages or widths; its cells are the same."""
        view = copy.copy(self)
        view._point = replace(self._point, **changes)
        check_operating_point(view._limits, view._point)
        return view

    def write(self, conductance: npt.ArrayLike) -> None:
        """Put every cell of this view at a conductance in S, shape (rows, columns), any sign."""
        advice = "fill in the conductances that the masked cells keep"
        cells = as_numbers(conductance, "conductance", self.shape, advice=advice)
        with self._owner.turn():
            self._cells[np.ix_(self.rows, self.columns)] = cells

    def state(self) -> State:
        """Return the conductances (S) of all cells, and the counts; copies."""
        return {**super().state(), "cells": self._cells.copy()}

    def restore(self, state: State) -> None:
        """Go back to a `state` of an array of this shape; all views of it do."""
        super().restore(state)
        self._cells[...] = state["cells"]

    def ground(self) -> None:
        """Do nothing: there is no line to ground."""

    def close(self) -> None:
        """Do nothing: there is no board to release."""

    def describe(self) -> dict[str, Any]:
        """Return the identity of this array as plain values."""
        rows, columns = self._cells.shape
        return {
            "board": {"name": "ideal float64 array", "rows": rows, "columns": columns},
            "limits": asdict(self._limits),
        }

    def _measure_conductance(self, gain: int) -> Measurement:
        check_vmm(self._limits, np.full(1, self._point.read_voltage), self.columns.size)
        conductance = self._cells[np.ix_(self.rows, self.columns)]
        return Measurement(conductance, np.zeros(conductance.shape, bool), load=self.load)

    def _measure_vmm(self, voltage: FloatArray, gain: int) -> Measurement:
        check_vmm(self._limits, voltage, self.columns.size)
        current = voltage @ self._cells[np.ix_(self.rows, self.columns)]
        return Measurement(current, np.zeros(current.shape, bool), load=self.load)

    def _program(self, asked: TwoPulses) -> None:
        self._check_program(asked)
        cells = self._cells[np.ix_(self.rows, self.columns)]
        cells = np.where(asked.reset, 0.0, cells)
        level = LAW.conductance(asked.gate_voltage)
        on = asked.set & (asked.gate_voltage > 0.0)  # a transistor that is off passes no current
        self.write(np.where(on, np.maximum(level, cells), cells))

    def _check_program(self, asked: TwoPulses) -> None:
        point = asked.hardest_point(self._limits, self._point)
        pulses = asked.gate_voltage, asked.reset, asked.set
        check_program(self._limits, point, *pulses, self.rows, self.columns)
