"""A weight matrix as differential pairs of cells: W = (G+ - G-) / R_gw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from drivers.extremes import extremes
from memlab.array import Array, Measurement
from memlab.mapping.block import Block
from memlab.mapping.floor_plan import MatrixPlan, Tile
from memlab.mapping.layout import Layout
from memlab.mapping.update import ProgrammedUpdate, UpdateRule
from memlab.numeric import FloatArray

__all__ = ["DifferentialMatrix", "tile_weights"]


_SHORT = 32
"""Inputs of a vector up to which numpy finds peaks faster across vectors than along each."""


@dataclass(frozen=True, eq=False)
class _Part:
    """A block and the part of the matrix that it holds."""

    block: Block
    inputs: slice | npt.NDArray[np.intp]
    """Input of each row of pairs; a slice where they rise, so that no copy is made."""
    outputs: slice
    beside: int

    def sum_copies(self, columns: FloatArray) -> FloatArray:
        """Add up the copies beside each other: (..., columns) to (..., outputs)."""
        if self.beside == 1:
            return columns
        split = columns.reshape(*columns.shape[:-1], self.beside, -1)
        total: FloatArray = split.sum(axis=-2)
        return total


class DifferentialMatrix:
    """A weight matrix that lives on arrays, one differential pair per weight or several.

    Multiplication always happens on the array. The `weight` that back-propagation uses comes
    from the conductances *read back*, never from what was asked for.

    Parameters
    ----------
    name
        Names the matrix in run files.
    array
        An array, or a view of one, of shape (2 inputs, outputs). See `from_plan` for several
        pairs per weight, folding, and several arrays.
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
        block = Block(name, array, rule, layout)
        whole = _Part(block, slice(None), slice(None), 1)
        plan = MatrixPlan.placed(name, block.shape, (0, 0))
        self._compose(plan, siemens_per_weight, read_voltage, [whole])

    @classmethod
    def from_plan(
        cls,
        plan: MatrixPlan,
        arrays: Sequence[Array],
        siemens_per_weight: float,
        read_voltage: float,
        make_rule: Callable[[Tile], UpdateRule],
        layout: Layout = Layout.BLOCK,
    ) -> Self:
        """Return a matrix whose cells lie where a plan says.

        Parameters
        ----------
        plan
            Tiles of the matrix; more than one when it is folded.
        arrays
            The arrays that the plan numbers from 0.
        siemens_per_weight, read_voltage, layout
            As for the class.
        make_rule
            Gives every tile a rule of its own.
        """
        parts = []
        for number, tile in enumerate(plan.tiles):
            name = plan.name if len(plan.tiles) == 1 else f"{plan.name}_{number}"
            view = arrays[tile.array][tile.rows, tile.columns]
            parts.append(
                _Part(
                    Block(name, view, make_rule(tile), layout, tile.array),
                    _tile_inputs(plan, tile),
                    slice(tile.outputs.start, tile.outputs.stop),
                    tile.beside,
                )
            )
        matrix = cls.__new__(cls)
        matrix._compose(plan, siemens_per_weight, read_voltage, parts)
        return matrix

    def _compose(
        self,
        plan: MatrixPlan,
        siemens_per_weight: float,
        read_voltage: float,
        parts: list[_Part],
    ) -> None:
        self.name = plan.name
        self.plan = plan
        """Where the cells lie on the arrays that the matrix was given."""
        self.siemens_per_weight = siemens_per_weight
        self.read_voltage = read_voltage
        self.shape = plan.inputs, plan.outputs
        self.copies = plan.copies.count
        """Differential pairs per weight, averaged."""
        self.weight: FloatArray
        """Weights from the last read-back, shape (inputs, outputs)."""
        self.feedback: FloatArray | None = None
        """What errors go back through instead, same shape; None: through `weight`."""
        self._parts = parts

    @property
    def blocks(self) -> list[Block]:
        """The rectangles of cells that hold the matrix."""
        return [part.block for part in self._parts]

    @property
    def slices(self) -> Sequence[DifferentialMatrix]:
        """The matrices whose weights add up to this one; an only one is it itself."""
        return [self]

    @property
    def backward_weight(self) -> FloatArray:
        """The weights that errors go back through, shape (inputs, outputs)."""
        return self.weight if self.feedback is None else self.feedback

    @property
    def array(self) -> Array:
        """The cells of a matrix that is one block."""
        return self._only.array

    @property
    def programmed(self) -> ProgrammedUpdate:
        """What the last update told the cells of a matrix that is one block."""
        return self._only.programmed

    @property
    def reading(self) -> Measurement:
        """The last conductance map of a matrix that is one block."""
        return self._only.reading

    @property
    def _only(self) -> Block:
        if len(self._parts) != 1:
            raise ValueError(f"{self.name} lies in {len(self._parts)} blocks; look at `blocks`")
        return self._parts[0].block

    def initialise(self) -> None:
        """Program the starting conductances and read them back."""
        self.program_start()
        self.read_back()

    def program_start(self) -> None:
        """Program the starting conductances; `read_back` must follow."""
        for block in self.blocks:
            block.initialise()

    def read_back(self) -> None:
        """Measure every conductance and derive `weight` from it: the mean over all copies."""
        self.weight = self.gather([block.difference() for block in self.blocks])
        self.weight /= self.siemens_per_weight

    def gather(self, by_block: Sequence[FloatArray]) -> FloatArray:
        """Return what pairs hold as one matrix, shape (inputs, outputs): the mean over all copies.

        Parameters
        ----------
        by_block
            A number for each pair of each of the `blocks`, shape (rows of pairs, columns).
        """
        whole = np.zeros(self.shape)
        for part, values in zip(self._parts, by_block, strict=True):
            summed = part.sum_copies(values)
            if isinstance(part.inputs, slice):
                whole[part.inputs, part.outputs] += summed
            else:
                # An input can stand in the block several times, once for each stacked copy.
                np.add.at(whole[:, part.outputs], part.inputs, summed)
        whole /= self.copies
        return whole

    def spread_out(self, weight: FloatArray) -> list[FloatArray]:
        """Return the weight of every pair of each of the `blocks`: undoes `gather`."""
        return [tile_weights(weight, self.plan, tile) for tile in self.plan.tiles]

    def multiply(self, x: FloatArray) -> FloatArray:
        """Multiply on the array: return x @ W, shape (..., outputs), for x of (..., inputs).

        Each vector is scaled so that its largest magnitude becomes the read voltage, and the
        result is scaled back. The partial sums of chunks, and the copies, are added up in
        software. Voltages are rounded to the steps of each array, where it has any.
        """
        peak, volts = _peaks(x), self.read_voltage
        scale = peak / (volts * self.siemens_per_weight * self.copies)
        if len(self._parts) == 1:
            part = self._parts[0]
            return part.sum_copies(part.block.current(x[..., part.inputs], peak, volts)) * scale
        product = np.zeros((*x.shape[:-1], self.shape[1]))
        for part in self._parts:
            current = part.block.current(x[..., part.inputs], peak, volts)
            product[..., part.outputs] += part.sum_copies(current)
        product *= scale
        return product

    def update(self, weight_change: FloatArray) -> None:
        """Program a change of the weights, shape (inputs, outputs), then read back."""
        self.program(weight_change)
        self.read_back()

    def program(self, weight_change: FloatArray) -> None:
        """Program a change of the weights, shape (inputs, outputs); `read_back` must follow.

        Both cells of every pair are asked for the full change, as published, so that with
        R_vg times the slope of the chip equal to one a weight moves by twice `weight_change`.
        """
        change = self.siemens_per_weight * weight_change
        for part in self._parts:
            wanted = change[part.inputs, part.outputs]
            part.block.change(wanted if part.beside == 1 else np.tile(wanted, part.beside))


