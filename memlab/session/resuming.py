"""Which runs can be resumed, and what is still to do for one that has finished.

A kill in the last moment of a run leaves its file finished, and beside it what goes when a run
ends: locks, checkpoints, files that were being written. Its picture may not be drawn.
"""

from __future__ import annotations

import logging
from pathlib import Path

from drivers import stopping
from memlab.errors import DataError
from memlab.kinds import load_kind
from memlab.runs import Run, RunLock, open_run, read_attributes
from memlab.runs.checkpoint_places import remove_checkpoints
from memlab.runs.half_written import remove_half_written
from memlab.session import session
from memlab.session.ending import named_in_errors

__all__ = ["check_resumable", "finish_up", "open_unfinished"]

_LOGGER = logging.getLogger(__name__)


def check_resumable(run: Run) -> None:
    """Refuse a run of a kind that is done again, and not gone on with.

    Raises
    ------
    DataError
        If its kind cannot be resumed.
    SettingError
        If its kind is not installed.
    """
    if not load_kind(run.kind).resumable:
        raise DataError(
            f"{run.path}: a run of {run.kind} cannot be resumed; do it again, into another file. "
            "What can be: trainings and transfers of experiments, program, and procedures"
        )


def open_unfinished(path: Path, *, figure: bool) -> Run | None:
    """Open a run that is to be finished; None if it is finished already (`finish_up`).

    Raises
    ------
    DataError
        If it is no run file, is alive, or of a kind that cannot be resumed.
    """
    found = open_run(path)
    check_resumable(found)
    if found.finished:
        finish_up(path, figure=figure)
        return None
    if found.alive:
        raise DataError(f"{path}: this run is alive; wait for it to end, or end it (Ctrl-C)")
    return found


def finish_up(path: Path, *, figure: bool, checkpoints: bool = True) -> None:
    """Do for a finished run what a kill in its last moment has left undone.

    What lies beside its file and nobody needs any more is removed. With `figure` its picture is
    drawn, if there is none. Nothing is touched while the run is alive, or where nobody may write.
    Without `checkpoints` these stay: those of a session lie beside the first of its files, and the
    runs after it need them.
    """
    attributes = read_attributes(path)
    try:
        lock = RunLock.of_run(path, attributes)  # takes over those that are left
    except DataError:
        return
    with lock:
        if checkpoints:
            remove_checkpoints(path.resolve().parent, open_run(path).run_id)
        remove_half_written(path)
        picture = path.with_suffix(".png")
        if not figure or picture.exists():
            return
        with named_in_errors(path):
            session._draw(path, picture)
            stopping.check()
        if picture.exists():
            _LOGGER.warning("%s was missing, and was drawn", picture)
