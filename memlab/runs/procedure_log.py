"""The run file of a procedure: every batch of pulses before it is sent, every reading at once.

All procedures have the same groups below `entry`:

    map          one item per reading: conductance, raw codes and gains, time, and the coordinates
                 that the procedure gives (gate voltage, cycle, ...)
    vmm          one item per vector: currents, raw codes and gains, time, coordinates
    program      one item per batch of pulses, written before it is sent
    programmed   one item per batch, written after it: how many were fired, how many are in doubt

The ticket of batch k, by which the board is asked what became of it, is RUN_ID/k (`ticket`).
    spent        one item for each of these: what the arrays have done and cost by then
    result       what the analysis found, written when the run ends

A writer that is killed may leave one dataset of a group longer than another; what is beyond the
shortest is dropped by `reopen`, and was never counted as measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
import numpy.typing as npt

from drivers.converter import Converter
from drivers.published_board import recorded_converter
from memlab.array import Measurement
from memlab.chip.load import Load, load_of
from memlab.errors import DataError
from memlab.numeric import BoolArray
from memlab.runs.findings import Finding, Findings
from memlab.runs.growing import FEW, ONE_MAP
from memlab.runs.hdf5 import checked
from memlab.runs.living import run_identity
from memlab.runs.opening import open_for_reading, read_attributes
from memlab.runs.record import Coordinate, ProgramEntry, Record, Series
from memlab.runs.run_file import RunFile
from memlab.runs.spent_log import Spent, SpentLog

__all__ = ["FinishedLog", "MemoryLog", "ProcedureLog", "read_record", "ticket_of", "write_findings"]

GROUPS = ("map", "vmm", "program", "programmed")

_OF_OLD_FILES = "program/last_operation"
"""Operation number of the board before a batch, in files of memlab before tickets: -1, no more."""

Coordinates = Mapping[str, Coordinate]


def ticket_of(run_id: str, batch: int) -> str:
    """Return the name under which a board knows a batch of pulses of a run."""
    return f"{run_id}/{batch}"


class ProcedureLog:
    """Writes what a procedure does into its run file as it happens, and keeps it in memory.

    Parameters
    ----------
    run
        The run file, declared by `declare` and started, or resumed.
    record
        What it holds so far.
    """

    def __init__(self, run: RunFile, record: Record):
        self.run = run
        self.record = record
        self._cost: SpentLog | None = None

    def follow(self, spent: Spent) -> None:
        """Record what the run has spent with everything that is added; before `run.start()`."""
        self._cost = SpentLog(self.run, spent)

    @classmethod
    def declare(
        cls,
        run: RunFile,
        rows: npt.NDArray[np.intp],
        columns: npt.NDArray[np.intp],
        mask: BoolArray,
        maps: Coordinates,
        vectors: Coordinates | None,
        chip_shape: tuple[int, int],
        formable: BoolArray | None = None,
        load: Load | None = None,
        code_types: tuple[str, str] = ("u2", "u2"),
    ) -> Self:
        """Declare the datasets of a procedure; `run.start()` must follow.

        Parameters
        ----------
        run
            A new run file.
        rows, columns, mask
            Lines of the view, and the cells of it that the procedure is about.
        maps
            Coordinates of readings.
        vectors
            Coordinates of vectors; None where the procedure multiplies none.
        chip_shape
            (rows, columns) of the whole chip.
        formable
            Cells of the view that may be formed; all of them by default.
        load
            Of its readings, where known; that of its vectors has one part.
        code_types
            Of row codes and of what is sensed (`Array.code_types`).
        """
        of_maps = {} if load is None else load.attributes()
        run.group("map", "NXdata", {"signal": "conductance", **of_maps})
        run.scale("map/reading", None, "1", "Number of the reading, from 0")
        lines = run.scale_lines("map", rows, columns)
        run.declare("map/mask", "u1", lines, "1", "1 for the cells that the procedure is about")
        run.declare("map/formable", "u1", lines, "1", "1 for the cells that may be formed")
        maps_of = ("map/reading", *lines)
        run.declare("map/conductance", "f8", maps_of, "S", "Conductance", ONE_MAP)
        _declare_raw(run, "map", maps_of, maps, ONE_MAP, code_types[1])
        if vectors is not None:
            of_vectors = {} if load is None else replace(load, parts=1).attributes()
            run.group("vmm", "NXdata", {"signal": "current", **of_vectors})
            run.scale("vmm/vector", None, "1", "Number of the vector, from 0")
            driven, sensed = (
                ("vmm/vector", line) for line in run.scale_lines("vmm", rows, columns)
            )
            run.declare("vmm/current", "f8", sensed, "A", "Column current", FEW)
            run.declare("vmm/dac_code", code_types[0], driven, "1", "Row DAC codes", FEW)
            _declare_raw(run, "vmm", sensed, vectors, FEW, code_types[1])
        for name, text in (("program", "sent"), ("programmed", "fired")):
            run.group(name, "NXcollection")
            run.scale(f"{name}/batch", None, "1", f"Batch of pulses that was {text}, from 0")
        for name, text in (
            ("program/pulses", "Row-parallel pulses of the batch"),
            ("programmed/fired", "How many of its pulses were fired"),
            ("programmed/unknown", "How many of its pulses are in doubt"),
        ):
            run.declare(name, "i8", (f"{name.partition('/')[0]}/batch",), "1", text, 256)
        record = Record.empty(rows, columns, mask, maps, vectors or {}, chip_shape, formable)
        record.load = load
        run.write("map/mask", mask)
        run.write("map/formable", record.formable)
        return cls(run, record)

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Open the file of a procedure that was killed or interrupted, to go on."""
        record = read_record(path)
        lengths = {
            "map": len(record.readings),
            "vmm": len(record.vectors),
            "program": len(record.programs),
            "programmed": sum(one.fired is not None for one in record.programs),
        }
        with open_for_reading(path) as file:
            if "spent" in file["entry"]:
                lengths["spent"] = _shortest(file["entry/spent"])
        return cls(RunFile.resume(path, lengths), record)

    def ticket(self, batch: int) -> str:
        """Return the name under which the board knows a batch of pulses."""
        return ticket_of(self.run.run_id, batch)

    def add_reading(self, measurement: Measurement, coordinates: Mapping[str, float]) -> None:
        """Write a conductance map."""
        self._count()
        self._write_raw("map", "reading", "conductance", [measurement], [coordinates])
        self.record.readings.append(measurement, coordinates)

    def add_vectors(self, measurement: Measurement, coordinates: list[dict[str, float]]) -> None:
        """Write vectors, values of shape (n, columns), with coordinates of each."""
        self._count()
        single = [measurement[k] for k in range(len(measurement.value))]
        if measurement.dac_code is not None:
            self.run.append("vmm/dac_code", measurement.dac_code)
        self._write_raw("vmm", "vector", "current", single, coordinates)
        for one, where in zip(single, coordinates, strict=True):
            self.record.vectors.append(one, where)

    def entering(self, pulses: int) -> None:
        """Write that a batch of pulses is about to be sent."""
        self.run.append("program/batch", [len(self.record.programs)])
        self.run.append("program/pulses", [pulses])
        if self.run.grows(_OF_OLD_FILES):
            self.run.append(_OF_OLD_FILES, [-1])
        self.run.flush()
        self.record.programs.append(ProgramEntry(pulses))

    def programmed(self, fired: int, unknown: int) -> None:
        """Write what became of the batch that was entered last."""
        programs = self.record.programs
        self._count()
        self.run.append("programmed/batch", [len(programs) - 1])
        self.run.append("programmed/fired", [fired])
        self.run.append("programmed/unknown", [unknown])
        self.run.flush()
        programs[-1] = replace(programs[-1], fired=fired, unknown=unknown)

    def _count(self) -> None:
        if self._cost is not None:
            self._cost.append(self.run.count("spent/step"))

    def _write_raw(
        self,
        group: str,
        scale: str,
        signal: str,
        measurements: list[Measurement],
        coordinates: list[Mapping[str, float]] | list[dict[str, float]],
    ) -> None:
        run = self.run
        series = self.record.readings if group == "map" else self.record.vectors
        first, n = len(series), len(measurements)
        run.append(f"{group}/{signal}", np.array([one.value for one in measurements]))
        saturated = np.array([one.saturated for one in measurements], np.uint8)
        run.append(f"{group}/saturated", saturated)
        # A board gives codes; where there are none, 0 stands for the gain.
        for name in ("adc_code", "gain"):
            codes = [getattr(one, name) for one in measurements]
            filled = np.zeros(saturated.shape) if codes[0] is None else np.array(codes)
            run.append(f"{group}/{name}", filled)
        for name in series.coordinates:
            run.append(f"{group}/{name}", [c.get(name, np.nan) for c in coordinates])
        run.append(f"{group}/{scale}", np.arange(first, first + n))
        run.flush()


