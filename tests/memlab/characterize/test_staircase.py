"""The staircase: SET law and responding cells of chips that are known."""

import numpy as np
import pytest
from support.known_chips import SIGMAS, characterise, chip


@pytest.mark.parametrize("name", ["ta-hfo2", "pt-taox-ta"])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_set_law_is_recovered(name: str, seed: int) -> None:
    preset = chip(name)
    known = characterise("staircase", preset, seed=seed)
    assert known.value("set_slope") == pytest.approx(preset.set_slope, rel=0.03)
    assert known.off("set_slope", preset.set_slope) < SIGMAS
    assert known.off("set_offset", preset.set_offset) < SIGMAS
    assert known.off("cycle_spread", preset.noise) < SIGMAS


@pytest.mark.parametrize("name", ["ta-hfo2", "pt-taox-ta"])
def test_the_cells_that_respond_are_exactly_those_of_the_chip(name: str) -> None:
    known = characterise("staircase", chip(name), shape=(128, 64))
    assert np.array_equal(known.map("responds"), known.chip.responsive)
    assert known.value("responding") == known.chip.responsive.mean()


def test_stuck_cells_behind_wires_do_not_respond() -> None:
    preset = chip("ta-hfo2-full", defects__stuck_on=0.01, defects__stuck_off=0.01)
    known = characterise("staircase", preset, shape=(48, 40))
    assert np.array_equal(known.map("responds"), known.chip.responsive)
