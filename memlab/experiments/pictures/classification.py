"""What a classification run found: how the accuracy grew, and the confusion matrix."""

from __future__ import annotations

from functools import partial

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from memlab.experiments.metrics import (
    BALANCED_ACCURACY,
    TEST_ACCURACY,
    TRAIN_ACCURACY,
    in_software,
)
from memlab.figures.declared import Part, draw_loss
from memlab.figures.panels import legend_below, panels
from memlab.figures.style import BLUE, GREY, ORANGE, marker, whole_numbers
from memlab.runs import Run

__all__ = ["class_parts", "draw_confusion"]

WINDOW = 20
"""Batches over which the training accuracy is averaged."""

NUMBERED, NAMED = 12, 20
"""Classes up to which the matrix has numbers, and up to which each class is named."""


def class_parts(run: Run, loss_name: str) -> list[Part]:
    """Return accuracy and loss, and the confusion matrix, of a finished run."""
    return [
        (4.4, partial(_draw_learnt, run=run, loss_name=loss_name)),
        (5.4, partial(_draw_classes, run=run)),
    ]


def _draw_learnt(figure: Figure | SubFigure, run: Run, loss_name: str) -> None:
    left, right = panels(figure, 1, 2)
    with run.entry() as entry:
        _draw_accuracy(left, run, entry)
    draw_loss(right, run, loss_name)


def _draw_classes(figure: Figure | SubFigure, run: Run) -> None:
    with run.entry() as entry:
        draw_confusion(figure.subplots(), entry)


def _draw_accuracy(axes: Axes, run: Run, entry: h5py.Group) -> None:
    """Draw the accuracy on the batches of training, and on the test set where it was measured."""
    batches = entry["training/accuracy"][:]
    if batches.size:
        window = min(WINDOW, batches.size)
        means = np.convolve(batches, np.full(window, 100.0 / window), mode="valid")
        label = "train" + (f", mean of {window} batches" if window > 1 else "")
        if in_software(TEST_ACCURACY) in run.findings:
            label += " in software"
        updates = window + np.arange(means.size)
        axes.plot(updates, means, color=BLUE, marker=marker(means.size), label=label)
    if "accuracy" in entry and entry["accuracy/test"].size:
        epochs = entry["accuracy/epoch"][:]
        updates = np.searchsorted(entry["training/epoch"][:], epochs)
        test = 100.0 * entry["accuracy/test"][:]
        axes.plot(updates, test, color=ORANGE, marker="s", mfc="none", label="test, each epoch")
    train, test, balanced = (
        100.0 * run.number(one) for one in (TRAIN_ACCURACY, TEST_ACCURACY, BALANCED_ACCURACY)
    )
    axes.axhline(test, color=GREY, linewidth=0.8, linestyle=":", label="test, at the end")
    axes.set_ylim(-2.0, 102.0)
    whole_numbers(axes.xaxis)
    axes.set_xlabel("Update")
    axes.set_ylabel("Accuracy (%)")
    legend_below(axes)
    axes.set_title(f"train {train:.1f} %, test {test:.1f} %, balanced {balanced:.1f} %")


def draw_confusion(axes: Axes, entry: h5py.Group) -> None:
    """Draw the confusion matrix of the test set, in percent of each true class."""
    confusion = entry["test/confusion"][:]
    percent = 100.0 * confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(percent, cmap="Blues", vmin=0.0, vmax=100.0)
    names = [name.decode() for name in entry["test/class"][:]]
    ticks = np.arange(len(names))
    step = -(-len(names) // NAMED)
    axes.set_xticks(ticks[::step], names[::step], rotation=90 if len(names[0]) > 3 else 0)
    axes.set_yticks(ticks[::step], names[::step])
    axes.set_xlabel("Found")
    axes.set_ylabel("True")
    axes.set_title(f"Test set, {int(confusion.sum())} items")
    axes.figure.colorbar(image, ax=axes, label="Share of each true class (%)")
    if len(names) > NUMBERED:
        return
    for (row, column), value in np.ndenumerate(percent):
        if value >= 0.5:
            color = "white" if value > 50 else "black"
            axes.text(column, row, f"{value:.0f}", color=color, ha="center", va="center")
