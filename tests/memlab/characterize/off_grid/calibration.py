"""Calibrations of boards away from the data sheet: other chips below, few cells, hardly any error.

Of each seed one line counts: those of a board are found together, and share what they do not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from support.known_chips import chip

from memlab.array.board_array import BoardArray
from memlab.calibrate.measure import calibrate_array
from memlab.calibrate.settings import CalibrationSettings
from memlab.emulator import EmulatedBoard
from tests.memlab.characterize.off_grid.harness import Found, Setting
from tests.memlab.characterize.off_grid.truths import BOARD

__all__ = ["SETTINGS"]


@dataclass(frozen=True)
class BoardSetting(Setting):
    """A board and the cells below it.

    Parameters
    ----------
    cells
        Rows and columns, from the first, whose cells conduct; all by default.
    gates
        Range of the gate voltages (V) with which they were SET.
    """

    cells: tuple[int, int] | None = None
    gates: tuple[float, float] = (0.8, 1.6)

    def measure(self, procedure: str, seed: int) -> dict[str, Found]:
        """Calibrate a board of this seed; return what was found of one line of each kind."""
        board = EmulatedBoard(chip(self.preset, **self.chip), seed, self.shape)
        rng = np.random.default_rng(seed)
        rows, columns = self.cells or self.shape
        with BoardArray(board) as array:
            array[:rows, :columns].program(rng.uniform(*self.gates, (rows, columns)))
            settings = CalibrationSettings(**_thorough(self.settings))
            found = calibrate_array(array, settings)
        record, error, true = found.record, found.uncertainty, board.calibration
        # Voltages are against the mean of the rows that conduct.
        zero = true.row_offset[:rows].mean()
        row, column = seed % rows, seed % columns
        return {
            "row_offset": Found(
                record.row_offset[row], true.row_offset[row] - zero, error.row_offset[row]
            ),
            "amplifier_offset": Found(
                record.amplifier_offset[column],
                true.amplifier_offset[column] - zero,
                error.amplifier_offset[column],
            ),
            "adc_offset": Found(
                record.adc_offset[1, column],
                true.adc_offset[column] + zero / (10.0 / 65536.0),
                error.adc_offset[1, column],
            ),
            "transimpedance": Found(
                record.transimpedance[1, column],
                true.transimpedance[1, column],
                error.transimpedance[1, column],
            ),
        }


def _thorough(given: Mapping[str, object]) -> dict[str, object]:
    return {"target": 1e-9, "passes": 2, **given}


# Noisy, and with gain errors of the row drivers as large as a calibration takes them to be.
_BOARD = {
    **BOARD,
    "board__dac__gain": 8e-4,
    "board__amplifier__thermal_bandwidth": 1.571e6,
    "board__amplifier__voltage_noise": 4.3e-9,
}

SETTINGS = [
    BoardSetting("as the data sheets", chip={**_BOARD}, shape=(32, 16)),
    BoardSetting("one layer of a network", chip={**_BOARD}, shape=(40, 20), cells=(17, 12)),
    BoardSetting(
        "twice the errors, tall",
        chip={
            **_BOARD,
            "board__dac__offset": 1.4e-3,
            "board__amplifier__offset": 0.5e-3,
            "board__amplifier__mismatch": 3e-3,
        },
        shape=(48, 8),
    ),
    BoardSetting("poor conductors", chip={**_BOARD, "set_offset": -50e-6}, shape=(24, 16)),
    BoardSetting("cells alike", chip={**_BOARD}, shape=(32, 16), gates=(1.2, 1.3)),
    BoardSetting(
        "hardly any offsets",
        chip={**_BOARD, "board__dac__offset": 20e-6, "board__amplifier__offset": 10e-6},
        shape=(32, 16),
        settings={"passes": 3},
    ),
]
