"""The picture of a calibration: what was found on each line, and what it is worth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from memlab.figures.style import BLUE, GREEN, GREY, ORANGE, new_figure, save_figure
from memlab.runs.opening import open_for_reading

__all__ = ["plot_calibration"]

FloatArray = npt.NDArray[np.float64]

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
        serial, method = entry.attrs["serial"], entry.attrs["method"]
    figure = new_figure(width=7.2, height=5.2)
    (rows, columns), (resistors, errors) = figure.subplots(2, 2)
    _draw_lines(rows, "row", found, "row_offset", "Row DAC offset (mV)")
    _draw_lines(columns, "column", found, "amplifier_offset", "Amplifier offset (mV)")
    _draw_resistors(resistors, found, nominal)
    _draw_errors(errors, check)
    figure.suptitle(f"Board {serial}: {method}", fontsize="medium")
    save_figure(figure, png)


def _draw_lines(axes: Axes, line: str, found: dict[str, FloatArray], name: str, label: str) -> None:
    """One value for each line, with error bars of two standard errors."""
    axes.errorbar(
        found[line],
        found[name] * 1e3,
        2e3 * found[f"{name}_error"],
        color=BLUE,
        marker="o",
        markersize=2.5,
        linestyle="none",
        linewidth=0.9,
    )
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    typical = np.nanmedian(found[f"{name}_error"]) * 1e6
    axes.set_title(f"Standard error {typical:.2g} uV", fontsize="small")
    axes.set_xlabel(line.capitalize())
    axes.set_ylabel(label)


def _draw_resistors(axes: Axes, found: dict[str, FloatArray], nominal: FloatArray) -> None:
    """Deviation of each feedback resistor."""
    R, error = found["transimpedance"], found["transimpedance_error"]
    colours = (BLUE, ORANGE, GREEN, GREY)
    for k, ohms in enumerate(nominal):
        axes.errorbar(
            found["column"],
            (R[k] / ohms - 1.0) * 100.0,
            error[k] / ohms * 100.0,
            color=colours[k % len(colours)],
            marker=_MARKERS[k % len(_MARKERS)],
            markersize=2.5,
            linestyle="none",
            linewidth=0.5,
            label=f"{ohms:g} V/A",
        )
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    typical = np.nanmedian(error / nominal[:, np.newaxis]) * 100.0
    axes.set_title(f"Standard error {typical:.2g} %", fontsize="small")
    axes.set_xlabel("Column")
    axes.set_ylabel("Transimpedance error (%)")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.35 * (high - low))  # room for the legend
    axes.legend(loc="upper center", ncols=2, fontsize="x-small")


def _draw_errors(axes: Axes, check: dict[str, FloatArray]) -> None:
    """Distribution of the error of products against the map read back."""
    for state, colour in (("before", ORANGE), ("after", BLUE)):
        error = np.abs(check[f"measured_{state}"] - check[f"predicted_{state}"])
        error = np.sort(error[np.isfinite(error)]) * 1e6
        rms = np.sqrt(np.mean(error**2))
        axes.plot(
            np.maximum(error, 1e-4),
            np.arange(1, error.size + 1) / error.size,
            color=colour,
            label=f"{state}: {rms:.3g} uA rms",
        )
    axes.set_xscale("log")
    axes.set_title("Products against the map read back", fontsize="small")
    axes.set_xlabel("Error of the current (uA)")
    axes.set_ylabel("Fraction below")
    axes.set_ylim(-0.05, 1.4)  # room for the legend
    axes.legend(loc="upper center", ncols=2, fontsize="x-small")
