"""The picture of a retention test: each state over time, and how its spread grows."""

from __future__ import annotations

import h5py
import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure, SubFigure

from memlab.characterize import retention
from memlab.figures.panels import legend_below, panels
from memlab.figures.style import given
from memlab.runs import Run

__all__ = ["draw"]


def draw(figure: Figure | SubFigure, run: Run, entry: h5py.Group) -> None:
    """Draw mean and spread of every state against age, and the change of the mean."""
    left, right = panels(figure, 1, 2)
    found = retention.STATE_VOLTAGE.items()
    control, axis = next((c, one) for c, one in found if one.name in run.findings.axes)
    age, gate = run.values(retention.AGE), run.values(axis)
    mean, spread = (1e6 * run.values(one[control]) for one in (retention.MEAN, retention.SPREAD))
    # The first reading has age 0: on a logarithmic axis it stands a little before the second.
    shown = np.concatenate([[age[1] / 2.0], age[1:]])
    for k, colour in enumerate(colormaps["viridis"](np.linspace(0.0, 0.85, gate.size))):
        if not np.isfinite(mean[k]).any():
            continue
        label = f"{gate[k]:.2f} V" if gate[k] else "RESET"
        left.fill_between(
            shown, mean[k] - spread[k], mean[k] + spread[k], color=colour, alpha=0.25, linewidth=0
        )
        left.plot(shown, mean[k], color=colour, marker="osv^D"[k % 5], label=label)
        right.plot(shown, mean[k] - mean[k, 0], color=colour, marker="osv^D"[k % 5])
    for axes in (left, right):
        axes.set_xlim(shown[0] / 1.5, shown[-1] * 1.5)
        axes.set_xscale("log")
        axes.set_xlabel("Time since the pulses (s)\nfirst point: at once")
    left.set_ylabel("Mean and spread (µS)")
    right.set_ylabel("Change of the mean (µS)")
    relaxation, spread_found = (
        1e6 * run.number(one) for one in (retention.RELAXATION_MEAN, retention.RELAXATION)
    )
    right.set_title(
        given("relaxation {:.2g} µS/decade", relaxation)
        + "\n"
        + given("spread {:.2g} µS/decade", spread_found)
    )
    legend_below(left, "SET gate voltage" if control.gates else "SET amplitude")
