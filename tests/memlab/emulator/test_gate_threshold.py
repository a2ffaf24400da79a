"""From which gate voltage on a SET does something, in every preset."""

import numpy as np
import pytest

from memlab import open_array
from memlab.emulator.preset import BUILT_IN


@pytest.mark.parametrize("chip", sorted(BUILT_IN))
def test_a_set_does_nothing_up_to_045_volts_but_on_the_ideal_chip(chip: str) -> None:
    with open_array(f"emulator:?chip={chip}&defects.stuck_on=0&read_noise.white=0") as array:
        before = array.read_conductance()[3]
        array.program_row(3, gate_voltage=0.2)
        change = np.median(np.abs(array.read_conductance()[3] - before))
    if chip == "ideal":  # its law, 98 uS/V and 120 uS, and nothing else
        assert change == pytest.approx(139.6e-6, rel=0.01)
    else:
        assert change < 2e-6
