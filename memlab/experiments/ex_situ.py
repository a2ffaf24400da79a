"""Training in software, transfer by write-and-verify, inference on the array.

The software network is the same experiment on an ideal array of the same shape, from the same
seed. It learns at the rate that the chip has in effect: both cells of a pair move by the full
change there, and R_vg and the slope of the SET law need not cancel, so that a nominal rate counts
2 R_vg slope times (2.0 in Li 2019, 5.45 in Wang 2019).

Each trained matrix gets a R_gw of its own, the largest with which its weights fit into the
conductances that a SET reaches; pairs lie around the middle of that window. The whole array is
written in one go, because cells share wires. What is inferred is inferred on the array, and
nothing that was read back is used to correct it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.array import Array
from memlab.errors import SettingError
from memlab.experiments.config import ExperimentConfig, Placement, TrainConfig
from memlab.experiments.experiment import Experiment, MakeExperiment, Outcome
from memlab.experiments.in_situ import train_experiment
from memlab.experiments.law import find_law
from memlab.ideal import IdealArray
from memlab.mapping import (
    DirectUpdate,
    SwitchingLaw,
    WriteVerify,
    WriteVerifyResult,
    pair_conductance,
    pair_weight,
    write_verify,
)
from memlab.nn import CrossEntropy, Network
from memlab.runs import (
    LogLevel,
    RunFile,
    Trained,
    TrainingLog,
    WriteVerifyLog,
    read_trained,
)
from memlab.training import Observer

__all__ = ["ExSitu", "effective_training", "place_weights"]

FloatArray = npt.NDArray[np.float64]
GROUP = "transfer"


class ExSitu:
    """An experiment that is trained in software and then transferred.

    Parameters
    ----------
    make, config
        The experiment.
    array
        Where it is transferred to, and infers.
    """

    def __init__(self, make: MakeExperiment, config: ExperimentConfig, array: Array):
        self._config, self._array = config, array
        self._software = make(config, IdealArray(*array.shape))
        self._experiment = make(config, array)
        self._source: Trained | None = None
        if config.transfer.source:
            self._source = read_trained(Path(config.transfer.source))
            check_source(self._source, self._experiment, config)

    def run(self, run_file: RunFile, observers: Sequence[Observer]) -> Outcome:
        """Train in software, transfer, and infer; declares and starts the run file."""
        software, config = self._software, self._config
        log = TrainingLog(run_file, LogLevel.OFF)
        log.declare(
            software.network,
            software.vectors_per_update,
            classes=isinstance(software.loss, CrossEntropy),
        )
        own = software.declare_results(run_file)
        record = WriteVerifyLog(run_file, GROUP)
        record.declare(self._array, maps=config.log.level is not LogLevel.OFF)
        run_file.start()
        loss = self._learn([*own, log, *observers])
        before = software.evaluate(run_file)
        result, details = self._transfer(record)
        # Writes over what the software found: the run is about the array.
        after = self._experiment.evaluate(run_file)
        names = [name for name in before if not name.startswith("persistence")]
        return Outcome(
            {
                **after,
                **{f"software_{name}": before[name] for name in names},
                "final_loss": loss,
            },
            {
                GROUP: {
                    **details,
                    **result.summary(),
                    "change": {name: after[name] - before[name] for name in names},
                }
            },
        )

    def _learn(self, observers: Sequence[Observer]) -> float | None:
        """Train the software network, or take over its weights; return the final loss, if any."""
        if self._source is None:
            return train_experiment(self._software, effective_training(self._config), observers)
        scale = self._config.mapping.siemens_per_weight
        for block in self._software.network.blocks:
            weight = self._source.weights[block.name]
            block.rule = DirectUpdate(pair_conductance(weight, scale, 0.0, block.layout))
        self._software.network.initialise()
        return None

    def _transfer(self, record: WriteVerifyLog) -> tuple[WriteVerifyResult, dict[str, Any]]:
        """Write the trained weights; return what became of the cells, and how they were placed."""
        array, config = self._array, self._config.transfer
        settings = config.make_settings()
        law = find_law(array, config, self._config.chip, self._used())
        network = self._experiment.network
        target, clipped = place_weights(
            network,
            self._software.network,
            array.shape,
            law,
            settings,
            config.placement,
            config.clip,
        )
        record.target(target)
        result = write_verify(array, target, law, settings, observer=record.read)
        record.finish(result)
        network.read_back()
        return result, {
            "law": {"set_slope": law.set_slope, "set_offset": law.set_offset},
            "siemens_per_weight": {m.name: m.siemens_per_weight for m in network.matrices},
            "clipped": clipped,
        }

    def _used(self) -> npt.NDArray[np.bool_]:
        used = np.zeros(self._array.shape, bool)
        for block in self._experiment.network.blocks:
            used[np.ix_(block.array.rows, block.array.columns)] = True
        return used


def check_source(source: Trained, experiment: Experiment, config: ExperimentConfig) -> None:
    """Raise `SettingError` unless trained weights fit an experiment and were trained on its task.

    Chip, seed and way of training may differ; network and data must not.
    """
    path = config.transfer.source
    if source.experiment != experiment.name:
        raise SettingError(f"{path} is a run of {source.experiment}, not of {experiment.name}")
    task = config.model_dump(mode="json", exclude=set(ExperimentConfig.model_fields))
    for section, values in task.items():
        for key, value in values.items():
            other = source.config.get(section, {}).get(key)
            if other != value and key != "path":
                raise SettingError(
                    f"{path} was run with {section}.{key}={other}, here it is {value}: choose the "
                    "same preset and settings"
                )
    for block in experiment.network.blocks:
        found = source.weights.get(block.name)
        if found is None or found.shape != block.shape:
            raise SettingError(
                f"{path} has no weights of shape {block.shape} for {block.name}; was it run with "
                "the same network and placement?"
            )


def effective_training(config: ExperimentConfig) -> TrainConfig:
    """Return the training with the learning rates that pulses have in effect (see the module)."""
    factor = 2.0 * config.mapping.volts_per_siemens * config.chip.set_slope
    train = config.train
    final = None if train.lr_final is None else factor * train.lr_final
    return train.model_copy(update={"lr": factor * train.lr, "lr_final": final})


def place_weights(
    network: Network,
    software: Network,
    shape: tuple[int, int],
    law: SwitchingLaw,
    settings: WriteVerify,
    placement: Placement = Placement.CENTRED,
    clip: float = 0.0,
) -> tuple[FloatArray, float]:
    """Return target conductances (S) of the whole array, and which share of them was clipped.

    Every matrix of `network` gets the R_gw that fills the window of conductances.

    Parameters
    ----------
    network
        On the array.
    software
        The same network, trained, on an ideal array.
    shape
        Of the whole array.
    law, settings
        A SET reaches the levels between `gate_minimum` and `gate_maximum`.
    placement
        Where the cells of a pair lie in that window.
    clip
        Share of the weights of a matrix, the largest ones, that need not fit.
    """
    low, high = (float(law.conductance(v)) for v in (settings.gate_minimum, settings.gate_maximum))
    target = np.full(shape, np.nan)
    clipped = cells = 0
    for matrix, trained in zip(network.matrices, software.matrices, strict=True):
        largest = float(np.quantile(np.abs(trained.weight), 1.0 - clip))
        matrix.siemens_per_weight = (high - low) / (largest or 1.0)
        for block, ideal in zip(matrix.blocks, trained.blocks, strict=True):
            conductance = ideal.reading.value
            weight = pair_weight(conductance, trained.siemens_per_weight, ideal.layout)
            if placement is Placement.CENTRED:
                middle: float | FloatArray = 0.5 * (low + high)
            else:
                middle = low + 0.5 * matrix.siemens_per_weight * np.abs(weight)
            wanted = pair_conductance(weight, matrix.siemens_per_weight, middle, block.layout)
            held = np.clip(wanted, low, high)
            # What lies beyond by rounding alone is not clipped.
            clipped += int(np.count_nonzero(np.abs(held - wanted) > 1e-9 * high))
            cells += wanted.size
            target[np.ix_(block.array.rows, block.array.columns)] = held
    return target, clipped / cells
