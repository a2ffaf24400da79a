"""Checkpoints of a training: when they are taken, and what is in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from memlab.experiments.experiment import Experiment
from memlab.nn import Network, Optimizer, Validation
from memlab.session import Session
from memlab.storage import State
from memlab.training import Keeper, Observer, Position

__all__ = ["TrainingKeeper"]


class TrainingKeeper(Keeper):
    """Takes a checkpoint after an update whenever the run file was flushed since the last one.

    On a chip that is no part of a checkpoint - a real one, or one in another process - it is taken
    before every update instead, with the gradients: which of its pulses were fired the board says
    later, by their tickets.

    Parameters
    ----------
    session
        The run; its file is started.
    experiment, optimizer, validation, observers
        What is trained, and who remembers something of it.
    notes
        Returns what else belongs to a checkpoint.
    pulses_first
        Whether the chip is no part of a checkpoint.
    """

    def __init__(
        self,
        session: Session,
        experiment: Experiment,
        optimizer: Optimizer,
        validation: Validation | None,
        observers: Sequence[Observer],
        notes: Callable[[], State],
        *,
        pulses_first: bool,
    ):
        self._session, self._experiment = session, experiment
        self._optimizer, self._observers = optimizer, observers
        self._validation = validation
        self._notes, self._ahead = notes, pulses_first
        self._batches: State = experiment.state()

    def epoch_begins(self) -> None:
        """Note what the batches of the epoch depend on: they are asked for again by a resume."""
        self._batches = self._experiment.state()

    def keep(self, position: Position, network: Network, *, pulses_follow: bool) -> None:
        """Take a checkpoint, where it is time for one."""
        if pulses_follow != self._ahead or not (self._ahead or self._session.due):
            return
        within = bool(position.losses or position.pulsing)
        self._session.keep(
            {
                **self._notes(),
                "training": {
                    "position": position.state(),
                    "network": network.state(),
                    "gradients": network.gradients() if position.pulsing else None,
                    "optimizer": self._optimizer.state(),
                    "validation": None if self._validation is None else self._validation.state(),
                    "observers": [one.state() for one in self._observers],
                    "batches": self._batches if within else self._experiment.state(),
                },
            }
        )

    def restore(self, state: State) -> tuple[Position, list[list[Any]] | None]:
        """Go back to the `training` of a checkpoint; return position and gradients."""
        self._experiment.network.restore(state["network"])
        self._optimizer.restore(state["optimizer"])
        self._experiment.restore(state["batches"])
        if self._validation is not None:
            self._validation.restore(state["validation"])
        # Those who only watch, as a progress bar, may be others than before.
        for observer, one in zip(self._observers, state["observers"], strict=False):
            observer.restore(one)
        return Position(**state["position"]), state["gradients"]
