"""What a board must do when it pulses."""

from __future__ import annotations

import numpy as np

from drivers.board import Board, PulseBatch
from memlab.testing.boards.codes import (
    OPEN_GATE,
    RESET,
    SET,
    STRONG_GATE,
    WEAK_GATE,
    BoardFixtures,
    conductance_codes,
    pulses,
)


class Pulses(BoardFixtures):
    """Fires pulses in order, at the selected cells alone."""

    def test_set_raises_the_conductance_and_reset_lowers_it(self, board: Board) -> None:
        low = conductance_codes(board)[1, 0]
        board.pulse(pulses(board, (3, SET, [1], STRONG_GATE)))
        high = conductance_codes(board)[1, 0]
        board.pulse(pulses(board, (3, RESET, [1], OPEN_GATE)))
        assert high > low + 2000
        assert conductance_codes(board)[1, 0] < low + 1000

    def test_a_larger_gate_voltage_leaves_a_larger_conductance(self, board: Board) -> None:
        batch = pulses(board, (3, SET, [1, 2], WEAK_GATE), (4, SET, [1, 2], STRONG_GATE))
        board.pulse(batch)
        codes = conductance_codes(board)
        assert (codes[1, :2] < codes[2, :2]).all()

    def test_columns_of_one_pulse_have_their_own_gates(self, board: Board) -> None:
        batch = pulses(board, (3, SET, [1, 2], WEAK_GATE))
        batch.gate_code[0, 2] = STRONG_GATE
        board.pulse(batch)
        codes = conductance_codes(board)
        assert codes[1, 0] < codes[1, 1]

    def test_pulses_are_fired_in_the_order_given(self, board: Board) -> None:
        down = (3, RESET, [1, 2], OPEN_GATE)
        up = (3, SET, [1, 2], STRONG_GATE)
        board.pulse(pulses(board, up, down, up))
        high = conductance_codes(board)[1, :2]
        board.pulse(pulses(board, down, up, down))
        low = conductance_codes(board)[1, :2]
        assert (high > low + 2000).all()

    def test_cells_that_are_not_selected_stay_untouched(
        self, board: Board, code_tolerance: int
    ) -> None:
        board.pulse(pulses(board, *((row, SET, [1, 2, 5, 6], WEAK_GATE) for row in (2, 3, 4))))
        before = conductance_codes(board)
        board.pulse(pulses(board, (3, RESET, [2, 5], OPEN_GATE), (3, SET, [2], STRONG_GATE)))
        difference = np.abs(conductance_codes(board) - before)
        # 0.8 V makes some 198 uS and 1.6 V some 277 uS, at 76.3 nS per code.
        assert difference[1, 1] > 500
        assert difference[1, 2] > 1500
        difference[1, 1:3] = 0
        assert difference.max() <= code_tolerance

    def test_a_batch_may_be_empty(self, board: Board, code_tolerance: int) -> None:
        before = conductance_codes(board)
        board.pulse(pulses(board))
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance

    def test_a_pulse_may_select_no_cell(self, board: Board, code_tolerance: int) -> None:
        before = conductance_codes(board)
        board.pulse(pulses(board, (3, SET, [], 0)))
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance

    def test_gates_that_are_not_selected_are_ignored(
        self, board: Board, code_tolerance: int
    ) -> None:
        batch = pulses(board, (3, SET, [1], STRONG_GATE))
        batch.gate_code[0, 2] = 65535
        before = conductance_codes(board)
        board.pulse(batch)
        after = conductance_codes(board)
        assert after[1, 0] > before[1, 0] + 1000
        assert abs(after[1, 1] - before[1, 1]) <= code_tolerance

    def test_the_batch_is_not_changed(self, board: Board) -> None:
        batch = pulses(board, (3, SET, [1], STRONG_GATE), (3, RESET, [1], OPEN_GATE))
        board.pulse(batch)
        expected = pulses(board, (3, SET, [1], STRONG_GATE), (3, RESET, [1], OPEN_GATE))
        for name in PulseBatch.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(batch, name), getattr(expected, name))
