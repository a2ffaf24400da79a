"""Golden values: board reference 2 and 5, from the data sheet MAX11044 to MAX11056, page 24."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.published_board import max11046
from drivers.published_board.max11046 import Configuration, convert, decode

LSB = 152.588e-6


def test_codes_stand_for_the_published_voltages() -> None:
    volts = decode([0, 32768, 65535])
    assert volts[0] == -5.0
    assert volts[1] == 0.0
    assert volts[2] == pytest.approx(4.999847, abs=5e-7)
    assert pytest.approx(LSB, abs=5e-10) == max11046.STEP


@pytest.mark.parametrize(
    ("word", "volts"), [(0x8000, -5.0), (0xFFFF, -LSB), (0, 0.0), (1, LSB), (0x7FFF, 4.999847)]
)
def test_twos_complement_words_stand_for_the_same_voltages(word: int, volts: float) -> None:
    assert decode(word, twos_complement=True) == pytest.approx(volts, abs=5e-7)
    assert convert(volts, twos_complement=True) == word


@pytest.mark.parametrize("twos_complement", [False, True])
def test_every_code_survives_the_way_to_volts_and_back(twos_complement: bool) -> None:
    codes = np.arange(65536, dtype=np.uint16)
    volts = decode(codes, twos_complement=twos_complement)
    np.testing.assert_array_equal(convert(volts, twos_complement=twos_complement), codes)


def test_first_and_last_code_edge_are_65534_steps_apart() -> None:
    first, last = -5 + 0.5 * 10 / 65536, 5 - 1.5 * 10 / 65536
    assert last - first == pytest.approx(10 / 4.096 * 4.096 * 65534 / 65536)
    tiny = 1e-9
    edges = [first - tiny, first + tiny, last - tiny, last + tiny]
    np.testing.assert_array_equal(convert(edges), [0x0000, 0x0001, 0xFFFE, 0xFFFF])


@given(st.floats(5.0, 1e300) | st.just(np.inf))
def test_the_converter_saturates_without_an_error(volts: float) -> None:
    assert convert([-volts, volts]).tolist() == [0x0000, 0xFFFF]
    assert convert([-volts, volts], twos_complement=True).tolist() == [0x8000, 0x7FFF]


@given(st.floats(-5, 4.9998))
def test_an_input_in_range_is_converted_to_within_half_a_step(volts: float) -> None:
    assert abs(decode(convert(volts)) - volts) <= 0.5 * max11046.STEP * (1 + 1e-9)


def test_a_nan_at_the_input_is_an_error_and_not_a_code() -> None:
    with pytest.raises(ValueError, match="NaN"):
        convert([0.0, np.nan])


@pytest.mark.parametrize("shape", [(), (0,), (6, 64)])
def test_conversions_keep_the_shape(shape: tuple[int, ...]) -> None:
    for twos_complement in (False, True):
        code = convert(np.zeros(shape), twos_complement=twos_complement)
        volts = decode(code, twos_complement=twos_complement)
        assert (code.shape, code.dtype) == (shape, np.uint16)
        assert (volts.shape, volts.dtype) == (shape, np.float64)


@pytest.mark.parametrize("code", [-1, 65536])
def test_codes_beyond_16_bits_are_refused(code: int) -> None:
    with pytest.raises(ValueError, match="0 to 65535"):
        decode(code)


@pytest.mark.parametrize(
    ("value", "configuration"),
    [
        (0b0000, Configuration()),
        (0b1000, Configuration(external_reference=True)),
        (0b0100, Configuration(twos_complement=True)),
        (0b0001, Configuration(automatic_acquisition=True)),
        (0b1101, Configuration(True, True, True)),
    ],
)
def test_configuration_bits_are_where_the_data_sheet_has_them(
    value: int, configuration: Configuration
) -> None:
    assert configuration.value == value
    assert Configuration.from_value(value) == configuration


@pytest.mark.parametrize("value", [0b0010, 0b1111, -1, 16])
def test_a_configuration_the_chip_does_not_allow_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="configuration"):
        Configuration.from_value(value)
