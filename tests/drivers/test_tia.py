"""Golden values: board reference 0.1 and 3.1, from the group's published host code."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import LimitError
from drivers.tia import Transimpedance

TIA = Transimpedance()
GAINS = [1, 2, 3, 4]


@pytest.mark.parametrize(("gain", "resistance"), [(1, 1e3), (2, 1e4), (3, 1e5), (4, 1e6)])
def test_the_amplifier_inverts_with_the_published_gain(gain: int, resistance: float) -> None:
    assert TIA.voltage(1e-6, gain) == pytest.approx(-1e-6 * resistance)
    assert TIA.current(-1.0, gain) == pytest.approx(1.0 / resistance)


def test_full_scale_and_usable_currents_match_the_published_table() -> None:
    np.testing.assert_allclose(TIA.full_scale_current(GAINS), [5e-3, 5e-4, 5e-5, 5e-6], rtol=1e-12)
    np.testing.assert_allclose(
        TIA.usable_current(GAINS), [2.2e-3, 2.2e-4, 2.2e-5, 2.2e-6], rtol=1e-12
    )


def test_a_1_ms_cell_at_the_read_voltage_just_fits_gain_2() -> None:
    assert TIA.voltage(1e-3 * 0.2, 2) == pytest.approx(-2.0)
    assert not TIA.is_clipped(TIA.voltage(1e-3 * 0.2, 2))


def test_the_output_clips_at_both_signs_without_an_error() -> None:
    volts = TIA.voltage([-1.0, -2.4e-4, 2.4e-4, 1.0], 2)
    np.testing.assert_allclose(volts, [2.5, 2.4, -2.4, -2.5])
    np.testing.assert_array_equal(TIA.is_clipped(volts), [True, False, False, True])


def test_the_clip_level_is_a_setting_of_the_board() -> None:
    assert Transimpedance(clip=5.0).voltage(-1.0, 1) == 5.0


def test_gains_and_currents_broadcast() -> None:
    volts = TIA.voltage(np.full((3, 2), 1e-6), np.array([1, 3], np.uint8))
    assert volts.shape == (3, 2)
    np.testing.assert_allclose(volts, np.tile([-1e-3, -0.1], (3, 1)))


@given(st.floats(-2.2e-6, 2.2e-6), st.sampled_from(GAINS))
def test_current_undoes_voltage_below_the_clip_level(current: float, gain: int) -> None:
    assert TIA.current(TIA.voltage(current, gain), gain) == pytest.approx(current, abs=1e-20)


@pytest.mark.parametrize("gain", [0, 5, -1, [1, 5], np.array([0], np.uint8)])
def test_a_gain_that_does_not_exist_is_refused(gain: object) -> None:
    with pytest.raises(LimitError, match="1 to 4"):
        TIA.voltage(1e-6, gain)  # type: ignore[arg-type]
    with pytest.raises(LimitError, match="1 to 4"):
        TIA.current(0.1, gain)  # type: ignore[arg-type]


def test_two_gains_merge_by_the_rule_of_the_published_code() -> None:
    gain_1 = np.array([2.3e-4, 2.2e-4, 2.199e-4, -2.199e-4, -2.2e-4, 0.0])
    gain_2 = gain_1 + 1e-7
    current, gain = TIA.merge([gain_1, gain_2])
    np.testing.assert_array_equal(gain, [1, 1, 2, 2, 1, 2])
    np.testing.assert_array_equal(current, np.where(np.abs(gain_1) < 2.2e-4, gain_2, gain_1))


@pytest.mark.parametrize(
    ("current", "expected"),
    [(1e-3, 1), (2.21e-4, 1), (2.19e-4, 2), (2.21e-5, 2), (2.19e-5, 3), (2.21e-6, 3), (2.19e-6, 4)],
)
@pytest.mark.parametrize("sign", [-1, 1])
def test_four_gains_merge_at_the_published_thresholds(
    current: float, expected: int, sign: int
) -> None:
    measured = [TIA.current(TIA.voltage(sign * current, gain), gain) for gain in GAINS]
    merged, gain = TIA.merge(measured)
    assert gain == expected
    assert merged == pytest.approx(sign * current)


def test_a_clipped_reading_is_never_chosen_over_an_honest_one() -> None:
    true = np.linspace(-2.4e-3, 2.4e-3, 10_001)
    merged, _ = TIA.merge([TIA.current(TIA.voltage(true, gain), gain) for gain in GAINS])
    np.testing.assert_allclose(merged, true, rtol=1e-12, atol=1e-18)


def test_a_gain_is_not_skipped_when_a_higher_one_reads_low() -> None:
    _, gain = TIA.merge([[1e-3], [0.0], [0.0], [0.0]])
    assert gain == [1]


@pytest.mark.parametrize("shape", [(), (64,), (2, 0), (5, 128, 64)])
def test_merging_refuses_a_wrong_number_of_gains(shape: tuple[int, ...]) -> None:
    currents = np.zeros(shape)
    if shape == (2, 0):
        assert TIA.select_gain(currents).shape == (0,)
        return
    with pytest.raises(ValueError, match="1 to 4 gains"):
        TIA.select_gain(currents)


def test_merging_keeps_the_shape_of_a_map() -> None:
    current, gain = TIA.merge(np.zeros((4, 128, 64)))
    assert current.shape == gain.shape == (128, 64)
    assert gain.dtype == np.uint8
    assert (gain == 4).all()


@pytest.mark.parametrize("resistance", [(), (1e4, 1e3), (0.0, 1e3), (1e3, 1e3), (float("nan"),)])
def test_resistances_that_are_not_positive_and_rising_are_refused(
    resistance: tuple[float, ...],
) -> None:
    with pytest.raises(ValueError, match="rising"):
        Transimpedance(resistance=resistance)


@pytest.mark.parametrize(("clip", "threshold"), [(2.0, 2.2), (2.5, 0.0), (float("nan"), 2.2)])
def test_a_threshold_beyond_the_clip_level_is_refused(clip: float, threshold: float) -> None:
    with pytest.raises(ValueError, match="gain_threshold"):
        Transimpedance(clip=clip, gain_threshold=threshold)
