"""A rectangle of differential pairs: the part of a weight matrix that one array multiplies by."""

from __future__ import annotations

import numpy as np

from memlab.array import Array, Measurement, nearest_step
from memlab.mapping.layout import Layout, pair_rows
from memlab.mapping.update import ProgrammedUpdate, UpdateRule
from memlab.numeric import FloatArray
from memlab.storage import State

__all__ = ["Block", "pair_conductance", "pair_weight"]


def pair_conductance(
    weight: FloatArray, siemens_per_weight: float, middle: float | FloatArray, layout: Layout
) -> FloatArray:
    """Return conductances in S, shape (2 inputs, outputs), whose pairs stand for the weights.

    Parameters
    ----------
    weight
        Shape (inputs, outputs), no unit.
    siemens_per_weight
        R_gw in S.
    middle
        Conductance in S around which the two cells of a pair lie, one for all or for each pair.
    layout
        Where the cells of a pair lie.
    """
    inputs, outputs = weight.shape
    plus, minus = pair_rows(layout, inputs)
    conductance = np.empty((2 * inputs, outputs))
    conductance[plus] = middle + 0.5 * siemens_per_weight * weight
    conductance[minus] = middle - 0.5 * siemens_per_weight * weight
    return conductance


def pair_weight(conductance: FloatArray, siemens_per_weight: float, layout: Layout) -> FloatArray:
    """Return the weights that pairs of conductances (S) stand for: undoes `pair_conductance`."""
    plus, minus = pair_rows(layout, len(conductance) // 2)
    difference: FloatArray = conductance[plus] - conductance[minus]
    return difference / siemens_per_weight


class Block:
    """Differential pairs on one array, or a view of one: rows of pairs by columns.

    Parameters
    ----------
    name
        Names the block in run files.
    array
        The cells, shape (2 rows of pairs, columns).
    rule
        How changes are programmed.
    layout
        Where the cells of a pair lie.
    array_number
        Which of the arrays of a network this is, from 0.
    """

    def __init__(
        self, name: str, array: Array, rule: UpdateRule, layout: Layout, array_number: int = 0
    ):
        rows, columns = array.shape
        if rows % 2:
            raise ValueError(f"differential pairs need an even number of rows, got {rows}")
        self.name = name
        self.array = array
        self.rule = rule
        self.layout = layout
        self.array_number = array_number
        self.shape = (rows // 2, columns)
        self.programmed: ProgrammedUpdate
        """What the last update told the cells."""
        self.reading: Measurement
        """The last conductance map, of the array's shape."""
        self.read_scale = 1.0
        """What products are multiplied by (`memlab.mapping.ReadScale`)."""
        self._plus, self._minus = pair_rows(layout, self.shape[0])

    def initialise(self) -> None:
        """Program the starting conductances."""
        self.programmed = self.rule.initialise(self.array)

    def difference(self) -> FloatArray:
        """Measure every conductance; return G+ - G- in S, shape (rows of pairs, columns)."""
        self.reading = self.array.measure_conductance()
        conductance = self.reading.value
        self.rule.was_read(conductance)
        difference: FloatArray = conductance[self._plus] - conductance[self._minus]
        return difference

    def state(self) -> State:
        """Return what is remembered of the last update and the last reading."""
        programmed = getattr(self, "programmed", None)
        reading = getattr(self, "reading", None)
        return {
            "rule": self.rule.state(),
            "gate_voltage": None if programmed is None else programmed.gate_voltage,
            "reset": None if programmed is None else programmed.reset,
            "conductance": None if reading is None else reading.value,
            "saturated": None if reading is None else reading.saturated,
            "adc_code": None if reading is None else reading.adc_code,
            "gain": None if reading is None else reading.gain,
        }

    def restore(self, state: State) -> None:
        """Go back to a `state`; nothing is pulsed, nothing is read."""
        self.rule.restore(state["rule"])
        if state["gate_voltage"] is not None:
            self.programmed = ProgrammedUpdate(state["gate_voltage"], state["reset"])
        if state["conductance"] is not None:
            self.reading = Measurement(
                state["conductance"],
                state["saturated"],
                state["adc_code"],
                state["gain"],
                load=self.array.load,
            )

    def current(self, x: FloatArray, peak: float | FloatArray, read_voltage: float) -> FloatArray:
        """Multiply on the array: currents in A, shape (..., columns), for (..., rows of pairs).

        A row gets read_voltage x / peak, at `peak` exactly the read voltage (V). Rows of + cells
        carry +V and those of - cells -V, so that the subtraction happens in the column current (Li
        2019). Voltages are rounded to the array's steps, where it has any. Currents are scaled by
        `read_scale`.
        """
        current = self.measured_current(x, peak, read_voltage)
        return current if self.read_scale == 1.0 else self.read_scale * current

    def measured_current(
        self, x: FloatArray, peak: float | FloatArray, read_voltage: float
    ) -> FloatArray:
        """Multiply on the array, as `current` does, and scale nothing."""
        driven = np.empty((*x.shape[:-1], 2 * self.shape[0]))
        voltage = np.divide(x, peak, out=driven[..., self._plus])
        voltage *= read_voltage
        if self.array.input_voltage_step:
            voltage[...] = nearest_step(voltage, self.array.input_voltage_step)
        np.negative(voltage, out=driven[..., self._minus])
        return self.array.vmm(driven)

    def change(self, difference: FloatArray) -> None:
        """Ask + cells for a change (S), - cells for its negative; (rows of pairs, columns)."""
        wanted = np.empty(self.array.shape)
        wanted[self._plus] = difference
        wanted[self._minus] = -difference
        self.programmed = self.rule.change(self.array, wanted)
