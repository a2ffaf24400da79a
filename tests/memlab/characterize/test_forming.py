"""Forming: voltage, spread and yield of chips that are known, and who gets a pulse."""

import numpy as np
import pytest
from support.known_chips import SIGMAS, characterise, chip

from memlab.array.board_array import BoardArray
from memlab.characterize import load_procedure
from memlab.emulator import EmulatedBoard
from memlab.errors import LimitError

COUNTED = {"wear__lifetime": 1e12}  # pulses are counted while something wears
RAMP = np.linspace(1.4, 3.0, 17).round(6)


def fresh(**changes: float):
    return chip("ideal", forming__voltage=2.2, forming__spread=0.12, **COUNTED, **changes)


@pytest.mark.parametrize("seed", [1, 2])
def test_mean_and_spread_of_the_forming_voltage_are_recovered(seed: int) -> None:
    known = characterise("forming", fresh(), seed=seed)
    assert known.off("forming_voltage", 2.2) < SIGMAS
    assert known.off("forming_spread", 0.12) < SIGMAS
    # 2048 cells, 0.12 V: what a sample without steps would give, and little more.
    error = known.findings.values["forming_voltage"].error
    assert 0.12 / 2048**0.5 <= error < 1.2 * 0.12 / 2048**0.5
    assert known.value("yield") == 1.0


def test_a_ramp_that_ends_early_still_gives_mean_and_spread() -> None:
    known = characterise("forming", fresh(), voltage_maximum=2.3, steps=19)
    truth = known.chip._forming.voltage
    assert known.value("yield") == pytest.approx((truth <= 2.3).mean(), abs=0.002)
    assert known.off("forming_voltage", 2.2) < SIGMAS
    assert known.off("forming_spread", 0.12) < SIGMAS


def test_each_cell_is_pulsed_until_it_forms_and_not_once_more() -> None:
    known = characterise("forming", fresh(), widths=1)
    truth = known.chip._forming.voltage
    # The column DACs make a few 10 uV more or less than asked for.
    clear = np.abs(truth[..., np.newaxis] - RAMP).min(axis=2) > 2e-4
    step = np.searchsorted(RAMP, truth)
    assert np.array_equal(known.map("cell_voltage")[clear], RAMP[step[clear]])
    assert np.array_equal(known.chip._wear.pulses[clear], step[clear] + 1)
    assert clear.mean() > 0.99


def test_wider_pulses_come_at_each_voltage_before_the_next() -> None:
    known = characterise("forming", fresh(), shape=(6, 4), steps=3, widths=3)
    width = known.record.readings.coordinate("width")
    voltage = known.record.readings.coordinate("voltage")
    assert width[1:4] == pytest.approx([1e-6, 2e-6, 4e-6])
    assert voltage[1:5] == pytest.approx([1.4, 1.4, 1.4, 2.2])


def test_cells_that_are_formed_get_no_pulse() -> None:
    known = characterise(
        "forming", chip("ideal", **COUNTED), shape=(6, 4), before=lambda array: array.program(1.0)
    )
    assert known.value("formed_before") == 1.0
    assert (known.chip._wear.pulses == 1).all()
    assert len(known.record.readings) == 1
    assert np.isnan(known.map("cell_voltage")).all()


def test_the_formed_map_is_the_cells_that_can_form() -> None:
    known = characterise("forming", fresh(non_responsive=0.11))
    assert np.array_equal(known.map("cell_formed"), known.chip.responsive)
    assert known.value("yield") == known.chip.responsive.mean()
    assert known.off("forming_voltage", 2.2) < SIGMAS


def test_the_gate_limits_what_a_formed_cell_conducts() -> None:
    known = characterise("forming", fresh(), gate_voltage=0.9)
    # ideal: 98 uS/V * 0.9 V + 120 uS, at whatever voltage it formed.
    assert known.chip.conductance == pytest.approx(208.2e-6, abs=0.1e-6)


def test_only_cells_of_the_region_are_pulsed() -> None:
    mask = np.zeros((6, 4), bool)
    mask[1:3, 2] = mask[5, 0] = True
    known = characterise("forming", fresh(), shape=(6, 4), mask=mask)
    assert np.array_equal(known.chip.formed, mask)
    assert not known.chip._wear.pulses[~mask].any()


def test_one_cell_alone_has_a_voltage_with_the_error_of_a_step() -> None:
    mask = np.zeros((6, 4), bool)
    mask[3, 2] = True
    known = characterise("forming", fresh(), shape=(6, 4), mask=mask)
    truth = known.chip._forming.voltage[3, 2]
    assert abs(known.value("forming_voltage") - truth) <= 0.05 + 1e-9
    assert known.findings.values["forming_voltage"].error == pytest.approx(0.1 / 12**0.5)
    assert np.isnan(known.value("forming_spread"))


def test_a_gate_too_open_for_forming_is_refused() -> None:
    procedure = load_procedure("forming")
    (demand, _) = procedure(procedure.Config(gate_voltage=1.7, width_maximum=1e-6)).demands()
    with BoardArray(EmulatedBoard(chip("ideal"), 1, (6, 4))) as array:
        with pytest.raises(LimitError, match="forming_gate_voltage allows 1"):
            demand.check(array)


def test_the_current_of_offsets_on_a_loaded_column_forms_no_cell() -> None:
    # 128 formed cells of 208 uS and 0.5 mV of amplifier offset read as 67 uS: above the target.
    board = {"board__amplifier__offset": 5e-4, "board__dac__offset": 5e-4}
    known = characterise("forming", fresh(**board), shape=(128, 16))
    assert np.array_equal(known.map("cell_formed"), known.chip.formed)
    assert known.chip.formed.all()
    assert known.off("forming_voltage", 2.2) < SIGMAS
    reads = known.record.readings.measurements
    assert (reads[-1].value - 208.2e-6 > 30e-6).any()  # what the offsets add to a reading
