"""SET and RESET maps: the laws of partial pulses are recovered from what the cells show."""

from pathlib import Path

import numpy as np
import pytest
from support.known_chips import SIGMAS, characterise, chip

from memlab.analysis.pulse_law import fit_reset, fit_set
from memlab.characterize import plan_procedures, run_procedures
from memlab.regions import Region
from memlab.runs import read_attributes


@pytest.mark.parametrize(
    "changes",
    [
        {"reset_conductance": 40e-6},
        {"set__full_voltage": 2.2, "set__voltage_scale": 0.3, "set__threshold": 1.0},
    ],
)
@pytest.mark.parametrize("seed", [1, 2, 102])  # 102: fitted from one start, a false minimum
def test_the_law_of_partial_sets_is_recovered(changes: dict[str, float], seed: int) -> None:
    preset = chip(**changes)
    known = characterise("set", preset, seed=seed)
    assert known.off("full_voltage", preset.set.full_voltage) < SIGMAS
    assert known.findings.values["full_voltage"].error < 5e-3
    steepness = preset.set.width_exponent / preset.set.voltage_scale
    assert known.off("steepness", steepness) < SIGMAS
    assert known.value("steepness") == pytest.approx(steepness, rel=0.02)
    # A threshold is known to the step of 0.3 V that it lies in.
    assert abs(known.value("threshold") - preset.set.threshold) <= 0.15
    assert known.off("set_slope", 98e-6) < SIGMAS
    assert known.off("set_offset", 120e-6) < SIGMAS


@pytest.mark.parametrize("name", ["ta-hfo2", "pt-taox-ta"])
def test_the_map_at_full_sets_is_the_set_law_with_the_noise_of_one_pulse(name: str) -> None:
    preset = chip(name)
    known = characterise("set", preset)
    full = known.map("mean")[:, -1]
    gate = np.linspace(0.8, 2.4, 5)
    error = known.findings.values["mean"].error[:, -1]
    law = preset.set_slope * gate + preset.set_offset
    assert (np.abs(full - law) < SIGMAS * error + 0.1e-6).all()
    n = 2048 * (1.0 - preset.non_responsive)
    assert known.map("spread")[:, -1] == pytest.approx(preset.noise, rel=SIGMAS / (2 * n) ** 0.5)
    assert known.value("responding") == known.chip.responsive.mean()


def test_the_law_of_partial_resets_is_recovered() -> None:
    preset = chip(reset_conductance=40e-6, reset__depth_slope=50e-6, reset__full_voltage=1.5)
    known = characterise("reset", preset)
    assert known.off("full_voltage", 1.5) < SIGMAS
    assert known.off("steepness", 1.5) < SIGMAS
    assert known.off("reset_conductance", 40e-6) < SIGMAS
    assert known.off("depth_slope", 50e-6) < SIGMAS
    assert known.findings.values["depth_slope"].error < 2e-6
    assert abs(known.value("threshold") - 0.6) <= 0.1 + 1e-6


def test_a_reset_that_ends_at_zero_is_recovered_though_half_of_the_cells_are_cut_off() -> None:
    known = characterise("reset", chip())
    assert known.value("full_voltage") == pytest.approx(1.7, abs=0.01)
    assert known.value("steepness") == pytest.approx(1.5, rel=0.03)
    assert abs(known.value("depth_slope")) < 10e-6
    # The mean of what is seen is that of the positive half of normal noise of 4 uS, 1.6 uS.
    assert known.off("reset_conductance", 0.0) < SIGMAS
    assert known.findings.values["reset_conductance"].error < 0.5e-6


@pytest.mark.parametrize("name", ["set", "reset"])
def test_only_cells_of_the_region_are_pulsed(name: str) -> None:
    mask = np.zeros((6, 4), bool)
    mask[1:3, 2] = mask[5, 0] = True
    known = characterise(name, chip(wear__lifetime=1e12), shape=(6, 4), mask=mask)
    assert not known.chip._wear.pulses[~mask].any()
    assert (known.chip._wear.pulses[mask] > 50).all()


@pytest.mark.parametrize("name", ["set", "reset"])
def test_a_law_that_ideal_cells_do_not_show_is_not_measurable(name: str, tmp_path: Path) -> None:
    # Each pulse at the ideal chip is a full one, whatever its amplitude: all end at one value.
    out = tmp_path / "run.h5"
    url = "emulator:?chip=ideal"
    plans = plan_procedures([name], board=url, settings=["voltages=4"], out=out)
    (document,) = run_procedures(plans, url, Region(rows="0:4", columns="0:4"), figure=False)
    found = document["results"]
    for what in ("threshold", "full_voltage", "steepness", "depth_slope"):
        assert (what in found) == (name == "reset" or what != "depth_slope")
        assert found.get(what, {}).get("value") is None, what
    assert read_attributes(out)["status"] == "finished"
    if name == "reset":
        assert found["reset_conductance"]["value"] == pytest.approx(0.0, abs=1e-12)


def test_one_amplitude_below_the_full_voltage_determines_no_steepness() -> None:
    voltage, error = np.linspace(1.0, 2.0, 6), np.full((2, 6), 1e-7)
    full = np.array([[1e-4], [2e-4]])
    for below, known in ((1, False), (2, True)):
        part = np.exp(2.0 * np.minimum(voltage - voltage[below], 0.0))
        law = fit_set(voltage, full * part, error)
        assert np.isfinite([law.full_voltage, law.steepness, *law.errors[:2]]).all() == known
        assert law.level == pytest.approx(full[:, 0])
        if known:
            assert (law.full_voltage, law.steepness) == pytest.approx((voltage[below], 2.0))


def test_cells_that_nothing_moves_have_no_law() -> None:
    voltage, error = np.linspace(1.0, 2.0, 6), np.full((2, 6), 1e-7)
    start = np.array([1e-4, 2e-4])
    found = np.repeat(start[:, np.newaxis], 6, axis=1)
    for law in (fit_set(voltage, np.zeros((2, 6)), error), fit_reset(voltage, found, error, start)):
        assert np.isnan([law.threshold, law.full_voltage, law.steepness, *law.level]).all()
        assert np.isnan(law.errors).all()


def test_one_gate_voltage_at_which_nothing_moves_does_not_hide_the_law_of_the_others() -> None:
    voltage, error = np.linspace(1.0, 2.0, 6), np.full((2, 6), 1e-7)
    part = np.exp(2.0 * np.minimum(voltage - 1.6, 0.0))
    law = fit_set(voltage, np.array([[0.0], [2e-4]]) * part, error)
    assert (law.full_voltage, law.steepness) == pytest.approx((1.6, 2.0))
    assert law.level == pytest.approx([0.0, 2e-4], abs=1e-12)
