"""What lies under an array: its chip, its board, what was done, and how it goes back to a state.

Who multiplies and programs reads the seam. This is for those who record a run, and go on with it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.board import Board
from drivers.owner import Owner
from drivers.simulation import Simulation
from memlab.array.batches import NamedBatches
from memlab.array.measurement import Counts, Traffic
from memlab.array.view import View
from memlab.errors import SettingError
from memlab.markup import card, small_map
from memlab.numeric import FloatArray
from memlab.passport import Passport
from memlab.storage import State

__all__ = ["Underneath"]

Known = dict[Any, tuple[tuple[npt.NDArray[np.intp], ...], npt.NDArray[np.float32], int]]
"""Of each view that was read: its lines, what they were read at (S), and pulses until then."""

_MOST_KNOWN = 256
"""Views whose last reading is remembered."""


class Underneath(View, ABC):
    """What an array stands on, and where it is.

    Attributes
    ----------
    counts
        What has been done so far, shared by all views of one array.
    traffic
        What has crossed the Board seam so far, where there is one; shared as well.
    url
        By which it was opened, without a token; '' where it was made by hand.
    """

    counts: Counts
    traffic: Traffic
    url = ""

    def __init__(self, rows: int, columns: int, owner: Owner | None = None):
        self.counts = Counts()
        self.traffic = Traffic()
        self._known: Known = {}
        self._owner = owner or Owner()
        super().__init__(rows, columns)

    def __repr__(self) -> str:
        """Return what it is, how large, where, and what was done; asks no device."""
        rows, columns = self.shape
        whole = "" if self.shape == self._chip_shape else " of {} x {}".format(*self._chip_shape)
        where = f", {self.url}" if self.url else ""
        done = f"{self.counts.vmm} VMM, {self.counts.set} SETs, {self.counts.reset} RESETs"
        return f"<{type(self).__name__} {rows} x {columns}{whole}{where}; {done}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what is known of the array; no device is asked."""
        rows = [
            ("url", self.url or "made by hand"),
            ("load of a reading", str(self.load)),
            ("multiplied", f"{self.counts.vmm} vectors"),
            ("saturated", f"{self.counts.saturated} readings"),
            ("pulsed", f"{self.counts.set} SETs, {self.counts.reset} RESETs"),
        ]
        if self.passport is not None:
            rows.append(("passport", f"{self.passport.chip}, {self.passport.path}"))
        known = np.full(self._chip_shape, np.nan)
        done, since = self.counts.set + self.counts.reset, 0
        for lines, reading, pulses in self._known.values():
            known[np.ix_(*lines)] = reading
            since = max(since, done - pulses)
        part = known[np.ix_(self.rows, self.columns)]
        maps = []
        if np.isfinite(part).any():
            rows.append(("map", f"as read last; pulses sent since the first of it: {since}"))
            maps.append(small_map(part, "S", "conductance"))
        else:
            rows.append(("map", "nothing of it was read yet: read_conductance()"))
        whole = "" if self.shape == self._chip_shape else " of {} x {}".format(*self._chip_shape)
        title = "{} {} x {}{}".format(type(self).__name__, *self.shape, whole)
        return card(title, rows, maps, mark=self._mark)

    @property
    def _mark(self) -> str:
        """What nobody may overlook: that nothing is measured on silicon."""
        return ""

    def _know(self, conductance: FloatArray) -> None:
        """Remember what was read of these lines last, for whoever looks at the array."""
        key = self.rows.tobytes(), self.columns.tobytes()
        self._known.pop(key, None)  # the last one goes last, over the others
        if len(self._known) >= _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        lines = self.rows, self.columns
        done = self.counts.set + self.counts.reset
        self._known[key] = lines, conductance.astype(np.float32), done

    @property
    def passport(self) -> Passport | None:
        """The passport of the chip; None where there is no chip, or it has none."""
        return None

    @property
    def simulation(self) -> Simulation | None:
        """Time, energy and state of a chip that is simulated in this process; else None."""
        return None

    @property
    def board(self) -> Board:
        """The board below; it speaks in codes.

        Raises
        ------
        SettingError
            If there is none.
        """
        raise SettingError("this array has no board; use serial://, socket:// or emulator:")

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return identity and settings, as plain values for a run file."""

    # -- going back ---------------------------------------------------------------------------

    @property
    def batches(self) -> NamedBatches | None:
        """The names of the present run's batches of pulses, where it has named them."""
        return None

    @property
    def restorable(self) -> bool:
        """Whether `restore` brings the cells back too: they live in this process."""
        return True

    def state(self) -> State:
        """Return what the array, its counts and, where `restorable`, its chip remember; copies.

        That of a passport is its own (`Passport.state`).
        """
        return {"counts": asdict(self.counts)}

    def name_batches(self, run: str) -> None:
        """Have the board know the batches of pulses to come by a run's identity, in order.

        Asked for in a program that goes on with the run, a batch that was fired is not fired again.
        Where the chip lives in this process there is no need: it goes back with the run.
        """

    def restore(self, state: State) -> None:
        """Go back to a `state` of an array that was opened alike; all views of it do.

        Raises
        ------
        DeviceError
            If it is the state of another one.
        """
        self._known.clear()
        for field in fields(Counts):
            setattr(self.counts, field.name, state["counts"][field.name])
