"""Shapes, and the parts of an array that have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from memlab.array import Array
from memlab.testing.arrays.voltages import ArrayFixtures


class Shapes(ArrayFixtures):
    """Values in, values out: shapes and types."""

    def test_an_array_has_all_lines_in_their_order(self, array: Array) -> None:
        rows, columns = array.shape
        assert array.rows.tolist() == list(range(rows))
        assert array.columns.tolist() == list(range(columns))

    def test_conductance_has_the_shape_of_the_view(self, array: Array, blank: Array) -> None:
        assert blank.read_conductance().shape == (3, 4)
        assert array.read_conductance().shape == array.shape
        assert blank.read_conductance().dtype == np.float64

    @pytest.mark.parametrize("batch", [(), (1,), (5,), (2, 3), (0,), (2, 0), (1, 1, 1)])
    def test_vmm_turns_the_last_axis_from_rows_into_columns(
        self, view: Array, batch: tuple[int, ...]
    ) -> None:
        current = view.vmm(np.zeros((*batch, 3)))
        assert current.shape == (*batch, 4)
        assert current.dtype == np.float64

    @pytest.mark.parametrize("shape", [(), (4,), (3, 4), (2, 1), (3, 0)])
    def test_vectors_that_do_not_fit_the_rows_are_refused(
        self, view: Array, shape: tuple[int, ...]
    ) -> None:
        with pytest.raises(ValueError, match="rows"):
            view.vmm(np.zeros(shape))

    def test_integers_and_lists_are_voltages_too(self, view: Array) -> None:
        assert view.vmm([0, 0, 0]).shape == (4,)


class Views(ArrayFixtures):
    """Picks cells as numpy would."""

    @pytest.mark.parametrize(
        ("rows", "columns"),
        [
            (slice(2, 5), slice(1, 7)),
            (slice(5, 1, -1), slice(None)),
            (slice(None, None, 4), slice(-3, None)),
            ([4, 2], [6, 1, 5]),
            ([3, 4, 2], [5, 6, 1]),
            ([-1, 3, 0], [-7]),
            (3, 5),
            (-1, slice(0, 2)),
            (lambda n: np.arange(n) % 31 == 3, lambda n: np.arange(n) < 3),
            (np.array([3]), lambda n: [False] * (n - 4) + [True] * 4),
            (range(1, 5, 3), ...),
        ],
    )
    def test_a_view_reads_the_cells_that_numpy_would_pick(
        self,
        array: Array,
        view: Array,
        rows: Any,
        columns: Any,
        conductance_tolerance: float,
    ) -> None:
        n, m = array.shape
        rows, columns = (key(k) if callable(key) else key for key, k in ((rows, n), (columns, m)))
        part = array[rows, columns]
        expected_rows = np.atleast_1d(np.arange(n)[rows])
        expected_columns = np.atleast_1d(np.arange(m)[columns])
        assert part.rows.tolist() == expected_rows.tolist()
        assert part.columns.tolist() == expected_columns.tolist()
        assert part.shape == (expected_rows.size, expected_columns.size)
        picked = array.read_conductance()[np.ix_(expected_rows, expected_columns)]
        assert np.abs(part.read_conductance() - picked).max() <= conductance_tolerance

    def test_one_index_picks_rows(self, array: Array) -> None:
        columns = array.shape[1]
        assert array[4].shape == (1, columns)
        assert array[1:4].shape == (3, columns)
        assert array[[4, 3]].rows.tolist() == [4, 3]

    def test_iteration_walks_over_the_rows(self, view: Array) -> None:
        rows = [row.rows.tolist() for row in view]  # type: ignore[attr-defined]
        assert rows == [[2], [3], [4]]

    def test_a_view_of_a_view_counts_from_its_own_lines(self, view: Array) -> None:
        inner = view[[2, 0], 1:][::-1, [-1, 0]]
        assert inner.rows.tolist() == [2, 4]
        assert inner.columns.tolist() == [6, 2]

    @pytest.mark.parametrize(
        "key",
        [
            3,
            -4,
            [0, 3],
            [1, 1],
            [0, -3],
            [],
            slice(3, None),
            slice(2, 1),
            [False] * 3,
            [True] * 4,
            1.0,
            None,
            True,
            [[0, 1]],
            (0, 4),
            (0, [2, 2]),
            (0, [False] * 4),
            (slice(None), slice(4, 9)),
            (0, 0, 0),
            (0,),
            (),
        ],
        ids=repr,
    )
    def test_a_view_without_lines_twice_a_line_or_a_line_too_far_is_an_index_error(
        self, view: Array, key: object
    ) -> None:
        with pytest.raises(IndexError):
            view[key]

    def test_vmm_of_a_view_has_its_rows_and_columns_in_its_order(
        self, view: Array, steps: Callable[..., Any], conductance_tolerance: float
    ) -> None:
        voltage = steps((6, 3))
        straight = view.vmm(voltage, gain=1)
        turned = view[[2, 0, 1], [3, 0, 2, 1]].vmm(voltage[:, [2, 0, 1]], gain=1)
        allowed = np.abs(voltage).sum(axis=1, keepdims=True) * conductance_tolerance
        # Reordering must not even change the last bit, except where float64 itself adds up.
        assert (np.abs(turned - straight[:, [3, 0, 2, 1]]) <= allowed + 1e-18).all()

    def test_a_mask_of_a_view_follows_its_order(
        self, blank: Array, volts: Callable[[float], float]
    ) -> None:
        mask = np.array([[True, False, False, False], [False, True, False, False]])
        blank[[2, 0], ::-1].program(volts(1.6), set=mask)
        high = blank.read_conductance() > 75e-6
        assert np.argwhere(high).tolist() == [[0, 2], [2, 3]]

    def test_gates_of_a_view_follow_its_order(self, blank: Array, gates: None) -> None:
        gate = np.array([[0.7, 0.7, 0.7, 1.6], [0.7, 0.7, 0.7, 0.7]])
        blank[[2, 0], ::-1].program(gate)
        conductance = blank.read_conductance()
        assert conductance.argmax() == 2 * 4 + 0
        assert conductance[1].max() < 50e-6 < conductance[[0, 2]].min()

    def test_lines_outside_a_view_neither_drive_nor_appear(
        self, view: Array, conductance_tolerance: float, resolution: float
    ) -> None:
        # Only row 2 of the view is driven, so other rows' cells add nothing.
        part = view[[2], [0, 3]]
        expected = 0.1 * view.read_conductance()[2, [0, 3]]
        error = np.abs(part.vmm(np.array([0.1])) - expected).max()
        assert error <= 277e-6 * 10 / 65536 + resolution + 0.1 * conductance_tolerance

    def test_taking_a_view_leaves_the_array_as_it_is(self, array: Array) -> None:
        shape = array.shape
        array[3:5, [6, 2]]
        assert array.shape == shape
