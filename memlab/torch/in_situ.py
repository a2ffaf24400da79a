"""What passes between the parameters of a PyTorch model and the cells of an array."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from weakref import WeakKeyDictionary, ref

import numpy as np
import torch

from memlab.errors import ClippingWarning, LimitError, SettingError
from memlab.mapping import ReadScale
from memlab.torch.module import CrossbarModule

__all__ = [
    "crossbar_layers_of",
    "in_situ",
    "initialise",
    "program",
    "read_back",
    "read_scale",
]


_Followed = list[tuple[ref[torch.nn.Module], torch.utils.hooks.RemovableHandle]]

_FOLLOWED: WeakKeyDictionary[torch.optim.Optimizer, _Followed] = WeakKeyDictionary()
"""The models that are programmed after the steps of an optimizer."""


def initialise(model: torch.nn.Module) -> None:
    """Program the starting state of every crossbar layer of a model, then read all back.

    RESETs and SETs every cell of its layers once; other layers are left as they are. Layers that
    were placed with weights of their own (`place`) start from those, or from what was trained or
    loaded since in software, as near as one shot comes: with the R_gw of `place`, cells whose
    conductance lies beyond the gate voltages of the update rule start at the nearest end, with a
    `ClippingWarning`. (`write` chooses the R_gw of each matrix so that its largest weight fits.)

    Raises
    ------
    SettingError
        If a weight is not finite; nothing is pulsed.
    """
    layers = crossbar_layers_of(model)
    for layer in layers:
        if layer.start is not None and (not layer.on_array or layer.moved):
            layer.check_finite()
    clipped = []
    for layer in layers:
        if layer.start is None:
            continue
        layer.keep_first()
        beyond = layer.start(layer.first)
        if beyond:
            name = layer.parts[0].matrix.name
            blocks = [block for matrix in layer.matrices for block in matrix.blocks]
            cells = sum(math.prod(block.array.shape) for block in blocks)
            clipped.append(f"{name} ({beyond} of {cells} cells)")
    if clipped:
        warnings.warn(
            f"weights beyond the gate voltages of the update rule start at the nearest end: "
            f"{', '.join(clipped)}; place(..., siemens_per_weight=) with less, or write(model), "
            "which fits R_gw to the largest weight",
            ClippingWarning,
            stacklevel=2,
        )
    for layer in layers:
        layer.written = False
        for matrix in layer.matrices:
            matrix.program_start()
    _read_back(layers)


def read_back(model: torch.nn.Module) -> None:
    """Measure every crossbar layer; wishes that were not programmed are forgotten.

    After an error in `program`, this says what the array holds. The device is not changed.
    """
    _read_back(crossbar_layers_of(model))


def read_scale(model: torch.nn.Module, *, vectors: int = 32, seed: int = 1) -> ReadScale:
    """Return what gives products back that cells lose with time; drives known vectors now.

    Call it once the model is written, and `measure()` of what it returns whenever some time has
    passed: forward is scaled from then on (`memlab.mapping.ReadScale`).

    Raises
    ------
    SettingError
        If no layer was programmed before.
    """
    layers = _on_array(model)
    matrices = [matrix for layer in layers for matrix in layer.matrices]
    return ReadScale(matrices, vectors=vectors, seed=seed)


def program(model: torch.nn.Module) -> None:
    """Ask the array for what the parameters were moved by, then replace them by what came of it.

    Pulses a cell at most twice (`OneShotUpdate`), and none of a layer that nobody moved. All
    layers are read back after the last pulse, because they share wires. When it fails, the
    parameters are still the wish: `read_back` before going on.

    Raises
    ------
    LimitError
        If a wish is not finite or a limit refuses it; of the former nothing was pulsed.
    SettingError
        If no layer was programmed before, or one that was moved was written by write-and-verify;
        nothing is pulsed.
    """
    layers = _on_array(model)
    for layer in layers:
        if layer.written and layer.moved:
            raise SettingError(
                f"{layer.parts[0].matrix.name} was written by write-and-verify, and its update "
                f"rule does not know where its cells are: {layer.ways} brings the new weights "
                "there. Nothing was pulsed"
            )
    changes = [
        (matrix, change)
        for layer in layers
        for matrix, change in zip(layer.matrices, layer.requested_changes(), strict=True)
    ]
    for matrix, change in changes:
        if not np.isfinite(change).all():
            raise LimitError(
                f"the weights wished for {matrix.name} are not finite; nothing was pulsed. "
                "Lower the learning rate, and read_back() what the array holds"
            )
    moved = False
    for matrix, change in changes:
        if change.any():
            matrix.program(change)
            moved = True
    if moved:
        _read_back(layers)


def in_situ(
    optimizer: torch.optim.Optimizer, model: torch.nn.Module
) -> torch.utils.hooks.RemovableHandle:
    """From now on, `program` the model after every step of an optimizer.

    The optimizer stays itself: learning-rate schedules, `zero_grad` and its `state_dict` work as
    ever. Its memory (momentum) is of the steps it asked for, as published.

    Returns
    -------
    A handle; `remove()` ends it.

    Raises
    ------
    SettingError
        If the model has no crossbar layer, the optimizer moves no parameter of one or tries several
        weights within a step, or the model follows it already.
    """
    held = {one for layer in crossbar_layers_of(model) for one in layer.parameters()}
    if not any(one in held for group in optimizer.param_groups for one in group["params"]):
        raise SettingError(
            "the optimizer moves no parameter that lies on an array; make it of the placed model: "
            f"torch.optim.{type(optimizer).__name__}(placed.parameters(), ...)"
        )
    followed = _FOLLOWED.setdefault(optimizer, [])
    followed[:] = [(of, handle) for of, handle in followed if _is_on(handle)]
    if any(of() is model for of, _ in followed):
        raise SettingError(
            "this model is programmed after every step of this optimizer already; a second time "
            "would read it twice. remove() the handle of the first in_situ to begin anew"
        )
    if isinstance(optimizer, torch.optim.LBFGS):
        raise SettingError(
            "LBFGS tries several weights within one step, and a chip would have to be programmed "
            "for each; use an optimizer that moves the weights once"
        )
    handle = optimizer.register_step_post_hook(lambda *_: program(model))
    followed.append((ref(model), handle))
    return handle


def _is_on(handle: torch.utils.hooks.RemovableHandle) -> bool:
    """Whether a hook was not removed."""
    hooks = handle.hooks_dict_ref()
    return hooks is not None and handle.id in hooks


def crossbar_layers_of(model: torch.nn.Module) -> list[CrossbarModule]:
    """Return the crossbar layers of a model; raise `SettingError` where it has none."""
    layers = [module for module in model.modules() if isinstance(module, CrossbarModule)]
    if not layers:
        raise SettingError("the model has no crossbar layer: nothing of it lies on an array")
    return layers


def _on_array(model: torch.nn.Module) -> list[CrossbarModule]:
    """Return the crossbar layers that were programmed; raise `SettingError` where none was."""
    layers = [layer for layer in crossbar_layers_of(model) if layer.on_array]
    if not layers:
        raise SettingError("nothing of the model is on an array yet: initialise(model) first")
    return layers


def _read_back(layers: Sequence[CrossbarModule]) -> None:
    for layer in layers:
        layer.read_back()
