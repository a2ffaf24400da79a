"""Wafer: sensor traces of semiconductor etching, normal or abnormal (UCR archive).

R. Olszewski, CMU-CS-01-108 (2001): 152 steps, each series z-normalised, 1,000 training and 6,164
test series, 9 of 10 normal - so accuracy flatters, and balanced accuracy is what counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.datasets.store import find_file, load_npz
from memlab.errors import DataError

__all__ = ["Wafer", "load_wafer"]

STEPS = 152

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
        Shape (series, 152), z-normalised.
    y_train, y_test
        0 normal, 1 abnormal, shape (series,).
    """

    x_train: npt.NDArray[np.float64]
    y_train: npt.NDArray[np.uint8]
    x_test: npt.NDArray[np.float64]
    y_test: npt.NDArray[np.uint8]


def load_wafer(where: str | Path | None = None) -> Wafer:
    """Load the series from `wafer.npz`, or from the archive's two .tsv files.

    Parameters
    ----------
    where
        A data directory, a file in the layout of `wafer.npz`, or one of the .tsv files, the other
        beside it; `store.data_directory` if None.

    Raises
    ------
    MissingDataError
        If they are not here.
    DataError
        If a file is damaged.
    """
    path = find_file("wafer", ["wafer.npz", TSV[0], f"Wafer/{TSV[0]}"], where, HOW)
    if path.suffix == ".npz":
        series = (None, STEPS)
        arrays = load_npz(
            path, {"x_train": series, "y_train": (None,), "x_test": series, "y_test": (None,)}
        )
        parts = [(arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])]
        if not all(set(np.unique(label)) <= {0, 1} for _, label in parts):
            raise DataError(f"{path}: labels must be 0 (normal) and 1 (abnormal)")
    else:
        parts = [_read_tsv(find_file("wafer", [name], path.parent, HOW)) for name in TSV]
    (x_train, y_train), (x_test, y_test) = parts
    return Wafer(
        x_train.astype(np.float64),
        y_train.astype(np.uint8),
        x_test.astype(np.float64),
        y_test.astype(np.uint8),
    )


def _read_tsv(path: Path) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Read a file of the archive: the class (1 normal, -1 abnormal), then the series."""
    try:
        # The archive has used tabs, commas and spaces over the years.
        text = path.read_text(encoding="utf-8").replace(",", " ")
        table = np.array([line.split() for line in text.splitlines() if line.strip()], float)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    if table.ndim != 2 or table.shape[1] != STEPS + 1:
        raise DataError(f"{path} has shape {table.shape}, expected a class and {STEPS} values")
    label = table[:, 0]
    if not set(np.unique(label)) <= {-1.0, 1.0}:
        raise DataError(f"{path}: classes must be 1 (normal) and -1 (abnormal)")
    return table[:, 1:], label < 0
