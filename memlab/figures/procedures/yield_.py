"""The picture of a yield test: what each cell is, the good lines, and the two states."""

from __future__ import annotations

import h5py
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from memlab.figures.style import BLUE, GREY, ORANGE

__all__ = ["draw"]

COLOURS = (
    "0.85",
    ORANGE,
    BLUE,
    "#56B4E9",
    "#E69F00",
    "#F0E442",
    "#CC79A7",
    "#000000",
    "white",
)
"""Of the fault codes, in order; those of Okabe and Ito."""


def draw(figure: Figure, entry: h5py.Group) -> None:
    """Draw the map of fault classes and the histograms of SET and RESET states."""
    left, right = figure.subplots(1, 2, width_ratios=(1, 1))
    _draw_map(left, entry)
    _draw_states(right, entry)


def _draw_map(axes: Axes, entry: h5py.Group) -> None:
    result = entry["result"]
    names = result["fault_class"].asstr()[()]
    fault, count = result["fault"][()], result["count"][()]
    rows, columns = entry["map/row"][()], entry["map/column"][()]
    chip = np.full((rows.max() + 1, columns.max() + 1), len(names) - 1)
    chip[np.ix_(rows, columns)] = fault
    axes.imshow(
        chip, ListedColormap(COLOURS), vmin=0, vmax=len(names) - 1, aspect="auto", rasterized=True
    )
    handles: list[Artist] = [
        Patch(facecolor=COLOURS[k], edgecolor=GREY, linewidth=0.5, label=f"{names[k]}: {count[k]}")
        for k in range(len(names))
        if count[k]
    ]
    dropped_rows = np.setdiff1d(rows, result["good_rows"][()])
    dropped_columns = np.setdiff1d(columns, result["good_columns"][()])
    # Outside the edge of the map, so that they hide no cell.
    height, width = chip.shape
    mark = axes.scatter(
        np.append(np.full(dropped_rows.size, 1.02 * width), dropped_columns),
        np.append(dropped_rows, np.full(dropped_columns.size, -0.03 * height)),
        s=4,
        color="black",
        clip_on=False,
        label=f"left out: {dropped_rows.size} + {dropped_columns.size} lines",
    )
    axes.legend(
        handles=[*handles, mark], loc="center left", bbox_to_anchor=(1.05, 0.5), fontsize="small"
    )
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    axes.set_title(f"Yield {result['yield'][()]:.1%}", fontsize="small", pad=8)
    axes.set_xlabel("Column")
    axes.set_ylabel("Row")


def _draw_states(axes: Axes, entry: h5py.Group) -> None:
    result = entry["result"]
    states = [1e6 * result[f"{name}_conductance"][()] for name in ("reset", "set")]
    known = [values[np.isfinite(values)] for values in states]
    edges = np.linspace(min(0.0, known[0].min()), max(values.max() for values in known), 81)
    for values, colour, label in zip(known, (BLUE, ORANGE), ("RESET", "SET"), strict=True):
        axes.hist(
            values, edges.tolist(), color=colour, histtype="stepfilled", alpha=0.6, label=label
        )
    threshold = 1e6 * np.median(result["threshold"][()])
    axes.axvline(threshold, color=GREY, linewidth=0.9, linestyle=":", label="median threshold")
    axes.set_yscale("log")
    axes.set_xlabel("Conductance (µS)")
    axes.set_ylabel("Cells")
    axes.legend(fontsize="small")
