"""Weights of any value on an ideal array, placed by hand, not by the code under test."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from memlab.array.ideal import IdealArray
from memlab.mapping import DifferentialMatrix, DirectUpdate, Layout

FloatArray = npt.NDArray[np.float64]
SIEMENS_PER_WEIGHT, MIDDLE, READ_VOLTAGE = 1e-4, 218e-6, 0.2


def conductances(weight: FloatArray, layout: Layout) -> FloatArray:
    plus = MIDDLE + SIEMENS_PER_WEIGHT / 2 * weight
    minus = MIDDLE - SIEMENS_PER_WEIGHT / 2 * weight
    if layout is Layout.BLOCK:
        return np.vstack([plus, minus])
    return np.stack([plus, minus], axis=1).reshape(-1, weight.shape[1])


@pytest.fixture
def matrix_of() -> Callable[..., DifferentialMatrix]:
    """Return a function that puts a weight on an ideal array of its own."""

    def make(
        weight: npt.ArrayLike, name: str = "w", layout: Layout = Layout.BLOCK
    ) -> DifferentialMatrix:
        weight = np.asarray(weight, dtype=np.float64)
        start = conductances(weight, layout)
        matrix = DifferentialMatrix(
            name,
            IdealArray(*start.shape),
            SIEMENS_PER_WEIGHT,
            READ_VOLTAGE,
            DirectUpdate(start),
            layout,
        )
        matrix.initialise()
        return matrix

    return make


@pytest.fixture
def set_weight() -> Callable[[DifferentialMatrix, FloatArray, Layout], None]:
    """Return a function that changes the weight of a matrix on an ideal array."""

    def write(matrix: DifferentialMatrix, weight: FloatArray, layout: Layout) -> None:
        assert isinstance(matrix.array, IdealArray)
        matrix.array.write(conductances(weight, layout))
        matrix.read_back()

    return write
