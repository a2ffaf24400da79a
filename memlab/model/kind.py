"""Networks of one's own as a kind of run: made and trained in Python, not by name."""

from __future__ import annotations

from pathlib import Path

from memlab.kinds import Family, Kind, Steps
from memlab.runs import Run

__all__ = ["NetworkKind"]


class NetworkKind(Kind):
    """The training of a `memlab.model.Model`."""

    name = "network"
    title = "Network of one's own"
    about = "it is made and trained in Python, with memlab.Model or memlab.torch.record"
    family = Family.EXPERIMENT
    steps = Steps("training/epoch", "epochs", "train.epochs", numbered=True)

    @classmethod
    def draw(cls, run: Run, picture: Path) -> bool:
        """Draw the loss, what was found, the arrays before and after, and raw vectors."""
        from memlab.figures.training import plot_training

        return plot_training(run, picture)
