"""Golden values: board reference 0.1 and 3.1, from the group's published host code."""

import numpy as np
import numpy.typing as npt
import pytest

from drivers.errors import LimitError
from drivers.tia import Transimpedance

TIA = Transimpedance()


def measured(current: npt.ArrayLike) -> list[npt.NDArray[np.float64]]:
    """Return what is measured at each gain: the amplifier inverts, and clips at 2.5 V."""
    volts = [np.clip(-np.asarray(current) * R, -2.5, 2.5) for R in (1e3, 1e4, 1e5, 1e6)]
    return [TIA.current(one, gain) for gain, one in enumerate(volts, start=1)]


@pytest.mark.parametrize(("gain", "resistance"), [(1, 1e3), (2, 1e4), (3, 1e5), (4, 1e6)])
def test_the_amplifier_inverts_with_the_published_gain(gain: int, resistance: float) -> None:
    assert TIA.current(-1.0, gain) == pytest.approx(1.0 / resistance)


def test_usable_currents_match_the_published_table() -> None:
    usable = TIA.usable_current([1, 2, 3, 4])
    np.testing.assert_allclose(usable, [2.2e-3, 2.2e-4, 2.2e-5, 2.2e-6], rtol=1e-12)


def test_gains_and_voltages_broadcast() -> None:
    current = TIA.current(np.full((3, 2), -1.0), np.array([1, 3], np.uint8))
    np.testing.assert_allclose(current, np.tile([1e-3, 1e-5], (3, 1)))


@pytest.mark.parametrize("gain", [0, 5, -1, [1, 5], np.array([0], np.uint8)])
def test_a_gain_that_does_not_exist_is_refused(gain: object) -> None:
    with pytest.raises(LimitError, match="1 to 4"):
        TIA.current(0.1, gain)  # type: ignore[arg-type]


def test_two_gains_are_chosen_by_the_rule_of_the_published_code() -> None:
    gain_1 = np.array([2.3e-4, 2.2e-4, 2.199e-4, -2.199e-4, -2.2e-4, 0.0])
    np.testing.assert_array_equal(TIA.select_gain([gain_1, gain_1 + 1e-7]), [1, 1, 2, 2, 1, 2])


@pytest.mark.parametrize(
    ("current", "expected"),
    [(1e-3, 1), (2.21e-4, 1), (2.19e-4, 2), (2.21e-5, 2), (2.19e-5, 3), (2.21e-6, 3), (2.19e-6, 4)],
)
@pytest.mark.parametrize("sign", [-1, 1])
def test_four_gains_change_at_the_published_thresholds(
    current: float, expected: int, sign: int
) -> None:
    assert TIA.select_gain(measured(sign * current)) == expected


def test_a_clipped_reading_is_never_chosen_over_an_honest_one() -> None:
    true = np.linspace(-2.4e-3, 2.4e-3, 10_001)
    found = np.stack(measured(true))
    chosen = np.take_along_axis(found, TIA.select_gain(found)[np.newaxis].astype(int) - 1, 0)[0]
    np.testing.assert_allclose(chosen, true, rtol=1e-12, atol=1e-18)


def test_a_gain_is_not_skipped_when_a_higher_one_reads_low() -> None:
    assert TIA.select_gain([[1e-3], [0.0], [0.0], [0.0]]) == [1]


@pytest.mark.parametrize("shape", [(), (64,), (2, 0), (5, 128, 64)])
def test_choosing_refuses_a_wrong_number_of_gains(shape: tuple[int, ...]) -> None:
    currents = np.zeros(shape)
    if shape == (2, 0):
        assert TIA.select_gain(currents).shape == (0,)
        return
    with pytest.raises(ValueError, match="1 to 4 gains"):
        TIA.select_gain(currents)


def test_choosing_keeps_the_shape_of_a_map() -> None:
    gain = TIA.select_gain(np.zeros((4, 128, 64)))
    assert gain.shape == (128, 64)
    assert gain.dtype == np.uint8
    assert (gain == 4).all()


def test_the_published_settings_rise_and_leave_room_below_the_clip_level() -> None:
    assert list(TIA.resistance) == sorted(set(TIA.resistance))
    assert 0.0 < TIA.gain_threshold <= TIA.clip, "a clipped reading would be taken for a current"
