"""One HDF5 file per run: declare everything, then append while others may follow.

The structure is declared first; `start` then switches the file to single-writer-multiple-reader
(SWMR) mode, after which nothing can be created, only appended. A file whose writer was killed
opens with `h5py.File(path, "r", swmr=True)`; a file that was closed opens in any reader.

Every dataset has `units` and a dimension scale on each axis, so that xarray and NeXus tools find
their way. Wall-clock times are attributes, never datasets: two runs with one seed have
byte-identical datasets.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
import numpy.typing as npt

from memlab.errors import DataError, SettingError
from memlab.runs.living import LOCK, RUN_ID, RunLock, run_identity
from memlab.runs.opening import read_attributes
from memlab.runs.rescue import LIBVER, edit, rewrite

__all__ = ["RunFile", "flatten"]


@dataclass
class _Growing:
    """A dataset that grows along its first axis, and what waits to be written to it.

    It writes through h5py's low-level interface: the high-level one costs several times more
    than HDF5 itself, and a run writes some twenty datasets per epoch.
    """

    dataset: h5py.Dataset
    items: tuple[int, ...]
    dtype: np.dtype[Any]
    chunk: int
    size: int = 0
    pending: list[npt.NDArray[Any]] = field(default_factory=list)

    def flush(self) -> None:
        """Write what waits, in order."""
        if not self.pending:
            return
        items = self.pending[0] if len(self.pending) == 1 else np.concatenate(self.pending)
        identifier, end = self.dataset.id, self.size + len(items)
        identifier.set_extent((end, *self.items))
        items = np.ascontiguousarray(items, self.dtype)
        first = (self.size, *(0 for _ in self.items))
        if len(items) == self.chunk and self.size % self.chunk == 0:
            # A whole chunk goes to the file as it is, past HDF5's selections and conversions.
            identifier.write_direct_chunk(first, items)
        else:
            where = h5py.h5s.create_simple((end, *self.items))
            where.select_hyperslab(first, items.shape)
            identifier.write(h5py.h5s.create_simple(items.shape), where, items)
        self.size = end
        self.pending.clear()


class RunFile:
    """A run file that is being written.

    Parameters
    ----------
    path
        Where to write; must not exist.
    title
        What the run is.
    attributes
        Plain values for the entry, for example the seed.
    run_id
        Identity of the run; a new one by default.

    Raises
    ------
    SettingError
        If the file exists or cannot be written; nothing is touched.
    """

    def __init__(
        self, path: Path, title: str, attributes: Mapping[str, Any], *, run_id: str | None = None
    ):
        self.run_id = run_id or uuid.uuid4().hex
        self._lock = RunLock.beside(path, self.run_id)
        try:
            self._create(path, title, attributes)
        except BaseException:
            self._lock.release()
            raise

    def _create(self, path: Path, title: str, attributes: Mapping[str, Any]) -> None:
        try:
            self._file = h5py.File(path, "x", libver=LIBVER)
        except FileExistsError as error:
            raise SettingError(f"{path} exists already; choose another --out") from error
        except OSError as error:
            raise SettingError(f"cannot write {path}: {_reason(error)}") from error
        self.path = path
        self._growing: dict[str, _Growing] = {}
        self._file.attrs.update({"NX_class": "NXroot", "default": "entry"})
        self._entry = self._file.create_group("entry")
        self._entry.attrs.update(
            {
                "NX_class": "NXentry",
                "title": title,
                "start_time": datetime.now(UTC).isoformat(timespec="seconds"),
                "status": "running",
                RUN_ID: self.run_id,
                LOCK: str(self._lock.path),
                **attributes,
            }
        )

    @classmethod
    def resume(cls, path: Path, lengths: Mapping[str, int]) -> Self:
        """Open the file of a run that was killed or interrupted, to append to it.

        Parameters
        ----------
        path
            A run file.
        lengths
            Items of growing datasets that are valid, by group; what is beyond is dropped.

        Raises
        ------
        DataError
            If it is no run file, or something is writing to it.
        """
        run = cls.__new__(cls)
        attributes = read_attributes(path)
        run.run_id = run_identity(attributes)
        run._lock = RunLock.of_run(path, attributes)
        try:
            run._open_again(path, lengths)
        except BaseException:
            run._lock.release()
            raise
        run.note({RUN_ID: run.run_id, LOCK: str(run._lock.path)})
        return run

    def _open_again(self, path: Path, lengths: Mapping[str, int]) -> None:
        rewrite(path, lengths)
        self.path = path
        self._file = h5py.File(path, "r+", libver=LIBVER)
        self._entry = self._file["entry"]
        self._growing = {}
        self._entry.visititems(self._find_growing)

    def _find_growing(self, name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset) and item.maxshape[:1] == (None,):
            chunk, *items = item.chunks
            self._growing[name] = _Growing(item, tuple(items), item.dtype, chunk, item.shape[0])

    def group(self, name: str, nx_class: str, attributes: Mapping[str, Any] | None = None) -> None:
        """Create a group below the entry; nested values in `attributes` become dotted names."""
        group = self._entry.create_group(name)
        group.attrs["NX_class"] = nx_class
        group.attrs.update(flatten(attributes or {}))

    def scale(self, name: str, values: npt.ArrayLike | None, units: str, description: str) -> None:
        """Declare a dimension scale; `values` None makes one that is appended to."""
        if values is None:
            scale = self._appendable(name, np.dtype(np.int64), (), 1024)
        else:
            data = np.asarray(values)
            if data.dtype.kind == "U":
                data = data.astype(h5py.string_dtype())
            scale = self._entry.create_dataset(name, data=data)
        scale.make_scale(name.rpartition("/")[2])
        scale.attrs.update({"units": units, "long_name": description})

    def declare(
        self,
        name: str,
        dtype: npt.DTypeLike,
        dims: tuple[str, ...],
        units: str,
        description: str,
        chunk: int | None = None,
    ) -> None:
        """Declare a dataset whose axes are the named scales.

        With `chunk`, the dataset grows along its first axis in chunks of that many items;
        otherwise it has the size of its scales and is filled by `write`.
        """
        scales = [self._entry[dim] for dim in dims]
        if chunk is None:
            shape = tuple(scale.size for scale in scales)
            fill = np.nan if np.dtype(dtype).kind == "f" else None
            dataset = self._entry.create_dataset(name, shape, dtype, fillvalue=fill)
        else:
            items = tuple(scale.size for scale in scales[1:])
            dataset = self._appendable(name, np.dtype(dtype), items, chunk)
        for axis, scale in enumerate(scales):
            dataset.dims[axis].attach_scale(scale)
        dataset.attrs.update({"units": units, "long_name": description})

    def note(self, attributes: Mapping[str, Any]) -> None:
        """Write plain values for the entry, before `start`."""
        self._entry.attrs.update(flatten(attributes))

    def start(self) -> None:
        """End the declarations: from now on readers can follow, and a kill loses nothing."""
        self._file.flush()
        self._file.swmr_mode = True

    def append(self, name: str, items: npt.ArrayLike) -> None:
        """Queue items, shape (n, ...), for an appendable dataset; `flush` writes them."""
        growing = self._growing[name]
        array = np.asarray(items)
        if array.shape[1:] != growing.items:
            raise ValueError(f"{name} takes items of shape {growing.items}, got {array.shape[1:]}")
        growing.pending.append(array)

    def write(self, name: str, values: npt.ArrayLike) -> None:
        """Fill a dataset of fixed size."""
        self._entry[name][...] = values

    def flush(self) -> None:
        """Write everything queued, and hand it to the operating system."""
        for growing in self._growing.values():
            growing.flush()
        self._file.flush()

    def close(
        self,
        status: str,
        attributes: Mapping[str, Any] | None = None,
        complete: Callable[[h5py.Group], None] | None = None,
    ) -> None:
        """Write what is queued, close, and note how the run ended.

        Parameters
        ----------
        status
            `finished`, `interrupted` or `failed`.
        attributes
            Plain values for the entry, for example the metrics.
        complete
            Called with the entry to write what could not be declared before the run.
        """
        if not self._file:
            return
        try:
            self._finish(status, attributes, complete)
        finally:
            self._lock.release()

    def _finish(
        self,
        status: str,
        attributes: Mapping[str, Any] | None,
        complete: Callable[[h5py.Group], None] | None,
    ) -> None:
        self.flush()
        self._file.close()
        # Nothing can be created in SWMR mode.
        with edit(self.path) as file:
            if complete is not None:
                complete(file["entry"])
            file["entry"].attrs.update(
                {
                    "status": status,
                    "end_time": datetime.now(UTC).isoformat(timespec="seconds"),
                    **flatten(attributes or {}),
                }
            )

    def _appendable(
        self, name: str, dtype: np.dtype[Any], items: tuple[int, ...], chunk: int
    ) -> h5py.Dataset:
        dataset = self._entry.create_dataset(
            name, (0, *items), dtype, maxshape=(None, *items), chunks=(chunk, *items)
        )
        self._growing[name] = _Growing(dataset, items, dtype, chunk)
        return dataset


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn nested plain values into one level with dotted names, as HDF5 attributes can hold."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{name}."))
        elif value is None:
            flat[name] = "none"
        elif isinstance(value, str | bool | int | float):
            flat[name] = value
        else:
            try:
                flat[name] = json.dumps(value)
            except TypeError as error:
                raise DataError(f"{name} cannot be stored in a run file: {error}") from error
    return flat


def _reason(error: OSError) -> str:
    return (
        error.strerror
        or str(error).partition("error message = '")[2].partition("'")[0]
        or str(error)
    )
