"""Golden values: board reference 1.1 to 1.3, from Linduino's LTC2668.h and Linux's ltc2664.c."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import LimitError
from drivers.published_board.ltc2668 import Command, Span, Word

# Span code, volts at 0, 0x8000 and 0xFFFF, and the step in uV, as printed in table 1.3.
TABLE = [
    (0, 0.0, 2.5, 4.999924, 76.294),
    (1, 0.0, 5.0, 9.999847, 152.588),
    (2, -5.0, 0.0, 4.999847, 152.588),
    (3, -10.0, 0.0, 9.999695, 305.176),
    (4, -2.5, 0.0, 2.499924, 76.294),
]
spans = st.sampled_from(Span)


@pytest.mark.parametrize(("code", "bottom", "middle", "top", "step"), TABLE)
def test_spans_match_the_published_table(
    code: int, bottom: float, middle: float, top: float, step: float
) -> None:
    span = Span(code)
    volts = span.decode([0, 0x8000, 0xFFFF])
    assert volts[0] == span.minimum == bottom
    assert volts[1] == middle
    assert volts[2] == span.top == pytest.approx(top, abs=5e-7)
    assert span.step * 1e6 == pytest.approx(step, abs=5e-4)
    np.testing.assert_array_equal(span.encode([bottom, middle, span.top]), [0, 0x8000, 0xFFFF])


@pytest.mark.parametrize("span", Span)
def test_every_code_survives_the_way_to_volts_and_back(span: Span) -> None:
    codes = np.arange(65536, dtype=np.uint16)
    np.testing.assert_array_equal(span.encode(span.decode(codes)), codes)


@pytest.mark.parametrize("span", Span)
def test_every_code_is_an_exact_multiple_of_2_to_the_minus_20_volts(span: Span) -> None:
    grid = span.decode(np.arange(65536)) * 2**20
    np.testing.assert_array_equal(grid, np.rint(grid))


@given(spans, st.floats(0, 1))
def test_encoding_finds_the_nearest_code(span: Span, fraction: float) -> None:
    volts = span.minimum + fraction * (span.top - span.minimum)
    exact = (Fraction(volts) - Fraction(span.minimum)) * 65536
    exact /= Fraction(span.maximum) - Fraction(span.minimum)
    assert abs(int(span.encode(volts)) - exact) <= Fraction(1, 2) + Fraction(1, 10**9)


def test_a_voltage_halfway_between_two_codes_goes_to_the_even_one() -> None:
    half = np.array([0.5, 1.5, 2.5]) * 5 / 65536
    np.testing.assert_array_equal(Span.UNIPOLAR_5.encode(half), [0, 2, 2])


@given(
    spans,
    st.floats(10.001, 1e300)
    | st.floats(-1e300, -10.001)
    | st.sampled_from([np.inf, -np.inf, np.nan]),
)
def test_a_voltage_beyond_every_span_is_refused(span: Span, volts: float) -> None:
    with pytest.raises(LimitError):
        span.encode(volts)


@pytest.mark.parametrize("span", Span)
def test_the_nominal_maximum_is_one_step_out_of_reach(span: Span) -> None:
    with pytest.raises(LimitError):
        span.encode(span.maximum)


@pytest.mark.parametrize("span", Span)
def test_half_a_step_decides_between_rounding_and_refusing(span: Span) -> None:
    inside, outside = 0.499 * span.step, 0.501 * span.step
    assert span.encode(span.minimum - inside) == 0
    assert span.encode(span.top + inside) == 0xFFFF
    for volts in (span.minimum - outside, span.top + outside):
        with pytest.raises(LimitError):
            span.encode(volts)


def test_the_refusal_names_value_place_range_and_remedy() -> None:
    with pytest.raises(LimitError) as refusal:
        Span.BIPOLAR_5.encode([[1.0, -2.0], [6.2, 0.0]])
    assert str(refusal.value) == (
        "6.2 V at index (1, 0) is outside span BIPOLAR_5, -5 to 4.999847 V: "
        "ask for a voltage within it or configure BIPOLAR_10"
    )


def test_one_nan_among_good_voltages_is_refused() -> None:
    with pytest.raises(LimitError, match=r"nan V at index \(2,\)"):
        Span.UNIPOLAR_5.encode([0.0, 1.0, np.nan, 2.0])


@pytest.mark.parametrize("shape", [(), (0,), (34,), (3, 2, 5)])
def test_encoding_keeps_the_shape_and_the_callers_array(shape: tuple[int, ...]) -> None:
    volts = np.full(shape, 2.5)
    code = Span.UNIPOLAR_5.encode(volts)
    assert (code.shape, code.dtype) == (shape, np.uint16)
    assert (code == 0x8000).all()
    assert (volts == 2.5).all()
    back = Span.UNIPOLAR_5.decode(code)
    assert (back.shape, back.dtype) == (shape, np.float64)


def test_a_scalar_code_can_be_used_as_an_int() -> None:
    assert Word.write_update(5, int(Span.BIPOLAR_10.encode(2.5))) == Word.write_update(5, 0xA000)


@pytest.mark.parametrize("code", [-1, 65536, [0, 65536], np.array([-1], np.int8)])
def test_decoding_refuses_codes_that_do_not_exist(code: object) -> None:
    with pytest.raises(ValueError, match="0 to 65535"):
        Span.UNIPOLAR_5.decode(code)  # type: ignore[arg-type]


def test_decoding_refuses_fractional_codes() -> None:
    with pytest.raises(TypeError):
        Span.UNIPOLAR_5.decode(1.5)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int64, np.uint64])
def test_decoding_takes_every_integer_type_to_float64(dtype: type[np.integer]) -> None:
    volts = Span.UNIPOLAR_5.decode(np.array([100], dtype))
    assert volts.dtype == np.float64
    assert volts[0] == 100 * 5 / 65536


# Bytes worked out by hand from the command table 1.1 and the word layout 1.2.
WORDS = [
    (Word.write(1, 0x1234), "01 12 34"),
    (Word.update(2), "12 00 00"),
    (Word.write_update_all(3, 0xBEEF), "23 BE EF"),
    (Word.write_update(5, 0xA000), "35 A0 00"),
    (Word.power_down(15), "4F 00 00"),
    (Word.power_down_chip(), "50 00 00"),
    (Word.span(7, Span.BIPOLAR_2_5), "67 00 04"),
    (Word.config(), "70 00 00"),
    (Word.config(reference_off=True), "70 00 01"),
    (Word.config(thermal_shutdown_off=True), "70 00 02"),
    (Word.write_all(0x8000), "80 80 00"),
    (Word.update_all(), "90 00 00"),
    (Word.write_all_update_all(0xFFFF), "A0 FF FF"),
    (Word.mux(9), "B0 00 19"),
    (Word.mux(None), "B0 00 00"),
    (Word.toggle_select(0x8001), "C0 80 01"),
    (Word.global_toggle(register_b=False), "D0 00 00"),
    (Word.span_all(Span.BIPOLAR_10), "E0 00 03"),
    (Word.no_operation(), "F0 00 00"),
]


@pytest.mark.parametrize(("word", "expected"), WORDS, ids=lambda value: str(value))
def test_words_have_the_published_bytes(word: Word, expected: str) -> None:
    assert word.to_bytes24() == bytes.fromhex(expected)
    assert word.value == int(expected.replace(" ", ""), 16)


def test_the_constructors_cover_all_sixteen_commands() -> None:
    assert {word.command for word, _ in WORDS} == set(Command)
    assert sorted(Command) == list(range(16))


def test_the_global_toggle_uses_bit_0_and_not_the_0x10_of_linduino() -> None:
    assert Word.global_toggle(register_b=True).to_bytes24() == bytes.fromhex("D0 00 01")


def test_the_padding_of_a_32_bit_word_comes_first() -> None:
    assert Word.span_all(Span.BIPOLAR_10).to_bytes32() == bytes.fromhex("00 E0 00 03")


def test_the_padding_bits_of_a_32_bit_word_are_ignored() -> None:
    assert Word.from_bytes(bytes.fromhex("A5 E0 00 03")) == Word.span_all(Span.BIPOLAR_10)


@given(st.sampled_from(Command), st.integers(0, 15), st.integers(0, 65535))
def test_a_word_survives_the_wire(command: Command, address: int, data: int) -> None:
    word = Word(command, address, data)
    assert word.value == command * 2**20 + address * 2**16 + data
    assert Word.from_value(word.value) == word
    assert Word.from_bytes(word.to_bytes24()) == word
    assert Word.from_bytes(word.to_bytes32()) == word


@given(
    st.integers().filter(lambda n: not 0 <= n <= 15),
    st.integers().filter(lambda n: not 0 <= n <= 65535),
)
def test_a_field_never_spills_into_its_neighbour(channel: int, code: int) -> None:
    for build in (
        lambda: Word.write_update(channel, 0),
        lambda: Word.write_update(0, code),
        lambda: Word.mux(channel),
        lambda: Word.toggle_select(code),
        lambda: Word.write_all(code),
    ):
        with pytest.raises(ValueError):
            build()


@pytest.mark.parametrize("code", [5, 6, 7, 8])
def test_a_span_that_does_not_exist_is_refused(code: int) -> None:
    with pytest.raises(ValueError):
        Word.span_all(code)  # type: ignore[arg-type]


def test_numpy_integers_do_not_overflow_in_the_shift() -> None:
    assert Word(Command.WRITE, np.uint8(15), np.uint16(0xFFFF)).value == 0x0FFFFF  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [0, 2, 5])
def test_a_word_of_the_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="3 or 4 bytes"):
        Word.from_bytes(bytes(length))


@pytest.mark.parametrize("value", [-1, 1 << 24])
def test_a_value_of_more_than_24_bits_is_refused(value: int) -> None:
    with pytest.raises(ValueError):
        Word.from_value(value)
