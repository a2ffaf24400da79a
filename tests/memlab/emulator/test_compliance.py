"""SETs whose transistor limits the current, against an independent solution of one row."""

import math

import numpy as np
import pytest
from scipy.optimize import fsolve

from memlab.array.ideal import IdealArray
from memlab.chip.limits import OperatingPoint
from memlab.emulator import EmulatedBoard, load_preset
from tests.memlab.emulator.effects import EVERY, make

SLOPE, OFFSET = 98e-6, 120e-6
WIDTH = 0.16e-6 + 202 / 240e6
NODE = np.arange(1, 65)


def row_currents(
    gate: np.ndarray, stop: float, wire: float, driver: float, series: float = 0.0
) -> np.ndarray:
    """Solve for the 64 currents (A) of one row: Kirchhoff's laws and the law of the transistor."""
    shared = driver + wire * np.minimum.outer(NODE, NODE)  # ohm that two cells have in common

    def residual(current: np.ndarray) -> np.ndarray:
        read = SLOPE * (gate - shared @ (current * 1e-4)) + OFFSET
        return stop * read / (1 - series * read) * 1e4 - current

    solution = fsolve(residual, np.ones(64), xtol=1e-12)
    assert np.abs(residual(solution)).max() < 1e-9
    return solution * 1e-4


@pytest.mark.parametrize("series", [0.0, 600.0])
@pytest.mark.parametrize(("wire", "driver"), [(0.3, 0.1), (2.0, 5.0), (6.0, 0.0)])
def test_currents_are_those_of_the_transistors_over_the_lifted_bit_line(
    wire: float, driver: float, series: float
) -> None:
    array, board = make(
        set__stop_voltage=0.4,
        set__as_read_resistance=series,
        wires__resistance=wire,
        wires__driver_resistance=driver,
    )
    gate = np.round(np.random.default_rng(2).uniform(1.4, 2.4, 64) * 6553.6) / 6553.6
    array.program_row(17, gate)
    current = row_currents(gate, 0.4, wire, driver, series)
    # The lift is rounded to 1 uV, a part of 1e-10 S of the law.
    np.testing.assert_allclose(board.chip.conductance[17], current / 0.4, atol=3e-10)
    assert board.energy.set == pytest.approx(2.5 * current.sum() * WIDTH, rel=1e-5)


def test_about_a_tenth_of_a_milliampere_flows_through_a_cell() -> None:
    preset = load_preset("ta-hfo2-full")
    array, board = make("ta-hfo2-full")
    array.program(1.0, reset=EVERY)
    current = board.energy.set / (8192 * 2.5 * WIDTH)
    assert 0.07e-3 < current < 0.15e-3
    assert preset.set.stop_voltage == 0.4


@pytest.mark.parametrize("stop", [0.0, 0.4])
@pytest.mark.parametrize("gate", [0.0, 0.3, 0.45])
def test_a_set_with_its_transistor_off_does_nothing(stop: float, gate: float) -> None:
    array, board = make(
        "ta-hfo2", set__stop_voltage=stop, set__gate_threshold=0.4501, wires__resistance=0.3
    )
    before = board.chip.conductance
    array.program(gate)
    np.testing.assert_array_equal(board.chip.conductance, before)
    assert board.energy.set == 0.0
    array.program(0.5)
    assert (board.chip.conductance > 100e-6).all()


@pytest.mark.parametrize(
    ("chip", "wire"), [("ta-hfo2", 0.3), ("ta-hfo2", 1.0), ("pt-taox-ta", 1.0)]
)
def test_near_the_threshold_as_many_cells_conduct_as_their_lift_leaves_above_it(
    chip: str, wire: float
) -> None:
    array, board = make(chip, noise=0.0, non_responsive=0.0, wires__resistance=wire)
    law = load_preset(chip)
    shared = wire * np.minimum.outer(NODE, NODE)
    before = 0
    for gate in np.round(np.arange(0.4496, 0.62, 0.004) * 6553.6) / 6553.6:
        array.program(0.0, reset=EVERY, set=~EVERY)
        array.program_row(17, gate)
        level = board.chip.conductance[17]
        on = level > 0.0
        assert np.flatnonzero(on).tolist() == list(range(np.count_nonzero(on)))
        assert np.count_nonzero(on) >= before
        before = np.count_nonzero(on)
        # Those that conduct do so by the law over the line that they lift themselves.
        seen = gate - shared @ (0.4 * level)
        assert (seen[on] > 0.45).all()
        expected = law.set_slope * seen + law.set_offset
        np.testing.assert_allclose(level[on], expected[on], atol=3e-10)
        if before < 64 and gate > 0.45:
            one_more = np.where(before + 1 == NODE, expected, level)
            assert (gate - shared @ (0.4 * one_more))[before] <= 0.45 + 2e-6
    assert before == 64


