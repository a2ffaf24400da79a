"""A parameter beyond all that chips have is refused, or the emulator computes with it."""

import warnings

import numpy as np
import pytest

from memlab import open_array
from memlab.emulator import load_preset, preset_rows
from memlab.errors import MemlabError, SaturationWarning, SettingError

NAMES = [
    row.name
    for row in preset_rows("worst-case")
    if isinstance(row.value, int | float) and not isinstance(row.value, bool)
]


@pytest.mark.parametrize("chip", ["worst-case", "passive-tiox"])
@pytest.mark.parametrize("value", [1e30, 1e12, 1e6, 10.0])
def test_no_parameter_ends_in_an_error_of_python(chip: str, value: float) -> None:
    refused, wrong = {}, {}
    for name in NAMES:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                warnings.simplefilter("ignore", SaturationWarning)
                pulse_and_read(f"emulator:?chip={chip}&shape=6x4&{name}={value!r}")
        except SettingError as error:
            refused[name] = str(error)
        except MemlabError:
            pass
        except Exception as error:
            wrong[name] = repr(error)
    assert wrong == {}
    assert not [said for name, said in refused.items() if name not in said or "Input" in said]
    assert ({"spread.reset_log", "board.timing.adc_word"} <= set(refused)) is (value > 10.0)


def pulse_and_read(url: str) -> None:
    with open_array(url) as array:
        mask = np.zeros(array.shape, bool)
        mask[1:3, :2] = True
        array.program(1.2 if array.board.capabilities.scheme is None else 0.0, reset=mask, set=mask)
        array.read_conductance()
        array.vmm(np.full(array.shape[0], 0.1))


def test_a_bound_is_said_with_the_unit() -> None:
    with pytest.raises(SettingError, match=r"wires\.resistance: that takes a number from 0 up to "):
        load_preset("ideal").replace(**{"wires.resistance": 1e30})
