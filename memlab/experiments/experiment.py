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

__all__ = ["Experiment", "MakeExperiment", "Outcome", "SameBatches", "Samples"]


@dataclass(frozen=True)
class Samples:
    """Of what and of how many the metrics of an experiment are.

    Parameters
    ----------
    train, test
        How many samples the metrics of training and of the test are means over.
    what
        What they are.
    units
        Of the metrics.
    held_out
        How many of the samples of training only decide when it stops.
    trained
        How many the loss of training is the mean over; those of `train` that are not held out if
        None.
    """

    train: int
    test: int
    what: str
    units: str = "1"
    held_out: int = 0
    trained: int | None = None

    def of(self, metrics: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return unit, number and kind of the samples of each metric by its name."""
        found: dict[str, dict[str, Any]] = {}
        for name in metrics:
            if name in ("restarts", "epochs"):
                units, n, what = "1", 1, "training"
            elif name == "final_loss":
                n = self.train - self.held_out if self.trained is None else self.trained
                units, what = "1", f"{self.what} of training, last epoch"
            elif name == "validation_loss":
                units, n = "1", self.held_out
                what = f"{self.what} held out of training, last epoch"
            else:
                test = "test" in name.split("_")
                part, n = ("test", self.test) if test else ("training", self.train)
                units, what = self.units, f"{self.what} of {part}"
            found[name] = {"units": units, "n": n, "of": what}
        return found


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
    title: str
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

    def evaluate(self, run: RunFile) -> dict[str, float]:
        """Write results and return metrics by name."""
        ...

    def samples(self) -> Samples:
        """Return of what and of how many the metrics are."""
        ...


MakeExperiment = Callable[[Any, Sequence[Array]], Experiment]
"""Makes an experiment from its configuration and its arrays."""


@dataclass(frozen=True)
class Outcome:
    """What a run found: metrics, what else belongs into its document, and units by name of that."""

    metrics: dict[str, float | None]
    details: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)

    def findings(self) -> Findings:
        """Return the metrics with their units, and of what and of how many they are."""
        findings, about = Findings(), self.details.get("metrics_of", {})
        for name, value in self.metrics.items():
            if value is not None:
                one = about[name]
                text = name.replace("_", " ").capitalize().replace("rmse", "RMSE")
                findings.number(name, value, one["units"], text, n=one["n"], of=one["of"])
        return findings
