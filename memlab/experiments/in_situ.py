"""Training where the network lives: forward on the array, pulses after every batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from memlab.array import Array
from memlab.experiments.config import ExperimentConfig, TrainConfig
from memlab.experiments.experiment import Experiment, MakeExperiment, Outcome
from memlab.experiments.given import UNITS, Weights, read_weights, start_from
from memlab.experiments.keeping import TrainingKeeper
from memlab.experiments.metrics import EPOCHS, FINAL_LOSS, RESTARTS, VALIDATION_LOSS
from memlab.nn import CrossEntropy, Network, Validation
from memlab.rules import attach
from memlab.runs import BestWeights, Findings, TrainingLog
from memlab.session import Session
from memlab.storage import State
from memlab.training import EpochResult, LearningRate, Observer, Position, train

__all__ = ["InSitu", "loss_of_last_epoch", "make_in_situ", "train_experiment"]


def make_in_situ(
    make: MakeExperiment, config: ExperimentConfig, arrays: Sequence[Array]
) -> Experiment:
    """Return an experiment whose errors reach its layers as the update rule wants."""
    experiment = make(config, arrays)
    attach(config.update, experiment.network, config.seed, arrays)
    return experiment


class InSitu:
    """An experiment that is trained on the arrays themselves.

    Parameters
    ----------
    make, config
        The experiment.
    arrays
        Where it is trained.
    """

    def __init__(self, make: MakeExperiment, config: ExperimentConfig, arrays: Sequence[Array]):
        self._config, self._arrays = config, arrays
        self._experiment = make_in_situ(make, config, arrays)
        self._weights: Weights | None = None
        if config.weights:
            self._weights = read_weights(Path(config.weights), self._experiment, config)

    def run(self, session: Session, observers: Sequence[Observer]) -> Outcome:
        """Train and evaluate; declares and starts the run file."""
        experiment, config, run_file = self._experiment, self._config, session.file
        log = TrainingLog(run_file, config.log.level, session.spent)
        log.declare(
            experiment.network,
            experiment.vectors_per_update,
            classes=isinstance(experiment.loss, CrossEntropy),
            restarts=config.train.restarts > 0,
            validation=experiment.samples().held_out > 0,
        )
        own = experiment.declare_results(run_file)
        run_file.start()
        details: dict[str, Any] = {}
        if session.resumed is None:
            session.keep({})
        been: State = session.resumed or {}
        if "details" in been:
            details = dict(been["details"])
        elif self._weights is not None:
            network = experiment.network
            details["given"] = start_from(
                self._weights, network, self._arrays, config, session.keep, been
            )
        best = BestWeights(run_file.path)
        told = [*own, log, *observers]
        trained = train_experiment(
            experiment,
            config.train,
            told,
            best,
            session,
            lambda: {"details": details},
            resumed=been.get("training"),
        )
        log.stop_codes()
        findings = experiment.evaluate(run_file)
        findings.update(trained)
        units = (UNITS if "given" in details else {}) | best.units()
        return Outcome(findings, {**best.document(), **details}, units)


def train_experiment(
    experiment: Experiment,
    config: TrainConfig,
    observers: Sequence[Observer],
    best: BestWeights | None,
    session: Session,
    notes: Callable[[], State],
    position: Position | None = None,
    resumed: State | None = None,
) -> Findings:
    """Train an experiment as configured, from its beginning or from where a run goes on.

    Parameters
    ----------
    experiment, config, observers
        What is trained, how, and who watches.
    best
        Keeps the weights with the lowest loss of what is held out, if anything is; None: nobody
        looks at that.
    session
        The run, for its checkpoints.
    notes
        Returns what else belongs to a checkpoint of it.
    position
        Where training begins, by default with an array that is not initialised; afterwards, where
        it has come to.
    resumed
        Where it goes on: the `training` of a checkpoint.

    Returns
    -------
    Mean loss of the last epoch, not determined without epochs; where training may begin anew, how
    often it did; where samples are held out, their loss after the last epoch, and how many epochs
    there were.
    """
    validation = None
    samples = experiment.samples()
    if samples.held_out and best is not None:
        validation = Validation(experiment.validate, config.patience, best.keep)
    optimizer = config.make_optimizer()
    attempts = _Attempts()
    schedule = config.make_schedule()
    position, gradients = position or Position(), None
    rate = [] if schedule is None else [LearningRate(optimizer, schedule, position.begun)]
    told = [*rate, attempts, *observers]
    ahead = not all(block.array.restorable for block in experiment.network.blocks)
    keeper = TrainingKeeper(
        session, experiment, optimizer, validation, told, notes, pulses_first=ahead
    )
    if resumed is not None:
        at, gradients = keeper.restore(resumed)
        vars(position).update(vars(at))
    history = train(
        experiment.network,
        experiment.loss,
        optimizer,
        experiment.batches,
        config.epochs,
        told,
        config.make_restart(),
        validation,
        position=position,
        gradients=gradients,
        keeper=keeper,
    )
    found = loss_of_last_epoch(experiment, history[-1] if history else None)
    if config.restarts:
        found.add(RESTARTS, attempts.in_vain, n=1, of="training")
    if validation is not None:
        of = f"{samples.what} held out of training, last epoch"
        loss = _or_nan(attempts.validation)
        found.add(VALIDATION_LOSS, loss, n=samples.held_out, of=of)
        found.add(EPOCHS, len(history), n=1, of="training")
    return found


def loss_of_last_epoch(experiment: Experiment, loss: float | None) -> Findings:
    """Return the final loss of a training; None where there was no epoch."""
    samples, found = experiment.samples(), Findings()
    of = f"{samples.what} of training, last epoch"
    why = "there was no epoch" if loss is None else ""
    found.add(FINAL_LOSS, _or_nan(loss), n=samples.trained, of=of, why=why)
    return found


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


class _Attempts(Observer):
    """Counts what was in vain, and remembers the last validation loss."""

    def __init__(self) -> None:
        self.in_vain = 0
        self.validation: float | None = None

    def epoch_finished(self, result: EpochResult) -> None:
        self.validation = result.validation

    def restarted(self, result: EpochResult, network: Network) -> None:
        self.in_vain += 1

    def state(self) -> State:
        return {"in_vain": self.in_vain, "validation": self.validation}

    def restore(self, state: State) -> None:
        self.in_vain, self.validation = state["in_vain"], state["validation"]
