"""An emulated board in which something goes wrong on purpose (`drivers.faults`)."""

from __future__ import annotations

import numpy as np

from drivers.board import BoardConfig, PulseBatch
from drivers.errors import PulseOutcomeUnknown, SupplyError, TransportError
from drivers.faults.calls import FaultyCalls
from drivers.faults.options import Faults
from memlab.emulator.board import EmulatedBoard
from memlab.emulator.chip_file import ChipFile
from memlab.emulator.preset import ChipPreset

__all__ = ["FaultyEmulatedBoard"]


class FaultyEmulatedBoard(FaultyCalls, EmulatedBoard):
    """An emulated board, in process or behind a virtual board's firmware.

    Parameters
    ----------
    preset, seed, file
        As of `EmulatedBoard`.
    faults
        What goes wrong.
    """

    def __init__(
        self,
        preset: ChipPreset,
        seed: int,
        faults: Faults,
        file: ChipFile | None = None,
    ):
        super().__init__(preset, seed, file=file)
        self.make_faulty(faults)
        self._fired = 0
        self._down = False

    def configure(self, config: BoardConfig) -> None:
        """Apply spans, limits and timing; the supply may be back."""
        with self.owner.turn():
            self._down = False
            super().configure(config)

    def _suffer(self, doing: str, pulses: PulseBatch | None = None) -> None:
        if self._down:
            raise _supply_failed()
        super()._suffer(doing, pulses)

    def _end_line(self, doing: str, pulses: PulseBatch | None) -> None:
        """Raise what a driver raises whose line is dead, and not back."""
        assert self._faults.drop_after is not None
        text = f"{self.capabilities.name}: the line died while {doing}, and is not back. "
        if pulses is not None and self._calls == self._faults.drop_after + 1:
            half = np.arange(len(pulses)) < len(pulses) / 2
            EmulatedBoard.pulse(self, pulses.only(half))
            text += "The fate of these pulses is open: read their cells. "
        raise TransportError(text + "Check cable and power of the board, then open it again")

    def _pulse(self, pulses: PulseBatch, config: BoardConfig, ticket: str) -> None:
        last = self._faults.brown_out_after
        left = len(pulses) if last is None else last - self._fired
        if not 0 <= left < len(pulses):
            self._fired += len(pulses)
            super()._pulse(pulses, config, ticket)
            return
        number = np.arange(len(pulses))
        if left:
            super()._pulse(pulses.only(number < left), config, ticket)
        self.ground()
        self._fired, self._down = len(pulses) + self._fired, True
        doubt = pulses.only(number == left)
        cells = [(int(doubt.row[k]), int(j)) for k, j in np.argwhere(doubt.columns)]
        failed = _supply_failed()
        raise PulseOutcomeUnknown(
            0, len(pulses), left, range(left, left + 1), cells, str(failed)
        ) from failed


def _supply_failed() -> SupplyError:
    return SupplyError(
        "the board has grounded itself and latched SUPPLY. Find out why, then configure() it"
    )
