"""Simulated time and energy: how long the analogue part takes on the real board, and what it costs.

    VMM     load the rows in use + settle + pulse + convert + read the columns in use
    read    per row: two DAC words instead of all (the next row of a one-hot scan), else as a VMM
    pulse   load the gates and lines of the selected columns + settle + width

Automatic gain converts a vector at up to four gains. Whether that takes time is the board's: the
default assumes that it does not; with `gain_conversions` = 4 each further one takes another pulse,
conversion and readout, needed or not, as a controller that merges afterwards does.

(Board reference 4.) Nothing else takes simulated time: not the link, not the host. Durations are
whole ns, so that the time of a vector is the same however a batch is cut.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drivers.board import Timing
from memlab.emulator.profile import TimingParameters

__all__ = ["OperationTimes"]


class OperationTimes:
    """How long operations take, in ns.

    Parameters
    ----------
    parameters
        Of the board.
    pulse_offset, pulse_tick
        A pulse of n ticks lasts pulse_offset + n * pulse_tick seconds.
    """

    def __init__(self, parameters: TimingParameters, pulse_offset: float, pulse_tick: float):
        self._parameters = parameters
        self._offset, self._tick = pulse_offset, pulse_tick

    def width(self, ticks: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the width (s) of pulses of these timer ticks."""
        return self._offset + np.asarray(ticks) * self._tick

    def vmm(self, rows: int, columns: int, timing: Timing) -> int:
        """Return the time of one vector."""
        return self._sample(rows, columns, timing)

    def read(self, rows: int, columns: int, timing: Timing) -> int:
        """Return the time of one row of a conductance map."""
        return self._sample(min(rows, 2), columns, timing)

    def further(self, columns: int, timing: Timing) -> int:
        """Return the time that automatic gain adds to one vector or row."""
        # The lines stay as they are; nothing is loaded.
        once = self._sample(0, columns, timing) - round(timing.settle_us * 1e3)
        return (self._parameters.gain_conversions - 1) * once

    def pulses(
        self, selected: npt.NDArray[np.intp], ticks: npt.NDArray[np.uint16]
    ) -> npt.NDArray[np.int64]:
        """Return the time of each pulse, for its number of selected columns and its width."""
        parameters = self._parameters
        # The row, and for each column its gate and its line.
        words = -(-(1 + 2 * selected) // parameters.dac_words_parallel)
        seconds = words * parameters.dac_word + parameters.dac_settle + self.width(ticks)
        return np.rint(seconds * 1e9).astype(np.int64)

    def _sample(self, dac_words: int, adc_words: int, timing: Timing) -> int:
        parameters = self._parameters
        words = -(-dac_words // parameters.dac_words_parallel)
        seconds = (
            words * parameters.dac_word
            + timing.settle_us * 1e-6
            + float(self.width(timing.column_ticks))
            + parameters.adc_convert
            + adc_words * parameters.adc_word
        )
        return round(seconds * 1e9)
