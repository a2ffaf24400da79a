"""The in-situ training loop: forward on the array, backward in software, pulses, read-back.

The loop knows nothing of files or screens; observers record and show what passes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any, Protocol

import numpy as np

from drivers import stopping
from memlab.nn import Loss, Network, Optimizer, Schedule, Validation
from memlab.numeric import FloatArray
from memlab.storage import State

__all__ = [
    "Batch",
    "EpochResult",
    "Keeper",
    "LearningRate",
    "Observer",
    "Position",
    "Restart",
    "UpdateResult",
    "train",
]

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


@dataclass
class Position:
    """Where a training stands; with what it trains, all that it needs to go on.

    Parameters
    ----------
    initialised
        Whether the array is, for the present attempt.
    index, epoch
        Of the next update, counted from 0 over all attempts.
    begun, restarts
        First epoch of the present attempt, and how many were given up before it.
    losses
        Mean losses of the updates of the present epoch so far.
    history
        Mean losses of the epochs before.
    pulsing
        Loss and accuracy of the batch whose gradients are known, and whose pulses come next; empty
        between two updates.
    given_up
        Last epoch of the attempt before, by the names of `EpochResult`.
    """

    initialised: bool = False
    index: int = 0
    epoch: int = 0
    begun: int = 0
    restarts: int = 0
    losses: list[float] = field(default_factory=list)
    history: list[float] = field(default_factory=list)
    pulsing: list[float] = field(default_factory=list)
    given_up: dict[str, Any] = field(default_factory=dict)

    def state(self) -> State:
        """Return it as plain values."""
        return asdict(self)


class Observer:
    """Sees what passes during training; subclasses record or show it.

    One that remembers something between two updates says so by `state` and `restore`, so that a
    training goes on after a kill as if there had been none.
    """

    def started(self, network: Network) -> None:
        """Hear that the array is initialised and read, and the first batch comes next."""

    def resumed(self, network: Network) -> None:
        """Hear, in place of `started`, that training goes on where it was; after `restore`."""

    def multiplied(self, network: Network) -> None:
        """Hear that a batch is through forward and backward, and the array is pulsed next."""

    def updated(self, result: UpdateResult, network: Network) -> None:
        """Hear that an update was programmed and read back."""

    def epoch_finished(self, result: EpochResult) -> None:
        """Hear that all batches of an epoch are through."""

    def restarted(self, result: EpochResult, network: Network) -> None:
        """Hear that after this epoch the array was initialised again, and training begins anew."""

    def state(self) -> State:
        """Return what it remembers."""
        return {}

    def restore(self, state: State) -> None:
        """Go back to a `state`."""


class LearningRate(Observer):
    """Sets the learning rate of an optimizer, epoch by epoch of an attempt.

    Parameters
    ----------
    optimizer
        Its `lr` is that of the first epoch.
    schedule
        Says the rates of the others.
    begun
        First epoch of a training that goes on from another one.
    """

    def __init__(self, optimizer: Optimizer, schedule: Schedule, begun: int = 0):
        self._optimizer, self._schedule = optimizer, schedule
        self._first = optimizer.lr
        self._begun = begun

    def started(self, network: Network) -> None:
        """Start at the first rate."""
        self._optimizer.lr, self._begun = self._first, 0

    def epoch_finished(self, result: EpochResult) -> None:
        """Set the rate of the next epoch."""
        epoch, epochs = result.epoch + 1 - self._begun, result.epochs - self._begun
        self._optimizer.lr = self._schedule.rate(self._first, epoch, epochs)

    def restarted(self, result: EpochResult, network: Network) -> None:
        """Start at the first rate again."""
        self._optimizer.lr, self._begun = self._first, result.epoch + 1

    def state(self) -> State:
        """Return where the attempt began; the present rate is the optimizer's."""
        return {"begun": self._begun}

    def restore(self, state: State) -> None:
        """Go back to a `state`."""
        self._begun = state["begun"]


class Keeper(Protocol):
    """Takes checkpoints of a training."""

    def epoch_begins(self) -> None:
        """Hear that the batches of an epoch are asked for next."""
        ...

    def keep(self, position: Position, network: Network, *, pulses_follow: bool) -> None:
        """Hear of a moment at which training can be taken up again.

        Either all that has passed was told to all observers, or `pulses_follow`.
        """
        ...


def train(
    network: Network,
    loss: Loss,
    optimizer: Optimizer,
    batches: Callable[[int], Iterable[Batch]],
    epochs: int,
    observers: Sequence[Observer] = (),
    restart: Restart | None = None,
    validation: Validation | None = None,
    *,
    position: Position | None = None,
    gradients: Sequence[Sequence[FloatArray]] | None = None,
    keeper: Keeper | None = None,
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
    position
        Where to go on, with everything as it was there; by default at the beginning.
    gradients
        Those of a position whose pulses come next.
    keeper
        Takes checkpoints.
    """
    at = position or Position()

    def keep(*, pulses_follow: bool = False) -> None:
        if keeper is not None:
            keeper.keep(at, network, pulses_follow=pulses_follow)

    if at.initialised or at.restarts:
        for observer in observers:
            observer.resumed(network)
    while True:
        if not at.initialised:
            keep(pulses_follow=True)
            network.initialise()
            at.initialised = True
            for observer in observers:
                if at.given_up:
                    observer.restarted(EpochResult(**at.given_up), network)
                else:
                    observer.started(network)
            keep()
        if at.epoch == at.begun + epochs or (validation is not None and validation.exhausted):
            return at.history
        if keeper is not None:
            keeper.epoch_begins()
        for x, target in islice(batches(at.epoch), len(at.losses), None):
            stopping.check()
            if not at.pulsing:
                value = loss(network.forward(x), target)
                network.backward(value.delta, partial(loss, target=target))
                for observer in observers:
                    observer.multiplied(network)
                at.pulsing, gradients = [value.mean, value.accuracy], None
                keep(pulses_follow=True)
            network.update(optimizer, gradients)
            mean, accuracy = at.pulsing
            result = UpdateResult(at.index, at.epoch, mean, accuracy)
            for observer in observers:
                observer.updated(result, network)
            at.pulsing = []
            at.losses.append(mean)
            at.index += 1
            keep()
        at.history.append(float(np.mean(at.losses)))
        finished = EpochResult(at.epoch, at.begun + epochs, at.history[-1])
        if validation is not None:
            found = validation.after_epoch(at.epoch, network)
            finished = replace(finished, validation=found)
        for observer in observers:
            observer.epoch_finished(finished)
        at.losses = []
        at.epoch += 1
        if restart is not None and restart.due(at.restarts, at.epoch - at.begun, at.history[-1]):
            at.restarts, at.begun, at.initialised = at.restarts + 1, at.epoch, False
            at.given_up = asdict(finished)
            optimizer.reset()
            if validation is not None:
                validation.reset()
        else:
            keep()
