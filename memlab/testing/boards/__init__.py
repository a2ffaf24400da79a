"""What every `drivers.board.Board` must do, in codes alone: `BoardContract`.

    import pytest
    from memlab.testing import BoardContract
    from my_lab import MyBoard

    class TestMyBoard(BoardContract):
        @pytest.fixture
        def open_board(self):
            return lambda: MyBoard("/dev/ttyUSB3")

        @pytest.fixture
        def exact(self):
            return False  # True for a chip without noise and drift: its codes must repeat

Voltages, widths and conductances are those of the published board; what they are in codes, which
gains there are, and whether cells have gates the board says in its capabilities. An instrument
whose codes are finer than what it measures overrides `resolution`, too.

On hardware the suite pulses the cells of rows 2 to 4 and columns 1 to 6 a few dozen times, with the
published amplitudes. At least 5 x 7 lines are expected.
"""

from __future__ import annotations

from memlab.testing.boards.codes import BoardFixtures
from memlab.testing.boards.exact import Repeats
from memlab.testing.boards.life import Lives
from memlab.testing.boards.limits import Limits
from memlab.testing.boards.measuring import Multiplies, Reads
from memlab.testing.boards.pulsing import Pulses
from memlab.testing.boards.tickets import KeepsTickets

__all__ = ["BoardContract", "BoardFixtures"]


class BoardContract(Lives, Reads, Multiplies, Pulses, Limits, KeepsTickets, Repeats):
    """The tests of a board; a subclass named `Test...` gives the fixture `open_board`."""
