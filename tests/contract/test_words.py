"""The codes of the contract suites on the published board, against codes by hand.

A row or column at V is 32768 + V * 6553.6, a gate V * 6553.6 (spans of +/-5 V and 0 to 10 V); n
ticks last 0.16 us + n / 240 MHz (board reference 0.1); a code at gain 2 is 15.26 nA (3.1).
"""

import numpy as np
import pytest

from drivers.board import LineClass, Mode, Samples
from drivers.converter import CodeRange
from drivers.mock_board import MockBoard
from memlab.testing.boards.codes import RESET, SET, Words, pulses


@pytest.fixture
def board() -> MockBoard:
    return MockBoard((128, 64))


def test_voltages_and_widths_are_those_of_the_reference(board: MockBoard) -> None:
    words = Words(board.capabilities)
    assert (words.zero, words.read, words.read_negative) == (32768, 34079, 31457)
    assert (words.amplitude(SET), words.amplitude(RESET)) == (49152, 43909)
    assert [words.gate(volts) for volts in (0.8, 1.6, 5.0)] == [5243, 10486, 32768]
    assert (words.width, words.widths) == (202, (10, 1000))
    assert (words.gain, words.gains) == (2, range(1, 5))
    limits = words.config.limits
    assert limits[LineClass.ROW, Mode.READ] == CodeRange(31457, 34079)
    assert limits[LineClass.COLUMN, Mode.SET] == CodeRange(32768, 49152)
    assert limits[LineClass.GATE, Mode.RESET] == CodeRange(0, 32768)


def test_pulses_are_made_of_them(board: MockBoard) -> None:
    batch = pulses(board, (3, SET, [1, 2], 0.8), (2, RESET, [5], 5.0))
    assert batch.amplitude_code.tolist() == [49152, 43909]
    assert batch.width_ticks.tolist() == [202, 202]
    assert batch.gate_code[0, :4].tolist() == [0, 5243, 5243, 0]
    assert batch.gate_code[1, 5] == 32768
    assert [np.flatnonzero(row).tolist() for row in batch.columns] == [[1, 2], [5]]


def test_a_current_is_a_negative_voltage_of_the_adc(board: MockBoard) -> None:
    samples = Samples(np.array([[32767, 33768]], np.uint16), np.array([[2, 1]], np.uint8))
    found = Words(board.capabilities).current(samples)
    np.testing.assert_allclose(found, [[15.26e-9, -1000 * 152.6e-9]], rtol=1e-3)
