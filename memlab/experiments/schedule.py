"""A learning rate that falls as training goes on."""

from __future__ import annotations

from memlab.nn import Network, Optimizer
from memlab.storage import State
from memlab.training import EpochResult, Observer

__all__ = ["LearningRateSchedule"]


class LearningRateSchedule(Observer):
    """Lowers an optimizer's learning rate geometrically, epoch by epoch of an attempt.

    Parameters
    ----------
    optimizer
        Its `lr` is where the first epoch starts.
    final
        Learning rate that the epoch after the last would have.
    """

    def __init__(self, optimizer: Optimizer, final: float):
        self._optimizer = optimizer
        self._first = optimizer.lr
        self._final = final
        self._begun = 0

    def started(self, network: Network) -> None:
        """Start at the first rate."""
        self._optimizer.lr, self._begun = self._first, 0

    def epoch_finished(self, result: EpochResult) -> None:
        """Set the rate of the next epoch."""
        part = (result.epoch + 1 - self._begun) / (result.epochs - self._begun)
        self._optimizer.lr = self._first * (self._final / self._first) ** part

    def restarted(self, result: EpochResult, network: Network) -> None:
        """Start at the first rate again."""
        self._optimizer.lr, self._begun = self._first, result.epoch + 1

    def state(self) -> State:
        """Return where the attempt began; the present rate is the optimizer's."""
        return {"begun": self._begun}

    def restore(self, state: State) -> None:
        """Go back to a `state`."""
        self._begun = state["begun"]
