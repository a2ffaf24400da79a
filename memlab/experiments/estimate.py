"""What a planned run of an experiment will take, and where its network will lie."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from memlab.experiments.config import Method
from memlab.experiments.runner import Plan, open_for
from memlab.mapping import FloorPlan

__all__ = ["estimate", "plan_floor"]


def estimate(plan: Plan) -> dict[str, Any]:
    """Return the bill of a plan; nothing but emulated chips in memory is touched.

    Returns
    -------
    Plain values: experiment, preset, method, updates on the arrays, what was rehearsed, devices,
    pulses per cell, worst voltages (V), seconds on the board, energy (J), file size (bytes).
    """
    # In situ, what the good lines of a chip are changes nothing.
    in_situ = plan.config.method is Method.IN_SITU
    emulated = replace(plan, good=None) if in_situ else plan
    with open_for(emulated, ["emulator:"] * len(plan.boards)) as arrays:
        bill = plan.kind(plan.config).estimate(arrays)
    return {"experiment": plan.experiment, "preset": plan.preset, **bill}


def plan_floor(plan: Plan) -> FloorPlan:
    """Return where the matrices of a plan lie; nothing but emulated chips in memory is touched.

    Raises
    ------
    SettingError
        If they do not fit.
    """
    with open_for(replace(plan, good=None), ["emulator:"] * len(plan.boards)) as arrays:
        network = plan.kind.make(plan.config, arrays).network
        plans = [one.plan for matrix in network.matrices for one in matrix.slices]
        return FloorPlan(tuple(array.shape for array in arrays), tuple(plans))
