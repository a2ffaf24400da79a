"""Wafer series from the archive's .tsv files and from .npz."""

from pathlib import Path

import numpy as np
import pytest

from memlab.datasets import MissingDataError, load_wafer
from memlab.errors import DataError


@pytest.mark.parametrize("separator", ["\t", ","])
def test_the_archives_classes_1_and_minus_1_are_normal_and_abnormal(
    tmp_path: Path, separator: str
) -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((7, 152)).round(6)
    label = np.array([1, -1, 1, 1, 1, -1, 1])
    for name, part in (("TRAIN", slice(0, 4)), ("TEST", slice(4, 7))):
        rows = np.column_stack([label[part], x[part]])
        np.savetxt(tmp_path / f"Wafer_{name}.tsv", rows, delimiter=separator, fmt="%.6f")
    wafer = load_wafer(tmp_path)
    np.testing.assert_allclose(wafer.x_train, x[:4])
    np.testing.assert_array_equal(wafer.y_train, [0, 1, 0, 0])
    np.testing.assert_array_equal(wafer.y_test, [0, 1, 0])
    (tmp_path / "Wafer_TEST.tsv").write_text("1 2 3\n")
    with pytest.raises(DataError, match="152"):
        load_wafer(tmp_path)
    (tmp_path / "Wafer_TEST.tsv").unlink()
    with pytest.raises(MissingDataError, match="UCR"):
        load_wafer(tmp_path)


@pytest.mark.needs("wafer.npz")
def test_the_shared_file_has_the_archives_numbers(shared_file: Path) -> None:
    wafer = load_wafer(shared_file.parent)
    assert wafer.x_train.shape == (1000, 152)
    assert np.bincount(wafer.y_train).tolist() == [903, 97]
    assert np.bincount(wafer.y_test).tolist() == [5498, 665]


def test_a_file_that_is_no_npz_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wafer.npz").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"wafer\.npz"):
        load_wafer(tmp_path)
    np.savez(tmp_path / "wafer.npz", x_train=np.zeros((2, 152)))
    with pytest.raises(DataError, match="y_train"):
        load_wafer(tmp_path)
