"""Gait: who is walking, from the widths of a silhouette (Li 2019; experiments reference 3.2, 7).

664 sequences of 25 frames of 8 persons; a frame is 50 widths, head first. Three sources, never
mistaken for one another (`Gait.source`):

- the authors' `gait_subset.mat`: xs_training, ys_training, xs_testing, ys_testing, with the axes
  (features, sequences, frames) and one-hot classes (persons, sequences), with or without frames;
- our `gait_kth_width.npz`: other people (KTH), same shape; a *stand-in*;
- `synthetic_gait.make_gait`: no people at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.datasets.store import find_file, load_npz
from memlab.errors import DataError, SettingError

__all__ = ["FRAMES", "PERSONS", "WIDTHS", "Gait", "load_gait"]

PERSONS, FRAMES, WIDTHS = 8, 25, 50

FILES = ["gait_subset.mat", "gait_kth_width.npz", "gait.npz"]

HOW = (
    "put gait_subset.mat (the authors') or gait_kth_width.npz there, name the file with --data, "
    "or make people up with --set data.source=synthetic"
)

MAT_NAMES = ("xs_training", "ys_training", "xs_testing", "ys_testing")


@dataclass(frozen=True, eq=False)
class Gait:
    """Sequences of silhouette widths.

    Parameters
    ----------
    x
        Widths over body height, shape (sequences, 25 frames, 50 rows), head first.
    y
        Person, 0 to 7, shape (sequences,).
    test_random
        True for the test sequences of a random split, shape (sequences,). Windows of one pass
        overlap, so this split leaks; it is the published one.
    test_pass
        True for the test sequences of a split by pass (walks in front of the camera), or None
        where the source does not tell passes.
    group
        Number of the pass, shape (sequences,), or None.
    session
        Number of the session; persons wear other clothes in the other one. Or None.
    source
        Where the numbers come from, for run files and pictures.
    """

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.uint8]
    test_random: npt.NDArray[np.bool_]
    test_pass: npt.NDArray[np.bool_] | None
    group: npt.NDArray[np.int16] | None
    session: npt.NDArray[np.uint8] | None
    source: str

    def test(self, split: str) -> npt.NDArray[np.bool_]:
        """Return the mask of the test sequences of a split.

        Parameters
        ----------
        split
            `random`, `pass`, or `clothes` (the last session is the test).

        Raises
        ------
        SettingError
            If this source does not tell passes or sessions.
        """
        if split == "random":
            return self.test_random
        if split == "pass" and self.test_pass is not None:
            return self.test_pass
        if split == "clothes" and self.session is not None:
            return np.asarray(self.session == self.session.max())
        raise SettingError(f"{self.source} does not tell passes; use data.split=random")


def load_gait(where: str | Path | None = None) -> Gait:
    """Load recorded gait from a .mat or .npz file.

    Parameters
    ----------
    where
        A data directory or a file; `store.data_directory` if None.

    Raises
    ------
    MissingDataError
        If there is none; synthetic gait is never given in its place.
    DataError
        If the file is damaged or has another layout.
    """
    path = find_file("gait", FILES, where, HOW)
    return _load_mat(path) if path.suffix == ".mat" else _load_npz(path)


def _load_npz(path: Path) -> Gait:
    one = (None,)
    arrays = load_npz(
        path,
        {
            "x": (None, FRAMES, WIDTHS),
            "y": one,
            "test_random": one,
            "test_pass": one,
            "group": one,
            "session": one,
        },
    )
    if arrays["y"].max(initial=0) >= PERSONS:
        raise DataError(f"{path}: y must be 0 to {PERSONS - 1}")
    return Gait(
        x=arrays["x"].astype(np.float64),
        y=arrays["y"].astype(np.uint8),
        test_random=arrays["test_random"].astype(bool),
        test_pass=arrays["test_pass"].astype(bool),
        group=arrays["group"].astype(np.int16),
        session=arrays["session"].astype(np.uint8),
        source=f"stand-in {path.name} (not the published people)",
    )


def _load_mat(path: Path) -> Gait:
    from scipy.io import loadmat

    try:
        content = loadmat(path, variable_names=MAT_NAMES)
    except NotImplementedError as error:
        raise DataError(f"{path} is MATLAB 7.3; save it again with `save ... -v7`") from error
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"cannot read {path} as a .mat file: {error}") from error
    missing = [name for name in MAT_NAMES if name not in content]
    if missing:
        raise DataError(f"{path} has no {', '.join(missing)}")
    x, y = [], []
    for part in ("training", "testing"):
        sequences = _mat_sequences(path, content[f"xs_{part}"])
        x.append(sequences)
        y.append(_mat_classes(path, content[f"ys_{part}"], len(sequences)))
    test = np.arange(len(x[0]) + len(x[1])) >= len(x[0])
    return Gait(
        x=np.concatenate(x),
        y=np.concatenate(y),
        test_random=test,
        test_pass=None,
        group=None,
        session=None,
        source=f"{path.name} (the authors' layout)",
    )


def _mat_sequences(path: Path, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    if values.ndim != 3 or (values.shape[0], values.shape[2]) != (WIDTHS, FRAMES):
        raise DataError(f"{path}: sequences of shape {values.shape}, expected (50, any, 25)")
    return np.ascontiguousarray(values.transpose(1, 2, 0), np.float64)


def _mat_classes(path: Path, values: npt.NDArray[Any], count: int) -> npt.NDArray[np.uint8]:
    if values.ndim not in (2, 3) or values.shape[:2] != (PERSONS, count):
        raise DataError(f"{path}: classes of shape {values.shape}, expected (8, {count}[, frames])")
    last = values if values.ndim == 2 else values[:, :, -1]
    return np.asarray(last.argmax(axis=0), np.uint8)
