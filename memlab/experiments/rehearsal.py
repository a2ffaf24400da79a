"""The bill of an experiment, from a short rehearsal: time, energy, pulses, voltages, file size.

The rehearsal is the run itself for three updates on a fresh emulated chip, with its evaluation.
What the second and third update add is what every later one is taken to add.

Ex situ the arrays see the transfer and the evaluation only: both are rehearsed whole, with the
weights that the software starts from, or those of a run file. Layer by layer they see the batches
between two layers, too, of which one is rehearsed each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from memlab.array import Array
from memlab.array.cost import COST_UNITS, BoardCost, total_cost
from memlab.experiments.config import ExperimentConfig, Method
from memlab.experiments.ex_situ import ExSitu
from memlab.experiments.experiment import Experiment, MakeExperiment
from memlab.experiments.in_situ import loss_of_last_epoch, make_in_situ
from memlab.kinds import Kind
from memlab.nn import Network
from memlab.runs import LogLevel, TrainingLog
from memlab.session import Request, recorded, total_counts
from memlab.training import EpochResult, Observer, UpdateResult, train

__all__ = ["rehearse"]

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


def rehearse(kind: Kind, make: MakeExperiment, arrays: Sequence[Array]) -> dict[str, Any]:
    """Return the bill of an experiment, from a rehearsal on emulated arrays."""
    in_situ = kind.config.method is Method.IN_SITU
    bill = (_in_situ if in_situ else _ex_situ)(kind, make, arrays)
    return {
        "method": kind.config.method.value,
        **bill,
        "worst_voltages": _worst_voltages(kind.config, arrays),
        "units": {
            **COST_UNITS,
            "pulses_per_cell": "pulses, mean of `devices`",
            "worst_voltages": "V",
            "file_size": "byte",
        },
    }


def _request(kind: Kind, config: ExperimentConfig, out: Path) -> Request:
    settings = config.model_dump(mode="json")
    return Request(type(kind), "rehearsal", out, ("emulator:",), settings)


def _cost(arrays: Sequence[Array], config: ExperimentConfig) -> BoardCost:
    cost = total_cost(arrays, config.link)
    if cost is None:
        raise TypeError("a rehearsal needs an emulated board")
    return cost


class _Tuning(Observer):
    """Takes what one batch of each training between two layers adds."""

    def __init__(self, totals: Callable[[], dict[str, float]]):
        self._totals = totals
        self._before: dict[str, float] = {}
        self.added: list[dict[str, float]] = []

    def resumed(self, network: Network) -> None:
        """Take the totals before the batch."""
        self._before = self._totals()

    def updated(self, result: UpdateResult, network: Network) -> None:
        """Take those after it."""
        after = self._totals()
        self.added.append({name: after[name] - before for name, before in self._before.items()})


def _ex_situ(kind: Kind, make: MakeExperiment, arrays: Sequence[Array]) -> dict[str, Any]:
    """Return the bill of a transfer."""
    config, batches = kind.config, 0
    epochs = config.transfer.tuning_epochs
    epochs = config.train.epochs if epochs is None else epochs
    tuning = 1 if epochs and config.method is Method.LAYER_BY_LAYER else 0
    changes = {
        "train": config.train.model_copy(update={"epochs": 0}),
        "transfer": config.transfer.model_copy(update={"tuning_epochs": tuning}),
    }
    short = config.model_copy(update=changes)

    def of_one_batch(config: ExperimentConfig, arrays: Sequence[Array]) -> Experiment:
        nonlocal batches
        experiment: Any = make(config, arrays)
        batches, whole = epochs * experiment.updates_per_epoch, experiment.batches
        experiment.batches = lambda epoch: islice(whole(epoch), 1)
        return experiment  # type: ignore[no-any-return]

    with TemporaryDirectory() as directory:
        request = _request(kind, short, Path(directory) / "rehearsal.h5")
        given = ExSitu(of_one_batch, short, arrays)
        watch = _Tuning(
            lambda: _cost(arrays, config).document() | {"vmm": total_counts(arrays)["vmm"]}
        )
        with recorded(
            request, arrays, link=kind.config.link, given=given, watchers=[watch]
        ) as session:
            type(kind)(short).run(session)
        found = session.results
        file_size = request.out.stat().st_size
    transfer, counts = found["transfer"], dict(found["counts"])
    on_board = dict(found["on_board"])
    for added in watch.added:
        for part in (on_board, counts):
            for name in part.keys() & added.keys():
                part[name] += type(part[name])(added[name] * (batches - 1))
    return {
        "updates": 0,
        "rehearsed": "the transfer of untrained weights",
        "devices": transfer["cells"],
        "pulses_per_cell": {kind: transfer[f"{kind}_per_cell"] for kind in ("set", "reset")},
        "on_board": on_board,
        "counts": {name: counts[name] for name in ("vmm", "set", "reset")},
        "file_size": file_size,
    }


def _in_situ(kind: Kind, make: MakeExperiment, arrays: Sequence[Array]) -> dict[str, Any]:
    """Return the bill of a training on the arrays."""
    config = kind.config
    with TemporaryDirectory() as directory:
        experiment = make_in_situ(make, config, arrays)
        out = Path(directory) / "rehearsal.h5"

        def totals() -> _Totals:
            cost, counts = _cost(arrays, config), total_counts(arrays)
            return _Totals(cost, counts["vmm"], counts["set"], counts["reset"], out.stat().st_size)

        with recorded(_request(kind, config, out), arrays, link=config.link) as session:
            log = TrainingLog(session.file, config.log.level, session.spent)
            held_out = experiment.samples().held_out > 0
            log.declare(experiment.network, experiment.vectors_per_update, validation=held_out)
            experiment.declare_results(session.file)
            session.file.start()

            def so_far() -> _Totals:
                session.file.flush()  # the log waits for a second, and the file would be too short
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
            session.findings = experiment.evaluate(session.file)
            session.findings.update(loss_of_last_epoch(experiment, 0.0))
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


def _worst_voltages(config: ExperimentConfig, arrays: Sequence[Array]) -> dict[str, float]:
    point = config.point
    levels = config.mapping if config.method is Method.IN_SITU else config.transfer
    if not any(array.control.gates for array in arrays):
        most = levels.set_maximum or point.set_voltage
        return {"read": point.read_voltage, "set": most, "reset": point.reset_voltage}
    return {
        "read": point.read_voltage,
        "set": point.set_voltage,
        "set_gate": levels.gate_maximum,
        "reset": point.reset_voltage,
        "reset_gate": point.reset_gate_voltage,
    }
