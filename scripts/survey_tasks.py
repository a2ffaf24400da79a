"""Small experiments for the networks of the survey: data, how they are judged, and baselines.

Airline ships with memlab; wafer (UCR) and digits (MNIST in 8 x 8) lie in a directory of data;
expressions are drawn. `survey_networks.py` trains on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.datasets import load_airline, load_mnist_8x8, load_wafer, make_digit_sequences

FloatArray = npt.NDArray[np.float64]

TRAINED = 95
"""Changes from month to month of the airline series that may be a target of training."""


@dataclass(frozen=True, eq=False)
class Task:
    """Data, how a prediction is judged, and what needs no network.

    Parameters
    ----------
    x, y, x_test
        As for `memlab.Model.fit`.
    measure
        Returns the figure of the table from the predictions of the test data.
    baselines
        The same figure without a network, by what it is.
    """

    x: FloatArray
    y: npt.NDArray[Any]
    x_test: FloatArray
    measure: Callable[[FloatArray], float]
    baselines: Mapping[str, float]


# Airline: changes of the logarithm from month to month, mean and deviation of training taken out.


def _months() -> tuple[FloatArray, FloatArray, float, float]:
    """Return passengers in thousands, their scaled changes, and what scaled them."""
    passengers = load_airline().passengers
    change = np.diff(np.log(passengers))
    mean, deviation = float(change[:TRAINED].mean()), float(change[:TRAINED].std())
    return passengers, (change - mean) / deviation, mean, deviation


def rmse(guess: FloatArray, truth: FloatArray) -> float:
    """Return the root mean square error."""
    return float(np.sqrt(np.mean((guess - truth) ** 2)))


def next_month(steps: int, every_step: bool = False) -> Task:
    """Return windows of some months, and the month that follows (each of them)."""
    passengers, change, mean, deviation = _months()
    x = np.lib.stride_tricks.sliding_window_view(change, steps)[:-1, :, np.newaxis]
    y = np.lib.stride_tricks.sliding_window_view(change[1:], steps)[..., np.newaxis]
    last = np.arange(len(x)) + steps  # the number of the change that is to be predicted
    train = last < TRAINED
    known, truth = passengers[last[~train]], passengers[last[~train] + 1]

    def measure(output: FloatArray) -> float:
        scaled = output[:, -1, 0] if output.ndim == 3 else output[:, 0]
        return rmse(known * np.exp(mean + deviation * scaled), truth)

    year = passengers[last[~train] - 11] / passengers[last[~train] - 12]
    baselines = {
        "persistence": rmse(known, truth),
        "last year's change": rmse(known * year, truth),
    }
    target = y[train] if every_step else y[train, -1]
    return Task(x[train], target, x[~train], measure, baselines)


def _balanced(label: npt.NDArray[Any]) -> Callable[[FloatArray], float]:
    def measure(output: FloatArray) -> float:
        right = output.argmax(axis=-1) == label
        return float(np.mean([right[label == one].mean() for one in np.unique(label)]))

    return measure


def wafer_with_gaps(seed: int, data: str, kept: int = 38) -> Task:
    """Return wafer traces of which a quarter of the values is left, with the times of these.

    Both classes of the training data are drawn alike often; a step is (value, time).
    """
    rng = np.random.default_rng([seed, 17])
    wafer = load_wafer(data)

    def gaps(x: FloatArray) -> FloatArray:
        time = np.sort(rng.random(x.shape).argsort(axis=1)[:, :kept], axis=1)
        return np.stack([np.take_along_axis(x, time, axis=1), time], axis=-1)

    which = np.concatenate(
        [rng.choice(np.flatnonzero(wafer.y_train == one), 300) for one in range(2)]
    )
    test = np.concatenate(
        [rng.choice(np.flatnonzero(wafer.y_test == one), 300, replace=False) for one in range(2)]
    )
    label = wafer.y_test[test].astype(int)
    return Task(
        gaps(wafer.x_train[which]),
        wafer.y_train[which].astype(int),
        gaps(wafer.x_test[test]),
        _balanced(label),
        {"chance": 0.5},
    )


def scaled_times(task: Task) -> Task:
    """Return the task with times from 0 to 1, for a network to which they are numbers like any."""
    scale = np.array([1.0, 1 / 152])
    return Task(task.x * scale, task.y, task.x_test * scale, task.measure, task.baselines)


def three_digits(seed: int, data: str) -> Task:
    """Return sequences of three 8 x 8 digits; their order is the class."""
    found = make_digit_sequences(load_mnist_8x8(data), seed)
    x, x_test = (one[..., np.newaxis] / 255 for one in (found.x_train[:900], found.x_test[:500]))
    label = found.y_test[:500].astype(int)
    return Task(x, found.y_train[:900].astype(int), x_test, _balanced(label), {"chance": 1 / 6})


def drawn_digits(seed: int, data: str, of_class: bool) -> Task:
    """Return digits to be put out row by row: of a class alone, or of the rows that were shown."""
    rng = np.random.default_rng([seed, 29])
    found = load_mnist_8x8(data)
    train = rng.choice(len(found.x_train), 1000, replace=False)
    test = rng.choice(len(found.x_test), 500, replace=False)
    image, image_test = found.x_train[train] / 255, found.x_test[test] / 255
    label, label_test = found.y_train[train].astype(int), found.y_test[test].astype(int)
    means = np.stack([image[label == one].mean(axis=0) for one in range(10)])
    baselines = {
        "mean image": rmse(image.mean(axis=0), image_test),
        "mean image of the class": rmse(means[label_test], image_test),
    }

    def measure(output: FloatArray) -> float:
        return rmse(output, image_test)

    if of_class:
        x, x_test = (np.eye(10)[one][:, np.newaxis] for one in (label, label_test))
        return Task(x, image, x_test, measure, baselines)
    return Task(image, image, image_test, measure, baselines)


# ListOps of Nangia 2018 (arXiv:1804.06028) in small: MAX and MIN of two or three, up to depth 3.

Tree = tuple[int, list[Any]]
"""An operator, or 10 + a digit, and its arguments."""
NODES, SYMBOLS = 16, 12


def _expression(rng: np.random.Generator, depth: int) -> Tree:
    if depth == 0 or (depth < 3 and rng.random() < 0.5):
        return 2 + int(rng.integers(10)), []
    return int(rng.integers(2)), [_expression(rng, depth - 1) for _ in range(rng.integers(2, 4))]


def _value(tree: Tree) -> int:
    symbol, arguments = tree
    return (max, min)[symbol](map(_value, arguments)) if arguments else symbol - 2


def _nodes(tree: Tree, into: list[list[int]]) -> int:
    """Append the nodes of a tree, children first, as [symbol, parent]; return the root's number."""
    children = [_nodes(one, into) for one in tree[1]]
    into.append([tree[0], -1])
    for child in children:
        into[child][1] = len(into) - 1
    return len(into) - 1


