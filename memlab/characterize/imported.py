"""Logs of other instruments, as a kind of run: they are drawn and compared, and cannot be run."""

from __future__ import annotations

from pathlib import Path

from memlab.kinds import Family, Kind, Steps
from memlab.runs import Run

__all__ = ["Imported"]


class Imported(Kind):
    """A log of another instrument (`memlab runs import`)."""

    name = "imported"
    title = "Measured by another instrument"
    about = "Logs of ArC ONE and ArC TWO, as `memlab runs import` brings them in."
    family = Family.IMPORT
    steps = Steps("map/reading", "readings")

    @classmethod
    def draw(cls, run: Run, picture: Path) -> bool:
        """Draw its cells over their readings and over the amplitude of their pulses."""
        from memlab.characterize.pictures.procedure import result_parts
        from memlab.figures.declared import plot_parts

        return plot_parts(run, picture, result_parts(run, "memlab.characterize.pictures.imported"))
