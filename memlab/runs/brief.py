"""What a list says of a run: read from a few attributes of its file, as a list may be long.

Nearly all of the time in which a run file is opened goes into its attributes, of which it has some
hundreds: a `Run` has them all, a `Brief` those by which a person chooses a run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from memlab.errors import DataError
from memlab.runs.found import FoundValues
from memlab.runs.living import IDENTIFYING, LOCK, is_alive, run_identity
from memlab.runs.opening import open_for_reading
from memlab.runs.schema import Family, identify

__all__ = [
    "Brief",
    "attributes_of",
    "brief_of",
    "entry_of",
    "instruments_of",
    "read_brief",
    "without_class",
]


@dataclass(frozen=True, eq=False, kw_only=True)
class Brief:
    """A run file as it was when it was opened, in short; each field is as that of a `Run`.

    Of `instruments` and `attributes` only a few are there.
    """

    path: Path
    kind: str
    family: Family
    schema_version: int
    run_id: str
    title: str
    status: str
    started: datetime
    ended: datetime | None
    boards: tuple[str, ...]
    seed: int | None
    preset: str
    tags: tuple[str, ...]
    instruments: tuple[Mapping[str, Any], ...]
    attributes: Mapping[str, Any] = field(repr=False)

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.status == "finished"

    @property
    def alive(self) -> bool:
        """Whether a program is writing it now."""
        return is_alive(self.path, self.attributes)

    @property
    def emulated(self) -> bool:
        """Whether nothing of it was measured on silicon."""
        names = (str(one.get("board.name", "")) for one in self.instruments)
        return self.boards == ("ideal:",) or any("emulated" in name for name in names)

    @property
    def origin(self) -> str:
        """EMULATOR or IDEAL where nothing of it was measured on silicon, else ''."""
        if not self.emulated:
            return ""
        return "IDEAL" if self.boards == ("ideal:",) else "EMULATOR"

    @property
    def seconds(self) -> float | None:
        """Seconds that the run has taken; None where nobody noted when it ended."""
        if "seconds" in self.attributes:
            return float(self.attributes["seconds"])
        return None if self.ended is None else max(0.0, (self.ended - self.started).total_seconds())

    @property
    def chips(self) -> tuple[str, ...]:
        """Serial numbers of the boards; '' of one that has none."""
        return tuple(str(one.get("board.serial", "")) for one in self.instruments)


_OF_THE_ENTRY = (
    *("status", "start_time", "end_time", "seconds", "title", "board", "seed", "preset", "tags"),
    *(LOCK, *IDENTIFYING),
)
_OF_AN_INSTRUMENT = ("board.serial", "board.name", "passport.chip", "chip.name")


@contextmanager
def read_brief(path: Path) -> Iterator[tuple[Brief, FoundValues]]:
    """Give a run file in short, for the block of a `with`, in which what it found can be read.

    Raises
    ------
    DataError
        As `open_run`.
    """
    with open_for_reading(path) as file:
        entry = entry_of(file, path)
        attributes = attributes_of(entry, _OF_THE_ENTRY)
        instruments = instruments_of(entry, _OF_AN_INSTRUMENT)
        brief = Brief(**brief_of(path, entry, attributes), instruments=tuple(instruments))
        yield brief, FoundValues(entry)


def entry_of(file: h5py.File, path: Path) -> h5py.Group:
    """Return the group that holds everything.

    Raises
    ------
    DataError
        If there is none.
    """
    entry = file.get("entry")
    if not isinstance(entry, h5py.Group):
        raise DataError(f"{path} is no run file of memlab: it has no group entry")
    return entry


def brief_of(path: Path, entry: h5py.Group, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a `Brief`, but for its instruments.

    Raises
    ------
    DataError
        If the entry is none of a run file, or one of a later memlab.
    """
    kind, family, version = identify(entry, str(path))
    return {
        "path": path,
        "kind": kind,
        "family": family,
        "schema_version": version,
        "run_id": run_identity(attributes),
        "title": str(attributes.get("title", kind)),
        "status": _status(path, attributes),
        "started": datetime.fromisoformat(str(attributes["start_time"])),
        "ended": _time(attributes.get("end_time")),
        "boards": tuple(str(attributes.get("board", "")).split()),
        "seed": int(attributes["seed"]) if "seed" in attributes else None,
        "preset": str(attributes.get("preset", "")),
        "tags": tuple(json.loads(attributes.get("tags", "[]"))),
        "attributes": attributes,
    }


def attributes_of(group: h5py.Group, names: Iterable[str] | None = None) -> dict[str, Any]:
    """Return attributes as plain values of Python: all, or those of these names that there are."""
    attributes = group.attrs
    if names is not None:
        return {name: _plain(attributes[name]) for name in names if name in attributes}
    return {name: _plain(value) for name, value in attributes.items()}


def instruments_of(
    entry: h5py.Group, names: tuple[str, ...] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield what is known of each array, whole or by the names of attributes."""
    if "instrument" not in entry:
        yield {}
        return
    whole = entry["instrument"]
    if "arrays" not in whole.attrs:
        yield without_class(attributes_of(whole, names))
        return
    for number in range(int(whole.attrs["arrays"])):
        name = f"array_{number}"
        yield without_class(attributes_of(whole[name], names)) if name in whole else {}


def without_class(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return attributes without that which says to other programs what a group is."""
    attributes.pop("NX_class", None)
    return attributes


def _plain(value: Any) -> Any:
    """Return the value of an attribute as Python has it."""
    return value.item() if isinstance(value, np.generic) else value


def _status(path: Path, attributes: Mapping[str, Any]) -> str:
    status = str(attributes["status"])
    if status != "running":
        return status
    return "running" if is_alive(path, attributes) else "killed"


def _time(text: Any) -> datetime | None:
    return None if text is None else datetime.fromisoformat(str(text))
