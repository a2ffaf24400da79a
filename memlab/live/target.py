"""What `memlab live` was asked to show: told before anything of the browser is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from memlab.emulator.chip_file import is_chip
from memlab.errors import SettingError
from memlab.runs import open_run

__all__ = ["Sort", "Target", "target_of"]


class Sort(StrEnum):
    """What there are pages of."""

    RUN = "run"
    FOLDER = "folder"


@dataclass(frozen=True)
class Target:
    """A thing that has a page, and where it lies."""

    sort: Sort
    path: Path


def target_of(what: str) -> Target:
    """Return what a word of the command line names.

    Raises
    ------
    SettingError
        If there is nothing of that name.
    DataError
        If it is a file that has no page, or cannot be read.
    """
    path = Path(what)
    if path.is_dir():
        return Target(Sort.FOLDER, path)
    if not path.is_file():
        raise SettingError(f"there is no run file or directory {what}")
    if is_chip(path):
        raise SettingError(f"{path} is an emulated chip (state=FILE), and no run: name a run file")
    open_run(path)
    return Target(Sort.RUN, path)
