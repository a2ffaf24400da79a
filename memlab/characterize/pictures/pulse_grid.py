"""The picture of a map over amplitude and gate voltage, as SET and RESET share it."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure, SubFigure

from memlab.characterize.pulse_findings import FULL_VOLTAGE
from memlab.characterize.pulse_grid import AMPLITUDE, GATE_VOLTAGE, MEAN, SPREAD
from memlab.figures.cell_map import robust_limits
from memlab.figures.panels import legend_below, panels
from memlab.figures.style import say
from memlab.runs import Run

__all__ = ["draw_grid"]


def draw_grid(figure: Figure | SubFigure, run: Run, operation: str) -> None:
    """Draw mean conductance against amplitude for each gate voltage, and the spread as a map.

    Parameters
    ----------
    operation
        SET or RESET, for the labels.
    """
    left, right = panels(figure, 1, 2, widths=(1, 1))
    voltage, gate = run.values(AMPLITUDE), run.values(GATE_VOLTAGE)
    mean, spread = 1e6 * run.values(MEAN), 1e6 * run.values(SPREAD)
    gates = bool(gate.any())  # 0 V alone where cells have none
    for k, colour in enumerate(colormaps["viridis"](np.linspace(0.0, 0.85, gate.size))):
        label = f"{gate[k]:.3g} V" if gates else "mean and spread"
        left.plot(voltage, mean[k], color=colour, marker="osv^D"[k % 5], label=label)
        left.fill_between(
            voltage, mean[k] - spread[k], mean[k] + spread[k], color=colour, alpha=0.2, linewidth=0
        )
    if np.isfinite(full := run.number(FULL_VOLTAGE)):
        left.axvline(full, color="0.45", linewidth=0.8, linestyle=":")
        left.set_title(f"dotted: full {operation} from {full:.2f} V")
    else:
        left.set_title(f"full {operation}: not determined")
    left.set_xlabel(f"{operation} amplitude (V)")
    left.set_ylabel("Mean and spread (µS)")
    if np.isfinite(mean).any():
        if gates:
            legend_below(left, "Gate voltage")
    else:
        say(left, "no cell responds")
    if not np.isfinite(spread).any():
        say(right, "no spread:\ntoo few cells")
        return
    if not gates:
        right.plot(voltage, spread[0], marker="o")
        right.set_xlabel(f"{operation} amplitude (V)")
        right.set_ylabel("Spread from cell to cell (µS)")
        return
    low, high = robust_limits(spread)
    image = right.pcolormesh(
        voltage, gate, spread, cmap="viridis", shading="nearest", vmin=low, vmax=high
    )
    right.set_facecolor("0.85")
    right.set_yticks(gate, [f"{one:.3g}" for one in gate])
    right.set_xlabel(f"{operation} amplitude (V)")
    right.set_ylabel("Gate voltage (V)")
    right.figure.colorbar(image, ax=right, label="Spread from cell to cell (µS)")
