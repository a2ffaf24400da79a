"""The picture of a write-and-verify: how many cells were done, how far off they are, and where."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from memlab.figures.conductance_map import draw_map
from memlab.figures.style import BLUE, GREY, ORANGE, new_figure, save_figure
from memlab.runs.opening import open_for_reading

__all__ = ["draw_write_verify", "plot_write_verify"]

SHOWN = 3.0
"""Width of the histogram of the error, in largest deviations of a finished cell."""


def plot_write_verify(run: Path, group: str, title: str, png: Path) -> None:
    """Draw one write-and-verify of a run file; of one that was stopped, as far as it came.

    Parameters
    ----------
    run, group
        Where it was recorded.
    title
        What it was.
    png
        Picture to write; an existing one is replaced.
    """
    figure = new_figure(width=8.0, height=3.2)
    with open_for_reading(run) as file:
        draw_write_verify(figure, file["entry"][group])
    figure.suptitle(title, fontsize="small")
    save_figure(figure, png)


def draw_write_verify(figure: Figure | SubFigure, group: h5py.Group) -> None:
    """Draw yield curve, histogram of the error, and the final map, side by side."""
    left, middle, right = figure.subplots(1, 3)
    _draw_yield(left, group)
    _draw_error(middle, group)
    final = group["final"][:]
    if np.isnan(final).all() and len(group.get("conductance", ())):
        final = group["conductance"][len(group["done"]) - 1]
    final = np.where(np.isnan(group["target"][:]), np.nan, final)
    image = draw_map(right, final)
    row, column = np.nonzero(group["cell_failed"][:])
    if row.size:
        right.plot(column, row, ".", color=ORANGE, markersize=1.5)
    right.set_title("At the end" + (", failed cells marked" if row.size else ""), fontsize="small")
    figure.colorbar(image, ax=right, label="Conductance (µS)")


def _draw_yield(axes: Axes, group: h5py.Group) -> None:
    asked = np.count_nonzero(~np.isnan(group["target"][:]))
    rounds = np.arange(group["done"].size)
    for name, colour, label in (
        ("done", BLUE, "done"),
        ("failed", ORANGE, "given up"),
    ):
        share = 100.0 * group[name][:] / asked
        axes.plot(rounds, share, "o-", markersize=3, color=colour, label=label)
    pulses = (group["sets"][:].sum() + group["resets"][:].sum()) / asked
    axes.set_ylim(-3.0, 125.0)
    axes.set_yticks([0, 20, 40, 60, 80, 100])
    axes.set_xlabel("Round of pulses")
    axes.set_ylabel("Cells (%)")
    axes.set_title(f"{asked} cells, {pulses:.2f} pulses each", fontsize="small")
    axes.legend(fontsize="x-small", loc="upper center", ncols=2)


def _draw_error(axes: Axes, group: h5py.Group) -> None:
    error = 1e6 * group["error"][:]
    failed = group["cell_failed"][:].astype(bool)
    done = error[~failed & ~np.isnan(error)]
    missed = error[failed]
    width = SHOWN * (float(np.abs(done).max()) if done.size else 1.0)
    bins = np.linspace(-width, width, 81).tolist()
    parts, labels, colours = [done], ["done"], [BLUE]
    if missed.size:
        inside = np.abs(missed) <= width
        parts.append(missed[inside])
        labels.append(f"failed ({np.count_nonzero(~inside)} more outside)")
        colours.append(GREY)
    axes.hist(parts, bins=bins, color=colours, label=labels, stacked=True)
    axes.set_xlabel("Conductance minus target (µS)")
    axes.set_ylabel("Cells")
    every = error[~np.isnan(error)]
    if done.size:
        rms, of_all = (float(np.sqrt(np.mean(part**2))) for part in (done, every))
        text = f"rms {rms:.2f} µS of {done.size} done"
        if every.size > done.size:
            text += f", {of_all:.2f} µS of all {every.size}"
        axes.set_title(text, fontsize="small")
    if missed.size:
        axes.set_ylim(top=1.25 * axes.get_ylim()[1])
        axes.legend(fontsize="x-small", loc="upper center")
