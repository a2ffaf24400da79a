"""The array before and after training: conductance maps, and histograms of the weights."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from memlab.figures.cell_map import common_limits, draw_cells, robust_limits
from memlab.figures.panels import legend_below, panels
from memlab.figures.style import BLUE, GREY
from memlab.mapping import Layout, pair_weight
from memlab.numeric import FloatArray

__all__ = ["block_groups", "draw_weights", "groups_with"]


GAP = 6
"""Columns between the maps of two arrays."""


def groups_with(entry: h5py.Group, fixed: str, growing: str) -> list[h5py.Group]:
    """Return the groups of a run file that hold both datasets, the second with an item to show."""
    return [
        group
        for group in entry.values()
        if isinstance(group, h5py.Group)
        and fixed in group
        and growing in group
        and len(group[growing])
    ]


def block_groups(entry: h5py.Group) -> list[h5py.Group]:
    """Return the groups of a run file that hold conductance maps."""
    return groups_with(entry, "initial_conductance", "conductance")


def draw_weights(figure: Figure | SubFigure, entry: h5py.Group, blocks: list[h5py.Group]) -> None:
    """Draw maps before and after training, the change, and the weights that the pairs stood for.

    Parameters
    ----------
    figure
        Where to draw: two by two panels.
    entry, blocks
        Entry of a finished run file and its `block_groups`.
    """
    first, last, change, weights = panels(figure, 2, 2)
    before = [block["initial_conductance"][:] for block in blocks]
    after = [block["conductance"][-1] for block in blocks]
    chips = [1e6 * _on_chips(blocks, maps) for maps in (before, after)]
    # One scale for both maps, over what most cells have: what learning does lies within it.
    limits = common_limits(chips)
    for axes, chip, title in zip((first, last), chips, ("Before", "After"), strict=True):
        _draw_map(axes, blocks, chip, "Conductance (µS)", f"{title} training", limits=limits)
    difference = chips[1] - chips[0]
    far = max(1e-3, *(abs(end) for end in robust_limits(difference)))
    _draw_map(
        change, blocks, difference, "Change (µS)", "After less before", limits=(-far, far),
        colours="RdBu_r",
    )  # fmt: skip
    _draw_histogram(weights, blocks, before, after)


def _draw_histogram(
    axes: Axes, blocks: list[h5py.Group], before: list[FloatArray], after: list[FloatArray]
) -> None:
    """Draw how the weights of all pairs were distributed before training and after."""
    values = [
        np.concatenate([_pairs(b, g).ravel() for b, g in zip(blocks, maps, strict=True)])
        for maps in (before, after)
    ]
    known = [one[np.isfinite(one)] for one in values]
    top = max(1e-9, *(float(np.abs(one).max(initial=0.0)) for one in known))
    edges = (np.linspace(-1.0, 1.0, 61) * top).tolist()
    axes.hist(known[0], edges, histtype="stepfilled", alpha=0.6, color=GREY, label="before")
    axes.hist(known[1], edges, histtype="step", color=BLUE, linewidth=1.4, label="after")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    # As many ticks whatever its width, or one at the end may have no room in the layout.
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel("Weight of a pair (1)")
    axes.set_ylabel("Pairs")
    axes.set_title(f"Weights read back, {known[1].size} pairs")
    legend_below(axes)


def _draw_map(
    axes: Axes, blocks: list[h5py.Group], chips: FloatArray, label: str, title: str, **style: Any
) -> None:
    """Draw the maps of all arrays side by side."""
    top, left, width = _frame(blocks)
    rows, columns = (np.arange(size) for size in chips.shape)
    draw_cells(axes, chips, (rows + top, columns + left), label, title=title, **style)
    arrays = 1 + max(_array(block) for block in blocks)
    starts = np.arange(arrays) * (width + GAP)
    for start in starts[1:]:
        axes.axvspan(start - GAP - 0.5, start - 0.5, color="white", zorder=1.5)
    if arrays > 1:
        axes.set_xticks(starts, [f"{left}\narray {k}" for k in range(arrays)], ha="left")


def _on_chips(blocks: list[h5py.Group], maps: list[FloatArray]) -> FloatArray:
    """Put the maps of all blocks where they lie; NaN elsewhere. Arrays stand side by side."""
    top, left, width = _frame(blocks)
    rows = 1 + max(int(block["row"][:].max()) for block in blocks) - top
    arrays = 1 + max(_array(block) for block in blocks)
    chips = np.full((rows, arrays * (width + GAP) - GAP), np.nan)
    for block, conductance in zip(blocks, maps, strict=True):
        first = _array(block) * (width + GAP) - left
        chips[np.ix_(block["row"][:] - top, first + block["column"][:])] = conductance
    return chips


def _frame(blocks: list[h5py.Group]) -> tuple[int, int, int]:
    """Return the first row, the first column, and how many columns there are of all blocks."""
    top = min(int(block["row"][:].min()) for block in blocks)
    left = min(int(block["column"][:].min()) for block in blocks)
    return top, left, 1 + max(int(block["column"][:].max()) for block in blocks) - left


def _array(block: h5py.Group) -> int:
    """Return which array a block lies on; run files of one array may not say."""
    return int(block.attrs.get("array", 0))


def _pairs(block: h5py.Group, conductance: FloatArray) -> FloatArray:
    """Return the weight of every pair of a block."""
    layout = Layout(block.attrs.get("layout", Layout.BLOCK))
    return pair_weight(conductance, float(block.attrs["siemens_per_weight"]), layout)
