"""Pictures of the site, each drawn by what it shows: the emulator, or the geometry of the array."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

import memlab
from memlab.emulator import effective_conductance
from memlab.figures.style import BLUE, COLOURS, GREEN, GREY, ORANGE, PURPLE, figure_file

__all__ = ["draw"]

SCRIPTS = Path(__file__).parents[2] / "scripts"


def draw(directory: Path) -> None:
    """Draw all pictures that are not there yet."""
    directory.mkdir(exist_ok=True)
    for function in (cell, set_law, read_noise, relaxation, wires, bending, wear, stuck_cells):
        path = directory / f"{function.__name__}.png"
        if not path.exists():
            function(path)


def cell(path: Path) -> None:
    """The cell, and the three kinds of lines."""
    with figure_file(path, 3.6, "") as figure:
        axes = figure.add_subplot()
        axes.set_axis_off()
        axes.set_aspect("equal")
        for row in range(3):
            y = -2.0 * row
            axes.plot([-0.9, 5.6], [y, y], color=BLUE)
            axes.text(-1.0, y, f"bit line: row {row}", ha="right", va="center", color=BLUE)
            for column in range(3):
                _one_cell(axes, 2.0 * column, y)
        for column in range(3):
            x = 2.0 * column
            axes.plot([x + 0.75] * 2, [1.4, -5.2], color=ORANGE)
            axes.plot([x - 0.35] * 2, [1.4, -5.2], color=GREEN)
            axes.text(x + 0.2, 1.6, f"column {column}", ha="center", va="bottom")
        axes.text(5.9, 0.9, "top-electrode line\n(driven, or sensed)", color=ORANGE, va="center")
        axes.text(5.9, -1.1, "word line:\ngate of the column", color=GREEN, va="center")
        axes.text(5.9, -3.3, "memristor,\ntransistor below it", color=GREY, va="center")
        axes.set_xlim(-3.4, 9.2)
        axes.set_ylim(-5.4, 2.1)


def _one_cell(axes: Axes, x: float, y: float) -> None:
    """Draw a memristor over a transistor, between a bit line and a top-electrode line."""
    top, middle = y + 1.15, y + 0.55
    axes.plot([x + 0.75, x + 0.2, x + 0.2], [top, top, top - 0.1], color=GREY)
    axes.add_patch(Rectangle((x + 0.05, middle + 0.1), 0.3, 0.4, fill=False, edgecolor=GREY))
    axes.plot([x + 0.2, x + 0.2], [middle + 0.1, middle - 0.05], color=GREY)
    axes.plot([x - 0.05, x + 0.2], [middle - 0.05, middle - 0.05], color=GREY)
    axes.plot([x - 0.05, x - 0.05], [middle - 0.05, middle - 0.35], color=GREY)
    axes.plot([x - 0.05, x + 0.2, x + 0.2], [middle - 0.35, middle - 0.35, y], color=GREY)
    axes.plot([x - 0.15, x - 0.15], [middle - 0.05, middle - 0.35], color=GREEN)
    axes.plot([x - 0.35, x - 0.15], [middle - 0.2, middle - 0.2], color=GREEN)
    axes.plot(x + 0.2, y, "o", color=BLUE)
    axes.plot(x + 0.75, top, "o", color=ORANGE)


def set_law(path: Path) -> None:
    """Conductance after a SET, over gate voltage."""
    gates = np.linspace(0.5, 1.7, 13)
    with figure_file(path, 2.6, "") as figure:
        axes = figure.add_subplot(xlabel="Gate voltage of the SET (V)", ylabel="Conductance (uS)")
        for chip, colour in (("ta-hfo2", BLUE), ("pt-taox-ta", ORANGE), ("ta-hfo2-full", GREEN)):
            with memlab.open_array(f"emulator:?chip={chip}&seed=1") as array:
                rows = array[:8]
                every, found = np.ones(rows.shape, bool), []
                for gate in gates:
                    rows.program(float(gate), reset=every)
                    found.append(np.quantile(rows.read_conductance(), [0.2, 0.5, 0.8]))
            low, middle, high = 1e6 * np.array(found).T
            axes.plot(gates, middle, "o-", color=colour, label=f"{chip} (512 cells)")
            axes.fill_between(gates, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.legend(title="median, and 20 to 80 % of the cells")


def read_noise(path: Path) -> None:
    """Readings of single cells over time."""
    url = (
        "emulator:?chip=ideal&seed=4&read_noise.flicker=0.005&read_noise.telegraph_cells=1"
        "&read_noise.telegraph_amplitude=0.04&read_noise.dwell_minimum=0.1"
    )
    with figure_file(path, 2.6, "") as figure:
        axes = figure.add_subplot(xlabel="Time (s)", ylabel="Conductance (uS)")
        with memlab.open_array(url) as array:
            row = array[3:4, :3]
            for column, gate in enumerate((0.8, 1.1, 1.4)):
                array[3:4, column : column + 1].program(gate, reset=np.ones((1, 1), bool))
            times, found = [], []
            for _ in range(300):
                times.append(array.simulation.clock)
                found.append(row.read_conductance()[0])
                array.simulation.advance(0.01)
        for column, colour in enumerate(COLOURS[:3]):
            axes.plot(np.array(times) - times[0], 1e6 * np.array(found)[:, column], color=colour)


def relaxation(path: Path) -> None:
    """Conductance over time after a pulse."""
    ages = np.logspace(-3, 5, 30)
    with figure_file(path, 2.6, "") as figure:
        axes = figure.add_subplot(
            xlabel="Time after the pulse (s)", ylabel="Change (uS)", xscale="log"
        )
        with memlab.open_array("emulator:?chip=ideal&seed=2&drift.relaxation=1e-6") as array:
            rows = array[:4]
            rows.program(1.2, reset=np.ones(rows.shape, bool))
            first, found, passed = rows.read_conductance(), [], 0.0
            for age in ages:
                array.simulation.advance(float(age - passed))
                passed = float(age)
                found.append(np.quantile(rows.read_conductance() - first, [0.1, 0.5, 0.9]))
        low, middle, high = 1e6 * np.array(found).T
        axes.plot(ages, middle, color=BLUE, label="median of 256 cells")
        axes.fill_between(ages, low, high, color=BLUE, alpha=0.2, label="10 to 90 %", linewidth=0)
        axes.legend(loc="upper left")


def wires(path: Path) -> None:
    """What wires leave of equal cells."""
    with figure_file(path, 3.2, "") as figure:
        axes = figure.add_subplot(xlabel="Column", ylabel="Row")
        left = effective_conductance(np.full((128, 64), 200e-6), 0.3)
        picture = axes.imshow(1e6 * left, cmap="viridis", aspect="auto", interpolation="nearest")
        figure.colorbar(picture, label="Effective conductance (uS)\nof cells of 200 uS, 0.3 ohm")


def bending(path: Path) -> None:
    """Current over voltage of poor and good conductors."""
    volts = np.linspace(0.02, 1.0, 50)
    with figure_file(path, 2.6, "") as figure:
        axes = figure.add_subplot(xlabel="Voltage (V)", ylabel="Current / ohmic current")
        for siemens, colour in ((10e-6, PURPLE), (100e-6, BLUE), (300e-6, GREEN)):
            share = 1.0 / (1.0 + siemens / 100e-6)
            part = 1 - share + share * np.sinh(volts) / volts
            axes.plot(volts, part, color=colour, label=f"{1e6 * siemens:g} uS")
        axes.legend(title="V0 = 1 V, G_ohmic = 100 uS")


def wear(path: Path) -> None:
    """How many cells live after so many pulses."""
    pulses = np.logspace(3, 8, 100)
    with figure_file(path, 2.6, "") as figure:
        axes = figure.add_subplot(
            xlabel="Pulses", ylabel="Part of the cells that live", xscale="log"
        )
        for shape, colour in ((0.8, ORANGE), (1.5, BLUE), (3.0, GREEN)):
            label = f"shape {shape:g}"
            axes.plot(pulses, np.exp(-((pulses / 1e6) ** shape)), color=colour, label=label)
        axes.legend(title="lifetime 1e6")


def stuck_cells(path: Path) -> None:
    """In situ, layer by layer and ex situ, from the trials that are stored beside the script."""
    sys.path.insert(0, str(SCRIPTS))  # a script finds those beside it
    try:
        runpy.run_path(str(SCRIPTS / "stuck_cells.py"))["draw"](path)
    finally:
        sys.path.remove(str(SCRIPTS))
