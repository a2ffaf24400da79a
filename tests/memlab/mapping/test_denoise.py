"""Cells that fluctuate are found and calmed by weak pulses, and nothing else is moved."""

import numpy as np
import pytest

import memlab
from memlab.array import Array
from memlab.errors import SettingError
from memlab.mapping import Denoised, denoise

TRAPS = (
    "read_noise.telegraph_cells=0.4&read_noise.telegraph_amplitude=0.06"
    "&read_noise.dwell_maximum=0.5&read_noise.step=0.1"
)
ALLOWED = 1.5e-6


def calmed(url: str, **more: object) -> tuple[Array, np.ndarray, Denoised]:
    with memlab.open_array(f"emulator:?chip=ta-hfo2&seed=3&{TRAPS}{url}") as chip:
        array = chip[3:11, 2:14]
        everywhere = np.ones(array.shape, bool)
        array.program(1.3, reset=everywhere)
        truth = chip.simulation.chip.conductance
        found = denoise(array, ALLOWED, **more)  # type: ignore[arg-type]
        moved = chip.simulation.chip.conductance - truth
        return chip, moved, found


def test_traps_end_and_conductances_stay() -> None:
    _, moved, found = calmed("&read_noise.denoising=0.6")
    assert found.noisy[0] > 20
    assert found.noisy[-1] == 0
    assert list(found.noisy) == sorted(found.noisy, reverse=True)
    assert found.before.max() > 4e-6  # 6 % of 250 uS, full part of the time
    assert found.after.max() < ALLOWED
    assert (moved == 0.0).all()
    # Each cell that was noisy was pulsed, and no other.
    np.testing.assert_array_equal(found.pulses > 0, found.before > ALLOWED)
    # A trap that is gone is not there to lower its cell: the mean reading rises.
    assert (found.moved[found.pulses > 0] > -1e-6).all()
    assert np.abs(found.moved[found.pulses == 0]).max() < 1e-6


def test_where_traps_stay_it_says_so_after_the_rounds() -> None:
    _, moved, found = calmed("", rounds=3)
    assert len(found.noisy) == 4
    assert min(found.noisy) > 20
    assert found.pulses.max() == 3
    assert (moved == 0.0).all()


def test_only_the_cells_that_were_named_are_pulsed() -> None:
    cells = np.zeros((8, 12), bool)
    cells[:, 5] = True
    _, _, found = calmed("&read_noise.denoising=1", cells=cells)
    assert found.pulses[cells].any()
    assert not found.pulses[~cells].any()
    assert found.noisy[0] <= 8


def test_time_passes_as_it_is_told() -> None:
    waited: list[float] = []
    calmed("", rounds=1, readings=4, interval=0.25, wait=waited.append)
    assert waited == [0.25] * 6  # three between four readings, twice


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"voltage": 2.5}, "below the 2.5 V that SET a cell"),
        ({"voltage": 0.0}, "must lie above 0"),
        ({"readings": 2}, "readings=2 must be 3 or more"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        calmed("", **wrong)
