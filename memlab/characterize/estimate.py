"""The bill before a characterisation: a rehearsal in memory on an emulated chip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memlab.characterize.runner import ProcedurePlan, open_for
from memlab.regions import Region

__all__ = ["estimate_procedures"]


def estimate_procedures(
    plans: Sequence[ProcedurePlan],
    region: Region = Region(),  # noqa: B008 - frozen
) -> list[dict[str, Any]]:
    """Return the bill of each procedure; nothing but an emulated chip in memory is touched.

    Each sees the chip as the one before has left it.

    Returns
    -------
    Plain values of each: procedure, readings, batches, pulses (row-parallel), counts of cells
    pulsed, worst voltages (V), on_board (s, J), file size (bytes).
    """
    with open_for("emulator:", plans[0].config) as array:
        mask = region.pick(array.shape)
        for plan in plans:
            plan.procedure.check_cells(int(mask.sum()))
        return [plan.procedure.estimate([array], mask) for plan in plans]
