"""What writers of a run that were killed have left half written beside its file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from memlab.runs.new_run import best_path
from memlab.runs.opening import is_not_begun
from memlab.runs.rescue import NEW, RESUMED
from memlab.storage import remove_parts

__all__ = ["remove_half_written", "remove_not_begun"]


def remove_half_written(run: Path) -> None:
    """Remove copies of a run file, pictures and weights that never came to their place.

    The caller has the lock of the run. What cannot be removed stays.
    """
    for place in (run, run.with_suffix(".png"), best_path(run)):
        remove_parts(place)
    for suffix in (NEW, RESUMED):
        with suppress(OSError):
            run.with_name(run.name + suffix).unlink(missing_ok=True)


def remove_not_begun(run: Path) -> None:
    """Remove a run file that holds nothing: its writer was killed before the run began."""
    if is_not_begun(run):
        run.unlink()
