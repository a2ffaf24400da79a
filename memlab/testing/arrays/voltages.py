"""Numbers and fixtures of the contract suites of arrays.

What a step of the DACs and a code of the ADC are worth, a board says itself; an array without one
is taken for the published board: a step is 10 V / 65536, a code at gain 2 15.26 nA (board reference
3.1). Cells without gates are asked the same, less what gates alone can do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest

from drivers.capabilities import Capabilities, Products
from memlab.array import Array
from memlab.testing.boards.codes import Words

COLUMNS = [1, 2, 5, 6]
"""Columns of the view that the suite looks at; its rows are 2 to 4."""
GATE = np.linspace(0.7, 1.6, 12).reshape(3, 4)
"""Gate voltages of the cells of that view, all different."""
DAC_STEP, CODE_CURRENT = 10 / 65536, 15.26e-9
"""V and A of the published board."""


class ArrayFixtures:
    """Where the arrays of a suite come from: override `open_array`, and `exact` where it holds."""

    @pytest.fixture
    def open_array(self) -> Callable[..., Array]:
        """Return what opens the array under test: the same one, each time it is called.

        It takes the keyword `limits` of `memlab.open_array`, as `LimitChanges`.
        """
        raise NotImplementedError("override the fixture open_array in your subclass")

    @pytest.fixture
    def exact(self) -> bool:
        """Whether the array has neither noise nor drift, so that its values repeat."""
        return False

    @pytest.fixture
    def conductance_tolerance(self, exact: bool) -> float:
        """Conductance in S by which an untouched cell may seem to change: 3 uS, or nothing."""
        return 0.0 if exact else 3e-6

    @pytest.fixture
    def array(self, open_array: Callable[..., Array]) -> Iterator[Array]:
        """Yield the whole array."""
        with open_array() as array:
            yield array

    @pytest.fixture
    def able(self, array: Array) -> Capabilities | None:
        """What the board below can do; None where there is none."""
        return None

    @pytest.fixture
    def resolution(self, able: Capabilities | None) -> float:
        """A that the array tells apart; one code of the board at the gain of the suite's cells."""
        if able is None:
            return CODE_CURRENT
        return abs(able.current_per_code[Words(able).gain - 1]) * (1 + 1e-4)

    @pytest.fixture
    def steps(self, able: Capabilities | None) -> Callable[..., npt.NDArray[np.float64]]:
        """Return what makes voltages of a shape, within +/-0.1 V, that a DAC makes exactly."""
        step = DAC_STEP if able is None else able.row.step

        def steps(shape: tuple[int, ...], seed: int = 0) -> npt.NDArray[np.float64]:
            most = int(0.1 / step)
            codes = np.random.default_rng(seed).integers(-most, most + 1, shape)
            return np.asarray(codes * np.float64(step))

        return steps

    @pytest.fixture
    def gated(self, able: Capabilities | None) -> bool:
        """Whether cells have gates."""
        return able is None or able.gate is not None

    @pytest.fixture
    def gates(self, gated: bool) -> None:
        """Skip where cells have no gates."""
        if not gated:
            pytest.skip("the cells of this array have no gates")

    @pytest.fixture
    def multiplies(self, able: Capabilities | None) -> None:
        """Skip where the array does not multiply."""
        if able is not None and able.products is Products.NONE:
            pytest.skip("this array multiplies no vectors")

    @pytest.fixture
    def volts(self, gated: bool) -> Callable[[float], float]:
        """Return what makes the gate voltage of a SET: as given, or 0 without gates."""
        return lambda voltage: voltage if gated else 0.0

    @pytest.fixture
    def blank(self, array: Array) -> Array:
        """Return a 3 x 4 view with a gap in its columns, all cells in RESET."""
        view = array[2:5, COLUMNS]
        view.program(0.0, reset=np.ones(view.shape, bool), set=np.zeros(view.shape, bool))
        return view

    @pytest.fixture
    def view(self, blank: Array, gated: bool) -> Array:
        """Return the same view, SET with the gate voltages of `GATE` where there are gates."""
        blank.program(GATE if gated else 0.0)
        return blank
