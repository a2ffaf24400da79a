"""Variation: each kind of spread of chips that are known, told apart from the others."""

import numpy as np
import pytest
from support.known_chips import SIGMAS, characterise, chip

from memlab.analysis.variance import variance_components

SPREAD = chip(
    noise=4e-6,
    reset_conductance=60e-6,
    spread__set_slope=0.05,
    spread__set_offset=5e-6,
    spread__reset=0.2,
    spread__cycle=0.03,
    read_noise__white=0.01,
)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_spread_of_the_chip_is_recovered(seed: int) -> None:
    known = characterise("variation", SPREAD, seed=seed)
    assert known.off("set_slope_spread", 0.05) < SIGMAS
    assert known.off("set_offset_spread", 5e-6) < SIGMAS
    assert known.off("reset_spread", 0.2) < SIGMAS
    assert known.off("noise", 4e-6) < SIGMAS
    assert known.off("cycle", 0.03) < SIGMAS
    # Read noise is relative to G: its mean square is that of the conductances.
    level = 98e-6 * 2.4 + 120e-6
    cell = (98e-6 * 0.05 * 2.4) ** 2 + (5e-6) ** 2
    cycle = (4e-6) ** 2 + (0.03 * level) ** 2
    reading = 0.01 * (level**2 + cell + cycle) ** 0.5
    assert known.off("set_high_reading_spread", reading) < SIGMAS
    assert known.off("set_high_cycle_spread", cycle**0.5) < SIGMAS
    assert known.off("set_high_cell_spread", cell**0.5) < SIGMAS
    assert known.off("set_high_level", level) < SIGMAS


def test_a_chip_without_spread_from_cell_to_cell_shows_none() -> None:
    known = characterise("variation", chip())
    for name in ("set_slope_spread", "set_offset_spread", "cycle"):
        error = known.findings.values[name].error
        assert known.value(name) <= 2.0 * error, name
    assert known.off("noise", 4e-6) < SIGMAS


def test_cells_that_do_not_respond_are_left_out() -> None:
    known = characterise("variation", chip("pt-taox-ta"), cycles=3)
    assert known.value("responding") == known.chip.responsive.mean()
    assert np.array_equal(np.isfinite(known.map("cell_set_high")), known.chip.responsive)
    assert known.off("noise", 10e-6) < SIGMAS


def test_of_one_cell_every_finding_says_that_it_is_not_determined() -> None:
    some = characterise("variation", SPREAD, shape=(4, 4)).findings.values
    one = characterise("variation", SPREAD, shape=(1, 1)).findings.values
    assert one.keys() == some.keys()
    for name, value in one.items():
        assert value.units == some[name].units
        if name != "responding" and not name.startswith("cell_"):
            assert value.why == "fewer than two cells respond"


def test_only_cells_of_the_region_are_pulsed() -> None:
    mask = np.zeros((6, 4), bool)
    mask[1:4, 2] = mask[5, 0] = True
    known = characterise("variation", chip(wear__lifetime=1e12), shape=(6, 4), mask=mask, cycles=2)
    assert np.array_equal(known.chip._wear.pulses > 0, mask)


def test_components_of_a_sample_are_those_that_it_was_drawn_with() -> None:
    rng = np.random.default_rng(3)
    cells, cycles, readings = 3000, 6, 2
    values = (
        7.0
        + 3.0 * rng.standard_normal((1, 1, cells))
        + 2.0 * rng.standard_normal((cycles, 1, cells))
        + 1.0 * rng.standard_normal((cycles, readings, cells))
    )
    found = variance_components(values)
    for component, truth in ((found.cell, 3.0), (found.cycle, 2.0), (found.reading, 1.0)):
        assert abs(component.deviation - truth) < 4 * component.deviation_error
        assert component.deviation_error < 0.03 * truth
