"""Named columns of files that other programs wrote: CSV, TSV, npz, MATLAB.

Such files are not trusted: they are read up to a size, without pickles, without following links
to other files; what is no number becomes NaN, and whoever asks for the column counts it.

    CSV, TSV    the first line that is no comment (#) names the columns; separators are comma,
                semicolon and tab, decimal marks as the file needs them
    npz         one array for each column
    MATLAB      one vector for each column, or a field of a structure as `structure.field`;
                version 7.3 is HDF5
"""

from __future__ import annotations

import csv
import io
import math
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from drivers.known_names import did_you_mean
from memlab.errors import DataError
from memlab.runs.decimal_mark import decimal_mark, values
from memlab.storage import require_file

__all__ = ["Column", "read_columns"]

Column = npt.NDArray[Any]
"""Shape (n,): float64, or text."""

_MOST_BYTES = 512 << 20
"""Of a file, and of one column unpacked."""

_MOST_VALUES = 20_000_000
"""Of one column."""

_SHOWN = 40
"""Names of columns in a message."""


def read_columns(
    path: Path, names: Sequence[str], texts: Collection[str] = ()
) -> dict[str, Column]:
    """Read some columns of a table; all have one length.

    Parameters
    ----------
    path
        A CSV, TSV, npz or MATLAB file, told by its content.
    names
        The columns.
    texts
        Columns that name things: they may be text.

    Raises
    ------
    DataError
        If the file cannot be read, is too large, has no such column, or a column is no vector of
        numbers.
    """
    try:
        require_file(path)
        with path.open("rb") as file:
            head = file.read(128)
            size = file.seek(0, io.SEEK_END)
        if size > _MOST_BYTES:
            raise DataError(f"{path} has more than {_MOST_BYTES >> 20} MiB; split the table")
        if head.startswith(b"PK"):
            read: Callable[..., dict[str, Column]] = _read_npz
        elif h5py.is_hdf5(path):
            read = _read_hdf5
        elif head.startswith(b"MATLAB") or path.suffix.lower() == ".mat":
            read = _read_matlab
        else:
            read = _read_text
        columns = read(path, list(dict.fromkeys(names)), frozenset(texts))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except MemoryError as error:
        raise DataError(f"{path} needs more memory than there is") from error
    lengths = {name: column.size for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DataError(
            f"{path}: columns of one table must be equally long, but have {told} values"
        )
    if not all(lengths.values()):
        raise DataError(f"{path} holds no line below the names of its columns")
    return columns


def _require(path: Path, names: Iterable[str], there: Iterable[str]) -> None:
    known = list(there)
    for name in names:
        if name not in known:
            shown = ", ".join(known[:_SHOWN]) or "none"
            more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
            hint = did_you_mean(name, known)
            raise DataError(f"{path} has no column {name!r}; {hint}those there: {shown}{more}")


def _vector(path: Path, name: str, array: npt.NDArray[Any], may_be_text: bool) -> Column:
    """Return a column as float64 or text, shape (n,)."""
    if array.size > _MOST_VALUES:
        raise DataError(f"{path}: column {name!r} has more than {_MOST_VALUES} values")
    if array.size != max(array.shape, default=1):
        raise DataError(f"{path}: column {name!r} must be a vector, not of shape {array.shape}")
    flat = array.ravel()
    if array.dtype.kind in "biuf":
        return flat.astype(np.float64)
    if may_be_text and array.dtype.kind in "US":
        return flat.astype(np.str_)
    raise DataError(f"{path}: column {name!r} holds {array.dtype}, not numbers")


# -- npz --------------------------------------------------------------------------------------


def _read_npz(path: Path, names: list[str], texts: frozenset[str]) -> dict[str, Column]:
    try:
        with zipfile.ZipFile(path) as archive:
            there = [one.removesuffix(".npy") for one in archive.namelist() if one[-4:] == ".npy"]
            _require(path, names, there)
            return {
                name: _vector(path, name, _npy(path, archive, name), name in texts)
                for name in names
            }
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{path} is no npz file that can be read: {error}") from error


def _npy(path: Path, archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    """Read one array; what its header claims is believed only as far as there are bytes."""
    info = archive.getinfo(f"{name}.npy")
    if info.file_size > _MOST_BYTES:
        raise DataError(f"{path}: column {name!r} has more than {_MOST_BYTES >> 20} MiB")
    with archive.open(info) as file:
        try:
            version = np.lib.format.read_magic(file)
            header = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = header(file)
        except ValueError as error:
            raise DataError(f"{path}: column {name!r} is no array of numpy: {error}") from error
        if dtype.hasobject:
            raise DataError(f"{path}: column {name!r} holds Python objects, which are not read")
        wanted = math.prod(shape) * dtype.itemsize
        content = file.read(wanted) if 0 <= wanted <= info.file_size else b""
        if len(content) != wanted or not dtype.itemsize:
            raise DataError(f"{path}: column {name!r} is shorter than its header says")
        # The order of a matrix does not matter: only vectors are taken.
        return np.frombuffer(content, dtype).reshape(shape)


# -- MATLAB -----------------------------------------------------------------------------------


def _read_matlab(path: Path, names: list[str], texts: frozenset[str]) -> dict[str, Column]:
    from scipy.io import loadmat, whosmat

    try:
        listed = whosmat(str(path))
        there = [name for name, _, _ in listed]
        tops = [name.partition(".")[0] for name in names]
        _require(path, tops, there)
        if any(math.prod(shape) > _MOST_VALUES for name, shape, _ in listed if name in tops):
            raise DataError(f"{path}: a column has more than {_MOST_VALUES} values")
        content = loadmat(str(path), variable_names=tops, simplify_cells=True)
    except (DataError, OSError, MemoryError):
        raise
    except Exception as error:  # scipy raises what its parser happens to meet
        raise DataError(f"{path} is no MATLAB file that can be read: {error}") from error
    columns = {}
    for name in names:
        top, _, field = name.partition(".")
        value = content[top]
        if isinstance(value, dict):
            _require(path, [name], [f"{top}.{one}" for one in value])
            value = value[field]
        elif field:
            raise DataError(f"{path}: {top!r} is no structure, so that there is no {name!r}")
        columns[name] = _vector(path, name, np.asarray(value), name in texts)
    return columns


def _read_hdf5(path: Path, names: list[str], texts: frozenset[str]) -> dict[str, Column]:
    try:
        with h5py.File(path, "r") as file:
            there: dict[str, h5py.Dataset] = {}
            for name, node in _own(file):
                if isinstance(node, h5py.Dataset):
                    there[name] = node
                elif isinstance(node, h5py.Group) and not name.startswith("#"):
                    fields = {f"{name}.{one}": child for one, child in _own(node)}
                    there |= {k: v for k, v in fields.items() if isinstance(v, h5py.Dataset)}
            _require(path, names, there)
            return {name: _dataset(path, name, there[name], name in texts) for name in names}
    except (DataError, MemoryError):
        raise
    except Exception as error:  # h5py raises what the library happens to meet
        raise DataError(f"{path} is no HDF5 file that can be read: {error}") from error


def _own(group: h5py.Group) -> Iterable[tuple[str, Any]]:
    """Yield what lies in this file; a link may lead to any other."""
    for name in group:
        if isinstance(group.get(name, getlink=True), h5py.HardLink):
            yield name, group[name]


def _dataset(path: Path, name: str, node: h5py.Dataset, may_be_text: bool) -> Column:
    if node.is_virtual or node.external:
        raise DataError(f"{path}: column {name!r} lies in another file, which is not opened")
    if (
        node.size is None
        or node.size > _MOST_VALUES
        or node.size * node.dtype.itemsize > _MOST_BYTES
    ):
        raise DataError(f"{path}: column {name!r} has more than {_MOST_VALUES} values")
    return _vector(path, name, np.asarray(node[()]), may_be_text)


# -- text -------------------------------------------------------------------------------------


def _read_text(path: Path, names: list[str], texts: frozenset[str]) -> dict[str, Column]:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is no CSV, TSV, npz or MATLAB file: byte {error.start} is no UTF-8 text"
        ) from error
    # Every line is read alone: a quote that nothing closes must not swallow the lines after it.
    lines = (line for line in io.StringIO(text) if line.strip() and not line.startswith("#"))
    first = next(lines, "")
    separator = max(",;\t", key=first.count)
    header = [name.strip() for name in _fields(path, first, separator)]
    _require(path, names, header)
    places = [header.index(name) for name in names]
    found: list[list[str]] = [[] for _ in names]
    for line in lines:
        fields = _fields(path, line, separator)
        for column, place in zip(found, places, strict=True):
            column.append(fields[place].strip() if place < len(fields) else "")
    numbers = {n: c for n, c in zip(names, found, strict=True) if not _is_text(n, c, texts)}
    usual = ".," if separator == ";" else "."
    marks = decimal_mark((one for column in numbers.values() for one in column), usual)
    return {
        name: _numbers(path, name, column, marks) if name in numbers else np.array(column, np.str_)
        for name, column in zip(names, found, strict=True)
    }


def _fields(path: Path, line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), [])
    except csv.Error as error:
        raise DataError(f"{path}: {line.strip()[:40]!r} is no line of a table: {error}") from error


def _is_text(name: str, column: Sequence[str], texts: frozenset[str]) -> bool:
    return name in texts and any(one and not values(one, ".,") for one in column)


def _numbers(path: Path, name: str, column: Sequence[str], marks: str) -> Column:
    """Return the numbers of a column, NaN for what is none."""
    numbers = np.full(len(column), np.nan)
    for k, text in enumerate(column):
        found = values(text, marks)
        if len(found) > 1:
            raise DataError(
                f"{path}: {name} {text!r} may be {found[0]:.15g} or {found[1]:.15g}: nothing in "
                "the file says which decimal mark it has; write it with commas between the columns"
            )
        if found:
            numbers[k] = found[0]
    return numbers
