"""The bill before a characterisation: a rehearsal in memory on an emulated chip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from memlab.array.cost import COST_UNITS, board_cost
from memlab.array.load_choice import select
from memlab.characterize.bench import Bench
from memlab.characterize.runner import ProcedurePlan, board_clock, open_for
from memlab.regions import Region
from memlab.runs import MemoryLog, Record
from memlab.session import added

__all__ = ["estimate_procedures"]

_CELL_BYTES = 8 + 2 + 1 + 1  # conductance, code, gain, saturation


def estimate_procedures(
    plans: Sequence[ProcedurePlan],
    region: Region = Region(),  # noqa: B008 - frozen
) -> list[dict[str, Any]]:
    """Return the bill of each procedure; nothing but an emulated chip in memory is touched.

    Returns
    -------
    Plain values of each: procedure, readings, batches, pulses (row-parallel), counts of cells
    pulsed, worst voltages (V), on_board (s, J), file size (bytes).
    """
    with open_for("emulator:", plans[0].config) as array:
        mask = region.pick(array.shape)
        for plan in plans:
            plan.procedure.check_cells(int(mask.sum()))
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        bills = []
        for plan in plans:
            procedure, link = plan.procedure, plan.config.link
            record = Record.empty(
                rows,
                columns,
                mask[np.ix_(rows, columns)],
                procedure.coordinates,
                procedure.vector_coordinates or {},
                array.shape,
            )
            view = select(array, rows, columns, plan.config.load)
            bench = Bench(view, MemoryLog(record), origin=board_clock(array))
            counts, cost = replace(array.counts), board_cost(array, link)
            procedure.measure(bench)
            now = board_cost(array, link)
            if cost is None or now is None:
                raise TypeError("a rehearsal needs an emulated board")
            cells = len(record.readings) * record.mask.size
            cells += len(record.vectors) * record.columns.size
            bills.append(
                {
                    "procedure": plan.name,
                    "readings": len(record.readings),
                    "vectors": len(record.vectors),
                    "pulses": sum(batch.pulses for batch in record.programs),
                    "counts": added(vars(array.counts), vars(counts)),
                    "worst_voltages": bench.worst,
                    "on_board": added(now.document(), cost.document()),
                    "file_size": _CELL_BYTES * cells,
                    "units": {**COST_UNITS, "worst_voltages": "V", "file_size": "byte"},
                }
            )
        return bills
