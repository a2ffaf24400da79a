"""What every board checks before it does anything: life, configuration, lines, codes, shapes.

A board at the far end of a wire checks again, and its answer decides; but what is refused here has
touched nothing, and the message can name what the caller wrote.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from drivers.board import (
    AUTO_GAIN,
    BoardConfig,
    Capabilities,
    PulseBatch,
    Samples,
    Selection,
    Wire,
)
from drivers.checks import check_codes, check_pulses, check_spans
from drivers.converter import Codes
from drivers.errors import DeviceError
from drivers.history import History
from drivers.owner import Owner
from drivers.simulation import Simulation

__all__ = ["CheckedBoard"]


class CheckedBoard(ABC):
    """The checks of `drivers.board.Board`, and one without memory; what drives lines is added."""

    _capabilities: Capabilities
    """A driver knows them once it is open."""

    def __init__(self) -> None:
        self._owner = Owner()
        self._config: BoardConfig | None = None
        self._closed = False

    def __repr__(self) -> str:
        """Return which board it is, its size, and whether it is closed; nothing is sent."""
        able = self.capabilities
        state = "closed" if self._closed else "open"
        return f"<{type(self).__name__} {able.serial}, {able.rows} x {able.columns}, {state}>"

    @property
    def owner(self) -> Owner:
        """Whose turn it is; who does several steps that belong together takes one for them."""
        return self._owner

    @property
    def capabilities(self) -> Capabilities:
        """Identity and abilities, known once the board is open."""
        return self._capabilities

    @property
    def simulation(self) -> Simulation | None:
        """None: the chip is a real one, or another program's."""
        return None

    @property
    def wire(self) -> Wire | None:
        """None: there is no line that can be measured."""
        return None

    def status(self) -> dict[str, Any]:
        """Return nothing: there is no more to say."""
        return {}

    def configure(self, config: BoardConfig) -> None:
        """Apply spans, limits and timing; outputs are grounded first."""
        with self.owner.turn():
            self._require_open()
            check_spans(config, self.capabilities)
            self._configure(config)
            self._config = config

    def read(self, selection: Selection, row_code: int, gain: int = AUTO_GAIN) -> Samples:
        """Drive the selected rows one after the other at `row_code`, the rest at 0 V, and sense."""
        with self.owner.turn():
            config = self._require_config()
            self._check_measurement(selection, np.array([row_code]), gain, config)
            return self._read(selection, row_code, gain, config)

    def vmm(self, selection: Selection, row_code: Codes, gain: int = AUTO_GAIN) -> Samples:
        """Apply each vector of row codes, shape (vectors, selected rows), and sense."""
        with self._owner.turn():
            config = self._require_config()
            if row_code.ndim != 2 or row_code.shape[1] != selection.rows.size:
                raise DeviceError(
                    f"row codes have shape {row_code.shape}, expected (n, {selection.rows.size})"
                )
            self._check_measurement(selection, row_code, gain, config)
            if not len(row_code):
                empty = (0, selection.columns.size)
                code = np.empty(empty, self.capabilities.sense.dtype)
                return Samples(code=code, gain=np.empty(empty, np.uint8))
            return self._vmm(selection, row_code, gain, config)

    @property
    def life(self) -> str:
        """Names one life of the board; empty where it cannot tell."""
        return ""

    def history(self, count: int | None = None) -> History | None:
        """None: what the chip has got is not kept with it."""
        return None

    @property
    def others_pulsed(self) -> str:
        """Names the last pulses that others fired; empty where nothing is known of any."""
        return ""

    def ticket(self, pulses: PulseBatch, name: str = "") -> str:
        """Keep nothing, and return "": no other program could ask."""
        self._require_open()
        return ""

    def pulse(self, pulses: PulseBatch, ticket: str = "") -> None:
        """Fire the pulses in order, each exactly once; returning means that all were fired."""
        with self.owner.turn():
            config = self._require_config()
            if len(pulses):
                check_pulses(pulses, config, self.capabilities)
                self._pulse(pulses, config, ticket)

    def fate(self, ticket: str) -> npt.NDArray[np.uint8] | None:
        """Return one `Outcome` for each pulse of a batch; None where the ticket is not known."""
        self._require_open()
        return None

    @abstractmethod
    def ground(self) -> None:
        """Put every line to 0 V now."""

    @abstractmethod
    def close(self) -> None:
        """Ground every line and release the port; calling it again does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @abstractmethod
    def _configure(self, config: BoardConfig) -> None: ...

    @abstractmethod
    def _read(
        self, selection: Selection, row_code: int, gain: int, config: BoardConfig
    ) -> Samples: ...

    @abstractmethod
    def _vmm(
        self,
        selection: Selection,
        row_code: Codes,
        gain: int,
        config: BoardConfig,
    ) -> Samples: ...

    @abstractmethod
    def _pulse(self, pulses: PulseBatch, config: BoardConfig, ticket: str) -> None: ...

    def _require_open(self) -> None:
        if self._closed:
            raise DeviceError("the board is closed; open it again")

    def _require_config(self) -> BoardConfig:
        self._require_open()
        if self._config is None:
            raise DeviceError("the board is not configured; call configure() first")
        return self._config

    def _check_measurement(
        self,
        selection: Selection,
        row_code: npt.NDArray[np.integer],
        gain: int,
        config: BoardConfig,
    ) -> None:
        able = self.capabilities
        gains = len(able.transimpedance)
        if not 0 <= gain <= gains:
            raise DeviceError(
                f"gain {gain} does not exist; use 1..{gains}, or 0 for automatic gain"
            )
        self._check_lines(selection, able)
        check_codes(row_code, config.row_read, "row code")

    @staticmethod
    def _check_lines(selection: Selection, able: Capabilities) -> None:
        row, column = selection.last
        if row >= able.rows or column >= able.columns:
            raise DeviceError(
                f"the board has {able.rows} x {able.columns} lines; the selection has more"
            )
