"""The in-situ training loop: forward on the array, backward in software, pulses, read-back.

The loop knows nothing of files or screens; observers record and show what passes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from drivers import stopping
from memlab.nn import Loss, Network, Optimizer, Validation

__all__ = ["Batch", "EpochResult", "Observer", "Restart", "UpdateResult", "train"]

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
    """One finished epoch, counted from 0: the mean loss of its updates, and that of validation.

    The latter is NaN where nothing is held out. A training that begins anew counts on, and `epochs`
    grows by those that were in vain.
    """

    epoch: int
    epochs: int
    loss: float
    validation: float = math.nan


@dataclass(frozen=True)
class Restart:
    """When a training that has not learnt begins anew, by its training loss and nothing else.

    Parameters
    ----------
    times
        How often at most.
    after
        Epochs of an attempt after which its loss is looked at, once; at least 1.
    loss
        Mean loss of that epoch above which the attempt is given up. One that is NaN is, too.
    """

    times: int
    after: int
    loss: float

    def due(self, restarts: int, epochs: int, loss: float) -> bool:
        """Whether to begin anew, after so many restarts, and epochs of this attempt."""
        return restarts < self.times and epochs == self.after and not loss <= self.loss


class Observer:
    """Sees what passes during training; subclasses record or show it."""

    def started(self, network: Network) -> None:
        """Hear that the array is initialised and read, and the first batch comes next."""

    def updated(self, result: UpdateResult, network: Network) -> None:
        """Hear that an update was programmed and read back."""

    def epoch_finished(self, result: EpochResult) -> None:
        """Hear that all batches of an epoch are through."""

    def restarted(self, result: EpochResult, network: Network) -> None:
        """Hear that after this epoch the array was initialised again, and training begins anew."""


def train(
    network: Network,
    loss: Loss,
    optimizer: Optimizer,
    batches: Callable[[int], Iterable[Batch]],
    epochs: int,
    observers: Sequence[Observer] = (),
    restart: Restart | None = None,
    validation: Validation | None = None,
) -> list[float]:
    """Initialise the array and train in situ; return the mean loss of each epoch.

    Each batch pulses the array: at most two pulses per cell (see `mapping.OneShotUpdate`). To begin
    anew is to initialise it again: RESET and SET of every cell.

    Parameters
    ----------
    network, loss, optimizer
        What is trained, and how.
    batches
        Gives the batches of an epoch, counted from 0, over all attempts.
    epochs
        How often, at least 0; after a restart as often again.
    observers
        Told after every update and every epoch, in this order.
    restart
        When to begin anew; None for never.
    validation
        Looks at other samples after every epoch, and may end training.
    """
    network.initialise()
    for observer in observers:
        observer.started(network)
    history: list[float] = []
    index = epoch = begun = restarts = 0
    while epoch < begun + epochs:
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
        finished = EpochResult(epoch, begun + epochs, history[-1])
        if validation is not None:
            finished = replace(finished, validation=validation.after_epoch(epoch, network))
        for observer in observers:
            observer.epoch_finished(finished)
        epoch += 1
        if restart is not None and restart.due(restarts, epoch - begun, history[-1]):
            restarts, begun = restarts + 1, epoch
            network.initialise()
            optimizer.reset()
            if validation is not None:
                validation.reset()
            for observer in observers:
                observer.restarted(finished, network)
        elif validation is not None and validation.exhausted:
            break
    return history
