"""Training in software, transfer by write-and-verify, inference on the array.

The software network is the same experiment on ideal arrays of the same shape, from the same seed.
It learns at the rate that the chip has in effect: both cells of a pair move by the full change
there, and R_vg and the slope of the SET law need not cancel, so that a nominal rate counts
2 R_vg slope times (2.0 in Li 2019, 5.45 in Wang 2019).

Each trained matrix gets a R_gw of its own, the largest with which its weights fit into the window
of conductances that a SET reaches. What is inferred is inferred on the array, and nothing that was
read back is used to correct it.

Layer by layer, one layer is written, and those after it go on learning in software, on what the
written ones really make of the data; then the next one is written (chip-in-the-loop fine-tuning:
Wan et al., Nature 608, 504-512, 2022). What stuck cells have done to one layer, the later ones
learn to live with; nothing comes after the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from memlab.array import Array
from memlab.array.gate_settings import refuse_gates
from memlab.array.ideal import IdealArray
from memlab.errors import SettingError
from memlab.experiments.config import ExperimentConfig, Method, TrainConfig
from memlab.experiments.experiment import MakeExperiment, Outcome
from memlab.experiments.given import Weights, read_weights, start_from
from memlab.experiments.in_situ import loss_of_last_epoch, train_experiment
from memlab.experiments.metrics import in_software
from memlab.experiments.transfer import GROUP, Transfer
from memlab.mapping import PULSE_UNITS, ReadScale, WritingErrors, disturb, learnt, settle
from memlab.nn import Best, CrossEntropy, Network, Written
from memlab.runs import BestWeights, Findings, LogLevel, TrainingLog
from memlab.session import Session
from memlab.storage import State
from memlab.training import Observer, Position

__all__ = ["ExSitu", "effective_training"]

UNITS = {
    "window": "S",
    "siemens_per_weight": "S per unit of weight",
    "clipped": "part of `cells`",
    "read_scale": "1",
    "change": "as the metric of this name",
    **PULSE_UNITS,
}
"""Of the plain numbers of a transfer."""


class ExSitu:
    """An experiment that is trained in software and then transferred, at once or layer by layer.

    Parameters
    ----------
    make, config
        The experiment.
    arrays
        Where it is transferred to, and infers.
    """

    def __init__(self, make: MakeExperiment, config: ExperimentConfig, arrays: Sequence[Array]):
        self._config, self._arrays = config, arrays
        for array in arrays:
            refuse_gates(config.transfer, array, config.point.set_voltage)
            if config.transfer.age and array.simulation is None:
                raise SettingError(
                    f"transfer.age={config.transfer.age:g} lets simulated time pass, and only an "
                    "emulated board has it; infer later, on weights that were written before"
                )
        self._ideal = [IdealArray(*array.shape) for array in arrays]
        self._software = make(_in_one_slice(config), self._ideal)
        self._experiment = make(config, arrays)
        layers = self._experiment.network.layers
        weighty = [number for number, layer in enumerate(layers) if layer.matrices]
        by_layer = config.method is Method.LAYER_BY_LAYER
        self._stages = [[one] for one in weighty] if by_layer else [weighty]
        """Numbers of the layers that are written together."""
        self._transfer = Transfer(self._experiment.network, arrays, config)
        self._position = Position()
        self._learnt: State = {}
        self._weights: Weights | None = None
        if path := config.weights or config.transfer.source:
            self._weights = read_weights(Path(path), self._software, config)
        self._disturb()

    def run(self, session: Session, observers: Sequence[Observer]) -> Outcome:
        """Train in software, transfer, and infer; declares and starts the run file."""
        software, run_file = self._software, session.file
        log = TrainingLog(run_file, LogLevel.OFF)
        log.declare(
            software.network,
            software.vectors_per_update,
            classes=isinstance(software.loss, CrossEntropy),
            restarts=self._config.train.restarts > 0,
            validation=software.samples().held_out > 0,
        )
        own = software.declare_results(run_file)
        self._transfer.declare(run_file)
        run_file.start()
        if session.resumed is None:
            session.keep({})
        best = _Learnt(run_file.path, software.network)
        been: State = session.resumed or {}
        if "learnt" not in been:
            self._learn([*own, log, *observers], session, best)
        else:
            self._learnt = been["learnt"]
            best.restore(self._learnt["best"])
            self._position = Position(**been["position"])
        self._write(session, been if "learnt" in been else {}, [log, *observers])
        scale = self._grow_old()
        trained, before = (Findings.of_state(self._learnt[part]) for part in ("trained", "before"))
        # Writes over what the software found: the run is about the arrays.
        findings = self._experiment.evaluate(run_file)
        change = {}
        for quantity in before.declared.values():
            if not quantity.dims and not quantity.reference:
                one = before[quantity]
                change[quantity.name] = findings[quantity].number - one.number
                findings.add(in_software(quantity), one.number, one.error, n=one.n, of=one.of)
        findings.update(trained)
        details = {**self._transfer.details(), **scale, "change": change}
        found = {**best.document(), GROUP: details}
        return Outcome(findings, found, UNITS | best.units())

    def _learn(self, observers: Sequence[Observer], session: Session, best: BestWeights) -> None:
        """Train the software network, or take over weights, and judge it."""
        software, been = self._software, session.resumed or {}
        if self._weights is None:
            for array, state in zip(self._ideal, been.get("software", []), strict=False):
                array.restore(state)
            trained = train_experiment(
                software,
                effective_training(self._config),
                observers,
                best,
                session,
                lambda: {"software": self._cells()},
                self._position,
                been.get("training"),
            )
            settle(software.network.matrices)
        else:
            start_from(self._weights, software.network, self._ideal, self._config)
            self._disturb()
            software.network.initialise()
            settle(software.network.matrices)
            self._position.initialised = True
            trained = loss_of_last_epoch(software, None)
        self._learnt = {
            "trained": trained.state(),
            "before": software.evaluate(session.file).state(),
            "best": best.state(),
        }

    def _write(self, session: Session, been: State, observers: Sequence[Observer]) -> None:
        """Write layer after layer, as they are written together; between two, train the rest."""
        transfer, network = self._transfer, self._software.network
        begun: int = been.get("stage", 0)
        tuned: State | None = been.get("training")
        if "transfer" in been:
            transfer.restore(been["transfer"])
        for written in self._stages[: begun + (tuned is not None)]:
            self._hand_over(written)
        if been:
            network.restore(been["network"])
            for array, state in zip(self._ideal, been["software"], strict=True):
                array.restore(state)
        transfer.find_laws(
            lambda state: session.keep({**self._state(0), "law": state}), been.get("law")
        )
        for stage in range(begun, len(self._stages)):
            if tuned is None:

                def keep(state: State, stage: int = stage) -> None:
                    session.keep({**self._state(stage), "work": state})

                layers = self._stages[stage]
                matrices, trained = (
                    [matrix for number in layers for matrix in one.layers[number].matrices]
                    for one in (self._experiment.network, network)
                )
                transfer.write(
                    matrices,
                    [matrix.weight for matrix in trained],
                    keep,
                    been.get("work") if stage == begun else None,
                )
                self._hand_over(layers)
            if stage + 1 < len(self._stages):
                self._tune(stage, session, observers, tuned)
                tuned = None

    def _tune(
        self, stage: int, session: Session, observers: Sequence[Observer], resumed: State | None
    ) -> None:
        """Train the layers that are still in software on what the written ones make of the data."""
        train = effective_training(self._config)
        epochs = self._config.transfer.tuning_epochs
        tuning = train.model_copy(
            update={"epochs": train.epochs if epochs is None else epochs, "restarts": 0}
        )
        if resumed is None:
            self._position.begun = self._position.epoch
        train_experiment(
            self._software,
            tuning,
            observers,
            None,
            session,
            lambda: self._state(stage),
            self._position,
            resumed,
        )
        settle(self._software.network.matrices)

    def _grow_old(self) -> dict[str, Any]:
        """Let time pass before anything is inferred; return what products are then scaled by."""
        config = self._config.transfer
        scale = ReadScale(self._experiment.network.matrices) if config.read_scaling else None
        if config.age:
            for array in self._arrays:
                assert array.simulation is not None
                array.simulation.advance(config.age)
        return {} if scale is None else {"read_scale": scale.measure()}

    def _disturb(self) -> None:
        """Let the software network compute with weights as cells would hold them, if asked to."""
        config = self._config
        if not config.transfer.noise_aware:
            return
        settings = config.transfer.make_settings()
        errors = [
            WritingErrors.of_chip(config.chip, array, settings).scaled(config.transfer.noise_aware)
            for array in self._arrays
        ]
        rng = np.random.default_rng([config.seed, 0xE44])  # a stream that nothing else draws from
        disturb(self._software.network.matrices, errors, rng)

    def _hand_over(self, layers: Sequence[int]) -> None:
        """From now on, let the software network pass through these layers on the arrays."""
        for number in layers:
            self._software.network.layers[number] = Written(self._experiment.network.layers[number])

    def _cells(self) -> list[State]:
        return [array.state() for array in self._ideal]

    def _state(self, stage: int) -> State:
        """Return what a checkpoint has, once there are weights to write."""
        return {
            "learnt": self._learnt,
            "stage": stage,
            "position": self._position.state(),
            "transfer": self._transfer.state(),
            "network": self._software.network.state(),
            "software": self._cells(),
        }


class _Learnt(BestWeights):
    """Keeps what was learnt, not what cells would have made of it."""

    def __init__(self, run: Path, network: Network):
        super().__init__(run)
        self._network = network

    def keep(self, best: Best) -> None:
        """Write what the network has learnt over what was the best before."""
        weights = {matrix.name: learnt(matrix).copy() for matrix in self._network.matrices}
        super().keep(replace(best, weights=weights))


def _in_one_slice(config: ExperimentConfig) -> ExperimentConfig:
    """Return the settings of the network in software: numbers need no slices."""
    whole = {"slices": 1, "trained_slice": None, "carry_every": 0}
    return config.model_copy(update={"mapping": config.mapping.model_copy(update=whole)})


def effective_training(config: ExperimentConfig) -> TrainConfig:
    """Return the training with the learning rates that pulses have in effect (see the module)."""
    # Without gates a weight moves by what was asked (`memlab.mapping.levels`).
    factor = 2.0 * config.mapping.volts_per_siemens * config.chip.set_slope or 1.0
    train = config.train
    final = None if train.lr_final is None else factor * train.lr_final
    return train.model_copy(update={"lr": factor * train.lr, "lr_final": final})
