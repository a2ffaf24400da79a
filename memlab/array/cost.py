"""What a run would cost on the real board: time of the analogue part and of the link, energy.

The analogue part comes from the emulator's simulated clock, the link from the bytes that crossed
the Board seam: each call sends its codes, waits one turn-around, and receives its samples
(board reference 4.3; 10 bits a byte, 2 % of framing as in protocol reference 10).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memlab.array.seam import Array
from memlab.settings import LinkConfig

__all__ = ["COST_UNITS", "BoardCost", "board_cost", "cost_of", "total_cost", "work_of"]

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
    return total_cost([array], link)


def total_cost(arrays: Sequence[Array], link: LinkConfig) -> BoardCost | None:
    """Return the `board_cost` of all arrays; training uses them one after the other.

    None where one of them is not simulated in this process.
    """
    work = work_of(arrays)
    return None if work is None else cost_of(work, link)


def work_of(arrays: Sequence[Array]) -> dict[str, float] | None:
    """Return what arrays have done so far, as far as it costs: by name, and each can be subtracted.

    Bytes and calls are whole numbers, so that what a run has done of them does not depend on what
    was done before it. None where an array is not simulated in this process.
    """
    work = dict.fromkeys(("bytes", "calls", "clock", "vmm", "set", "reset"), 0.0)
    for array in arrays:
        chip, traffic = array.simulation, array.traffic
        if chip is None:
            return None
        work["bytes"] += traffic.up + traffic.down
        work["calls"] += traffic.calls
        work["clock"] += chip.clock
        for kind in ("vmm", "set", "reset"):
            work[kind] += getattr(chip.energy, kind)
    return work


def cost_of(work: Mapping[str, float], link: LinkConfig) -> BoardCost:
    """Return what work costs, as `work_of` tells it or as the difference of two of these."""
    wire = work["bytes"] * _FRAMING * _BITS_PER_BYTE / link.baudrate
    return BoardCost(
        analogue_seconds=work["clock"],
        link_seconds=wire + work["calls"] * link.turnaround,
        vmm_energy=work["vmm"],
        set_energy=work["set"],
        reset_energy=work["reset"],
    )
