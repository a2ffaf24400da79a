"""Automatic gain, as the board can do it: measure, then choose.

    k = 1, 2, ...    while the reading at gain k is below 2.2 V / R of gain k + 1, convert at k + 1;
                     a reading that clips is not taken: that of the gain below, already there, is.

The rule up to gain 2 is that of the published host code (Li 2019, real_array1.m: measure at both
gains, merge at 220 uA), extended to four gains as in `drivers.tia`. The board sees readings only:
each conversion has the offsets and the mismatch of its amplifier, and noise of its own. So such a
merge is biased near a threshold, by up to 0.4 of the noise of a conversion, away from zero. The one
thing left out is that the ADC rounds before the host compares, which moves a threshold by at most
half a code, 0.04 %; so on an ideal board the gain is that of the true current, to the last bit.

Few readings are close to a decision. Where no error and no noise of the board could turn one, the
noiseless current already tells the outcome; only the others are converted gain by gain. Which way
a reading goes does not change its value, so that batches may be cut anywhere.

The conversion at the gain that the noiseless current asks for has the reading's own deviate, as a
reading at a fixed gain has; the others have further ones (`Deviates.further`).
"""

from __future__ import annotations

from copy import copy
from math import inf, sqrt

import numpy as np
import numpy.typing as npt

from drivers import max11046
from drivers.board import Capabilities
from drivers.tia import clipped_code
from memlab.emulator.front_end import ColumnErrors
from memlab.emulator.normal import Deviates

__all__ = ["GainChoice"]

FloatArray = npt.NDArray[np.float64]
GainIndex = npt.NDArray[np.uint8]

_SLACK = 1e-9
"""Part of a bound by which a decision counts as open: far more than floating point loses."""


