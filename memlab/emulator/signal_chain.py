"""The analogue signal chain, integer to integer.

    row DAC code -> volts -> cells -> amps -> TIA (gain, clip) -> ADC -> code

Voltages are whole numbers of a DAC step (or, with errors of the DACs, of 2^-20 V, of which every
DAC step is a multiple) and transfer conductances whole numbers of 2^-33 S, both held in float64.
Sums of 128 products at up to 1 V and 5 mS stay below 2^53: the matrix product is exact, so the
order of summation, the batch size, the BLAS and its threads cannot change a code. The bound is a
column current of 1 A on the finer grid; an array that could carry more has a coarser one (`grid`),
and it is checked. Everything after the product is elementwise, and noise is drawn vector by vector.

Per vector and column one normal deviate is drawn. Its variance is that of amplifier and ADC, plus
V^2 @ variance of the cells, which is again a product of whole numbers. What further conversions of
automatic gain need is made of the same random bits (`memlab.emulator.auto_gain`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from drivers.board import AUTO_GAIN, Capabilities, Samples
from drivers.converter import Codes
from memlab.emulator.auto_gain import GainChoice
from memlab.emulator.cells.fluctuation import Steps
from memlab.emulator.chip import GRID
from memlab.emulator.front_end import ColumnErrors, ColumnSettling
from memlab.emulator.normal import Deviates, NormalSource
from memlab.emulator.products import LARGEST_BLOCK, Drive, Still
from memlab.emulator.readout import Operands
from memlab.numeric import FloatArray
from memlab.storage import State

__all__ = ["SignalChain", "Unchanging"]

_SQUARE_BITS = 24
"""Bits of the largest squared voltage in the product with the cells' variance."""

# Adding this rounds half to even, as rint does, and leaves the ADC code less its middle in the low
# 16 bits of the float: 1.5 * 2^52 puts the last bit of the mantissa at 1.
_TO_CODE = 1.5 * 2.0**52

_ONES = np.ones(LARGEST_BLOCK)
"""Adds up the vectors of a block."""


@dataclass(frozen=True, eq=False)
class _Tables:
    """What a block needs, with currents in units of the product.

    `scale`, `sigma`, `variance` and `unsettled` are flat, of all gains; where `columns` are the
    numbers of the columns, each gain has a value for every column, else one for all. `offset`
    (codes) and `current` are of the columns. `of_cells` is the cells' variance in whole numbers,
    each worth `of_cells_unit` squared units of current.
    """

    scale: FloatArray
    offset: FloatArray | None
    current: FloatArray | None
    sigma: FloatArray | None
    variance: FloatArray | None
    unsettled: FloatArray | None
    columns: npt.NDArray[np.intp] | None
    choice: GainChoice
    bow: FloatArray | None
    square_scale: float = 1.0
    of_cells: FloatArray | None = None
    of_cells_unit: float = 0.0


class Unchanging(NamedTuple):
    """What measures with a chip that stays as it is, see `SignalChain.measure`."""

    products: Still
    tables: _Tables
    settling: ColumnSettling | None
    unit: float
    errors: ColumnErrors