def expressions(seed: int, count: int, trees: bool) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Return expressions as nodes, (count, NODES, SYMBOLS and the way to the parent), and values.

    Values are below 5 or not. Without trees it is the same without the ways to the parents.
    """
    rng = np.random.default_rng([seed, 23])
    x, values = np.zeros((count, NODES, SYMBOLS + 1)), np.zeros(count, int)
    for one in range(count):
        nodes: list[list[int]] = []
        while not 3 <= len(nodes) <= NODES:
            tree, nodes = _expression(rng, 3), []
            _nodes(tree, nodes)
        first = NODES - len(nodes)
        for number, (symbol, parent) in enumerate(nodes):
            x[one, first + number, symbol] = 1.0
            x[one, first + number, -1] = max(parent - number, 0)
        values[one] = _value(tree)
    return (x if trees else x[..., :-1]), (values >= 5).astype(int)


def list_operations(seed: int, trees: bool) -> Task:
    """Return expressions to train on, and others."""
    (x, y), (x_test, label) = (
        expressions(2 * seed, 600, trees),
        expressions(2 * seed + 1, 500, trees),
    )
    root = x_test[:, -1, 0] > 0.5  # what is known without a look at the arguments
    guess = {
        "the root's operator alone": _balanced(label)(np.stack([~root, root], axis=1).astype(float))
    }
    return Task(x, y, x_test, _balanced(label), {"chance": 0.5} | guess)
