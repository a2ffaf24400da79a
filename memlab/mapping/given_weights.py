"""Weights that are given: what the cells of their pairs start from, or are brought to."""

from __future__ import annotations

import numpy as np

from memlab.array.switching_law import SwitchingLaw
from memlab.errors import SettingError
from memlab.mapping.block import Block, pair_conductance
from memlab.mapping.layout import Layout
from memlab.mapping.update import DirectUpdate, OneShotUpdate
from memlab.numeric import FloatArray

__all__ = ["pair_targets", "start_at"]


def start_at(
    block: Block, weight: FloatArray, siemens_per_weight: float, law: SwitchingLaw | None
) -> int:
    """Let a block start from weights when it is initialised; programs nothing itself.

    The cells of a pair get the gate voltages that put them half of the difference above and below
    a SET at the first gate voltage of the rule, or as near to it as its range lets them.

    Parameters
    ----------
    block
        On a board its rule is a `OneShotUpdate`.
    weight
        Of every pair, shape (rows of pairs, columns).
    siemens_per_weight
        R_gw in S.
    law
        What a SET does; None for an array that is written directly.

    Returns
    -------
    How many cells do not reach their conductance within the gate voltages of the rule.

    Raises
    ------
    SettingError
        If the rule is another one.
    """
    if law is None:
        block.rule = DirectUpdate(pair_conductance(weight, siemens_per_weight, 0.0, block.layout))
        return 0
    rule = block.rule
    if not isinstance(rule, OneShotUpdate):
        raise SettingError(
            f"{type(rule).__name__} starts from no weights of one's own: it is no OneShotUpdate"
        )
    levels = rule.levels(block.array)
    ends = np.array([levels.minimum, levels.initial, levels.maximum])
    low, start, high = law.conductance(ends)
    half = 0.5 * siemens_per_weight * np.abs(weight)
    # Aside where one cell of the pair would not reach its conductance otherwise.
    fits = np.clip(start, np.minimum(low + half, high - half), high - half)
    middle = np.where(2 * half <= high - low, fits, 0.5 * (low + high))
    wanted = law.gate_voltage(pair_conductance(weight, siemens_per_weight, middle, block.layout))
    slack = 1e-9 * levels.maximum
    beyond = (wanted < levels.minimum - slack) | (wanted > levels.maximum + slack)
    rule.start = np.clip(wanted, levels.minimum, levels.maximum)
    return int(np.count_nonzero(beyond))


def pair_targets(
    weight: FloatArray,
    siemens_per_weight: float,
    window: tuple[float, float],
    layout: Layout,
    *,
    centred: bool = False,
) -> tuple[FloatArray, int]:
    """Return target conductances (S) of the cells of pairs, and how many had to be clipped.

    Parameters
    ----------
    weight
        Of every pair, shape (rows of pairs, columns).
    siemens_per_weight
        R_gw in S.
    window
        Smallest and largest conductance in S.
    layout
        Where the cells of a pair lie.
    centred
        Both cells around the middle of the window; else one at its lower end.
    """
    low, high = window
    middle = 0.5 * (low + high) if centred else low + 0.5 * siemens_per_weight * np.abs(weight)
    wanted = pair_conductance(weight, siemens_per_weight, middle, layout)
    held = np.clip(wanted, low, high)
    # What lies beyond by rounding alone is not clipped.
    return held, int(np.count_nonzero(np.abs(held - wanted) > 1e-9 * high))
