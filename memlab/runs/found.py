"""Reads what was found out of an entry of a run file: all of it, or one number after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import h5py
import numpy as np

from memlab.runs.findings import Finding, Findings

__all__ = ["FoundValues", "findings_of"]

_ERROR = "_error"
_METRIC, _ABOUT = "metrics.", "metrics_of."
_COUNT = "counts."


class FoundValues(Mapping[str, Finding]):
    """The values of `Findings`, each read when it is asked for, as long as the file is open.

    Parameters
    ----------
    entry
        Of an open run file.
    """

    def __init__(self, entry: h5py.Group):
        self._entry = entry
        self._read: dict[str, Finding] = {}
        self._result: Mapping[str, h5py.Dataset] = entry.get("result", {})

    def __getitem__(self, name: str) -> Finding:
        """Return what was found under a name."""
        if name not in self._read:
            self._read[name] = self._find(name)
        return self._read[name]

    def _find(self, name: str) -> Finding:
        if self._is_value(name):
            return _finding(self._result[name], self._error_of(name))
        attributes = self._entry.attrs
        return _metric_of_attribute(name, attributes[_METRIC + name], attributes)

    @property
    def counts(self) -> dict[str, int]:
        """What the arrays did, by name; they are no findings."""
        attributes = self._entry.attrs
        names = (key for key in attributes if key.startswith(_COUNT))
        return {name.removeprefix(_COUNT): int(attributes[name]) for name in names}

    def __iter__(self) -> Iterator[str]:
        """Yield the names of values: axes and errors of others are none."""
        yield from filter(self._is_value, self._result)
        names = (key.removeprefix(_METRIC) for key in self._entry.attrs if key.startswith(_METRIC))
        yield from (name for name in names if not self._is_value(name))

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        """Return whether something was found under a name; nothing is read for it."""
        return isinstance(name, str) and (
            self._is_value(name) or _METRIC + name in self._entry.attrs
        )

    def _is_value(self, name: str) -> bool:
        if name not in self._result:
            return False
        item = self._result[name]
        return not item.is_scale and not _is_error(name, item)

    def _error_of(self, name: str) -> h5py.Dataset | None:
        name += _ERROR
        known = name in self._result and _is_error(name, self._result[name])
        return self._result[name] if known else None


def findings_of(entry: h5py.Group) -> Findings:
    """Return everything that was found, read now."""
    result = entry.get("result", {})
    axes = {name: _finding(item, None) for name, item in result.items() if item.is_scale}
    return Findings(dict(FoundValues(entry)), axes)


def _is_error(name: str, item: h5py.Dataset) -> bool:
    """Return whether it is the error of another number, and not a number called so."""
    if not name.endswith(_ERROR):
        return False
    said = str(item.attrs.get("long_name", ""))
    return said == f"One standard error of {name.removesuffix(_ERROR)}"


def _finding(item: h5py.Dataset, error: h5py.Dataset | None) -> Finding:
    notes = item.attrs
    value = item.asstr()[()] if item.dtype.kind == "O" else item[()]
    whole = isinstance(value, str) or np.ndim(value) > 0
    return Finding(
        value=value if whole else float(value),
        units=str(notes.get("units", "")),
        description=str(notes.get("long_name", "")),
        error=None if error is None else error[()] if whole else float(error[()]),
        dims=tuple(dim[0].name.rpartition("/")[2] if len(dim) else "" for dim in item.dims),
        n=int(notes["n"]) if "n" in notes else None,
        of=str(notes.get("of", "")),
        interval=_pair(notes.get("interval")),
        why=str(notes.get("why", "")),
        caveat=str(notes.get("caveat", "")),
    )


def _pair(ends: Any) -> tuple[float, float] | None:
    return None if ends is None else (float(ends[0]), float(ends[1]))


def _metric_of_attribute(name: str, value: Any, attributes: Mapping[str, Any]) -> Finding:
    """Return a metric of a file of schema 1, where metrics were attributes of the entry."""
    about = f"{_ABOUT}{name}."
    usual = "1e3" if name.endswith("rmse") else "1"
    n = attributes.get(f"{about}n")
    return Finding(
        float("nan") if value == "none" else float(value),
        str(attributes.get(f"{about}units", usual)),
        name.replace("_", " "),
        n=None if n is None else int(n),
        of=str(attributes.get(f"{about}of", "")),
    )
