"""The in-situ training loop: forward on the array, backward in software, pulses, read-back.

The loop knows nothing of files or screens; observers record and show what passes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers import stopping
from memlab.nn import Loss, Network, Optimizer

__all__ = ["Batch", "EpochResult", "Observer", "UpdateResult", "train"]

FloatArray = npt.NDArray[np.float64]
Batch = tuple[FloatArray, FloatArray]
"""Input and target, each (time, batch, features)."""


@dataclass(frozen=True)
class UpdateResult:
    """One finished update: its number and its epoch from 0, loss and accuracy before it.

    The accuracy is NaN where there are no classes.
    """

    index: int
    epoch: int
    loss: float
    accuracy: float = math.nan


@dataclass(frozen=True)
class EpochResult:
    """One finished epoch, counted from 0: the mean loss of its updates."""

    epoch: int
    epochs: int
    loss: float


class Observer:
    """Sees what passes during training; subclasses record or show it."""

    def started(self, network: Network) -> None:
        """Hear that the array is initialised and read, and the first batch comes next."""

    def updated(self, result: UpdateResult, network: Network) -> None:
        """Hear that an update was programmed and read back."""

    def epoch_finished(self, result: EpochResult) -> None:
        """Hear that all batches of an epoch are through."""


def train(
    network: Network,
    loss: Loss,
    optimizer: Optimizer,
    batches: Callable[[int], Iterable[Batch]],
    epochs: int,
    observers: Sequence[Observer] = (),
) -> list[float]:
    """Initialise the array and train in situ; return the mean loss of each epoch.

    Each batch pulses the array: at most two pulses per cell (see `mapping.OneShotUpdate`).

    Parameters
    ----------
    network, loss, optimizer
        What is trained, and how.
    batches
        Gives the batches of an epoch, counted from 0.
    epochs
        How often, at least 0.
    observers
        Told after every update and every epoch, in this order.
    """
    network.initialise()
    for observer in observers:
        observer.started(network)
    history: list[float] = []
    index = 0
    for epoch in range(epochs):
        losses: list[float] = []
        for x, target in batches(epoch):
            stopping.check()
            value = loss(network.forward(x), target)
            network.backward(value.delta)
            network.update(optimizer)
            losses.append(value.mean)
            result = UpdateResult(index, epoch, value.mean, value.accuracy)
            for observer in observers:
                observer.updated(result, network)
            index += 1
        history.append(float(np.mean(losses)))
        for observer in observers:
            observer.epoch_finished(EpochResult(epoch, epochs, history[-1]))
    return history