class MemoryLog(ProcedureLog):
    """The log of a rehearsal: nothing is written."""

    def __init__(self, record: Record):
        self.record = record

    def ticket(self, batch: int) -> str:
        """Return no name: nobody will ask."""
        return ""

    def add_reading(self, measurement: Measurement, coordinates: Mapping[str, float]) -> None:
        """Keep a conductance map."""
        self.record.readings.append(measurement, coordinates)

    def add_vectors(self, measurement: Measurement, coordinates: list[dict[str, float]]) -> None:
        """Keep vectors, values of shape (n, columns), with coordinates of each."""
        for k, where in enumerate(coordinates):
            self.record.vectors.append(measurement[k], where)

    def entering(self, pulses: int) -> None:
        """Keep that a batch of pulses is about to be sent."""
        self.record.programs.append(ProgramEntry(pulses))

    def programmed(self, fired: int, unknown: int) -> None:
        """Keep what became of the batch that was entered last."""
        last = self.record.programs[-1]
        self.record.programs[-1] = replace(last, fired=fired, unknown=unknown)


class FinishedLog(ProcedureLog):
    """The log of a procedure that is through: what is in it can be replayed, nothing added."""

    def __init__(self, path: Path):
        self.path = path
        self.record = read_record(path)
        self._run_id = run_identity(read_attributes(path))

    def ticket(self, batch: int) -> str:
        """Return the name under which a batch of pulses was sent."""
        return ticket_of(self._run_id, batch)

    def add_reading(self, measurement: Measurement, coordinates: Mapping[str, float]) -> None:
        """Refuse."""
        raise self._complete()

    def add_vectors(self, measurement: Measurement, coordinates: list[dict[str, float]]) -> None:
        """Refuse."""
        raise self._complete()

    def entering(self, pulses: int) -> None:
        """Refuse."""
        raise self._complete()

    def _complete(self) -> DataError:
        return DataError(f"{self.path} is finished, and its procedure would do more than it holds")


