"""Crossbar layers placed on an array, and the update that suits it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from memlab.array import Array
from memlab.errors import SettingError
from memlab.mapping import TA_HFO2, Copies, OneShotUpdate, Request, UpdateRule, place, placed_matrix
from memlab.rules import RuleSettings, as_rule
from memlab.torch.linear import CrossbarLinear

__all__ = ["crossbar_layers", "rule_for_torch", "ta_hfo2_rule"]


def ta_hfo2_rule() -> OneShotUpdate:
    """Return a one-shot update for a chip of Li 2019: that of `memlab.mapping.TA_HFO2`."""
    return TA_HFO2.make_rule(np.random.default_rng(0))


def rule_for_torch(update: RuleSettings | str) -> RuleSettings:
    """Return the settings of a rule; raise `SettingError` where gradients are none of torch's."""
    rule = as_rule(update)
    if rule.credit(np.random.default_rng(0)) is not None:
        raise SettingError(
            f"the rule {rule.rule} has losses of its own, and torch makes the gradients here; "
            "train with memlab.Model"
        )
    return rule


def crossbar_layers(
    array: Array | Sequence[Array],
    sizes: Mapping[str, tuple[int, int]],
    *,
    bias_input: float | None = 1.0,
    copies: Copies | None = None,
    siemens_per_weight: float = TA_HFO2.siemens_per_weight,
    read_voltage: float = 0.2,
    make_rule: Callable[[], UpdateRule] | None = None,
    update: RuleSettings | str = "one-shot",
    seed: int = 1,
    dtype: torch.dtype | None = None,
) -> dict[str, CrossbarLinear]:
    """Return layers by name, placed on the array or arrays; folded where they must be.

    Reads the conductances; programs nothing, see `initialise`. To place matrices by hand, give
    `CrossbarLinear` a `memlab.mapping.DifferentialMatrix`.

    Parameters
    ----------
    array
        The array, a view of its good lines, or several.
    sizes
        (in_features, out_features) of each layer.
    bias_input
        Value of the constant bias input of every layer, or None for no biases.
    copies
        Pairs of each weight; one by default.
    siemens_per_weight
        R_gw in S; see `memlab.mapping.TA_HFO2` for the default.
    read_voltage
        Row voltage in V that the largest input of a vector is scaled to.
    make_rule
        Gives the tiles of each layer their rule, in place of `update`. On `ideal:` they are
        written directly instead.
    update
        The name of an update rule (`memlab.rules`), or its settings, on a chip of Li 2019
        (`memlab.mapping.TA_HFO2`).
    seed
        Of the first weights on `ideal:`; a board starts from programming noise.
    dtype
        As for `CrossbarLinear`.

    Raises
    ------
    SettingError
        If the layers do not fit, or the rule has losses of its own, which torch does not know of.
    """
    arrays = [array] if isinstance(array, Array) else array
    extra, copies = int(bias_input is not None), copies or Copies()
    requests = [
        Request(name, features + extra, outputs, copies)
        for name, (features, outputs) in sizes.items()
    ]
    plan = place(requests, [one.shape for one in arrays])
    rule, draws = rule_for_torch(update), np.random.default_rng([seed, 1])
    make = make_rule or (lambda: rule.make(TA_HFO2, draws))
    rng = np.random.default_rng(seed)
    matrices = [
        placed_matrix(one, arrays, siemens_per_weight, read_voltage, make, rng) for one in plan
    ]
    rule.claim(matrices, arrays)
    rule.prepare(matrices, np.random.default_rng([seed, 0x0DD]))
    return {
        matrix.name: CrossbarLinear(matrix, bias_input=bias_input, dtype=dtype)
        for matrix in matrices
    }
