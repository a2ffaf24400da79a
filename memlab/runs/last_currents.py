"""The column currents (A) of the last vectors of a run file, of codes where it has no others.

Those made from codes are nominal, by span and gains of the board that the file names: raw values,
from which no calibration has taken the board's errors.
"""

from __future__ import annotations

import json

import h5py
import numpy as np

from drivers.converter import Converter
from drivers.published_board import recorded_converter
from memlab.calibration.conversion import Nominal
from memlab.numeric import FloatArray
from memlab.runs.vmm_codes import SUFFIX

__all__ = ["conversion", "last_currents"]


def conversion(entry: h5py.Group, group: h5py.Group) -> tuple[Converter, Nominal]:
    """Return what row codes and sensed codes of a group stand for, by the board of the file."""
    number = 0
    if group.name.endswith(SUFFIX):
        number = entry[group.name.removesuffix(SUFFIX)].attrs.get("array", 0)
    several = f"instrument/array_{number}" in entry
    instrument = entry[f"instrument/array_{number}" if several else "instrument"].attrs
    row, sense = (recorded_converter(instrument, name) for name in ("row", "sense"))
    sign = -1.0 if instrument.get("board.inverting", True) else 1.0
    gains = json.loads(instrument["board.transimpedance"])
    return row, Nominal(row, sense, [sign * sense.step / gain for gain in gains])


def last_currents(entry: h5py.Group, most: int = 1) -> dict[str, FloatArray]:
    """Return the currents (A), shape (vectors, columns), of the last vectors by their group.

    Parameters
    ----------
    entry
        Of a run file, finished, killed or growing.
    most
        Vectors of each group. Groups without a vector are left out.
    """
    found = {}
    for name, group in entry.items():
        if not isinstance(group, h5py.Group) or "vector" not in group:
            continue
        # A scale is written last: what it counts is complete.
        end = len(group["vector"])
        last = slice(max(0, end - most), end)
        if not end or not {"current", "adc_code"} & set(group):
            continue
        if "current" in group:
            currents = np.asarray(group["current"][last])
        else:
            codes, gains = group["adc_code"][last], group["gain"][last]
            currents = conversion(entry, group)[1].current(codes, gains)
        found[name] = currents
    return found
