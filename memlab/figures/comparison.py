"""The picture of chip and twin: quantiles of both at every step, and how far they are apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from memlab.figures.panels import legend_below, panels
from memlab.figures.style import BLUE, GREEN, GREY, ORANGE, figure_file, marker, whole_numbers
from memlab.numeric import BoolArray, FloatArray

__all__ = ["ComparisonPanel", "plot_comparison"]


_COLOURS = {"level": BLUE, "change": ORANGE, "current": GREEN}


@dataclass(frozen=True, eq=False)
class ComparisonPanel:
    """One run: samples of chip and twin, and its tests.

    Parameters
    ----------
    title
        What was measured.
    chip, twin
        Conductances in S, shape (readings, cells); the twin's may have other cells.
    tests
        Kind (`level`, `change`, `current`): steps, distances, and where chip and twin disagree.
    """

    title: str
    chip: FloatArray
    twin: FloatArray
    tests: dict[str, tuple[FloatArray, FloatArray, BoolArray]]


def plot_comparison(runs: Sequence[ComparisonPanel], heading: str, picture: Path) -> None:
    """Draw a row of two axes for each run.

    Parameters
    ----------
    runs
        The runs.
    heading
        Of the whole picture: verdict, chip, files.
    picture
        File to write (.png, .pdf, .svg); an existing one is replaced.
    """
    with figure_file(picture, 3.9 * len(runs), heading) as figure:
        axes = panels(figure, len(runs), 2)
        for run, left, right in zip(runs, axes[::2], axes[1::2], strict=True):
            _draw_bands(left, run)
            _draw_distances(right, run)


def _draw_bands(axes: Axes, panel: ComparisonPanel) -> None:
    step = np.arange(len(panel.chip))
    for sample, colour, name, style, dot in (
        (panel.chip, BLUE, "chip", "-", "o"),
        (panel.twin, ORANGE, "twin", "--", "s"),
    ):
        low, median, high = 1e6 * np.nanquantile(sample, [0.16, 0.5, 0.84], axis=1)
        axes.fill_between(step, low, high, color=colour, alpha=0.2, linewidth=0)
        dots = dot if marker(step.size) else ""
        axes.plot(step, median, color=colour, linestyle=style, marker=dots, label=name)
        for edge in (low, high):
            dash = "_" if step.size == 1 else ""
            axes.plot(step, edge, color=colour, linestyle=style, marker=dash, linewidth=0.6)
    axes.set_xlabel("Reading")
    whole_numbers(axes.xaxis)
    axes.set_ylabel("Conductance (µS)")
    axes.set_title(f"{panel.title}: median, 68 % of the cells")
    legend_below(axes)


def _draw_distances(axes: Axes, panel: ComparisonPanel) -> None:
    for kind, (step, distance, disagrees) in panel.tests.items():
        colour = _COLOURS[kind]
        if step.size > 1:
            axes.plot(step, distance, color=colour, linewidth=0.8)
        for marked, dot, face, text in (
            (~disagrees, "o", "white", "agrees"),
            (disagrees, "s", colour, "disagrees"),
        ):
            if marked.any():
                axes.plot(
                    step[marked],
                    distance[marked],
                    dot,
                    markeredgecolor=colour,
                    markerfacecolor=face,
                    label=f"{kind}: {text}",
                )
    axes.set_ylim(bottom=0.0)
    axes.grid(axis="y", color=GREY, alpha=0.2, linewidth=0.5)
    axes.set_xlabel("Reading")
    whole_numbers(axes.xaxis)
    axes.set_ylabel("Distance of the distributions (1)")
    axes.set_title(f"{panel.title}: tests")
    legend_below(axes)
