"""What cells are off by once they were written, and training that sees it at every update."""

import math

import numpy as np
import pytest
from scipy.stats import truncnorm

import memlab
from memlab.array.ideal import IdealArray
from memlab.emulator import load_preset
from memlab.errors import SettingError
from memlab.mapping import (
    TA_HFO2,
    Request,
    WriteVerify,
    WritingErrors,
    disturb,
    learnt,
    place,
    settle,
)

WINDOW = (100e-6, 300e-6)


def test_verified_cells_are_off_by_the_part_of_the_noise_that_is_accepted() -> None:
    target = np.full((200, 300), 210e-6)
    for tolerance in (math.inf, 3e-6):
        errors = WritingErrors(WINDOW, noise=4e-6, tolerance=tolerance)
        off = errors.cells(target, np.random.default_rng(2)) - target
        wanted = truncnorm(-tolerance / 4e-6, tolerance / 4e-6, scale=4e-6)
        assert off.std() == pytest.approx(wanted.std(), rel=0.01)
        assert np.abs(off).max() <= tolerance
        assert abs(off.mean()) < 4 * wanted.std() / math.sqrt(off.size)


def test_stuck_cells_are_where_they_are_stuck_as_often_as_said() -> None:
    errors = WritingErrors(WINDOW, stuck=((0.1, 0.0), (0.05, 1e-3)))
    cells = errors.cells(np.full((300, 200), 2e-4), np.random.default_rng(2))
    for share, conductance in ((0.1, 0.0), (0.05, 1e-3), (0.85, 2e-4)):
        assert np.mean(cells == conductance) == pytest.approx(share, abs=0.005)


def test_the_law_is_that_of_the_chip_and_of_how_it_is_written() -> None:
    with memlab.open_array("emulator:?chip=pt-taox-ta&defects.stuck_on=0.03") as array:
        blind = WritingErrors.of(array)
        verified = WritingErrors.of(array, WriteVerify(tolerance=5e-6))
        assert (blind.tolerance, verified.tolerance) == (math.inf, 5e-6)
        chip = load_preset("pt-taox-ta")
        assert blind.noise == chip.noise
        assert blind.stuck == ((chip.non_responsive, 0.0), (0.0, 1e-6), (0.03, 1e-3))
        assert blind.window == pytest.approx(WriteVerify().reach(array, array.stated_law))
        assert verified.scaled(2.0).noise == 2.0 * chip.noise
    with pytest.raises(SettingError, match="does not say what its cells are off by"):
        WritingErrors.of(IdealArray(4, 4))


@pytest.mark.parametrize(
    "wrong", [{"noise": -1e-6}, {"stuck": ((0.6, 0.0), (0.6, 0.0))}, {"tolerance": 0.0}]
)
def test_impossible_errors_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingError):
        WritingErrors(WINDOW, **wrong)  # type: ignore[arg-type]


def test_what_is_learnt_adds_up_exactly_and_what_is_held_is_off_by_the_law() -> None:
    array, rng = IdealArray(128, 64), np.random.default_rng(3)
    (matrix,) = TA_HFO2.realise(place([Request("w", 25, 30)]), [array], 0.2, 1).values()
    errors = WritingErrors(WINDOW, noise=2e-6)
    disturb([matrix], [errors], np.random.default_rng(7))
    matrix.initialise()
    start = learnt(matrix).copy()
    changes = [0.1 * rng.normal(size=(25, 30)) for _ in range(4)]
    held = []
    for change in changes:
        matrix.update(change)
        held.append(matrix.weight - learnt(matrix))
    # Two cells, of a window that the largest weight fills.
    off = math.sqrt(2) * 2e-6 / 200e-6 * np.abs(learnt(matrix)).max()
    assert held[-1].std() == pytest.approx(off, rel=0.1)
    assert abs(np.corrcoef(held[-1].ravel(), held[-2].ravel())[0, 1]) < 0.15
    settle([matrix])
    np.testing.assert_allclose(matrix.weight, start + sum(changes), atol=1e-12)
