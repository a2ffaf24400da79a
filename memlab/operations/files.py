"""Files of numbers in and out: .npy, or a run file by its suffix."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from memlab.array import Array
from memlab.errors import SettingError, StorageError
from memlab.kinds import Kind
from memlab.numeric import FloatArray
from memlab.session import UNLABELLED, Labels, Request, place_for, written
from memlab.storage import load_npy, make_directory, write_measured
from memlab.storage.spare import save_elsewhere

__all__ = ["load_numbers", "output_path", "request_for", "save_numbers", "save_run"]

SUFFIXES = (".npy", ".h5", ".hdf5")


def load_numbers(path: Path, what: str) -> FloatArray:
    """Load real numbers from a .npy file.

    Raises
    ------
    SettingError
        If the file cannot be read, or holds something else.
    """
    values = load_npy(path, what)
    if values.dtype.kind not in "iuf":
        raise SettingError(f"{path} must hold the {what} as an array of real numbers (numpy.save)")
    return values.astype(np.float64)


def output_path(out: Path | None, operation: str, suffixes: tuple[str, ...] = SUFFIXES) -> Path:
    """Return where to write, by default a new file in `memlab-runs`; touches nothing.

    Raises
    ------
    SettingError
        If the file exists, cannot be written, or has a suffix that says nothing.
    """
    if out is not None and out.suffix not in suffixes:
        raise SettingError(f"--out {out}: the name must end in {' or '.join(suffixes)}")
    return place_for(out, operation, suffixes[0])


def save_numbers(path: Path, values: FloatArray) -> None:
    """Write measured numbers as a new .npy file.

    Raises
    ------
    StorageError
        If it cannot be written there; the message says where the numbers are instead.
    """
    _make_place(path)
    write_measured(path, lambda file: np.save(file, values), values.nbytes)


def request_for(
    kind: type[Kind],
    out: Path,
    url: str,
    settings: Mapping[str, Any] | None = None,
    labels: Labels = UNLABELLED,
) -> Request:
    """Return what the run file of an operation says before anything is done."""
    notes = {"operation": kind.name}
    return Request(kind, kind.title, out, (url,), settings or {}, notes=notes, labels=labels)


def save_run(
    kind: Kind,
    out: Path,
    url: str,
    array: Array,
    measured: Any,
    size: int,
    labels: Labels = UNLABELLED,
) -> None:
    """Write what was measured as a new run file, in a spare directory where its place fails.

    Parameters
    ----------
    kind, out, url
        The run.
    array
        On which it was made.
    measured
        What the kind writes; it may write it again into another file.
    size
        About how many bytes it takes.
    labels
        Tags and note of the run.

    Raises
    ------
    StorageError
        If it is not in its place; the message and `saved` say where it is instead.
    """
    path, request = out, request_for(type(kind), out, url, labels=labels)
    _make_place(path)

    def write_to(place: Path) -> None:
        with written(replace(request, out=place), [array], given=measured) as session:
            kind.run(session)

    try:
        write_to(path)
    except (SettingError, StorageError) as error:
        if isinstance(error, StorageError):  # then this file is ours, and not whole
            path.unlink(missing_ok=True)
        saved = save_elsewhere(path.name, write_to, size, (SettingError, StorageError))
        if saved is not None:
            text = f"cannot write {path}: {error}; what was measured is in {saved}"
            raise StorageError(text, saved=(saved,)) from error
        raise


def _make_place(path: Path) -> None:
    """Make the directory of a new file; where that fails, writing says so and saves elsewhere."""
    with suppress(SettingError):
        make_directory(path.parent)
