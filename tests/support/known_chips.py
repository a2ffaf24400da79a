"""Procedures on emulated chips whose hidden truth a test knows, in memory and of any shape."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.array.board_array import BoardArray
from memlab.characterize import load_procedure
from memlab.characterize.bench import Bench
from memlab.emulator import ChipPreset, EmulatedBoard, load_preset
from memlab.emulator.chip import Chip
from memlab.regions import Region
from memlab.runs import Findings, MemoryLog, Record

SIGMAS = 4.5
"""Of all estimates in the tests of procedures that pulse, fewer than one in 1,000 lies outside."""


@dataclass
class Known:
    """What a procedure found, and the chip that it looked at."""

    findings: Findings
    record: Record
    chip: Chip
    array: BoardArray

    def value(self, name: str) -> float:
        return float(self.findings.values[name].value)

    def error(self, name: str) -> float:
        error = self.findings.values[name].error
        return np.nan if error is None else float(error)

    def map(self, name: str) -> npt.NDArray[Any]:
        return np.asarray(self.findings.values[name].value)

    def off(self, name: str, truth: float) -> float:
        """Return how far a number is from the truth, in its own standard errors."""
        error = self.findings.values[name].error
        assert error is not None
        assert error > 0.0
        return abs(self.value(name) - truth) / float(error)


def chip(name: str = "ta-hfo2", **changes: float) -> ChipPreset:
    """Return a preset with changes; two underscores stand for the dot of a nested name."""
    return load_preset(name).replace(
        **{key.replace("__", "."): value for key, value in changes.items()}
    )


def characterise(
    name: str,
    preset: ChipPreset,
    *,
    shape: tuple[int, int] = (64, 32),
    seed: int = 1,
    mask: npt.NDArray[np.bool_] | None = None,
    region: Region | None = None,
    before: Callable[[BoardArray], None] = lambda array: None,
    **settings: Any,
) -> Known:
    """Run a procedure on a chip of its own, after `before` was done to it.

    `mask` leaves cells of the whole chip alone; of a `region` only the lines are read, as the
    command does it.
    """
    procedure_class = load_procedure(name)
    procedure = procedure_class(
        procedure_class.Config.model_validate({"seed": seed, "chip": preset, **settings})
    )
    board = EmulatedBoard(preset, seed, shape)
    mask = np.ones(shape, bool) if mask is None else mask
    rows, columns = np.arange(shape[0]), np.arange(shape[1])
    if region is not None:
        mask = region.pick(shape)
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    with BoardArray(board, point=procedure.config.point.make_point()) as whole:
        before(whole)
        array = whole if region is None else whole[rows, columns]
        record = Record.empty(
            rows,
            columns,
            mask[np.ix_(rows, columns)],
            procedure.coordinates,
            procedure.vector_coordinates or {},
            shape,
        )
        procedure.measure(Bench(array, MemoryLog(record), origin=board.clock))
    return Known(procedure.analyse(record), record, board.chip, array)
