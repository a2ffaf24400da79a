"""The picture of a calibration: what was found on each line, and what it is worth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memlab.figures.heading import run_heading
from memlab.figures.panels import legend_below, panels
from memlab.figures.style import BLUE, GREEN, GREY, ORANGE, figure_file
from memlab.figures.units import scale_of
from memlab.numeric import FloatArray
from memlab.runs.opening import open_for_reading
from memlab.units import plain

__all__ = ["plot_calibration"]


_MARKERS = ("o", "s", "^", "v")


def plot_calibration(run: Path, png: Path) -> None:
    """Draw the run file of a calibration.

    Parameters
    ----------
    run
        A finished run file.
    png
        Picture to write; an existing one is replaced.
    """
    with open_for_reading(run) as file:
        entry = file["entry"]
        found = {name: item[...] for name, item in entry["calibration"].items()}
        check = {name: item[...] for name, item in entry["check"].items()}
        nominal = np.array(json.loads(entry["instrument"].attrs["board.transimpedance"]))
        title = f"Calibration of board {entry.attrs['serial']}: {entry.attrs['method']}"
        heading = run_heading(entry, run, title)
    with figure_file(png, 7.0, heading) as figure:
        _draw(figure, found, check, nominal)


def _draw(
    figure: Figure,
    found: dict[str, FloatArray],
    check: dict[str, FloatArray],
    nominal: FloatArray,
) -> None:
    rows, columns, resistors, errors = panels(figure, 2, 2, heights=(5, 6))
    _draw_lines(rows, "row", found, "row_offset", "Row DAC offset")
    _draw_lines(columns, "column", found, "amplifier_offset", "Amplifier offset")
    _draw_resistors(resistors, found, nominal)
    _draw_errors(errors, check)


def _draw_lines(axes: Axes, line: str, found: dict[str, FloatArray], name: str, label: str) -> None:
    """One value for each line, with error bars of two standard errors."""
    value, error = found[name], found[f"{name}_error"]
    factor, unit = scale_of(value, 2.0 * error, units="V")
    axes.errorbar(
        found[line],
        value / factor,
        2.0 * error / factor,
        color=BLUE,
        marker="o",
        markersize=2.5,
        linestyle="none",
        linewidth=0.9,
    )
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.set_title(f"Standard error {_typical(error, 'V')}")
    axes.set_xlabel(line.capitalize())
    axes.set_ylabel(f"{label} ({unit})")


def _typical(error: FloatArray, units: str) -> str:
    """Return the median of errors with its unit; some lines may have none."""
    known = error[np.isfinite(error)]
    if not known.size:
        return "unknown"
    factor, unit = scale_of(np.median(known), units=units)
    return plain(f"{np.median(known) / factor:.2g} {unit}")


def _draw_resistors(axes: Axes, found: dict[str, FloatArray], nominal: FloatArray) -> None:
    """Deviation of each feedback resistor."""
    R, error = found["transimpedance"], found["transimpedance_error"]
    colours = (BLUE, ORANGE, GREEN, GREY)
    for k, ohms in enumerate(nominal):
        factor, unit = scale_of(ohms, units="ohm")
        axes.errorbar(
            found["column"],
            (R[k] / ohms - 1.0) * 100.0,
            error[k] / ohms * 100.0,
            color=colours[k % len(colours)],
            marker=_MARKERS[k % len(_MARKERS)],
            markersize=2.5,
            linestyle="none",
            linewidth=0.5,
            label=f"{ohms / factor:g} {unit}",
        )
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.set_title(f"Standard error {_typical(error / nominal[:, np.newaxis] * 100.0, '%')}")
    axes.set_xlabel("Column")
    axes.set_ylabel("Transimpedance error (%)")
    legend_below(axes)


def _draw_errors(axes: Axes, check: dict[str, FloatArray]) -> None:
    """Distribution of the error of products against the map read back."""
    for state, colour, style in (("before", ORANGE, "--"), ("after", BLUE, "-")):
        error = np.abs(check[f"measured_{state}"] - check[f"predicted_{state}"])
        error = np.sort(error[np.isfinite(error)])
        if not error.size:
            continue
        rms = float(np.sqrt(np.mean(error**2)))
        factor, unit = scale_of(rms, units="A")
        axes.plot(
            np.maximum(1e6 * error, 1e-4),
            100.0 * np.arange(1, error.size + 1) / error.size,
            color=colour,
            linestyle=style,
            label=plain(f"{state}: {rms / factor:.3g} {unit} rms"),
        )
    axes.set_xscale("log")
    axes.set_title("Products against the map read back")
    axes.set_xlabel("Error of the current (µA)")
    axes.set_ylabel("Products with less (%)")
    legend_below(axes)
