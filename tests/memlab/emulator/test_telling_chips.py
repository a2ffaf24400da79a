"""Whether a file is a chip is told from its ends: a run of gigabytes is not read for it."""

import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import h5py
import pytest

from memlab import open_board
from memlab.array.passport_place import find_passport
from memlab.cli.report import _runs
from memlab.emulator.chip_file import is_chip, read_identity
from memlab.errors import MemlabError
from memlab.runs.hdf5 import LIBVER
from memlab.storage import seal

LARGE, MOST = 256 << 20, 2 << 20
"""Bytes of a file, almost all of which are a hole, and of what may be taken to tell what it is."""


def write_run(path: Path) -> None:
    """Write a file in the format of runs."""
    with h5py.File(path, "w", libver=LIBVER) as file:
        file.create_group("entry").attrs["title"] = "a long training"


def write_other(path: Path) -> None:
    """Write a file in the format of chips, which is none."""
    with h5py.File(path, "w") as file:
        file["x"] = [1, 2]


def write_chip(path: Path) -> None:
    """Write a chip, whose seal is in its middle once it is made longer."""
    open_board(f"emulator:?state={path}").close()


def grow(path: Path) -> None:
    """Put a hole behind the end of a file, where HDF5 does not look."""
    with path.open("r+b") as file:
        file.truncate(LARGE)


@pytest.mark.parametrize(
    ("write", "is_sealed"),
    [(write_run, False), (write_run, True), (write_other, False), (write_chip, False)],
)
@pytest.mark.parametrize("ask", [is_chip, read_identity, find_passport, lambda path: _runs([path])])
def test_a_large_file_that_is_no_chip_is_not_read(
    write: Callable[[Path], None],
    is_sealed: bool,
    ask: Callable[[Path], object],
    tmp_path: Path,
) -> None:
    path = tmp_path / "large.h5"
    write(path)
    grow(path)
    if is_sealed:
        seal(path)
    assert not is_chip(path)  # what is imported only now is not counted
    tracemalloc.start()
    try:
        with suppress(MemlabError):
            ask(path)
        assert tracemalloc.get_traced_memory()[1] < MOST
    finally:
        tracemalloc.stop()


def test_a_chip_is_told_by_its_ends_from_a_run(tmp_path: Path) -> None:
    chip, run = tmp_path / "chip.h5", tmp_path / "run.h5"
    write_chip(chip)
    write_run(run)
    seal(run)
    assert is_chip(chip)
    assert not is_chip(run)