def _peaks(x: FloatArray) -> FloatArray | float:
    """Return the largest magnitude of each vector, or 1 where that is 0; fits (..., inputs)."""
    if x.size == x.shape[-1]:  # one vector, as in each step of a recurrent layer
        low, high = extremes(x)
        return max(-low, high) or 1.0
    across = x.reshape(-1, x.shape[-1]).T
    if len(across) <= _SHORT:
        magnitude = np.abs(across, out=np.empty(across.shape))
        peak: FloatArray = magnitude.max(axis=0).reshape(*x.shape[:-1], 1)
    else:
        peak = np.abs(x).max(axis=-1, keepdims=True)
    peak[peak == 0.0] = 1.0
    return peak


def tile_weights(weight: FloatArray, plan: MatrixPlan, tile: Tile) -> FloatArray:
    """Return the weight of every pair of a tile, shape (rows of pairs, columns)."""
    held = weight[_tile_inputs(plan, tile), tile.outputs.start : tile.outputs.stop]
    return np.tile(held, tile.beside)


def _tile_inputs(plan: MatrixPlan, tile: Tile) -> slice | npt.NDArray[np.intp]:
    """Return the input that each row of pairs of a tile carries."""
    inputs = np.arange(tile.pairs.start, tile.pairs.stop) % plan.inputs
    if inputs[-1] - inputs[0] == inputs.size - 1:
        return slice(int(inputs[0]), int(inputs[-1]) + 1)
    return inputs
