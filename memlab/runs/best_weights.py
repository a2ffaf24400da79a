"""The weights with the lowest validation loss, in a file beside the run.

What a run reports is its last update, and what it leaves on the chip, too. The file is for those
who want to begin with other weights: `--weights` of `train` and `transfer` takes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from memlab.nn import Best
from memlab.runs.new_run import best_path
from memlab.storage import State, write_over

__all__ = ["BestWeights"]


class BestWeights:
    """Keeps the best weights of a run: an .npz with one array for each matrix, by its name.

    Parameters
    ----------
    run
        The run file; `run.h5` gets `run.best.npz` beside it, as soon as there is a best epoch.
    """

    def __init__(self, run: Path):
        self.path = best_path(run)
        self.best: Best | None = None

    def keep(self, best: Best) -> None:
        """Write weights over those that were the best before; whole, or not at all.

        Raises
        ------
        StorageError
            If they cannot be written.
        """
        weights: dict[str, Any] = dict(best.weights)
        write_over(self.path, lambda file: np.savez(file, **weights))
        self.best = best

    def state(self) -> State:
        """Return the best so far."""
        best = self.best
        return {"best": None if best is None else [best.epoch, best.loss, dict(best.weights)]}

    def restore(self, state: State) -> None:
        """Keep the best of a `state` again."""
        if state["best"] is not None:
            self.keep(Best(*state["best"]))

    def document(self) -> dict[str, Any]:
        """Return where they are and what they are, for the run; nothing where there is no best."""
        if self.best is None:
            return {}
        about = {"epoch": self.best.epoch + 1, "validation_loss": self.best.loss}
        return {"best": {"weights": self.path.name, **about}}

    def units(self) -> dict[str, str]:
        """Return the units of `document`."""
        return {} if self.best is None else {"epoch": "1", "validation_loss": "1"}
