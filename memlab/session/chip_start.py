"""Where a chip in a file was when a session of procedures began.

A session that goes on repeats everything on an emulated chip in process: that chip is made again
from its seed, and one that is kept in a file is put back to what it was then. Beside the first run
file lies a checkpoint that says so, until all have finished.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from memlab.array import Array
from memlab.runs import RunFile
from memlab.runs.checkpoint_places import remove_checkpoints
from memlab.session.checkpoint import Checkpoints, find_checkpoint
from memlab.session.same_board import check_kept_chip

__all__ = ["forget_chip", "keep_chip", "put_chip_back"]


def keep_chip(first: RunFile, array: Array) -> None:
    """Keep where a chip in a file is; other chips need nothing.

    `first` is the run file of the first procedure, started.
    """
    if array.simulation is not None and array.simulation.kept:
        Checkpoints(first, [array]).keep({})


def put_chip_back(first: Path, array: Array, runs: Sequence[str]) -> None:
    """Put a chip in a file back to where it was; other chips need nothing.

    Its passport keeps what was entered since, and the repeated batches are found there by their
    tickets.

    Parameters
    ----------
    first
        The run file of the first procedure.
    array
        On the chip.
    runs
        Identities of all runs of the session.

    Raises
    ------
    DataError
        If it is not known where it was, or others have pulsed it since; nothing is changed.
    """
    if array.simulation is None or not array.simulation.kept:
        return
    (state,) = find_checkpoint(first).content["arrays"]
    check_kept_chip(first, array, state, runs)
    if array.passport is not None and state["passport"] is not None:
        array.passport.reached = int(state["passport"]["ledger"]["last"])
    array.restore(state["array"])


def forget_chip(first: Path, run_id: str) -> None:
    """Remove what `keep_chip` has kept beside the first run file: all have finished."""
    remove_checkpoints(first.parent, run_id)
