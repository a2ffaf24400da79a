"""What the board really drove and sensed: row voltages and column currents of single vectors."""

from __future__ import annotations

import json

import h5py
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.image import AxesImage

from drivers.ltc2668 import Span
from memlab.calibration.conversion import Nominal
from memlab.figures.weights import groups_with

__all__ = ["code_groups", "draw_traces", "read_traces"]

FloatArray = npt.NDArray[np.float64]

VECTORS = 100
"""The most vectors that a panel shows."""


def code_groups(entry: h5py.Group) -> list[h5py.Group]:
    """Return the groups of a run file that hold VMM codes."""
    return groups_with(entry, "column", "dac_code")


def read_traces(
    entry: h5py.Group, group: h5py.Group, vectors: slice
) -> tuple[FloatArray, FloatArray]:
    """Turn the codes of some vectors into volts and amperes.

    They are nominal, by the span and the gains of the board that the run file names: raw values,
    from which no calibration has taken the board's errors.

    Returns
    -------
    Row voltages in V, shape (vectors, rows), and column currents in A, shape (vectors, columns).
    """
    number = entry[group.name.removesuffix("_vmm")].attrs.get("array", 0)
    several = f"instrument/array_{number}" in entry
    instrument = entry[f"instrument/array_{number}" if several else "instrument"].attrs
    span = Span[instrument["spans.row"]]
    nominal = Nominal(span, tuple(json.loads(instrument["board.transimpedance"])))
    current = nominal.current(group["adc_code"][vectors], group["gain"][vectors])
    return span.decode(group["dac_code"][vectors]), current


def draw_traces(figure: SubFigure, entry: h5py.Group, groups: list[h5py.Group]) -> None:
    """Draw voltages and currents of the largest block: of the first recorded update and the last.

    Parameters
    ----------
    figure
        Where to draw: four panels side by side.
    entry, groups
        Entry of a run file and its `code_groups`.
    """
    group = max(groups, key=lambda one: one["adc_code"].shape[1] * one["dac_code"].shape[1])
    update = group["update"][:]
    first, last = int(update[0]), int(update[-1])
    start = int(np.searchsorted(update, last))
    before = read_traces(entry, group, slice(0, min(VECTORS, np.count_nonzero(update == first))))
    after = read_traces(entry, group, slice(start, start + VECTORS))
    axes = figure.subplots(1, 4)
    voltage = max(float(np.abs(v).max()) for v in (before[0], after[0]))
    current = 1e6 * max(float(np.abs(i).max()) for i in (before[1], after[1]))
    for k, (number, traces) in enumerate(((first, before), (last, after))):
        text = f"update {number + 1}"
        volts = _draw(axes[k], traces[0], voltage, "RdBu_r", f"Row voltages, {text}")
        axes[k].set_ylabel("Row of block")
        amps = _draw(axes[2 + k], 1e6 * traces[1], current, "PuOr_r", f"Column currents, {text}")
        axes[2 + k].set_ylabel("Column of block")
    figure.colorbar(volts, ax=axes[:2].tolist(), label="Voltage (V)")
    figure.colorbar(amps, ax=axes[2:].tolist(), label="Current (µA)")
    name = group.name.rpartition("/")[2].removesuffix("_vmm")
    figure.suptitle(f"Raw vectors of {name}, one array operation each", fontsize="small")


def _draw(axes: Axes, traces: FloatArray, top: float, colours: str, title: str) -> AxesImage:
    """Draw vectors from left to right, lines from top to bottom, zero in the middle of the map."""
    axes.set_title(title, fontsize="small")
    axes.set_xlabel("Vector")
    top = top or 1.0
    return axes.imshow(
        traces.T, vmin=-top, vmax=top, cmap=colours, aspect="auto", interpolation="nearest"
    )
