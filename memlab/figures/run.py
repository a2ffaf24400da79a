"""The picture of a run file, whatever kind of run it was."""

from __future__ import annotations

from pathlib import Path

from memlab.errors import DataError
from memlab.figures.calibration import plot_calibration
from memlab.figures.procedure import plot_procedure
from memlab.figures.training import plot_training_run
from memlab.runs import read_attributes
from memlab.runs.opening import open_for_reading

__all__ = ["plot_run"]


def plot_run(run: Path, picture: Path) -> None:
    """Draw a run of `memlab train`, `memlab characterize` or `memlab calibrate`.

    Parameters
    ----------
    run
        Its run file. A training that was interrupted, or is still going on, is drawn without
        results.
    picture
        Picture to write, in the format of its suffix; an existing one is replaced.

    Raises
    ------
    DataError
        If the file is none of these, or a procedure that is not finished.
    """
    attributes = read_attributes(run)
    with open_for_reading(run) as file:
        training, calibration = ("training/loss" in file["entry"], "calibration" in file["entry"])
    if training:
        plot_training_run(run, picture)
        return
    if "procedure" not in attributes and not calibration:
        raise DataError(f"{run} is no run of memlab train, characterize or calibrate")
    if attributes["status"] != "finished":
        raise DataError(
            f"{run} is {attributes['status']}: what it found can be drawn when it is finished, see "
            "memlab runs resume"
        )
    (plot_calibration if calibration else plot_procedure)(run, picture)
