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

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from drivers.board import AUTO_GAIN, Capabilities, Samples
from drivers.converter import Codes
from memlab.emulator.auto_gain import GainChoice
from memlab.emulator.chip import GRID
from memlab.emulator.front_end import ColumnErrors, ColumnSettling
from memlab.emulator.grid import VOLT_GRID, grid_volts
from memlab.emulator.normal import Deviates, NormalSource
from memlab.emulator.products import Drive, Products, Stretch
from memlab.emulator.readout import Operands
from memlab.numeric import FloatArray
from memlab.storage import State

__all__ = ["VOLT_GRID", "SignalChain", "grid_volts"]

_SQUARE_BITS = 24
"""Bits of the largest squared voltage in the product with the cells' variance."""

# Adding this rounds half to even, as rint does, and leaves the ADC code less its middle in the low
# 16 bits of the float: 1.5 * 2^52 puts the last bit of the mantissa at 1.
_TO_CODE = 1.5 * 2.0**52


@dataclass(frozen=True, eq=False)
class _Tables:
    """What a block needs, with currents in units of the product.

    `scale`, `sigma` and `variance` have shape (gains, columns or 1), `offset` (codes) and `current`
    (columns,); `of_cells` is the cells' variance in whole numbers, each worth `of_cells_unit`
    squared units of current.
    """

    scale: FloatArray
    offset: FloatArray | None
    current: FloatArray | None
    sigma: FloatArray | None
    variance: FloatArray | None
    choice: GainChoice
    bow: FloatArray | None = None
    square_scale: float = 1.0
    of_cells: FloatArray | None = None
    of_cells_unit: float = 0.0


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
        self._to_code = _TO_CODE + self._middle
        # Beyond the ADC's own range the codes stick at its ends.
        self._low = max(-clip, sense.codes.minimum - self._middle)
        self._high = min(clip, sense.codes.maximum - self._middle)
        R = np.array(capabilities.transimpedance)
        self._ideal = ColumnErrors((-R / sense.step)[:, np.newaxis], None, None, None)
        self._choice: GainChoice | None = None
        self._tables_for: tuple[FloatArray | None, ColumnErrors, float, float] | None = None
        self._products = Products()
        self._tables: _Tables

    def state(self) -> State:
        """Return where the source of the noise stands."""
        return {} if self._normal is None else self._normal.state()

    def restore(self, state: State) -> None:
        """Go back to a `state`."""
        if self._normal is not None:
            self._normal.restore(state)

    def digitise(self, current: FloatArray, gain: int) -> Samples:
        """Turn column currents into ADC codes with ideal amplifiers and no noise.

        Parameters
        ----------
        current
            Whole numbers of 2^-53 A, shape (n, columns); used as work space.
        gain
            1, 2, ... or `AUTO_GAIN`.
        """
        tables = self._in_units(self._ideal, 1.0 / VOLT_GRID)
        out = Samples(np.empty(current.shape, np.uint16), np.empty(current.shape, np.uint8))
        self._convert(current, None, tables, gain, out.code, out.gain)
        return out

    def measure(
        self,
        row_code: Codes,
        drive: Drive,
        stretches: Iterable[Stretch],
        gain: int,
        out: Samples,
        settling: ColumnSettling | None = None,
    ) -> float:
        """Multiply vectors of row codes and digitise the column currents.

        Parameters
        ----------
        row_code
            Shape (n, rows).
        drive
            The lines.
        stretches
            The chip as the vectors find it, see `Products.of`.
        gain
            1, 2, ... or `AUTO_GAIN`.
        out
            Filled with codes and gains, shape (n, columns).
        settling
            Of the columns' amplifiers, where they do not settle in time.

        Returns
        -------
        The power that flows through the rows, in W, summed over the vectors.

        Raises
        ------
        DeviceError
            If a column could carry so much current (1 A) that sums would not be exact.
        """
        power = 0.0
        passing = self._products.of(row_code, drive, stretches, out.code.shape[1])
        for start, stop, v, work, current, (_, operands, errors) in passing:
            tables = self._tables_of(operands, errors, drive)
            squares = v[0] * v[0] if len(v) == 1 else np.einsum("ni,ni->i", v, v)
            power += float(squares @ operands.row_conductance)
            variance = None
            if tables.of_cells is not None:
                np.multiply(v, v, out=work)
                if tables.square_scale != 1.0:
                    work *= tables.square_scale
                    np.rint(work, out=work)
                variance = work @ tables.of_cells
                variance *= tables.of_cells_unit
            late = None if settling is None else (settling.steps(current), settling.unsettled)
            code, used = out.code[start:stop], out.gain[start:stop]
            self._convert(current, variance, tables, gain, code, used, late)
        return power * drive.unit**2

    def _tables_of(self, operands: Operands, errors: ColumnErrors, drive: Drive) -> _Tables:
        unit, largest = drive.unit, drive.largest
        # Slow noise changes the operands, but neither their errors nor the variance.
        key, last = (operands.variance, errors, unit, largest), self._tables_for
        if last is None or last[0] is not key[0] or last[1] is not errors or last[2:] != key[2:]:
            self._tables = self._with_cells(self._in_units(errors, unit), operands, drive)
            self._tables_for = key
        return self._tables

    def _in_units(self, errors: ColumnErrors, unit: float) -> _Tables:
        """Express currents in whole numbers of 2^-33 S times the voltage unit."""
        ampere = unit / GRID
        variance = errors.variance
        return _Tables(
            scale=errors.scale * ampere,
            offset=errors.offset,
            current=None if errors.current is None else errors.current / ampere,
            sigma=None if variance is None else np.sqrt(variance),
            variance=variance,
            choice=self._choice_of(errors, ampere),
            bow=errors.bow,
        )

    def _choice_of(self, errors: ColumnErrors, ampere: float) -> GainChoice:
        choice = None if self._choice is None else self._choice.of(errors, ampere)
        if choice is None:
            largest = 0.0 if self._normal is None else self._normal.largest
            choice = GainChoice(self._capabilities, errors, ampere, largest)
        self._choice = choice
        return choice

    @staticmethod
    def _with_cells(tables: _Tables, operands: Operands, drive: Drive) -> _Tables:
        variance = operands.variance
        if variance is None or not (most := variance.max()):
            return tables
        # V^2 has at most 24 bits and the sum of all rows 53, which leaves the rest for a cell.
        square_bits = max(1, int(np.ceil(2.0 * np.log2(drive.largest))))
        shift = max(0, square_bits - _SQUARE_BITS)
        bits = 52 - (square_bits - shift) - int(np.ceil(np.log2(len(variance))))
        unit = 2.0 ** (int(np.frexp(most)[1]) - bits)
        return replace(
            tables,
            square_scale=2.0**-shift,
            of_cells=np.rint(variance * (1.0 / unit)),
            of_cells_unit=unit * 2.0**shift * GRID**2,
        )

    def _convert(
        self,
        current: FloatArray,
        variance: FloatArray | None,
        tables: _Tables,
        gain: int,
        code: Codes,
        used: npt.NDArray[np.uint8],
        late: tuple[FloatArray, FloatArray] | None = None,
    ) -> None:
        """Turn currents into codes; `current`, `variance` and `late` are used as work space.

        `late` is by how much the currents have changed, and the part of it missing at each gain.
        (The gain is chosen by the settled current.)
        """
        if tables.current is not None:
            current += tables.current
        noisy = variance is not None or tables.sigma is not None
        noise = self._draw(current.shape) if noisy else None
        pick: _Pick = _Fixed(gain - 1)
        if gain == AUTO_GAIN:
            index = tables.choice.choose(current, variance, noise)
            np.add(index, np.uint8(1), out=used)
            pick = _Chosen(index)
        else:
            used[...] = gain
        if late is not None:
            step, unsettled = late
            step *= pick(unsettled)
            current -= step
        scale = pick(tables.scale)
        current *= scale
        if variance is not None and noise is not None:
            # In codes: the current's variance times scale^2, plus that of amplifier and ADC.
            variance *= scale
            variance *= scale
            if tables.variance is not None:
                variance += pick(tables.variance)
            np.sqrt(variance, out=variance)
            variance *= noise.value
            current += variance
        elif tables.sigma is not None and noise is not None:
            current += pick(tables.sigma) * noise.value
        if tables.offset is not None:
            current += tables.offset
        if tables.bow is not None:
            current += self._bow(current, tables.bow)
        np.maximum(current, self._low, out=current)
        np.minimum(current, self._high, out=current)
        current += self._to_code
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


_Pick = Callable[[FloatArray], FloatArray]


class _Fixed:
    """Picks from a table the values of one gain."""

    def __init__(self, index: int):
        self._index = index

    def __call__(self, table: FloatArray) -> FloatArray:
        """Return the row of the gain, shape (columns or 1,)."""
        row: FloatArray = table[self._index]
        return row


class _Chosen:
    """Picks from a table the value of the gain that each channel chose."""

    def __init__(self, index: npt.NDArray[np.uint8]):
        self._index = index
        self._flat: npt.NDArray[np.intp] | None = None

    def __call__(self, table: FloatArray) -> FloatArray:
        """Return one value per channel, shape (n, columns)."""
        columns = table.shape[1]
        if columns == 1:
            return table[:, 0].take(self._index)
        if self._flat is None:
            self._flat = np.multiply(self._index, columns, dtype=np.intp)
            self._flat += np.arange(columns)
        return table.take(self._flat)
