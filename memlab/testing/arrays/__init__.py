"""What every `memlab.Array` must do, in volts, amperes and siemens: `ArrayContract`.

    import memlab
    import pytest
    from memlab.testing import BoardArrayContract

    class TestMyArray(BoardArrayContract):
        @pytest.fixture
        def open_array(self):
            return lambda **options: memlab.open_array("serial:///dev/ttyUSB3", **options)

        @pytest.fixture
        def exact(self):
            return False  # True for a chip without noise and drift: its values must repeat

`BoardArrayContract` also asks for what an array adds where there is a board below: raw codes,
gains, saturation, limits. On hardware a suite pulses the cells of rows 2 to 4 and columns 1 to 6 a
few dozen times, with the published amplitudes. At least 5 x 7 cells are expected, whose SET follows
the law of Li 2019 (120 uS + 98 uS/V) if the array is `exact` and cells have gates. Where codes are
finer than what is measured, `resolution` is to be overridden.
"""

from __future__ import annotations

from memlab.testing.arrays.multiplies import Lives, Multiplies, Repeats
from memlab.testing.arrays.on_board import OnBoard
from memlab.testing.arrays.programs import Programs
from memlab.testing.arrays.views import Shapes, Views
from memlab.testing.arrays.voltages import ArrayFixtures

__all__ = ["ArrayContract", "ArrayFixtures", "BoardArrayContract"]


class ArrayContract(Shapes, Views, Programs, Multiplies, Lives, Repeats):
    """The tests of an array; a subclass named `Test...` gives the fixture `open_array`."""


class BoardArrayContract(ArrayContract, OnBoard):
    """The tests of an array that has a board below."""
