"""Records a write-and-verify: the yield curve as it grows, and where every cell ended."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memlab.array import Array
from memlab.mapping import Round, WriteVerifyResult, merged
from memlab.numeric import FloatArray
from memlab.runs.growing import FEW, ONE_MAP
from memlab.runs.run_file import RunFile

__all__ = ["WriteVerifyLog"]


class WriteVerifyLog:
    """Writes what passes in a write-and-verify into one group of a run file.

    Call `declare` before `run_file.start()`, then hand `read` to `write_verify` as its observer.

    Parameters
    ----------
    run_file
        Where to write.
    group
        Name of the group.
    """

    def __init__(self, run_file: RunFile, group: str):
        self._run, self._group = run_file, group
        self._results: list[WriteVerifyResult] = []
        self._target: FloatArray | None = None
        self.reads = 0
        """How many reads were recorded."""

    def declare(self, array: Array, *, maps: bool = True, views: Sequence[Array] = ()) -> None:
        """Declare the datasets; with `maps`, also the conductances at every read.

        `views` are those that readings go through, each under its own load, if not `array` itself.
        """
        run, group = self._run, self._group
        loads = list(dict.fromkeys(view.load for view in views or [array]))
        attributes = loads[0].attributes()
        if len(loads) > 1:
            values = {str(number): one.document() for number, one in enumerate(loads)}
            attributes = {"load": " | ".join(map(str, loads)), "loads": values}
        run.group(group, "NXdata", {"signal": "error", **attributes})
        run.scale(f"{group}/read", None, "1", "Number of the read, from 0; a batch of pulses each")
        cells = run.scale_lines(group, array.rows, array.columns)
        read = (f"{group}/read",)
        for name, text in (
            ("done", "Cells that were within tolerance and left alone since"),
            ("failed", "Cells given up"),
            ("sets", "SETs after this read"),
            ("resets", "RESETs after this read"),
        ):
            run.declare(f"{group}/{name}", "i8", read, "1", text, FEW)
        text = "Median deviation from the target"
        run.declare(f"{group}/median_error", "f8", read, "S", text, FEW)
        run.declare(f"{group}/target", "f8", cells, "S", "Target; NaN: left alone")
        run.declare(f"{group}/final", "f8", cells, "S", "Conductance at the end")
        run.declare(f"{group}/error", "f8", cells, "S", "Conductance minus target at the end")
        run.declare(f"{group}/set_pulses", "i8", cells, "1", "SETs that the cell got")
        run.declare(f"{group}/reset_pulses", "i8", cells, "1", "RESETs that the cell got")
        run.declare(f"{group}/cell_failed", "u1", cells, "1", "1 where the target was missed")
        self._maps = maps
        if maps:
            text = "Conductance at each read"
            run.declare(f"{group}/conductance", "f8", (*read, *cells), "S", text, ONE_MAP)

    def target(self, target: FloatArray) -> None:
        """Write the targets in S beside those of goes before this one."""
        if self._target is not None:
            target = np.where(np.isnan(target), self._target, target)
        self._target = target
        self._run.write(f"{self._group}/target", target)

    def read(self, step: Round, conductance: FloatArray) -> None:
        """Record one read, and hand it to the operating system before anything is pulsed."""
        run, group = self._run, self._group
        run.append(f"{group}/read", [self.reads])
        self.reads += 1
        before = [one.history[-1] for one in self._results]
        run.append(f"{group}/done", [step.done + sum(one.done for one in before)])
        run.append(f"{group}/failed", [step.failed + sum(one.failed for one in before)])
        run.append(f"{group}/sets", [step.set])
        run.append(f"{group}/resets", [step.reset])
        run.append(f"{group}/median_error", [step.median_error])
        if self._maps:
            run.append(f"{group}/conductance", conductance[np.newaxis])
        run.flush()

    def finish(self, result: WriteVerifyResult) -> None:
        """Write where every cell ended; further goes, at other cells, may follow."""
        self._results.append(result)
        whole = merged(self._results)
        run, group = self._run, self._group
        run.write(f"{group}/final", whole.conductance)
        run.write(f"{group}/error", whole.error)
        run.write(f"{group}/set_pulses", whole.set)
        run.write(f"{group}/reset_pulses", whole.reset)
        run.write(f"{group}/cell_failed", whole.failed)
