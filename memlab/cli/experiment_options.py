"""What every command that runs one experiment is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import rich_click as click

from memlab.cli.kind_names import KindName
from memlab.cli.options import (
    EXISTING,
    SEED,
    data_option,
    epochs_option,
    json_option,
    out_option,
    preset_option,
    quiet_option,
)
from memlab.cli.setting_options import config_option, set_option, setting_options
from memlab.errors import SettingError

__all__ = ["data_setting", "experiment_options"]

_OPTIONS = (
    click.argument("name", metavar="NAME", type=KindName("experiment")),
    click.option(
        "--board",
        "boards",
        multiple=True,
        default=("emulator:",),
        show_default=True,
        metavar="URL",
        help="Array to run on: emulator:?seed=7&chip=ta-hfo2, or ideal: for a float64 reference. "
        "Give it again for every further array of a network that is too large for one.",
    ),
    preset_option,
    click.option("--seed", type=SEED, help="Seed of everything random.  [default: 1]"),
    epochs_option,
    out_option("Run file to write; the picture goes beside it.  [default: memlab-runs/NAME-...h5]"),
    data_option,
    click.option(
        "--weights",
        type=EXISTING,
        metavar="FILE",
        help="Weights to start from, or to transfer: an .npz with an array (inputs, outputs) for "
        "each matrix, or a finished run.",
    ),
    click.option(
        "--good",
        type=EXISTING,
        metavar="FILE",
        help="Use the good rows and columns only: a run file of `memlab characterize yield`.",
    ),
    json_option,
    quiet_option,
)


def data_setting(name: str, data: Path) -> str:
    """Return the setting that `--data` stands for.

    Raises
    ------
    SettingError
        If the experiment reads no files of the user's.
    """
    from memlab.experiments.kind import load_experiment
    from memlab.settings import setting_names

    if "data.path" not in setting_names(load_experiment(name).make_config()):
        raise SettingError(f"{name} brings its own data: it takes no --data")
    return f"data.path={data}"


def experiment_options(
    *always: str,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what adds NAME and the options; paths become the first of the command's `settings`.

    `always` are settings that the command itself has, for --settings.
    """
    add = setting_options(set_option("train.lr=0.02 or chip.noise=0"), config_option, always=always)
    return lambda command: _with_paths(add(command))


def _with_paths(command: Callable[..., Any]) -> Callable[..., Any]:

    @wraps(command)
    def with_data(
        *args: Any,
        data: Path | None,
        weights: Path | None,
        settings: tuple[str, ...],
        **options: Any,
    ) -> Any:
        if weights is not None:
            settings = (f"weights={json.dumps(str(weights.absolute()))}", *settings)
        if data is not None:
            settings = (data_setting(options["name"], data), *settings)
        return command(*args, settings=settings, **options)

    for add in reversed(_OPTIONS):
        with_data = add(with_data)
    return with_data
