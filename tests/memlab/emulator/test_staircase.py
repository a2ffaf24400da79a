"""Figure 1b of Wang 2019: 15 SETs with rising gate voltage, then 15 RESET-SET pairs, falling.

Bounds are 4.5 standard errors, from the numbers of cells.
"""

import math

import numpy as np
import pytest

from tests.memlab.emulator.effects import EVERY, SIGMAS, assert_fraction, make

UP = np.linspace(1.0, 2.4, 15)
GATES = np.concatenate([UP, UP[::-1]])


@pytest.fixture(scope="module")
def staircase() -> np.ndarray:
    """Conductance read after each of the 30 steps, (30, 128, 64)."""
    array, _ = make("pt-taox-ta", seed=1)
    array.program(0.0, reset=EVERY, set=~EVERY)
    maps = []
    for step, gate in enumerate(GATES):
        array.program(gate, reset=EVERY if step >= 15 else None)
        maps.append(array.read_conductance())
    return np.array(maps)


def responding(staircase: np.ndarray) -> np.ndarray:
    cells = np.ptp(staircase, axis=0) > 50e-6
    assert_fraction(cells, 0.89)
    return staircase[:, cells]


def test_the_mean_is_linear_in_the_gate_voltage_down(staircase: np.ndarray) -> None:
    cells = responding(staircase)[15:]
    mean, n = cells.mean(axis=1), cells.shape[1]
    expected = 200e-6 / 1.1 * GATES[15:]
    # Each step begins with a full RESET: no memory, no bias. 20 nS: half a DAC step of the gate.
    assert np.abs(mean - expected).max() < SIGMAS * 10e-6 / math.sqrt(n) + 20e-9
    fit = np.polyfit(GATES[15:], mean, 1)
    assert fit[0] == pytest.approx(200e-6 / 1.1, rel=0.01)


def test_the_mean_is_linear_in_the_gate_voltage_up(staircase: np.ndarray) -> None:
    cells = responding(staircase)[:15]
    mean = cells.mean(axis=1)
    slope, offset = np.polyfit(UP, mean, 1)
    # A step of 0.1 V adds 18 uS to 10 uS of noise: a cell that lies above its level stays there,
    # which lifts the mean by E[max(0, d)] with d ~ N(-18.2, 10) uS, and a little memory of it.
    lift = 10e-6 * _excess(18.18 / 10.0)
    expected = 200e-6 / 1.1 * UP
    assert (mean[1:] > expected[1:] - SIGMAS * 10e-6 / math.sqrt(cells.shape[1])).all()
    assert (mean[1:] < expected[1:] + 2 * lift + 0.6e-6).all()
    assert slope == pytest.approx(200e-6 / 1.1, rel=0.02)
    assert np.abs(mean - (slope * UP + offset)).max() < 0.5e-6


def test_the_spread_is_that_of_the_preset(staircase: np.ndarray) -> None:
    cells = responding(staircase)
    spread, n = cells.std(axis=1), cells.shape[1]
    error = SIGMAS * 10e-6 / math.sqrt(2 * n)
    assert np.abs(spread[15:] - 10e-6).max() < error
    # Rising, the few cells that stay above their level add a little.
    assert (spread[:15] > 10e-6 - error).all()
    assert (spread[:15] < 10e-6 + error + 0.3e-6).all()


def test_cells_that_do_not_respond_stay_at_nothing(staircase: np.ndarray) -> None:
    silent = np.ptp(staircase, axis=0) <= 50e-6
    assert np.abs(staircase[:, silent]).max() < 1e-9


def _excess(a: float) -> float:
    """E[max(0, z - a)] of a standard normal z."""
    density = math.exp(-a * a / 2) / math.sqrt(2 * math.pi)
    return density - a * 0.5 * math.erfc(a / math.sqrt(2))
