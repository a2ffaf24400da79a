"""Run files as values: who, what, when, which settings, what was found, and where the data lie.

    run = memlab.open_run("staircase.h5")
    run.kind, run.status, run.settings["steps"]
    run.findings.values["set_slope"].value          # S/V, with error, n and unit
    run.record.conductance                          # of a procedure: every reading
    with run.entry() as entry: ...                  # anything else: the HDF5 group

A run says itself what it is (`memlab.runs.schema`); nothing is guessed from its datasets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from memlab.errors import DataError
from memlab.markup import card, small_map
from memlab.numeric import FloatArray
from memlab.runs.brief import (
    Brief,
    attributes_of,
    brief_of,
    entry_of,
    instruments_of,
    without_class,
)
from memlab.runs.checkpoint_places import has_checkpoint
from memlab.runs.findings import Findings, name_of
from memlab.runs.found import findings_of
from memlab.runs.opening import open_for_reading
from memlab.runs.procedure_log import read_record
from memlab.runs.quantity import Quantity
from memlab.runs.record import Record
from memlab.runs.schema import Family
from memlab.runs.steps import count_steps
from memlab.runs.vmm_codes import SUFFIX, VmmCodes

__all__ = ["ConductanceMap", "Run", "last_maps", "open_run"]

_COUNT, _COST = "counts.", "on_board."


@dataclass(frozen=True, eq=False)
class ConductanceMap:
    """Conductances (S), shape (rows, columns), and the numbers of these lines on the chip."""

    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    conductance: FloatArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Run(Brief):
    """A run file as it was when it was opened.

    Attributes
    ----------
    path
        The file.
    kind, family, schema_version
        What was done, which sort of work it is, and how the file is laid out.
    run_id
        Identity; copies of a file share it.
    title
        What was done, for people.
    status
        `finished`, `interrupted`, `failed`; of a file that nobody closed `running` where its writer
        is alive, else `killed`.
    started, ended
        UTC; `ended` is None where the file was not closed.
    boards, seed, preset, tags, note
        As asked for; seed None and preset '' where there is none.
    settings
        Every setting, nested plain values; empty where the kind has none.
    instruments
        Identity of each array with dotted names: `board.serial`, `board.rows`, ...
    versions
        Of memlab and of what it ran on.
    findings
        Numbers and maps that were found, metrics among them, each with unit and meaning.
    counts
        What the arrays were asked to do.
    on_board
        What an emulated run would cost on the real board: s and J.
    attributes
        All attributes of the entry, as they are written.
    """

    note: str
    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    findings: Findings
    counts: Mapping[str, int]
    on_board: Mapping[str, float]

    def __repr__(self) -> str:
        """Return what a person at a prompt wants to know of it."""
        chip = ", ".join(str(one.get("board.serial", "")) for one in self.instruments)
        return f"<Run {self.path.name}: {self.kind}, {self.status}, {self.started:%F %T}, {chip}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what it is, what was found, and its last map."""
        chip = ", ".join(str(one.get("board.serial", "")) for one in self.instruments)
        rows = [
            ("kind", f"{self.kind}, {self.preset}" if self.preset else self.kind),
            ("status", self.status),
            ("started", f"{self.started:%Y-%m-%d %H:%M:%S} UTC"),
            ("chip", chip or "none"),
            ("board", " ".join(self.boards)),
            ("seed", "none" if self.seed is None else str(self.seed)),
            ("file", str(self.path)),
        ]
        if self.tags:
            rows.append(("tags", ", ".join(self.tags)))
        try:
            maps = self.last_maps()
        except DataError as error:  # what was read of it stays worth showing
            rows.append(("maps", str(error)))
            maps = {}
        shown = [small_map(one.conductance, "S", name) for name, one in maps.items()]
        return card(self.title, rows, shown, self.origin, self.findings.table())

    @property
    def resumable(self) -> bool:
        """Whether `memlab runs resume` can finish it."""
        if self.finished or self.alive:
            return False
        return "session" in self.attributes or has_checkpoint(self.path, self.attributes)

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers that were found, without arrays, by name; NaN where not determined."""
        return {name: one.number for name, one in self.findings.values.items() if one.is_number}

    @property
    def record(self) -> Record:
        """Everything that a procedure has measured and pulsed.

        Raises
        ------
        DataError
            If the run is of another family.
        """
        if self.family not in (Family.PROCEDURE, Family.IMPORT):
            raise DataError(f"{self.path} ({self.kind}) has no record of a procedure")
        return read_record(self.path)

    def last_maps(self) -> dict[str, ConductanceMap]:
        """Return the last complete conductance map of each group that has maps, by its name.

        Those of an experiment are its blocks (`lstm`, `dense`), that of any other kind is `map`,
        or what a write-and-verify ended with (`program`, `transfer`).
        """
        with self.entry() as entry:
            return last_maps(entry)

    @property
    def codes(self) -> dict[str, VmmCodes]:
        """Raw codes of the vectors that each block of a training multiplied, by its name.

        All of them are there whatever the file has instead; without a log of codes it is empty.
        """
        with self.entry() as entry:
            groups = [n for n in entry if n.endswith(SUFFIX) and "adc_code" in entry[n]]
        return {name.removesuffix(SUFFIX): VmmCodes(self.path, name) for name in groups}

    def number(self, quantity: Quantity) -> float:
        """Return a number that was found; NaN where the file has none."""
        one = self.findings.values.get(name_of(quantity))
        return float("nan") if one is None else one.number

    def error(self, quantity: Quantity) -> float:
        """Return one standard error of a number that was found; NaN where the file has none."""
        one = self.findings.values.get(name_of(quantity))
        return float("nan") if one is None or one.error is None else float(one.error)

    def values(self, quantity: Quantity) -> npt.NDArray[Any]:
        """Return an array that was found, or an axis of arrays."""
        return np.asarray(self.findings[quantity].value)

    def errors(self, quantity: Quantity) -> FloatArray:
        """Return the standard errors of an array that was found; NaN where there are none."""
        one = self.findings[quantity]
        return np.full(np.shape(one.value), np.nan) if one.error is None else np.asarray(one.error)

    def losses(self) -> FloatArray:
        """Return the loss before every update, shape (updates,); empty without training."""
        with self.entry() as entry:
            if "training/loss" not in entry:
                return np.empty(0)
            loss: FloatArray = entry["training/loss"][()]
            return loss

    def steps(self, entry: h5py.Group) -> tuple[int, int | None, str]:
        """Return how many steps are done, how many there will be (None: not known), and of what."""
        about = self.attributes, self.family, self.settings
        return count_steps(entry, *about, finished=self.finished)

    def validation_losses(self) -> tuple[npt.NDArray[np.int64], FloatArray]:
        """Return finished updates and validation loss after every epoch; empty without any."""
        with self.entry() as entry:
            if "validation/loss" not in entry:
                return np.empty(0, np.int64), np.empty(0)
            group = entry["validation"]
            # A writer that was killed may have left one longer than the other.
            count = min(len(group["updates"]), len(group["loss"]))
            return group["updates"][:count], group["loss"][:count]

    @contextmanager
    def entry(self) -> Iterator[h5py.Group]:
        """Open the group that holds everything, for the block of a `with`."""
        with open_for_reading(self.path) as file:
            yield file["entry"]


def open_run(path: str | Path) -> Run:
    """Read what a run file says, whole, killed or still growing; arrays are read when asked for.

    Raises
    ------
    DataError
        If it is no run file of memlab, is damaged, or was written by a later version.
    """
    path = Path(path)
    with open_for_reading(path) as file:
        entry = entry_of(file, path)
        attributes = attributes_of(entry)
        return Run(
            **brief_of(path, entry, attributes),
            instruments=tuple(instruments_of(entry)),
            note=str(attributes.get("note", "")),
            settings=_settings(entry),
            versions={k: str(v) for k, v in _of_group(entry, "versions").items()},
            findings=findings_of(entry),
            counts=_below(attributes, _COUNT, int),
            on_board=_below(attributes, _COST, float),
        )


def last_maps(entry: h5py.Group) -> dict[str, ConductanceMap]:
    """Return the last complete map of each group of an entry that has maps (`Run.last_maps`)."""
    found = {}
    for name, group in entry.items():
        if isinstance(group, h5py.Group) and (values := _last_map(group)) is not None:
            found[name] = ConductanceMap(group["row"][()], group["column"][()], values)
    return found


def _last_map(group: h5py.Group) -> FloatArray | None:
    """Return the map with which a group ends; None where it holds none."""
    if "final" in group and np.isfinite(group["final"][()]).any():
        final: FloatArray = group["final"][()]
        return final
    if group.attrs.get("signal") != "conductance" and "final" not in group:
        return None
    maps = group.get("conductance")
    if maps is None:
        return None
    if maps.ndim == 2:
        whole: FloatArray = maps[()]
        return whole
    # A writer that was killed may have left one dataset longer than another.
    growing = (len(item) for item in group.values() if item.maxshape[:1] == (None,))
    if not (length := min(growing)):
        first: FloatArray | None = (
            group["initial_conductance"][()] if "initial_conductance" in group else None
        )
        return first
    last: FloatArray = maps[length - 1]
    return last


def _of_group(entry: h5py.Group, name: str) -> dict[str, Any]:
    return without_class(attributes_of(entry[name])) if name in entry else {}


def _settings(entry: h5py.Group) -> dict[str, Any]:
    config = _of_group(entry, "config")
    if "json" in config:
        found: dict[str, Any] = json.loads(str(config["json"]))
        return found
    return _nested(config)


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted names as nested values."""
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *parents, last = name.split(".")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = None if value == "none" else value
    return nested


def _below(attributes: Mapping[str, Any], prefix: str, kind: type) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): kind(value)
        for name, value in attributes.items()
        if name.startswith(prefix) and value != "none"
    }
