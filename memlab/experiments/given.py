"""Weights that a user brings: to start from in situ, or to be transferred.

A file of them is an `.npz` with one array for each weight matrix, by its name, shape (inputs,
outputs) - inputs in the order of the network's rows: values in, then recurrent, then bias - or a
finished run of `memlab train`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from memlab.array import Array
from memlab.datasets.labels import finite
from memlab.datasets.store import load_npz
from memlab.errors import DataError, SettingError
from memlab.experiments.config import ExperimentConfig
from memlab.experiments.experiment import Experiment
from memlab.experiments.law import find_laws
from memlab.experiments.targets import used_cells, views_of
from memlab.mapping import DirectUpdate, OneShotUpdate, start_at
from memlab.nn import Network
from memlab.numeric import FloatArray
from memlab.runs import Trained, read_trained
from memlab.storage import State, require_file

__all__ = ["Weights", "check_source", "is_npz", "read_weights", "start_from"]

UNITS = {"clipped": "part of `cells`"}
"""Of what `start_from` returns."""

Weights = dict[str, FloatArray]
"""A weight matrix, shape (inputs, outputs), by its name."""


def is_npz(path: Path) -> bool:
    """Whether a file is an archive of arrays, and not a run.

    Raises
    ------
    SettingError
        If it cannot be read, or is named like arrays and holds no archive.
    """
    try:
        require_file(path)
        with path.open("rb") as file:
            archive = file.read(2) == b"PK"
    except OSError as error:
        raise SettingError(f"cannot read the weights {path}: {error.strerror}") from error
    if not archive and path.suffix in (".npz", ".npy"):
        raise SettingError(f"{path} is no .npz archive; --weights takes one, or a finished run")
    return archive


def read_weights(path: Path, experiment: Experiment, config: ExperimentConfig) -> Weights:
    """Read the weights of every matrix of an experiment.

    Raises
    ------
    SettingError
        If the update rule starts from none; if the file cannot be read, lacks a matrix, has one of
        another shape, or holds what is no number; or if it is a run of another task.
    """
    for block in experiment.network.blocks:
        if not isinstance(block.rule, DirectUpdate | OneShotUpdate):
            raise SettingError(
                f"update.rule={config.update.rule} starts from no weights of one's own: it is no "
                "OneShotUpdate. Leave --weights out, or choose another rule"
            )
    if not is_npz(path):
        source = read_trained(path)
        check_source(source, experiment, config, path)
        return {
            matrix.name: matrix.gather([source.weights[block.name] for block in matrix.blocks])
            for matrix in experiment.network.matrices
        }
    wanted = {matrix.name: matrix.shape for matrix in experiment.network.matrices}
    try:
        arrays = load_npz(path, wanted)
        return {name: finite(path, name, values) for name, values in arrays.items()}
    except DataError as error:
        needed = ", ".join(f"{name} {shape[0]} x {shape[1]}" for name, shape in wanted.items())
        raise SettingError(f"{error}; {experiment.name} needs {needed}") from error


def check_source(
    source: Trained, experiment: Experiment, config: ExperimentConfig, path: Path
) -> None:
    """Raise `SettingError` unless trained weights fit an experiment and were trained on its task.

    Chip, seed and way of training may differ; network and data must not.
    """
    if source.experiment != experiment.name:
        raise SettingError(f"{path} is a run of {source.experiment}, not of {experiment.name}")
    task = config.model_dump(mode="json", exclude=set(ExperimentConfig.model_fields))
    for section, values in task.items():
        for key, value in values.items():
            other = source.config.get(section, {}).get(key, value)
            if other != value and key != "path":
                raise SettingError(
                    f"{path} was run with {section}.{key}={other}, here it is {value}: choose the "
                    "same preset and settings"
                )
    for block in experiment.network.blocks:
        found = source.weights.get(block.name)
        if found is None or found.shape != block.shape:
            raise SettingError(
                f"{path} has no weights of shape {block.shape} for {block.name}; was it run with "
                "the same network and placement?"
            )


def start_from(
    weights: Weights,
    network: Network,
    arrays: Sequence[Array],
    config: ExperimentConfig,
    keeper: Callable[[State], None] = lambda state: None,
    resumed: State | None = None,
) -> dict[str, Any]:
    """Let a network start from weights when it is initialised; programs nothing itself.

    On a board the cells of a pair get the gate voltages that put them half of the difference above
    and below a SET at `gate_initial`, or as near to it as the allowed gate voltages let them, by
    the law of a SET (`transfer.law`; `measured` pulses some cells). One shot: what was reached is
    read back, and the noise of a pulse is in it. An ideal array is written. `keeper` and `resumed`
    are those of `find_laws`.

    Returns
    -------
    Which share of the cells does not reach its conductance within the gate voltages allowed.
    """
    places = zip(arrays, used_cells(network, arrays), views_of(network, arrays), strict=True)
    pulsed = [place for place in places if not place[0].writable]
    found = iter(find_laws(pulsed, config.transfer, config.chip, keeper, resumed))
    laws = [None if array.writable else next(found) for array in arrays]
    scale = config.mapping.siemens_per_weight
    clipped = cells = 0
    for matrix in network.matrices:
        spread = matrix.spread_out(weights[matrix.name])
        for block, weight in zip(matrix.blocks, spread, strict=True):
            clipped += start_at(block, weight, scale, laws[block.array_number])
            cells += 2 * weight.size
    return {"clipped": clipped / cells, "cells": cells}
