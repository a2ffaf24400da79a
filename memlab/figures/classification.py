"""What a classification run found: how the accuracy grew, and the confusion matrix."""

from __future__ import annotations

import h5py
import numpy as np
from matplotlib.axes import Axes

from memlab.figures.style import BLUE, GREY, ORANGE

__all__ = ["draw_accuracy", "draw_confusion"]

WINDOW = 20
"""Batches over which the training accuracy is averaged."""


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
        label = f"train, mean of {window} batches"
        if "metrics.software_test_accuracy" in entry.attrs:
            label += " in software"
        axes.plot(window + np.arange(means.size), means, color=BLUE, linewidth=1.0, label=label)
    if "accuracy" in entry and entry["accuracy/test"].size:
        epochs = entry["accuracy/epoch"][:]
        updates = np.searchsorted(entry["training/epoch"][:], epochs)
        test = 100.0 * entry["accuracy/test"][:]
        axes.plot(updates, test, color=ORANGE, linewidth=1.2, marker=".", label="test, each epoch")
    last = 100.0 * float(entry.attrs["metrics.test_accuracy"])
    axes.axhline(last, color=GREY, linewidth=0.8, linestyle=":", label="test, at the end")
    axes.set_ylim(0.0, 100.0)
    axes.set_xlabel("Update")
    axes.set_ylabel("Accuracy (%)")
    axes.legend(loc="lower right", fontsize="x-small")
    axes.set_title(
        f"train {100 * float(entry.attrs['metrics.train_accuracy']):.1f} %, test {last:.1f} %, "
        f"balanced {100 * float(entry.attrs['metrics.test_balanced_accuracy']):.1f} %",
        fontsize="small",
    )


def draw_confusion(axes: Axes, entry: h5py.Group) -> None:
    """Draw the confusion matrix of the test set, in percent of each true class."""
    confusion = entry["test/confusion"][:]
    percent = 100.0 * confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    axes.imshow(percent, cmap="Blues", vmin=0.0, vmax=100.0)
    names = [name.decode() for name in entry["test/class"][:]]
    ticks = np.arange(len(names))
    axes.set_xticks(ticks, names, fontsize="x-small", rotation=90 if len(names[0]) > 3 else 0)
    axes.set_yticks(ticks, names, fontsize="x-small")
    for (row, column), value in np.ndenumerate(percent):
        if value >= 0.5:
            color = "white" if value > 50 else "black"
            text = axes.text(column, row, f"{value:.0f}", color=color, fontsize=5)
            text.set(ha="center", va="center")
    axes.set_xlabel("Found")
    axes.set_ylabel("True")
    axes.set_title("Test set, % of each true class", fontsize="small")
