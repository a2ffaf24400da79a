"""Pulses too weak to move a cell end its traps with a given probability, and only those."""

import numpy as np
import pytest

import memlab
from memlab.emulator import load_preset
from memlab.emulator.cells.fluctuation import Fluctuation
from memlab.emulator.chip import Chip

SHAPE = (40, 30)
P = 0.37


def chip(**noise: float) -> Chip:
    preset = load_preset("ta-hfo2")
    traps = {"telegraph_traps": 2.0, "telegraph_amplitude": 0.05, "denoising": P, **noise}
    read_noise = preset.read_noise.model_copy(update=traps)
    return Chip(
        preset.model_copy(update={"read_noise": read_noise}), SHAPE, np.random.default_rng(7)
    )


def ended(one: Chip) -> np.ndarray:
    return one.fluctuation.state()["traps"]["ended"]


def pulse(one: Chip, voltage: float, rows: np.ndarray | None = None) -> None:
    rows = np.arange(SHAPE[0]) if rows is None else rows
    gate = np.full((rows.size, SHAPE[1]), 1.3)
    selected = np.ones(gate.shape, bool)
    selected[:, 4] = False
    one.set_cells(rows, selected, gate, voltage=voltage)


def test_each_weak_pulse_ends_the_same_share_of_what_is_left() -> None:
    one = chip()
    column = one.fluctuation._traps.cell % SHAPE[1]  # type: ignore[union-attr]
    before, n = one.conductance, np.count_nonzero(column != 4)
    for pulses in (1, 2, 3):
        pulse(one, 0.5)
        share = ended(one)[column != 4].mean()
        wanted = 1 - (1 - P) ** pulses
        assert share == pytest.approx(wanted, abs=4 * np.sqrt(wanted * (1 - wanted) / n))
    assert not ended(one)[column == 4].any()
    np.testing.assert_array_equal(one.conductance, before)


@pytest.mark.parametrize(("voltage", "some"), [(0.29, False), (0.31, True), (0.79, True)])
def test_it_takes_the_least_voltage(voltage: float, some: bool) -> None:
    one = chip()
    pulse(one, voltage)
    assert ended(one).any() == some


def test_a_pulse_that_moves_cells_brings_their_traps_back() -> None:
    one = chip(denoising=1.0)
    pulse(one, 0.5)
    assert ended(one).sum() > 2000
    pulse(one, 2.5, np.arange(20))
    row = one.fluctuation._traps.cell // SHAPE[1]  # type: ignore[union-attr]
    assert not ended(one)[row < 20].any()
    assert ended(one)[row >= 20].mean() > 0.9


def test_it_does_not_matter_which_pulses_come_together() -> None:
    together, apart = chip(), chip()
    rows = np.array([7, 2, 31, 30, 12])
    pulse(together, 0.5, rows)
    for row in rows:
        pulse(apart, 0.5, np.array([row]))
    np.testing.assert_array_equal(ended(together), ended(apart))


def test_a_state_has_the_traps_that_are_gone() -> None:
    one = chip()
    pulse(one, 0.5)
    state = one.state()
    pulse(one, 0.5)
    wanted = ended(one)
    one.restore(state)
    assert (ended(one) != wanted).any()
    pulse(one, 0.5)
    np.testing.assert_array_equal(ended(one), wanted)


def test_without_it_nothing_is_remembered_and_readings_are_the_same() -> None:
    assert "ended" not in chip(denoising=0.0).state()["fluctuation"]["traps"]
    assert Fluctuation(load_preset("ta-hfo2").read_noise, SHAPE, np.random.default_rng(1)).state()
    read = []
    for own in ("", "&read_noise.denoising=0.5"):
        url = "emulator:?chip=ta-hfo2-full&seed=2&read_noise.telegraph_cells=0.5" + own
        with memlab.open_array(url) as array:
            part = array[:6, :5]
            part.program(1.3, reset=np.ones(part.shape, bool))
            read.append(part.read_conductance())
    np.testing.assert_array_equal(*read)
