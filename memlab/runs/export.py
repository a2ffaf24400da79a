"""Run files for other programs: CSV tables, one NPZ archive, or netCDF-4."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
import numpy.typing as npt

from memlab.errors import SettingError
from memlab.runs.reader import Run
from memlab.runs.rescue import copy_run
from memlab.runs.run_file import flatten
from memlab.storage import check_new, make_directory, write_new

__all__ = ["Format", "export_run"]


class Format(StrEnum):
    """Formats of `memlab runs export`."""

    CSV = "csv"
    """A directory of tables: findings, settings, and every group, a line for each item."""
    NPZ = "npz"
    """An archive for `numpy.load`: `map/conductance` and so on; attributes as JSON texts."""
    NETCDF = "netcdf"
    """netCDF-4 with its groups, for xarray, ncdump, MATLAB."""


def export_run(run: Run, out: Path, form: Format) -> list[Path]:
    """Write all that a run file holds in another format; return the files.

    Parameters
    ----------
    run
        Whole, killed, or growing: what is complete when it is read.
    out
        New file; of CSV a new or empty directory.

    Raises
    ------
    SettingError
        If there is something in its place.
    StorageError
        If it cannot be written.
    """
    if form is Format.NETCDF:
        _write_netcdf(run, out)
        return [out]
    with run.entry() as entry:
        if form is Format.CSV:
            return _write_tables(run, entry, out)
        write_new(out, lambda file: _write_npz(entry, file))
    return [out]


def _write_tables(run: Run, entry: h5py.Group, out: Path) -> list[Path]:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingError(f"{out} is no empty directory; choose another --out")
    make_directory(out)
    tables: dict[str, tuple[list[str], Iterator[Any]]] = {
        "findings": (
            ["name", "value", "error", "units", "n", "of", "low", "high", "state", "meaning"],
            _numbers(run),
        ),
        "settings": (["name", "value"], iter(flatten(run.settings).items())),
    }
    for name, group in _groups(entry):
        for axes, items in _by_axes(group):
            suffix = "" if name not in tables else "-" + "-".join(axes)
            tables[name + suffix] = _long(axes, items)
    files = []
    for name, (head, rows) in tables.items():
        path = out / f"{name.replace('/', '-')}.csv"
        write_new(path, _table(head, rows))
        files.append(path)
    return files


def _table(head: list[str], rows: Iterator[Any]) -> Callable[[BinaryIO], object]:
    def write(file: BinaryIO) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        table = csv.writer(text)
        table.writerow(head)
        table.writerows(rows)
        text.detach()

    return write


def _numbers(run: Run) -> Iterator[list[Any]]:
    for name, one in run.findings.values.items():
        if isinstance(one.value, float):
            low, high = one.interval or ("", "")
            error = "" if one.error is None else float(np.mean(one.error))
            n = "" if one.n is None else one.n
            row = [name, one.value, error, one.units, n, one.of, low, high, str(one.state)]
            yield [*row, one.description]


def _groups(entry: h5py.Group) -> list[tuple[str, h5py.Group]]:
    found: list[tuple[str, h5py.Group]] = []

    def visit(name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Group) and any(isinstance(i, h5py.Dataset) for i in item.values()):
            found.append((name, item))

    entry.visititems(visit)
    return found


def _by_axes(group: h5py.Group) -> list[tuple[tuple[str, ...], dict[str, h5py.Dataset]]]:
    """Part the datasets of a group by their axes, those with most items first.

    What has only the first axis, as the time of a reading, goes into the tables of the others too.
    """
    parts: dict[tuple[str, ...], dict[str, h5py.Dataset]] = {}
    for name, item in group.items():
        if isinstance(item, h5py.Dataset) and not item.is_scale and item.ndim:
            axes = tuple(dim[0].name.rpartition("/")[2] if len(dim) else "" for dim in item.dims)
            parts.setdefault(axes, {})[name] = item
    order = sorted(parts.items(), key=lambda part: -len(part[0]))
    for axes, items in order:
        for others, more in order:
            if len(others) == 1 and len(axes) > 1 and others == axes[:1]:
                items.update({name: item for name, item in more.items() if name not in items})
    longer = {axes[:1] for axes, _ in order if len(axes) > 1}
    return [(axes, items) for axes, items in order if len(axes) > 1 or axes not in longer]


def _long(
    axes: tuple[str, ...], items: dict[str, h5py.Dataset]
) -> tuple[list[str], Iterator[list[Any]]]:
    """Return head and rows of a table with a line for each place on the axes."""
    first = next(item for item in items.values() if item.ndim == len(axes))
    scales = [_scale(first, number) for number in range(len(axes))]
    units = {name: str(item.attrs.get("units", "1")) for name, item in items.items()}
    head = [
        *axes,
        *(name if units[name] in ("", "1") else f"{name} ({units[name]})" for name in items),
    ]
    length = min(len(item) for item in items.values())

    def rows() -> Iterator[list[Any]]:
        for k in range(length):
            blocks = [np.asarray(_values(item, k)) for item in items.values()]
            for place in product(*(range(len(scale)) for scale in scales[1:])):
                values = [block[place] if block.ndim else block[()] for block in blocks]
                where = [scale[p] for scale, p in zip(scales[1:], place, strict=True)]
                yield [scales[0][k], *where, *values]

    return head, rows()


def _scale(item: h5py.Dataset, number: int) -> npt.NDArray[Any]:
    if not len(item.dims[number]):
        return np.arange(item.shape[number])
    return _whole(item.dims[number][0])


def _values(item: h5py.Dataset, k: int) -> Any:
    return item.asstr()[k] if item.dtype.kind == "O" else item[k]


def _whole(item: h5py.Dataset) -> npt.NDArray[Any]:
    return np.asarray(item.asstr()[()] if item.dtype.kind == "O" else item[()])


def _write_npz(entry: h5py.Group, file: BinaryIO) -> None:
    arrays: dict[str, npt.NDArray[Any]] = {"attributes": _json(entry)}

    def visit(name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset):
            values = _whole(item)
            # Texts of a fixed length: numpy would pickle objects, which nobody should load.
            arrays[name] = values.astype(str) if values.dtype.kind == "O" else values
        arrays[f"{name}.attributes"] = _json(item)

    entry.visititems(visit)
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def _json(item: h5py.HLObject) -> npt.NDArray[np.str_]:
    plain = {
        name: value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
        for name, value in item.attrs.items()
        if name not in _OF_HDF5
    }
    return np.array(json.dumps(plain))


_OF_HDF5 = frozenset({"DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME"})


def _write_netcdf(run: Run, out: Path) -> None:
    """Copy a run as it is: its datasets have scales already, as netCDF-4 wants them."""
    check_new(out)
    try:
        copy_run(run.path, out)
    except BaseException:
        out.unlink(missing_ok=True)
        raise
