"""One HDF5 file per run: declare everything, then append while others may follow.

The structure is declared first; `start` then switches the file to single-writer-multiple-reader
(SWMR) mode, after which nothing can be created, only appended. A file whose writer was killed
opens with `h5py.File(path, "r", swmr=True)`; a file that was closed opens in any reader.

What is appended is queued, and handed to the operating system when `flush` is called, or by `pace`
when some megabytes or about a second have come together. The scales of a group are written last:
how long they are says how many items are complete.

Every dataset has `units` and a dimension scale on each axis, so that xarray and NeXus tools find
their way, and a checksum, so that a flipped bit is seen. Wall-clock times are attributes, never
datasets: two runs with one seed have byte-identical datasets.
"""

from __future__ import annotations

import json
import math
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
import numpy.typing as npt

from drivers.errors import InUseError
from memlab.errors import DataError, SettingError, StorageError
from memlab.runs.growing import MANY, Growing, find_growing
from memlab.runs.half_written import remove_half_written
from memlab.runs.hdf5 import (
    LIBVER,
    OneProcess,
    Room,
    appendable,
    checked,
    created,
    describe,
    let_go,
)
from memlab.runs.leftovers import mend, save_elsewhere
from memlab.runs.living import LOCK, RUN_ID, RunLock, run_identity
from memlab.runs.opening import read_attributes
from memlab.runs.rescue import RESUMED, edit, rewrite
from memlab.storage import reason_of

__all__ = ["RunFile", "flatten"]

FLUSH_BYTES = 24 * 2**20
"""Queued bytes after which `pace` flushes: each flush takes some 5 ms, whatever is queued."""

FLUSH_SECONDS = 1.0
"""Time after which `pace` flushes."""

