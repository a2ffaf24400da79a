"""The picture of forming: how many cells are formed at each voltage, and where they lie."""

from __future__ import annotations

import h5py
import numpy as np
from matplotlib.figure import Figure, SubFigure
from scipy.special import ndtr

from memlab.characterize import forming
from memlab.figures.cell_map import draw_cells
from memlab.figures.panels import legend_below, panels
from memlab.figures.style import BLUE, GREY, ORANGE, many, marker, say
from memlab.runs import Run

__all__ = ["draw"]


def draw(figure: Figure | SubFigure, run: Run, entry: h5py.Group) -> None:
    """Draw the part of the cells that is formed, the fitted distribution, and the map."""
    left, right = panels(figure, 1, 2)
    mask = entry["map/mask"][()].astype(bool)
    steps = entry["map/voltage"][1:]
    voltage = run.values(forming.CELL_VOLTAGE)
    found, before = voltage[mask], run.number(forming.FORMED_BEFORE)
    ramp = np.unique(steps)
    formed = 100.0 * (before + np.array([(found <= v).mean() for v in ramp]))
    left.plot(ramp, formed, color=BLUE, marker=marker(ramp.size), label=many(found.size, "cell"))
    mean, spread, ended = map(
        run.number, (forming.FORMING_VOLTAGE, forming.FORMING_SPREAD, forming.YIELD)
    )
    if np.isfinite(spread):
        fine = np.linspace(ramp[0], ramp[-1], 200)
        law = 100.0 * (before + (ended - before) * ndtr((fine - mean) / spread))
        left.plot(fine, law, color=ORANGE, label="normal distribution")
        left.set_title(f"{mean:.3f} V, spread {spread:.3f} V")
    left.axhline(100.0 * ended, color=GREY, linewidth=0.8, linestyle=":")
    left.set_ylim(-3, 103)
    left.set_xlabel("Forming amplitude (V)")
    left.set_ylabel("Formed cells (%)")
    if ramp.size:
        legend_below(left)
    else:
        say(left, f"formed before: {100.0 * before:.3g} %,\nno pulse was needed")
    lines = entry["map/row"][()], entry["map/column"][()]
    shown = np.where(mask, voltage, np.nan)
    draw_cells(right, shown, lines, "Forming voltage (V)", title="Grey: not formed here")
