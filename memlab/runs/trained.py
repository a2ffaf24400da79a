"""Reads what a finished training run has learnt: the weights of its last conductance maps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memlab.errors import DataError, SettingError
from memlab.mapping import Layout, pair_weight
from memlab.numeric import FloatArray
from memlab.runs.opening import open_for_reading, read_attributes
from memlab.runs.schema import Family, identify

__all__ = ["Trained", "read_trained", "recorded_preset"]


@dataclass(frozen=True, eq=False)
class Trained:
    """What a run has learnt.

    Parameters
    ----------
    experiment
        Its name.
    config
        Its settings, as plain values.
    weights
        Weight of every pair by block, shape (rows of pairs, columns).
    """

    experiment: str
    config: dict[str, Any]
    weights: dict[str, FloatArray]


def recorded_preset(path: Path) -> str | None:
    """Return the preset that a run file of `memlab train` names; None where it names none.

    Raises
    ------
    SettingError
        If the file cannot be read, or is no run file.
    """
    try:
        preset = read_attributes(path).get("preset")
    except DataError as error:
        raise SettingError(str(error)) from error
    return None if preset is None else str(preset)


def read_trained(path: Path) -> Trained:
    """Read a run file of `memlab train`.

    Raises
    ------
    SettingError
        If it is no finished training run, or has no conductance maps (`log.level=off`).
    """
    try:
        with open_for_reading(path) as file:
            entry = file["entry"]
            attributes = dict(entry.attrs)
            family = identify(entry, str(path))[1]
            if attributes.get("status") != "finished" or family is not Family.EXPERIMENT:
                raise SettingError(
                    f"{path} is no finished run of memlab train; only a finished one is transferred"
                )
            config = json.loads(entry["config"].attrs["json"])
            weights = {
                name: pair_weight(
                    group["conductance"][-1],
                    float(group.attrs["siemens_per_weight"]),
                    Layout(group.attrs["layout"]),
                )
                for name, group in entry.items()
                if "initial_conductance" in group and len(group["conductance"])
            }
    except SettingError:
        raise
    except DataError as error:
        raise SettingError(str(error)) from error
    if not weights:
        raise SettingError(
            f"{path} holds no conductance maps; train with --set log.level=epochs, in situ or on "
            "--board ideal:"
        )
    return Trained(str(attributes["experiment"]), config, weights)