class GainChoice:
    """Chooses the gain of every reading of some columns.

    Parameters
    ----------
    capabilities
        Transimpedances, threshold and clip level: what the board goes by.
    errors
        Of the columns; the true scale, offset and noise of their conversions.
    unit
        A per unit of current.
    largest_deviate
        Of the source of noise.
    """

    def __init__(
        self,
        capabilities: Capabilities,
        errors: ColumnErrors,
        unit: float,
        largest_deviate: float,
    ):
        R = np.array(capabilities.transimpedance)
        self._threshold = (capabilities.gain_threshold / R[1:] / unit).tolist()
        """Currents below which the next gain is taken, by the rule."""
        self._bound = capabilities.gain_threshold / max11046.STEP * R[:-1] / R[1:]
        """The same in codes of the gain below, shape (gains - 1,)."""
        bow = 0.0 if errors.bow is None else float(np.abs(errors.bow).max())
        self._limit = clipped_code(capabilities.clip) - 0.5 - bow
        """Codes from which a reading counts as clipped, whatever a bent ADC makes of it."""
        # Gains last: all conversions of a reading lie together.
        self._scale = np.ascontiguousarray((errors.scale * unit).T)
        self._offset = errors.offset
        self._deviate = largest_deviate
        steep = np.abs(self._scale)
        self._steep, self._flat = steep.max(axis=0).tolist(), steep.min(axis=0).tolist()
        self._off = 0.0 if errors.offset is None else float(np.abs(errors.offset).max())
        self._static = errors.scale, errors.offset, unit
        self._set_noise(errors.variance)

    def of(self, errors: ColumnErrors, unit: float) -> GainChoice | None:
        """Return the choice for the same columns with other noise, or None if they are others."""
        scale, offset, last = self._static
        if scale is not errors.scale or offset is not errors.offset or last != unit:
            return None
        other = copy(self)
        other._set_noise(errors.variance)
        return other

    def _set_noise(self, variance: FloatArray | None) -> None:
        self._variance = variance
        if variance is None:
            self._noise = [0.0] * len(self._steep)
        else:
            self._noise = variance.max(axis=-1).tolist()
        self._exact = variance is None and self._offset is None and self._steep == self._flat
        self._of_board = self._bounds(0.0)

    def choose(
        self, current: FloatArray, variance: FloatArray | None, noise: Deviates | None
    ) -> GainIndex:
        """Return the gain of each reading, counted from 0.

        Parameters
        ----------
        current
            In units, without noise, shape (n, columns).
        variance
            Of the cells' noise in units squared, same shape, or None.
        noise
            The readings' own deviates; that of the chosen conversion takes the place of each.
        """
        magnitude = np.abs(current)
        if self._exact and variance is None:
            return _count(magnitude, self._threshold)
        low, high = self._of_board if variance is None else self._bounds(float(variance.max()))
        index = _count(magnitude, low)
        open_ = np.flatnonzero(index != _count(magnitude, high))
        if open_.size:
            self._convert(open_, index, current, variance, noise)
        return index

    def _bounds(self, variance: float) -> tuple[list[float], list[float]]:
        """Return currents: below the first the next gain is taken for certain, and does not clip.

        At the second and above it is certainly not taken. Shape (gains - 1,) each.
        """
        error = [
            (self._off + self._deviate * sqrt(noise + variance * steep**2)) * (1.0 + _SLACK)
            for noise, steep in zip(self._noise, self._steep, strict=True)
        ]
        low: list[float] = []
        high: list[float] = []
        for k, bound in enumerate(self._bound.tolist()):
            taken = (bound * (1.0 - _SLACK) - error[k]) / self._steep[k]
            fits = (self._limit * (1.0 - _SLACK) - error[k + 1]) / self._steep[k + 1]
            low.append(min(taken, fits, low[-1] if low else inf))
            high.append((bound * (1.0 + _SLACK) + error[k]) / self._flat[k])
        return low, high

    def _convert(
        self,
        open_: npt.NDArray[np.intp],
        index: GainIndex,
        current: FloatArray,
        variance: FloatArray | None,
        noise: Deviates | None,
    ) -> None:
        """Convert the open readings at every gain, and see how far the board would have gone."""
        columns = current.shape[1]
        vector = open_ // columns
        column = open_ - vector * columns
        I = current.reshape(-1).take(open_)  # noqa: E741 - the field's own letter
        scale = self._scale if len(self._scale) == 1 else self._scale.take(column, axis=0)
        reading = I[:, np.newaxis] * scale
        if noise is not None:
            deviate = noise.further(vector, column)[:, : reading.shape[1]]
            each = np.arange(I.size)
            deviate[each, _count(np.abs(I), self._threshold)] = noise.value.reshape(-1).take(open_)
            reading += self._sigma(scale, column, variance, open_) * deviate
        if self._offset is not None:
            reading += self._offset.take(column)[:, np.newaxis]
        np.abs(reading, out=reading)
        goes_on = reading[:, :-1] < self._bound
        goes_on &= reading[:, 1:] < self._limit
        chosen = goes_on[:, 0].astype(np.uint8)
        so_far = goes_on[:, 0]
        for k in range(1, goes_on.shape[1]):
            so_far = so_far & goes_on[:, k]
            chosen += so_far
        index.reshape(-1)[open_] = chosen
        if noise is not None:
            noise.value.reshape(-1)[open_] = deviate[each, chosen]

    def _sigma(
        self,
        scale: FloatArray,
        column: npt.NDArray[np.intp],
        variance: FloatArray | None,
        open_: npt.NDArray[np.intp],
    ) -> FloatArray:
        """Return the noise of the conversions in codes, shape (readings or 1, gains)."""
        board: FloatArray = np.zeros((1, 1))
        if self._variance is not None:
            one = self._variance.shape[1] == 1
            board = (self._variance if one else self._variance.take(column, axis=1)).T
        if variance is None:
            deviation: FloatArray = np.sqrt(board)
            return deviation
        total: FloatArray = variance.reshape(-1).take(open_)[:, np.newaxis] * (scale * scale)
        total += board
        return np.sqrt(total, out=total)


def _count(magnitude: FloatArray, bounds: list[float]) -> GainIndex:
    """Return how many of the bounds each magnitude is below."""
    count: GainIndex = (magnitude < bounds[0]).view(np.uint8)
    for bound in bounds[1:]:
        count += magnitude < bound
    return count
