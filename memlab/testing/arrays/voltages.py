"""Numbers and fixtures of the contract suites of arrays.

A DAC step is 10 V / 65536; a code at gain 2 is 15.26 nA, or 76.3 nS at 0.2 V (board reference 3.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest

from memlab.array import Array

COLUMNS = [1, 2, 5, 6]
"""Columns of the view that the suite looks at; its rows are 2 to 4."""
GATE = np.linspace(0.7, 1.6, 12).reshape(3, 4)
"""Gate voltages of the cells of that view, all different."""
DAC_STEP = 10 / 65536
CODE_CURRENT, CODE_CONDUCTANCE = 15.26e-9, 76.4e-9
"""One ADC code at gain 2 in A, and in S at the read voltage."""


class ArrayFixtures:
    """Where the arrays of a suite come from: override `open_array`, and `exact` where it holds."""

    @pytest.fixture
    def open_array(self) -> Callable[..., Array]:
        """Return what opens the array under test: the same one, each time it is called.

        It takes the keyword `limits` of `memlab.open_array`.
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
    def blank(self, array: Array) -> Array:
        """Return a 3 x 4 view with a gap in its columns, all cells in RESET."""
        view = array[2:5, COLUMNS]
        view.program(0.0, reset=np.ones(view.shape, bool), set=np.zeros(view.shape, bool))
        return view

    @pytest.fixture
    def view(self, blank: Array) -> Array:
        """Return the same view, SET with the gate voltages of `GATE`."""
        blank.program(GATE)
        return blank


def steps(shape: tuple[int, ...], seed: int = 0) -> npt.NDArray[np.float64]:
    """Return voltages within +/-0.1 V that a DAC makes exactly."""
    codes: npt.NDArray[np.int64] = np.random.default_rng(seed).integers(-655, 656, shape)
    return codes * np.float64(DAC_STEP)
