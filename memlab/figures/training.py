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
from memlab.figures.style import BLUE, GREY, ORANGE, new_figure, save_figure
from memlab.figures.traces import code_groups, draw_traces
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
        parts: list[Callable[[SubFigure], None]] = [lambda part: _draw_results(part, entry)]
        if blocks:
            parts.append(lambda part: draw_weights(part, entry, blocks))
        for number, group in enumerate(transfers):
            if not group["read"].size:
                continue
            name = f"Array {number}" if len(transfers) > 1 else ""
            parts.append(partial(_draw_transfer, group=group, name=name))
        if codes:
            parts.append(lambda part: draw_traces(part, entry, codes))
        figure = new_figure(width=9.0, height=0.2 + 3.1 * len(parts))
        for draw, part in zip(
            parts, figure.subfigures(len(parts), 1, squeeze=False)[:, 0], strict=True
        ):
            draw(part)
        figure.suptitle(_title(entry), fontsize="medium")
    save_figure(figure, picture)


def _title(entry: h5py.Group) -> str:
    attributes = entry.attrs
    title = f"{attributes['title']}, chip seed {attributes['seed']}, {attributes['board']}"
    if attributes["status"] != "finished":
        title += f" ({attributes['status']})"
    # What was learnt belongs on the picture: a stand-in must not pass for the published data.
    return f"{title}\n{entry['test'].attrs['source']}" if "test" in entry else title


def _draw_results(figure: SubFigure, entry: h5py.Group) -> None:
    """Draw the results of a finished run, and the loss of any."""
    if entry.attrs["status"] != "finished":
        axes = figure.subplots()
    elif "prediction" in entry:
        left, axes = figure.subplots(1, 2, width_ratios=(3, 2))
        _draw_prediction(left, entry)
    else:
        left, middle, axes = figure.subplots(1, 3)
        draw_accuracy(left, entry)
        draw_confusion(middle, entry)
    _draw_loss(axes, entry)


def _draw_transfer(figure: SubFigure, group: h5py.Group, name: str) -> None:
    draw_write_verify(figure, group)
    if name:
        figure.suptitle(name, fontsize="medium")


def _draw_prediction(axes: Axes, entry: h5py.Group) -> None:
    group = entry["prediction"]
    # The last month is December 1960, however many months before it are predicted.
    years = 1961 - np.arange(group["month"].size, 0, -1) / 12
    training = group["training"][:].astype(bool)
    boundary = years[training][-1]
    axes.axvspan(boundary, years[-1], color="0.93", linewidth=0, label="test months")
    axes.plot(years, group["passengers"][:], color=GREY, linewidth=1.2, label="data")
    axes.plot(years, group["predicted"][:], color=ORANGE, linewidth=1.2, label="array")
    attributes = entry.attrs
    axes.set_title(
        f"RMSE train {attributes['metrics.train_rmse']:.1f}, "
        f"test {attributes['metrics.test_rmse']:.1f}\n"
        f"persistence {attributes['metrics.persistence_train_rmse']:.1f}, "
        f"{attributes['metrics.persistence_test_rmse']:.1f} (thousand)",
        fontsize="small",
    )
    axes.set_xlabel("Year")
    axes.set_ylabel("Passengers (thousand)")
    axes.legend(loc="upper left")


def _draw_loss(axes: Axes, entry: h5py.Group) -> None:
    loss = entry["training/loss"][:]
    axes.plot(1 + np.arange(loss.size), loss, color=BLUE, linewidth=1.0)
    if loss.size and (loss > 0).all():
        axes.set_yscale("log")
    axes.set_title("Training loss", fontsize="small")
    axes.set_xlabel("Update")
    axes.set_ylabel("Mean squared error (1)" if "prediction" in entry else "Cross-entropy (1)")
