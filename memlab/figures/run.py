"""The picture of a run file, whatever kind of run it was."""

from __future__ import annotations

from pathlib import Path

from memlab.figures.calibration import plot_calibration
from memlab.figures.conductance_map import plot_map_of_run
from memlab.figures.currents import plot_currents
from memlab.figures.maps import plot_last_reading
from memlab.figures.procedure import plot_procedure
from memlab.figures.training import plot_training_run
from memlab.figures.write_verify import plot_write_verify
from memlab.runs import Family, open_run
from memlab.runs.opening import open_for_reading

__all__ = ["plot_run"]


def plot_run(run: Path, picture: Path) -> bool:
    """Draw a run of any command that leaves a run file.

    Parameters
    ----------
    run
        Its run file. Of one that was interrupted, or is still going on, what has been measured is
        drawn: of a procedure its last reading.
    picture
        Picture to write, in the format of its suffix; an existing one is replaced.

    Returns
    -------
    False where nothing has been measured yet; nothing is written then.

    Raises
    ------
    DataError
        If the file is no run file.
    """
    found = open_run(run)
    if found.family is Family.EXPERIMENT:
        plot_training_run(run, picture)
    elif found.family is Family.CALIBRATION:
        if not found.finished:
            return False
        plot_calibration(run, picture)
    elif found.family is Family.OPERATION:
        return _OPERATIONS[found.kind](run, picture)
    elif found.finished:
        plot_procedure(run, picture)
    else:
        return plot_last_reading(run, picture)
    return True


def _plot_program(run: Path, picture: Path) -> bool:
    with open_for_reading(run) as file:
        if not len(file["entry/program/done"]):
            return False
    plot_write_verify(run, "program", picture)
    return True


def _plot_read(run: Path, picture: Path) -> bool:
    plot_map_of_run(run, picture)
    return True


def _plot_vmm(run: Path, picture: Path) -> bool:
    plot_currents(run, picture)
    return True


_OPERATIONS = {"program": _plot_program, "read": _plot_read, "vmm": _plot_vmm}
