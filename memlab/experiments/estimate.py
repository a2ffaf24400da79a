"""The bill before a run: time, energy, pulses, voltages and file size, from a short rehearsal.

The rehearsal is the run itself for three updates on a fresh emulated chip, with its evaluation.
What the second and third update add is what every later one is taken to add.

Ex situ the arrays see the transfer and the evaluation only: both are rehearsed whole, with the
weights that the software starts from, or those of a run file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from memlab.array.cost import COST_UNITS, BoardCost, total_cost
from memlab.experiments.config import ExperimentConfig, Method
from memlab.experiments.experiment import Experiment, Outcome
from memlab.experiments.runner import EXPERIMENTS, Plan, open_for, run
from memlab.mapping import FloorPlan
from memlab.nn import Network
from memlab.runs import LogLevel, TrainingLog, write_findings
from memlab.session import create_run_file, total_counts
from memlab.training import EpochResult, Observer, train

__all__ = ["estimate", "plan_floor"]

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
        """Totals after so many updates."""

    def started(self, network: Network) -> None:
        """Count the devices: so far each has been SET once."""
        self.after.append(self._totals())
        self.devices = self.after[0].set

    def epoch_finished(self, result: EpochResult) -> None:
        """Take the totals."""
        self.after.append(self._totals())


def estimate(plan: Plan) -> dict[str, Any]:
    """Return the bill of a plan; nothing but emulated chips in memory is touched.

    Returns
    -------
    Plain values: experiment, preset, method, updates on the arrays, what was rehearsed, devices,
    pulses per cell, worst voltages (V), seconds on the board, energy (J), file size (bytes).
    """
    of_method = _in_situ if plan.config.method is Method.IN_SITU else _ex_situ
    head = {
        "experiment": plan.experiment,
        "preset": plan.preset,
        "method": plan.config.method.value,
    }
    return {
        **head,
        **of_method(plan),
        "worst_voltages": _worst_voltages(plan.config),
        "units": {
            **COST_UNITS,
            "pulses_per_cell": "pulses, mean of `devices`",
            "worst_voltages": "V",
            "file_size": "byte",
        },
    }


def plan_floor(plan: Plan) -> FloorPlan:
    """Return where the matrices of a plan lie; nothing but emulated chips in memory is touched.

    Raises
    ------
    SettingError
        If they do not fit.
    """
    with open_for(replace(plan, good=None), ["emulator:"] * len(plan.boards)) as arrays:
        network = EXPERIMENTS[plan.experiment].make(plan.config, arrays).network
        plans = [matrix.plan for matrix in network.matrices]
        return FloorPlan(tuple(array.shape for array in arrays), tuple(plans))


def _ex_situ(plan: Plan) -> dict[str, Any]:
    """Return the bill of a transfer."""
    train = plan.config.train.model_copy(update={"epochs": 0})
    with TemporaryDirectory() as directory:
        out = Path(directory) / "rehearsal.h5"
        rehearsal = replace(
            plan,
            boards=("emulator:",) * len(plan.boards),
            config=plan.config.model_copy(update={"train": train}),
            out=out,
        )
        found = run(rehearsal, figure=False)
        file_size = out.stat().st_size
    transfer, counts = found["transfer"], found["counts"]
    return {
        "updates": 0,
        "rehearsed": "the transfer of untrained weights",
        "devices": transfer["cells"],
        "pulses_per_cell": {kind: transfer[f"{kind}_per_cell"] for kind in ("set", "reset")},
        "on_board": found["on_board"],
        "counts": {name: counts[name] for name in ("vmm", "set", "reset")},
        "file_size": file_size,
    }


def _in_situ(plan: Plan) -> dict[str, Any]:
    """Return the bill of a training on the arrays."""
    entry, config = EXPERIMENTS[plan.experiment], plan.config
    with (
        TemporaryDirectory() as directory,
        open_for(replace(plan, good=None), ["emulator:"] * len(plan.boards)) as arrays,
    ):
        experiment = entry.make(config, arrays)
        out = Path(directory) / "rehearsal.h5"
        run_file = create_run_file(replace(plan, out=out).request(), arrays)
        log = TrainingLog(run_file, config.log.level)
        held_out = experiment.samples().held_out > 0
        log.declare(experiment.network, experiment.vectors_per_update, validation=held_out)
        experiment.declare_results(run_file)
        run_file.start()

        def totals() -> _Totals:
            cost, counts = total_cost(arrays, config.link), total_counts(arrays)
            if cost is None:
                raise TypeError("a rehearsal needs an emulated board")
            return _Totals(cost, counts["vmm"], counts["set"], counts["reset"], out.stat().st_size)

        def so_far() -> _Totals:
            run_file.flush()  # the log waits for a second, and the file would be too short
            return totals()

        watch = _Watch(so_far)
        train(
            experiment.network,
            experiment.loss,
            config.train.make_optimizer(),
            lambda epoch: islice(experiment.batches(epoch), 1),
            _UPDATES,
            [log, watch],
        )
        log.stop_codes()
        looked = _looks(experiment, totals) if held_out else {}
        metrics: dict[str, float | None] = {**experiment.evaluate(run_file), "final_loss": 0.0}
        found = Outcome(metrics, {"metrics_of": experiment.samples().of(metrics)}).findings()
        run_file.close("finished", complete=lambda entry: write_findings(entry, found))
        updates = config.train.epochs * experiment.updates_per_epoch
        full = _extrapolate([each.flat() for each in watch.after], totals().flat(), updates, config)
        for name, each in looked.items():
            full[name] += each * (config.train.epochs - 1)
        return {
            "updates": updates,
            "rehearsed": f"{_UPDATES} updates, the others taken to be like them",
            "devices": watch.devices,
            "pulses_per_cell": {name: full[name] / watch.devices for name in ("set", "reset")},
            "on_board": BoardCost(**{f.name: full[f.name] for f in fields(BoardCost)}).document(),
            "counts": {name: round(full[name]) for name in ("vmm", "set", "reset")},
            "file_size": round(full["file_size"]),
            **_restarts(config, experiment.updates_per_epoch),
        }


def _looks(experiment: Experiment, totals: Callable[[], _Totals]) -> dict[str, float]:
    """Return what the validation after every epoch adds, from one of them."""
    before = totals().flat()
    experiment.validate()
    return {name: value - before[name] for name, value in totals().flat().items()}


def _restarts(config: ExperimentConfig, updates_per_epoch: int) -> dict[str, Any]:
    """Return what the bill leaves out where training may begin anew."""
    restart = config.train.make_restart()
    if restart is None or restart.after > config.train.epochs:
        return {}
    return {
        "restarts": {"at_most": restart.times, "updates_each": restart.after * updates_per_epoch}
    }


def _extrapolate(
    after: list[dict[str, float]], end: dict[str, float], updates: int, config: ExperimentConfig
) -> dict[str, float]:
    """Return the totals of a whole run, from those after 0, 1, ... updates and at the end."""
    full = {}
    for name, value in end.items():
        # Below `all`, the file grows by epoch and not by update.
        by_epoch = name == "file_size" and config.log.level is not LogLevel.ALL
        steps = config.train.epochs if by_epoch else updates
        if steps <= _UPDATES:
            missing = after[steps][name] - after[_UPDATES][name]
        else:
            each = (after[_UPDATES][name] - after[1][name]) / (_UPDATES - 1)
            missing = each * (steps - _UPDATES)
        full[name] = value + missing
    return full


def _worst_voltages(config: ExperimentConfig) -> dict[str, float]:
    point = config.point
    ex_situ = config.method is Method.EX_SITU
    return {
        "read": point.read_voltage,
        "set": point.set_voltage,
        "set_gate": (config.transfer if ex_situ else config.mapping).gate_maximum,
        "reset": point.reset_voltage,
        "reset_gate": point.reset_gate_voltage,
    }
