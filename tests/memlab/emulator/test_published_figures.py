"""Every preset gives the figures published for its chip, as they are read through its own board.

Load of the readings: one row is driven at a time and read alone, `array[row].read_conductance()`,
the other rows take no part, all gates of the row are open. Rows are taken over the whole length of
the TE lines. Figures: `reference/experiments.md` 1, 2 and 3.6 - the SET law of Li 2019 over the
gate voltages of its training, and both branches of figure 1b of Wang 2019; the spread from pulse to
pulse of both texts. What differs between cells is printed, not tested: the papers measured it on
one chip, and a part of it is the wires'.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import chi2

from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset
from memlab.emulator.preset import BUILT_IN

ROWS = range(11, 128, 32)
CYCLES = 6
LAW, NOISE = 0.03, 0.10
"""Allowed: of slope and offset of the mean, and of the spread from cycle to cycle, relative."""


@dataclass(frozen=True)
class Published:
    """Figures of a paper: S/V, S, S, share of dead cells, gate voltages (V), branches, spread."""

    slope: float
    offset: float
    noise: float
    dead: float
    gates: tuple[float, float, int]
    branches: tuple[str, ...]
    between: str


LI = Published(98e-6, 120e-6, 4e-6, 0.0, (0.7, 1.6, 10), ("falling",), "not published")
WANG = Published(
    200e-6 / 1.1, 0.0, 10e-6, 0.11, (1.0, 2.4, 15), ("rising", "falling"), "not published"
)
FIGURES = {
    "ideal": Published(98e-6, 120e-6, 0.0, 0.0, LI.gates, LI.branches, "none"),
    "ta-hfo2": LI,
    "ta-hfo2-full": LI,
    "pt-taox-ta": WANG,
    "pt-taox-ta-full": WANG,
}


def test_every_preset_with_a_published_figure_is_here() -> None:
    assert {*FIGURES, "worst-case"} == set(BUILT_IN)


def staircase(name: str, gates: np.ndarray, branch: str) -> np.ndarray:
    """Return what is read of some rows after each SET, (cycles, gates, rows x columns), in S."""
    array = BoardArray(EmulatedBoard(load_preset(name), 11))
    view = array[list(ROWS)]
    every = np.ones(view.shape, bool)
    read = np.empty((CYCLES, gates.size, *view.shape))
    for cycle in range(CYCLES):
        view.program(0.0, reset=every, set=~every)
        for step in range(gates.size)[:: 1 if branch == "rising" else -1]:
            view.program(gates[step], reset=every if branch == "falling" else None)
            for k, row in enumerate(ROWS):
                read[cycle, step, k] = array[row].read_conductance()[0]
    return read.reshape(CYCLES, gates.size, -1)


@pytest.mark.parametrize(
    ("name", "branch"), [(name, b) for name, known in FIGURES.items() for b in known.branches]
)
def test_the_published_law_is_what_the_board_reads(name: str, branch: str) -> None:
    known, preset = FIGURES[name], load_preset(name)
    gates = np.linspace(*known.gates)
    read = staircase(name, gates, branch)
    usual = np.median(read.mean(axis=0), axis=1)[:, np.newaxis]
    responding = (np.abs(read.mean(axis=0) / usual - 1.0) < 0.6).all(axis=0)
    assert responding.mean() == pytest.approx(1.0 - known.dead, abs=0.06)
    read = read[..., responding]

    slope, offset = np.polyfit(gates, read.mean(axis=(0, 2)), 1)
    middle = known.slope * gates.mean() + known.offset
    within = np.median(read.var(axis=0, ddof=1) / chi2.median(CYCLES - 1) * (CYCLES - 1), axis=1)
    cycle = float(np.sqrt(within.mean()))
    # Of what is left between the cells, noise of the mean of some cycles is taken away.
    between = np.sqrt((read.mean(axis=0).var(axis=1) - within / CYCLES).clip(0.0))
    own = np.hypot(preset.spread.set_slope * known.slope * gates, preset.spread.set_offset)
    wires = np.sqrt((between**2 - own**2).clip(0.0))
    print(
        f"\n{name}, {branch}: {slope * 1e6:.1f} uS/V ({known.slope * 1e6:.1f}), "
        f"{offset * 1e6:.1f} uS ({known.offset * 1e6:.1f}), cycle to cycle {cycle * 1e6:.2f} uS "
        f"({known.noise * 1e6:.0f}), cell to cell {between[0] * 1e6:.1f} to "
        f"{between[-1] * 1e6:.1f} uS ({known.between}), of it by wires and board "
        f"{wires[0] * 1e6:.1f} to {wires[-1] * 1e6:.1f} uS; {read.shape[2]} cells"
    )
    assert slope == pytest.approx(known.slope, rel=LAW)
    assert offset == pytest.approx(known.offset, abs=LAW * (known.offset or middle))
    assert cycle == pytest.approx(known.noise, rel=NOISE, abs=0.02e-6)
