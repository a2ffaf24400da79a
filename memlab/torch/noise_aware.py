"""Training in software for what a chip will make of the weights.

Every forward pass in training computes with weights as they would be once written: each cell is off
by the noise of the chip, and some pairs, others each time, have a stuck cell. Gradients are taken
there and change the weights themselves (straight through; weight noise: Joshi et al., Nature
Communications 11, 2473 (2020)). Evaluation, and a layer that lies on an array, are as ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Self

import torch

from memlab.array import Array
from memlab.errors import SettingError
from memlab.mapping import SwitchingLaw, WriteVerify
from memlab.torch.in_situ import crossbar_layers_of

__all__ = ["WritingErrors", "noise_aware"]


@dataclass(frozen=True)
class WritingErrors:
    """What cells are off by once weights were written to them.

    Parameters
    ----------
    window
        Lowest and highest conductance that weights are written to, in S.
    noise
        Standard deviation of a cell in S.
    stuck
        Share of the cells, and the conductance in S where they are stuck, of each kind.
    """

    window: tuple[float, float]
    noise: float = 0.0
    stuck: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        low, high = self.window
        shares = [share for share, _ in self.stuck]
        if not (0.0 <= low < high and self.noise >= 0.0):
            raise SettingError(
                f"a window of {low:g} to {high:g} S and noise of {self.noise:g} S: it must rise "
                "from 0 or above, and noise be 0 or above"
            )
        if not (all(share >= 0.0 for share in shares) and sum(shares) <= 1.0):
            raise SettingError(f"shares of stuck cells are {shares}: from 0 on, 1 in all")

    @classmethod
    def of(cls, array: Array, settings: WriteVerify | None = None) -> Self:
        """Return what the emulator states of its chip; raise `SettingError` where none is."""
        simulation = array.simulation
        if simulation is None:
            raise SettingError(
                "this board does not say what its cells are off by: give WritingErrors(window, "
                "noise, stuck) as measured (memlab characterize variation, yield)"
            )
        chip = simulation.truth(array.rows, array.columns).preset
        window = (settings or WriteVerify()).reach(array, array.stated_law or SwitchingLaw.of(chip))
        defects = chip.defects
        stuck = (
            (chip.non_responsive, 0.0),
            (defects.stuck_off, defects.off_conductance),
            (defects.stuck_on, defects.on_conductance),
        )
        return cls(window, chip.noise, stuck)

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
        If the model has no crossbar layer, or its board says nothing of its cells.
    """
    generator = torch.Generator().manual_seed(seed)
    for layer in crossbar_layers_of(model):
        own = errors or WritingErrors.of(layer.arrays[layer.parts[0].matrix.blocks[0].array_number])
        layer.as_written = partial(own.drawn, generator=generator)
