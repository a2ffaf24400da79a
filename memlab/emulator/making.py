"""Emulated boards as URLs and `memlab board serve` ask for them: with faults, kept in a file."""

from __future__ import annotations

from drivers.faults.options import Faults
from memlab.emulator.board import EmulatedBoard
from memlab.emulator.chip_file import ChipFile
from memlab.emulator.preset import ChipPreset

__all__ = ["make_board"]


def make_board(
    preset: ChipPreset, seed: int, faults: Faults, file: ChipFile | None = None
) -> EmulatedBoard:
    """Return an emulated board in which these things go wrong.

    Parameters
    ----------
    preset, seed
        As for `EmulatedBoard`; a chip in a file has its own.
    faults
        What goes wrong.
    file
        Where the chip is kept; the board's from now on, and let go of where this fails.
    """
    try:
        if file is not None:
            preset, seed = file.identity.preset, file.identity.seed
        if not faults:
            return EmulatedBoard(preset, seed, file=file)
        from memlab.emulator.faulty_board import FaultyEmulatedBoard

        return FaultyEmulatedBoard(preset, seed, faults, file)
    except BaseException:
        if file is not None:
            file.close()
        raise
