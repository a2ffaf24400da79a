"""What only a board whose chip has no noise can promise."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.board import AUTO_GAIN, Board
from memlab.testing.boards.codes import (
    CELLS,
    OPEN_GATE,
    RESET,
    SET,
    STRONG_GATE,
    WEAK_GATE,
    BoardFixtures,
    Words,
    pulses,
    vectors,
)


class Repeats(BoardFixtures):
    """Gives the same codes every time."""

    @pytest.fixture
    def programmed(self, board: Board, exact: bool, multiplies: None) -> Board:
        """Return a board with some cells SET; skip where codes need not repeat."""
        if not exact:
            pytest.skip("this chip has noise: its codes need not repeat")
        board.pulse(
            pulses(
                board,
                (2, SET, [1, 2, 5], WEAK_GATE),
                (3, SET, [2, 6], STRONG_GATE),
                (4, SET, [1, 6], 0.1),
            )
        )
        return board

    def test_every_vector_alone_gives_the_codes_of_the_batch(
        self, programmed: Board, words: Words
    ) -> None:
        codes = vectors(words, 9)
        for gain in (AUTO_GAIN, *words.gains):
            batch = programmed.vmm(CELLS, codes, gain)
            for k in range(9):
                alone = programmed.vmm(CELLS, codes[k : k + 1], gain)
                np.testing.assert_array_equal(alone.code, batch.code[k : k + 1])
                np.testing.assert_array_equal(alone.gain, batch.gain[k : k + 1])

    def test_automatic_gain_gives_the_code_of_the_gain_it_chose(
        self, programmed: Board, words: Words
    ) -> None:
        codes = vectors(words, 40)
        automatic = programmed.vmm(CELLS, codes, AUTO_GAIN)
        assert np.unique(automatic.gain).size >= min(2, len(words.gains))
        for gain in words.gains:
            chosen = automatic.gain == gain
            fixed = programmed.vmm(CELLS, codes, gain).code
            np.testing.assert_array_equal(automatic.code[chosen], fixed[chosen])

    def test_opposite_vectors_give_opposite_codes(self, programmed: Board, words: Words) -> None:
        codes = vectors(words, 20)
        opposite = (2 * words.zero - codes.astype(int)).astype(codes.dtype)
        plus = programmed.vmm(CELLS, codes, words.gain).code.astype(int)
        minus = programmed.vmm(CELLS, opposite, words.gain).code.astype(int)
        zero = words.able.sense.zero_code
        np.testing.assert_array_equal(plus - zero, zero - minus)

    def test_the_codes_of_the_caller_are_not_changed(self, programmed: Board, words: Words) -> None:
        codes = vectors(words, 5)
        kept = codes.copy()
        first = programmed.vmm(CELLS, codes)
        np.testing.assert_array_equal(codes, kept)
        np.testing.assert_array_equal(programmed.vmm(CELLS, codes).code, first.code)

    def test_samples_stay_as_they_are_after_later_calls(
        self, programmed: Board, words: Words
    ) -> None:
        samples = programmed.vmm(CELLS, vectors(words, 5))
        kept = samples.code.copy(), samples.gain.copy()
        programmed.vmm(CELLS, vectors(words, 5, seed=1))
        programmed.pulse(pulses(programmed, (2, RESET, [1], OPEN_GATE)))
        programmed.vmm(CELLS, vectors(words, 5))
        np.testing.assert_array_equal(samples.code, kept[0])
        np.testing.assert_array_equal(samples.gain, kept[1])
