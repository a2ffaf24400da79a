"""Records a training run: loss, conductance maps, gate voltages, RESET masks and raw VMM codes."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.array import Measurement
from memlab.errors import SettingError
from memlab.mapping import Block, DifferentialMatrix
from memlab.nn import Network
from memlab.runs.growing import FEW, MANY
from memlab.runs.run_file import RunFile
from memlab.runs.spent_log import Spent, SpentLog
from memlab.runs.vmm_codes import VmmLog
from memlab.storage import State
from memlab.training import EpochResult, Observer, UpdateResult

__all__ = ["LogLevel", "TrainingLog"]

_CODES = attrgetter("dac_code", "adc_code", "gain")

_MAPS = 8 * 2**10
"""Bytes in a chunk of maps, about: each chunk costs some 20 us, and many maps have a few cells."""


class LogLevel(StrEnum):
    """How much of a run is recorded; loss and final state always are."""

    ALL = "all"
    """Maps of every update, codes of every VMM."""
    EPOCHS = "epochs"
    """Maps of the last update of each epoch, codes of its first batch."""
    OFF = "off"
    """No maps and no codes."""

    @classmethod
    def of(cls, name: str) -> LogLevel:
        """Return the level of a name; `SettingError` where there is none."""
        try:
            return cls(name)
        except ValueError as error:
            raise SettingError(f"log={name!r}: choose one of {', '.join(cls)}") from error


class TrainingLog(Observer):
    """Writes what passes in training into a run file.

    It is flushed as `RunFile.pace` says: a run that is killed loses about a second, and the queue
    stays at some megabytes. Epochs may be shorter than that by far, and each flush has its price.

    Call `declare` before `run_file.start()`.

    Parameters
    ----------
    run_file
        Where to write.
    level
        How much to write.
    spent
        Tells what the run has cost so far (`Session.spent`); nothing of it is written if None.
    """

    def __init__(self, run_file: RunFile, level: LogLevel, spent: Spent | None = None):
        self._run = run_file
        self._spent = spent
        self._cost: SpentLog | None = None
        self._level = level
        self._update = self._attempt = 0
        self._blocks: list[Block] = []
        self._heard: dict[str, list[tuple[npt.NDArray[Any], ...]]] = {}
        self._codes: dict[str, VmmLog] = {}
        self._listens = False

    def declare(
        self,
        network: Network,
        vectors: int,
        *,
        classes: bool = False,
        restarts: bool = False,
        validation: bool = False,
    ) -> None:
        """Declare the datasets of a network.

        Parameters
        ----------
        network
            Its matrices need not be initialised yet.
        vectors
            VMM vectors per update that a chunk should hold.
        classes
            Whether the loss has classes and an accuracy can be recorded.
        restarts
            Whether training may begin anew.
        validation
            Whether there is a validation loss after every epoch.
        """
        run = self._run
        run.group("training", "NXdata", {"signal": "loss"})
        run.scale("training/update", None, "1", "Number of the update, from 0")
        per_update = ("training/update",)
        text = "Mean loss of the batch, before the update"
        run.declare("training/loss", "f8", per_update, "1", text, MANY)
        run.declare("training/epoch", "i4", per_update, "1", "Epoch of the update, from 0", MANY)
        if self._spent is not None:
            self._cost = SpentLog(run, self._spent)
        self._classes = classes
        if classes:
            text = "Accuracy on the batch, before the update"
            run.declare("training/accuracy", "f8", per_update, "1", text, MANY)
        self._restarts = restarts
        if restarts:
            text = "Times that training had begun anew before the update"
            run.declare("training/restarts", "i4", per_update, "1", text, MANY)
        self._validation = validation
        if validation:
            run.group("validation", "NXdata", {"signal": "loss"})
            run.scale("validation/epoch", None, "1", "Finished epochs")
            per_epoch = ("validation/epoch",)
            text = "Mean loss of the samples held out of training"
            run.declare("validation/loss", "f8", per_epoch, "1", text, FEW)
            run.declare("validation/updates", "i8", per_epoch, "1", "Finished updates", FEW)
        if self._level is LogLevel.OFF:
            return
        for matrix in (one for whole in network.matrices for one in whole.slices):
            for block in matrix.blocks:
                self._declare_block(block, matrix, vectors)

    def started(self, network: Network) -> None:
        """Record the conductances before the first update; record codes from here on."""
        self._follow(network)
        for block in self._blocks:
            self._run.write(f"{block.name}/initial_conductance", block.reading.value)
        self._listen()
        self._run.flush()

    def resumed(self, network: Network) -> None:
        """Go on with what `restore` found."""
        self._follow(network)
        if self._listens:
            self._listen()

    def _follow(self, network: Network) -> None:
        if self._level is not LogLevel.OFF:
            self._blocks = network.blocks
        for block in self._blocks:
            self._heard[block.name] = []

    def multiplied(self, network: Network) -> None:
        """Record the codes of a forward pass: what it leads to may not come to its end."""
        for block in self._blocks:
            self._record_codes(block)

    def updated(self, result: UpdateResult, network: Network) -> None:
        """Record one update."""
        run = self._run
        run.append("training/update", [result.index])
        run.append("training/loss", [result.loss])
        run.append("training/epoch", [result.epoch])
        if self._classes:
            run.append("training/accuracy", [result.accuracy])
        if self._restarts:
            run.append("training/restarts", [self._attempt])
        if self._cost is not None:
            self._cost.append(result.index)
        if self._level is LogLevel.ALL:
            self._record_maps(result.index)
        elif self._level is LogLevel.EPOCHS:
            self.stop_codes()
        self._update = result.index + 1
        self._run.pace()

    def epoch_finished(self, result: EpochResult) -> None:
        """Record the maps of an epoch where only those are wanted."""
        if self._level is LogLevel.EPOCHS:
            self._record_maps(self._update - 1)
            self._listen()
        if self._validation:
            self._run.append("validation/epoch", [result.epoch + 1])
            self._run.append("validation/loss", [result.validation])
            self._run.append("validation/updates", [self._update])
        self._run.pace()

    def restarted(self, result: EpochResult, network: Network) -> None:
        """Count: what follows is another attempt."""
        self._attempt += 1

    def state(self) -> State:
        """Return how much was recorded, and whether codes are."""
        return {
            "update": self._update,
            "attempt": self._attempt,
            "recorded": {name: log.recorded for name, log in self._codes.items()},
            "listens": self._listens,
        }

    def restore(self, state: State) -> None:
        """Go back to a `state`; the run file is cut to that by whoever opens it."""
        self._update, self._attempt = state["update"], state["attempt"]
        self._listens = state["listens"]
        for name, log in self._codes.items():
            log.recorded = state["recorded"][name]

    def stop_codes(self) -> None:
        """End the record of VMM codes; what follows training is not part of it."""
        self._listens = False
        for block in self._blocks:
            block.array.on_vmm = None

    def _listen(self) -> None:
        """Hear of every VMM of an array that has codes."""
        self._listens = True
        for block in self._blocks:
            if block.reading.adc_code is not None:
                block.array.on_vmm = partial(_hear, self._heard[block.name])

    def _declare_block(self, block: Block, matrix: DifferentialMatrix, vectors: int) -> None:
        run, name = self._run, block.name
        coded = self._has_codes(block)
        run.group(
            name,
            "NXdata",
            {
                "signal": "conductance",
                "siemens_per_weight": matrix.siemens_per_weight,
                "read_voltage": matrix.read_voltage,
                "layout": block.layout.value,
                "array": block.array_number,
                **block.array.load.attributes(),
            },
        )
        run.scale(f"{name}/update", None, "1", "Number of the update that left this state, from 0")
        lines = run.scale_lines(name, block.array.rows, block.array.columns)
        run.declare(
            f"{name}/initial_conductance", "f8", lines, "S", "Conductance before the first update"
        )

        def declare_maps(what: str, dtype: npt.DTypeLike, units: str, text: str) -> None:
            size = block.array.rows.size * block.array.columns.size * np.dtype(dtype).itemsize
            axes = (f"{name}/update", *lines)
            run.declare(f"{name}/{what}", dtype, axes, units, text, max(1, _MAPS // size))

        declare_maps("conductance", "f8", "S", "Conductance read back")
        control = block.array.control
        text = f"Remembered {'gate voltage' if control.gates else 'SET amplitude'} of each cell"
        declare_maps(control.value, "f8", "V", text)
        declare_maps("reset", "u1", "1", "1 where the cell was RESET before SET")
        if not coded:
            return
        _, sense_type = block.array.code_types
        declare_maps("conductance_code", sense_type, "1", "ADC codes of the map")
        declare_maps("conductance_gain", "u1", "1", "Gain numbers of the map")
        load = replace(block.array.load, parts=1).attributes()
        self._codes[name] = VmmLog(run, block, vectors, load)

    def _has_codes(self, block: Block) -> bool:
        return "transimpedance" in block.array.describe()["board"]

    def _record_maps(self, update: int) -> None:
        run = self._run
        for block in self._blocks:
            name, reading = block.name, block.reading
            run.append(f"{name}/update", [update])
            run.append(f"{name}/conductance", reading.value[np.newaxis])
            voltage = block.programmed.gate_voltage
            run.append(f"{name}/{block.array.control.value}", voltage[np.newaxis])
            run.append(f"{name}/reset", block.programmed.reset[np.newaxis].view(np.uint8))
            if reading.adc_code is not None and reading.gain is not None:
                run.append(f"{name}/conductance_code", reading.adc_code[np.newaxis])
                run.append(f"{name}/conductance_gain", reading.gain[np.newaxis])

    def _record_codes(self, block: Block) -> None:
        """Queue the codes of the forward pass that led to the current update."""
        heard = self._heard[block.name]
        if not heard:
            return
        codes = (_in_one(parts) for parts in zip(*heard, strict=True))
        self._codes[block.name].append(self._update, *codes)
        heard.clear()


def _hear(heard: list[tuple[npt.NDArray[Any], ...]], measurement: Measurement) -> None:
    """Keep the codes of a measurement; its values may go."""
    heard.append(_CODES(measurement))


def _in_one(parts: tuple[npt.NDArray[Any], ...]) -> npt.NDArray[Any]:
    """Return vectors of any leading shapes as one array (n, lines); of one part it is a view."""
    # A sequence has a part of each step: they are made flat where they are put together.
    one = np.asarray(parts[0]) if len(parts) == 1 else np.concatenate(parts, axis=None)
    if one.dtype.hasobject:
        raise ValueError("this array has no codes to record")
    return one.reshape(-1, parts[0].shape[-1])
