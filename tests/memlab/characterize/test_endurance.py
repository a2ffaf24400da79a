"""Endurance: lifetimes of chips that are known, the stop rule, and who is cycled."""

import numpy as np
import pytest
from support.known_chips import SIGMAS, characterise, chip

from memlab.characterize import load_procedure
from memlab.characterize.endurance import EnduranceConfig
from memlab.emulator.preset import BUILT_IN, load_preset
from memlab.errors import SettingError


@pytest.mark.parametrize("seed", [1, 2])
def test_weibull_lifetime_and_shape_are_recovered(seed: int) -> None:
    known = characterise(
        "endurance", chip("ideal", wear__lifetime=100.0, wear__shape=2.0), seed=seed, cycles=150
    )
    assert known.off("lifetime", 100.0) < SIGMAS
    assert known.off("lifetime_shape", 2.0) < SIGMAS
    assert known.findings.values["lifetime"].error < 2.0


def test_lifetimes_of_a_test_that_most_cells_outlive_are_recovered() -> None:
    known = characterise("endurance", chip(wear__lifetime=300.0, wear__shape=1.5), cycles=60)
    assert 0.1 < known.value("failed") < 0.4
    assert known.off("lifetime", 300.0) < SIGMAS
    assert known.off("lifetime_shape", 1.5) < SIGMAS


def test_a_lifetime_whose_error_is_larger_than_itself_is_not_determined() -> None:
    # A few early failures of hundreds of cells: whether half live a thousand times as long or a
    # million times, they do not tell.
    told = []
    for seed in range(1, 9):
        weak = chip("ideal", wear__lifetime=1e5, wear__shape=0.4)
        known = characterise("endurance", weak, shape=(16, 12), seed=seed, cycles=20)
        lifetime = known.findings.values["lifetime"]
        if np.isfinite(lifetime.value):
            assert known.error("lifetime") < lifetime.value
        else:
            assert np.isnan(known.error("lifetime"))
        told.append(lifetime.why)
    assert any("error is larger than itself" in why for why in told)


def test_each_lifetime_lies_between_the_checks_that_bound_it() -> None:
    known = characterise("endurance", chip("ideal", wear__lifetime=60.0), cycles=40)
    life, failed = known.chip._wear._life, known.map("cell_failed")
    # Cells that are dead before their first SET has shown a window are not tested.
    tested = known.map("cell_tested")
    assert np.array_equal(tested, life > 1.0)
    cycle = np.unique(known.record.readings.coordinate("cycle"))
    survived = known.map("cell_survived")
    assert (life[tested] > survived[tested]).all()
    ends = 2.0 * np.append(cycle, np.inf) - 1.0
    end = ends[np.searchsorted(ends, survived[failed]) + 1]
    assert (life[failed] <= end).all()
    assert (life[tested & ~failed] > 2 * 40 - 1).all()


def test_a_cell_that_failed_is_not_cycled_further() -> None:
    known = characterise(
        "endurance", chip("ideal", wear__lifetime=60.0), cycles=40, checks_per_decade=4
    )
    pulses, failed = known.chip._wear.pulses, known.map("cell_failed")
    cycle = np.unique(known.record.readings.coordinate("cycle"))
    alive = known.map("cell_tested") & ~failed
    assert (pulses[alive] == 2 * 40).all()
    found_at = 2 * cycle[np.searchsorted(2 * cycle - 1, known.map("cell_survived")[failed]) + 1]
    assert np.array_equal(pulses[failed], found_at)


def test_the_loss_of_window_is_recovered() -> None:
    known = characterise("endurance", chip(wear__window_loss=0.05), cycles=100)
    assert known.off("window_loss", 0.05) < SIGMAS
    assert known.value("window_loss") == pytest.approx(0.05, rel=0.03)
    assert known.value("failed") == 0.0
    assert np.isnan(known.value("lifetime"))


def test_the_test_stops_when_enough_cells_have_failed() -> None:
    known = characterise(
        "endurance", chip("ideal", wear__lifetime=60.0), cycles=1000, stop_fraction=0.5
    )
    assert known.value("failed") >= 0.5
    assert known.value("cycles") < 60
    working = known.map("working")
    assert (working[:-1] > 0.5).all()
    assert working[-1] <= 0.5


def test_only_cells_of_the_region_are_cycled() -> None:
    mask = np.zeros((6, 4), bool)
    mask[1, 2] = mask[5, 0] = True
    known = characterise(
        "endurance", chip("ideal", wear__lifetime=1e9), shape=(6, 4), mask=mask, cycles=10
    )
    assert not known.chip._wear.pulses[~mask].any()
    assert (known.chip._wear.pulses[mask] == 20).all()


def test_too_many_cells_are_refused() -> None:
    procedure = load_procedure("endurance")
    with pytest.raises(SettingError, match="wears out every cell"):
        procedure(procedure.Config()).check_cells(513)


def test_checks_are_whole_cycles_from_the_first_to_the_last() -> None:
    config = load_procedure("endurance").Config
    assert config(cycles=1).checks() == [1]
    assert config(cycles=100, checks_per_decade=2).checks() == [1, 3, 10, 32, 100]


def test_the_chip_that_dies_within_the_test_has_a_name_of_its_own() -> None:
    chip = EnduranceConfig().chip
    assert chip.name not in BUILT_IN
    changed = chip.replace(name="ta-hfo2-full", **{"wear.lifetime": 0.0, "wear.window_loss": 0.0})
    assert changed == load_preset("ta-hfo2-full").replace(
        **{"wear.lifetime": 0.0, "wear.window_loss": 0.0}
    )
