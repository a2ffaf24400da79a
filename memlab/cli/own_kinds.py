"""What memlab's own kinds are about, as they say it themselves, so that a help need not load them.

`tests/memlab/cli/test_own_kinds.py` compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points

__all__ = ["ABOUT", "own_kinds"]

ABOUT = {
    "experiment": {
        "airline": "LSTM, 144 months of airline passengers: forecasts the next one.",
        "airline-window": "LSTM, airline passengers from windows of three months.",
        "gait": "LSTM, who is walking, from 25 frames of silhouette widths.",
        "mnist-cnn": "CNN of five levels, handwritten digits.",
        "mnist-sequence": "ConvLSTM, the order of three digits.",
        "network": "",
        "series": "LSTM, which class a series is of: ECG, speech, UCR and UEA sets, your own.",
        "wafer": "LSTM, wafers that are normal or not, from one sensor trace.",
    },
    "procedure": {
        "endurance": "RESET-SET cycles until cells fail; reads at log-spaced cycles.",
        "forming": "Rising voltage and width up to a target; a formed cell gets no pulse.",
        "iv": "SET and RESET sweeps of single cells, several cycles, current cut-off.",
        "linearity": "Current against voltage: bending of cells, range of columns at each gain.",
        "read-noise": "White, 1/f and telegraph noise of reads; the spectrum.",
        "reset": "Conductance after one RESET, over amplitude and gate voltage.",
        "retention": "States programmed once and read at log-spaced ages.",
        "set": "Conductance after one SET, over amplitude and gate voltage.",
        "staircase": "SET with rising, then falling gate voltage (Wang 2019, figure 1b).",
        "variation": "Spread from cell to cell, cycle to cycle and reading to reading.",
        "vmm-accuracy": "Error of products against the matrix read back, and what it is made of.",
        "wires": "Resistance of wires, drivers and amplifier inputs, by reads below programmed "
        "loads.",
        "yield": "Fault class of each cell, and the good rows and columns.",
    },
}
"""By family and name; nothing of a kind that no command runs."""


def own_kinds(families: Sequence[str]) -> list[str] | None:
    """Return a line for each kind of some families; None where some are not memlab's own.

    Parameters
    ----------
    families
        Names of `memlab.kinds.Family`.
    """
    everything = entry_points()
    if everything.select(group="memlab.kinds"):
        return None
    lines = []
    for family in families:
        points = everything.select(group=f"memlab.kinds.{family}")
        own = ABOUT.get(family, {})
        names = sorted(point.name for point in points)
        if names != sorted(own) or not all(one.value.startswith("memlab.") for one in points):
            return None
        lines += [f"{name}: {own[name]}" for name in names if own[name]]
    return lines
