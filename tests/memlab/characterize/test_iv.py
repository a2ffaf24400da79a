"""I-V sweeps: switching amplitudes by the law of the chip, cut-off, and measured currents."""

import numpy as np
import pytest
from support.known_chips import SIGMAS, characterise, chip

from memlab.characterize import load_procedure
from memlab.errors import SettingError
from memlab.regions import Region

QUIET = {"noise": 0.0}


def swept(amplitudes: np.ndarray, start: float, level: float, full: float, threshold: float):
    """Conductance after each pulse of a sweep, by the law that the emulator documents."""
    found = [start]
    for v in amplitudes:
        part = min(1.0, np.exp(-(full - v) * 0.3 / 0.2)) if v >= threshold else 0.0
        found.append(found[-1] + part * (level - found[-1]))
    return np.array(found)


def crossing(amplitudes: np.ndarray, moved: np.ndarray, level: float) -> float:
    return float(np.interp(level, moved, np.append(0.0, amplitudes)))


def test_switching_amplitudes_follow_the_law_of_the_chip() -> None:
    # A threshold between two amplitudes of the sweep, not on one.
    known = characterise("iv", chip(reset__threshold=0.55, **QUIET), shape=(3, 2))
    up = np.linspace(0.0, 2.5, 18)[1:]
    level = 98e-6 * 1.2 + 120e-6
    rise = swept(up, 0.0, level, 1.5, 0.8) / level
    assert known.value("set_sweep_voltage") == pytest.approx(crossing(up, rise, 0.5), abs=2e-3)
    down = np.linspace(0.0, 1.7, 18)[1:]
    fall = 1.0 - swept(down, 1.0, 0.0, 1.6999, 0.55)
    assert known.value("reset_sweep_voltage") == pytest.approx(crossing(down, fall, 0.5), abs=2e-3)
    assert known.value("high_conductance") == pytest.approx(level, rel=1e-3)


@pytest.mark.parametrize("steps", [9, 17, 40])
def test_what_one_pulse_does_depends_on_no_sweep(steps: int) -> None:
    known = characterise("iv", chip(reset__threshold=0.55), shape=(4, 4), steps=steps, cycles=2)
    # p = exp(-(full - V) 0.3 / 0.2), and nothing below the threshold.
    truth = {
        "set_onset": 0.8,
        "reset_onset": 0.55,
        "set_voltage": 1.5 + np.log(0.5) * 0.2 / 0.3,
        "reset_voltage": 1.6999 + np.log(0.5) * 0.2 / 0.3,
    }
    for name, volts in truth.items():
        found = known.findings.values[name]
        if found.interval is None:
            # The cells were through before: that is said, and what to do.
            assert steps > 9
            assert name.endswith("_voltage")
            assert "fewer steps" in found.why
        else:
            assert found.interval[0] <= volts <= found.interval[1]
            # At most two steps: the error holds what the sweep leaves open.
            assert found.interval[1] - found.interval[0] < 2.2 * 2.5 / steps
            assert found.error >= 0.25 * 1.7 / steps


def test_nothing_moves_below_the_threshold() -> None:
    known = characterise("iv", chip(set__threshold=1.3, **QUIET), shape=(3, 2), cycles=1)
    voltage = known.record.readings.coordinate("voltage")
    assert np.ptp(known.record.conductance[(voltage >= 0.0) & (voltage < 1.3)][:9]) < 0.1e-6
    assert 1.3 - 2.5 / 17 < known.value("set_onset") < 1.3 + 2.5 / 17


def test_a_cell_at_the_cut_off_gets_no_higher_amplitude() -> None:
    known = characterise("iv", chip(**QUIET), shape=(3, 2), cycles=1, maximum_current=1.5e-4)
    sweep = known.record.conductance[: 1 + 17 + 16]
    amplitude = np.abs(known.record.readings.coordinate("voltage"))[: 1 + 17 + 16]
    current = sweep * amplitude[:, np.newaxis]
    first = int(np.argmax(current[:, 0] >= 1.5e-4))
    assert 0 < first < 17
    # From there to the same amplitude on the way down nothing is pulsed: readings are equal.
    back = 2 * 17 - first
    assert (sweep[first:back] == sweep[first]).all()
    free = characterise("iv", chip(**QUIET), shape=(3, 2), cycles=1)
    assert (free.record.conductance[17] > 1.2 * sweep[17]).all()


def test_cycle_to_cycle_spread_comes_from_the_noise_of_pulses() -> None:
    known = characterise("iv", chip(), shape=(8, 6), cycles=4)
    quiet = characterise("iv", chip(**QUIET), shape=(8, 6), cycles=4)
    assert known.value("set_voltage_spread") > 20.0 * quiet.value("set_voltage_spread")
    cells = known.map("cell_set_voltage")
    expected = (cells.var(axis=0, ddof=1).mean()) ** 0.5
    assert known.value("set_voltage_spread") == pytest.approx(expected)


