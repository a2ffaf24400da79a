"""What a run would cost on the real board: time of the analogue part and of the link, energy.

The analogue part comes from the emulator's simulated clock, the link from the bytes that crossed
the Board seam: each call sends its codes, waits one turn-around, and receives its samples
(board reference 4.3; 10 bits a byte, 2 % of framing as in protocol reference 10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memlab.array.seam import Array
from memlab.settings import LinkConfig

__all__ = ["COST_UNITS", "BoardCost", "board_cost", "total_cost"]

COST_UNITS = {"energy": "J", "vmm_energy": "J", "set_energy": "J", "reset_energy": "J"}
"""Of the numbers of `BoardCost.document` by name; those with `seconds` in it say it themselves."""

_BITS_PER_BYTE = 10
_FRAMING = 1.02


@dataclass(frozen=True)
class BoardCost:
    """Seconds and joules on the real board, as simulated.

    Parameters
    ----------
    analogue_seconds, link_seconds
        The two do not overlap: training waits for every answer.
    vmm_energy, set_energy, reset_energy
        Drawn from the drivers by reads and VMMs, by SETs and by RESETs, in J.
    """

    analogue_seconds: float
    link_seconds: float
    vmm_energy: float
    set_energy: float
    reset_energy: float

    @property
    def seconds(self) -> float:
        """Time on the board in s."""
        return self.analogue_seconds + self.link_seconds

    @property
    def energy(self) -> float:
        """Energy in J."""
        return self.vmm_energy + self.set_energy + self.reset_energy

    def __add__(self, other: BoardCost) -> BoardCost:
        """Return the cost of one after the other."""
        return BoardCost(
            self.analogue_seconds + other.analogue_seconds,
            self.link_seconds + other.link_seconds,
            self.vmm_energy + other.vmm_energy,
            self.set_energy + other.set_energy,
            self.reset_energy + other.reset_energy,
        )

    def document(self) -> dict[str, float]:
        """Return everything as plain values."""
        return {
            "seconds": self.seconds,
            "analogue_seconds": self.analogue_seconds,
            "link_seconds": self.link_seconds,
            "energy": self.energy,
            "vmm_energy": self.vmm_energy,
            "set_energy": self.set_energy,
            "reset_energy": self.reset_energy,
        }


def board_cost(array: Array, link: LinkConfig) -> BoardCost | None:
    """Return what everything done so far would have cost on the real board.

    None where the board is not simulated in this process: nothing is known there.
    """
    chip, traffic = array.simulation, array.traffic
    if chip is None:
        return None
    wire = (traffic.up + traffic.down) * _FRAMING * _BITS_PER_BYTE / link.baudrate
    return BoardCost(
        analogue_seconds=chip.clock,
        link_seconds=wire + traffic.calls * link.turnaround,
        vmm_energy=chip.energy.vmm,
        set_energy=chip.energy.set,
        reset_energy=chip.energy.reset,
    )


def total_cost(arrays: Sequence[Array], link: LinkConfig) -> BoardCost | None:
    """Return the `board_cost` of all arrays; training uses them one after the other.

    None where one of them is not simulated in this process.
    """
    total = BoardCost(0.0, 0.0, 0.0, 0.0, 0.0)
    for array in arrays:
        cost = board_cost(array, link)
        if cost is None:
            return None
        total += cost
    return total
