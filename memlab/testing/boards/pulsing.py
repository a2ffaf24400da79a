"""What a board must do when it pulses."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.board import Board, PulseBatch
from drivers.errors import DeviceError
from drivers.history import prints_of
from memlab.testing.boards.codes import (
    OPEN_GATE,
    RESET,
    SET,
    STRONG_GATE,
    WEAK_GATE,
    BoardFixtures,
    Words,
    conductances,
    pulses,
)


class Pulses(BoardFixtures):
    """Fires pulses in order, at the selected cells alone."""

    def test_set_raises_the_conductance_and_reset_lowers_it(self, board: Board) -> None:
        low = conductances(board)[1, 0]
        board.pulse(pulses(board, (3, SET, [1], STRONG_GATE)))
        high = conductances(board)[1, 0]
        board.pulse(pulses(board, (3, RESET, [1], OPEN_GATE)))
        assert high > low + 150e-6
        assert conductances(board)[1, 0] < low + 75e-6

    def test_a_larger_gate_voltage_leaves_a_larger_conductance(
        self, board: Board, gated: None
    ) -> None:
        batch = pulses(board, (3, SET, [1, 2], WEAK_GATE), (4, SET, [1, 2], STRONG_GATE))
        board.pulse(batch)
        codes = conductances(board)
        assert (codes[1, :2] < codes[2, :2]).all()

    def test_columns_of_one_pulse_have_their_own_gates(
        self, board: Board, words: Words, gated: None
    ) -> None:
        batch = pulses(board, (3, SET, [1, 2], WEAK_GATE))
        batch.gate_code[:, 2] = words.gate(STRONG_GATE)
        board.pulse(batch)
        codes = conductances(board)
        assert codes[1, 0] < codes[1, 1]

    def test_pulses_are_fired_in_the_order_given(self, board: Board) -> None:
        down = (3, RESET, [1, 2], OPEN_GATE)
        up = (3, SET, [1, 2], STRONG_GATE)
        board.pulse(pulses(board, up, down, up))
        high = conductances(board)[1, :2]
        board.pulse(pulses(board, down, up, down))
        low = conductances(board)[1, :2]
        assert (high > low + 150e-6).all()

    def test_cells_that_are_not_selected_stay_untouched(
        self, board: Board, tolerance: float
    ) -> None:
        board.pulse(pulses(board, *((row, SET, [1, 2, 5, 6], WEAK_GATE) for row in (2, 3, 4))))
        before = conductances(board)
        board.pulse(pulses(board, (3, RESET, [2, 5], OPEN_GATE), (3, SET, [2], STRONG_GATE)))
        difference = np.abs(conductances(board) - before)
        # 0.8 V makes some 198 uS and 1.6 V some 277 uS; without gates it is as it was.
        assert difference[1, 1] > (38e-6 if board.capabilities.gate is not None else -1.0)
        assert difference[1, 2] > 115e-6
        difference[1, 1:3] = 0
        assert difference.max() <= tolerance

    def test_a_pulse_of_more_cells_than_the_board_can_is_refused(
        self, board: Board, tolerance: float
    ) -> None:
        before = conductances(board)
        for kind, most in zip((SET, RESET), board.capabilities.cells_at_once, strict=True):
            if 0 < most < 4:
                batch = pulses(board, (2, kind, [1], WEAK_GATE), (3, kind, [1], WEAK_GATE))
                batch.columns[1, [1, 2, 5, 6]] = True
                batch.gate_code[1] = batch.gate_code[1, 1]
                with pytest.raises(DeviceError, match="at once"):
                    board.pulse(batch)
        assert np.abs(conductances(board) - before).max() <= tolerance

    def test_a_batch_may_be_empty(self, board: Board, tolerance: float) -> None:
        before = conductances(board)
        board.pulse(pulses(board))
        assert np.abs(conductances(board) - before).max() <= tolerance

    def test_a_pulse_may_select_no_cell(self, board: Board, tolerance: float) -> None:
        before = conductances(board)
        board.pulse(pulses(board, (3, SET, [], 0)))
        assert np.abs(conductances(board) - before).max() <= tolerance

    def test_gates_that_are_not_selected_are_ignored(self, board: Board, tolerance: float) -> None:
        batch = pulses(board, (3, SET, [1], STRONG_GATE))
        batch.gate_code[0, 2] = np.iinfo(batch.gate_code.dtype).max
        before = conductances(board)
        board.pulse(batch)
        after = conductances(board)
        assert after[1, 0] > before[1, 0] + 75e-6
        assert abs(after[1, 1] - before[1, 1]) <= tolerance

    def test_the_batch_is_not_changed(self, board: Board) -> None:
        batch = pulses(board, (3, SET, [1], STRONG_GATE), (3, RESET, [1], OPEN_GATE))
        board.pulse(batch)
        expected = pulses(board, (3, SET, [1], STRONG_GATE), (3, RESET, [1], OPEN_GATE))
        for name in PulseBatch.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(batch, name), getattr(expected, name))

    def test_a_history_that_is_kept_with_the_chip_has_the_pulses_that_were_fired(
        self, board: Board
    ) -> None:
        before = board.history()
        batch = pulses(board, (3, SET, [1, 5], WEAK_GATE), (3, RESET, [1], OPEN_GATE))
        board.pulse(batch)
        conductances(board)
        expected = None if before is None else before.after(prints_of(batch))
        assert board.history() == expected
        if before is not None:
            assert board.history(before.count) == before
            assert board.history(before.count + 3) is None
