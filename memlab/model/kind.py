"""Networks of one's own as a kind of run: made and trained in Python, not by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from memlab.array import Array
from memlab.kinds import Family, Kind, Steps
from memlab.runs import Run
from memlab.session import Labels, Request, place_for

__all__ = ["NetworkKind", "network_request"]


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


def network_request(
    name: str,
    out: str | Path | None,
    arrays: Sequence[Array],
    settings: Mapping[str, Any],
    seed: int,
    labels: Labels,
) -> Request:
    """Return what the run file of a network says before anything is done; touches nothing.

    Arrays that were not opened from a URL are called "own".

    Raises
    ------
    SettingError
        If `out` is taken, or cannot be written.
    """
    return Request(
        NetworkKind,
        name,
        place_for(None if out is None else Path(out), f"{name}-seed{seed}"),
        tuple(array.url or "own" for array in arrays),
        settings,
        {"experiment": name, "seed": seed},
        labels=labels,
    )
