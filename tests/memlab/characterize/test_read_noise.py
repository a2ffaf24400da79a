"""White, 1/f and telegraph noise are recovered, and the electronics are told apart."""

import math
from pathlib import Path

import numpy as np
import pytest
from support.analysed import analyse
from support.known_chips import SIGMAS, characterise, chip

from memlab.analysis.spectra import fit_flicker, periodograms
from memlab.analysis.telegraph import find_two_states
from memlab.characterize import Region

ONE_LEVEL = {"gate_voltages": "[1.5]", "groups": 2, "burst": 8, "zeros": 512}


def power_of(flicker: float) -> float:
    """S_G / G^2 of the emulator's 1/f noise at 1 Hz: 16 octaves of equal variance (Voss)."""
    return flicker**2 / (16 * math.log(2))


@pytest.mark.usefixtures("drawn")
def test_white_noise_and_flicker_are_recovered_with_all_effects_on(tmp_path: Path) -> None:
    half = Region(rows="0:64")
    run = analyse(
        "read-noise", tmp_path, "ta-hfo2-full", settings=ONE_LEVEL, figure=True, region=half
    )
    # Flicker that changes within a burst adds 2 % to the white noise.
    run.assert_recovered("white", 0.005, within=0.03)
    # Steps of octaves are 1/f within some per cent only: no standard error knows of that.
    assert run.value("flicker_power") == pytest.approx(power_of(0.003), rel=0.15)
    assert run.value("flicker_exponent") == pytest.approx(1.0, abs=0.25)
    assert run.path.with_suffix(".png").is_file()


@pytest.mark.parametrize(("white", "adc"), [(5e-5, 0.0), (1e-4, 0.2), (2e-4, 0.56)])
def test_noise_below_a_step_of_the_converter_is_not_rounded_up(white: float, adc: float) -> None:
    # 110 uS at 76 nS a step: a tenth, a seventh and two sevenths of a step.
    preset = chip(noise=5e-6, read_noise__white=white, board__adc__noise=adc)
    settings = {"groups": 2, "gate_voltages": (1.6,), "reads": 32, "zeros": 64}
    known = characterise("read-noise", preset, shape=(16, 12), **settings)
    assert known.off("white", white) < SIGMAS
    assert known.value("white") == pytest.approx(white, rel=0.5)
    if white == 5e-5:
        assert "third of a step" in known.findings.values["flicker_power"].why


def test_noise_that_is_still_in_a_burst_has_a_spectrum_all_the_same() -> None:
    # Noise drawn every 10 ms: all reads of a burst are alike, those of the series are not.
    preset = chip(read_noise__flicker=0.02, read_noise__step=0.01)
    settings = {"groups": 2, "gate_voltages": (1.6,), "reads": 64, "interval": 0.11, "burst": 4}
    known = characterise("read-noise", preset, shape=(16, 12), **settings)
    assert known.value("flicker_power") == pytest.approx(power_of(0.02), rel=0.5)


def test_telegraph_cells_are_found_with_their_amplitude_and_none_is_invented(
    tmp_path: Path,
) -> None:
    settings = {**ONE_LEVEL, "groups": 1, "burst": 2}
    run = analyse(
        "read-noise",
        tmp_path,
        "ta-hfo2-full",
        settings=settings,
        region=Region(columns="0:32"),
        read_noise__telegraph_cells=0.05,
        read_noise__telegraph_amplitude=0.04,
        read_noise__dwell_minimum=0.05,
        read_noise__dwell_maximum=0.3,
    )
    has_trap = np.zeros((128, 64), bool)
    has_trap.flat[run.board.chip.fluctuation._traps.cell] = True
    usable = np.isfinite(run.results["cell_white"])
    assert usable.mean() > 0.95
    np.testing.assert_array_equal(
        run.results["telegraph"][usable].astype(bool), has_trap[:, :32][usable]
    )
    run.assert_recovered("telegraph_cells", 0.05)
    assert run.value("telegraph_amplitude") == pytest.approx(0.04, rel=0.03)


def test_noise_of_the_adc_is_not_taken_for_that_of_the_cells(tmp_path: Path) -> None:
    run = analyse(
        "read-noise",
        tmp_path,
        "ta-hfo2",
        settings={**ONE_LEVEL, "reads": 16},
        board__adc__noise=20.0,
        read_noise__white=0.003,
    )
    # 20 LSB at gain 2 (10 kohm) and 0.2 V, and rounding.
    lsb = 10.0 / 65536 / 1e4 / 0.2
    assert run.results["electronics"][0] == pytest.approx(lsb * (400 + 1 / 12) ** 0.5, rel=0.02)
    run.assert_recovered("white", 0.003, within=0.05)


def test_cells_without_noise_show_none_and_a_region_without_cells_is_not_measurable(
    tmp_path: Path,
) -> None:
    settings = {**ONE_LEVEL, "reads": 16}
    region = Region(rows="4:12", columns="40:")
    run = analyse("read-noise", tmp_path, "ta-hfo2", region=region, settings=settings)
    assert run.value("white") == pytest.approx(0.0, abs=1e-9)  # and not "not measurable"
    assert run.value("telegraph_cells") == 0.0
    run.assert_only_pulsed(region)
    assert not run.results["relative_density"].any()  # rounding of floats is no noise
    # 10 kohm, 0.2 V and about 267 uS: no jump within a step of the converter can be seen.
    step = 10.0 / 65536 / 1e4 / 0.2 / 267e-6
    assert run.value("telegraph_smallest") == pytest.approx(step, rel=0.05)
    dead = tmp_path / "dead"
    dead.mkdir()
    run = analyse(
        "read-noise", dead, region=region, settings=settings, figure=True, non_responsive=1.0
    )
    assert np.isnan(run.value("white"))
    assert np.isnan(run.value("flicker_power"))


def test_a_single_cell_will_do(tmp_path: Path) -> None:
    region = Region(cells=("17,42",))
    settings = {**ONE_LEVEL, "burst": 4000, "reads": 64}
    run = analyse(
        "read-noise", tmp_path, "ta-hfo2", region=region, settings=settings, read_noise__white=0.01
    )
    run.assert_recovered("white", 0.01, within=0.06)


def test_a_spectrum_integrates_to_the_variance() -> None:
    series = 250e-6 * (1.0 + 0.01 * np.random.default_rng(2).standard_normal((128, 2000)))
    spectrum = periodograms(series, 0.02)
    # White noise: variance 1e-4 over 25 Hz; 2,000 cells x 61 bins.
    assert spectrum.relative.mean() == pytest.approx(1e-4 / 25.0, rel=0.01)
    assert spectrum.density.mean() == pytest.approx((2.5e-6) ** 2 / 25.0, rel=0.01)
    flicker = fit_flicker(spectrum)
    assert abs(flicker.power) < 4.5 * flicker.power_error
    assert np.isnan(flicker.exponent)


def test_normal_noise_has_one_state_and_large_jumps_have_two() -> None:
    rng = np.random.default_rng(3)
    noise = 1e-6 * rng.standard_normal((128, 5000))
    assert find_two_states(300e-6 + noise).found.mean() < 1e-3
    jumps = 300e-6 - 5e-6 * (rng.random(noise.shape) < 0.3)
    states = find_two_states(jumps + noise)
    assert states.found.mean() > 0.999
    assert states.amplitude.mean() == pytest.approx(5 / 300, rel=0.01)
    assert states.occupancy.mean() == pytest.approx(0.3, abs=0.01)
