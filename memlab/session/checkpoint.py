"""Checkpoints of a run: all that it takes to go on after a kill as if there had been none.

A checkpoint belongs to a flush of the run file: it says how many items each dataset had, and
everything that was written later is taken back with the chip when a run goes on from it. It lies
beside the run file, under the run's identity, in two generations; a kill at any moment leaves one
that is whole, and the run file has at least what it says. When a run has finished, both are gone.

What is kept: where the run stands (its kind's own state); counts, traffic and, where the chip lives
in this process, chip and board; and of such a chip the passport. The state of a real chip is in the
chip.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.board import Board
from memlab._version import __version__
from memlab.array import Array
from memlab.errors import DataError
from memlab.runs import RunFile, read_attributes, run_identity
from memlab.runs.checkpoint_places import checkpoint_places, places_in, remove_checkpoints
from memlab.runs.rescue import lengths_of
from memlab.session import same_board
from memlab.session.arrays import save_chips
from memlab.session.same_board import Vouched
from memlab.storage import State, pack_state, read_state, write_generation

__all__ = ["Checkpoint", "Checkpoints", "find_checkpoint"]

_LOGGER = logging.getLogger(__name__)

_FORMAT = 1
_PARTS = {"run_id", "lengths", "seconds", "arrays", "kind"}


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that fits its run file.

    Parameters
    ----------
    path
        The run file.
    content
        What `Checkpoints.keep` wrote.
    """

    path: Path
    content: Mapping[str, Any]

    @property
    def lengths(self) -> dict[str, int]:
        """Items that each growing dataset had."""
        return dict(self.content["lengths"])

    @property
    def kind(self) -> State:
        """Where the run stands."""
        state: State = self.content["kind"]
        return state

    @property
    def seconds(self) -> float:
        """Seconds that the run had taken."""
        return float(self.content["seconds"])

    @property
    def work(self) -> dict[str, float]:
        """What the arrays had done before the run began; empty where that is not known."""
        return dict(self.content.get("work", {}))

    def check(self, arrays: Sequence[Array], vouched: Vouched) -> dict[str, Any]:
        """Raise `DataError` unless a run can go on on these arrays; nothing is changed.

        Chips outside of this process are looked at as `same_board` says. Returned is what the run
        file notes of restarts of their boards.
        """
        states = self.content["arrays"]
        if len(states) != len(arrays):
            raise DataError(f"{self.path} was run on {len(states)} arrays, not {len(arrays)}")
        notes: dict[str, Any] = {}
        for array, state in zip(arrays, states, strict=True):
            if array.restorable:
                same_board.check_kept_chip(self.path, array, state, [self.content["run_id"]])
                continue
            was, board = state["array"]["identity"], array.board
            same_board.check_serial(self.path, board, was["serial"])
            if not vouched.record_lost:
                self._check_record(state, board)
            same_board.check_not_lost(self.path, board, _known(state))
            if same_board.check_life(
                self.path, board, was["life"], restarted=vouched.board_restarted
            ):
                before = notes or read_attributes(self.path)
                notes = same_board.restart_note(before, was["life"], board.life)
        return notes

    def _check_record(self, state: State, board: Board) -> None:
        """Refuse a record of the board that says too little of the pulses after a state."""
        same_board.check_record(self.path, board, _known(state))
        same_board.check_others(self.path, board, state["array"]["identity"]["others"])

    def restore(self, arrays: Sequence[Array]) -> None:
        """Put arrays, and passports of chips in this process, back to where they were.

        Of pulses since on chips outside of it, the records of their boards are asked; where they
        cannot be relied on (see `check`), all are in doubt, and none is sent.

        Raises
        ------
        DataError, DeviceError
            If they are others, or have been used by another run since.
        """
        for array, state in zip(arrays, self.content["arrays"], strict=True):
            array.restore(state["array"])
            if array.restorable and array.passport is not None and state["passport"]:
                # A kill in between leaves a chip that lacks what is taken back of its passport.
                save_chips([array])
                array.passport.restore(state["passport"])
            if array.batches is not None:
                try:
                    self._check_record(state, array.board)
                except DataError:  # the user has said so
                    array.batches.doubt()


class Checkpoints:
    """Takes the checkpoints of a run.

    Parameters
    ----------
    file
        Its run file, started.
    arrays
        On which it is made.
    seconds
        That it had taken before this process.
    work
        What the arrays had done that costs before the run began.
    """

    def __init__(
        self,
        file: RunFile,
        arrays: Sequence[Array],
        seconds: float = 0.0,
        work: Mapping[str, float] | None = None,
    ):
        self._file, self._arrays, self._work = file, arrays, work or {}
        self._began = time.perf_counter() - seconds
        self._flushes = -1

    @property
    def due(self) -> bool:
        """Whether the file was flushed since the last checkpoint."""
        return self._file.flushes != self._flushes

    def keep(self, kind: State) -> None:
        """Take a checkpoint; what is queued for the run file is handed over first.

        Raises
        ------
        StorageError
            If it cannot be written; the one before is still there.
        """
        for array in self._arrays:
            if array.batches is not None:
                array.batches.checkpoint()
        save_chips(self._arrays)
        lengths = self._file.lengths()
        self._flushes = self._file.flushes
        content = {
            "format": _FORMAT,
            "memlab": __version__,
            "run_id": self._file.run_id,
            "lengths": lengths,
            "seconds": time.perf_counter() - self._began,
            "work": self._work,
            "arrays": [_state_of(array) for array in self._arrays],
            "kind": kind,
        }
        now, before = places_in(self._file.path.parent, self._file.run_id)
        write_generation(now, before, lambda file: file.write(pack_state(content)))

    def remove(self) -> None:
        """Remove both generations: the run has finished."""
        remove_checkpoints(self._file.path.parent, self._file.run_id)


def find_checkpoint(path: Path) -> Checkpoint:
    """Return the newest checkpoint of a run that is whole and fits its file.

    Raises
    ------
    DataError
        If there is none.
    """
    attributes = read_attributes(path)
    identity, lengths = run_identity(attributes), lengths_of(path)
    reasons = []
    for place in checkpoint_places(path, attributes):
        if not place.exists():
            continue
        try:
            content = read_state(place)
            _check(place, content, identity, lengths)
        except DataError as error:
            reasons.append(str(error))
        else:
            if reasons:
                _LOGGER.warning("%s: this run goes on from %s", "; ".join(reasons), place)
            return Checkpoint(path, content)
    raise DataError(
        f"{path} cannot be resumed: "
        + ("; ".join(reasons) or f"its checkpoint (.{identity}.checkpoint) is not beside it")
        + ". Start the run again, with another --out"
    )


def _check(
    place: Path, content: Mapping[str, Any], identity: str, lengths: Mapping[str, int]
) -> None:
    if content.get("format") != _FORMAT:
        raise DataError(f"{place} was written by another version of memlab")
    if not content.keys() >= _PARTS:
        raise DataError(f"{place} is no checkpoint of a run")
    if content["run_id"] != identity:
        raise DataError(f"{place} is the checkpoint of another run")
    for name, length in content["lengths"].items():
        if lengths.get(name, -1) < length:
            raise DataError(f"{place} is ahead of the run file, which has lost its end")


def _known(state: State) -> str:
    """Return the name of the run's last batch before a state; '' where there was none."""
    batches = state["array"]["batches"]
    return "" if batches is None else str(batches.get("known", ""))


def _state_of(array: Array) -> State:
    passport = array.passport if array.restorable else None
    return {
        "array": array.state(),
        "passport": None if passport is None else passport.state(),
    }
