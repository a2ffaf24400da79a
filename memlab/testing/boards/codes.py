"""Voltages, pulses and readings that the contract suite of boards is made of.

The suite thinks in volts, seconds and siemens; what these are in codes a board says itself, in its
capabilities (`Words`). Boards without gates are asked the same, less what gates alone can do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from drivers.board import (
    Board,
    BoardConfig,
    Capabilities,
    LineClass,
    Mode,
    PulseBatch,
    PulseKind,
    Samples,
    Selection,
)
from drivers.capabilities import Products
from drivers.converter import CodeRange, Codes

SET, RESET = PulseKind.SET, PulseKind.RESET
READ_VOLTAGE, SET_VOLTAGE, RESET_VOLTAGE = 0.2, 2.5, 1.7
"""In V; a read may be negative, too."""
WEAK_GATE, STRONG_GATE, OPEN_GATE = 0.8, 1.6, 5.0
"""Gate voltages (V); boards without gates have none of them."""
STRONG_CURRENT = 60e-6
"""A of a cell that was SET with the strong gate, at most, at the read voltage."""
NOISE = 3e-6
"""Conductance in S by which an untouched cell of a chip with noise may seem to change."""

CELLS = Selection(np.array([2, 3, 4]), np.array([1, 2, 5, 6]))
"""The cells that the suite looks at: neighbours and a gap, more columns than rows."""

Entry = tuple[int, PulseKind, list[int], float]


@dataclass(frozen=True)
class Words:
    """What the voltages and widths of the suite are in the codes of one board.

    Parameters
    ----------
    able
        What the board says of itself.
    """

    able: Capabilities

    @property
    def zero(self) -> int:
        """Row code of 0 V."""
        return self.able.row.zero_code

    def row(self, voltage: float) -> int:
        """Return the row code of a voltage (V)."""
        return int(self.able.row.encode(voltage))

    @property
    def read(self) -> int:
        """Row code of the read voltage."""
        return self.row(READ_VOLTAGE)

    @property
    def read_negative(self) -> int:
        """Row code of minus the read voltage."""
        return self.row(-READ_VOLTAGE)

    def gate(self, voltage: float) -> int:
        """Return the gate code of a voltage (V); 0 where there are no gates."""
        return 0 if self.able.gate is None else int(self.able.gate.encode(voltage))

    def amplitude(self, kind: PulseKind) -> int:
        """Return the code of the amplitude: of columns in a SET, of the row in a RESET."""
        if kind == SET:
            return int(self.able.column.encode(SET_VOLTAGE))
        return self.row(RESET_VOLTAGE)

    @property
    def width(self) -> int:
        """Ticks of 1 us, or of what comes next to it."""
        timer = self.able.timer
        return max(2, int(timer.ticks(min(max(1e-6, timer.minimum), timer.maximum))))

    @property
    def widths(self) -> tuple[int, int]:
        """Fewest and most ticks that the suite allows: about a twentieth, and five times these."""
        most = min(max(5 * self.width - 10, self.width + 2), self.able.maximum_ticks - 1)
        return min(max(self.width // 20, 1), most), most

    @cached_property
    def config(self) -> BoardConfig:
        """Spans, and limits that allow just what the suite does."""
        able = self.able
        column, gate = able.column.zero_code, self.gate(OPEN_GATE)
        limits = {
            (LineClass.ROW, Mode.READ): CodeRange(self.read_negative, self.read),
            (LineClass.COLUMN, Mode.READ): CodeRange(column, column),
            (LineClass.GATE, Mode.READ): CodeRange(0, gate),
            (LineClass.ROW, Mode.SET): CodeRange(self.zero, self.zero),
            (LineClass.COLUMN, Mode.SET): CodeRange(column, self.amplitude(SET)),
            (LineClass.GATE, Mode.SET): CodeRange(0, gate),
            (LineClass.ROW, Mode.RESET): CodeRange(self.zero, self.amplitude(RESET)),
            (LineClass.COLUMN, Mode.RESET): CodeRange(column, column),
            (LineClass.GATE, Mode.RESET): CodeRange(0, gate),
        }
        fewest, most = self.widths
        return BoardConfig(
            spans={line: able.converter(line) for line in able.lines},
            limits={key: codes for key, codes in limits.items() if key[0] in able.lines},
            read_gate_code=gate,
            idle_row_code=self.zero,
            minimum_width_ticks=fewest,
            maximum_width_ticks=most,
            compliance=None if able.compliance is None else able.compliance[1],
        )

    @property
    def gains(self) -> range:
        """The gains that there are."""
        return range(1, len(self.able.transimpedance) + 1)

    @property
    def gain(self) -> int:
        """The highest gain that senses a cell which was SET with the strong gate."""
        most = [self.able.gain_threshold / R for R in self.able.transimpedance]
        return max(gain for gain in self.gains if most[gain - 1] >= STRONG_CURRENT)

    def current(self, samples: Samples) -> npt.NDArray[np.float64]:
        """Return currents from row to column in A, as codes and gains say."""
        per_code = np.array(self.able.current_per_code)[samples.gain.astype(np.intp) - 1]
        codes = samples.code.astype(np.float64) - self.able.sense.zero_code
        return np.asarray(codes * per_code)


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
    def resolution(self, closed_board: Board) -> float:
        """A that the board tells apart at the currents of the suite; one code, if not overridden.

        An instrument whose codes are a grid of 1 pA does not measure to 1 pA.
        """
        able = closed_board.capabilities
        return abs(able.current_per_code[Words(able).gain - 1])

    @pytest.fixture
    def tolerance(self, exact: bool) -> float:
        """Conductance in S by which an untouched cell may seem to change: 3 uS, or nothing."""
        return 0.0 if exact else NOISE

    @pytest.fixture
    def noise(self, exact: bool, resolution: float) -> int:
        """How many times the resolution a reading may be off for its noise, at any gain."""
        return 0 if exact else max(40, round(NOISE * READ_VOLTAGE / resolution))

    @pytest.fixture
    def closed_board(self, open_board: Callable[[], Board]) -> Iterator[Board]:
        """Yield a board that is open and not configured."""
        with open_board() as board:
            yield board

    @pytest.fixture
    def words(self, closed_board: Board) -> Words:
        """Return the codes of the board."""
        return Words(closed_board.capabilities)

    @pytest.fixture
    def board(self, closed_board: Board, words: Words) -> Board:
        """Return a configured board whose `CELLS` are in RESET."""
        closed_board.configure(words.config)
        columns = CELLS.columns.tolist()
        closed_board.pulse(
            pulses(closed_board, *((row, RESET, columns, OPEN_GATE) for row in (2, 3, 4)))
        )
        return closed_board

    @pytest.fixture
    def gated(self, closed_board: Board) -> None:
        """Skip where cells have no gates."""
        if closed_board.capabilities.gate is None:
            pytest.skip("the cells of this board have no gates")

    @pytest.fixture
    def multiplies(self, closed_board: Board) -> None:
        """Skip where the board does not multiply."""
        if closed_board.capabilities.products is Products.NONE:
            pytest.skip("this board multiplies no vectors")


def pulses(board: Board, *entries: Entry) -> PulseBatch:
    """Make a batch of (row, kind, columns, gate voltage), as wide as the board.

    An entry of more cells than the board pulses at once becomes several pulses.
    """
    able, words = board.capabilities, Words(board.capabilities)
    entries = tuple(
        (row, kind, part, gate)
        for row, kind, columns, gate in entries
        for part in _parts(columns, able.cells_at_once[kind])
    )
    lines = len(entries), able.columns
    n = len(entries)
    kinds = [entry[1] for entry in entries]
    batch = PulseBatch(
        row=np.array([entry[0] for entry in entries], np.uint16),
        kind=np.array(kinds, np.uint8),
        amplitude_code=np.array([words.amplitude(kind) for kind in kinds], able.row.dtype),
        width_ticks=np.full(n, words.width, np.uint16),
        columns=np.zeros(lines, bool),
        gate_code=np.zeros(lines, "uint16" if able.gate is None else able.gate.dtype),
    )
    for k, (_, _, columns, gate) in enumerate(entries):
        batch.columns[k, columns] = True
        batch.gate_code[k, columns] = words.gate(gate)
    return batch


def _parts(columns: list[int], most: int) -> list[list[int]]:
    if not most or not columns:
        return [columns]
    return [columns[first : first + most] for first in range(0, len(columns), most)]


def conductances(board: Board, selection: Selection = CELLS) -> npt.NDArray[np.float64]:
    """Read at the gain of strong cells, in S."""
    words = Words(board.capabilities)
    volts = float(board.capabilities.row.decode(words.read))
    return words.current(board.read(selection, words.read, words.gain)) / volts


def vectors(words: Words, n: int, rows: int = 3, seed: int = 0) -> Codes:
    """Return n vectors of row codes within the read limits, shape (n, rows)."""
    rng = np.random.default_rng(seed)
    codes: npt.NDArray[Any] = rng.integers(words.read_negative, words.read + 1, (n, rows))
    return codes.astype(words.able.row.dtype)
