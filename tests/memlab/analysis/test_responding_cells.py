"""Which cells respond: those that move by far more than noise, in step with the middle."""

import numpy as np
import pytest

from memlab.analysis.statistics import responding_cells

rng = np.random.default_rng(3)


@pytest.mark.parametrize("noise", [1e-21, 5e-9, 5e-6])
def test_on_a_chip_where_nothing_moves_no_cell_responds(noise: float) -> None:
    # Rounding of floats, cells at 1 uS and cells stuck at 1 mS, with half a per cent of noise.
    found = [responding_cells(rng.normal(0.0, noise, 64)).any() for _ in range(50)]
    assert sum(found) == 0


@pytest.mark.parametrize("cells", [1, 2, 3, 20, 8192])
def test_cells_that_switch_are_told_from_a_third_that_does_not(cells: int) -> None:
    moved = rng.normal(300e-6, 10e-6, cells)
    dead = np.arange(cells) % 3 == 1
    moved[dead] = rng.normal(0.0, 1e-7, int(dead.sum()))
    np.testing.assert_array_equal(responding_cells(moved), ~dead)
