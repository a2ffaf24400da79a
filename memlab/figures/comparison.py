"""The picture of chip and twin: quantiles of both at every step, and how far they are apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from memlab.figures.style import BLUE, GREEN, GREY, ORANGE, new_figure, save_figure

__all__ = ["ComparisonPanel", "plot_comparison"]

FloatArray = npt.NDArray[np.float64]

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
    tests: dict[str, tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]]


def plot_comparison(panels: Sequence[ComparisonPanel], title: str, picture: Path) -> None:
    """Draw a row of two axes for each run.

    Parameters
    ----------
    panels
        The runs.
    title
        Of the whole picture.
    picture
        File to write (.png, .pdf, .svg); an existing one is replaced.
    """
    figure = new_figure(width=7.0, height=0.5 + 2.8 * len(panels))
    for axes, panel in zip(figure.subplots(len(panels), 2, squeeze=False), panels, strict=True):
        _draw_bands(axes[0], panel)
        _draw_distances(axes[1], panel)
    figure.suptitle(title, fontsize="medium")
    save_figure(figure, picture)


def _draw_bands(axes: Axes, panel: ComparisonPanel) -> None:
    step = np.arange(len(panel.chip))
    for sample, colour, name, style in (
        (panel.chip, BLUE, "chip", "-"),
        (panel.twin, ORANGE, "twin", "--"),
    ):
        low, median, high = 1e6 * np.quantile(sample, [0.16, 0.5, 0.84], axis=1)
        axes.fill_between(step, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(step, median, color=colour, linestyle=style, linewidth=1.3, label=name)
        for edge in (low, high):
            axes.plot(step, edge, color=colour, linestyle=style, linewidth=0.6)
    axes.set_xlabel("Reading")
    axes.set_ylabel("Conductance (uS)")
    axes.set_title(f"{panel.title}: median, 68 % of the cells", fontsize="small")
    axes.legend(loc="best", fontsize="small")


def _draw_distances(axes: Axes, panel: ComparisonPanel) -> None:
    for kind, (step, distance, disagrees) in panel.tests.items():
        colour = _COLOURS[kind]
        axes.plot(step, distance, color=colour, linewidth=0.8)
        for marked, marker, face, text in (
            (~disagrees, "o", "white", "agrees"),
            (disagrees, "s", colour, "disagrees"),
        ):
            if marked.any():
                axes.plot(
                    step[marked],
                    distance[marked],
                    marker,
                    markersize=3.5,
                    markeredgecolor=colour,
                    markerfacecolor=face,
                    label=f"{kind}: {text}",
                )
    axes.set_ylim(bottom=0.0)
    axes.grid(axis="y", color=GREY, alpha=0.2, linewidth=0.5)
    axes.set_xlabel("Reading")
    axes.set_ylabel("Distance of the distributions (1)")
    axes.legend(loc="best", fontsize="x-small")
