"""Runs the self-test: asks, reads once, checks, grounds."""

from __future__ import annotations

import numpy as np

from drivers import stopping
from drivers.errors import DeviceError
from memlab.array.board_array import BoardArray
from memlab.selftest.checks import CHECKS, Context, Item
from memlab.selftest.readings import take_readings

__all__ = ["run_selftest"]

_SEED = 0
"""Of the random vectors: a test that is run again sees the same ones."""


@stopping.stopped_in_order()
def run_selftest(array: BoardArray) -> list[Item]:
    """Check a board through an array on it; returns one item per property.

    Where the array has a calibration, readings are corrected by it and less is allowed. No cell is
    pulsed; every line is at 0 V afterwards.
    """
    items = [_identity(array)]
    try:
        array.ground()
        items.append(Item("ground", True, "all lines to 0 V on request"))
        seen = take_readings(array, np.random.default_rng(_SEED))
    except DeviceError as error:  # the board refused: that is the result
        name = "ground" if len(items) == 1 else "readings"
        return [
            *items,
            Item(name, False, str(error), "look at the board's state: memlab board info"),
        ]
    context = Context(
        seen,
        array.rows.tolist(),
        array.columns.tolist(),
        array.board.capabilities.transimpedance,
        array.calibration is not None,
    )
    items += [check(context) for check in CHECKS]
    array.ground()
    return items


def _identity(array: BoardArray) -> Item:
    able = array.board.capabilities
    gains = ", ".join(f"{r:g}" for r in able.transimpedance)
    known = "calibrated" if array.calibration is not None else "not calibrated"
    size = f"{able.rows} x {able.columns} cells"
    text = f"{able.name} {able.serial}, {size}, gains of {gains} V/A, {known}"
    return Item("identity", bool(able.name and able.transimpedance), text)
