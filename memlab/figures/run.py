"""The picture of a run file, whatever kind of run it was."""

from __future__ import annotations

from pathlib import Path

import h5py

from memlab.errors import DataError
from memlab.figures.calibration import plot_calibration
from memlab.figures.conductance_map import plot_map_of_run
from memlab.figures.currents import plot_currents
from memlab.figures.maps import plot_last_reading
from memlab.figures.procedure import plot_procedure
from memlab.figures.training import plot_training_run
from memlab.figures.write_verify import plot_write_verify
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
    with open_for_reading(run) as file:
        entry = file.get("entry")
        if not isinstance(entry, h5py.Group):
            raise DataError(f"{run} is no run file of memlab: it has no group entry")
        attributes = dict(entry.attrs)
        training, calibration = ("training/loss" in entry, "calibration" in entry)
        measured = "program/done" not in entry or len(entry["program/done"]) > 0
    finished = attributes.get("status") == "finished"
    operation = attributes.get("operation")
    if training:
        plot_training_run(run, picture)
    elif calibration:
        if not finished:
            return False
        plot_calibration(run, picture)
    elif operation == "program":
        if not measured:
            return False
        plot_write_verify(run, "program", picture)
    elif operation == "read":
        plot_map_of_run(run, picture)
    elif operation == "vmm":
        plot_currents(run, picture)
    elif "procedure" not in attributes:
        raise DataError(
            f"{run} is no run of memlab train, transfer, characterize, calibrate, program, "
            "read, vmm or runs import"
        )
    elif finished:
        plot_procedure(run, picture)
    else:
        return plot_last_reading(run, picture)
    return True
