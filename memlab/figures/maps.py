"""Maps of a chip: what a procedure found for each cell, or the last reading of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from memlab.figures.cell_map import CLASS_COLOURS, draw_cells, draw_classes
from memlab.figures.heading import run_heading
from memlab.figures.panels import panels
from memlab.figures.style import BLUE, ORANGE, figure_file
from memlab.figures.units import scale_of
from memlab.numeric import FloatArray
from memlab.runs.opening import open_for_reading

__all__ = ["plot_last_reading", "plot_maps"]

Lines = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class _Map:
    """Title, unit and values of a map; names of the classes where it holds classes."""

    title: str
    units: str
    values: FloatArray
    classes: Sequence[str] = ()


def plot_maps(run: Path, picture: Path) -> bool:
    """Draw every map among the results of a finished procedure.

    Parameters
    ----------
    run
        A run file of `memlab characterize`.
    picture
        File to write (.png, .pdf, .svg); an existing one is replaced.

    Returns
    -------
    False where there is no map; nothing is written then.
    """
    with open_for_reading(run) as file:
        entry = file["entry"]
        found = _result_maps(entry)
        lines = entry["map/row"][()], entry["map/column"][()]
        heading = run_heading(entry, run)
    if found:
        _draw(found, lines, heading, picture)
    return bool(found)


def plot_last_reading(run: Path, picture: Path) -> bool:
    """Draw the last conductance map of a run, finished or not; otherwise as `plot_maps`."""
    with open_for_reading(run) as file:
        entry = file["entry"]
        readings = _readings(entry)
        if not readings:
            return False
        conductance = entry["map/conductance"][readings - 1]
        lines = entry["map/row"][()], entry["map/column"][()]
        heading = run_heading(entry, run, readings="map")
    _draw([_Map(f"Reading {readings} (the last)", "S", conductance)], lines, heading, picture)
    return True


def _readings(entry: h5py.Group) -> int:
    """Return how many readings are whole; a killed writer leaves some datasets longer."""
    if "map" not in entry:
        return 0
    growing = [item for item in entry["map"].values() if item.maxshape[:1] == (None,)]
    return min(len(item) for item in growing)


def _result_maps(entry: h5py.Group) -> list[_Map]:
    """Return the results that have a value for each cell, without those that are all unknown."""
    shape = entry["map/mask"].shape
    found = []
    for name, item in entry.get("result", {}).items():
        if item.shape != shape or name.endswith("_error"):
            continue
        values = item[()].astype(np.float64)
        if not np.isfinite(values).any():
            continue
        classes: Sequence[str] = ()
        if f"result/{name}_class" in entry:
            classes = list(entry[f"result/{name}_class"].asstr()[()])
        elif item.attrs["units"] == "1" and np.isin(values, (0.0, 1.0)).all():
            classes = ("no", "yes")
        title = f"{name}: {item.attrs['long_name']}"
        found.append(_Map(title, str(item.attrs["units"]), values, classes))
    return found


def _draw(found: Sequence[_Map], lines: Lines, heading: str, picture: Path) -> None:
    across = min(2, len(found))
    down = -(-len(found) // across)
    with figure_file(picture, 4.2 * down, heading) as figure:
        axes = panels(figure, down, across)
        for ax, one in zip(axes, found, strict=False):
            _draw_map(ax, one, lines)
        for ax in axes[len(found) :]:
            ax.set_axis_off()


def _draw_map(axes: Axes, one: _Map, lines: Lines) -> None:
    if one.classes:
        colours = (ORANGE, BLUE) if len(one.classes) == 2 else CLASS_COLOURS
        draw_classes(axes, one.values.astype(int), lines, one.classes, colours, one.title)
        return
    factor, unit = scale_of(one.values, units=one.units)
    label = "Number (1)" if one.units == "1" else unit
    draw_cells(axes, one.values / factor, lines, label, title=one.title)
