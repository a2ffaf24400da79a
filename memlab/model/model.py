"""The network of one's own (see the package)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers import stopping
from memlab.array import Array, as_arrays
from memlab.emulator.blas import one_blas_thread
from memlab.errors import SettingError
from memlab.mapping import TA_HFO2, Copies, MappingConfig
from memlab.model.data import Data, sequences
from memlab.model.kind import network_request
from memlab.nn import (
    Adam,
    Constant,
    CrossEntropy,
    LayerLike,
    Loss,
    Optimizer,
    Schedule,
    Validation,
    build,
    output_shape,
)
from memlab.numeric import FloatArray
from memlab.rules import RuleSettings, as_rule, attach
from memlab.runs import BestWeights, LogLevel, Run, TrainingLog, open_run
from memlab.session import UNLABELLED, Labels, Session, recorded
from memlab.settings import LinkConfig
from memlab.training import LearningRate, Observer, train

__all__ = ["Metric", "Model"]

_LOGGER = logging.getLogger(__name__)


Metric = Callable[[npt.NDArray[Any], FloatArray], float]
"""Returns a number from y, as it was given, and what the network made of x (`predict`)."""

EVALUATION_BATCH = 512


@dataclass(frozen=True, eq=False)
class _Fit:
    """A checked request to train."""

    train: Data
    held_out: Data | None
    test: Data | None
    epochs: int
    batch: int
    optimizer: Optimizer
    schedule: Schedule
    loss: Loss
    patience: int
    log: LogLevel
    metrics: Mapping[str, Metric] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 1 or self.patience < 0:
            raise SettingError(
                f"epochs={self.epochs} and batch={self.batch} must be at least 1, "
                f"patience={self.patience} at least 0"
            )
        if self.patience and self.held_out is None:
            raise SettingError("patience needs samples that are held out: give validation=0.2")
        for data in (self.train, self.held_out, self.test):
            if data is not None:
                data.check(self.loss)

    def settings(self) -> dict[str, Any]:
        """Return what a run file says of it, plain values."""
        return {
            "epochs": self.epochs,
            "batch": self.batch,
            "optimizer": _described(self.optimizer),
            "schedule": _described(self.schedule),
            "loss": _described(self.loss),
            "held_out": 0 if self.held_out is None else self.held_out.count,
            "patience": self.patience,
        }


class Model:
    """A network on an array; nothing is programmed before `fit`.

    Samples come first, as in Keras and PyTorch: `x` is (samples, features) or (samples, time,
    features), with (height, width, channels) in place of features for images. `y` holds classes
    where it is whole numbers, (samples,), and else what the network is to put out, (samples,
    outputs): of the last time step. With a time axis, (samples, time) or (samples, time, outputs),
    every step counts.

    Parameters
    ----------
    layers
        What it consists of, from input to output (`memlab.nn.layers`). For classes it ends in a
        linear layer with an output for each: the softmax belongs to the loss.
    arrays
        The array, a view of its good lines, or several; the weights are placed wherever there is
        room, and folded where they must be.
    input_shape
        What it sees at one time step: number of features, or (height, width, channels).
    mapping
        How weights become conductances, and changes become pulses; the default suits `ta-hfo2`.
    update
        How changes become pulses: the name of an update rule (`memlab.rules`), or its settings.
    copies
        Pairs of each weight; one by default.
    slices
        Matrices that hold each weight matrix together, every one finer than the one before: what
        an update leaves in one, the next is asked for. Each is read back within the update. By
        default as `mapping` says, which is one; it also says which of them is trained.
    read_voltage
        Row voltage in V that the largest input of a vector is scaled to.
    seed
        Of the first weights on `ideal:`, of the order of samples, and of what is held out.
    name
        What it is called in lists and pictures.

    Attributes
    ----------
    network
        Its layers on the array, a `memlab.nn.Network`.

    Raises
    ------
    SettingError
        If a layer does not take what the one before gives, or the network does not fit.
    """

    def __init__(
        self,
        layers: Sequence[LayerLike],
        arrays: Array | Sequence[Array],
        input_shape: int | tuple[int, ...],
        *,
        mapping: MappingConfig = TA_HFO2,
        update: RuleSettings | str = "one-shot",
        copies: Copies | None = None,
        slices: int | None = None,
        read_voltage: float = 0.2,
        seed: int = 1,
        name: str = "network",
    ):
        self.arrays = as_arrays(arrays)
        self.layers = list(layers)
        self.shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
        self.seed = seed
        self.name = name
        rule = as_rule(update)
        self.network = build(
            self.layers,
            self.shape,
            self.arrays,
            mapping=mapping,
            make_rule=lambda rng: rule.make(mapping, rng),
            copies=copies,
            slices=slices,
            read_voltage=read_voltage,
            seed=seed,
        )
        attach(rule, self.network, seed, self.arrays)
        self._told = False
        self._settings = {
            "layers": [_described(layer) for layer in self.layers],
            "input_shape": list(self.shape),
            "mapping": mapping.model_dump(mode="json"),
            "update": rule.model_dump(mode="json"),
            "copies": (copies or Copies()).count,
            "slices": mapping.slices if slices is None else slices,
            "read_voltage": read_voltage,
        }

    @property
    def weights(self) -> dict[str, FloatArray]:
        """The weights that were read back last, (inputs, outputs), by name; none before `fit`."""
        held = {matrix.name: getattr(matrix, "weight", None) for matrix in self.network.matrices}
        return {name: weight.copy() for name, weight in held.items() if weight is not None}

    def predict(self, x: npt.ArrayLike) -> FloatArray:
        """Return what the network makes of x, with the cells as they are now.

        Returns
        -------
        (samples, outputs), or (samples, time, outputs) where it puts out several steps.

        Raises
        ------
        SettingError
            If x has another shape, or is not finite.
        """
        values = sequences(x, self.shape)
        if not self._told and not self.weights:
            self._told = True
            _LOGGER.warning(
                "this model was not fitted here: predict multiplies by the cells as they are, "
                "whatever they hold; fit programs them"
            )
        with one_blas_thread():
            output = self._forward(values)
        return output[0] if len(output) == 1 else output.swapaxes(0, 1)

    @stopping.stopped_in_order()
    def fit(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        epochs: int,
        batch: int = 32,
        optimizer: Optimizer | None = None,
        schedule: Schedule | None = None,
        loss: Loss | None = None,
        validation: float | tuple[npt.ArrayLike, npt.ArrayLike] = 0.0,
        patience: int = 0,
        test: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
        metrics: Mapping[str, Metric] | None = None,
        out: str | Path | None = None,
        log: LogLevel | str = LogLevel.ALL,
        labels: Labels = UNLABELLED,
        observers: Sequence[Observer] = (),
        figure: bool = True,
    ) -> Run:
        """Initialise the array, train in situ, and return the run.

        RESETs and SETs every cell of the network, then pulses it at most twice in each update.
        However it ends, the run file is closed with everything measured so far in it. What is
        reported, and what the cells hold, is the last update.

        Parameters
        ----------
        x, y
            Training data (see the class).
        epochs, batch
            Passes over them, and samples in one update.
        optimizer
            From gradients to changes; `Adam(0.05)` by default. Cells wait until they are due for
            a change of 0.15 (`mapping`), so that smaller steps take long. Used again, it goes on.
        schedule
            How its learning rate falls from epoch to epoch: `memlab.nn.Step`, `Cosine`,
            `Geometric`, or a law of one's own; constant by default. Afterwards it is again the one
            that was given.
        loss
            What is minimised: by default cross-entropy where y holds classes, else the squared
            error.
        validation
            Part of the data that is held out and looked at after every epoch, or (x, y) of its own.
        patience
            Epochs without a new lowest validation loss after which training stops; 0 for never.
            The best weights are kept beside the run, in `RUN.best.npz`.
        test
            (x, y) that is looked at once, at the end.
        metrics
            Numbers of your own by name, found of the training and of the test data.
        out
            Run file; a new name in `memlab-runs` by default. The picture lies beside it.
        log
            How much of every update is recorded: all, epochs or off.
        labels
            Tags and note.
        observers
            Who else watches training.
        figure
            Whether to draw.

        Raises
        ------
        SettingError
            If anything in the request is wrong; nothing is touched.
        """
        for name, given in (("optimizer", optimizer), ("schedule", schedule), ("loss", loss)):
            if isinstance(given, str):
                raise SettingError(f"{name} is an object of memlab.nn, not a name; got {given!r}")
        data, held_out = self._data(x, y, ("x", "y")), None
        if isinstance(validation, tuple):
            held_out = self._data(*validation, ("x of validation", "y of validation"))
        elif validation:
            data, held_out = data.split(validation, np.random.default_rng([self.seed, 2]))
        request = _Fit(
            data,
            held_out,
            None if test is None else self._data(*test, ("x of test", "y of test")),
            epochs,
            batch,
            Adam(0.05) if optimizer is None else optimizer,
            Constant() if schedule is None else schedule,
            data.usual_loss() if loss is None else loss,
            patience,
            LogLevel.of(log),
            metrics or {},
        )
        run = network_request(
            self.name,
            out,
            self.arrays,
            {**self._settings, "seed": self.seed, "train": request.settings()},
            self.seed,
            labels,
        )
        with recorded(run, self.arrays, link=LinkConfig()) as session, one_blas_thread():
            self._train(request, session, observers)
        session.document(figure=figure)
        return open_run(run.out)

    def _data(self, x: npt.ArrayLike, y: npt.ArrayLike, names: tuple[str, str]) -> Data:
        values = sequences(x, self.shape, names[0])
        return Data.of(values, y, output_shape(self.layers, self.shape, len(values)), names[1])

    def _train(self, fit: _Fit, session: Session, observers: Sequence[Observer]) -> None:
        """Train, judge, and write both into the run."""
        network, data, held_out = self.network, fit.train, fit.held_out
        record = TrainingLog(session.file, fit.log, session.spent)
        record.declare(
            network,
            len(data.x) * min(fit.batch, data.count),
            classes=isinstance(fit.loss, CrossEntropy),
            validation=held_out is not None,
        )
        session.file.start()
        best, validation = BestWeights(session.request.out), None
        if held_out is not None:

            def measure() -> float:
                return fit.loss(self._forward(held_out.x), held_out.target).mean

            validation = Validation(measure, fit.patience, best.keep)
        rng = np.random.default_rng([self.seed, 1])
        first = fit.optimizer.lr
        try:
            history = train(
                network,
                fit.loss,
                fit.optimizer,
                lambda epoch: data.batches(fit.batch, rng),
                fit.epochs,
                [LearningRate(fit.optimizer, fit.schedule), record, *observers],
                validation=validation,
            )
        finally:
            fit.optimizer.lr = first
        record.stop_codes()
        findings = session.findings
        text = "Mean training loss of the last epoch"
        findings.number("final_loss", history[-1], "1", text, n=data.count, of="training samples")
        findings.number("epochs", len(history), "1", "Epochs of training", n=1, of="training")
        for name, part in (("train", data), ("validation", held_out), ("test", fit.test)):
            if part is not None:
                self._judge(name, part, fit, session)
        session.results |= best.document()
        session.units |= best.units()

    def _judge(self, name: str, data: Data, fit: _Fit, session: Session) -> None:
        """Add what the network makes of some samples to what was found."""
        findings, of = session.findings, f"{name} samples"
        output = self._forward(data.x)
        loss = fit.loss(output, data.target).mean
        findings.number(f"{name}_loss", loss, "1", f"Loss at the end, {name}", n=data.count, of=of)
        made = output[-1] if data.last_step else output.swapaxes(0, 1)
        if data.classes:
            right = made.argmax(axis=-1) == data.y
            what = of if data.last_step else f"steps of {of}"
            text = f"Fraction classified correctly, {name}"
            findings.fraction(f"{name}_accuracy", int(right.sum()), right.size, text, what)
        for metric, function in fit.metrics.items():
            value, text = float(function(data.y, made)), f"{metric}, {name}"
            findings.number(f"{name}_{metric}", value, "1", text, n=data.count, of=of)

    def _forward(self, x: FloatArray) -> FloatArray:
        """Return the output, (time, samples, outputs), for x of (time, samples, ...)."""
        parts = [
            self.network.forward(x[:, start : start + EVALUATION_BATCH])
            for start in range(0, x.shape[1], EVALUATION_BATCH)
        ]
        return np.concatenate(parts, axis=1)


def _described(thing: object) -> str:
    """Return how a layer, a loss or an optimizer was made, in one line."""
    if is_dataclass(thing):
        return repr(thing)
    plain = {
        name: value
        for name, value in vars(thing).items()
        if isinstance(value, int | float | str | tuple) and not name.startswith("_")
    }
    return f"{type(thing).__name__}({', '.join(f'{k}={v!r}' for k, v in plain.items())})"
