"""Measured runs, and the same procedures run again on an emulated chip.

Runs that belong to one chip are repeated on one twin in the order in which they were measured, for
each sees the state in which the one before left the chip. An emulated board in process makes a
fresh chip for every session; any other board has the same chip from one session to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from memlab.array.board_array import BoardArray
from memlab.characterize.bench import Bench
from memlab.characterize.procedure import Procedure
from memlab.characterize.registry import restore_procedure
from memlab.characterize.session import position_in_session
from memlab.chip.load import warn_of_loads
from memlab.emulator import ChipPreset, EmulatedBoard
from memlab.emulator.preset import BUILT_IN
from memlab.errors import DataError
from memlab.runs import MemoryLog, Record, Series, read_attributes, read_record

__all__ = ["MeasuredRun", "default_base", "load_runs", "same_chip", "simulate"]


@dataclass(frozen=True, eq=False)
class MeasuredRun:
    """A finished run of `memlab characterize`.

    Parameters
    ----------
    path
        The run file.
    procedure
        With the settings of the run.
    record
        What was measured.
    shape
        (rows, columns) of the chip.
    chip
        Equal for runs of one and the same chip.
    started
        When (ISO 8601, UTC) and as which procedure of its session, so that runs can be sorted.
    """

    path: Path
    procedure: Procedure[Any]
    record: Record
    shape: tuple[int, int]
    chip: tuple[str, ...]
    started: tuple[str, int]


def load_runs(paths: Sequence[Path]) -> list[MeasuredRun]:
    """Read finished runs of procedures, in the order in which they were measured.

    Raises
    ------
    DataError
        If a file is no procedure's, or its procedure has not finished.
    """
    return sorted((_load(path) for path in paths), key=lambda run: run.started)


def same_chip(runs: Sequence[MeasuredRun]) -> list[list[MeasuredRun]]:
    """Part runs by their chip; the order of each part stays."""
    parts: dict[tuple[str, ...], list[MeasuredRun]] = {}
    for run in runs:
        parts.setdefault(run.chip, []).append(run)
    return list(parts.values())


def default_base(runs: Sequence[MeasuredRun]) -> str:
    """Return the built-in preset that the emulated board of the first run had, else ta-hfo2."""
    serial = runs[0].chip[0]
    named = (name for name in BUILT_IN if serial.startswith(f"{name}-"))
    return max(named, key=len, default="ta-hfo2")


def simulate(
    runs: Sequence[MeasuredRun], preset: ChipPreset, seed: int
) -> list[tuple[MeasuredRun, Record]]:
    """Run the procedures of these runs again, on one emulated chip for each of their chips.

    A chip whose first run is not its forming arrives formed.

    Parameters
    ----------
    runs
        In the order in which they were measured.
    preset, seed
        Of the emulated chips; the second chip has the next seed, and so on.

    Returns
    -------
    Each run with the record of the twin.
    """
    done = []
    for number, part in enumerate(same_chip(runs)):
        first = part[0].procedure
        formed = preset if first.name == "forming" else preset.replace(**{"forming.voltage": 0.0})
        point = first.config.point.make_point()
        board = EmulatedBoard(formed, seed + number, part[0].shape)
        with BoardArray(board, None, point) as array:
            done += [(run, _repeat(run, array, board)) for run in part]
    return done


def _load(path: Path) -> MeasuredRun:
    record = read_record(path)
    attributes = read_attributes(path)
    if "session" not in attributes:
        raise DataError(f"{path} was not measured by memlab: there is no procedure to run again")
    if attributes["status"] != "finished":
        raise DataError(
            f"{path} is {attributes['status']}, not finished; finish it with memlab runs resume"
        )
    instrument = read_attributes(path, "entry/instrument")
    config = str(read_attributes(path, "entry/config")["json"])
    chip: tuple[str, ...] = (str(instrument["board.serial"]),)
    if str(attributes["board"]).startswith("emulator:"):
        chip = (*chip, str(path.resolve().parent), str(attributes["session"]))
    return MeasuredRun(
        path=path,
        procedure=restore_procedure(str(attributes["procedure"]), config, path),
        record=record,
        shape=(int(instrument["board.rows"]), int(instrument["board.columns"])),
        chip=chip,
        started=(str(attributes["start_time"]), position_in_session(path, attributes)),
    )


def _repeat(run: MeasuredRun, array: BoardArray, board: EmulatedBoard) -> Record:
    measured, procedure = run.record, run.procedure
    record = replace(
        measured,
        readings=Series.empty(procedure.coordinates),
        vectors=Series([], {name: [] for name in measured.vectors.coordinates}),
        programs=[],
    )
    point = procedure.config.point.model_dump(exclude={"read_gate_voltage"})
    view = array.with_operating_point(**point)[measured.rows, measured.columns]
    if measured.load is not None and measured.load.parts == 1:
        view = view.under(measured.load)  # as the chip was read
    else:
        warn_of_loads(f"chip ({run.path.name}) and twin", [measured.load, view.load])
    # With vectors of zeros where the chip was read with them.
    zeros = len(measured.vectors) > 0
    procedure.measure(Bench(view, MemoryLog(record), origin=board.clock, zeros=zeros))
    return record
