"""The virtual board's hardware side: what the firmware asks for, done by any `drivers.board.Board`.

`BoardExecutor` carries out the requests of MLP/1, `DpeFirmware` those of the published ASCII
dialect; both pass codes to the same `Board` calls as a program in the same process would, so the
emulator gives the same codes over a wire. How the bytes travel is `memlab.emulator.serve`.
"""

from memlab.emulator.firmware.dpe import DpeFirmware
from memlab.emulator.firmware.events import BoardEvent, Fired, OutputsChanged, json_lines
from memlab.emulator.firmware.executor import BoardExecutor
from memlab.emulator.firmware.hard_limits import HARD_LIMITS

__all__ = [
    "HARD_LIMITS",
    "BoardEvent",
    "BoardExecutor",
    "DpeFirmware",
    "Fired",
    "OutputsChanged",
    "json_lines",
]
