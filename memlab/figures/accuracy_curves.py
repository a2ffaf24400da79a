"""Test accuracy per epoch: many simulations, and a chip over them (Li 2019, figure 4e)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from memlab.figures.panels import legend_below
from memlab.figures.style import BLUE, GREY, ORANGE, figure_file
from memlab.numeric import FloatArray

__all__ = ["draw_accuracy_curves", "plot_accuracy_curves"]


def plot_accuracy_curves(
    path: Path, simulations: FloatArray, chip: FloatArray, labels: tuple[str, str], title: str
) -> None:
    """Draw the curves of simulations and of a chip.

    Parameters
    ----------
    path
        Picture to write, in the format of its suffix; an existing one is replaced.
    simulations, chip
        Test accuracy, 0 to 1, after each epoch, shape (runs, epochs).
    labels
        What the simulations are, and what the chip is.
    title
        What was learnt; where the data come from belongs here.
    """
    with figure_file(path, height=4.4, heading=title) as figure:
        draw_accuracy_curves(figure.subplots(), simulations, chip, labels)


def draw_accuracy_curves(
    axes: Axes, simulations: FloatArray, chip: FloatArray, labels: tuple[str, str]
) -> None:
    """Draw each simulation thinly, their median, and the chip's median with its extremes."""
    epoch = np.arange(1, simulations.shape[1] + 1)
    dots = "o" if epoch.size == 1 else ""  # a line through one point is invisible
    lines = axes.plot(
        epoch, 100.0 * simulations.T, color=BLUE, alpha=0.15, linewidth=0.6, marker=dots
    )
    lines[0].set_label(f"{len(simulations)} {labels[0]}")
    middle = 100.0 * np.median(simulations, axis=0)
    axes.plot(epoch, middle, color=BLUE, marker=dots, label="their median")
    epoch = np.arange(1, chip.shape[1] + 1)
    label = labels[1] if len(chip) == 1 else f"{labels[1]}, median and extremes of {len(chip)}"
    if len(chip) > 1:
        low, high = 100.0 * chip.min(axis=0), 100.0 * chip.max(axis=0)
        axes.fill_between(epoch, low, high, color=ORANGE, alpha=0.3, linewidth=0)
    dots = "s" if epoch.size == 1 else ""
    axes.plot(epoch, 100.0 * np.median(chip, axis=0), color=ORANGE, marker=dots, label=label)
    axes.grid(axis="y", color=GREY, alpha=0.2, linewidth=0.5)
    axes.set_xlim(0, max(simulations.shape[1], chip.shape[1]) + 0.5)
    axes.set_ylim(0.0, 100.0)
    axes.set_xlabel("Epoch")
    axes.set_ylabel("Test accuracy (%)")
    legend_below(axes)
