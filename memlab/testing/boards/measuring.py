"""What a board must do when it reads and multiplies."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.board import AUTO_GAIN, Board, Selection
from drivers.errors import DeviceError, LimitError
from memlab.testing.boards.codes import (
    CELLS,
    READ,
    READ_NEGATIVE,
    SET,
    STRONG_GATE,
    WEAK_GATE,
    ZERO,
    BoardFixtures,
    conductance_codes,
    current,
    pulses,
    vectors,
)


class Reads(BoardFixtures):
    """Reads cells one row after the other."""

    def test_samples_have_a_row_for_each_row_and_a_column_for_each_column(
        self, board: Board
    ) -> None:
        samples = board.read(CELLS, READ)
        assert samples.code.shape == samples.gain.shape == (3, 4)
        assert samples.code.dtype == np.uint16
        assert samples.gain.dtype == np.uint8

    def test_all_lines_can_be_read(self, board: Board) -> None:
        shape = rows, columns = board.capabilities.rows, board.capabilities.columns
        everything = Selection(np.arange(rows), np.arange(columns))
        assert board.read(everything, READ).code.shape == shape

    def test_one_cell_can_be_read(self, board: Board) -> None:
        last = np.array([board.capabilities.rows - 1]), np.array([board.capabilities.columns - 1])
        assert board.read(Selection(*last), READ).code.shape == (1, 1)

    @pytest.mark.parametrize("gain", [1, 2, 3, 4])
    def test_a_fixed_gain_is_the_gain_of_a_read(self, board: Board, gain: int) -> None:
        assert (board.read(CELLS, READ, gain).gain == gain).all()

    def test_automatic_gain_chooses_among_the_gains(self, board: Board) -> None:
        board.pulse(pulses(board, (3, SET, [1, 2], STRONG_GATE)))
        gain = board.read(CELLS, READ, AUTO_GAIN).gain
        assert gain.min() >= 1
        assert gain.max() <= 4
        # 1.6 V makes some 277 uS, so 55 uA: above the 22 uA of gain 3, below the 220 uA of gain 2.
        assert (gain[1, :2] == 2).all()

    @pytest.mark.parametrize("gain", [-1, 5])
    def test_a_read_at_a_gain_that_does_not_exist_is_refused(self, board: Board, gain: int) -> None:
        with pytest.raises(DeviceError, match="gain"):
            board.read(CELLS, READ, gain)

    @pytest.mark.parametrize("row_code", [READ + 1, READ_NEGATIVE - 1, 65535, 0])
    def test_a_row_code_beyond_the_read_limit_is_refused(self, board: Board, row_code: int) -> None:
        with pytest.raises(LimitError):
            board.read(CELLS, row_code)

    def test_a_line_that_does_not_exist_is_refused(self, board: Board) -> None:
        able = board.capabilities
        with pytest.raises(DeviceError):
            board.read(Selection(np.array([0, able.rows]), np.array([0])), READ)
        with pytest.raises(DeviceError):
            board.read(Selection(np.array([0]), np.array([0, able.columns])), READ)

    def test_reading_does_not_program(self, board: Board, code_tolerance: int) -> None:
        board.pulse(pulses(board, (2, SET, [1, 6], STRONG_GATE)))
        before = conductance_codes(board)
        for _ in range(10):
            board.read(CELLS, READ)
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance

    def test_gains_agree_within_a_code_of_the_coarser(
        self, board: Board, code_tolerance: int
    ) -> None:
        board.pulse(pulses(board, (2, SET, [1, 2], WEAK_GATE), (4, SET, [5], STRONG_GATE)))
        automatic = current(board, board.read(CELLS, READ, AUTO_GAIN))
        for gain, step in [(1, 152.59e-9), (2, 15.259e-9)]:  # A per code, board reference 3.1
            fixed = current(board, board.read(CELLS, READ, gain))
            assert np.abs(fixed - automatic).max() <= (1 + code_tolerance) * step


class Multiplies(BoardFixtures):
    """Multiplies vectors."""

    @pytest.mark.parametrize("n", [0, 1, 7])
    def test_samples_have_a_row_for_each_vector(self, board: Board, n: int) -> None:
        samples = board.vmm(CELLS, vectors(n))
        assert samples.code.shape == samples.gain.shape == (n, 4)
        assert samples.code.dtype == np.uint16
        assert samples.gain.dtype == np.uint8

    @pytest.mark.parametrize("gain", [1, 2, 3, 4])
    def test_a_fixed_gain_is_the_gain_of_a_vmm(self, board: Board, gain: int) -> None:
        assert (board.vmm(CELLS, vectors(2), gain).gain == gain).all()

    @pytest.mark.parametrize("gain", [-1, 5])
    def test_a_vmm_at_a_gain_that_does_not_exist_is_refused(self, board: Board, gain: int) -> None:
        with pytest.raises(DeviceError, match="gain"):
            board.vmm(CELLS, vectors(2), gain)

    @pytest.mark.parametrize("row_code", [READ + 1, READ_NEGATIVE - 1])
    def test_one_row_code_beyond_the_read_limit_refuses_the_batch(
        self, board: Board, row_code: int
    ) -> None:
        wrong = vectors(5)
        wrong[4, 2] = row_code
        with pytest.raises(LimitError, match=str(row_code)):
            board.vmm(CELLS, wrong)

    @pytest.mark.parametrize("shape", [(2, 2), (2, 4), (3,), (1, 2, 3)])
    def test_vectors_that_do_not_fit_the_rows_are_refused(
        self, board: Board, shape: tuple[int, ...]
    ) -> None:
        with pytest.raises((DeviceError, ValueError)):
            board.vmm(CELLS, np.full(shape, ZERO, np.uint16))

    def test_no_voltage_gives_no_current(self, board: Board, code_tolerance: int) -> None:
        board.pulse(pulses(board, (2, SET, [1, 2, 5, 6], STRONG_GATE)))
        code = board.vmm(CELLS, np.full((2, 3), ZERO, np.uint16), 2).code.astype(int)
        assert np.abs(code - ZERO).max() <= code_tolerance

    def test_current_is_a_negative_adc_voltage(self, board: Board) -> None:
        board.pulse(pulses(board, (2, SET, [1, 2, 5, 6], STRONG_GATE)))
        code = board.vmm(CELLS, np.array([[READ, ZERO, ZERO], [READ_NEGATIVE, ZERO, ZERO]]), 2).code
        assert (code[0] < ZERO - 1000).all()
        assert (code[1] > ZERO + 1000).all()

    def test_rows_add_up(self, board: Board, code_tolerance: int) -> None:
        board.pulse(pulses(board, (2, SET, [1, 2], WEAK_GATE), (3, SET, [1, 5], STRONG_GATE)))
        codes = np.array([[READ, ZERO, ZERO], [ZERO, READ, ZERO], [READ, READ, ZERO]], np.uint16)
        one, other, both = ZERO - board.vmm(CELLS, codes, 2).code.astype(int)
        # Three roundings of half a code each.
        assert np.abs(one + other - both).max() <= 1 + 2 * code_tolerance

    def test_a_read_is_a_vmm_of_one_hot_vectors(self, board: Board, code_tolerance: int) -> None:
        board.pulse(pulses(board, (2, SET, [1, 2], WEAK_GATE), (4, SET, [6], STRONG_GATE)))
        one_hot = np.where(np.eye(3, dtype=bool), READ, ZERO).astype(np.uint16)
        difference = board.vmm(CELLS, one_hot, 2).code.astype(int) - board.read(CELLS, READ, 2).code
        assert np.abs(difference).max() <= code_tolerance

    def test_rows_of_a_selection_keep_their_lines(self, board: Board, code_tolerance: int) -> None:
        # A board that mixes up rows and columns, or counts from the first selected line, fails.
        board.pulse(pulses(board, (4, SET, [6], STRONG_GATE)))
        inside = conductance_codes(board)
        alone = conductance_codes(board, Selection(np.array([4]), np.array([6])))
        assert inside.argmax() == 11
        assert abs(inside[2, 3] - alone[0, 0]) <= code_tolerance
