"""The law of a SET that write-and-verify starts from: stated by a preset, or measured."""

from __future__ import annotations

from collections.abc import Sequence

from memlab.array import Array
from memlab.emulator import ChipPreset
from memlab.experiments.config import LawSource, WriteVerifyConfig
from memlab.mapping import SwitchingLaw, measure_switching_law
from memlab.numeric import BoolArray

__all__ = ["find_law"]


def find_law(
    array: Array,
    config: WriteVerifyConfig,
    chip: ChipPreset,
    cells: BoolArray,
    views: Sequence[Array] = (),
) -> SwitchingLaw:
    """Return the law that cells are programmed with.

    Parameters
    ----------
    array
        The array; with `law=measured` some of its cells are pulsed.
    config
        Says where the law comes from, and the range of gate voltages.
    chip
        What is on a board that does not say it.
    cells
        Boolean mask, shape (rows, columns), of the cells that may be pulsed.
    views
        Views that are read in its place, under whose loads the cells are used.
    """
    if config.law is LawSource.MEASURED and cells.any():
        return measure_switching_law(
            array, config.gate_minimum, config.gate_maximum, cells=cells, views=views
        )
    return array.stated_law or SwitchingLaw.of(chip)
