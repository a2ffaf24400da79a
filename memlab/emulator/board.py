"""The board, emulated in process: the same codes that a board on a wire would give."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from drivers.board import (
    AUTO_GAIN,
    BoardConfig,
    Capabilities,
    CodeRange,
    LineClass,
    Mode,
    PulseBatch,
    PulseKind,
    Samples,
    Selection,
)
from drivers.errors import DeviceError, LimitError
from drivers.extremes import extremes
from memlab._version import __version__
from memlab.emulator.chip import Chip
from memlab.emulator.preset import ChipPreset
from memlab.emulator.signal_chain import SignalChain, grid_volts

__all__ = ["EmulatedBoard"]


class EmulatedBoard:
    """A board with its chip, bit-accurate and in process (implements `drivers.board.Board`).

    Parameters
    ----------
    preset
        The kind of chip.
    seed
        Seed of everything random in board and chip.
    shape
        (rows, columns) of the array.
    """

    def __init__(self, preset: ChipPreset, seed: int, shape: tuple[int, int] = (128, 64)):
        self.chip = Chip(preset, shape, np.random.default_rng(seed))
        self._capabilities = Capabilities(
            name="memlab emulated board",
            serial=f"{preset.name}-{seed}",
            firmware=f"memlab {__version__}",
            rows=shape[0],
            columns=shape[1],
            transimpedance=(1e3, 1e4, 1e5, 1e6),
            adc_span=10.0,
            clip=2.5,
            gain_threshold=2.2,
            pulse_offset=0.16e-6,
            pulse_tick=1 / 240e6,
        )
        self._chain = SignalChain(self._capabilities)
        self._config: BoardConfig | None = None
        self._closed = False
        self._transfer_key: tuple[Selection, int] | None = None
        self._transfer = np.empty((0, 0))

    @property
    def capabilities(self) -> Capabilities:
        """Identity and abilities of this board."""
        return self._capabilities

    def configure(self, config: BoardConfig) -> None:
        """Apply spans, limits and timing; an emulated output has no state to ground."""
        self._require_open()
        self._config = config

    def read(self, selection: Selection, row_code: int, gain: int = AUTO_GAIN) -> Samples:
        """Drive the selected rows one after the other and sense: a VMM of one-hot vectors."""
        n = selection.rows.size
        one_hot = np.full((n, n), self._require_config().idle_row_code, np.uint16)
        np.fill_diagonal(one_hot, row_code)
        return self.vmm(selection, one_hot, gain)

    def vmm(
        self, selection: Selection, row_code: npt.NDArray[np.uint16], gain: int = AUTO_GAIN
    ) -> Samples:
        """Apply each vector of row codes, shape (vectors, selected rows), and sense."""
        config = self._require_config()
        if not 0 <= gain <= len(self._capabilities.transimpedance):
            raise DeviceError(f"gain {gain} does not exist; use 1..4, or 0 for automatic gain")
        if row_code.ndim != 2 or row_code.shape[1] != selection.rows.size:
            raise DeviceError(
                f"row codes have shape {row_code.shape}, expected (n, {selection.rows.size})"
            )
        _check_codes(row_code, config.limits[LineClass.ROW, Mode.READ], "row code")
        voltage = grid_volts(row_code, config.spans[LineClass.ROW])
        return self._chain.digitise(voltage @ self._selected_transfer(selection), gain)

    def pulse(self, pulses: PulseBatch) -> None:
        """Fire the pulses in order."""
        config = self._require_config()
        self._check_pulses(pulses, config)
        gate_span = config.spans[LineClass.GATE]
        for start, stop in _independent_runs(pulses):
            rows = pulses.row[start:stop].astype(np.intp)
            selected = pulses.columns[start:stop]
            if pulses.kind[start] == PulseKind.SET:
                self.chip.set_cells(rows, selected, gate_span.decode(pulses.gate_code[start:stop]))
            else:
                self.chip.reset_cells(rows, selected)

    def ground(self) -> None:
        """Put every line to 0 V; an emulated output has no state between calls."""
        self._require_open()

    def close(self) -> None:
        """Ground and let go; calling it again does nothing."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _selected_transfer(self, selection: Selection) -> npt.NDArray[np.float64]:
        key = (selection, self.chip.version)
        if self._transfer_key != key:
            if selection.rows[-1] >= self.chip.shape[0] or (
                selection.columns[-1] >= self.chip.shape[1]
            ):
                raise DeviceError(f"the board has {self.chip.shape} lines; the selection has more")
            self._transfer = self.chip.transfer(selection.rows, selection.columns)
            self._transfer_key = key
        return self._transfer

    def _check_pulses(self, pulses: PulseBatch, config: BoardConfig) -> None:
        if not len(pulses):
            return
        if pulses.columns.shape[1:] != self.chip.shape[1:]:
            raise DeviceError(f"masks and gate codes must be {self.chip.shape[1]} columns wide")
        if pulses.row.max() >= self.chip.shape[0]:
            raise DeviceError(f"row {pulses.row.max()} does not exist on this board")
        if pulses.kind.max() > PulseKind.RESET:
            raise DeviceError(f"pulse kind {pulses.kind.max()} does not exist")
        is_set = pulses.kind == PulseKind.SET
        for which, line in ((is_set, LineClass.COLUMN), (~is_set, LineClass.ROW)):
            _check_codes(
                pulses.amplitude_code[which],
                config.limits[line, Mode.PULSE],
                f"{line.name.lower()} pulse code",
            )
        _check_codes(
            pulses.gate_code[pulses.columns],
            config.limits[LineClass.GATE, Mode.PULSE],
            "gate pulse code",
        )
        widths = CodeRange(config.minimum_width_ticks, config.maximum_width_ticks)
        _check_codes(pulses.width_ticks, widths, "pulse width in ticks")

    def _require_open(self) -> None:
        if self._closed:
            raise DeviceError("the board is closed; open it again")

    def _require_config(self) -> BoardConfig:
        self._require_open()
        if self._config is None:
            raise DeviceError("the board is not configured; call configure() first")
        return self._config


def _check_codes(code: npt.NDArray[np.uint16], allowed: CodeRange, what: str) -> None:
    if code.size:
        low, high = extremes(code)
        if low < allowed.minimum or high > allowed.maximum:
            worst = low if low < allowed.minimum else high
            raise LimitError(
                f"{what} {worst} is outside {allowed.minimum}..{allowed.maximum}; "
                "the board fired and drove nothing"
            )


def _independent_runs(pulses: PulseBatch) -> list[tuple[int, int]]:
    """Cut the batch into runs of one kind with no row twice: those act on different cells.

    Such a run may be computed at once; noise is still drawn pulse by pulse, cell by cell.
    """
    runs: list[tuple[int, int]] = []
    start = 0
    seen: set[int] = set()
    kinds, rows = pulses.kind.tolist(), pulses.row.tolist()
    for k, (kind, row) in enumerate(zip(kinds, rows, strict=True)):
        if row in seen or kind != kinds[start]:
            runs.append((start, k))
            start, seen = k, set()
        seen.add(row)
    if kinds:
        runs.append((start, len(kinds)))
    return runs
