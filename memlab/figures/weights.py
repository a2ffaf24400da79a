"""The array before and after training: conductance maps, and histograms of the weights."""

from __future__ import annotations

import h5py
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.image import AxesImage

from memlab.figures.style import BLUE, GREY
from memlab.mapping import Layout, pair_weight

__all__ = ["block_groups", "draw_weights", "groups_with"]

FloatArray = npt.NDArray[np.float64]

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


def draw_weights(figure: SubFigure, entry: h5py.Group, blocks: list[h5py.Group]) -> None:
    """Draw maps before and after training, and the weights that the pairs stood for.

    Parameters
    ----------
    figure
        Where to draw: three panels side by side.
    entry, blocks
        Entry of a finished run file and its `block_groups`.
    """
    first, last, weights = figure.subplots(1, 3)
    shape = _shape(blocks)
    before = [block["initial_conductance"][:] for block in blocks]
    after = [block["conductance"][-1] for block in blocks]
    top = max(float(np.nanmax(block)) for block in [*before, *after]) * 1e6
    _draw_map(first, blocks, before, shape, top, "Before training")
    image = _draw_map(last, blocks, after, shape, top, "After training")
    figure.colorbar(image, ax=[first, last], label="Conductance (µS)")
    edges = np.linspace(-1.0, 1.0, 61) * max(
        1e-9, *(float(np.abs(_pairs(b, g)).max()) for b, g in zip(blocks, after, strict=True))
    )
    for maps, color, label in ((before, GREY, "before"), (after, BLUE, "after")):
        values = np.concatenate([_pairs(b, g).ravel() for b, g in zip(blocks, maps, strict=True)])
        weights.hist(
            values, edges.tolist(), histtype="stepfilled", alpha=0.5, color=color, label=label
        )
    weights.set_yscale("log")
    weights.set_xlabel("Weight of a pair (1)")
    weights.set_ylabel("Pairs")
    weights.set_title("Weights read back", fontsize="small")
    weights.legend(fontsize="x-small")


def _draw_map(
    axes: Axes,
    blocks: list[h5py.Group],
    maps: list[FloatArray],
    shape: tuple[int, int],
    top: float,
    title: str,
) -> AxesImage:
    """Put the maps of all blocks where they lie, in microsiemens; arrays stand side by side."""
    rows, columns = shape
    arrays = max(_array(block) for block in blocks) + 1
    chips = np.full((rows, arrays * (columns + GAP) - GAP), np.nan)
    for block, conductance in zip(blocks, maps, strict=True):
        first = _array(block) * (columns + GAP)
        chips[np.ix_(block["row"][:], first + block["column"][:])] = conductance * 1e6
    axes.set_facecolor("0.9")
    axes.set_title(title, fontsize="small")
    axes.set_xlabel("Column")
    axes.set_ylabel("Row")
    for number in range(1, arrays):
        axes.axvspan(
            number * (columns + GAP) - GAP - 0.5, number * (columns + GAP) - 0.5, color="white"
        )
    if arrays > 1:
        starts = np.arange(arrays) * (columns + GAP)
        axes.set_xticks(starts, [f"0\narray {number}" for number in range(arrays)], ha="left")
    return axes.imshow(chips, vmin=0.0, vmax=top, cmap="viridis", interpolation="nearest")


def _shape(blocks: list[h5py.Group]) -> tuple[int, int]:
    """Return (rows, columns) of the largest array, 128 x 64 at least."""
    rows = max(int(block["row"][:].max()) for block in blocks) + 1
    columns = max(int(block["column"][:].max()) for block in blocks) + 1
    return max(rows, 128), max(columns, 64)


def _array(block: h5py.Group) -> int:
    """Return which array a block lies on; run files of one array may not say."""
    return int(block.attrs.get("array", 0))


def _pairs(block: h5py.Group, conductance: FloatArray) -> FloatArray:
    """Return the weight of every pair of a block."""
    layout = Layout(block.attrs.get("layout", Layout.BLOCK))
    return pair_weight(conductance, float(block.attrs["siemens_per_weight"]), layout)
