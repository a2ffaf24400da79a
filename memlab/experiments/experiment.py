"""What an experiment is, and what becomes of it when it is run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from memlab.array import Array
from memlab.nn import Loss, Network
from memlab.runs import Findings, RunFile
from memlab.storage import State
from memlab.training import Batch, Observer

__all__ = [
    "Experiment",
    "MakeExperiment",
    "Outcome",
    "SameBatches",
    "Samples",
]


@dataclass(frozen=True)
class Samples:
    """What an experiment trains on.

    Parameters
    ----------
    trained
        How many samples an epoch trains on.
    what
        What they are: "months".
    held_out
        How many more only decide when training stops.
    """

    trained: int
    what: str
    held_out: int = 0


class SameBatches:
    """What an experiment derives from whose batches depend on the epoch and nothing else."""

    def state(self) -> State:
        """Return nothing: nothing is remembered from epoch to epoch."""
        return {}

    def restore(self, state: State) -> None:
        """Do nothing."""


class Experiment(Protocol):
    """A network on an array with data to train on and results to write."""

    name: str
    network: Network
    loss: Loss
    vectors_per_update: int
    updates_per_epoch: int

    def batches(self, epoch: int) -> Iterable[Batch]:
        """Return the batches of an epoch, counted from 0."""
        ...

    def state(self) -> State:
        """Return what the batches to come depend on beside the epoch, random states included."""
        ...

    def restore(self, state: State) -> None:
        """Go back to a `state`."""
        ...

    def declare_results(self, run: RunFile) -> list[Observer]:
        """Declare the datasets that `evaluate` writes; return who else watches training."""
        ...

    def validate(self) -> float:
        """Return the mean loss, on the array, of the training samples that are held out.

        Asked for only where `samples().held_out` is not 0.
        """
        ...

    def samples(self) -> Samples:
        """Return how many samples it trains on."""
        ...

    def evaluate(self, run: RunFile) -> Findings:
        """Write results, and return metrics and what else was found, as the kind declares it."""
        ...


MakeExperiment = Callable[[Any, Sequence[Array]], Experiment]
"""Makes an experiment from its configuration and its arrays."""


@dataclass(frozen=True)
class Outcome:
    """What a run found, what else belongs into its document, and units by name of that."""

    findings: Findings
    details: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
