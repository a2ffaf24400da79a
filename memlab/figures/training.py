"""The picture of a training run: what was predicted, and how the loss fell."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memlab.figures.classification import draw_accuracy, draw_confusion
from memlab.figures.style import BLUE, GREY, ORANGE, new_figure
from memlab.figures.weights import block_groups, draw_weights
from memlab.figures.write_verify import draw_write_verify

__all__ = ["plot_training_run"]


def plot_training_run(run: Path, png: Path) -> None:
    """Draw what a finished run predicted or classified, its loss curve, and its cells.

    Parameters
    ----------
    run
        A run file of `memlab train`.
    png
        Picture to write; an existing one is replaced.
    """
    with h5py.File(run, "r") as file:
        entry = file["entry"]
        blocks = block_groups(entry)
        transfers = [entry[name] for name in entry if name.startswith("transfer")]
        two_rows = bool(blocks or transfers)
        figure = new_figure(width=9.0, height=6.5 if two_rows else 3.2)
        top, *rest = figure.subfigures(2 if two_rows else 1, 1, squeeze=False)[:, 0]
        if "prediction" in entry:
            left, right = top.subplots(1, 2, width_ratios=(3, 2))
            _draw_prediction(left, entry)
        else:
            left, middle, right = top.subplots(1, 3)
            draw_accuracy(left, entry)
            draw_confusion(middle, entry)
        _draw_loss(right, entry)
        if blocks:
            draw_weights(rest[0], entry, blocks)
        elif transfers:
            draw_write_verify(rest[0], transfers[0])
        figure.suptitle(
            f"{entry.attrs['title']}, chip seed {entry.attrs['seed']}, {entry.attrs['board']}",
            fontsize="medium",
        )
    _save(figure, png)


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


def _save(figure: Figure, png: Path) -> None:
    figure.savefig(png, dpi=150)
