"""A board that answers at once with fixed codes: what is left is the speed of the program itself.

Requests are checked as those of any board. Each column always reads the same code, in the gain that
was asked for, the second one for automatic gain; pulses change nothing.
"""

from __future__ import annotations

import numpy as np

from drivers.board import BoardConfig, PulseBatch, Samples, Selection
from drivers.checked_board import CheckedBoard
from drivers.converter import Codes
from drivers.published_board import SENSE, published_capabilities

__all__ = ["MockBoard"]

_STEP, _FIRST = 40, 2000
"""Codes between two columns, and from the middle to the first: some 100 uS at 0.2 V."""


class MockBoard(CheckedBoard):
    """A board without a chip (a `drivers.board.Board`).

    Parameters
    ----------
    shape
        (rows, columns) that it says it has.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__()
        self._capabilities = published_capabilities("memlab mock board", "mock", "none", shape)
        codes = SENSE.zero_code - _FIRST - _STEP * (np.arange(shape[1]) % 64)
        self._codes = codes.astype(SENSE.dtype)

    def ground(self) -> None:
        """Do nothing: there is no line."""
        self._require_open()

    def close(self) -> None:
        """Let go; calling it again does nothing."""
        self._closed = True

    def _configure(self, config: BoardConfig) -> None:
        return

    def _read(self, selection: Selection, row_code: int, gain: int, config: BoardConfig) -> Samples:
        return self._answer(selection, selection.rows.size, gain)

    def _vmm(
        self,
        selection: Selection,
        row_code: Codes,
        gain: int,
        config: BoardConfig,
    ) -> Samples:
        return self._answer(selection, len(row_code), gain)

    def _pulse(self, pulses: PulseBatch, config: BoardConfig, ticket: str) -> None:
        return

    def _answer(self, selection: Selection, vectors: int, gain: int) -> Samples:
        shape = (vectors, selection.columns.size)
        code = np.broadcast_to(self._codes[selection.columns], shape).copy()
        return Samples(code=code, gain=np.full(shape, gain or 2, np.uint8))
