"""What a run has done and cost so far, while it goes on: the counts of its arrays, and the bill.

    spent/vmm, set, reset, saturated          counts, as they stand in `counts.*` at the end
    spent/seconds, analogue_seconds, energy   the bill of an emulated run, as in `on_board.*`

One item for each step of the run, which `spent/step` numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from memlab.runs.growing import FEW
from memlab.runs.run_file import RunFile

__all__ = ["Spent", "SpentLog"]

Spent = Callable[[], Mapping[str, float]]
"""Returns what was done and what it cost, both by name, since the run began."""

_SAID = {
    "vmm": ("i8", "1", "Vectors multiplied"),
    "set": ("i8", "1", "SETs"),
    "reset": ("i8", "1", "RESETs"),
    "saturated": ("i8", "1", "Readings that the amplifier clipped"),
    "seconds": ("f8", "s", "Time on the real board, as simulated"),
    "analogue_seconds": ("f8", "s", "Simulated time of the chip"),
    "energy": ("f8", "J", "Energy from the drivers, as simulated"),
}


class SpentLog:
    """Writes what a run has spent; make it before the run file is started.

    Parameters
    ----------
    run
        Where to write.
    spent
        Tells it.
    """

    def __init__(self, run: RunFile, spent: Spent):
        self._run, self._spent = run, spent
        run.group("spent", "NXcollection")
        run.scale("spent/step", None, "1", "Step of the run, from 0", chunk=FEW)
        self._names = [name for name in _SAID if name in spent()]
        for name in self._names:
            kind, units, text = _SAID[name]
            run.declare(f"spent/{name}", kind, ("spent/step",), units, f"{text}, so far", FEW)

    def append(self, step: int) -> None:
        """Add what is spent by now."""
        spent = self._spent()
        for name in self._names:
            self._run.append(f"spent/{name}", [spent[name]])
        self._run.append("spent/step", [step])
