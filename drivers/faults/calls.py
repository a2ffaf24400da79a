"""The calls of a board in which something goes wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

import numpy as np

from drivers import stopping
from drivers.board import AUTO_GAIN, BoardConfig, Capabilities, PulseBatch, Samples, Selection
from drivers.checked_board import CheckedBoard
from drivers.converter import Codes
from drivers.dpe_board import DpeBoard
from drivers.faults.cable import Cable
from drivers.faults.options import Faults
from drivers.serial_board import SerialBoard

__all__ = ["FaultyCalls", "FaultyDpeBoard", "FaultySerialBoard"]


class FaultyCalls(CheckedBoard):
    """Counts the calls of a board, and lets go wrong what it was told; goes before its class."""

    _faults = Faults()
    _cable: Cable
    _calls = 0

    def make_faulty(self, faults: Faults, cable: Cable | None = None) -> Self:
        """Let things go wrong from now on, on this cable if there is one; returns the board."""
        self._faults = faults
        if cable is not None:
            self._cable = cable
        return self

    @property
    def capabilities(self) -> Capabilities:
        """Identity and abilities; the name says what is wrong."""
        able = super().capabilities  # of the class behind this one
        return replace(able, name=f"{able.name} with faults {self._faults}")

    def configure(self, config: BoardConfig) -> None:
        """Apply spans, limits and timing."""
        with self.owner.turn():
            self._suffer("configuring")
            super().configure(config)

    def read(self, selection: Selection, row_code: int, gain: int = AUTO_GAIN) -> Samples:
        """Drive the selected rows one after the other, and sense."""
        with self.owner.turn():
            self._suffer("reading")
            return self._stuck(super().read(selection, row_code, gain), selection)

    def vmm(self, selection: Selection, row_code: Codes, gain: int = AUTO_GAIN) -> Samples:
        """Apply each vector of row codes, and sense."""
        with self.owner.turn():
            self._suffer("multiplying")
            return self._stuck(super().vmm(selection, row_code, gain), selection)

    def pulse(self, pulses: PulseBatch, ticket: str = "") -> None:
        """Fire the pulses in order."""
        with self.owner.turn():
            self._suffer("pulsing", pulses)
            super().pulse(pulses, ticket)

    def _suffer(self, doing: str, pulses: PulseBatch | None = None) -> None:
        """Let happen what is due in this call."""
        faults = self._faults
        self._calls += 1
        if faults.delay:
            stopping.sleep(faults.delay)
        if faults.drop_after is not None and self._calls > faults.drop_after:
            self._end_line(doing, pulses)
        if faults.silent_after is not None and self._calls > faults.silent_after:
            self._cable.silent = True

    def _stuck(self, samples: Samples, selection: Selection) -> Samples:
        stuck = self._faults.stuck_column
        if stuck is None or stuck not in selection.columns:
            return samples
        code = np.where(selection.columns == stuck, self._faults.stuck_code, samples.code)
        return samples._replace(code=code.astype(np.uint16))

    def _end_line(self, doing: str, pulses: PulseBatch | None) -> None:
        """End the line in this call, the first of those behind `drop_after` or a later one.

        On a wire the cable is pulled, and the driver does what it always does then.
        """
        assert self._faults.drop_after is not None
        if self._calls == self._faults.drop_after + 1:
            self._cable.pull()


class FaultySerialBoard(FaultyCalls, SerialBoard):
    """A board that speaks MLP/1, on a bad cable."""


class FaultyDpeBoard(FaultyCalls, DpeBoard):
    """A board that speaks the published dialect, on a bad cable."""
