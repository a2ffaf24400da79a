"""A board as two source-meters and a switch matrix would be: volts and amperes, cell by cell."""

import numpy as np

from drivers.board import BoardConfig, Capabilities, PulseBatch, PulseKind, Samples, Selection
from drivers.capabilities import CallBytes, Products, Rest
from drivers.checked_board import CheckedBoard
from drivers.converter import Codes, grid

VOLTS = grid("SOURCE", 20.0, 1e-6, "V")
AMPERES = grid("METER", 0.1, 1e-12, "A")


class InstrumentBoard(CheckedBoard):
    """Cells without gates; a SET leaves `level` siemens, a RESET nothing.

    Parameters
    ----------
    shape
        (rows, columns).
    level
        Conductance that a SET leaves, in S, same shape.
    products
        How it multiplies.
    """

    def __init__(
        self, shape: tuple[int, int], level: np.ndarray, products: Products = Products.SUMMED
    ):
        super().__init__()
        self.conductance, self.level = np.zeros(shape), level
        self.pulses: list[tuple[int, int, int]] = []
        """Kind, row and column of every pulse."""
        self.config: BoardConfig | None = None
        self._able = Capabilities(
            name="two source-meters and a matrix",
            serial="bench-3",
            firmware="1.0",
            rows=shape[0],
            columns=shape[1],
            row=VOLTS,
            column=VOLTS,
            gate=None,
            sense=AMPERES,
            transimpedance=(1.0,),
            clip=0.05,
            gain_threshold=0.05,
            pulse_offset=0.0,
            pulse_tick=1e-7,
            inverting=False,
            products=products,
            unselected=Rest.FLOATING,
            cells_at_once=(1, 1),
            compliance=(1e-6, 0.1),
            maximum_ticks=1000,
            call_bytes=CallBytes(code=12.0, sample=14.0, request=40.0, pulse=60.0, gate=0.0),
        )

    @property
    def capabilities(self) -> Capabilities:
        return self._able

    def ground(self) -> None:
        self._require_open()

    def close(self) -> None:
        self._closed = True

    def _configure(self, config: BoardConfig) -> None:
        self.config = config

    def _read(self, selection: Selection, row_code: int, gain: int, config: BoardConfig) -> Samples:
        volts = float(VOLTS.decode(row_code))
        return self._sampled(volts * self.conductance[np.ix_(selection.rows, selection.columns)])

    def _vmm(
        self, selection: Selection, row_code: Codes, gain: int, config: BoardConfig
    ) -> Samples:
        G = self.conductance[np.ix_(selection.rows, selection.columns)]
        cells = VOLTS.decode(row_code)[:, :, np.newaxis] * G
        return self._sampled(AMPERES.decode(AMPERES.encode(cells)).sum(axis=1))

    def _sampled(self, amperes: np.ndarray) -> Samples:
        return Samples(AMPERES.encode(amperes), np.ones(amperes.shape, np.uint8))

    def _pulse(self, pulses: PulseBatch, config: BoardConfig, ticket: str) -> None:
        for row, kind, columns in zip(pulses.row, pulses.kind, pulses.columns, strict=True):
            for column in np.flatnonzero(columns):
                self.pulses.append((int(kind), int(row), int(column)))
                level = self.level[row, column] if kind == PulseKind.SET else 0.0
                self.conductance[row, column] = level
