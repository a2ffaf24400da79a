"""Floor plans: the published ones, tiles that hold every weight once, and no cell used twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memlab.errors import SettingError
from memlab.mapping import (
    Copies,
    FloorPlan,
    MatrixPlan,
    Request,
    cnn_plan,
    conv_lstm_plan,
    cut,
    place,
)


def area(plan: MatrixPlan) -> int:
    return int(np.prod(plan.bounds))


def test_the_published_cnn_takes_4080_devices_for_1015_weights_on_123_by_59_lines() -> None:
    # Wang 2019; experiments reference 5: sizes and corners of the three rectangles.
    plan = cnn_plan()
    assert plan.shapes == ((123, 59),)
    assert plan.weights == 135 + 240 + 640 == 1015
    assert [matrix.bounds for matrix in plan] == [(36, 15), (120, 8), (86, 30)]
    corners = [(matrix.tiles[0].row, matrix.tiles[0].column) for matrix in plan]
    assert corners == [(87, 36), (3, 51), (37, 0)]
    assert [tile.shape for tile in plan["dense"].tiles] == [(86, 10), (86, 10), (84, 10)]
    assert sum(area(matrix) for matrix in plan) == 4080
    assert plan.cells == 4 * 1015
    assert plan.used().sum() == plan.cells


def test_the_published_conv_lstm_takes_3400_devices_for_850_weights() -> None:
    plan = conv_lstm_plan()
    assert plan.weights == 580 + 270 == 850
    assert [matrix.bounds for matrix in plan] == [(58, 40), (90, 12)]
    corners = [(matrix.tiles[0].row, matrix.tiles[0].column) for matrix in plan]
    assert corners == [(66, 0), (30, 44)]
    assert plan.cells == sum(area(matrix) for matrix in plan) == 3400


def test_matrices_that_share_a_cell_or_leave_the_array_are_refused() -> None:
    first = MatrixPlan.placed("first", (2, 3), (0, 0))
    with pytest.raises(SettingError, match="first and second share cells"):
        FloorPlan(((9, 9),), (first, MatrixPlan.placed("second", (2, 3), (3, 2))))
    beside = MatrixPlan.placed("second", (2, 3), (3, 3))
    assert FloorPlan(((9, 9),), (first, beside)).cells == 24
    with pytest.raises(SettingError, match="second needs 4 x 3 cells at"):
        FloorPlan(((6, 9),), (first, beside))


def test_tiles_that_lack_a_weight_or_hold_one_twice_are_refused() -> None:
    tiles = tuple(cut((4, 3), Copies(), chunks=2))
    with pytest.raises(SettingError, match="each of its weights once"):
        MatrixPlan("w", 4, 3, Copies(), tiles[:1])
    with pytest.raises(SettingError, match="each of its weights once"):
        MatrixPlan("w", 4, 3, Copies(), (*tiles, tiles[0]))
    with pytest.raises(SettingError, match="at least one pair"):
        Copies(stacked=0)


@given(
    sizes=st.lists(st.tuples(st.integers(1, 12), st.integers(1, 8)), min_size=1, max_size=3),
    stacked=st.integers(1, 2),
    beside=st.integers(1, 2),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_what_is_placed_fits_on_free_cells_and_overlaps_nothing(
    sizes: list[tuple[int, int]], stacked: int, beside: int, seed: int
) -> None:
    free = np.ones((40, 14), bool)
    free[np.random.default_rng(seed).integers(40, size=3), :] = False
    requests = [Request(f"w{k}", *size, Copies(stacked, beside)) for k, size in enumerate(sizes)]
    try:
        plan = place(requests, [(40, 14)], [free])
    except SettingError as error:
        assert "free cells" in str(error)  # noqa: PT017 - either outcome is right
        return
    # FloorPlan itself refuses overlaps; here that every weight has its cells, on free ones.
    assert [matrix.name for matrix in plan] == [request.name for request in requests]
    assert plan.cells == sum(2 * i * o * stacked * beside for i, o in sizes)
    assert not (plan.used() & ~free).any()


def test_the_published_networks_fit_where_they_are_placed_automatically() -> None:
    for published in (cnn_plan(), conv_lstm_plan()):
        requests = [Request(m.name, m.inputs, m.outputs, m.copies) for m in published]
        plan = place(requests, published.shapes)
        assert plan.cells == published.cells


def test_a_tall_layer_is_folded_no_further_than_needed() -> None:
    plan = place([Request("tall", 100, 5)], [(128, 64)])
    assert [len(tile.pairs) for tile in plan["tall"].tiles] == [50, 50]
    plan = place([Request("flat", 64, 5)], [(128, 64)])
    assert len(plan["flat"].tiles) == 1


def test_a_wide_layer_is_divided_and_a_large_one_goes_to_several_arrays() -> None:
    plan = place([Request("wide", 4, 100)], [(128, 64)])
    assert sorted(len(tile.outputs) for tile in plan["wide"].tiles) == [50, 50]
    with pytest.raises(SettingError, match="no room: large 256 x 64 cells"):
        place([Request("large", 128, 64)], [(128, 64)])
    plan = place([Request("large", 128, 64)], [(128, 64), (128, 64)])
    assert sorted(tile.array for tile in plan["large"].tiles) == [0, 1]


def test_a_matrix_beyond_all_arrays_is_refused_before_anything_is_made() -> None:
    with pytest.raises(SettingError, match=r"lstm would have 1000000002 x 4000000000 weights"):
        MatrixPlan.placed("lstm", (1_000_000_002, 4_000_000_000), (0, 0))
    with pytest.raises(SettingError, match=r"no room: lstm 2000000004 x 4000000000 cells"):
        place([Request("lstm", 1_000_000_002, 4_000_000_000)])
