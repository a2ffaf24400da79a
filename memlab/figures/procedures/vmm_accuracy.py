"""The picture of an accuracy test: measured over expected currents, and the parts of the error."""

from __future__ import annotations

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memlab.figures.style import BLUE, GREEN, GREY, ORANGE

__all__ = ["draw"]

_PARTS = (
    ("total", "black"),
    ("noise", BLUE),
    ("offset", ORANGE),
    ("quantisation", GREEN),
    ("rest", "#CC79A7"),
)


def draw(figure: Figure, entry: h5py.Group) -> None:
    """Draw the parts of the error against amplitude, and the error of each column."""
    left, right = figure.subplots(1, 2)
    _draw_parts(left, entry["result"])
    _draw_columns(right, entry)


def _draw_parts(axes: Axes, result: h5py.Group) -> None:
    amplitude = result["amplitude"][()]
    order = np.argsort(amplitude)
    for name, colour in _PARTS:
        rms = 1e6 * np.sqrt(np.mean(result[name][()][:, 0] ** 2, axis=-1))
        axes.plot(
            amplitude[order], rms[order], color=colour, marker="o", markersize=3.5, label=name
        )
    # What is much smaller than the whole explains nothing of it.
    top = axes.get_ylim()[1]
    axes.set_yscale("log")
    axes.set_ylim(1e-4 * top, 50.0 * top)
    axes.set_xlabel("Largest row voltage (V)")
    axes.set_ylabel("Rms error of a current (µA)")
    axes.set_title(f"Gain {_gain(result, 0)}", fontsize="small")
    axes.legend(fontsize="small", ncols=2, loc="upper left")


def _draw_columns(axes: Axes, entry: h5py.Group) -> None:
    result = entry["result"]
    strongest = int(result["amplitude"][()].argmax())
    column = entry["vmm/column"][()]
    for k, colour in zip(range(len(result["gain"])), (BLUE, ORANGE, GREEN), strict=False):
        total = 1e6 * result["total"][strongest, k]
        axes.plot(column, total, color=colour, linewidth=1.0, label=f"gain {_gain(result, k)}")
    axes.axhline(0.0, color=GREY, linewidth=0.6)
    axes.plot(column, 1e6 * result["bias"][strongest, 0], color=GREY, linewidth=0.8, label="mean")
    axes.set_xlabel("Column")
    axes.set_ylabel("Error of a column (µA)")
    relative = result["total_error"][()]
    axes.set_title(f"Largest voltage: {100 * relative:.2g} % of the rms current", fontsize="small")
    axes.set_ylim(top=axes.get_ylim()[1] + 0.35 * np.ptp(axes.get_ylim()))
    axes.legend(fontsize="small", ncols=2, loc="upper left")


def _gain(result: h5py.Group, k: int) -> str:
    gain = int(result["gain"][k])
    return str(gain) if gain else "automatic"
