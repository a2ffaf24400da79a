"""What the board really drove and sensed: row voltages and column currents of single vectors."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage

from memlab.figures.panels import panels
from memlab.figures.style import whole_numbers
from memlab.figures.units import scale_of
from memlab.figures.weights import groups_with
from memlab.numeric import FloatArray
from memlab.runs.last_currents import conversion
from memlab.runs.vmm_codes import read_row_codes

__all__ = ["code_groups", "draw_traces", "read_traces", "recorded_updates"]


VECTORS = 100
"""The most vectors that a panel shows."""


def code_groups(entry: h5py.Group) -> list[h5py.Group]:
    """Return the groups of a run file that hold VMM codes."""
    return groups_with(entry, "column", "vector")


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
    row, sense = conversion(entry, group)
    current = sense.current(group["adc_code"][vectors], group["gain"][vectors])
    return row.decode(read_row_codes(group, vectors)), current


def draw_traces(figure: Figure | SubFigure, entry: h5py.Group, groups: list[h5py.Group]) -> None:
    """Draw voltages and currents of the largest block: of the first recorded update and the last.

    Parameters
    ----------
    figure
        Where to draw: voltages on the left, currents on the right; the first update above the last
        where they differ.
    entry, groups
        Entry of a run file and its `code_groups`.
    """
    group = _largest(groups)
    update = group["update"][:]
    numbers = _updates(update)
    traces = [read_traces(entry, group, _vectors(update, number)) for number in numbers]
    volts, volt = scale_of(*(one[0] for one in traces), units="V")
    amps, ampere = scale_of(*(one[1] for one in traces), units="A")
    shown = [(voltage / volts, current / amps) for voltage, current in traces]
    tops = [max(float(np.abs(one[k]).max()) for one in shown) or 1.0 for k in (0, 1)]
    axes = panels(figure, len(shown), 2)
    for k, (number, pair) in enumerate(zip(numbers, shown, strict=True)):
        for j, (what, line, label, colours) in enumerate(
            (
                ("Row voltages", "Row of block", f"Voltage ({volt})", "RdBu_r"),
                ("Column currents", "Column of block", f"Current ({ampere})", "PuOr_r"),
            )
        ):
            ax = axes[2 * k + j]
            image = _draw(ax, pair[j], tops[j], colours, f"{what}, update {number + 1}")
            ax.set_ylabel(line)
            ax.figure.colorbar(image, ax=ax, label=label)
    name = group.name.rpartition("/")[2].removesuffix("_vmm")
    figure.suptitle(f"Raw vectors of {name}, one array operation each")


def recorded_updates(groups: list[h5py.Group]) -> int:
    """Return how many updates `draw_traces` shows: the first and the last, or one."""
    return len(_updates(_largest(groups)["update"][:]))


def _largest(groups: list[h5py.Group]) -> h5py.Group:
    return max(groups, key=lambda one: len(one["row"]) * len(one["column"]))


def _updates(update: npt.NDArray[np.integer[Any]]) -> list[int]:
    return sorted({int(update[0]), int(update[-1])})


def _vectors(update: npt.NDArray[np.integer[Any]], number: int) -> slice:
    """Return the first vectors of an update."""
    start = int(np.searchsorted(update, number))
    return slice(start, start + min(VECTORS, int(np.count_nonzero(update == number))))


def _draw(axes: Axes, traces: FloatArray, top: float, colours: str, title: str) -> AxesImage:
    """Draw vectors from left to right, lines from top to bottom, zero in the middle of the map."""
    axes.set_title(title, y=1.0)
    axes.set_xlabel("Vector")
    for axis in (axes.xaxis, axes.yaxis):
        whole_numbers(axis)
    return axes.imshow(
        traces.T, vmin=-top, vmax=top, cmap=colours, aspect="auto", interpolation="nearest"
    )
