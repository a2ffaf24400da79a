"""What a classification run found: how the accuracy grew, and the confusion matrix."""

from __future__ import annotations

import h5py
import numpy as np
from matplotlib.axes import Axes

from memlab.figures.panels import legend_below
from memlab.figures.style import BLUE, GREY, ORANGE, marker, whole_numbers

__all__ = ["draw_accuracy", "draw_confusion"]

WINDOW = 20
"""Batches over which the training accuracy is averaged."""

NUMBERED, NAMED = 12, 20
"""Classes up to which the matrix has numbers, and up to which each class is named."""


def draw_accuracy(axes: Axes, entry: h5py.Group) -> None:
    """Draw the accuracy on the batches of training, and on the test set where it was measured.

    Parameters
    ----------
    axes
        Where to draw.
    entry
        Entry of a finished run file with a `test` group.
    """
    batches = entry["training/accuracy"][:]
    if batches.size:
        window = min(WINDOW, batches.size)
        means = np.convolve(batches, np.full(window, 100.0 / window), mode="valid")
        label = "train" + (f", mean of {window} batches" if window > 1 else "")
        if "metrics.software_test_accuracy" in entry.attrs:
            label += " in software"
        updates = window + np.arange(means.size)
        axes.plot(updates, means, color=BLUE, marker=marker(means.size), label=label)
    if "accuracy" in entry and entry["accuracy/test"].size:
        epochs = entry["accuracy/epoch"][:]
        updates = np.searchsorted(entry["training/epoch"][:], epochs)
        test = 100.0 * entry["accuracy/test"][:]
        axes.plot(updates, test, color=ORANGE, marker="s", mfc="none", label="test, each epoch")
    last = 100.0 * float(entry.attrs["metrics.test_accuracy"])
    axes.axhline(last, color=GREY, linewidth=0.8, linestyle=":", label="test, at the end")
    axes.set_ylim(-2.0, 102.0)
    whole_numbers(axes.xaxis)
    axes.set_xlabel("Update")
    axes.set_ylabel("Accuracy (%)")
    legend_below(axes)
    axes.set_title(
        f"train {100 * float(entry.attrs['metrics.train_accuracy']):.1f} %, test {last:.1f} %, "
        f"balanced {100 * float(entry.attrs['metrics.test_balanced_accuracy']):.1f} %"
    )


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