class SignalChain:
    """TIAs and ADCs of all columns.

    Parameters
    ----------
    capabilities
        Gains, threshold and clip level.
    normal
        Source of the noise.
    """

    def __init__(self, capabilities: Capabilities, normal: NormalSource | None = None):
        self._capabilities = capabilities
        self._normal = normal
        sense = capabilities.sense
        clip, self._middle = capabilities.clip / sense.step, float(sense.zero_code)
        # Arrays, which numpy takes faster than Python's floats.
        self._to_code = np.array(_TO_CODE + self._middle)
        # Beyond the ADC's own range the codes stick at its ends.
        self._low = np.array(max(-clip, sense.codes.minimum - self._middle))
        self._high = np.array(min(clip, sense.codes.maximum - self._middle))

    def state(self) -> State:
        """Return where the source of the noise stands."""
        return {} if self._normal is None else self._normal.state()

    def restore(self, state: State) -> None:
        """Go back to a `state`."""
        if self._normal is not None:
            self._normal.restore(state)

    def unchanging(
        self,
        operands: Operands,
        errors: ColumnErrors,
        drive: Drive,
        settling: ColumnSettling | None = None,
        last: Unchanging | None = None,
    ) -> Unchanging:
        """Prepare `measure` of a chip that stays as it is.

        Parameters
        ----------
        operands, errors
            The chip, and its columns' amplifiers and ADCs.
        drive
            The lines.
        settling
            Of the columns' amplifiers, where they do not settle in time.
        last
            What was prepared for the same lines before: what still holds is taken from it.

        Raises
        ------
        DeviceError
            If a column could carry so much current (1 A) that sums would not be exact.
        """
        products = Still(operands, drive)
        if last is not None and last.errors is errors and operands.variance is None:
            return last._replace(products=products)
        choice = None if last is None else last.tables.choice
        tables = self._in_units(errors, drive.unit, settling, choice)
        tables = self._with_cells(tables, operands, drive)
        return Unchanging(products, tables, settling, drive.unit, errors)

    def measure(
        self,
        row_code: Codes,
        chip: Unchanging,
        gain: int,
        out: Samples,
        steps: Steps | None = None,
        first: int = 0,
    ) -> float:
        """Multiply vectors of row codes and digitise the column currents.

        Parameters
        ----------
        row_code
            Shape (n, rows).
        chip
            From `unchanging`.
        gain
            1, 2, ... or `AUTO_GAIN`.
        out
            Filled with codes and gains, shape (n, columns).
        steps, first
            Of the slow noise, where there is any, and the number of the first vector in them.

        Returns
        -------
        The power that flows through the rows, in W, summed over the vectors.
        """
        products, tables, settling, unit, _ = chip
        (code, used), n, power = out, len(row_code), 0.0
        for start in range(0, n, products.block):
            some, to, by = row_code, code, used
            if n > products.block:
                block = slice(start, start + products.block)
                some, to, by = row_code[block], code[block], used[block]
            volts, work, current = products.multiply(some, steps, first + start)
            squares = np.multiply(volts, volts, out=work)
            power += _power(squares, products.operands.row_conductance)
            self._digitise(squares, current, tables, gain, to, by, settling)
        return power * unit**2

    def _in_units(
        self,
        errors: ColumnErrors,
        unit: float,
        settling: ColumnSettling | None = None,
        choice: GainChoice | None = None,
    ) -> _Tables:
        """Express currents in whole numbers of 2^-33 S times the voltage unit.

        `choice` is one of the same columns, maybe with other noise.
        """
        ampere = unit / GRID
        variance = errors.variance
        unsettled = None if settling is None else settling.unsettled
        columns = max(errors.scale.shape[1], 1 if variance is None else variance.shape[1])

        def flat(table: FloatArray) -> FloatArray:
            return table.repeat(columns // table.shape[1], axis=1).reshape(-1)

        return _Tables(
            scale=flat(errors.scale * ampere),
            offset=errors.offset,
            current=None if errors.current is None else errors.current / ampere,
            sigma=None if variance is None else flat(np.sqrt(variance)),
            variance=None if variance is None else flat(variance),
            unsettled=None if unsettled is None else flat(unsettled),
            columns=None if columns == 1 else np.arange(columns),
            choice=self._choice_of(errors, ampere, choice),
            bow=errors.bow,
        )

    def _choice_of(
        self, errors: ColumnErrors, ampere: float, last: GainChoice | None
    ) -> GainChoice:
        choice = None if last is None else last.of(errors, ampere)
        if choice is None:
            largest = 0.0 if self._normal is None else self._normal.largest
            choice = GainChoice(self._capabilities, errors, ampere, largest)
        return choice

    @staticmethod
    def _with_cells(tables: _Tables, operands: Operands, drive: Drive) -> _Tables:
        variance = operands.variance
        if variance is None or not (most := variance.max()):
            return tables
        # V^2 has at most 24 bits and the sum of all rows 53, which leaves the rest for a cell.
        square_bits = max(1, math.ceil(2.0 * math.log2(drive.largest)))
        shift = max(0, square_bits - _SQUARE_BITS)
        bits = 52 - (square_bits - shift) - math.ceil(math.log2(len(variance)))
        unit = 2.0 ** (math.frexp(most)[1] - bits)
        return replace(
            tables,
            square_scale=2.0**-shift,
            of_cells=np.rint(variance * (1.0 / unit)),
            of_cells_unit=unit * 2.0**shift * GRID**2,
        )

    def _digitise(
        self,
        squares: FloatArray,
        current: FloatArray,
        tables: _Tables,
        gain: int,
        code: Codes,
        used: npt.NDArray[np.uint8],
        settling: ColumnSettling | None,
    ) -> None:
        """Turn the currents of a block, at voltages of these squares, into codes and gains.

        Its arrays are work space. (The gain is chosen by the settled current.)
        """
        variance = noise = None
        if tables.of_cells is not None:
            if tables.square_scale != 1.0:
                squares *= tables.square_scale
                np.rint(squares, out=squares)
            variance = squares @ tables.of_cells
            variance *= tables.of_cells_unit
        step = None if settling is None else settling.steps(current)
        if tables.current is not None:
            current += tables.current
        if variance is not None or tables.sigma is not None:
            noise = self._draw(current.shape)
        at: Any = gain - 1
        if gain == AUTO_GAIN:
            at = tables.choice.choose(current, variance, noise)
        used[...] = at
        used += 1  # boards count from 1
        if tables.columns is not None:
            at = np.multiply(at, tables.columns.size, dtype=np.intp) + tables.columns
        if step is not None and tables.unsettled is not None:
            step *= tables.unsettled.take(at)
            current -= step
        scale = tables.scale.take(at)
        np.multiply(current, scale, out=current)
        if variance is not None and noise is not None:
            # In codes: the current's variance times scale^2, plus that of amplifier and ADC.
            variance *= scale
            variance *= scale
            if tables.variance is not None:
                variance += tables.variance.take(at)
            np.sqrt(variance, out=variance)
            variance *= noise.value
            current += variance
        elif tables.sigma is not None and noise is not None:
            current += tables.sigma.take(at) * noise.value
        if tables.offset is not None:
            current += tables.offset
        if tables.bow is not None:
            current += self._bow(current, tables.bow)
        current.clip(self._low, self._high, out=current)
        np.add(current, self._to_code, out=current)
        code[...] = current.view(np.uint64)

    def _bow(self, current: FloatArray, size: FloatArray) -> FloatArray:
        """Return what the ADCs' nonlinearity adds, in codes, same shape."""
        u = current.clip(self._low, self._high)
        u *= 1.0 / self._middle
        bow: FloatArray = u * u
        bow -= 1.0
        bow *= u
        bow *= size
        return bow

    def _draw(self, shape: tuple[int, ...]) -> Deviates:
        if self._normal is None:
            raise RuntimeError("this signal chain has no source of noise")
        return self._normal.deviates(np.empty(shape, np.float32))


def _power(squares: FloatArray, row_conductance: FloatArray) -> float:
    """Return what flows through the rows of these vectors, in squared units times S."""
    of_row = squares[0] if len(squares) == 1 else _ONES[: len(squares)].dot(squares)
    return float(of_row.dot(row_conductance))