def read_record(path: Path) -> Record:
    """Read what a procedure has measured, from a file that is whole, killed or still growing.

    Raises
    ------
    DataError
        If it is not the run file of a procedure.
    """
    with open_for_reading(path) as file:
        entry = file.get("entry")
        if entry is None or "programmed" not in entry:
            raise DataError(f"{path} is not the run file of a procedure (memlab characterize)")
        length = {name: _shortest(entry[name]) for name in GROUPS if name in entry}
        done = min(length["programmed"], length["program"])
        fired, unknown = entry["programmed/fired"][:done], entry["programmed/unknown"][:done]
        programs = [ProgramEntry(int(n)) for n in entry["program/pulses"][: length["program"]]]
        for k in range(done):
            programs[k] = replace(programs[k], fired=int(fired[k]), unknown=int(unknown[k]))
        board = entry["instrument"].attrs
        codes = recorded_converter(board, "row"), recorded_converter(board, "sense")
        return Record(
            rows=entry["map/row"][()].astype(np.intp),
            columns=entry["map/column"][()].astype(np.intp),
            mask=entry["map/mask"][()].astype(bool),
            formable=entry["map/formable"][()].astype(bool),
            readings=_read_series(entry["map"], "conductance", length["map"], *codes),
            vectors=(
                _read_series(entry["vmm"], "current", length["vmm"], *codes)
                if "vmm" in entry
                else Series.empty({})
            ),
            programs=programs,
            chip_shape=(int(board["board.rows"]), int(board["board.columns"])),
            load=load_of(entry["map"].attrs),
        )


