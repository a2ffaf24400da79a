"""The two published layouts, by hand (experiments reference 5)."""

import numpy as np
import pytest

from memlab.mapping import Layout, pair_conductance, pair_rows


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
