"""A training of a PyTorch model as a run: file, passport, log and picture, through the session."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from drivers import stopping
from memlab.array import Array
from memlab.errors import SettingError
from memlab.model.kind import network_request
from memlab.nn import Dense, Network
from memlab.runs import LogLevel, TrainingLog
from memlab.session import UNLABELLED, Labels, Session, recorded
from memlab.settings import LinkConfig
from memlab.torch.in_situ import crossbar_layers_of, initialise
from memlab.training import EpochResult, UpdateResult

__all__ = ["TorchRun", "record"]


class TorchRun:
    """A training while it is recorded; `record` makes one.

    Attributes
    ----------
    path
        The run file: `memlab.open_run(run.path)` once the block has ended.
    """

    def __init__(self, session: Session, network: Network, log: TrainingLog):
        self.path = session.request.out
        self._session, self._network, self._log = session, network, log
        self._index = self._epoch = 0
        self._losses: list[float] = []

    def updated(
        self, loss: float | torch.Tensor, epoch: int = 0, accuracy: float | None = None
    ) -> None:
        """Record an update, after `optimizer.step()`: what was multiplied, pulsed and read back.

        Parameters
        ----------
        loss
            Of the batch, before the update.
        epoch
            Its epoch, from 0; never smaller than the last.
        accuracy
            Part of the batch that was right, where there are classes.
        """
        if epoch < self._epoch:
            raise SettingError(f"epoch {epoch} after epoch {self._epoch}: count them upwards")
        if epoch > self._epoch:
            self._end_epoch()
            self._epoch = epoch
        mean = _number(loss)
        self._losses.append(mean)
        self._log.multiplied(self._network)
        right = math.nan if accuracy is None else accuracy
        self._log.updated(UpdateResult(self._index, epoch, mean, right), self._network)
        self._index += 1
        stopping.check()

    def unheard(self) -> AbstractContextManager[None]:
        """Return a block whose products are no part of training: an evaluation."""
        return self._network.unheard()

    def found(
        self,
        name: str,
        value: float | torch.Tensor,
        units: str = "1",
        description: str = "",
        *,
        n: int | None = None,
        of: str = "",
    ) -> None:
        """Add a number that was found: a metric, in `memlab runs show` and all others.

        Parameters
        ----------
        name, value, units
            What it is called, and how large it is.
        description
            What it is, for people.
        n, of
            Of how many of what it is the mean.
        """
        text = description or name.replace("_", " ")
        self._session.findings.number(name, _number(value), units, text, n=n, of=of)

    def _end_epoch(self) -> None:
        mean = float(np.mean(self._losses)) if self._losses else math.nan
        self._log.epoch_finished(EpochResult(self._epoch, self._epoch + 1, mean))
        self._losses = []

    def _finish(self) -> None:
        if not self._losses:
            return
        last, count = float(np.mean(self._losses)), len(self._losses)
        self._end_epoch()
        text = "Mean training loss of the last epoch"
        self.found("final_loss", last, "1", text, n=count, of="updates of the last epoch")


def _number(value: float | torch.Tensor) -> float:
    return float(value.item() if isinstance(value, torch.Tensor) else value)


@contextmanager
def record(
    model: torch.nn.Module,
    name: str,
    *,
    out: str | Path | None = None,
    seed: int = 1,
    settings: Mapping[str, Any] | None = None,
    log: LogLevel | str = LogLevel.ALL,
    classes: bool = False,
    vectors: int = 64,
    labels: Labels = UNLABELLED,
    figure: bool = True,
) -> Iterator[TorchRun]:
    """Initialise the crossbar layers of a model, and record its training in the block as a run.

    RESETs and SETs every cell of its layers once (`initialise`). However the block ends, the run
    file is closed with all that was recorded. Ctrl-C and SIGTERM end it between two updates.

    Parameters
    ----------
    model
        Has at least one crossbar layer.
    name
        What it is called in lists and pictures.
    out
        Run file; a new name in `memlab-runs` by default. The picture lies beside it.
    seed
        Yours, for the file; nothing here draws.
    settings
        What else to say of the training: plain values, by name.
    log
        How much of every update is recorded: all, epochs or off.
    classes
        Whether `TorchRun.updated` gets accuracies.
    vectors
        About how many vectors an update multiplies.
    labels
        Tags and note.
    figure
        Whether to draw.

    Raises
    ------
    SettingError
        If the model has no crossbar layer, or the file cannot be made; nothing is touched.
    """
    layers = crossbar_layers_of(model)
    matrices = [matrix for layer in layers for matrix in layer.matrices]
    network = Network([Dense(matrix) for matrix in matrices])
    arrays: list[Array] = []
    for block in network.blocks:
        if all(array.counts is not block.array.counts for array in arrays):
            arrays.append(block.array)
    shapes = {matrix.name: list(matrix.shape) for matrix in matrices}
    whole = {"layers": shapes, "seed": seed, **(settings or {})}
    request, level = network_request(name, out, arrays, whole, seed, labels), LogLevel.of(log)
    with stopping.stopped_in_order(), recorded(request, arrays, link=LinkConfig()) as session:
        record_of = TrainingLog(session.file, level, session.spent)
        record_of.declare(network, vectors, classes=classes)
        session.file.start()
        initialise(model)
        record_of.started(network)
        run = TorchRun(session, network, record_of)
        try:
            yield run
        finally:
            record_of.stop_codes()
        run._finish()
    session.document(figure=figure)
