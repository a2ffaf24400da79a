"""The board that answers at once: it refuses what any board refuses, and its codes never change."""

from collections.abc import Callable

import numpy as np
import pytest

from drivers.board import Board
from memlab.array.urls import open_array, open_board
from memlab.errors import SettingError
from memlab.testing.boards.life import Lives
from memlab.testing.boards.limits import Limits
from memlab.testing.boards.tickets import KeepsTickets

URL = "mock:?shape=9x11"


class TestMockBoard(Lives, Limits, KeepsTickets):
    """What a board without a chip can do of the contract."""

    test_pulses_exactly_at_the_limits_are_fired = None  # they change no cell

    @pytest.fixture
    def open_board(self) -> Callable[[], Board]:
        return lambda: open_board(URL)


def test_its_codes_never_change_and_differ_by_column() -> None:
    with open_array(URL) as array:
        first = array.read_conductance()
        assert first.shape == (9, 11)
        assert (np.diff(first[0]) > 0).all()
        assert 1e-6 < first.min() < first.max() < 1e-3
        array.program(1.2)
        assert np.array_equal(array.read_conductance(), first)
        assert np.array_equal(array[2:5, 3:7].read_conductance(), first[2:5, 3:7])
        found = array.vmm(np.full((4, 9), 0.1), gain=1)
        assert np.array_equal(found, np.repeat(found[:1], 4, axis=0))
        assert array.simulation is None


def test_wrong_options_are_refused() -> None:
    with pytest.raises(SettingError, match="unknown option 'seed'"):
        open_board("mock:?seed=3")
