"""Wafer: sensor traces of semiconductor etching, normal or abnormal (UCR archive).

R. Olszewski, CMU-CS-01-108 (2001): 152 steps, each series z-normalised, 1,000 training and 6,164
test series, 9 of 10 normal - so accuracy flatters, and balanced accuracy is what counts.

Series of one's own come as an `.npz` with `x_train` (series, steps) and `y_train` (series), the
class, and `x_test` and `y_test` of the same kind, or without these two: then a tenth of each class
is drawn for the test. Any number of steps and 2 to 64 classes. Two .tsv files of another set of the
archive (NAME_TRAIN.tsv and NAME_TEST.tsv) do as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.datasets.labels import as_classes, draw_test, finite
from memlab.datasets.series_files import read_table
from memlab.datasets.store import find_file, load_npz
from memlab.errors import DataError
from memlab.numeric import FloatArray

__all__ = ["Wafer", "load_wafer"]

SHARE = 0.1
"""Of each class, the part that a drawn test takes."""

TSV = ("Wafer_TRAIN.tsv", "Wafer_TEST.tsv")

HOW = (
    "put Wafer_TRAIN.tsv and Wafer_TEST.tsv of the UCR archive (timeseriesclassification.com), "
    "or wafer.npz, there, or name the place with --data"
)


@dataclass(frozen=True, eq=False)
class Wafer:
    """The two parts of the data set.

    Parameters
    ----------
    x_train, x_test
        Shape (series, steps); 152 steps and z-normalised in the archive.
    y_train, y_test
        Class from 0 on, shape (series,): 0 normal, 1 abnormal in the archive.
    classes
        Their names.
    source
        Where they come from.
    """

    x_train: FloatArray
    y_train: npt.NDArray[np.uint8]
    x_test: FloatArray
    y_test: npt.NDArray[np.uint8]
    classes: tuple[str, ...]
    source: str


def load_wafer(where: str | Path | None = None, seed: int = 0) -> Wafer:
    """Load the series from `wafer.npz`, from the archive's two .tsv files, or from own files.

    Parameters
    ----------
    where
        A data directory, a file in the layout of `wafer.npz`, or one of two .tsv files, the other
        beside it; `store.data_directory` if None.
    seed
        Draws the test series where the file names none.

    Raises
    ------
    MissingDataError
        If they are not here.
    DataError
        If a file is damaged.
    """
    path = find_file("wafer", ["wafer.npz", TSV[0], f"Wafer/{TSV[0]}"], where, HOW)
    if path.suffix == ".npz":
        (x_train, y_train), (x_test, y_test) = _read_npz(path, seed)
    else:
        stem = path.name.removesuffix("_TRAIN.tsv").removesuffix("_TEST.tsv")
        (x_train, y_train), (x_test, y_test) = (
            _read_tsv(find_file("wafer", [f"{stem}_{part}.tsv"], path.parent, HOW))
            for part in ("TRAIN", "TEST")
        )
    if x_train.shape[1] != x_test.shape[1]:
        raise DataError(
            f"{path}: series of {x_train.shape[1]} steps to train on, of {x_test.shape[1]} to test"
        )
    number, labels = as_classes(path, np.concatenate([y_train, y_test]))
    own = path.name not in ("wafer.npz", *TSV)
    classes = tuple(f"class {label}" for label in labels)
    if labels == [-1, 1]:  # the archive's way: the abnormal ones are below
        number, classes = (1 - number).astype(np.uint8), ("normal", "abnormal")
    elif labels == [0, 1] and not own:
        classes = ("normal", "abnormal")
    return Wafer(
        finite(path, "x_train", x_train),
        number[: len(y_train)],
        finite(path, "x_test", x_test),
        number[len(y_train) :],
        classes,
        f"{path.name} (own series)" if own else "UCR Wafer",
    )


Part = tuple[npt.NDArray[Any], npt.NDArray[Any]]


def _read_npz(path: Path, seed: int) -> tuple[Part, Part]:
    series, one = (None, None), (None,)
    arrays = load_npz(path, {"x_train": series, "y_train": one}, {"x_test": series, "y_test": one})
    for part in ("train", "test"):
        x, y = arrays.get(f"x_{part}"), arrays.get(f"y_{part}")
        if (x is None) != (y is None) or (x is not None and y is not None and len(x) != len(y)):
            raise DataError(f"{path}: x_{part} and y_{part} must be there for the same series")
    x, y = arrays["x_train"], arrays["y_train"]
    if "x_test" in arrays:
        return (x, y), (arrays["x_test"], arrays["y_test"])
    test = draw_test(np.arange(len(y)), y, SHARE, seed)
    if not test.any():
        raise DataError(f"{path}: too few series of each class to draw a test from")
    return (x[~test], y[~test]), (x[test], y[test])


def _read_tsv(path: Path) -> Part:
    """Read a file of the archive: the class, then the series."""
    rows = read_table(path)
    lengths = {values.size for _, values in rows}
    if len(lengths) != 1 or 0 in lengths:
        raise DataError(f"{path} must have a class and a series of one length in each line")
    try:
        labels = np.array([float(label) for label, _ in rows])
    except ValueError as error:
        raise DataError(f"cannot read {path}: {error}") from error
    return np.stack([values for _, values in rows]), labels
