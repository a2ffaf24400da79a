"""What an emulated chip truly is: what a procedure that measures it ought to find.

    from memlab.testing import truth_of

    def test_my_yield(memlab_open):
        array = memlab_open("emulator:?chip=ta-hfo2&defects.stuck_on=0.1&seed=3")[0:16, 0:8]
        truth = truth_of(array)
        found = my_yield(array)
        assert (found.stuck == truth.stuck).all()

Nothing is measured and no simulated time passes. The arrays are copies: to write into one changes
nothing.
"""

from __future__ import annotations

import numpy as np

from drivers.board import Board
from memlab.array import Array
from memlab.emulator.truth import GroundTruth

__all__ = ["GroundTruth", "truth_of"]


def truth_of(array: Array | Board) -> GroundTruth:
    """Return the truth about an emulated array, a view of one, or an emulated board.

    Raises
    ------
    TypeError
        If there is no emulated board in this process: a real chip does not know, and a board
        behind a port does not tell; `ServedBoard(...).board` can be asked.
    """
    simulation = array.simulation
    if simulation is None:
        raise TypeError(
            f"{type(array).__name__} has no emulated board in this process, whose truth could be "
            "told; use emulator: or the board of a ServedBoard"
        )
    if isinstance(array, Array):
        rows, columns = array.rows.copy(), array.columns.copy()
    else:
        able = array.capabilities
        rows, columns = np.arange(able.rows), np.arange(able.columns)
    truth: GroundTruth = simulation.truth(rows, columns)
    return truth