def test_the_measured_current_bends_as_the_cell_does() -> None:
    bent = chip(nonlinearity__voltage=0.5, nonlinearity__ohmic_conductance=0.0)
    known = characterise("iv", bent, shape=(8, 6), cycles=2)
    # G V + G V^3 / (6 V0^2) at 0.2 V, V0 = 0.5 V.
    truth = 0.2**2 / (6 * 0.5**2)
    assert known.value("nonlinearity") == pytest.approx(truth, rel=0.02)
    assert known.off("nonlinearity", truth) < SIGMAS
    straight = characterise("iv", chip(), shape=(8, 6), cycles=2)
    assert abs(straight.value("nonlinearity")) < 1e-3


BOARD = {
    "board__dac__offset": 0.67e-3,
    "board__amplifier__offset": 0.23e-3,
    "board__amplifier__mismatch": 1e-3,
    "board__adc__offset": 1.0,
}
"""Of a board that nobody has calibrated."""


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_what_the_board_adds_to_a_column_is_in_the_errors(seed: int) -> None:
    bent = {"nonlinearity__voltage": 0.5, "nonlinearity__ohmic_conductance": 0.0, **QUIET}
    known = characterise("iv", chip(**bent, **BOARD), shape=(8, 6), cycles=1, seed=seed)
    true = characterise("iv", chip(**bent), shape=(8, 6), cycles=1, seed=seed)
    for name in ("low_conductance", "high_conductance"):
        assert known.off(name, true.value(name)) < SIGMAS
    assert known.off("nonlinearity", 0.2**2 / (6 * 0.5**2)) < SIGMAS
    # 0.1 % from column to column, of six columns; not a thousandth of it.
    assert 1e-4 < known.error("high_conductance") / known.value("high_conductance") < 2e-3


def test_a_curve_is_measured_at_one_gain_whatever_the_amplifiers_differ_by() -> None:
    # From one feedback resistor to the next it would have a kink of 2 %, held for bending.
    kinks = chip(board__amplifier__mismatch=0.02, **QUIET)
    for seed in (1, 2, 3):
        known = characterise(
            "iv", kinks, shape=(6, 4), region=Region(columns="2"), cycles=1, seed=seed
        )
        assert known.off("nonlinearity", 0.0) < SIGMAS
    after = known.record.vectors.coordinate("after_set")
    gain = np.array([one.gain for one in known.record.vectors.measurements])
    assert np.unique(gain[after == 1.0]).size == 1


def test_where_nothing_scatters_a_step_of_the_converters_is_the_error() -> None:
    known = characterise("iv", chip(**QUIET), shape=(8, 6), cycles=2)
    step = 10.0 / 65536 / 1e4 / 0.2
    assert known.error("high_conductance") > 0.15 * step
    for name in ("nonlinearity", "set_sweep_voltage", "set_voltage_spread"):
        assert known.error(name) > 0.0
    assert known.off("nonlinearity", 0.0) < SIGMAS
    assert known.off("high_conductance", 98e-6 * 1.2 + 120e-6) < SIGMAS


def test_numbers_say_of_what_they_are_and_why_there_is_none() -> None:
    known = characterise("iv", chip("ideal", non_responsive=1.0), shape=(3, 2), cycles=2)
    for one in known.findings.values.values():
        if isinstance(one.value, float):
            assert one.n is not None
            assert one.of
            assert one.why or np.isfinite(one.error)
    assert known.findings.values["set_sweep_voltage"].why == "no cell switched"
    assert known.findings.values["nonlinearity"].why == "no cell conducts after SET"


def test_of_one_cell_the_cycles_show_the_error() -> None:
    known = characterise("iv", chip(), shape=(3, 2), mask=np.eye(3, 2, -2, bool), cycles=4)
    one = characterise("iv", chip(), shape=(1, 1), cycles=1)
    assert known.error("set_sweep_voltage") > 0.0
    assert one.findings.values["high_conductance"].why.startswith("one cycle of one cell")


def test_a_cell_that_does_not_switch_has_no_switching_voltage() -> None:
    known = characterise("iv", chip("pt-taox-ta", non_responsive=0.3), shape=(8, 6), cycles=2)
    switched = np.isfinite(known.map("cell_set_voltage")).all(axis=0)
    assert np.array_equal(switched, known.chip.responsive)


def test_only_cells_of_the_region_are_pulsed() -> None:
    mask = np.zeros((6, 4), bool)
    mask[1, 2] = mask[5, 0] = True
    known = characterise("iv", chip(wear__lifetime=1e12), shape=(6, 4), mask=mask, cycles=1)
    assert not known.chip._wear.pulses[~mask].any()
    assert (known.chip._wear.pulses[mask] == 1 + 2 * 33).all()


def test_too_many_cells_are_refused() -> None:
    procedure = load_procedure("iv")
    with pytest.raises(SettingError, match="at most 64 cells and 65 are chosen"):
        procedure(procedure.Config()).check_cells(65)
    procedure(procedure.Config(maximum_cells=65)).check_cells(65)
