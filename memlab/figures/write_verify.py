"""The picture of a write-and-verify: how many cells were done, how far off they are, and where."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from memlab.figures.cell_map import draw_cells, measured_lines
from memlab.figures.heading import run_heading
from memlab.figures.panels import legend_below, panels
from memlab.figures.style import BLUE, GREY, ORANGE, figure_file, many, marker, whole_numbers
from memlab.runs.opening import open_for_reading

__all__ = ["draw_write_verify", "plot_write_verify"]

SHOWN = 3.0
"""Width of the histogram of the error, in largest deviations of a finished cell."""


def plot_write_verify(run: Path, group: str, png: Path) -> None:
    """Draw one write-and-verify of a run file; of one that was stopped, as far as it came.

    Parameters
    ----------
    run, group
        Where it was recorded.
    png
        Picture to write; an existing one is replaced.
    """
    with open_for_reading(run) as file:
        entry = file["entry"]
        with figure_file(png, 8.2, run_heading(entry, run, "Write-and-verify")) as figure:
            draw_write_verify(figure, entry[group])


def draw_write_verify(figure: Figure | SubFigure, group: h5py.Group) -> None:
    """Draw yield curve, histogram of the error, the final map, and where the errors lie."""
    first, second, third, fourth = panels(figure, 2, 2)
    _draw_yield(first, group)
    _draw_error(second, group)
    target = group["target"][:]
    final = group["final"][:]
    if np.isnan(final).all() and len(group.get("conductance", ())):
        final = group["conductance"][len(group["done"]) - 1]
    asked = ~np.isnan(target)
    part = measured_lines(asked)
    lines = group["row"][:][part[0]], group["column"][:][part[1]]
    final = 1e6 * np.where(asked, final, np.nan)[part]
    draw_cells(third, final, lines, "Conductance (µS)", title="At the end")
    failed = group["cell_failed"][:].astype(bool)[part]
    error = np.where(failed, np.nan, final - 1e6 * target[part])
    far = float(np.nanmax(np.abs(error), initial=1e-3)) if np.isfinite(error).any() else 1e-3
    title = "Error of cells that are done"
    if failed.any():
        title += f"\ngrey: {many(int(np.count_nonzero(failed)), 'cell')} given up"
    limits = (-far, far)
    label = "Minus target (µS)"
    draw_cells(fourth, error, lines, label, limits=limits, colours="RdBu_r", title=title)


def _draw_yield(axes: Axes, group: h5py.Group) -> None:
    asked = np.count_nonzero(~np.isnan(group["target"][:]))
    rounds = np.arange(group["done"].size)
    for name, colour, label in (
        ("done", BLUE, "done"),
        ("failed", ORANGE, "given up"),
    ):
        share = 100.0 * group[name][:] / max(1, asked)
        axes.plot(rounds, share, marker=marker(rounds.size), color=colour, label=label)
    pulses = (group["sets"][:].sum() + group["resets"][:].sum()) / max(1, asked)
    axes.set_ylim(-3.0, 103.0)
    whole_numbers(axes.xaxis)
    axes.set_xlabel("Round of pulses")
    axes.set_ylabel("Cells (%)")
    axes.set_title(f"{asked} cells, {pulses:.2f} pulses each")
    legend_below(axes)


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
    whole_numbers(axes.yaxis)
    axes.set_xlabel("Conductance minus target (µS)")
    axes.set_ylabel("Cells")
    every = error[~np.isnan(error)]
    if done.size:
        rms, of_all = (float(np.sqrt(np.mean(part**2))) for part in (done, every))
        text = f"rms {rms:.2f} µS of {done.size} done"
        if every.size > done.size:
            text += f", {of_all:.2f} µS of all {every.size}"
        axes.set_title(text)
    if missed.size:
        legend_below(axes)