@pytest.mark.parametrize("chip", ["ta-hfo2", "pt-taox-ta"])
def test_with_ideal_wires_a_compliance_changes_currents_and_no_conductance(chip: str) -> None:
    rng = np.random.default_rng(4)
    gate, reset = rng.uniform(0.3, 2.4, (128, 64)), rng.random((128, 64)) < 0.5
    seen = []
    for stop in (0.0, 0.4):
        array, board = make(chip, set__stop_voltage=stop)
        array.program(gate)
        array.program(gate[::-1], reset=reset)
        seen.append((board.chip.conductance, board.energy.set))
    np.testing.assert_array_equal(seen[0][0], seen[1][0])
    assert 2.0 < seen[0][1] / seen[1][1] < 6.0


def test_a_gate_at_0_volts_does_nothing_on_any_array() -> None:
    array, board = make("ideal")
    ideal = IdealArray()
    for each in (array, ideal):
        each.program(0.0)
        assert not each.read_conductance().any()
    assert board.energy.set == 0.0


def test_a_cell_that_cannot_switch_draws_what_it_conducts_up_to_the_compliance() -> None:
    for on, expected in ((20e-6, 2.5 * 20e-6), (1e-3, 0.4 * 218e-6)):
        array, board = make(
            set__stop_voltage=0.4, defects__stuck_on=1.0, defects__on_conductance=on
        )
        array.program_row(0, 1.0)
        assert board.energy.set == pytest.approx(64 * 2.5 * expected * WIDTH, rel=1e-9)


def test_a_set_below_the_threshold_of_switching_draws_no_compliance_current() -> None:
    array, board = make(
        set__stop_voltage=0.4,
        set__full_voltage=1.5,
        set__threshold=0.8,
        point=OperatingPoint(set_voltage=0.5),
    )
    array.program(1.0)
    assert board.energy.set == 0.0
    assert not board.chip.conductance.any()


def test_rows_do_not_depend_on_what_is_pulsed_with_them() -> None:
    together, alone = (make("worst-case", set__stop_voltage=0.4) for _ in range(2))
    gate = np.random.default_rng(3).uniform(0.4, 1.6, (128, 64))
    together[0].program(gate)
    for row in range(128):
        alone[0][row].program(gate[row : row + 1])
    assert np.array_equal(together[1].chip.conductance, alone[1].chip.conductance)


@pytest.mark.parametrize(("voltage", "full"), [(1.6, False), (3.0, True)])
def test_less_than_the_full_voltage_behind_wires_switches_in_part(
    voltage: float, full: bool
) -> None:
    array, board = make(
        set__stop_voltage=0.4,
        set__full_voltage=1.5,
        wires__resistance=2.0,
        point=OperatingPoint(set_voltage=voltage),
    )
    array.program_row(0, np.full(64, 1.0))
    asked, gate = (round(volts * 6553.6) / 6553.6 for volts in (voltage, 1.0))
    current = row_currents(np.full(64, gate), 0.4, 2.0, 0.0)
    lift = 2.0 * np.minimum.outer(NODE, NODE) @ current
    part = np.exp(-np.maximum(1.5 - (asked - lift - 128 * 2.0 * current), 0.0) * 0.3 / 0.2)
    assert (part == 1.0).all() == full
    np.testing.assert_allclose(board.chip.conductance[0], part * current / 0.4, atol=2e-9)


def test_a_law_as_read_leaves_cells_that_read_it_through_their_series_resistance() -> None:
    array, board = make(set__as_read_resistance=500.0)
    array.program(1.25)
    cell = board.chip.conductance
    np.testing.assert_allclose(cell / (1 + 500.0 * cell), 242.5e-6, rtol=1e-12)


def test_noise_as_read_is_larger_at_the_cell() -> None:
    spread = []
    for series in (0.0, 500.0):
        board = EmulatedBoard(
            load_preset("ta-hfo2").replace(**{"set.as_read_resistance": series}), 1
        )
        make_sets(board)
        spread.append(board.chip.conductance.std())
    cell = 242.5e-6 / (1 - 500.0 * 242.5e-6)
    assert spread[1] / spread[0] == pytest.approx(1 + 500.0 * cell, rel=1e-9)


def test_a_law_that_nothing_can_read_ends_at_the_largest_conductance() -> None:
    array, board = make(set__as_read_resistance=5000.0)
    array.program(1.25)
    assert (board.chip.conductance == 5e-3).all()
    assert math.isfinite(board.energy.set)


def make_sets(board: EmulatedBoard) -> None:
    from memlab.array.board_array import BoardArray

    BoardArray(board).program(1.25)
