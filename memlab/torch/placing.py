"""A model of PyTorch on arrays: its layers with weights are replaced by cells, the rest stays."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils.parametrize import ParametrizationList, is_parametrized

from memlab.array import Array, as_arrays
from memlab.emulator import load_preset
from memlab.errors import SettingError
from memlab.mapping import (
    TA_HFO2,
    Copies,
    DifferentialMatrix,
    FloorPlan,
    Request,
    SwitchingLaw,
    UpdateRule,
    held_in_slices,
    placed_matrix,
    start_at,
)
from memlab.mapping import place as place_matrices
from memlab.mapping.packing import slice_names
from memlab.mapping.settings import MOST_SLICES
from memlab.numeric import FloatArray
from memlab.rules import RuleSettings
from memlab.torch.adapters import PLACED, Adapters, adapter_of
from memlab.torch.layers import rule_for_torch
from memlab.torch.module import DTYPES, CrossbarModule

__all__ = ["law_of", "place"]


SOFTWARE = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
    nn.PReLU,
)
"""Has parameters of its own that stay in software: norms and activations."""


def place(
    model: nn.Module,
    array: Array | Sequence[Array],
    *,
    law: SwitchingLaw | None = None,
    copies: Copies | None = None,
    slices: int = 1,
    bias_input: float = 1.0,
    siemens_per_weight: float = TA_HFO2.siemens_per_weight,
    read_voltage: float = 0.2,
    make_rule: Callable[[], UpdateRule] | None = None,
    update: RuleSettings | str = "one-shot",
    adapters: Adapters | None = None,
) -> nn.Module:
    """Return a copy of a model whose weights have their places on arrays; nothing is programmed.

    Its layers compute in software, with the weights of the model, until they are programmed:
    `initialise` (and `record`) SET them from the weights of the model in one shot, for training in
    situ; `write` brings them there by write-and-verify, ex situ; `write_in_turn` does that layer by
    layer. A matrix that is larger than an array is split; its partial sums are added up in
    software.

    Parameters
    ----------
    model
        Linear, Conv1d, Conv2d, LSTM, GRU, RNN and their cells, Embedding, and whatever has no
        weights of its own; norms and activations stay in software. Its own `forward` is used.
    array, copies, siemens_per_weight, read_voltage, make_rule, update
        As for `crossbar_layers`.
    slices
        Matrices that hold each weight matrix together, 1 to 8 (`memlab.mapping.SlicedMatrix`):
        `write` writes to each what those before it left.
    law
        What a SET does, of all arrays. By default what the emulator states, and on a board that of
        a chip of Li 2019, as `make_rule`; `memlab.mapping.measure_switching_law` finds another's.
    bias_input
        Value of the constant input that carries biases.
    adapters
        What layers of one's own become on an array, or others become in place of memlab's
        (`memlab.torch.adapters`); those of other packages need not be named here.

    Raises
    ------
    SettingError
        If a layer has no place on an array (all of them are named), the weights do not fit, the
        rule starts from no weights of a model, or there are no such slices.
    """
    if not isinstance(slices, int) or isinstance(slices, bool) or not 1 <= slices <= MOST_SLICES:
        raise SettingError(f"slices {slices!r}: must be a whole number, 1 to {MOST_SLICES}")
    rule, draws = rule_for_torch(update), np.random.default_rng(1)
    make = make_rule or (lambda: rule.make(TA_HFO2, draws))
    arrays = as_arrays(array)
    laws = [None if one.writable else law or law_of(one) for one in arrays]
    sources = _layers_of(model, adapters or {})
    plan = _plan(sources, [one.shape for one in arrays], copies or Copies(), slices)
    placed = copy.deepcopy(model)
    # In the order of both models: the copy has the same modules under the same names.
    copied = dict(placed.named_modules())
    replaced: dict[nn.Module, CrossbarModule] = {}
    every: list[DifferentialMatrix] = []
    rng = np.random.default_rng(0)  # draws starting weights that the model's own replace
    for path, (source, adapter) in sources.items():
        names = [_name(path, part) for part in adapter.shapes(source)]
        held = {
            one: placed_matrix(plan[one], arrays, siemens_per_weight, read_voltage, make, rng)
            for name in names
            for one in slice_names(name, slices)
        }
        matrices = [held_in_slices(name, slices, held) for name in names]
        every += matrices
        rule.prepare(matrices, draws)
        layer = adapter.holding(source, matrices, bias_input)
        layer.load_state_dict(source.state_dict())
        layer.train(source.training)
        for name, parameter in source.named_parameters():
            layer.get_parameter(name).requires_grad_(parameter.requires_grad)
        layer.arrays = arrays
        layer.keep_first()
        layer.start = _starting(layer, siemens_per_weight, laws)
        layer.start(layer.first)
        replaced[copied[path]] = layer
    rule.claim(every, arrays)
    if placed in replaced:
        return replaced[placed]
    for module in list(placed.modules()):
        for name, child in module._modules.items():
            if child in replaced:
                module._modules[name] = replaced[child]
    return placed


def _starting(
    layer: CrossbarModule, siemens_per_weight: float, laws: Sequence[SwitchingLaw | None]
) -> Callable[[Sequence[FloatArray]], int]:
    """Return what lets the cells of a layer start from weights, at the R_gw of now."""
    scales = [
        (one, one.siemens_per_weight)
        for matrix in layer.matrices
        for one in (*matrix.slices, matrix)
    ]

    def start(weights: Sequence[FloatArray]) -> int:
        for matrix, scale in scales:
            matrix.siemens_per_weight = scale  # write-and-verify chooses another
        return sum(
            start_at(block, weight, siemens_per_weight, laws[block.array_number])
            for matrix, whole in zip(layer.matrices, weights, strict=True)
            for block, weight in zip(matrix.blocks, matrix.spread_out(whole), strict=True)
        )

    return start


def law_of(array: Array) -> SwitchingLaw:
    """Return what a SET does on an array: what it states, or the law of a chip of Li 2019."""
    return array.stated_law or SwitchingLaw.of(load_preset("ta-hfo2"))


_Sources = Mapping[str, tuple[nn.Module, type[Any]]]
"""Layers that get cells and their adapters, by their path."""


def _layers_of(model: nn.Module, adapters: Adapters) -> _Sources:
    """Return the layers that get cells; whatever cannot be placed is refused."""
    if not isinstance(model, nn.Module):
        raise SettingError(f"{model!r} is no model: give an instance of a torch.nn.Module")
    layers: dict[str, tuple[nn.Module, type[Any]]] = {}
    refused: list[str] = []
    owners: dict[nn.Parameter, str] = {}
    for path, module in model.named_modules():
        if isinstance(module, ParametrizationList):
            continue  # its owner is refused
        where = path or type(module).__name__
        own = [one for one in module._parameters.values() if one is not None]
        adapter = adapter_of(type(module), adapters)
        why = _why_not(module, bool(own), adapter)
        shared = [owners[one] for one in own if one in owners]
        if not why and shared:
            why = (
                f"shares a parameter with {shared[0]}; a cell belongs to one layer, give it its own"
            )
        owners |= dict.fromkeys(own, where)
        if why:
            refused.append(f"{where} ({type(module).__name__}): {why}")
        elif adapter is not None:
            layers[path] = module, adapter
    if refused:
        raise SettingError("cannot be placed on an array: " + "; ".join(refused))
    if not layers:
        names = ", ".join(kind.__name__ for kind in {**PLACED, **adapters})
        raise SettingError(f"the model has no layer for an array; there are {names}")
    return layers


def _why_not(module: nn.Module, own: bool, adapter: type[Any] | None) -> str:
    """Return why a module cannot be placed, or be left in software; nothing if it can."""
    kind = type(module)
    if isinstance(module, CrossbarModule):
        return "lies on an array already"
    if isinstance(module, nn.modules.lazy.LazyModuleMixin):
        return "has no shape yet; run the model once"
    if isinstance(module, torch.jit.ScriptModule) or "_dynamo" in kind.__module__:
        return "is compiled; place the model that it was made from"
    if "quantized" in kind.__module__.split("."):
        return "is quantised; place the model that it was made from"
    if is_parametrized(module) or any(hasattr(module, f"weight_{one}") for one in ("g", "orig")):
        return (
            "computes its weight from others; make it one parameter "
            "(torch.nn.utils.parametrize.remove_parametrizations, prune.remove, remove_weight_norm)"
        )
    if adapter is None:
        known = not own or isinstance(module, SOFTWARE)
        return "" if known else f"parameters of a kind that memlab does not know; {_hint(kind)}"
    if module._forward_hooks or module._forward_pre_hooks or module._backward_hooks:
        return "has hooks; register them once it is placed"
    if getattr(module, "proj_size", 0):
        return "a projection (proj_size) is not built"
    if getattr(module, "max_norm", None) is not None or getattr(module, "sparse", False):
        return "max_norm and sparse gradients are not built"
    return _what_is_wrong(module)


def _hint(kind: type[nn.Module]) -> str:
    """Return what could be done about a layer that is not known."""
    base = next((one for one in kind.__mro__ if one in PLACED), None)
    if base is None:
        return "give an adapter"
    became = PLACED[base].__name__
    return (
        f"if it computes what {base.__name__} does, adapters={{{kind.__name__}: "
        f"memlab.torch.adapters.{became}}}"
    )


def _what_is_wrong(module: nn.Module) -> str:
    """Return what is wrong with the parameters of a layer; nothing if they can be weights."""
    for name, parameter in module.named_parameters(recurse=False):
        if parameter.device.type != "cpu":
            return f"its {name} lies on {parameter.device}; place model.cpu()"
        if parameter.dtype not in DTYPES:
            return f"its {name} is {parameter.dtype}; place model.float() or model.double()"
        if not torch.isfinite(parameter).all():
            return f"its {name} is not finite"
    return ""


def _plan(
    sources: _Sources,
    shapes: Sequence[tuple[int, int]],
    copies: Copies,
    slices: int,
) -> FloorPlan:
    requests = [
        Request(_name(path, part), features + bias, outputs, copies, slices)
        for path, (source, adapter) in sources.items()
        for part, (features, outputs, bias) in adapter.shapes(source).items()
    ]
    return place_matrices(requests, shapes)


def _name(path: str, part: str) -> str:
    """Return what a matrix is called: after its layer, and after its part where it has several."""
    return ".".join(filter(None, (path, part))) or "only"
