"""How a board begins and ends."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from drivers.board import Board
from drivers.errors import DeviceError
from memlab.testing.boards.codes import (
    CELLS,
    SET,
    STRONG_GATE,
    WEAK_GATE,
    BoardFixtures,
    Words,
    conductances,
    pulses,
    vectors,
)


class Lives(BoardFixtures):
    """Says who it is, drives nothing before it is configured, and nothing when it is closed."""

    def test_a_board_says_who_it_is(self, closed_board: Board) -> None:
        assert isinstance(closed_board, Board)
        capabilities = closed_board.capabilities
        assert capabilities.name
        assert capabilities.serial
        assert capabilities.firmware

    def test_it_has_room_for_the_cells_of_this_suite(self, closed_board: Board) -> None:
        able = closed_board.capabilities
        assert able.rows > CELLS.rows[-1]
        assert able.columns > CELLS.columns[-1]

    def test_gains_rise_and_are_trusted_only_below_the_clip_level(
        self, closed_board: Board
    ) -> None:
        capabilities = closed_board.capabilities
        assert list(capabilities.transimpedance) == sorted(set(capabilities.transimpedance))
        assert 0 < capabilities.gain_threshold <= capabilities.clip <= capabilities.sense.maximum

    @pytest.mark.parametrize(
        "use",
        [
            lambda board, words: board.read(CELLS, words.read),
            lambda board, words: board.vmm(CELLS, vectors(words, 1)),
            lambda board, words: board.pulse(pulses(board, (2, SET, [1], WEAK_GATE))),
        ],
        ids=["read", "vmm", "pulse"],
    )
    def test_nothing_is_driven(
        self, closed_board: Board, words: Words, use: Callable[[Board, Words], object]
    ) -> None:
        with pytest.raises(DeviceError):
            use(closed_board, words)

    def test_ground_is_allowed(self, closed_board: Board) -> None:
        closed_board.ground()

    def test_ground_at_any_time_changes_no_cell(self, board: Board, tolerance: float) -> None:
        board.pulse(pulses(board, (3, SET, [1], STRONG_GATE)))
        before = conductances(board)
        board.ground()
        board.ground()
        assert np.abs(conductances(board) - before).max() <= tolerance

    def test_a_board_can_be_closed_twice(self, board: Board) -> None:
        board.close()
        board.close()

    @pytest.mark.parametrize(
        "use",
        [
            lambda board, words: board.read(CELLS, words.read),
            lambda board, words: board.vmm(CELLS, vectors(words, 1)),
            lambda board, words: board.pulse(pulses(board, (2, SET, [1], WEAK_GATE))),
            lambda board, words: board.configure(words.config),
        ],
        ids=["read", "vmm", "pulse", "configure"],
    )
    def test_a_closed_board_is_not_used(
        self, board: Board, words: Words, use: Callable[[Board, Words], object]
    ) -> None:
        board.close()
        with pytest.raises(DeviceError, match="closed"):
            use(board, words)

    def test_an_exception_closes_the_board_and_passes_on(
        self, open_board: Callable[[], Board]
    ) -> None:
        board = open_board()
        words = Words(board.capabilities)

        def fail_while_open() -> None:
            with board:
                board.configure(words.config)
                raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            fail_while_open()
        with pytest.raises(DeviceError, match="closed"):
            board.read(CELLS, words.read)

    def test_a_closed_board_can_be_opened_again(self, open_board: Callable[[], Board]) -> None:
        open_board().close()
        with open_board() as board:
            words = Words(board.capabilities)
            board.configure(words.config)
            assert board.read(CELLS, words.read).code.shape == (3, 4)
