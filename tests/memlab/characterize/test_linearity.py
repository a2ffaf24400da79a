"""Bending of cells, and the range of the amplifiers, are recovered."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.analysed import analyse
from support.known_chips import SIGMAS, characterise, chip

from memlab.analysis.bending import BentCells, fit_bending
from memlab.analysis.clusters import Lines
from memlab.characterize import Region


@pytest.mark.parametrize("volts", [pytest.param(0.5, marks=pytest.mark.slow), 1.0])
def test_the_bending_voltage_is_recovered_with_all_effects_on(tmp_path: Path, volts: float) -> None:
    run = analyse("linearity", tmp_path, "ta-hfo2-full", nonlinearity__voltage=volts)
    run.assert_recovered("voltage", volts, within=0.06)
    # Wires of 0.3 ohm take some 13 % of the conductance, and so of what it is compared with.
    assert run.value("ohmic_resistance") == pytest.approx(1e4 / 0.87, rel=0.25)


def test_bending_that_does_not_fade_is_recovered(tmp_path: Path) -> None:
    run = analyse("linearity", tmp_path, "ta-hfo2", nonlinearity__voltage=0.5)
    # A cubic that is fitted to a sinh: 0.5 % off at 0.2 V.
    assert abs(run.numbers["voltage"][0] - 0.5) < 0.005


def test_ohmic_cells_show_no_bending(tmp_path: Path) -> None:
    run = analyse("linearity", tmp_path, "ta-hfo2", region=Region(columns="0:16"))
    value, error = run.numbers["bending"]
    assert abs(value) <= 4.5 * error
    assert np.isnan(run.value("voltage"))


@pytest.mark.usefixtures("drawn")
def test_columns_are_straight_lines_up_to_the_clip_and_saturated_points_are_left_out(
    tmp_path: Path,
) -> None:
    run = analyse("linearity", tmp_path, "ideal", figure=True, region=Region(rows="8:40"))
    level = -1
    deviation, slope = run.results["column_deviation"][level], run.results["column_slope"][level]
    lsb = 10.0 / 65536 / np.array([1e3, 1e4, 1e5, 1e6])[:, np.newaxis]
    # Quantisation is uniform: 0.29 LSB rms; a saturated point would add many thousand LSB.
    assert np.nanmax(deviation / lsb) < 0.45
    assert np.isfinite(slope).all()
    assert (run.results["saturated"][:, 1:] > 0.0).any()
    np.testing.assert_allclose(run.results["column_offset"], 0.0, atol=lsb.max())
    assert run.path.with_suffix(".png").is_file()


def test_amplifier_and_driver_offsets_show_at_zero_volts(tmp_path: Path) -> None:
    run = analyse("linearity", tmp_path, "ideal", board__adc__offset=200.0)
    offset = run.results["column_offset"][0, 0]
    truth = -run.board.calibration.adc_offset * 10.0 / 65536 / 1e3
    np.testing.assert_allclose(offset, truth, atol=0.3 * 10.0 / 65536 / 1e3)


def test_only_cells_of_the_region_are_pulsed(tmp_path: Path) -> None:
    region = Region(rows="3:9", columns="50:")
    run = analyse("linearity", tmp_path, "ta-hfo2", region=region)
    run.assert_only_pulsed(region)


def bent_cells(G: np.ndarray, bending: np.ndarray) -> BentCells:
    """Cells of a 16 x 8 map, an error of 1e-3 each."""
    k = np.arange(G.size)
    return BentCells(G, bending, np.full(G.size, 1e-3), Lines(k % 128 // 8, k % 8))


def test_a_law_is_fitted_only_where_there_is_bending() -> None:
    G = np.linspace(20e-6, 300e-6, 128)
    noise = 1e-3 * np.random.default_rng(1).standard_normal(G.size)
    flat = fit_bending(bent_cells(G, noise))
    assert abs(flat.value) < 4.5 * flat.value_error
    assert np.isnan(flat.voltage)
    law = fit_bending(bent_cells(G, 0.7 / (1.0 + G / 150e-6) + noise))
    assert law.value == pytest.approx(0.7, abs=4.5 * law.value_error)
    assert law.fade == pytest.approx(1 / 150e-6, abs=4.5 * law.fade_error)
    assert law.value_error < 2e-3
    assert np.isnan(fit_bending(bent_cells(*np.empty((2, 0)))).value)


def test_cells_that_conduct_too_alike_do_not_determine_the_voltage() -> None:
    # A branch that is not there when a small region has one bin: 0.9 V instead of 0.7 V.
    rng = np.random.default_rng(2)
    G = rng.normal(300e-6, 4e-6, 40)
    law = fit_bending(bent_cells(G, 0.34 / (1.0 + G / 100e-6) + 1e-3 * rng.standard_normal(G.size)))
    assert np.isnan(law.voltage)


def test_what_wires_would_change_is_named_beside_each_number_that_it_concerns() -> None:
    bent = chip(nonlinearity__voltage=0.12, nonlinearity__ohmic_conductance=0.0)
    settings = {"groups": 2, "gain": 1, "points": 9}
    unknown = characterise("linearity", bent, shape=(16, 12), **settings).findings.values
    assert unknown["ohmic_resistance"].caveat.endswith("name theirs with wire_resistance")
    assert "ohm of the error are what wires of 0.3 ohm" in unknown["ohmic_resistance"].caveat
    assert not unknown["voltage"].caveat
    named = characterise("linearity", bent, shape=(16, 12), wire_resistance=1e-9, **settings)
    assert not named.findings.values["ohmic_resistance"].caveat
    assert named.error("ohmic_resistance") < 0.7 * unknown["ohmic_resistance"].error


def test_where_all_cells_of_a_level_lie_on_one_step_the_step_is_in_the_error() -> None:
    # No noise at all: each level is rounded as one cell, and no number of cells helps.
    bent = chip(noise=0.0, nonlinearity__voltage=0.5, nonlinearity__ohmic_conductance=1e-4)
    for shape in ((4, 6), (16, 12)):
        known = characterise("linearity", bent, shape=shape, groups=1, wire_resistance=1e-9)
        assert known.off("voltage", 0.5) < SIGMAS
        assert known.off("ohmic_resistance", 1e4) < SIGMAS
        assert known.error("voltage") > 1e-5


def test_errors_of_levels_that_are_rounded_as_one_do_not_fall_with_the_number_of_cells() -> None:
    errors = []
    for copies in (20, 200):
        G = np.repeat([50e-6, 120e-6, 300e-6], copies)
        alike = np.eye(3)[np.repeat([0, 1, 2], copies)].T * 1e-3
        cells = bent_cells(G, 0.7 / (1.0 + G / 150e-6))
        errors.append(fit_bending(replace(cells, rounding=alike)).value_error)
    assert errors[0] == pytest.approx(errors[1], rel=1e-3)
    assert errors[0] > 1e-3