def write_findings(entry: h5py.Group, findings: Findings) -> None:
    """Write what an analysis found into the group `result`; what was there is replaced.

    The group has scales of its own for rows and columns: those of another group are out of reach
    for programs that look up a name from the inside outwards, as netCDF says.
    """
    if "result" in entry:
        del entry["result"]
    group = entry.create_group("result", track_order=True)  # they are shown as they were found
    group.attrs["NX_class"] = "NXcollection"
    for name, axis in findings.axes.items():
        _write_finding(group, name, axis).make_scale(name)
    for name in sorted({dim for one in findings.values.values() for dim in one.dims}):
        if name not in group:
            of_map = entry[f"map/{name}"]
            scale = _create(group, name, of_map[()])
            scale.attrs.update({k: of_map.attrs[k] for k in ("units", "long_name")})
            scale.make_scale(name)
    for name, one in findings.values.items():
        scales = [group[dim] for dim in one.dims]
        parts = {name: one}
        if one.error is not None:
            text = f"One standard error of {name}"
            parts[f"{name}_error"] = Finding(one.error, one.units, text, None, one.dims)
        for part, finding in parts.items():
            dataset = _write_finding(group, part, finding)
            if part == name and isinstance(one.value, float):
                dataset.attrs.update(one.notes())
            for axis_number, scale in enumerate(scales):
                dataset.dims[axis_number].attach_scale(scale)


def _write_finding(group: h5py.Group, name: str, finding: Finding) -> h5py.Dataset:
    value = np.asarray(finding.value)
    if value.dtype.kind == "U":
        value = value.astype(h5py.string_dtype())
    elif value.dtype == bool:
        value = value.astype(np.uint8)
    dataset = _create(group, name, value)
    dataset.attrs["long_name"] = finding.description
    if value.dtype.kind != "O":  # a text has no unit (NeXus)
        dataset.attrs["units"] = finding.units
    return dataset


def _create(group: h5py.Group, name: str, value: npt.NDArray[Any]) -> h5py.Dataset:
    return group.create_dataset(name, data=value, **checked(value.shape, value.dtype))


def _declare_raw(
    run: RunFile,
    group: str,
    items: tuple[str, ...],
    coordinates: Coordinates,
    chunk: int,
    code_type: str,
) -> None:
    run.declare(f"{group}/adc_code", code_type, items, "1", "ADC codes", chunk)
    run.declare(f"{group}/gain", "u1", items, "1", "Gain numbers", chunk)
    run.declare(f"{group}/saturated", "u1", items, "1", "1 where the amplifier clipped", chunk)
    time = Coordinate("s", "Time since the start: simulated on the emulator, else real")
    for name, coordinate in {**coordinates, "time": time}.items():
        text, units = coordinate.description, coordinate.units
        run.declare(f"{group}/{name}", "f8", items[:1], units, text, FEW)


def _shortest(group: h5py.Group) -> int:
    return min(len(item) for item in group.values() if item.maxshape[:1] == (None,))


def _read_series(
    group: h5py.Group, signal: str, length: int, row: Converter, sense: Converter
) -> Series:
    arrays = {name: group[name][:length] for name in (signal, "saturated", "adc_code", "gain")}
    dac_code = group["dac_code"][:length] if "dac_code" in group else [None] * length
    load = load_of(group.attrs)
    measurements = [
        Measurement(
            value=arrays[signal][k],
            saturated=arrays["saturated"][k].astype(bool),
            adc_code=arrays["adc_code"][k],
            gain=arrays["gain"][k],
            dac_code=dac_code[k],
            load=load,
            row=row,
            sense=sense,
        )
        for k in range(length)
    ]
    coordinates = {
        name: item[:length].tolist()
        for name, item in group.items()
        if item.dtype == np.float64 and item.ndim == 1
    }
    return Series(measurements, coordinates)
