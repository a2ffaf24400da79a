"""What a board must do when it reads and multiplies."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.board import AUTO_GAIN, Board, Selection
from drivers.converter import Codes
from drivers.errors import DeviceError, LimitError
from memlab.testing.boards.codes import (
    CELLS,
    READ_VOLTAGE,
    SET,
    STRONG_GATE,
    WEAK_GATE,
    BoardFixtures,
    Words,
    conductances,
    pulses,
    vectors,
)


class Reads(BoardFixtures):
    """Reads cells one row after the other."""

    def test_samples_have_a_row_for_each_row_and_a_column_for_each_column(
        self, board: Board, words: Words
    ) -> None:
        samples = board.read(CELLS, words.read)
        assert samples.code.shape == samples.gain.shape == (3, 4)
        assert samples.code.dtype == words.able.sense.dtype
        assert samples.gain.dtype == np.uint8

    def test_all_lines_can_be_read(self, board: Board, words: Words) -> None:
        shape = rows, columns = words.able.rows, words.able.columns
        everything = Selection(np.arange(rows), np.arange(columns))
        assert board.read(everything, words.read).code.shape == shape

    def test_one_cell_can_be_read(self, board: Board, words: Words) -> None:
        last = np.array([words.able.rows - 1]), np.array([words.able.columns - 1])
        assert board.read(Selection(*last), words.read).code.shape == (1, 1)

    def test_a_fixed_gain_is_the_gain_of_a_read(self, board: Board, words: Words) -> None:
        for gain in words.gains:
            assert (board.read(CELLS, words.read, gain).gain == gain).all()

    def test_automatic_gain_chooses_among_the_gains(self, board: Board, words: Words) -> None:
        board.pulse(pulses(board, (3, SET, [1, 2], STRONG_GATE)))
        gain = board.read(CELLS, words.read, AUTO_GAIN).gain
        assert gain.min() >= 1
        assert gain.max() <= words.gains[-1]
        # 1.6 V makes some 277 uS, so 55 uA: on the published board above the 22 uA of gain 3 and
        # below the 220 uA of gain 2.
        assert (gain[1, :2] == words.gain).all()

    def test_a_read_at_a_gain_that_does_not_exist_is_refused(
        self, board: Board, words: Words
    ) -> None:
        for gain in (-1, words.gains[-1] + 1):
            with pytest.raises(DeviceError, match="gain"):
                board.read(CELLS, words.read, gain)

    def test_a_row_code_beyond_the_read_limit_is_refused(self, board: Board, words: Words) -> None:
        ends = words.able.row.codes.minimum, words.able.row.codes.maximum
        for row_code in (words.read + 1, words.read_negative - 1, *ends):
            with pytest.raises(LimitError):
                board.read(CELLS, row_code)

    def test_a_line_that_does_not_exist_is_refused(self, board: Board, words: Words) -> None:
        able = words.able
        with pytest.raises(DeviceError):
            board.read(Selection(np.array([0, able.rows]), np.array([0])), words.read)
        with pytest.raises(DeviceError):
            board.read(Selection(np.array([0]), np.array([0, able.columns])), words.read)

    def test_reading_does_not_program(self, board: Board, words: Words, tolerance: float) -> None:
        board.pulse(pulses(board, (2, SET, [1, 6], STRONG_GATE)))
        before = conductances(board)
        for _ in range(10):
            board.read(CELLS, words.read)
        assert np.abs(conductances(board) - before).max() <= tolerance

    def test_current_flows_from_row_to_column_as_the_board_says(
        self, board: Board, words: Words
    ) -> None:
        board.pulse(pulses(board, (2, SET, [1, 2, 5, 6], STRONG_GATE)))
        assert (conductances(board)[0] > 75e-6).all()
        negative = words.current(board.read(CELLS, words.read_negative, words.gain))[0]
        assert (negative < -15e-6).all()

    def test_gains_agree_within_a_code_of_the_coarser(
        self, board: Board, words: Words, noise: int, resolution: float
    ) -> None:
        board.pulse(pulses(board, (2, SET, [1, 2], WEAK_GATE), (4, SET, [5], STRONG_GATE)))
        automatic = words.current(board.read(CELLS, words.read, AUTO_GAIN))
        for gain in range(1, words.gain + 1):
            step = max(resolution, abs(words.able.current_per_code[gain - 1]))
            fixed = words.current(board.read(CELLS, words.read, gain))
            assert np.abs(fixed - automatic).max() <= (1 + noise) * step

    def test_rows_of_a_selection_keep_their_lines(self, board: Board, tolerance: float) -> None:
        # A board that mixes up rows and columns, or counts from the first selected line, fails.
        board.pulse(pulses(board, (4, SET, [6], STRONG_GATE)))
        inside = conductances(board)
        alone = conductances(board, Selection(np.array([4]), np.array([6])))
        assert inside.argmax() == 11
        assert abs(inside[2, 3] - alone[0, 0]) <= tolerance


class Multiplies(BoardFixtures):
    """Multiplies vectors."""

    @pytest.mark.parametrize("n", [0, 1, 7])
    def test_samples_have_a_row_for_each_vector(
        self, board: Board, multiplies: None, words: Words, n: int
    ) -> None:
        samples = board.vmm(CELLS, vectors(words, n))
        assert samples.code.shape == samples.gain.shape == (n, 4)
        assert samples.code.dtype == words.able.sense.dtype
        assert samples.gain.dtype == np.uint8

    def test_a_fixed_gain_is_the_gain_of_a_vmm(
        self, board: Board, multiplies: None, words: Words
    ) -> None:
        for gain in words.gains:
            assert (board.vmm(CELLS, vectors(words, 2), gain).gain == gain).all()

    def test_a_vmm_at_a_gain_that_does_not_exist_is_refused(
        self, board: Board, multiplies: None, words: Words
    ) -> None:
        for gain in (-1, words.gains[-1] + 1):
            with pytest.raises(DeviceError, match="gain"):
                board.vmm(CELLS, vectors(words, 2), gain)

    def test_one_row_code_beyond_the_read_limit_refuses_the_batch(
        self, board: Board, multiplies: None, words: Words
    ) -> None:
        for row_code in (words.read + 1, words.read_negative - 1):
            wrong = vectors(words, 5)
            wrong[4, 2] = row_code
            with pytest.raises(LimitError, match=str(row_code)):
                board.vmm(CELLS, wrong)

    @pytest.mark.parametrize("shape", [(2, 2), (2, 4), (3,), (1, 2, 3)])
    def test_vectors_that_do_not_fit_the_rows_are_refused(
        self, board: Board, multiplies: None, words: Words, shape: tuple[int, ...]
    ) -> None:
        with pytest.raises((DeviceError, ValueError)):
            board.vmm(CELLS, np.full(shape, words.zero, words.able.row.dtype))

    def test_no_voltage_gives_no_current(
        self, board: Board, multiplies: None, words: Words, noise: int, resolution: float
    ) -> None:
        board.pulse(pulses(board, (2, SET, [1, 2, 5, 6], STRONG_GATE)))
        nothing = np.full((2, 3), words.zero, words.able.row.dtype)
        current = words.current(board.vmm(CELLS, nothing, words.gain))
        assert np.abs(current).max() <= noise * resolution

    def test_a_product_has_the_sign_that_the_board_says(
        self, board: Board, multiplies: None, words: Words
    ) -> None:
        board.pulse(pulses(board, (2, SET, [1, 2, 5, 6], STRONG_GATE)))
        codes = np.full((2, 3), words.zero, words.able.row.dtype)
        codes[:, 0] = words.read, words.read_negative
        current = words.current(board.vmm(CELLS, codes, words.gain))
        assert (current[0] > 15e-6).all()
        assert (current[1] < -15e-6).all()

    def test_rows_add_up(
        self, board: Board, multiplies: None, words: Words, noise: int, resolution: float
    ) -> None:
        board.pulse(pulses(board, (2, SET, [1, 2], WEAK_GATE), (3, SET, [1, 5], STRONG_GATE)))
        one_hot = self.one_hot(words)
        codes = np.stack([one_hot[0], one_hot[1], np.maximum(one_hot[0], one_hot[1])])
        one, other, both = words.current(board.vmm(CELLS, codes, words.gain))
        # Three roundings of half a code each, so that whole codes differ by one at most.
        allowed = (1 + 2 * noise) * resolution * (1 + 1e-6)
        assert np.abs(one + other - both).max() <= allowed

    def test_a_read_is_a_vmm_of_one_hot_vectors(
        self, board: Board, multiplies: None, words: Words, tolerance: float
    ) -> None:
        board.pulse(pulses(board, (2, SET, [1, 2], WEAK_GATE), (4, SET, [6], STRONG_GATE)))
        multiplied = words.current(board.vmm(CELLS, self.one_hot(words), words.gain))
        read = words.current(board.read(CELLS, words.read, words.gain))
        assert np.abs(multiplied - read).max() <= tolerance * READ_VOLTAGE

    @staticmethod
    def one_hot(words: Words) -> Codes:
        """Return row codes of one vector for each of the three rows."""
        codes = np.where(np.eye(3, dtype=bool), words.read, words.zero)
        return np.asarray(codes.astype(words.able.row.dtype))
