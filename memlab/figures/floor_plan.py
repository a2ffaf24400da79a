"""A drawing of where the weight matrices lie on the arrays."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from memlab.figures.panels import panels
from memlab.figures.style import COLOURS, figure_file
from memlab.mapping import FloorPlan

__all__ = ["draw_floor_plan", "plot_floor_plan"]

ACROSS = 2
"""Arrays side by side."""

THIN = 9
"""Cells that two lines of text need."""


def plot_floor_plan(plan: FloorPlan, picture: Path) -> None:
    """Draw a floor plan, one panel for each array.

    Parameters
    ----------
    plan
        What lies where.
    picture
        Picture to write, in the format of its suffix; an existing one is replaced.
    """
    across = min(ACROSS, len(plan.shapes))
    down = -(-len(plan.shapes) // across)
    heading = f"Floor plan: {plan.weights} weights on {plan.cells} cells"
    with figure_file(picture, 6.5 * down, heading) as figure:
        axes = panels(figure, down, across)
        for array, ax in enumerate(axes[: len(plan.shapes)]):
            draw_floor_plan(ax, plan, array)
        for ax in axes[len(plan.shapes) :]:
            ax.set_axis_off()


def draw_floor_plan(axes: Axes, plan: FloorPlan, array: int = 0) -> None:
    """Draw the tiles on one array, row 0 at the top, each with its name and size in cells."""
    rows, columns = plan.shapes[array]
    for number, matrix in enumerate(plan):
        for part, tile in enumerate(matrix.tiles):
            if tile.array != array:
                continue
            corner, (height, width) = (tile.column, tile.row), tile.shape
            colour = COLOURS[number % len(COLOURS)]
            axes.add_patch(
                Rectangle(corner, width, height, alpha=0.8, facecolor=colour, edgecolor="white")
            )
            name = matrix.name if len(matrix.tiles) == 1 else f"{matrix.name}_{part}"
            thin = min(height, width) < THIN
            axes.text(
                tile.column + width / 2,
                tile.row + height / 2,
                (", " if thin else "\n").join([name, f"{height} x {width}"]),
                rotation=90 if height > 2 * width else 0,
                ha="center",
                va="center",
                # A thin tile is narrower than its name, which then lies over the neighbours too.
                bbox={"facecolor": "white", "alpha": 0.8, "pad": 0.5, "linewidth": 0}
                if thin
                else None,
            )
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    axes.set_aspect("equal")
    axes.set_facecolor("0.95")
    axes.set_xlabel("Column")
    axes.set_ylabel("Row")
    axes.set_title(f"Array {array}, {rows} x {columns}")
