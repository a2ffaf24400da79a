"""What products, counts and the end of an array must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from memlab.array import Array, Measurement
from memlab.testing.arrays.voltages import (
    COLUMNS,
    DAC_STEP,
    GATE,
    ArrayFixtures,
)

Steps = Callable[..., Any]
Volts = Callable[[float], float]


class Multiplies(ArrayFixtures):
    """Multiplies with the conductances that were read."""

    def test_vmm_is_the_product_with_the_conductances_that_were_read(
        self, view: Array, steps: Steps, conductance_tolerance: float, resolution: float
    ) -> None:
        voltage = steps((20, 3))
        expected = voltage @ view.read_conductance()
        sums = np.abs(voltage).sum(axis=1, keepdims=True)
        # Cells are read at 0.2 V.
        allowed = resolution / 2 + sums * (resolution / 0.2 / 2 + conductance_tolerance)
        assert (np.abs(view.vmm(voltage) - expected) <= allowed).all()

    def test_vmm_is_linear(
        self, view: Array, steps: Steps, conductance_tolerance: float, resolution: float
    ) -> None:
        one, other = steps((8, 3), seed=1), steps((8, 3), seed=2)
        parts = view.vmm(one) + view.vmm(other)
        sums = (np.abs(one) + np.abs(other)).sum(axis=1, keepdims=True)
        # Three readings, each off by half a code.
        allowed = 1.5 * resolution + 2 * sums * conductance_tolerance
        assert (np.abs(view.vmm(one + other) - parts) <= allowed).all()

    def test_current_flows_from_row_to_column(self, view: Array) -> None:
        assert (view.vmm([0.1, 0.1, 0.1]) > 0).all()
        assert (view.vmm([-0.1, -0.1, -0.1]) < 0).all()

    def test_reading_and_multiplying_do_not_program(
        self, view: Array, conductance_tolerance: float
    ) -> None:
        before = view.read_conductance()
        for _ in range(5):
            view.vmm(np.full((10, 3), 0.2))
        assert np.abs(view.read_conductance() - before).max() <= conductance_tolerance

    def test_an_observer_sees_every_vmm_of_its_view_and_of_no_other(
        self, view: Array, steps: Steps
    ) -> None:
        seen: list[Measurement] = []
        view.on_vmm = seen.append
        current = view.vmm(steps((2, 3)))
        view[:2].vmm(steps((2, 2)))
        assert len(seen) == 1
        np.testing.assert_array_equal(seen[0].value, current)


class Lives(ArrayFixtures):
    """Counts, grounds and closes."""

    def test_counts_are_vectors_and_cells(self, array: Array, volts: Volts) -> None:
        assert (array.counts.vmm, array.counts.set, array.counts.reset) == (0, 0, 0)
        view = array[2:5, COLUMNS]
        view.vmm(np.zeros((2, 5, 3)))
        view.vmm(np.zeros(3))
        view.vmm(np.zeros((0, 3)))
        view.program_row(0, volts(0.7))
        view.program_row(0, volts(0.7), columns=np.array([True, False, False, False]))
        view.reset_row(1)
        view.program(volts(0.7), reset=np.eye(3, 4, dtype=bool), set=np.zeros(view.shape, bool))
        assert (array.counts.vmm, array.counts.set, array.counts.reset) == (11, 5, 7)

    def test_what_was_refused_is_not_counted(self, array: Array) -> None:
        view = array[2:5, COLUMNS]
        with pytest.raises(ValueError):
            view.vmm(np.zeros((2, 4)))
        with pytest.raises(ValueError):
            view.program(np.zeros((4, 3)))
        with pytest.raises(TypeError):
            view.program(0.7, reset=np.ones(view.shape))
        assert (array.counts.vmm, array.counts.set, array.counts.reset) == (0, 0, 0)

    def test_ground_at_any_time_changes_no_cell(
        self, view: Array, conductance_tolerance: float
    ) -> None:
        before = view.read_conductance()
        view.ground()
        view.ground()
        assert np.abs(view.read_conductance() - before).max() <= conductance_tolerance

    def test_an_array_can_be_closed_twice(self, array: Array) -> None:
        array.close()
        array.close()

    def test_an_exception_passes_on_through_the_context_manager(self, array: Array) -> None:
        def fail_while_open() -> None:
            with array:
                raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            fail_while_open()

    def test_an_array_describes_itself_in_plain_values(self, array: Array) -> None:
        board = array.describe()["board"]
        assert board["name"]
        assert (board["rows"], board["columns"]) == array.shape


class Repeats(ArrayFixtures):
    """What only an array without noise can promise."""

    @pytest.fixture
    def exact_view(self, view: Array, exact: bool) -> Array:
        """Return the view; skip where values need not repeat."""
        if not exact:
            pytest.skip("this chip has noise: its values need not repeat")
        return view

    def test_set_follows_the_law_of_li_2019(
        self, exact_view: Array, gates: None, resolution: float
    ) -> None:
        error = exact_view.read_conductance() - (98e-6 * GATE + 120e-6)
        step = max(DAC_STEP, exact_view.gate_voltage_step)
        assert np.abs(error).max() <= 98e-6 * step + resolution / 0.2

    def test_every_vector_alone_gives_the_current_of_the_batch(
        self, exact_view: Array, steps: Steps
    ) -> None:
        voltage = steps((7, 3))
        batch = exact_view.vmm(voltage)
        for k in range(7):
            # float64 itself may add up in another order; codes may not (see the board contract).
            np.testing.assert_allclose(exact_view.vmm(voltage[k]), batch[k], rtol=1e-14, atol=1e-20)
