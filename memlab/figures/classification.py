"""What a classification run found: the confusion matrix, and the accuracy as it grew."""

from __future__ import annotations

import h5py
import numpy as np
from matplotlib.axes import Axes

from memlab.figures.style import GREY, ORANGE

__all__ = ["draw_classification"]


def draw_classification(axes: Axes, entry: h5py.Group) -> None:
    """Draw the accuracy after each epoch, and the confusion matrix as an inset.

    Parameters
    ----------
    axes
        Where to draw.
    entry
        Entry of a finished run file with a `test` group.
    """
    if "accuracy" in entry and entry["accuracy/test"].size:
        accuracy = 100.0 * entry["accuracy/test"][:]
        axes.plot(entry["accuracy/epoch"][:], accuracy, color=ORANGE, linewidth=1.2, label="test")
    last = 100.0 * float(entry.attrs["metrics.test_accuracy"])
    axes.axhline(last, color=GREY, linewidth=0.8, linestyle=":", label="test, last epoch")
    axes.set_ylim(0.0, 100.0)
    axes.set_xlabel("Epoch")
    axes.set_ylabel("Test accuracy (%)")
    axes.legend(loc="lower left", fontsize="small")
    axes.set_title(
        f"train {100 * float(entry.attrs['metrics.train_accuracy']):.1f} %, test {last:.1f} %, "
        f"balanced {100 * float(entry.attrs['metrics.test_balanced_accuracy']):.1f} %",
        fontsize="small",
    )
    confusion = entry["test/confusion"][:]
    rows = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    inset = axes.inset_axes((0.58, 0.1, 0.4, 0.55))
    inset.imshow(rows, cmap="Greys", vmin=0.0, vmax=1.0)
    inset.set_xticks([])
    inset.set_yticks([])
    inset.set_xlabel("found", fontsize="x-small")
    inset.set_ylabel("true", fontsize="x-small")
