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
noiseless current already tells the outcome; only the others are converted, at the two gains that
the decision is between. Which way a reading goes does not change its value, so that batches may be
cut anywhere.

The conversion at the gain that the noiseless current asks for has the reading's own deviate, as a
reading at a fixed gain has; the others have further ones (`Deviates.further`).
"""

from __future__ import annotations

from copy import copy
from functools import cached_property
from math import inf, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.board import Capabilities
from memlab.emulator.front_end import ColumnErrors
from memlab.emulator.normal import Deviates, Places
from memlab.numeric import FloatArray

__all__ = ["GainChoice", "GainIndex"]

GainIndex = npt.NDArray[np.integer[Any]]
"""Gains counted from 0: uint8, or of few readings intp, which numpy looks up faster."""

_PAIR = np.arange(2)[:, np.newaxis]
"""The two gains of a decision, from the lower one."""

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
        self._nominal = (capabilities.gain_threshold / R[1:] / unit).tolist()
        """Currents below which the next gain is taken, by the rule."""
        self._threshold = _Bounds(self._nominal, self._nominal)
        self._bound = capabilities.gain_threshold / capabilities.sense.step * R[:-1] / R[1:]
        """The same in codes of the gain below."""
        bow = 0.0 if errors.bow is None else float(np.abs(errors.bow).max())
        self._limit = capabilities.clipped_code - 0.5 - bow
        """Codes from which a reading counts as clipped, whatever a bent ADC makes of it."""
        self._scale = errors.scale * unit
        self._offset = errors.offset
        self._deviate = largest_deviate
        steep = np.abs(self._scale)
        self._steep, self._flat = steep.max(axis=1).tolist(), steep.min(axis=1).tolist()
        self._off = 0.0 if errors.offset is None else float(np.abs(errors.offset).max())
        alike = R / capabilities.sense.step * unit
        self._ideal = bool((np.abs(steep / alike[:, np.newaxis] - 1.0) <= _SLACK).all())
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
        self._exact = variance is None and self._offset is None and self._ideal
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
        if self._exact and variance is None:
            return self._threshold.below(current)
        bounds = self._of_board if variance is None else self._bounds(float(variance.max()))
        index, most = bounds.least_and_most(current)
        open_ = np.not_equal(index, most).reshape(-1).nonzero()[0]
        if open_.size:
            self._convert(open_, index, most, current, variance, noise)
        return index

    def _bounds(self, variance: float) -> _Bounds:
        """Return currents: below the first the next gain is taken for certain, and does not clip.

        At the second and above it is certainly not taken. One for each gain but the last. What the
        rule says of the noiseless current lies between: a reading whose own deviate goes to another
        conversion than the chosen one counts as open, however certain, as bounds depend on what is
        in the batch and codes must not.
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
            low.append(min(taken, fits, self._nominal[k], low[-1] if low else inf))
            not_taken = (bound * (1.0 + _SLACK) + error[k]) / self._flat[k]
            high.append(max(not_taken, self._nominal[k]))
        return _Bounds(low, high)

    def _convert(
        self,
        open_: Places,
        index: GainIndex,
        most: GainIndex,
        current: FloatArray,
        variance: FloatArray | None,
        noise: Deviates | None,
    ) -> None:
        """Convert the open readings at the least gain and the next, and see if the board goes on.

        Where it does, and the next decision is open, too, again from there.
        """
        columns = current.shape[1]
        own = None if noise is None else noise.value.reshape(-1).take(open_)
        while open_.size:
            vector = open_ // columns
            column = open_ - vector * columns
            least = index.reshape(-1).take(open_)
            gain = np.add(least, _PAIR, dtype=np.intp)
            I = current.reshape(-1).take(open_)  # noqa: E741 - the field's own letter
            scale = _of_columns(self._scale, gain, column)
            reading = scale * I
            if noise is not None and own is not None:
                judged, more = self._threshold.below(I), noise.further(vector, column, gain)
                deviate = np.where(gain == judged, own, more)
                reading += self._sigma(scale, gain, column, variance, open_) * deviate
            if self._offset is not None:
                reading += self._offset.take(column)
            np.abs(reading, out=reading)
            goes_on = reading[0] < self._bound.take(least)
            goes_on &= reading[1] < self._limit
            index.reshape(-1)[open_] = least + goes_on.view(np.uint8)
            again = goes_on & (gain[1] < most.reshape(-1).take(open_))
            if noise is not None and own is not None:
                noise.value.reshape(-1)[open_] = np.where(goes_on, deviate[1], deviate[0])
                own = own[again]
            open_ = open_[again]

    def _sigma(
        self,
        scale: FloatArray,
        gain: Places,
        column: Places,
        variance: FloatArray | None,
        open_: Places,
    ) -> FloatArray:
        """Return the noise of conversions in codes, shape (2, readings) as `scale` and `gain`."""
        board = None if self._variance is None else _of_columns(self._variance, gain, column)
        if variance is None:
            return np.zeros((1, 1)) if board is None else np.sqrt(board)
        total: FloatArray = scale * scale * variance.reshape(-1).take(open_)
        if board is not None:
            total += board
        return np.sqrt(total, out=total)


def _of_columns(table: FloatArray, gain: Places, column: Places) -> FloatArray:
    """Return values at some gains, as many as columns; a table may have one for all columns."""
    if table.shape[1] > 1:
        gain = gain * table.shape[1] + column
    return table.take(gain)


_FEW = 512
"""Readings for which a search, in one call, is faster than a comparison with each bound."""


class _Bounds:
    """Counts how many bounds the magnitude of a current is below, by two opinions of each bound.

    Parameters
    ----------
    low, high
        The bounds, and what they are at most; no magnitude is below one that is not above 0.
    """

    def __init__(self, low: list[float], high: list[float]):
        self._low, self._high = low, high

    def below(self, current: FloatArray) -> GainIndex:
        """Return how many of the low bounds each current is below, same shape."""
        if current.size > _FEW:
            return _number_below(np.abs(current), self._low)
        edges, below, _ = self._search
        return below.take(edges.searchsorted(current, "right"))

    def least_and_most(self, current: FloatArray) -> tuple[GainIndex, GainIndex]:
        """Return what `below` does, and the same of the high bounds."""
        if current.size > _FEW:
            magnitude = np.abs(current)
            return _number_below(magnitude, self._low), _number_below(magnitude, self._high)
        edges, below, most = self._search
        place = edges.searchsorted(current, "right")
        return below.take(place), most.take(place)

    @cached_property
    def _search(self) -> tuple[FloatArray, npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Where to search a current, of either sign, and what holds from each edge on."""
        up = np.unique([bound for bound in (*self._low, *self._high) if bound > 0.0])
        # A negative one at a bound is not below it, either.
        edges = np.concatenate([np.nextafter(-up[::-1], 0.0), up])
        least = np.concatenate([up[::-1], [0.0], up])
        below, most = (_number_below(least, bounds) for bounds in (self._low, self._high))
        return edges, below.astype(np.intp), most.astype(np.intp)


def _number_below(magnitude: FloatArray, bounds: list[float]) -> GainIndex:
    count: GainIndex = (magnitude < bounds[0]).view(np.uint8)
    for bound in bounds[1:]:
        count += (magnitude < bound).view(np.uint8)
    return count
