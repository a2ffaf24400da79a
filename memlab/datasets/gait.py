"""Gait: who is walking, from the widths of a silhouette (Li 2019; experiments reference 3.2, 7).

664 sequences of 25 frames of 8 persons; a frame is 50 widths, head first. Sources, never mistaken
for one another (`Gait.source`):

- the authors' `gait_subset.mat`: xs_training, ys_training, xs_testing, ys_testing, with the axes
  (features, sequences, frames) and one-hot classes (persons, sequences), with or without frames;
- our `gait_kth_width.npz`: other people (KTH), same shape; a *stand-in*;
- `synthetic_gait.make_gait`: no people at all;
- any other `.npz`: own people, with `x` (sequences, frames, widths) and `y` (sequences), the number
  of the person. Of `group` (number of the pass), `session`, and the test parts `test`,
  `test_random`, `test_pass` (1 for a test sequence) it may have any, and `persons`, their names.
  What it lacks is drawn: a tenth of the sequences, or a quarter of the passes, of each person.
  `memlab.datasets.silhouettes` makes one from pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.datasets.labels import as_classes, as_mask_of, draw_test, finite
from memlab.datasets.store import find_file, load_npz
from memlab.errors import DataError, SettingError
from memlab.numeric import BoolArray, FloatArray

__all__ = ["FRAMES", "PERSONS", "WIDTHS", "Gait", "load_gait"]

PERSONS, FRAMES, WIDTHS = 8, 25, 50

STAND_IN = "gait_kth_width.npz"
FILES = ["gait_subset.mat", STAND_IN, "gait.npz"]

SHARE_RANDOM, SHARE_PASSES = 0.1, 0.25
"""Of each person's sequences and passes, the part that a drawn test takes."""

HOW = (
    "put gait_subset.mat (the authors') or gait_kth_width.npz there, name the file with --data "
    "(`memlab data widths` makes one of pictures), or make people up with --set "
    "data.source=synthetic"
)

MAT_NAMES = ("xs_training", "ys_training", "xs_testing", "ys_testing")


@dataclass(frozen=True, eq=False)
class Gait:
    """Sequences of silhouette widths.

    Parameters
    ----------
    x
        Widths over body height, shape (sequences, frames, widths), head first; 25 and 50 in the
        published data.
    y
        Person, from 0 on, shape (sequences,).
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
    persons
        Names of the persons.
    test_given
        True for the test sequences of a split that the file's owner has made, or None.
    """

    x: FloatArray
    y: npt.NDArray[np.uint8]
    test_random: BoolArray
    test_pass: BoolArray | None
    group: npt.NDArray[np.integer] | None
    session: npt.NDArray[np.integer] | None
    source: str
    persons: tuple[str, ...] = tuple(f"person {k + 1}" for k in range(PERSONS))
    test_given: BoolArray | None = None

    def test(self, split: str) -> BoolArray:
        """Return the mask of the test sequences of a split.

        Parameters
        ----------
        split
            `random`, `pass`, `clothes` (the last session is the test), or `given` (`test` of the
            file).

        Raises
        ------
        SettingError
            If this source does not tell passes or sessions, or has no `test`.
        """
        if split == "given":
            if self.test_given is None:
                raise SettingError(f"{self.source} has no `test`; use data.split=random")
            return self.test_given
        if split == "random":
            return self.test_random
        if split == "pass" and self.test_pass is not None:
            return self.test_pass
        if split == "clothes" and self.session is not None:
            return np.asarray(self.session == self.session.max())
        raise SettingError(f"{self.source} does not tell passes; use data.split=random")


def load_gait(where: str | Path | None = None, seed: int = 0) -> Gait:
    """Load recorded gait from a .mat or .npz file.

    Parameters
    ----------
    where
        A data directory or a file; `store.data_directory` if None.
    seed
        Draws the test parts that the file does not name.

    Raises
    ------
    MissingDataError
        If there is none; synthetic gait is never given in its place.
    DataError
        If the file is damaged or has another layout.
    """
    path = find_file("gait", FILES, where, HOW)
    return _load_mat(path) if path.suffix == ".mat" else _load_npz(path, seed)


def _load_npz(path: Path, seed: int) -> Gait:
    one = (None,)
    names = ("test", "test_random", "test_pass", "group", "session")
    arrays = load_npz(
        path, {"x": (None, None, None), "y": one}, dict.fromkeys((*names, "persons"), one)
    )
    called = arrays.pop("persons", None)
    count = len(arrays["x"])
    for name, values in arrays.items():
        if len(values) != count:
            raise DataError(f"{path}: {name} has {len(values)} entries, x has {count} sequences")
    person, labels = as_classes(path, arrays["y"])
    masks = {name: as_mask_of(path, name, arrays[name]) for name in names[:3] if name in arrays}
    group, session = arrays.get("group"), arrays.get("session")
    if "test_random" not in masks:
        masks["test_random"] = draw_test(np.arange(count), person, SHARE_RANDOM, seed)
    if "test_pass" not in masks and group is not None:
        masks["test_pass"] = draw_test(group, person, SHARE_PASSES, seed)
    first = 1 if labels[0] == 0 else 0
    persons = [f"person {label + first}" for label in labels]
    if called is not None:
        if len(called) != len(persons):
            raise DataError(f"{path}: persons has {len(called)} names, y {len(persons)} persons")
        persons = [str(one) for one in called]
    return Gait(
        x=finite(path, "x", arrays["x"]),
        y=person,
        test_random=masks["test_random"],
        test_pass=masks.get("test_pass"),
        group=None if group is None else group.astype(np.int64),
        session=None if session is None else session.astype(np.int64),
        source=f"stand-in {path.name} (not the published people)"
        if path.name == STAND_IN
        else f"{path.name} (own people)",
        persons=tuple(persons),
        test_given=masks.get("test"),
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
    persons = len(content["ys_training"])
    if len(content["ys_testing"]) != persons or x[0].shape[1:] != x[1].shape[1:]:
        raise DataError(f"{path}: training and testing differ in persons, frames or widths")
    test = np.arange(len(x[0]) + len(x[1])) >= len(x[0])
    return Gait(
        x=np.concatenate(x),
        y=np.concatenate(y),
        test_random=test,
        test_pass=None,
        group=None,
        session=None,
        source=f"{path.name} (the authors' layout)",
        persons=tuple(f"person {k + 1}" for k in range(persons)),
    )


def _mat_sequences(path: Path, values: npt.NDArray[Any]) -> FloatArray:
    if values.ndim != 3:
        raise DataError(
            f"{path}: sequences of shape {values.shape}, expected (widths, sequences, frames)"
        )
    return np.ascontiguousarray(values.transpose(1, 2, 0), np.float64)


def _mat_classes(path: Path, values: npt.NDArray[Any], count: int) -> npt.NDArray[np.uint8]:
    if values.ndim not in (2, 3) or values.shape[1] != count or len(values) < 2:
        raise DataError(
            f"{path}: classes of shape {values.shape}, expected (persons, {count}[, frames])"
        )
    last = values if values.ndim == 2 else values[:, :, -1]
    return np.asarray(last.argmax(axis=0), np.uint8)
