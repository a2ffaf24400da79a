"""Which lines take part: a rising list of some."""

import numpy as np
import pytest

from drivers.board import Selection


@pytest.mark.parametrize(
    "lines",
    [[], [1, 1], [2, 1], [-1, 3], [[0, 1]]],
    ids=["none", "twice", "falling", "negative", "2-d"],
)
def test_lines_must_rise_and_be_some(lines: list[int]) -> None:
    good = np.array([0])
    wrong = np.array(lines, np.intp)
    with pytest.raises(ValueError, match="rows"):
        Selection(wrong, good)
    with pytest.raises(ValueError, match="columns"):
        Selection(good, wrong)
