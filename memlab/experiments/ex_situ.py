"""Training in software, transfer by write-and-verify, inference on the array.

The software network is the same experiment on ideal arrays of the same shape, from the same seed.
It learns at the rate that the chip has in effect: both cells of a pair move by the full change
there, and R_vg and the slope of the SET law need not cancel, so that a nominal rate counts
2 R_vg slope times (2.0 in Li 2019, 5.45 in Wang 2019).

Each trained matrix gets a R_gw of its own, the largest with which its weights fit into the window
of conductances that a SET reaches. An array is written in one go, and each of the network's blocks
is read under the load in which it is used: its own lines take part and no others.
What is inferred is inferred on the array, and nothing that was read back is used to correct it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from memlab.array import Array
from memlab.array.gate_settings import refuse_gates
from memlab.array.ideal import IdealArray
from memlab.experiments.config import ExperimentConfig, TrainConfig
from memlab.experiments.experiment import MakeExperiment, Outcome
from memlab.experiments.given import Weights, read_weights, start_from
from memlab.experiments.in_situ import loss_of_last_epoch, train_experiment
from memlab.experiments.law import find_laws
from memlab.experiments.metrics import in_software
from memlab.experiments.targets import place_weights, used_cells, views_of
from memlab.mapping import (
    PULSE_UNITS,
    WriteVerifyResult,
    summarise,
    write_verify,
)
from memlab.nn import CrossEntropy
from memlab.runs import (
    BestWeights,
    Findings,
    LogLevel,
    RunFile,
    TrainingLog,
    WriteVerifyLog,
)
from memlab.session import Session
from memlab.storage import State
from memlab.training import Observer

__all__ = ["ExSitu", "effective_training"]

GROUP = "transfer"
UNITS = {
    "window": "S",
    "siemens_per_weight": "S per unit of weight",
    "clipped": "part of `cells`",
    "change": "as the metric of this name",
    **PULSE_UNITS,
}
"""Of the plain numbers of a transfer."""


class ExSitu:
    """An experiment that is trained in software and then transferred.

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
        self._ideal = [IdealArray(*array.shape) for array in arrays]
        self._software = make(config, self._ideal)
        self._experiment = make(config, arrays)
        self._views = views_of(self._experiment.network, arrays)
        self._weights: Weights | None = None
        if path := config.weights or config.transfer.source:
            self._weights = read_weights(Path(path), self._software, config)

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
        records = self._declare_records(run_file)
        run_file.start()
        if session.resumed is None:
            session.keep({})
        best = BestWeights(run_file.path)
        learnt = (session.resumed or {}).get("learnt")
        if learnt is None:
            trained = self._learn([*own, log, *observers], session, best)
            learnt = {
                "trained": trained.state(),
                "before": software.evaluate(run_file).state(),
                "network": software.network.state(),
                "best": best.state(),
            }
        else:
            software.network.restore(learnt["network"])
            best.restore(learnt["best"])
        trained, before = (Findings.of_state(learnt[part]) for part in ("trained", "before"))
        details = self._transfer(records, session, learnt)
        # Writes over what the software found: the run is about the arrays.
        findings = self._experiment.evaluate(run_file)
        change = {}
        for quantity in before.declared.values():
            if not quantity.dims and not quantity.reference:
                one = before[quantity]
                change[quantity.name] = findings[quantity].number - one.number
                findings.add(in_software(quantity), one.number, one.error, n=one.n, of=one.of)
        findings.update(trained)
        found = {**best.document(), GROUP: {**details, "change": change}}
        return Outcome(findings, found, UNITS | best.units())

    def _learn(
        self, observers: Sequence[Observer], session: Session, best: BestWeights
    ) -> Findings:
        """Train the software network, or take over weights; return what training says."""
        network = self._software.network
        if self._weights is None:
            states = (session.resumed or {}).get("software", [])
            for array, state in zip(self._ideal, states, strict=False):
                array.restore(state)
            return train_experiment(
                self._software,
                effective_training(self._config),
                observers,
                best,
                session,
                lambda: {"software": [array.state() for array in self._ideal]},
            )
        start_from(self._weights, network, self._ideal, self._config)
        network.initialise()
        return loss_of_last_epoch(self._software, None)

    def _declare_records(self, run_file: RunFile) -> list[WriteVerifyLog]:
        maps = self._config.log.level is not LogLevel.OFF
        records = []
        for number, array in enumerate(self._arrays):
            group = GROUP if len(self._arrays) == 1 else f"{GROUP}_{number}"
            records.append(WriteVerifyLog(run_file, group))
            records[-1].declare(array, maps=maps, views=self._views[number])
        return records

    def _transfer(
        self, records: Sequence[WriteVerifyLog], session: Session, learnt: State
    ) -> dict[str, Any]:
        """Write the trained weights; return how they were placed, and what became of the cells."""
        resumed: State = session.resumed or {}
        arrays, config, network = self._arrays, self._config.transfer, self._experiment.network
        settings = config.make_settings()
        laws = find_laws(
            zip(arrays, used_cells(network, arrays), self._views, strict=True),
            config,
            self._config.chip,
            lambda state: session.keep({"learnt": learnt, **state}),
            resumed,
        )
        # What every array reaches.
        reach = [settings.reach(array, law) for array, law in zip(arrays, laws, strict=True)]
        low, high = max(one[0] for one in reach), min(one[1] for one in reach)
        targets, clipped = place_weights(
            network, self._software.network, arrays, (low, high), config.placement, config.clip
        )
        results = [WriteVerifyResult.of_state(one) for one in resumed.get("results", [])]
        written = list(zip(arrays, targets, laws, records, self._views, strict=True))
        work: State | None = resumed.get("work")
        if work is not None:
            written[len(results)][3].reads = resumed["reads"]
        for array, target, law, record, views in written[len(results) :]:

            def keep(state: State, record: WriteVerifyLog = record) -> None:
                session.keep(
                    {
                        "learnt": learnt,
                        "laws": [asdict(law) for law in laws],
                        "results": [result.state() for result in results],
                        "work": state,
                        "reads": record.reads,
                    }
                )

            record.target(target)
            result = write_verify(
                array,
                target,
                law,
                settings,
                observer=record.read,
                views=views,
                keeper=keep,
                resumed=work,
            )
            record.finish(result)
            results.append(result)
            work = None
        network.read_back()
        return {
            "window": {"low": low, "high": high},
            "siemens_per_weight": {m.name: m.siemens_per_weight for m in network.matrices},
            "clipped": clipped,
            **summarise(results),
        }


def effective_training(config: ExperimentConfig) -> TrainConfig:
    """Return the training with the learning rates that pulses have in effect (see the module)."""
    # Without gates a weight moves by what was asked (`memlab.mapping.levels`).
    factor = 2.0 * config.mapping.volts_per_siemens * config.chip.set_slope or 1.0
    train = config.train
    final = None if train.lr_final is None else factor * train.lr_final
    return train.model_copy(update={"lr": factor * train.lr, "lr_final": final})
