"""Codes by hand, pulses and readings that the contract suite of boards is made of.

A row or column at V is 32768 + V * 6553.6, a gate V * 6553.6 (spans of +/-5 V and 0 to 10 V); n
ticks last 0.16 us + n / 240 MHz (board reference 0.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from drivers.board import (
    Board,
    BoardConfig,
    LineClass,
    Mode,
    PulseBatch,
    PulseKind,
    Samples,
    Selection,
)
from drivers.converter import CodeRange
from drivers.published_board import SPANS

SET, RESET = PulseKind.SET, PulseKind.RESET
ZERO = 32768
"""Row or column code of 0 V, and ADC code of 0 V."""
READ = 34079
"""Row code of +0.2 V."""
READ_NEGATIVE = 31457
"""Row code of -0.2 V."""
SET_AMPLITUDE, RESET_AMPLITUDE = 49152, 43909
"""Column code of 2.5 V, row code of 1.7 V."""
WEAK_GATE, STRONG_GATE, OPEN_GATE = 5243, 10486, 32768
"""Gate codes of 0.8 V, 1.6 V and 5 V."""
WIDTH = 202
"""Ticks of 1 us."""

CONFIG = BoardConfig(
    spans=SPANS,
    limits={
        (LineClass.ROW, Mode.READ): CodeRange(READ_NEGATIVE, READ),
        (LineClass.COLUMN, Mode.READ): CodeRange(ZERO, ZERO),
        (LineClass.GATE, Mode.READ): CodeRange(0, OPEN_GATE),
        (LineClass.ROW, Mode.SET): CodeRange(ZERO, ZERO),
        (LineClass.COLUMN, Mode.SET): CodeRange(ZERO, SET_AMPLITUDE),
        (LineClass.GATE, Mode.SET): CodeRange(0, OPEN_GATE),
        (LineClass.ROW, Mode.RESET): CodeRange(ZERO, RESET_AMPLITUDE),
        (LineClass.COLUMN, Mode.RESET): CodeRange(ZERO, ZERO),
        (LineClass.GATE, Mode.RESET): CodeRange(0, OPEN_GATE),
    },
    read_gate_code=OPEN_GATE,
    idle_row_code=ZERO,
    minimum_width_ticks=10,
    maximum_width_ticks=1000,
)

CELLS = Selection(np.array([2, 3, 4]), np.array([1, 2, 5, 6]))
"""The cells that the suite looks at: neighbours and a gap, more columns than rows."""

Entry = tuple[int, PulseKind, list[int], int]


class BoardFixtures:
    """Where the boards of a suite come from: override `open_board`, and `exact` where it holds."""

    @pytest.fixture
    def open_board(self) -> Callable[[], Board]:
        """Return what opens the board under test: the same one, each time it is called."""
        raise NotImplementedError("override the fixture open_board in your subclass")

    @pytest.fixture
    def exact(self) -> bool:
        """Whether the board has neither noise nor drift, so that its codes repeat."""
        return False

    @pytest.fixture
    def code_tolerance(self, exact: bool) -> int:
        """ADC codes at gain 2 by which an untouched cell may seem to change: 3 uS, or nothing."""
        return 0 if exact else 40

    @pytest.fixture
    def closed_board(self, open_board: Callable[[], Board]) -> Iterator[Board]:
        """Yield a board that is open and not configured."""
        with open_board() as board:
            yield board

    @pytest.fixture
    def board(self, closed_board: Board) -> Board:
        """Return a configured board whose `CELLS` are in RESET."""
        closed_board.configure(CONFIG)
        columns = CELLS.columns.tolist()
        closed_board.pulse(
            pulses(closed_board, *((row, RESET, columns, OPEN_GATE) for row in (2, 3, 4)))
        )
        return closed_board


def pulses(board: Board, *entries: Entry) -> PulseBatch:
    """Make a batch of (row, kind, columns, gate code), as wide as the board."""
    lines = len(entries), board.capabilities.columns
    n = len(entries)
    batch = PulseBatch(
        row=np.array([entry[0] for entry in entries], np.uint16),
        kind=np.array([entry[1] for entry in entries], np.uint8),
        amplitude_code=np.array(
            [SET_AMPLITUDE if entry[1] == SET else RESET_AMPLITUDE for entry in entries], np.uint16
        ),
        width_ticks=np.full(n, WIDTH, np.uint16),
        columns=np.zeros(lines, bool),
        gate_code=np.zeros(lines, np.uint16),
    )
    for k, (_, _, columns, gate) in enumerate(entries):
        batch.columns[k, columns] = True
        batch.gate_code[k, columns] = gate
    return batch


def conductance_codes(board: Board, selection: Selection = CELLS) -> npt.NDArray[Any]:
    """Read at gain 2, as codes that rise with the conductance."""
    return ZERO - board.read(selection, READ, 2).code.astype(int)


def current(board: Board, samples: Samples) -> npt.NDArray[Any]:
    """Currents in A: I = -V_adc / R (board reference 0.1)."""
    resistance = np.array(board.capabilities.transimpedance)[samples.gain - 1]
    amperes: npt.NDArray[Any] = -(samples.code.astype(float) - ZERO) * 10 / 65536 / resistance
    return amperes


def vectors(n: int, rows: int = 3, seed: int = 0) -> npt.NDArray[np.uint16]:
    """Return n vectors of row codes within the read limits, shape (n, rows)."""
    rng = np.random.default_rng(seed)
    return rng.integers(READ_NEGATIVE, READ + 1, (n, rows)).astype(np.uint16)
