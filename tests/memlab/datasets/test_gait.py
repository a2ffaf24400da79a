"""Gait from the authors' layout, from the stand-in, and made up with measured statistics."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.io import savemat

from memlab.datasets import Gait, MissingDataError, load_gait, make_gait
from memlab.datasets.synthetic_gait import STATISTICS, STATISTICS_ROWS
from memlab.errors import DataError, SettingError

FloatArray = npt.NDArray[np.float64]


# -- files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", [False, True])
def test_the_authors_layout_is_features_sequences_frames(tmp_path: Path, frames: bool) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.random((30, 25, 50)), rng.integers(0, 8, 30)
    one_hot = np.eye(8)[:, y]
    if frames:
        one_hot = np.repeat(one_hot[:, :, np.newaxis], 25, axis=2)
    path = tmp_path / "gait_subset.mat"
    matrices = {
        "xs_training": x[:20].transpose(2, 0, 1),
        "ys_training": one_hot[:, :20],
        "xs_testing": x[20:].transpose(2, 0, 1),
        "ys_testing": one_hot[:, 20:],
        "N_CLASS": 8.0,
    }
    savemat(path, matrices)
    gait = load_gait(tmp_path)
    np.testing.assert_array_equal(gait.x, x)
    np.testing.assert_array_equal(gait.y, y)
    np.testing.assert_array_equal(gait.test("random"), np.arange(30) >= 20)
    with pytest.raises(SettingError, match=r"data\.split=random"):
        gait.test("pass")


def test_a_mat_file_of_another_layout_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "gait_subset.mat"
    savemat(path, {"xs_training": np.zeros((50, 3, 25))})
    with pytest.raises(DataError, match="ys_training"):
        load_gait(path)
    path.write_bytes(b"no matrices at all" * 20)
    with pytest.raises(DataError, match="cannot read"):
        load_gait(path)


def test_missing_gait_says_how_to_get_it_and_is_not_made_up(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="synthetic"):
        load_gait(tmp_path)


@pytest.mark.needs("gait_kth_width.npz")
def test_the_stand_in_has_the_published_shape_and_calls_itself_a_stand_in(
    shared_file: Path,
) -> None:
    gait = load_gait(shared_file)
    assert gait.x.shape == (664, 25, 50)
    assert np.bincount(gait.y).tolist() == [83] * 8
    assert gait.test("random").sum() == 67
    assert gait.test("pass").sum() == 149
    assert "stand-in" in gait.source


# -- made-up people, against the table of experiments reference 7 ---------------------------


@pytest.fixture(scope="module")
def many() -> list[Gait]:
    """Several sets, because one has only eight persons."""
    return [make_gait(seed) for seed in range(6)]


def at_rows(values: FloatArray) -> FloatArray:
    return values[..., STATISTICS_ROWS]


def mean_widths(gait: Gait) -> FloatArray:
    return gait.x.mean(axis=1)


def test_synthetic_gait_has_the_published_shape_and_says_that_it_is_synthetic() -> None:
    gait = make_gait(3)
    assert gait.x.shape == (664, 25, 50)
    assert np.bincount(gait.y).tolist() == [83] * 8
    assert gait.test("random").sum() == 67
    assert gait.x.min() >= 0
    assert "SYNTHETIC" in gait.source
    np.testing.assert_array_equal(gait.x, make_gait(3).x)
    assert (gait.x != make_gait(4).x).any()


def test_no_pass_of_the_test_is_in_the_training(many: list[Gait]) -> None:
    for gait in many:
        assert gait.group is not None
        test = gait.test("pass")
        assert not set(gait.group[test]) & set(gait.group[~test])
        assert set(gait.y[test]) == set(range(8))


def test_mean_widths_are_those_of_the_table(many: list[Gait]) -> None:
    mean = np.mean([at_rows(mean_widths(gait)).mean(axis=0) for gait in many], axis=0)
    np.testing.assert_allclose(mean, STATISTICS["mean"], atol=0.005)


def test_persons_differ_as_in_the_table(many: list[Gait]) -> None:
    spread = []
    for gait in many:
        persons = [mean_widths(gait)[gait.y == person].mean(axis=0) for person in range(8)]
        spread.append(at_rows(np.std(persons, axis=0)))
    np.testing.assert_allclose(np.mean(spread, axis=0), STATISTICS["person"], rtol=0.15, atol=2e-3)


def test_clothes_shift_all_persons_and_each_person_as_in_the_table(many: list[Gait]) -> None:
    shift, own = [], []
    for gait in many:
        mean = mean_widths(gait)
        assert gait.session is not None
        later = gait.session == gait.session.max()
        difference = np.array(
            [
                mean[(gait.y == p) & later].mean(axis=0) - mean[(gait.y == p) & ~later].mean(axis=0)
                for p in range(8)
            ]
        )
        shift.append(at_rows(difference.mean(axis=0)))
        own.append(at_rows((difference / 2).std(axis=0)))
    np.testing.assert_allclose(np.mean(shift, axis=0), STATISTICS["shift"], atol=0.006)
    # Passes add to it: four per session and person.
    expected = np.hypot(STATISTICS["clothes"], np.array(STATISTICS["pass"]) / np.sqrt(8))
    np.testing.assert_allclose(np.mean(own, axis=0), expected, rtol=0.25, atol=1.5e-3)


def harmonics(gait: Gait) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Fit step frequency and its double to each window; return period, amplitudes, residual."""
    frames = np.arange(25)
    candidates = np.arange(10.5, 17.0, 0.25)
    legs = gait.x[:, :, 38:48]
    best = np.full(len(gait.x), np.inf)
    period = np.zeros(len(gait.x))
    for candidate in candidates:
        left = legs - basis(frames, candidate) @ (np.linalg.pinv(basis(frames, candidate)) @ legs)
        error = (left**2).sum(axis=(1, 2))
        period = np.where(error < best, candidate, period)
        best = np.minimum(best, error)
    step, double, residual = [], [], []
    for x, own in zip(gait.x, period, strict=True):
        columns = basis(frames, own)
        fit = np.linalg.pinv(columns) @ x
        step.append(np.hypot(fit[1], fit[2]))
        double.append(np.hypot(fit[3], fit[4]))
        residual.append(np.sqrt(((x - columns @ fit) ** 2).sum(axis=0) / (25 - 5)))
    return period, np.array(step), np.array(double), np.array(residual)


