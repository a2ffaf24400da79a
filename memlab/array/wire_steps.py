"""Steps of the voltage that a board's wire carries, where it does not carry every DAC code."""

from __future__ import annotations

import numpy as np

from memlab.errors import LimitError
from memlab.numeric import FloatArray

__all__ = ["nearest_step", "on_steps"]


def nearest_step(voltage: FloatArray, step: float) -> FloatArray:
    """Return voltages rounded to whole steps in V; unchanged where the step is 0."""
    return np.round(voltage / step) * step if step else voltage


def on_steps(voltage: FloatArray, step: float, what: str, *, rounding: bool) -> FloatArray:
    """Return voltages (V) on the board's steps: rounded if that was asked for, else as they are.

    The same object where nothing changes.

    Raises
    ------
    LimitError
        If one lies between two steps, and was not to be rounded.
    """
    if not step or not voltage.size:
        return voltage
    nearest = nearest_step(voltage, step)
    if rounding:
        return nearest
    off = np.abs(nearest - voltage)
    if off.max() > 1e-9:  # NaN and infinity are left to the limits, which name themselves
        worst = voltage.flat[int(off.argmax())]
        raise LimitError(
            f"{what} {worst:.6g} V: the wire of this board carries steps of {step:g} V "
            f"only. Choose {nearest.flat[int(off.argmax())]:.6g} V, or open the array with "
            "rounding=nearest (in its URL). Nothing was sent"
        )
    return voltage
