"""Training in software for what a chip will make of the weights.

Every forward pass in training computes with weights as they would be once written: each cell is off
by the noise of the chip, and some pairs, others each time, have a stuck cell. Gradients are taken
there and change the weights themselves (straight through; weight noise: Joshi et al., Nature
Communications 11, 2473 (2020)). Evaluation, and a layer that lies on an array, are as ever.
"""

from __future__ import annotations

from functools import partial

import torch

from memlab import mapping
from memlab.errors import SettingError
from memlab.torch.in_situ import crossbar_layers_of

__all__ = ["WritingErrors", "noise_aware"]


class WritingErrors(mapping.WritingErrors):
    """What cells are off by once weights were written to them, for tensors, written blindly."""

    def drawn(self, weight: torch.Tensor, scale: float, generator: torch.Generator) -> torch.Tensor:
        """Return weights as they would be once written; the largest possible one is `scale`."""
        low, high = self.window
        siemens_per_weight = (high - low) / scale
        held = weight.detach() * siemens_per_weight
        cells = torch.stack([held.clamp(min=0.0), (-held).clamp(min=0.0)]) + low
        cells = cells + self.noise * torch.randn(
            cells.shape, generator=generator, dtype=cells.dtype
        )
        drawn, least = torch.rand(cells.shape, generator=generator, dtype=cells.dtype), 0.0
        for share, conductance in self.stuck:
            cells[(drawn >= least) & (drawn < least + share)] = conductance
            least += share
        made = (cells[0] - cells[1]) / siemens_per_weight
        return weight + (made - weight.detach())


def noise_aware(
    model: torch.nn.Module, errors: WritingErrors | None = None, *, seed: int = 1
) -> None:
    """From now on, let a model of `place` train in software with weights as a chip would hold them.

    Parameters
    ----------
    model
        Its crossbar layers that are not on an array yet; each draws while it is in training mode
        (`model.train()`).
    errors
        By default what the emulator states of the arrays that the model was placed on.
    seed
        Of all that is drawn.

    Raises
    ------
    SettingError
        If the model has no crossbar layer that is still in software, or its board says nothing of
        its cells.
    """
    generator = torch.Generator().manual_seed(seed)
    layers = [layer for layer in crossbar_layers_of(model) if not layer.on_array]
    if not layers:
        raise SettingError(
            "every crossbar layer is on the array already, and has the errors of its own cells: "
            "noise_aware(model) belongs between place and write"
        )
    for layer in layers:
        own = errors or WritingErrors.of(layer.arrays[layer.parts[0].matrix.blocks[0].array_number])
        layer.as_written = partial(own.drawn, generator=generator)