Complete = Callable[[h5py.Group], None]


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
    clock
        Seconds of a clock that never goes back.

    Raises
    ------
    SettingError
        If the file exists or cannot be written; nothing is touched.

    Notes
    -----
    Any method raises `StorageError` when the disk is full, the file was removed, or writing fails
    for another reason. What was flushed before stays readable, what was queued is saved in a spare
    directory, and the error names both; from then on the file is closed and `close` does nothing.
    """

    def __init__(
        self,
        path: Path,
        title: str,
        attributes: Mapping[str, Any],
        *,
        run_id: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.run_id = run_id or uuid.uuid4().hex
        self._lock = RunLock.beside(path, self.run_id)
        try:
            self._create(path, title, attributes, clock)
        except BaseException:
            self._lock.release()
            raise

    def _create(
        self,
        path: Path,
        title: str,
        attributes: Mapping[str, Any],
        clock: Callable[[], float],
    ) -> None:
        try:
            file = created(path)
        except FileExistsError as error:
            raise SettingError(f"{path} exists already; choose another --out") from error
        except (OSError, RuntimeError) as error:
            raise SettingError(f"cannot write {path}: {reason_of(error)}") from error
        self._hold(path, file, clock)
        with self._writing():
            self._room.check(0)
            describe(file, {"NX_class": "NXroot", "default": "entry"})
            self._entry: h5py.Group = file.create_group("entry")
            describe(
                self._entry,
                {
                    "NX_class": "NXentry",
                    "start_time": datetime.now(UTC).isoformat(timespec="seconds"),
                    "status": "running",
                    RUN_ID: self.run_id,
                    LOCK: str(self._lock.path),
                    **flatten({"title": title, **attributes}),
                },
            )

    @classmethod
    def resume(
        cls,
        path: Path,
        lengths: Mapping[str, int],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> Self:
        """Open the file of a run that was killed or interrupted, to append to it.

        Parameters
        ----------
        path
            A run file.
        lengths
            Items of growing datasets that are valid, by group; what is beyond is dropped.
        clock
            Seconds of a clock that never goes back.

        Raises
        ------
        DataError
            If it is no run file, or something is writing to it.
        StorageError
            If there is no room for it; it is as it was.
        """
        run = cls.__new__(cls)
        run._beside = None
        attributes = read_attributes(path)
        run.run_id = run_identity(attributes)
        run._lock = RunLock.of_run(path, attributes)
        try:
            remove_half_written(path)
            # An open file cannot take another name on Windows; it takes the place at once there.
            beside = None if os.name == "nt" else path.with_name(path.name + RESUMED)
            rewrite(path, lengths, beside)
            run._hold(path, h5py.File(beside or path, "r+", libver=LIBVER), clock)
            run._beside = beside
            run._entry = run._file["entry"]
            run._growing = find_growing(run._entry)
            run._resumed = True
            run.note({RUN_ID: run.run_id, LOCK: str(run._lock.path), "status": "running"})
            run._entry.attrs.pop("end_time", None)
        except BaseException:
            if run._beside is not None:
                run._beside.unlink(missing_ok=True)
            run._lock.release()
            raise
        return run

    def _hold(self, path: Path, file: h5py.File, clock: Callable[[], float]) -> None:
        self.path = path
        self._beside: Path | None = None
        self._file = file
        self._process = OneProcess(file)
        self._room = Room(file, path)
        self._growing: dict[str, Growing] = {}
        self._scales: dict[str, h5py.Dataset] = {}
        self._signals: set[str] = set()
        self._order: list[Growing] = []
        self._started = self._resumed = False
        self.flushes = 0
        """How often what was queued has reached the operating system."""
        self._failed: StorageError | None = None
        self._clock = clock
        self._queued, self._written, self._flushed = 0, 0, clock()

    def group(self, name: str, nx_class: str, attributes: Mapping[str, Any] | None = None) -> None:
        """Create a group below the entry; nested values in `attributes` become dotted names.

        The one that is called `signal` in an NXdata gets its axes when it is declared. A resumed
        run has what it declares again, here and below.
        """
        given = flatten(attributes or {})
        if "signal" in given:
            self._signals.add(f"{name}/{given['signal']}")
        if self._has(name):
            return
        if "target" in given:  # in NeXus the path of a link
            given["target_value"] = given.pop("target")
        values = {"NX_class": nx_class, **given}
        with self._writing():
            describe(self._entry.create_group(name), values)

    def scale(
        self,
        name: str,
        values: npt.ArrayLike | None,
        units: str,
        description: str,
        dtype: npt.DTypeLike = np.int64,
        chunk: int = MANY,
        *,
        packed: bool = False,
    ) -> None:
        """Declare a dimension scale; `values` None makes one that is appended to.

        Such a one has items of `dtype`, `chunk` of them together, `packed` as in `declare`.
        """
        if self._has(name):
            if values is not None:
                self._compare(name, np.asarray(values))
            return
        with self._writing():
            if values is None:
                scale = self._appendable(name, np.dtype(dtype), (), chunk, packed=packed)
            else:
                data = np.asarray(values)
                if data.dtype.kind == "U":
                    data = data.astype(h5py.string_dtype())
                self._room.check(data.nbytes)
                layout = checked(data.shape, data.dtype)
                scale = self._entry.create_dataset(name, data=data, **layout)
            scale.make_scale(name.rpartition("/")[2])
            # A text has no unit (NeXus).
            has_unit = scale.dtype.kind != "O"
            describe(scale, {"long_name": description, **({"units": units} if has_unit else {})})
            self._scales[name] = scale

    def scale_lines(
        self, group: str, rows: npt.ArrayLike, columns: npt.ArrayLike
    ) -> tuple[str, str]:
        """Declare the scales of a group's rows and columns of the chip; return their names."""
        row, column = f"{group}/row", f"{group}/column"
        self.scale(row, rows, "1", "Row (bit line) of the chip")
        self.scale(column, columns, "1", "Column (top electrode) of the chip")
        return row, column

    def declare(
        self,
        name: str,
        dtype: npt.DTypeLike,
        dims: tuple[str, ...],
        units: str,
        description: str,
        chunk: int | None = None,
        *,
        packed: bool = False,
    ) -> None:
        """Declare a dataset whose axes are the named scales.

        With `chunk`, the dataset grows along its first axis in chunks of that many items;
        otherwise it has the size of its scales and is filled by `write`. `packed` integers take as
        few bits as they need (`memlab.runs.hdf5.appendable`).
        """
        scales = [self._scales.get(dim) or self._entry[dim] for dim in dims]
        if self._has(name):
            if self._entry[name].shape[1:] != tuple(scale.size for scale in scales)[1:]:
                raise self._another(name)
            return
        with self._writing():
            if chunk is None:
                shape = tuple(scale.size for scale in scales)
                self._room.check(math.prod(shape) * np.dtype(dtype).itemsize)
                fill = np.nan if np.dtype(dtype).kind == "f" else None
                layout = checked(shape, dtype)
                dataset = self._entry.create_dataset(name, shape, dtype, fillvalue=fill, **layout)
            else:
                items = tuple(scale.size for scale in scales[1:])
                dataset = self._appendable(name, np.dtype(dtype), items, chunk, packed=packed)
            for axis, scale in enumerate(scales):
                h5py.h5ds.attach_scale(dataset.id, scale.id, axis)
            describe(dataset, {"units": units, "long_name": description})
            if name in self._signals:
                dataset.parent.attrs["axes"] = [dim.rpartition("/")[2] for dim in dims]

    def _has(self, name: str) -> bool:
        """Whether a resumed run has this already."""
        return self._resumed and name in self._entry

    def _compare(self, name: str, values: npt.NDArray[Any]) -> None:
        """Refuse a scale that is not that of the run which is resumed."""
        there = self._entry[name]
        found = there.asstr()[()] if there.dtype.kind == "O" else there[()]
        if not np.array_equal(found, values):
            raise self._another(name)

    def _another(self, name: str) -> DataError:
        return DataError(
            f"{self.path}: {name} is not what the run began with: its data, or the program, are "
            "others by now. It cannot be resumed with them"
        )

    def note(self, attributes: Mapping[str, Any]) -> None:
        """Write plain values for the entry, before `start`."""
        values = flatten(attributes)
        with self._writing():
            self._entry.attrs.update(values)

    def start(self) -> None:
        """End the declarations: from now on readers can follow, and a kill loses nothing.

        A resumed run takes the place of its file here. To start a run again does nothing.
        """
        self._check_process()
        if self._started:
            return
        with self._writing():
            self._room.check(0)
            self._file.flush()
            self._file.swmr_mode = True
            if self._beside is not None:
                # Not before: a file whose writer is killed until here can be read by nobody.
                os.replace(self._beside, self.path)
                self._beside = None
        self._order = sorted(self._growing.values(), key=lambda one: bool(one.dataset.is_scale))
        self._started = True
        self._flushed = self._clock()

    def append(self, name: str, items: npt.ArrayLike) -> None:
        """Queue items, shape (n, ...), for an appendable dataset; `flush` writes them."""
        self._check_process()
        growing = self._growing[name]
        array = np.asarray(items)
        if array.shape[1:] != growing.items:
            raise ValueError(f"{name} takes items of shape {growing.items}, got {array.shape[1:]}")
        growing.pending.append(array)
        self._queued += array.nbytes

    def lengths(self) -> dict[str, int]:
        """Hand over what is queued, and return how many items each growing dataset has."""
        if self._queued:
            self.flush()
        return {name: growing.size for name, growing in self._growing.items()}

    def count(self, name: str) -> int:
        """Return how many items an appendable dataset has, with those that are queued."""
        growing = self._growing[name]
        return growing.size + sum(map(len, growing.pending))

    def grows(self, name: str) -> bool:
        """Whether this file has an appendable dataset of that name; one of before may not."""
        return name in self._growing

    def write(self, name: str, values: npt.ArrayLike) -> None:
        """Fill a dataset of fixed size."""
        with self._writing():
            self._room.check(np.asarray(values).nbytes)
            self._entry[name][...] = values
        # In HDF5, and not yet in the system's hands.
        self._queued += np.asarray(values).nbytes
        self._written += np.asarray(values).nbytes

    def pace(self) -> None:
        """Flush if enough is queued, or waits for long enough; where every group is complete."""
        self._check_process()
        if self._queued >= FLUSH_BYTES or self._clock() - self._flushed >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write everything queued, and hand it to the operating system."""
        with self._writing():
            self._flush()

    def _flush(self) -> None:
        waiting = sum(growing.room for growing in self._growing.values())
        self._room.check(self._written + waiting)
        for growing in self._order or self._growing.values():
            growing.write()
        self._file.flush()
        for growing in self._growing.values():
            growing.forget_written()
        self._queued, self._written, self._flushed = 0, 0, self._clock()
        self.flushes += 1

    def close(
        self,
        status: str,
        attributes: Mapping[str, Any] | None = None,
        complete: Complete | None = None,
    ) -> None:
        """Write what is queued, close, and note how the run ended; nothing in a forked child.

        Parameters
        ----------
        status
            `finished`, `interrupted` or `failed`.
        attributes
            Plain values for the entry, for example the metrics.
        complete
            Called with the entry to write what could not be declared before the run.
        """
        if not self._process.is_here or not self._file:
            return
        values = {"status": status, **flatten(attributes or {})}

        def finish(entry: h5py.Group) -> None:
            if complete is not None:
                complete(entry)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            entry.attrs.update({**values, "end_time": now})

        try:
            self._finish(finish)
        finally:
            self._lock.release()

    def _finish(self, finish: Complete) -> None:
        with self._writing(finish):
            self._flush()
        # Once it is closed, nobody else holds a file that was removed from its directory.
        descriptor = os.dup(self._file.id.get_vfd_handle())
        try:
            with self._writing(finish):
                self._file.close()
            try:
                # Nothing can be created in SWMR mode.
                with edit(self.path) as file:
                    finish(file["entry"])
            except (OSError, RuntimeError) as error:
                raise self._tell(error, descriptor, finish, closed=True) from error
        finally:
            os.close(descriptor)

    @contextmanager
    def _writing(self, finish: Complete | None = None) -> Iterator[None]:
        """Make a `StorageError` of what HDF5 or the file system says, and save what can be."""
        self._check_process()
        if self._failed is not None:
            raise self._failed
        try:
            yield
        except (OSError, RuntimeError) as error:
            descriptor = os.dup(self._file.id.get_vfd_handle())
            closed = error is self._room.refused
            try:
                if closed:
                    # HDF5 has not met it, and can close the file as it is.
                    with suppress(OSError, RuntimeError):
                        self._file.close()
                let_go(self._file)
                raise self._tell(error, descriptor, finish, closed=closed) from error
            finally:
                os.close(descriptor)

    @property
    def started(self) -> bool:
        """Whether the declarations are over, so that anything may have been recorded."""
        return self._started

    @property
    def is_here(self) -> bool:
        """False in a forked child: the file is its parent's."""
        return self._process.is_here

    def _check_process(self) -> None:
        if not self._process.is_here:
            raise InUseError(
                f"{self.path} is written by the process that made it, and this is its forked child "
                f"{os.getpid()}: nothing was written. Leave the run to that process"
            )

    def _tell(
        self,
        error: Exception,
        descriptor: int,
        finish: Complete | None = None,
        *,
        closed: bool,
    ) -> StorageError:
        """Save what is not in the file, and return the error that says where everything is."""
        text = f"cannot write {self.path}: {reason_of(error)}"
        self._lock.release()
        if not self._started:
            with suppress(OSError):  # of a resumed run the file from before stays
                (self._beside or self.path).unlink()
            self._failed = StorageError(text)
            return self._failed
        saved = save_elsewhere(self.path, descriptor, self._growing, finish or _mark_failed)
        mend(self.path, descriptor, self._growing, _mark_failed, closed=closed)
        self._failed = StorageError(f"{text}; {saved.text}", saved=saved.paths)
        for growing in self._growing.values():
            growing.pending.clear()
        return self._failed

    def _appendable(
        self, name: str, dtype: np.dtype[Any], items: tuple[int, ...], chunk: int, *, packed: bool
    ) -> h5py.Dataset:
        layout = appendable(items, chunk, packed=packed)
        dataset = self._entry.create_dataset(name, (0, *items), dtype, **layout)
        self._growing[name] = Growing(dataset)
        return dataset


# HDF5 ends a string at NUL; lone surrogates (of a file name that is no UTF-8) are no UTF-8.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn nested plain values into one level with dotted names, as HDF5 attributes can hold.

    What HDF5 cannot hold of a string, as NUL, becomes the escape that Python writes for it.
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{name}."))
        elif value is None:
            flat[name] = "none"
        elif isinstance(value, str):
            flat[name] = _UNSTORABLE.sub(_escape, value)
        elif isinstance(value, bool | int | float):
            flat[name] = value
        else:
            try:
                flat[name] = json.dumps(value)
            except TypeError as error:
                raise DataError(f"{name} cannot be stored in a run file: {error}") from error
    return flat


def _mark_failed(entry: h5py.Group) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    entry.attrs.update({"status": "failed", "end_time": now})
