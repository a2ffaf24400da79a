"""The bill before a run: time, energy, pulses, voltages and file size, from a short rehearsal.

The rehearsal is the run itself for three updates on a fresh emulated chip, with its evaluation.
What the second and third update add is what every later one is taken to add.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from memlab.cost import BoardCost, total_cost
from memlab.errors import SettingError
from memlab.experiments.arrays import open_arrays, total_counts
from memlab.experiments.config import ExperimentConfig, Method
from memlab.experiments.runner import EXPERIMENTS, Plan, create_run_file
from memlab.nn import Network
from memlab.runs import LogLevel, TrainingLog
from memlab.training import EpochResult, Observer, train

__all__ = ["estimate"]

_UPDATES = 3


@dataclass(frozen=True)
class _Totals:
    """Everything that adds up, at one moment of the rehearsal."""

    cost: BoardCost
    vmm: int
    set: int
    reset: int
    file_size: int

    def flat(self) -> dict[str, float]:
        """Return the numbers by name."""
        rest = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "cost"}
        return asdict(self.cost) | rest


class _Watch(Observer):
    """Takes the totals after every update of the rehearsal."""

    def __init__(self, totals: Callable[[], _Totals]):
        self._totals = totals
        self.devices = 0
        self.after: list[_Totals] = []

    def started(self, network: Network) -> None:
        """Count the devices: so far each has been SET once."""
        self.devices = self._totals().set

    def epoch_finished(self, result: EpochResult) -> None:
        """Take the totals."""
        self.after.append(self._totals())


def estimate(plan: Plan) -> dict[str, Any]:
    """Return the bill of a plan; nothing but emulated chips in memory is touched.

    Returns
    -------
    Plain values: experiment, preset, updates, devices, pulses per cell, worst voltages (V),
    seconds on the board, energy (J), file size (bytes).
    """
    entry, config = EXPERIMENTS[plan.experiment], plan.config
    if config.method is not Method.IN_SITU:
        raise SettingError("estimate: only method=in-situ has a bill; a transfer takes few pulses")
    with (
        TemporaryDirectory() as directory,
        open_arrays(["emulator:"] * len(plan.boards), config) as arrays,
    ):
        experiment = entry.make(config, arrays)
        out = Path(directory) / "rehearsal.h5"
        run_file = create_run_file(replace(plan, out=out), arrays)
        log = TrainingLog(run_file, config.log.level)
        log.declare(experiment.network, experiment.vectors_per_update)
        experiment.declare_results(run_file)
        run_file.start()

        def totals() -> _Totals:
            cost, counts = total_cost(arrays, config.link), total_counts(arrays)
            if cost is None:
                raise TypeError("a rehearsal needs an emulated board")
            return _Totals(cost, counts["vmm"], counts["set"], counts["reset"], out.stat().st_size)

        watch = _Watch(totals)
        train(
            experiment.network,
            experiment.loss,
            config.train.make_optimizer(),
            lambda epoch: islice(experiment.batches(epoch), 1),
            _UPDATES,
            [log, watch],
        )
        log.stop_codes()
        experiment.evaluate(run_file)
        run_file.close("finished")
        first, last, end = watch.after[0].flat(), watch.after[-1].flat(), totals().flat()
        updates = config.train.epochs * experiment.updates_per_epoch
        full = _extrapolate(first, last, end, updates, config)
        return {
            "experiment": plan.experiment,
            "preset": plan.preset,
            "updates": updates,
            "devices": watch.devices,
            "pulses_per_cell": {name: full[name] / watch.devices for name in ("set", "reset")},
            "worst_voltages": _worst_voltages(config),
            "on_board": BoardCost(**{f.name: full[f.name] for f in fields(BoardCost)}).document(),
            "counts": {name: round(full[name]) for name in ("vmm", "set", "reset")},
            "file_size": round(full["file_size"]),
        }


def _extrapolate(
    first: dict[str, float],
    last: dict[str, float],
    end: dict[str, float],
    updates: int,
    config: ExperimentConfig,
) -> dict[str, float]:
    full = {}
    for name, value in end.items():
        each = (last[name] - first[name]) / (_UPDATES - 1)
        # Below `all`, the file grows by epoch and not by update.
        by_epoch = name == "file_size" and config.log.level is not LogLevel.ALL
        full[name] = value + each * ((config.train.epochs if by_epoch else updates) - _UPDATES)
    return full


def _worst_voltages(config: ExperimentConfig) -> dict[str, float]:
    point = config.point
    return {
        "read": point.read_voltage,
        "set": point.set_voltage,
        "set_gate": config.mapping.gate_maximum,
        "reset": point.reset_voltage,
        "reset_gate": point.reset_gate_voltage,
    }
