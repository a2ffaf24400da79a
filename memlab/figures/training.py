"""The picture of a training run: results, loss, the array before and after, raw vectors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from memlab.figures.classification import draw_accuracy, draw_confusion
from memlab.figures.heading import run_heading
from memlab.figures.panels import legend_below, panels, stacked
from memlab.figures.style import BLUE, GREY, ORANGE, figure_file, marker, whole_numbers
from memlab.figures.traces import code_groups, draw_traces, recorded_updates
from memlab.figures.weights import block_groups, draw_weights
from memlab.figures.write_verify import draw_write_verify
from memlab.runs.opening import open_for_reading

__all__ = ["plot_training_run"]


def plot_training_run(run: Path, picture: Path) -> None:
    """Draw what a run predicted or classified, its loss, its array, and what the board measured.

    A run that was interrupted, or is still going on, has no results yet; the rest is drawn.

    Parameters
    ----------
    run
        A run file of `memlab train`.
    picture
        Picture to write, in the format of its suffix; an existing one is replaced.
    """
    with open_for_reading(run) as file:
        entry = file["entry"]
        blocks, codes = block_groups(entry), code_groups(entry)
        transfers = [entry[name] for name in entry if name.startswith("transfer")]
        parts: list[tuple[float, Callable[[SubFigure], None]]] = _results(entry)
        if blocks:
            parts.append((8.0, lambda part: draw_weights(part, entry, blocks)))
        for number, group in enumerate(transfers):
            if not group["read"].size:
                continue
            name = f"Array {number}" if len(transfers) > 1 else ""
            parts.append((8.2, partial(_draw_transfer, group=group, name=name)))
        if codes:
            parts.append(
                (0.3 + 3.8 * recorded_updates(codes), lambda part: draw_traces(part, entry, codes))
            )
        heights = [height for height, _ in parts]
        with figure_file(picture, sum(heights), _heading(entry, run)) as figure:
            places = stacked(figure, heights)
            for (_, draw), place in zip(parts, places, strict=True):
                draw(place)


def _heading(entry: h5py.Group, run: Path) -> str:
    heading = run_heading(entry, run, f"{entry.attrs['title']}, seed {entry.attrs['seed']}")
    # What was learnt belongs on the picture: a stand-in must not pass for the published data.
    return f"{heading}\n{entry['test'].attrs['source']}" if "test" in entry else heading


def _results(entry: h5py.Group) -> list[tuple[float, Callable[[SubFigure], None]]]:
    """Return height and drawing of the results of a finished run, and of the loss of any."""
    if entry.attrs["status"] != "finished" or not {"prediction", "test"} & set(entry):
        return [(3.6, lambda part: _draw_loss(part.subplots(), entry))]
    if "prediction" in entry:
        return [(4.4, lambda part: _draw_predicted(part, entry))]
    return [
        (4.4, lambda part: _draw_learnt(part, entry)),
        (5.4, lambda part: draw_confusion(part.subplots(), entry)),
    ]


def _draw_predicted(figure: SubFigure, entry: h5py.Group) -> None:
    left, right = panels(figure, 1, 2, widths=(5, 4))
    _draw_prediction(left, entry)
    _draw_loss(right, entry)


def _draw_learnt(figure: SubFigure, entry: h5py.Group) -> None:
    left, right = panels(figure, 1, 2)
    draw_accuracy(left, entry)
    _draw_loss(right, entry)


def _draw_transfer(figure: SubFigure, group: h5py.Group, name: str) -> None:
    draw_write_verify(figure, group)
    if name:
        figure.suptitle(name)


def _draw_prediction(axes: Axes, entry: h5py.Group) -> None:
    group = entry["prediction"]
    # The last month is December 1960, however many months before it are predicted.
    years = 1961 - np.arange(group["month"].size, 0, -1) / 12
    training = group["training"][:].astype(bool)
    boundary = years[training][-1]
    axes.axvspan(boundary, years[-1], color="0.93", linewidth=0, label="test months")
    axes.plot(years, group["passengers"][:], color=GREY, label="data")
    axes.plot(years, group["predicted"][:], color=ORANGE, label="array")
    attributes = entry.attrs
    axes.set_title(
        f"RMSE train {attributes['metrics.train_rmse']:.1f}, "
        f"test {attributes['metrics.test_rmse']:.1f}\n"
        f"persistence {attributes['metrics.persistence_train_rmse']:.1f}, "
        f"{attributes['metrics.persistence_test_rmse']:.1f} (thousand)"
    )
    axes.set_xlabel("Year")
    axes.set_ylabel("Passengers (thousand)")
    whole_numbers(axes.xaxis)
    legend_below(axes)


def _draw_loss(axes: Axes, entry: h5py.Group) -> None:
    loss = entry["training/loss"][:]
    axes.plot(1 + np.arange(loss.size), loss, color=BLUE, marker=marker(loss.size))
    # Less than a decade has few labels of its own on a logarithmic axis.
    if loss.size and loss.min() > 0.0 and loss.max() >= 10.0 * loss.min():
        axes.set_yscale("log")
    whole_numbers(axes.xaxis)
    axes.set_title("Training loss")
    axes.set_xlabel("Update")
    axes.set_ylabel("Mean squared error (1)" if "prediction" in entry else "Cross-entropy (1)")
