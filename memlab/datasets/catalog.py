"""What data sets there are, what is here, and how to get the rest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from memlab.datasets import gait, mnist, wafer
from memlab.datasets.store import MissingDataError, find_file

__all__ = ["CATALOG", "Entry", "Status", "look"]


@dataclass(frozen=True)
class Entry:
    """One data set: what it is, who needs it, which files it may lie in, how to get it."""

    title: str
    experiments: tuple[str, ...]
    files: tuple[str, ...]
    how_to_get: str


@dataclass(frozen=True)
class Status:
    """Whether a data set is here; `path` is None where memlab brings or makes it."""

    name: str
    present: bool
    path: Path | None
    entry: Entry


CATALOG = {
    "airline": Entry(
        "144 months of airline passengers (Box and Jenkins 1976)",
        ("airline", "airline-window"),
        (),
        "comes with memlab",
    ),
    "mnist": Entry(
        "70,000 handwritten digits (LeCun, Cortes, Burges; commonly given as CC BY-SA 3.0)",
        ("mnist-cnn", "mnist-sequence"),
        ("mnist8x8.npz", "mnist.npz", f"mnist/{mnist.IDX_FILES['x_train']}"),
        mnist.HOW,
    ),
    "gait": Entry(
        "silhouette widths of 8 walking persons (the authors' file, or a stand-in)",
        ("gait",),
        tuple(gait.FILES),
        gait.HOW,
    ),
    "gait-synthetic": Entry(
        "SYNTHETIC gait with the statistics of recorded people",
        ("gait",),
        (),
        "made by memlab: --set data.source=synthetic",
    ),
    "wafer": Entry(
        "wafer etching, normal or abnormal (UCR archive; cite it)",
        ("wafer",),
        ("wafer.npz", wafer.TSV[0], f"Wafer/{wafer.TSV[0]}"),
        wafer.HOW,
    ),
}
"""The data sets by name."""


def look(name: str, where: str | Path | None = None) -> Status:
    """Look whether a data set is here; loads and downloads nothing."""
    entry = CATALOG[name]
    if not entry.files:
        return Status(name, True, None, entry)
    try:
        return Status(name, True, find_file(name, entry.files, where, entry.how_to_get), entry)
    except MissingDataError:
        return Status(name, False, None, entry)
