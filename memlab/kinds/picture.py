"""The picture of a run: its kind draws it."""

from __future__ import annotations

from pathlib import Path

from memlab.kinds.registry import kind_of_run
from memlab.runs import open_run

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
    return kind_of_run(found).draw(found, picture)
