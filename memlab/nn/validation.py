"""Loss on samples that training does not see: when to stop by it, and where it was lowest."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from memlab.nn.network import Network
from memlab.numeric import FloatArray
from memlab.storage import State

__all__ = ["Best", "Validation"]


@dataclass(frozen=True, eq=False)
class Best:
    """The network after the epoch with the lowest validation loss; not what a training ends with.

    Parameters
    ----------
    epoch
        Counted from 0.
    loss
        Mean validation loss.
    weights
        Every matrix, shape (inputs, outputs), by its name, as read back after that epoch.
    """

    epoch: int
    loss: float
    weights: Mapping[str, FloatArray]


class Validation:
    """Measures the validation loss after every epoch of `training.train`.

    Parameters
    ----------
    measure
        Returns the mean loss, on the array, of samples held out of the training data. They decide
        when training stops, so that they must not be those that judge it.
    patience
        Epochs without a new lowest loss after which training stops; 0 for never.
    keep
        Called with every new best.
    """

    def __init__(
        self,
        measure: Callable[[], float],
        patience: int = 0,
        keep: Callable[[Best], object] = lambda best: None,
    ):
        self.patience = patience
        self.best: Best | None = None
        """The best so far of this attempt; None while no loss was a number."""
        self._measure, self._keep = measure, keep
        self._waited = 0

    @property
    def exhausted(self) -> bool:
        """Whether training has gone on in vain for as long as `patience` allows."""
        return 0 < self.patience <= self._waited

    def after_epoch(self, epoch: int, network: Network) -> float:
        """Measure and return the loss; logs of the network do not hear of it."""
        with network.unheard():
            loss = self._measure()
        self._waited += 1
        if loss < (math.inf if self.best is None else self.best.loss):
            weights = {matrix.name: matrix.weight.copy() for matrix in network.matrices}
            self.best, self._waited = Best(epoch, loss, weights), 0
            self._keep(self.best)
        return loss

    def reset(self) -> None:
        """Forget all, for a training that begins anew."""
        self.best, self._waited = None, 0

    def state(self) -> State:
        """Return the best so far, and for how long nothing was better."""
        best = self.best
        kept = None if best is None else [best.epoch, best.loss, dict(best.weights)]
        return {"best": kept, "waited": self._waited}

    def restore(self, state: State) -> None:
        """Go back to a `state`, and keep its best again: a later one may have been kept since."""
        self.best = None if state["best"] is None else Best(*state["best"])
        self._waited = state["waited"]
        if self.best is not None:
            self._keep(self.best)
