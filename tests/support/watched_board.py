"""A Board that passes everything on and remembers what reached the chip."""

from typing import Self

import numpy as np

from drivers.board import (
    AUTO_GAIN,
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
from drivers.history import History
from drivers.owner import Owner

# Written down here a second time on purpose: what no path may ever exceed, in V.
BOUNDS = {
    (LineClass.ROW, Mode.READ): (-1.0, 1.0),
    (LineClass.ROW, Mode.RESET): (0.0, 5.0),
    (LineClass.COLUMN, Mode.SET): (0.0, 5.0),
    (LineClass.GATE, Mode.READ): (0.0, 5.0),
    (LineClass.GATE, Mode.SET): (0.0, 5.0),
    (LineClass.GATE, Mode.RESET): (0.0, 5.0),
}


class WatchedBoard:
    """Notes what reaches the board below, and in `violations` what lies beyond `bounds`.

    Parameters
    ----------
    board
        Where everything goes.
    bounds
        Lowest and highest voltage by line and mode.
    """

    def __init__(self, board: Board, bounds: dict = BOUNDS) -> None:
        self.board = board
        self.bounds = dict(bounds)
        self.config: BoardConfig | None = None
        self.reads: list[Selection] = []
        self.vectors = 0
        self.pulses: list[PulseBatch] = []
        self.grounds = 0
        self.violations: list[str] = []
        """Not raised where they happen: firmware would make a fault of the board of it."""

    @property
    def capabilities(self) -> Capabilities:
        return self.board.capabilities

    def configure(self, config: BoardConfig) -> None:
        self.config = config
        self.board.configure(config)

    def read(self, selection: Selection, row_code: int, gain: int = AUTO_GAIN) -> Samples:
        self._see(LineClass.ROW, Mode.READ, np.array([row_code]))
        self._see_gate()
        self.reads.append(selection)
        return self.board.read(selection, row_code, gain)

    def vmm(self, selection: Selection, row_code: np.ndarray, gain: int = AUTO_GAIN) -> Samples:
        self._see(LineClass.ROW, Mode.READ, row_code)
        self._see_gate()
        self.vectors += len(row_code)
        return self.board.vmm(selection, row_code, gain)

    @property
    def owner(self) -> Owner:
        return self.board.owner

    # What a board on a wire would say, whatever is below.
    simulation = None
    wire = None

    def status(self) -> dict:
        return self.board.status()

    @property
    def life(self) -> str:
        return self.board.life

    def history(self, count: int | None = None) -> History | None:
        return self.board.history(count)

    @property
    def others_pulsed(self) -> str:
        return self.board.others_pulsed

    def ticket(self, pulses: PulseBatch, name: str = "") -> str:
        return self.board.ticket(pulses, name)

    def fate(self, ticket: str) -> np.ndarray | None:
        return self.board.fate(ticket)

    def pulse(self, pulses: PulseBatch, ticket: str = "") -> None:
        is_set = pulses.kind == PulseKind.SET
        self._see(LineClass.COLUMN, Mode.SET, pulses.amplitude_code[is_set])
        self._see(LineClass.ROW, Mode.RESET, pulses.amplitude_code[~is_set])
        for mode, which in ((Mode.SET, is_set), (Mode.RESET, ~is_set)):
            self._see(LineClass.GATE, mode, pulses.gate_code[which][pulses.columns[which]])
        self.pulses.append(pulses)
        self.board.pulse(pulses, ticket)

    def ground(self) -> None:
        self.grounds += 1
        self.board.ground()

    def close(self) -> None:
        self.board.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _see_gate(self) -> None:
        assert self.config is not None
        self._see(LineClass.GATE, Mode.READ, np.array([self.config.read_gate_code]))

    def _see(self, line: LineClass, mode: Mode, codes: np.ndarray) -> None:
        assert self.config is not None
        if codes.size:
            volts = self.config.spans[line].decode(codes)
            low, high = self.bounds[line, mode]
            if not (low <= volts.min() and volts.max() <= high):
                self.violations.append(
                    f"{volts.min()}..{volts.max()} V reached a {line.name} in {mode.name}"
                )
