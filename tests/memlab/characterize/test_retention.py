"""Retention: relaxation and retention of chips that are known."""

import numpy as np
import pytest
from support.known_chips import SIGMAS, characterise, chip


@pytest.mark.parametrize("seed", [1, 2])
def test_mean_and_spread_of_relaxation_are_recovered(seed: int) -> None:
    preset = chip(drift__relaxation=2e-6, drift__relaxation_mean=-1e-6)
    known = characterise("retention", preset, seed=seed)
    assert known.off("relaxation_mean", -1e-6) < SIGMAS
    assert known.off("relaxation", 2e-6) < SIGMAS
    # 1640 cells in SET states, 2 uS/decade.
    error = known.findings.values["relaxation_mean"].error
    assert error == pytest.approx(2e-6 / 1640**0.5, rel=0.1)
    assert np.isnan(known.value("retention"))


def test_read_noise_does_not_count_as_relaxation() -> None:
    known = characterise("retention", chip(drift__relaxation=1e-6, read_noise__white=0.02))
    assert known.off("relaxation", 1e-6) < SIGMAS
    assert known.off("relaxation_mean", 0.0) < SIGMAS


def test_cells_that_are_all_alike_are_known_to_the_step_of_the_converter_and_no_better() -> None:
    preset = chip(noise=0.0, drift__relaxation_mean=-1e-6)
    known = characterise("retention", preset, shape=(16, 12), first=0.17, ratio=2.7, duration=3e3)
    assert known.off("relaxation_mean", -1e-6) < SIGMAS
    # 76 nS / 12^(1/2) at each reading, over three decades and four states.
    assert 2e-9 < known.error("relaxation_mean") < 20e-9


def test_retention_is_told_from_relaxation() -> None:
    preset = chip(
        drift__relaxation=2e-6,
        drift__relaxation_mean=-1e-6,
        drift__retention=1e5,
        read_noise__white=0.01,
    )
    known = characterise("retention", preset, duration=1e5)
    assert known.off("retention", 1e5) < SIGMAS
    assert known.value("retention") == pytest.approx(1e5, rel=0.05)
    assert known.off("stretch", 0.5) < SIGMAS
    assert known.off("relaxation_mean", -1e-6) < SIGMAS
    assert known.off("relaxation", 2e-6) < SIGMAS


def test_heat_shortens_retention_by_arrhenius() -> None:
    hot = chip(drift__retention=1e6, drift__stretch=0.7, temperature=358.0, read_noise__white=0.01)
    known = characterise("retention", hot, duration=1e4)
    # 1.0 eV from 300 K to 358 K, k_B = 8.617333e-5 eV/K (CODATA).
    truth = 1e6 * np.exp(1.0 / 8.617333e-5 * (1 / 358.0 - 1 / 300.0))
    assert known.off("retention", truth) < SIGMAS
    assert known.value("retention") == pytest.approx(truth, rel=0.05)
    assert known.off("stretch", 0.7) < SIGMAS


def test_readings_come_at_ages_that_double_up_to_the_duration() -> None:
    known = characterise("retention", chip(), shape=(6, 4), duration=100.0)
    time = known.record.readings.coordinate("time")
    assert len(time) == 1 + 10
    assert time[1:] - time[0] == pytest.approx(0.1 * 2.0 ** np.arange(10), abs=0.02)


def test_states_are_dealt_out_evenly_and_programmed_once() -> None:
    known = characterise("retention", chip(wear__lifetime=1e12), shape=(30, 20))
    pulses = known.chip._wear.pulses
    assert np.bincount(pulses.ravel()).tolist() == [0, 120, 480]  # RESET alone, RESET and SET
    levels = np.sort(known.map("mean")[:, 0])
    gates = np.linspace(0.8, 2.4, 4)
    # Four standard errors of 120 cells with 4 uS each.
    assert levels[1:] == pytest.approx(98e-6 * gates + 120e-6, abs=4 * 4e-6 / 120**0.5)


def test_only_cells_of_the_region_are_pulsed() -> None:
    mask = np.zeros((6, 4), bool)
    mask[1:4, 2] = mask[5, 0] = True
    known = characterise("retention", chip(wear__lifetime=1e12), shape=(6, 4), mask=mask)
    assert np.array_equal(known.chip._wear.pulses > 0, mask)


def test_a_retention_test_of_less_than_a_decade_is_analysed() -> None:
    known = characterise(
        "retention", chip(drift__relaxation_mean=-1e-6, read_noise__white=0.01), duration=1.0
    )
    assert known.off("relaxation_mean", -1e-6) < SIGMAS


@pytest.mark.parametrize("stuck", [{"stuck_off": 1.0}, {"stuck_on": 1.0}, {"stuck_off": 0.7}])
def test_of_cells_that_never_switched_no_drift_is_told(stuck: dict[str, float]) -> None:
    # All of them, or most: then nothing tells those that work from those that do not.
    defects = {f"defects__{name}": share for name, share in stuck.items()}
    known = characterise("retention", chip(**defects), shape=(16, 12), duration=10.0)
    for name in ("relaxation_mean", "relaxation", "retention", "stretch", "end_conductance"):
        found = known.findings.values[name]
        assert np.isnan(found.value), name
        assert "no cell switched" in found.why, name
    assert known.findings.values["relaxation"].n == 0
