"""Maps of a chip: what a procedure found for each cell, or the last reading of a run."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill

import h5py
import numpy as np
import numpy.typing as npt

from memlab.figures.style import new_figure, save_figure
from memlab.runs.opening import open_for_reading
from memlab.units import prefixed

__all__ = ["plot_last_reading", "plot_maps"]

FloatArray = npt.NDArray[np.float64]


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
        shape = entry["map/mask"].shape
        found = [
            (
                f"{name}: {item.attrs['long_name']}",
                str(item.attrs["units"]),
                item[()].astype(np.float64),
            )
            for name, item in entry.get("result", {}).items()
            if item.shape == shape and not name.endswith("_error")
        ]
        lines = entry["map/row"][()], entry["map/column"][()]
    found = [one for one in found if np.isfinite(one[2]).any()]
    if found:
        _draw(found, lines, picture)
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
    _draw([(f"Reading {readings} (the last)", "S", conductance)], lines, picture)
    return True


def _readings(entry: h5py.Group) -> int:
    """Return how many readings are whole; a killed writer leaves some datasets longer."""
    if "map" not in entry:
        return 0
    growing = [item for item in entry["map"].values() if item.maxshape[:1] == (None,)]
    return min(len(item) for item in growing)


def _draw(
    found: list[tuple[str, str, FloatArray]],
    lines: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    picture: Path,
) -> None:
    across = min(3, len(found))
    down = -(-len(found) // across)
    figure = new_figure(width=2.4 * across + 0.4, height=3.3 * down)
    (rows, columns), axes = lines, figure.subplots(down, across, squeeze=False)
    for ax, (title, units, values) in zip(axes.flat, found, strict=False):
        if units == "1":  # flags, codes and counts
            low, high = min(0.0, float(np.nanmin(values))), max(1.0, float(np.nanmax(values)))
        else:
            # Single cells that are far off take the ends of the scale: the rest can be seen.
            low, high = (float(one) for one in np.nanquantile(values, [0.01, 0.99]))
        factor, unit = prefixed(max(abs(low), abs(high)), units)
        image = ax.imshow(
            values / factor,
            vmin=low / factor,
            vmax=high / factor,
            aspect="auto",
            interpolation="nearest",
            cmap="viridis",
            extent=(columns[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5, rows[0] - 0.5),
        )
        ax.set_title(fill(title, 34), fontsize="x-small")
        ax.set_xlabel("Column", fontsize="small")
        ax.set_ylabel("Row", fontsize="small")
        ax.tick_params(labelsize="x-small")
        bar = figure.colorbar(image, ax=ax, extend="neither" if units == "1" else "both")
        bar.ax.tick_params(labelsize="x-small")
        bar.set_label("" if units == "1" else unit, fontsize="small")
    for ax in axes.flat[len(found) :]:
        ax.set_axis_off()
    save_figure(figure, picture)
