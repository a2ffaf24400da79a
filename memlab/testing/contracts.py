"""The contract suites on boards that memlab knows, without a line of code.

    python -m pytest --pyargs memlab.testing.contracts --board serial:///dev/ttyACM0
    python -m pytest --pyargs memlab.testing.contracts --board socket://host:port --board-exact

Without `--board` they run on `emulator:?chip=ideal`. On hardware they pulse the cells of rows 2 to
4 and columns 1 to 6 a few dozen times, with the published amplitudes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from drivers.board import Board
from memlab.array import Array
from memlab.array.urls import open_array, open_board
from memlab.testing.arrays import BoardArrayContract
from memlab.testing.boards import BoardContract


class TestBoard(BoardContract):
    """The board of `--board`."""

    @pytest.fixture
    def open_board(self, memlab_board_url: str) -> Callable[[], Board]:
        """Return what opens it."""
        return partial(open_board, memlab_board_url)

    @pytest.fixture
    def exact(self, memlab_board_exact: bool) -> bool:
        """Return whether its codes repeat."""
        return memlab_board_exact


class TestArray(BoardArrayContract):
    """The array on the board of `--board`."""

    @pytest.fixture
    def open_array(self, memlab_board_url: str) -> Callable[..., Array]:
        """Return what opens it."""
        return partial(open_array, memlab_board_url)

    @pytest.fixture
    def exact(self, memlab_board_exact: bool) -> bool:
        """Return whether its values repeat."""
        return memlab_board_exact
