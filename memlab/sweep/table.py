"""The table of a sweep: every metric over the axes and the seeds, in one HDF5 file.

It is a netCDF-4 file to xarray (`xarray.open_dataset(path, engine="h5netcdf")`) and to netCDF
tools, and plain HDF5 to anything else. Nothing in it depends on when, where or in which order the
trials ran.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from memlab.errors import DataError
from memlab.numeric import FloatArray
from memlab.runs import Finding
from memlab.runs.brief import read_brief
from memlab.sweep.grid import Axis
from memlab.sweep.trial import Trial

__all__ = ["read_results", "write_table"]


def read_results(path: Path) -> dict[str, Finding] | None:
    """Return numbers and counts of a finished run file by name, or None if it is not one."""
    try:
        with read_brief(path) as (run, found):
            if not run.finished:
                return None
            counts = found.counts.items()
            return {
                **{name: one for name, one in found.items() if one.is_number},
                **{f"count_{name}": Finding(float(n), "1", f"Count: {name}") for name, n in counts},
            }
    except DataError:
        return None


def write_table(
    path: Path,
    trials: Iterable[Trial],
    files: Mapping[str, Path],
    axes: tuple[Axis, ...],
    seeds: range,
    attributes: Mapping[str, Any],
) -> tuple[dict[str, FloatArray], dict[str, str]]:
    """Write the table, replacing an earlier one at once; return its columns, and their units.

    Parameters
    ----------
    path
        Where to write.
    trials
        All trials of the sweep; those without results are NaN.
    files
        Run file of each trial that has one, by the trial's name.
    axes, seeds
        The dimensions.
    attributes
        Plain values that say what the sweep was.
    """
    shape = (*(len(axis.values) for axis in axes), len(seeds))
    columns: dict[str, FloatArray] = {}
    about: dict[str, Finding] = {}
    names = np.full(shape, "", dtype=object)
    for trial in trials:
        names[trial.index] = trial.name
        results = read_results(files[trial.name]) if trial.name in files else None
        for name, one in (results or {}).items():
            columns.setdefault(name, np.full(shape, np.nan))[trial.index] = one.number
            about.setdefault(name, one)
    # One program has the directory, and writes over what another one left that was killed.
    part = path.with_name(f".{path.name}.part")
    try:
        with h5py.File(part, "w", track_order=True) as file:
            file.attrs.update(
                {
                    key: value if isinstance(value, str | int | float) else json.dumps(value)
                    for key, value in attributes.items()
                }
            )
            scales = [_scale(file, axis.key, axis.values) for axis in axes]
            scales.append(_scale(file, "seed", list(seeds)))
            for name, values in sorted(columns.items()):
                dataset = file.create_dataset(name, data=values, fillvalue=np.nan)
                one = about[name]
                dataset.attrs.update({"units": one.units, "long_name": one.description})
                _attach(dataset, scales)
            text = file.create_dataset("trial", data=names, dtype=h5py.string_dtype())
            text.attrs["long_name"] = "name of the run file, a hash of configuration and seed"
            _attach(text, scales)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise DataError(f"cannot write {path}: {error}") from error
    return columns, {name: one.units for name, one in about.items()}


def _scale(file: h5py.File, name: str, values: Any) -> h5py.Dataset:
    data = np.asarray(values)
    if data.dtype.kind == "U":
        data = data.astype(h5py.string_dtype())
    scale = file.create_dataset(name, data=data)
    scale.make_scale(name)
    return scale


def _attach(dataset: h5py.Dataset, scales: list[h5py.Dataset]) -> None:
    for axis, scale in enumerate(scales):
        dataset.dims[axis].attach_scale(scale)
