"""The analogue signal chain, integer to integer.

    row DAC code -> volts -> cells -> amps -> TIA (gain, clip) -> ADC -> code

Voltages are whole numbers of 2^-20 V (every DAC step is a multiple of that) and transfer
conductances whole numbers of 2^-33 S, both held in float64. Products are whole numbers of
2^-53 A, and sums of 128 of them at up to 1 V and 5 mS stay below 2^53: the matrix product is
exact, so the order of summation, the batch size, the BLAS and its threads cannot change a code.
Everything after it is elementwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers import max11046
from drivers.board import AUTO_GAIN, Capabilities, Samples
from drivers.ltc2668 import Span
from memlab.emulator.chip import GRID

__all__ = ["VOLT_GRID", "SignalChain", "grid_volts"]

VOLT_GRID = 2.0**20
"""Steps per volt of the voltage grid."""

MID_CODE = 32768
"""Offset-binary code of 0 V."""

FloatArray = npt.NDArray[np.float64]


def grid_volts(code: npt.NDArray[np.uint16], span: Span) -> FloatArray:
    """Return the DAC output as whole numbers of 2^-20 V held in float64, same shape."""
    volts = np.multiply(code, span.step * VOLT_GRID, dtype=np.float64)
    volts += span.minimum * VOLT_GRID
    return volts


@dataclass(frozen=True)
class _Ranges:
    """Per gain: ADC codes per grid ampere (negative, the TIA inverts); per step: threshold."""

    code_per_current: FloatArray
    threshold: FloatArray


class SignalChain:
    """TIAs and ADCs of all columns.

    Automatic gain follows the published rule, extended to four gains: a channel steps up from
    gain 1 while the current would leave less than 2.2 V at the next gain (Li 2019's code merges
    gain 1 and 2 at 2.2e-4 A; board reference 0.1 and 3.1).
    """

    def __init__(self, capabilities: Capabilities):
        transimpedance = np.array(capabilities.transimpedance)
        ampere = 1.0 / (GRID * VOLT_GRID)
        self._ranges = _Ranges(
            code_per_current=-transimpedance * ampere / max11046.STEP,
            threshold=capabilities.gain_threshold / transimpedance[1:] / ampere,
        )
        self._clip = capabilities.clip / max11046.STEP

    def digitise(self, current: FloatArray, gain: int) -> Samples:
        """Turn column currents into ADC codes.

        Parameters
        ----------
        current
            Whole numbers of 2^-53 A, shape (n, columns); used as work space.
        gain
            1, 2, ... or `AUTO_GAIN`.
        """
        ranges = self._ranges
        if gain == AUTO_GAIN:
            magnitude = np.abs(current)
            index = (magnitude < ranges.threshold[0]).view(np.uint8)
            for threshold in ranges.threshold[1:]:
                index += magnitude < threshold
            current *= ranges.code_per_current.take(index)
            used = index + np.uint8(1)
        else:
            current *= ranges.code_per_current[gain - 1]
            used = np.full(current.shape, gain, np.uint8)
        np.minimum(current, self._clip, out=current)
        np.maximum(current, -self._clip, out=current)
        np.rint(current, out=current)
        current += MID_CODE
        return Samples(code=current.astype(np.uint16), gain=used)
