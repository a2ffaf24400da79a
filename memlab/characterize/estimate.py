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

    Each sees the chip as the one before has left it. A passive chip is rehearsed without its wires:
    what all cells see is solved for every single pulse, and with wires that takes as long as the
    emulated run itself.

    Returns
    -------
    Plain values of each: procedure, readings, batches, pulses (row-parallel), counts of cells
    pulsed, worst voltages (V), on_board (s, J), file size (bytes).
    """
    config, chip = plans[0].config, plans[0].config.chip
    if chip.passive.active:
        without = chip.model_copy(update={"wires": type(chip.wires)()})
        config = config.model_copy(update={"chip": without})
    with open_for("emulator:", config) as array:
        mask = region.pick(array.shape)
        for plan in plans:
            plan.procedure.check_cells(int(mask.sum()))
        return [plan.procedure.estimate([array], mask) for plan in plans]