def basis(frames: npt.NDArray[np.int_], period: float) -> FloatArray:
    phase = 2 * np.pi * frames / period
    return np.stack(
        [np.ones(25), np.cos(phase), np.sin(phase), np.cos(2 * phase), np.sin(2 * phase)], axis=1
    )


def test_steps_have_the_period_and_the_amplitudes_of_the_table() -> None:
    period, step, _, residual = harmonics(make_gait(0))
    assert np.median(period) == pytest.approx(13.5, abs=0.5)
    assert 0.5 < period.std() < 1.6
    legs = STATISTICS_ROWS >= 35
    np.testing.assert_allclose(
        np.median(at_rows(step), axis=0)[legs], np.array(STATISTICS["step"])[legs], rtol=0.15
    )
    # Part of slow noise is fitted away with the swing.
    ratio = at_rows(residual).mean(axis=0) / STATISTICS["noise"]
    assert (ratio > 0.65).all()
    assert (ratio < 1.15).all()


def test_noise_is_shared_by_neighbouring_rows_and_frames() -> None:
    gait = make_gait(1)
    upper = gait.x[:, :, 6:20] - gait.x[:, :, 6:20].mean(axis=1, keepdims=True)
    rows = np.corrcoef(upper[:, :, 3].ravel(), upper[:, :, 4].ravel())[0, 1]
    frames = np.corrcoef(upper[:, :-1, 3].ravel(), upper[:, 1:, 3].ravel())[0, 1]
    assert rows > 0.5
    assert frames > 0.5


def nearest(gait: Gait, split: str) -> float:
    """Accuracy of the nearest neighbour on widths averaged over time."""
    mean, test = mean_widths(gait), gait.test(split)
    distance = ((mean[test][:, np.newaxis] - mean[~test]) ** 2).sum(axis=-1)
    return float(np.mean(gait.y[~test][distance.argmin(axis=1)] == gait.y[test]))


def test_identity_is_in_the_shape_and_lost_with_the_clothes(many: list[Gait]) -> None:
    # Recorded people: 100 %, 85 %, 22 %; chance is 12.5 %.
    assert np.mean([nearest(gait, "random") for gait in many]) > 0.98
    assert np.mean([nearest(gait, "pass") for gait in many]) > 0.8
    assert np.mean([nearest(gait, "clothes") for gait in many]) < 0.45
