"""Labelled series as files have them: .ts and .tsv of the UCR and UEA archives, and .npz.

A `Labelled` is a list of series, each of shape (steps, channels) and of any number of steps, and
the label of each as text. Formats:

- `.ts` (Loening et al., sktime, arXiv:1909.07872): lines of `@` and `#`, then one series a line:
  channels between colons, values between commas, the class last;
- `.tsv`, `.txt`, `.csv` of the UCR archive (Dau et al., arXiv:1810.07758): the class, then one
  channel; shorter series end in NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from memlab.errors import DataError
from memlab.numeric import FloatArray

__all__ = ["TEXT", "Labelled", "number_classes", "read_table", "read_text"]

TEXT = (".ts", ".tsv", ".txt", ".csv")
"""Endings of the files that hold one part each, NAME_TRAIN and NAME_TEST."""

MOST_CLASSES = 255


@dataclass(frozen=True, eq=False)
class Labelled:
    """Series, each of shape (steps, channels), and the label of each."""

    x: list[FloatArray]
    label: list[str]


def read_text(path: Path) -> Labelled:
    """Read one part of a set of the archives.

    Raises
    ------
    DataError
        If it is no such file, or holds what is no number, gaps or time stamps.
    """
    return _read_ts(path) if path.suffix == ".ts" else _read_tsv(path)


def read_table(path: Path) -> list[tuple[str, FloatArray]]:
    """Read a table of the UCR archive: the class as it is written, and the values of each line.

    The archive has used tabs, commas and spaces over the years.
    """
    rows = []
    for number, line in enumerate(_lines(path), 1):
        words = line.replace(",", " ").split()
        if words:
            rows.append((words[0], _numbers(path, number, words[1:])))
    return rows


def _read_tsv(path: Path) -> Labelled:
    x, label = [], []
    for number, (name, values) in enumerate(read_table(path), 1):
        there = np.flatnonzero(~np.isnan(values))
        x.append(_checked(path, number, values[: there[-1] + 1 if there.size else 0, np.newaxis]))
        label.append(_plain(name))
    return _whole(path, x, label)


def _read_ts(path: Path) -> Labelled:
    lines = iter(enumerate(_lines(path), 1))
    declared: list[str] = []
    for number, line in lines:
        head = line.strip().lower().split()
        if head[:1] == ["@data"]:
            break
        if head[:2] == ["@timestamps", "true"]:
            raise DataError(f"{path}, line {number}: series with time stamps are not read")
        if head[:2] in (["@classlabel", "false"], ["@targetlabel", "true"]):
            raise DataError(f"{path}, line {number}: the series have no classes")
        if head[:2] == ["@classlabel", "true"]:
            declared = [_plain(one) for one in line.split()[2:]]
    else:
        raise DataError(f"{path} has no line @data; is it a .ts file?")
    x, label = [], []
    for number, line in lines:
        if not line.strip():
            continue
        *channels, name = line.strip().split(":")
        if channels and not name.strip():
            raise DataError(f"{path}, line {number}: no class at its end; is the file cut off?")
        columns = [_numbers(path, number, channel.split(",")) for channel in channels]
        if not columns or len({column.size for column in columns}) > 1:
            sizes = ", ".join(str(column.size) for column in columns) or "no values"
            raise DataError(f"{path}, line {number}: channels must be alike long, not {sizes}")
        if declared and _plain(name) not in declared:
            raise DataError(
                f"{path}, line {number}: class {_plain(name)} is none of those that @classLabel "
                f"names: {', '.join(declared)}"
            )
        x.append(_checked(path, number, np.stack(columns, axis=1)))
        label.append(_plain(name))
    return _whole(path, x, label)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path}: {error}") from error


def _numbers(path: Path, line: int, words: Sequence[str]) -> FloatArray:
    try:
        return np.array([np.nan if word == "?" else word for word in words], np.float64)
    except ValueError as error:
        raise DataError(f"cannot read {path}, line {line}: {error}") from error


def _checked(path: Path, line: int, series: FloatArray) -> FloatArray:
    if not series.size or not np.isfinite(series).all():
        raise DataError(
            f"{path}, line {line}: a series must be finite numbers without gaps; fill them first"
        )
    return series


def _plain(label: str) -> str:
    """Return a label as people write it: the archives also have 1.0000000e+00 for 1."""
    try:
        number = float(label)
    except ValueError:
        return label.strip()
    return str(int(number)) if number.is_integer() else label.strip()


def _whole(path: Path, x: list[FloatArray], label: list[str]) -> Labelled:
    channels = {series.shape[1] for series in x}
    if len(channels) != 1:
        raise DataError(f"{path}: series must have as many channels, found {sorted(channels)}")
    return Labelled(x, label)


def number_classes(
    where: Path, labels: Sequence[str]
) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """Return the number of each label's class, and the classes: as numbers rise, else as letters.

    Raises
    ------
    DataError
        If there are fewer than two, or more than 255.
    """

    def order(label: str) -> tuple[float, str]:
        return (float(label) if label.lstrip("-").isdigit() else np.inf, label)

    classes = tuple(sorted(set(labels), key=order))
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise DataError(f"{where}: {len(classes)} classes; allowed: 2 to {MOST_CLASSES}")
    number = {label: k for k, label in enumerate(classes)}
    return np.array([number[label] for label in labels], np.uint8), classes
