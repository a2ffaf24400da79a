"""What lies under an array: its chip, its board, what was done, and how it goes back to a state.

Who multiplies and programs reads the seam. This is for those who record a run, and go on with it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, fields
from typing import Any

from drivers.board import Board
from drivers.owner import Owner
from drivers.simulation import Simulation
from memlab.array.batches import NamedBatches
from memlab.array.measurement import Counts, Traffic
from memlab.array.view import View
from memlab.errors import SettingError
from memlab.passport import Passport
from memlab.storage import State

__all__ = ["Underneath"]


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
        self._owner = owner or Owner()
        super().__init__(rows, columns)

    def __repr__(self) -> str:
        """Return what it is, how large, where, and what was done; asks no device."""
        rows, columns = self.shape
        whole = "" if self.shape == self._chip_shape else " of {} x {}".format(*self._chip_shape)
        where = f", {self.url}" if self.url else ""
        done = f"{self.counts.vmm} VMM, {self.counts.set} SETs, {self.counts.reset} RESETs"
        return f"<{type(self).__name__} {rows} x {columns}{whole}{where}; {done}>"

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
        for field in fields(Counts):
            setattr(self.counts, field.name, state["counts"][field.name])
