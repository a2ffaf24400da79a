"""Persons and series of one's own, in any number and length, with or without a split."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from support.command import in_process

from memlab.datasets import load_gait, load_wafer
from memlab.errors import DataError, SettingError


def people(path: Path, **more: np.ndarray) -> Path:
    """Write 3 persons of 5, 7 and 8 sequences of 12 frames and 20 widths, in 5 passes each."""
    rng = np.random.default_rng(3)
    y = np.repeat([4, 2, 9], [5, 7, 8])
    x = rng.random((20, 12, 20)) + 0.3 * np.sin(y)[:, None, None]
    np.savez(path, x=x, y=y, **more)
    return path


GROUP = np.concatenate([np.arange(n) % 5 + 10 * k for k, n in enumerate((5, 7, 8))])


def test_own_people_need_only_sequences_and_who_they_are(tmp_path: Path) -> None:
    gait = load_gait(people(tmp_path / "mine.npz"), seed=1)
    assert gait.x.shape == (20, 12, 20)
    assert gait.persons == ("person 2", "person 4", "person 9")
    assert np.bincount(gait.y).tolist() == [7, 5, 8]
    assert "own people" in gait.source
    assert "stand-in" not in gait.source
    drawn = gait.test("random")
    assert np.bincount(gait.y[drawn], minlength=3).tolist() == [1, 1, 1]
    again = load_gait(tmp_path / "mine.npz", seed=1).test("random")
    np.testing.assert_array_equal(drawn, again)
    others = [load_gait(tmp_path / "mine.npz", seed=k).test("random") for k in range(2, 8)]
    assert any((drawn != other).any() for other in others)
    for split in ("pass", "clothes", "given"):
        with pytest.raises(SettingError, match="random"):
            gait.test(split)


def test_passes_are_held_out_whole_and_an_own_split_is_kept(tmp_path: Path) -> None:
    test = np.arange(20) % 4 == 0
    gait = load_gait(people(tmp_path / "mine.npz", group=GROUP, test=test))
    held = gait.test("pass")
    assert not set(GROUP[held]) & set(GROUP[~held])
    assert {len(set(GROUP[held & (gait.y == k)])) for k in range(3)} == {1}
    np.testing.assert_array_equal(gait.test("given"), test)


def test_own_people_are_told_apart_on_the_chip(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = people(tmp_path / "mine.npz", group=GROUP)
    out = ["--epochs", "1", "--quiet", "--out", str(tmp_path / "run.h5")]
    assert in_process(capsys, "train", "gait", "--data", str(file), *out)[0] == 0
    with h5py.File(tmp_path / "run.h5") as run:
        assert run["entry/dense/initial_conductance"].shape == (28, 3)
        assert [name.decode() for name in run["entry/test/class"][()]] == [
            "person 2",
            "person 4",
            "person 9",
        ]


def series(path: Path, **more: np.ndarray) -> Path:
    """Write 30 series of 24 steps in the classes 1, 5 and 7."""
    rng = np.random.default_rng(4)
    y = np.repeat([1, 5, 7], [6, 10, 14])
    np.savez(path, x_train=rng.normal(size=(30, 24)) + y[:, None] / 5, y_train=y, **more)
    return path


def test_own_series_need_no_test_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = series(tmp_path / "mine.npz")
    wafer = load_wafer(file)
    assert wafer.classes == ("class 1", "class 5", "class 7")
    assert (wafer.x_train.shape, wafer.x_test.shape) == ((27, 24), (3, 24))
    assert sorted(wafer.y_test) == [0, 1, 2]
    out = ["--epochs", "1", "--quiet", "--out", str(tmp_path / "run.h5")]
    steps = ["--set", "network.steps=6"]
    assert in_process(capsys, "train", "wafer", "--data", str(file), *steps, *out)[0] == 0
    code, _, said = in_process(
        capsys, "train", "wafer", "--data", str(file), "--set", "network.steps=5", *out[:-1], "x.h5"
    )
    assert (code, "must divide 24" in said) == (2, True)


def test_another_set_of_the_archive_is_read_from_its_two_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    for part, count in (("TRAIN", 6), ("TEST", 9)):
        table = np.column_stack([np.arange(count) % 3 + 1, rng.normal(size=(count, 8))])
        np.savetxt(tmp_path / f"Other_{part}.tsv", table, delimiter="\t")
    wafer = load_wafer(tmp_path / "Other_TRAIN.tsv")
    assert (wafer.x_train.shape, wafer.x_test.shape) == ((6, 8), (9, 8))
    assert wafer.classes == ("class 1", "class 2", "class 3")
    assert wafer.source == "Other_TRAIN.tsv (own series)"


@pytest.mark.parametrize(
    "change",
    [
        {"y": np.zeros(20, int)},
        {"y": np.linspace(0, 1, 20)},
        {"y": np.arange(19)},
        {"test": np.zeros(20)},
        {"test": np.full(20, 2)},
        {"test": np.ones(19, int)},
        {"group": np.zeros((20, 2))},
        {"x": np.full((20, 12, 20), np.nan)},
        {"x": np.zeros((20, 12))},
        {"x": np.full((20, 12, 20), "a")},
    ],
)
def test_own_people_that_cannot_be_are_refused(tmp_path: Path, change: dict) -> None:
    rng = np.random.default_rng(3)
    content = {"x": rng.random((20, 12, 20)), "y": np.arange(20) % 3, **change}
    np.savez(tmp_path / "mine.npz", **content)
    with pytest.raises(DataError, match=r"mine\.npz"):
        load_gait(tmp_path / "mine.npz")


@pytest.mark.parametrize(
    "change",
    [
        {"y_train": np.zeros(30)},
        {"y_train": np.arange(29)},
        {"x_test": np.zeros((3, 24))},
        {"x_test": np.zeros((3, 23)), "y_test": np.array([1, 5, 7])},
        {"x_test": np.zeros((3, 24)), "y_test": np.array([1, 5])},
        {"x_train": np.full((30, 24), np.inf)},
    ],
)
def test_own_series_that_cannot_be_are_refused(tmp_path: Path, change: dict) -> None:
    y = np.repeat([1, 5, 7], [6, 10, 14])
    np.savez(tmp_path / "mine.npz", **{"x_train": np.zeros((30, 24)), "y_train": y, **change})
    with pytest.raises(DataError, match=r"mine\.npz"):
        load_wafer(tmp_path / "mine.npz")
