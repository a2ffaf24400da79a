"""A weight matrix as differential pairs of cells: W = (G+ - G-) / R_gw."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from memlab.array import Array, Measurement
from memlab.mapping.layout import Layout, pair_rows
from memlab.mapping.update import ProgrammedUpdate, UpdateRule

__all__ = ["DifferentialMatrix", "pair_conductance"]

FloatArray = npt.NDArray[np.float64]


def pair_conductance(
    weight: FloatArray, siemens_per_weight: float, middle: float, layout: Layout
) -> FloatArray:
    """Return conductances in S, shape (2 inputs, outputs), whose pairs stand for the weights.

    Parameters
    ----------
    weight
        Shape (inputs, outputs), no unit.
    siemens_per_weight
        R_gw in S.
    middle
        Conductance in S around which the two cells of a pair lie.
    layout
        Where the cells of a pair lie.
    """
    inputs, outputs = weight.shape
    plus, minus = pair_rows(layout, inputs)
    conductance = np.empty((2 * inputs, outputs))
    conductance[plus] = middle + 0.5 * siemens_per_weight * weight
    conductance[minus] = middle - 0.5 * siemens_per_weight * weight
    return conductance


class DifferentialMatrix:
    """A weight matrix that lives on an array, one differential pair per weight.

    Multiplication always happens on the array. The `weight` that back-propagation uses comes
    from the conductances *read back*, never from what was asked for.

    Parameters
    ----------
    name
        Names the matrix in run files.
    array
        An array, or a view of one, of shape (2 inputs, outputs).
    siemens_per_weight
        R_gw, the conductance difference in S that stands for a weight of one.
    read_voltage
        Row voltage in V that the largest input of a vector is scaled to.
    rule
        How changes are programmed.
    layout
        Where the cells of a pair lie.
    """

    def __init__(
        self,
        name: str,
        array: Array,
        siemens_per_weight: float,
        read_voltage: float,
        rule: UpdateRule,
        layout: Layout = Layout.BLOCK,
    ):
        rows, columns = array.shape
        if rows % 2:
            raise ValueError(f"differential pairs need an even number of rows, got {rows}")
        self.name = name
        self.array = array
        self.siemens_per_weight = siemens_per_weight
        self.read_voltage = read_voltage
        self.rule = rule
        self.shape = (rows // 2, columns)
        self.programmed: ProgrammedUpdate
        """What the last update told the cells."""
        self.reading: Measurement
        """The last conductance map, shape (2 inputs, outputs)."""
        self.weight: FloatArray
        """Weights from the last read-back, shape (inputs, outputs)."""
        self._plus, self._minus = pair_rows(layout, self.shape[0])

    def initialise(self) -> None:
        """Program the starting conductances and read them back."""
        self.programmed = self.rule.initialise(self.array)
        self.read_back()

    def read_back(self) -> None:
        """Measure every conductance and derive `weight` from it."""
        self.reading = self.array.measure_conductance()
        conductance = self.reading.value
        self.weight = (conductance[self._plus] - conductance[self._minus]) / self.siemens_per_weight

    def multiply(self, x: FloatArray) -> FloatArray:
        """Multiply on the array: return x @ W, shape (..., outputs), for x of (..., inputs).

        Each vector is scaled so that its largest magnitude becomes the read voltage, and the
        result is scaled back; + rows carry +x and - rows -x, so that the subtraction happens in
        the column current (Li 2019).
        """
        peak: FloatArray = np.abs(x).max(axis=-1, keepdims=True)
        if not peak.all():
            peak[peak == 0.0] = 1.0
        # x / peak is exactly 1 at the peak, so the read voltage is reached and never passed.
        scaled = x / peak
        scaled *= self.read_voltage
        voltage = np.empty((*x.shape[:-1], 2 * self.shape[0]))
        voltage[..., self._plus] = scaled
        np.negative(scaled, out=scaled)
        voltage[..., self._minus] = scaled
        current = self.array.vmm(voltage)
        peak /= self.read_voltage * self.siemens_per_weight
        return current * peak

    def update(self, weight_change: FloatArray) -> None:
        """Program a change of the weights, shape (inputs, outputs), then read back.

        Both cells of a pair are asked for the full change, as published, so that with
        R_vg times the slope of the chip equal to one a weight moves by twice `weight_change`.
        """
        wanted = np.empty(self.array.shape)
        wanted[self._plus] = change = self.siemens_per_weight * weight_change
        wanted[self._minus] = -change
        self.programmed = self.rule.change(self.array, wanted)
        self.read_back()
