"""Slow noise of the cells: a function of time, whose currents are exactly summed."""

from bisect import bisect_right
from typing import Any

import numpy as np
import pytest

from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset
from memlab.emulator.cells.flicker import Flicker
from memlab.emulator.cells.fluctuation import Deviation, Steps
from memlab.emulator.readout import Operands
from memlab.emulator.slow_noise import SlowNoise
from tests.memlab.emulator.effects import relative_of

SHAPE = (7, 3)
STOPS = [3, 4, 290, 291, 300]


def operands_of(linear: np.ndarray, of_state: np.ndarray | None) -> Operands:
    nothing: Any = None
    return Operands(linear, None, 0.0, 1.0, 1.0, of_state, None, nothing, nothing)


def deviation_of(rng: np.random.Generator, flicker: bool, traps: bool, unit: float) -> Deviation:
    number = rng.integers(-32767, 32768, (5, *SHAPE)).astype(np.int16) if flicker else None
    cell = np.array([0, 4, 20]) if traps else np.empty(0, np.intp)
    drop = rng.choice([0.0, 0.3], (5, cell.size))
    return Deviation(number, unit, cell, drop, 32767 * unit + (0.3 if traps else 0.0))


@pytest.mark.parametrize("state", [False, True])
@pytest.mark.parametrize("unit", [2e-6, 4e-5])
@pytest.mark.parametrize(("flicker", "traps"), [(True, False), (False, True), (True, True)])
def test_the_currents_are_those_of_every_vector_in_whole_numbers(
    flicker: bool, traps: bool, unit: float, state: bool
) -> None:
    rng = np.random.default_rng(4)
    linear = np.rint(2.0**20 * np.arange(1, 22).reshape(SHAPE))
    of_state = rng.uniform(0.5, 1.5, SHAPE) if state else None
    deviation = deviation_of(rng, flicker, traps, unit)
    noise = SlowNoise(operands_of(linear, of_state), deviation, 2.0**18)
    volts = rng.integers(-(2**18), 2**18 + 1, (300, 7)).astype(float)
    found = np.zeros((300, 3))
    noise.add(volts, Steps(STOPS, deviation), 0, found)
    relative = relative_of(deviation, SHAPE) * (1.0 if of_state is None else of_state)
    matrices = linear * np.maximum(relative, -1.0)
    finest = 2**20 * noise.change(deviation)
    assert (finest == np.rint(finest)).all()
    for k, volt in enumerate(volts):
        moment = bisect_right(STOPS, k)
        # Numbers of the noise and drops are rounded to steps of the grid, once for each cell.
        np.testing.assert_allclose(found[k], volt @ matrices[moment], rtol=2e-3, atol=2e7)
    # Cut anywhere, in any order, they are the same bits.
    for first, last in ((0, 1), (2, 5), (100, 300), (290, 291)):
        again = np.zeros((last - first, 3))
        noise.add(volts[first:last], Steps(STOPS, deviation), first, again)
        np.testing.assert_array_equal(again, found[first:last])
    backwards = np.zeros((300, 3))
    turned = Deviation(
        None if deviation.number is None else deviation.number[:, ::-1],
        deviation.unit,
        (6 - deviation.cell // 3) * 3 + deviation.cell % 3,
        deviation.drop,
        deviation.most,
    )
    mirrored = operands_of(linear[::-1], None if of_state is None else of_state[::-1])
    SlowNoise(mirrored, turned, 2.0**18).add(volts[:, ::-1], Steps(STOPS, turned), 0, backwards)
    np.testing.assert_array_equal(backwards, found)


def test_a_cell_loses_no_more_than_all_it_conducts() -> None:
    linear = np.full(SHAPE, 2.0**20)
    number = np.full((1, *SHAPE), -32767, np.int16)
    deviation = Deviation(number, 1e-4, np.array([5]), np.full((1, 1), 0.5), 3.8)
    noise = SlowNoise(operands_of(linear, None), deviation, 2.0**12)
    np.testing.assert_array_equal(noise.change(deviation), -linear)


class TestFlicker:
    ROWS, COLUMNS = np.arange(40), np.arange(13)

    def made(self) -> Flicker:
        return Flicker(0.01, 19, 1_000_000, (40, 13), np.random.default_rng(3))

    def test_it_is_a_function_of_time_whatever_else_was_looked_at(self) -> None:
        times = 1_000_000 * np.array([0, 1, 63, 64, 65, 127, 5000, 10**7])
        whole = self.made().at(times, self.ROWS, self.COLUMNS)
        flicker = self.made()
        for k in (7, 2, 0, 5):
            one = flicker.at(times[k : k + 1], self.ROWS, self.COLUMNS)
            np.testing.assert_array_equal(one[0], whole[k])
        rows, columns = np.array([2, 3, 17]), np.array([0, 7, 12])
        part = flicker.at(times, rows, columns)
        np.testing.assert_array_equal(part, whole[:, rows[:, np.newaxis], columns])
        beside = flicker.at(times, rows[:2], columns[1:2])
        np.testing.assert_array_equal(beside, part[:, :2, 1:2])

    def test_cells_know_nothing_of_each_other(self) -> None:
        # 400 times, far apart even for the slowest term: independent in all terms.
        times = 1_000_000 * (1 << 20) * np.arange(400)
        flicker = self.made()
        seen = flicker.at(times, self.ROWS, self.COLUMNS) * flicker.unit
        n = seen.size
        assert abs(seen.std() / 0.01 - 1) < 4.5 / np.sqrt(2 * n)
        assert abs(seen.mean()) < 4.5 * 0.01 / np.sqrt(n)
        assert abs((seen**4).mean() / seen.var() ** 2 - 3) < 4.5 * np.sqrt(24 / n)
        for one, other in (
            (seen[:, 1:], seen[:, :-1]),
            (seen[:, :, 1:], seen[:, :, :-1]),
            (seen[1:], seen[:-1]),
            (seen[:, 5:, 3:], seen[:, :-5, :-3]),
        ):
            found = np.corrcoef(one.ravel(), other.ravel())[0, 1]
            assert abs(found) < 4.5 / np.sqrt(one.size)


def test_bending_goes_with_slow_noise() -> None:
    """All of a cell bends: its noise is in proportion to all of its current, at any voltage."""
    changes = {
        "nonlinearity.voltage": 0.2,
        "nonlinearity.ohmic_conductance": 0.0,
        "read_noise.telegraph_cells": 1.0,
        "read_noise.telegraph_amplitude": 0.3,
        "read_noise.dwell_minimum": 1e6,
        "read_noise.dwell_maximum": 1e6,
    }
    board = EmulatedBoard(load_preset("ideal").replace(**changes), 3, (8, 5))
    array = BoardArray(board)
    array.program(1.25)
    full = board.chip.fluctuation._traps.full.reshape(8, 5)
    assert 0 < full.sum() < 40
    for volts in (0.05, -0.2):
        found = array.vmm(volts * np.eye(8), gain=2)
        np.testing.assert_allclose(found[full].mean() / found[~full].mean(), 0.7, rtol=1e-3)
        assert np.ptp(found[full]) < 1e-4 * abs(found[full].mean()) + 16e-9
