"""The two published layouts, by hand (experiments reference 5)."""

import numpy as np
import pytest

from memlab.array.ideal import IdealArray
from memlab.mapping import Layout, pair_conductance, pair_rows
from memlab.mapping.block import pair_weight
from memlab.mapping.views import read_in_use


@pytest.mark.parametrize(
    ("layout", "plus", "minus"),
    [
        (Layout.BLOCK, [0, 1, 2], [3, 4, 5]),
        (Layout.INTERLEAVED, [0, 2, 4], [1, 3, 5]),
    ],
)
def test_the_rows_of_a_pair_lie_where_the_papers_put_them(
    layout: Layout, plus: list[int], minus: list[int]
) -> None:
    positive, negative = pair_rows(layout, 3)
    rows = np.arange(6)
    np.testing.assert_array_equal(rows[positive], plus)
    np.testing.assert_array_equal(rows[negative], minus)


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        (
            Layout.BLOCK,
            [
                [250e-6, 200e-6, 150e-6],
                [210e-6, 190e-6, 200e-6],
                [150e-6, 200e-6, 250e-6],
                [190e-6, 210e-6, 200e-6],
            ],
        ),
        (
            Layout.INTERLEAVED,
            [
                [250e-6, 200e-6, 150e-6],
                [150e-6, 200e-6, 250e-6],
                [210e-6, 190e-6, 200e-6],
                [190e-6, 210e-6, 200e-6],
            ],
        ),
    ],
)
def test_a_pair_stands_for_its_weight_around_the_middle(
    layout: Layout, expected: list[list[float]]
) -> None:
    weight = np.array([[1.0, 0.0, -1.0], [0.2, -0.2, 0.0]])
    conductance = pair_conductance(weight, 1e-4, 200e-6, layout)
    np.testing.assert_allclose(conductance, expected, rtol=1e-14)


def test_every_pair_may_lie_around_a_middle_of_its_own_and_gives_its_weight_back() -> None:
    # Three inputs of two outputs: neither number is the other, or twice it.
    weight = np.array([[1.0, -0.4], [0.0, 0.2], [-0.6, 2.0]])
    middle = 1e-6 * np.array([[200.0, 150.0], [90.0, 310.0], [120.0, 240.0]])
    # Half of R_gw, 50 uS, for a weight of one to either side.
    plus = 1e-6 * np.array([[250.0, 130.0], [90.0, 320.0], [90.0, 340.0]])
    minus = 1e-6 * np.array([[150.0, 170.0], [90.0, 300.0], [150.0, 140.0]])
    for layout, expected in (
        (Layout.BLOCK, [*plus, *minus]),
        (Layout.INTERLEAVED, [plus[0], minus[0], plus[1], minus[1], plus[2], minus[2]]),
    ):
        conductance = pair_conductance(weight, 1e-4, middle, layout)
        np.testing.assert_allclose(conductance, expected, rtol=1e-12)
        np.testing.assert_allclose(pair_weight(conductance, 1e-4, layout), weight, atol=1e-12)


def test_cells_are_read_view_by_view_at_their_places_and_others_are_nan() -> None:
    chip = IdealArray(6, 5)
    chip.write(np.arange(30.0).reshape(6, 5))
    array = chip[[4, 1, 3], [3, 0, 2, 4]]
    np.testing.assert_array_equal(read_in_use(array), array.read_conductance())
    found = read_in_use(array, [chip[[1, 4], [4, 3]], chip[3:4, 0:1]])
    nan = np.nan
    expected = [[23.0, nan, nan, 24.0], [8.0, nan, nan, 9.0], [nan, 15.0, nan, nan]]
    np.testing.assert_array_equal(found, expected)
