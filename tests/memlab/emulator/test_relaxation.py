"""Measured relaxation: the quantiles that a preset states are those that its chip shows."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtri

from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset
from memlab.emulator.cells.relaxation import Relaxation, RelaxationParameters
from memlab.errors import SettingError

TIMES = (0.1, 0.8, 819.2)
PROBABILITIES = (0.1, 0.5, 0.9)
# [time][level][probability]: skewed, other at each level, widening with time.
CHANGE = (
    ((-1e-6, 0.0, 1e-6), (-2e-6, -0.5e-6, 0.5e-6)),
    ((-2e-6, 0.0, 3e-6), (-4e-6, -1e-6, 1e-6)),
    ((-5e-6, -1e-6, 5e-6), (-12e-6, -3e-6, 2e-6)),
)
LAW = {
    "relaxation.times": TIMES,
    "relaxation.levels": (20e-6, 40e-6),
    "relaxation.probabilities": PROBABILITIES,
    "relaxation.change": CHANGE,
    "relaxation.correlation": (0.8, 0.5),
}


def board(seed: int = 1, shape: tuple[int, int] = (128, 64)) -> EmulatedBoard:
    return EmulatedBoard(load_preset("ideal").replace(**LAW), seed, shape)


def test_cells_show_the_stated_quantiles_at_each_time_and_level() -> None:
    one = board()
    start = np.where(np.arange(64) < 32, 20e-6, 40e-6) * np.ones((128, 1))
    one.chip.leave(start)
    now, n = 0.0, 128 * 32
    for time, expected in zip(TIMES, CHANGE, strict=True):
        one.advance(time - now)
        now = time
        change = one.chip.conductance - start
        for half, quantiles in zip((change[:, :32], change[:, 32:]), expected, strict=True):
            for p, quantile in zip(PROBABILITIES, quantiles, strict=True):
                # The share below a quantile is binomial; 4.5 standard errors.
                share = np.mean(half <= quantile)
                assert abs(share - p) < 4.5 * (p * (1 - p) / n) ** 0.5


def test_levels_between_are_interpolated_and_cells_beyond_behave_like_the_last() -> None:
    law = Relaxation(
        RelaxationParameters(**{name.partition(".")[2]: value for name, value in LAW.items()})
    )
    z = np.full((4, 3), ndtri(0.9))
    level = np.array([30e-6, 20e-6, 1e-6, 90e-6])
    change = law.change(level, z, np.full(4, 0.8))
    np.testing.assert_allclose(change, [2e-6, 3e-6, 3e-6, 1e-6], rtol=1e-9)
    # No change at time 0, and none behind the last time.
    np.testing.assert_array_equal(law.change(level, z, np.zeros(4)), 0.0)
    np.testing.assert_array_equal(
        law.change(level, z, np.full(4, 1e6)), law.change(level, z, np.full(4, 819.2))
    )


def test_a_cell_that_has_gone_far_tends_to_go_on() -> None:
    one = board()
    one.chip.leave(np.full((128, 64), 20e-6))
    ranks = []
    for wait in np.diff((0.0, *TIMES)):
        one.advance(wait)
        ranks.append(np.argsort(np.argsort(one.chip.conductance.ravel())))
    correlation = np.corrcoef(ranks)
    # Of ranks of normal deviates that correlate by c: 6 / pi asin(c / 2).
    for (a, b), c in {(0, 1): 0.8, (1, 2): 0.5, (0, 2): 0.4}.items():
        assert correlation[a, b] == pytest.approx(6 / np.pi * np.arcsin(c / 2), abs=0.04)


def test_only_pulsed_cells_relax_and_looking_changes_nothing() -> None:
    often, once = board(), board()
    for one in (often, once):
        with BoardArray(one) as array:
            array[:64].program(1.0)
    for _ in range(8):
        often.advance(0.1)
        _ = often.chip.conductance
    once.advance(0.8)
    np.testing.assert_array_equal(often.chip.conductance, once.chip.conductance)
    assert (once.chip.conductance[64:] == 0.0).all()
    assert np.ptp(once.chip.conductance[:64]) > 1e-6


def test_a_preset_states_it_in_toml(tmp_path: Path) -> None:
    lines = ['extends = "ideal"', "[relaxation]"]
    for name, value in LAW.items():
        listed = np.array(value).tolist()
        lines.append(f"{name.partition('.')[2]} = {listed}")
    (tmp_path / "mine.toml").write_text("\n".join(lines))
    assert load_preset(str(tmp_path / "mine.toml")).relaxation.change == CHANGE


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"relaxation.times": (0.1, 0.1, 0.2)}, "times must rise"),
        ({"relaxation.times": (0.0, 0.8, 819.2)}, "above 0 s"),
        ({"relaxation.probabilities": (0.1, 0.5, 1.0)}, "between 0 and 1"),
        ({"relaxation.levels": (20e-6,)}, r"shape \(3, 2, 3\), expected \(3, 1, 3\)"),
        ({"relaxation.change": (*CHANGE[:2], ((1e-6, 0.0, 1e-6),) * 2)}, "must not fall"),
        ({"relaxation.change": (*CHANGE[:2], ((-1.0, 0.0, 1e-6),) * 2)}, "within"),
        ({"relaxation.change": (*CHANGE[:2], ((0.0,), (0.0, 1e-6)))}, "equally many"),
        ({"relaxation.correlation": (0.8,)}, "2 numbers between -1 and 1"),
        ({"relaxation.correlation": (0.8, 1.5)}, "2 numbers between -1 and 1"),
        ({"drift.relaxation": 1e-6}, "drift.relaxation"),
    ],
)
def test_a_law_that_does_not_fit_together_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        load_preset("ideal").replace(**{**LAW, **changes})
