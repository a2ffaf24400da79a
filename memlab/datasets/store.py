"""Where data files lie, and what is said when one is missing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.known_names import did_you_mean
from memlab.errors import DataError, MissingDataError

__all__ = ["MissingDataError", "check_name", "data_directory", "find_file", "load_npz"]


def data_directory(given: str | Path | None = None) -> Path:
    """Return the data directory: the given one, else $MEMLAB_DATA, else ~/.local/share/memlab.

    A given *file* is returned as it is: whoever names a file wants that file. Nothing is created.
    """
    if given is not None and str(given):
        return Path(given).expanduser()
    named = os.environ.get("MEMLAB_DATA")
    if named:
        return Path(named).expanduser()
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "memlab"


def find_file(
    dataset: str, names: Sequence[str], where: str | Path | None, how_to_get: str
) -> Path:
    """Return the first of some files that exists.

    Parameters
    ----------
    dataset
        Name of the data set, for the error.
    names
        File names below the data directory, the preferred one first.
    where
        A file, a directory, or None for the data directory.
    how_to_get
        End of the error: what to do.

    Raises
    ------
    MissingDataError
        If there is none.
    """
    place = data_directory(where)
    if place.is_file():
        return place
    for name in names:
        if (place / name).is_file():
            return place / name
    raise MissingDataError(
        f"no {dataset} data in {place} (looked for {', '.join(names)}); {how_to_get}"
    )


def check_name(path: Path) -> None:
    """Raise `DataError` for a name that is no UTF-8: a run file could not say it."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise DataError(f"{shown}: this name is not UTF-8; give it another one") from error


def load_npz(
    path: Path,
    wanted: Mapping[str, tuple[int | None, ...]],
    optional: Mapping[str, tuple[int | None, ...]] | None = None,
) -> dict[str, npt.NDArray[Any]]:
    """Load named arrays of an .npz file, and check their shapes; None in a shape is any length.

    Arrays that are `optional` may be missing.

    Raises
    ------
    DataError
        If the file is not an .npz, lacks an array, or one has another shape.
    """
    try:
        # Opened here: numpy leaves a file open that turns out to be no archive.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            shapes = {**{k: v for k, v in (optional or {}).items() if k in file}, **wanted}
            arrays = {name: file[name] for name in shapes if name in file}
            there = list(file.files)
    except Exception as error:  # numpy, zipfile and zlib have an error each for every damage
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"cannot read {path} as .npz: {reason}") from error
    for name, shape in shapes.items():
        if name not in arrays:
            raise DataError(
                f"{path} has no array {name!r}; {did_you_mean(name, there)}those there: "
                f"{', '.join(there) or 'none'}"
            )
        have = arrays[name].shape
        if len(have) != len(shape) or any(
            want not in (None, size) for want, size in zip(shape, have, strict=True)
        ):
            expected = " x ".join("any" if size is None else str(size) for size in shape)
            raise DataError(f"{path}: {name} has shape {have}, expected {expected}")
    return arrays
