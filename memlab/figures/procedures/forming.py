"""The picture of forming: how many cells are formed at each voltage, and where they lie."""

from __future__ import annotations

import h5py
import numpy as np
from matplotlib.figure import Figure
from scipy.special import ndtr

from memlab.figures.cell_map import draw_cells
from memlab.figures.style import BLUE, GREY, ORANGE

__all__ = ["draw"]


def draw(figure: Figure, entry: h5py.Group) -> None:
    """Draw the part of the cells that is formed, the fitted distribution, and the map."""
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    mask = entry["map/mask"][()].astype(bool)
    steps = entry["map/voltage"][1:]
    found = entry["result/cell_voltage"][()][mask]
    before = float(entry["result/formed_before"][()])
    ramp = np.unique(steps)
    formed = 100.0 * (before + np.array([(found <= v).mean() for v in ramp]))
    left.plot(ramp, formed, color=BLUE, marker="o", markersize=3, label=f"{found.size} cells")
    mean, spread, ended = (
        float(entry[f"result/{name}"][()])
        for name in ("forming_voltage", "forming_spread", "yield")
    )
    if np.isfinite(spread):
        fine = np.linspace(ramp[0], ramp[-1], 200)
        law = 100.0 * (before + (ended - before) * ndtr((fine - mean) / spread))
        left.plot(fine, law, color=ORANGE, linewidth=0.9, label="normal distribution")
        left.set_title(f"{mean:.3f} V, spread {spread:.3f} V", fontsize="small")
    left.axhline(100.0 * ended, color=GREY, linewidth=0.8, linestyle=":")
    left.set_ylim(-3, 103)
    left.set_xlabel("Forming amplitude (V)")
    left.set_ylabel("Formed cells (%)")
    left.legend(loc="upper left", fontsize="small")
    voltage = entry["result/cell_voltage"][()]
    draw_cells(figure, right, entry, voltage, "Forming voltage (V)")
    right.set_title("grey: not formed here", fontsize="small")
