"""Labelled series from files of the archives, from installed packages, and from one's own."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from memlab.datasets import Series, find_series, load_series, look
from memlab.datasets.series import average
from memlab.errors import DataError, MissingDataError, SettingError

TS = """# made up
@problemName Made
@timeStamps false
@univariate false
@equalLength false
@classLabel true low high
@data
1,2,3:4,5,6:low
7,8:9,10:high
"""


def write_ts(folder: Path, name: str = "Made", train: str = TS, test: str = TS) -> Path:
    folder.mkdir(exist_ok=True)
    for part, text in (("TRAIN", train), ("TEST", test)):
        (folder / f"{name}_{part}.ts").write_text(text)
    return folder / f"{name}_TRAIN.ts"


def test_a_ts_file_has_channels_and_series_of_any_length(tmp_path: Path) -> None:
    series = load_series("Made", write_ts(tmp_path))
    np.testing.assert_array_equal(series.x[0], [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(series.x[1], [[7, 9], [8, 10]])
    assert series.classes == ("high", "low")
    assert series.y.tolist() == [1, 0, 1, 0]
    assert series.test("given", 1).tolist() == [False, False, True, True]


def test_a_tsv_file_has_the_class_first_and_ends_short_series_in_nan(tmp_path: Path) -> None:
    (tmp_path / "Made_TRAIN.tsv").write_text("1.0000000e+00\t1\t2\n-1\t3\tNaN\n")
    (tmp_path / "Made_TEST.tsv").write_text("10,5,6\n1,7,8\n")
    series = load_series("Made", tmp_path)
    assert [one.ravel().tolist() for one in series.x] == [[1, 2], [3], [5, 6], [7, 8]]
    assert series.classes == ("-1", "1", "10")


def test_series_of_ones_own_are_an_npz(tmp_path: Path) -> None:
    x = np.arange(60.0).reshape(10, 3, 2)
    y = np.array(["up", "down"] * 5)
    np.savez(tmp_path / "mine.npz", x=x, y=y, group=np.arange(10) // 2)
    series = load_series("any", tmp_path / "mine.npz")
    assert series.classes == ("down", "up")
    held = series.test("group", 1)
    assert held.sum() == 2
    assert held[::2].tolist() == held[1::2].tolist()
    assert series.test("given", 1).sum() == 2  # one of each class: nothing is given
    few = load_series("any", tmp_path / "mine.npz", classes=["up", "down"])
    assert len(few.x) == 10
    with pytest.raises(SettingError, match="left; those there: down, up"):
        load_series("any", tmp_path / "mine.npz", classes=["up", "left"])


def test_a_name_is_looked_for_in_packages_that_are_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "aeon"
    (package / "datasets" / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')\n")
    there = write_ts(package / "datasets" / "data" / "Made")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("MEMLAB_DATA", str(tmp_path / "none"))
    assert find_series("Made") == there
    assert "aeon" not in sys.modules
    own = write_ts(tmp_path / "none")
    assert find_series("Made") == own
    with pytest.raises(MissingDataError, match="--data"):
        find_series("Made", tmp_path)  # a place that was named is the only one
    with pytest.raises(MissingDataError, match="sktime"):
        find_series("Other")


def test_the_catalogue_says_how_to_get_what_is_not_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memlab.datasets.series.find_spec", lambda name: None)
    monkeypatch.setenv("MEMLAB_DATA", str(tmp_path))
    for name in ("ecg200", "japanese-vowels", "spoken-digits"):
        assert not look(name).present
    write_ts(tmp_path / "ECG200", "ECG200")
    assert look("ecg200").path == tmp_path / "ECG200" / "ECG200_TRAIN.ts"


def test_series_are_averaged_into_equal_parts_or_get_zeros_before_them() -> None:
    long, short = np.arange(6.0)[:, None], np.array([[10.0], [20.0]])
    series = Series([long, short], np.array([0, 1], np.uint8), ("a", "b"), "made up")
    assert series.frames().shape == (6, 2, 1)
    assert series.frames()[:, 1, 0].tolist() == [0, 0, 0, 0, 10, 20]
    assert series.frames(values=4)[..., 0].tolist() == [[0, 0], [2, 0]]
    halves = series.frames(steps=2)
    assert halves[..., 0].T.tolist() == [[1, 4], [10, 20]]
    thirds = series.frames(steps=1, values=3)[0]
    np.testing.assert_allclose(thirds, [[0.5, 2.5, 4.5], [10, 15, 20]])
    # Parts that begin within a value: the mean of all of them stays.
    parts = average(np.arange(7.0)[:, None], 3)
    assert parts.mean() == pytest.approx(3)
    assert parts[:, 0] == pytest.approx([(0 + 1 + 2 / 3) * 3 / 7, 3, (4 / 3 + 5 + 6) * 3 / 7])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no header\n", "no line @data"),
        ("@timestamps true\n@data\n", "time stamps"),
        ("@classlabel false\n@data\n", "no classes"),
        ("@data\n1,2:1,2,3:a\n", "2, 3"),
        ("@data\n1,?,3:a\n", "gaps"),
        ("@data\n1,x,3:a\n", "line 2"),
        ("@data\nlow\n", "no values"),
        ("@data\n1,2:a\n3,4:a\n", "1 classes"),
        ("@data\n1,2:a\n3,4:5,6:b\n", "as many channels"),
        ("@data\n", "as many channels"),
        ("@data\n1,2:a\n\n3,4:b\n1,2:\n", "line 5: no class"),
        ("@classLabel true A b\n@data\n1,2:A\n3,4:z\n", "line 4: class z is none of .*: A, b"),
        ("@classLabel true 1.0 2\n@data\n1,2:1\n3,4:3.0\n", "line 4: class 3 is none"),
    ],
)
def test_a_ts_file_that_cannot_be_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        load_series("Made", write_ts(tmp_path, train=text, test=text))


def test_series_without_steps_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", x=np.zeros((4, 0, 2)), y=[0, 1, 0, 1])
    with pytest.raises(DataError, match=r"x has shape \(4, 0, 2\); every series"):
        load_series("any", tmp_path / "mine.npz")


@pytest.mark.skipif(os.name != "posix", reason="names of files are bytes")
def test_a_name_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"m\xffne.npz")
    try:
        path.write_bytes(b"")
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(DataError, match=r"m\\xffne\.npz: this name is not UTF-8"):
        load_series("any", path)


def test_the_second_part_is_asked_for_by_its_name(tmp_path: Path) -> None:
    path = write_ts(tmp_path)
    (tmp_path / "Made_TEST.ts").unlink()
    with pytest.raises(MissingDataError, match=r"Made_TEST\.ts"):
        load_series("Made", path)


def test_the_vowels_of_an_installed_package_are_those_of_the_archive() -> None:
    try:
        series = load_series("JapaneseVowels")
    except MissingDataError:
        pytest.skip("no JapaneseVowels here: python -m pip install --no-deps sktime")
    assert len(series.x) == 640
    assert series.test("given", 1).sum() == 370
    assert {one.shape[1] for one in series.x} == {12}
    assert (min(map(len, series.x)), max(map(len, series.x))) == (7, 29)
    assert np.bincount(series.y[:270]).tolist() == [30] * 9
