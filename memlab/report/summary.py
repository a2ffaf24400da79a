"""What a run file says in words and numbers: who, what, which settings, which results."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from memlab.characterize.registry import PROCEDURES, load_procedure
from memlab.emulator import load_preset
from memlab.emulator.preset import BUILT_IN
from memlab.errors import DataError
from memlab.experiments import EXPERIMENTS
from memlab.runs.opening import open_for_reading
from memlab.runs.run_file import flatten
from memlab.units import prefixed

__all__ = ["Row", "Summary", "summarise"]


_IDENTITY = (
    *("procedure", "experiment", "preset", "board", "seed", "program"),
    *("source_file", "source_format", "source_name", "source_date", "source_sha256"),
)
"""Attributes of an entry that say what it is, where they are there."""


@dataclass(frozen=True)
class Row:
    """A line of a table.

    Parameters
    ----------
    name, value
        As text for people.
    note
        What it means, or what it was by default; empty where there is nothing to say.
    """

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Summary:
    """A run file in words.

    Parameters
    ----------
    path
        The file.
    title
        What was done.
    status
        `finished`, `interrupted`, `failed`, or `killed` for a file that nobody closed.
    warnings
        Sentences that a reader must not miss.
    identity, settings, results
        Tables; settings are those that differ from the defaults.
    """

    path: Path
    title: str
    status: str
    warnings: list[str]
    identity: list[Row]
    settings: list[Row]
    results: list[Row]

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.status == "finished"


def summarise(path: Path) -> Summary:
    """Read what a run file of any command says.

    Raises
    ------
    DataError
        If it is none of these.
    """
    with open_for_reading(path) as file:
        entry = file.get("entry")
        if entry is None or "start_time" not in entry.attrs or "instrument" not in entry:
            raise DataError(f"{path} is no run file of memlab")
        attributes = dict(entry.attrs)
        instrument = dict(entry["instrument"].attrs)
        status = str(attributes["status"])
        # A writer that is alive or was killed has not closed the file.
        status = "not closed" if status == "running" else status
        return Summary(
            path=path,
            title=str(attributes["title"]),
            status=status,
            warnings=list(_warnings(attributes, instrument, status)),
            identity=list(_identity(entry, attributes, instrument, status)),
            settings=list(_settings(entry, attributes)),
            results=[*_findings(entry), *_metrics(attributes)],
        )


def _warnings(
    attributes: Mapping[str, Any], instrument: Mapping[str, Any], status: str
) -> Iterator[str]:
    if status == "not closed":
        resume = "; memlab runs resume goes on" if "session" in attributes else ""
        yield (
            "This run has not finished: it is still being measured, or it was killed. "
            f"What is shown is what had been measured{resume}."
        )
    elif status != "finished":
        yield f"This run has not finished: it is {status}. What had been measured is shown."
    if "emulated" in str(instrument.get("board.name", "")) or str(attributes.get("board")) in (
        "ideal:",
    ):
        yield "The board is emulated: nothing here was measured on silicon."


def _identity(
    entry: h5py.Group, attributes: Mapping[str, Any], instrument: Mapping[str, Any], status: str
) -> Iterator[Row]:
    yield Row("run file", str(Path(entry.file.filename).name))
    yield Row("status", status)
    for name in _IDENTITY:
        if name in attributes:
            yield Row(name.replace("_", " "), str(attributes[name]))
    for name in ("board.name", "board.serial", "board.firmware"):
        if instrument.get(name):
            yield Row(name.replace(".", " "), str(instrument[name]))
    imported = attributes.get("procedure") == "imported"
    yield Row("imported" if imported else "start", str(attributes["start_time"]))
    if "end_time" in attributes and not imported:
        yield Row("end", str(attributes["end_time"]))
    if "map/mask" in entry:
        mask = entry["map/mask"][()].astype(bool)
        yield Row(
            "cells", f"{int(mask.sum())} cells in {mask.shape[0]} rows x {mask.shape[1]} columns"
        )
    for name, value in attributes.items():
        if name.startswith(("counts.", "on_board.")) or name == "seconds":
            yield Row(name.replace(".", " ").replace("_", " "), _plain(value, _unit_of(name)))
    versions = entry.get("versions")
    if versions is not None:
        kept = {name: str(value) for name, value in versions.attrs.items() if name != "NX_class"}
        yield Row("versions", ", ".join(f"{name} {value}" for name, value in kept.items()))


def _settings(entry: h5py.Group, attributes: Mapping[str, Any]) -> Iterator[Row]:
    """Settings that differ from the defaults; those of a chip only where it is emulated."""
    text = entry["config"].attrs.get("json") if "config" in entry else None
    if text is None:
        return
    given = flatten(json.loads(str(text)))
    usual = _defaults(attributes)
    named = str(given.get("chip.name", ""))
    if named in BUILT_IN and named != usual.get("chip.name"):
        yield Row("chip", named, f"by default {_plain(usual.get('chip.name', 'not there'))}")
        usual |= flatten({"chip": load_preset(named).model_dump(mode="json")})
    emulated = str(attributes.get("board", "")).startswith("emulator:")
    for name, value in given.items():
        if name == "seed" or (name.startswith("chip.") and not emulated):
            continue
        if name not in usual or usual[name] != value:
            yield Row(name, _plain(value), f"by default {_plain(usual.get(name, 'not there'))}")


def _defaults(attributes: Mapping[str, Any]) -> dict[str, Any]:
    name = str(attributes.get("procedure", attributes.get("experiment", "")))
    if name in PROCEDURES:
        return flatten(load_procedure(name).Config().model_dump(mode="json"))
    preset = str(attributes.get("preset", ""))
    if name in EXPERIMENTS and preset in EXPERIMENTS[name].presets:
        return flatten(EXPERIMENTS[name].presets[preset]().model_dump(mode="json"))
    return {}


def _findings(entry: h5py.Group) -> Iterator[Row]:
    result = entry.get("result", {})
    for name, item in result.items():
        if item.shape != () or name.endswith("_error"):
            continue
        error = result[f"{name}_error"][()] if f"{name}_error" in result else None
        units = str(item.attrs["units"])
        text = str(item.attrs["long_name"])
        if "of" in item.attrs:
            text += f"; {int(item.attrs['n'])} {item.attrs['of']}"
        if "interval" in item.attrs:
            low, high = (_quantity(end, None, units) for end in item.attrs["interval"])
            text += f"; {low} to {high} at {float(item.attrs['confidence']):.0%}"
        text += "".join(f"; {item.attrs[key]}" for key in ("why", "caveat") if key in item.attrs)
        yield Row(name, _quantity(item[()], error, units), text)


def _metrics(attributes: Mapping[str, Any]) -> Iterator[Row]:
    for name, value in attributes.items():
        if name.startswith("metrics."):
            yield Row(name.removeprefix("metrics.").replace("_", " "), _plain(value))


def _quantity(value: Any, error: Any, units: str) -> str:
    """Return a number with its error, both to the error's second digit, in a unit with prefix."""
    number = float(value)
    if not np.isfinite(number):
        return "not determined"
    sigma = np.nan if error is None else float(np.mean(error))
    factor, unit = prefixed(max(abs(number), np.nan_to_num(sigma)), units)
    unit = "" if unit == "1" else unit
    text = f"{number / factor:.4g}"
    if np.isfinite(sigma) and sigma > 0.0:
        digits = max(0, 1 - int(np.floor(np.log10(sigma / factor))))
        text = f"{number / factor:.{digits}f} ± {sigma / factor:.{digits}f}"
    return f"{text} {unit}".strip()


def _plain(value: Any, units: str = "1") -> str:
    if isinstance(value, float | np.floating):
        return _quantity(value, None, units)
    return str(value)


def _unit_of(name: str) -> str:
    if name.endswith("seconds"):
        return "s"
    return "J" if name.endswith("energy") else "1"
