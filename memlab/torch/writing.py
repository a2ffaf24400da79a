"""Weights of a model brought to an array by write-and-verify: at once, or layer by layer.

What a chip makes of weights is not what was asked for: cells are stuck, and every one is a little
off. Who writes layer by layer trains the layers that are still in software on what those before
them really compute (chip-in-the-loop fine-tuning: Wan et al., Nature 608, 504-512, 2022).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from memlab.errors import SettingError
from memlab.mapping import SwitchingLaw, WriteVerify, summarise, write_weights
from memlab.torch.in_situ import crossbar_layers_of
from memlab.torch.module import CrossbarModule
from memlab.torch.placing import law_of

__all__ = ["write", "write_in_turn"]


def write(
    model: torch.nn.Module,
    settings: WriteVerify | None = None,
    *,
    law: SwitchingLaw | None = None,
) -> dict[str, Any]:
    """Write the parameters of every crossbar layer that are not on the array yet; then read back.

    That is of layers that were not programmed yet, and of those whose parameters were moved since:
    by `load_state_dict`, or by hand.

    Each matrix gets the R_gw with which its largest weight fills the window of conductances that
    SETs reach. Cells are pulsed and read in turn, under the load in which their layer is used. The
    layers infer on the array from then on, and their parameters are frozen: training goes on in
    those that are not written.

    Parameters
    ----------
    model
        Of `place`.
    settings
        Tolerances, attempts and gate voltages.
    law
        What a SET does, as for `place`.

    Returns
    -------
    Statistics of the cells (`memlab.mapping.summarise`), and how many of them were `clipped`.

    Raises
    ------
    SettingError
        If there is nothing to write.
    LimitError
        If a gate voltage is not allowed; nothing is pulsed.
    """
    layers = [layer for layer in crossbar_layers_of(model) if _is_due(layer)]
    if not layers:
        raise SettingError("every crossbar layer that can be written is on the array already")
    return _write(layers, settings or WriteVerify(), law)


def write_in_turn(
    model: torch.nn.Module,
    settings: WriteVerify | None = None,
    *,
    law: SwitchingLaw | None = None,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Write one layer after the other, in the order of the model; yield its name and statistics.

    Between two of them, train: what is written is frozen and multiplies on the array, the rest
    learns in software to live with it::

        model = place(trained, array)
        for name, written in write_in_turn(model):
            fine_tune(model)

    Parameters
    ----------
    model, settings, law
        As for `write`.
    """
    crossbar_layers_of(model)
    for name, layer in list(model.named_modules()):
        if isinstance(layer, CrossbarModule) and _is_due(layer):
            yield name, _write([layer], settings or WriteVerify(), law)


def _is_due(layer: CrossbarModule) -> bool:
    """Whether a layer of `place` has parameters that are not on the array."""
    return layer.start is not None and (not layer.on_array or layer.moved)


def _write(
    layers: Sequence[CrossbarModule], settings: WriteVerify, law: SwitchingLaw | None
) -> dict[str, Any]:
    """Write layers; what they have on one array is written together."""
    arrays = layers[0].arrays
    used = {block.array_number for layer in layers for m in layer.matrices for block in m.blocks}
    laws = {k: law or law_of(arrays[k]) for k in used if not arrays[k].writable}
    parts = [part for layer in layers for part in layer.parts]
    wanted = [layer.wanted(part) for layer in layers for part in layer.parts]
    matrices = [part.matrix for part in parts]
    for layer in layers:
        layer.check_finite()
        layer.keep_first()
    steps = write_weights(matrices, wanted, arrays, settings, laws=laws)
    for layer in layers:
        layer.written = True
        layer.read_back()
        layer.requires_grad_(False)
    results = [result for step in steps for result in step.results]
    clipped = sum(step.clipped for step in steps)
    return {**(summarise(results) if results else {}), "clipped": clipped}
