"""Run one procedure on an emulated chip with known parameters, and look at both afterwards."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import h5py
import numpy as np

from memlab.characterize import Region, plan_procedures, run_procedures
from memlab.emulator import Chip, EmulatedBoard, load_preset
from memlab.session import arrays

SIGMAS = 4.5
"""Bounds in standard errors: a right model fails one for about one seed in 100,000."""


@dataclass
class Analysed:
    """What a procedure said, and what it was about."""

    path: Path
    numbers: dict[str, tuple[float, float]]
    """Value and standard error (NaN where there is none) by name."""
    results: dict[str, np.ndarray]
    board: EmulatedBoard
    untouched: Chip
    """The same chip before anything was done to it."""

    def value(self, name: str) -> float:
        return self.numbers[name][0]

    def assert_recovered(self, name: str, truth: float, *, within: float = np.inf) -> None:
        """Check a number against the truth in its own standard errors, and relatively."""
        value, error = self.numbers[name]
        assert 0.0 < error < np.inf, name
        assert abs(value - truth) <= SIGMAS * error, (name, value, error, truth)
        assert abs(value - truth) <= within * abs(truth), (name, value, truth)

    def assert_only_pulsed(self, region: Region) -> None:
        """Check on the chip itself that cells of the region changed, and no other."""
        inside = region.pick(self.board.chip.shape)
        changed = self.board.chip.conductance != self.untouched.conductance
        assert changed[inside].any()
        assert not changed[~inside].any()


def analyse(
    name: str,
    out: Path,
    chip: str = "ideal",
    *,
    seed: int = 1,
    region: Region = Region(),  # noqa: B008 - frozen
    settings: dict[str, object] | None = None,
    figure: bool = False,
    **changes: float,
) -> Analysed:
    """Run a procedure on a preset with parameters changed; `__` stands for the dot in a name."""
    dotted = {key.replace("__", "."): value for key, value in changes.items()}
    given = [f"chip={chip}", *(f"chip.{key}={value}" for key, value in dotted.items())]
    given += [f"{key}={value}" for key, value in (settings or {}).items()]
    path = out / f"{name}.h5"
    plans = plan_procedures([name], seed=seed, settings=given, out=path)
    opened: list[Any] = []

    def open_array(*arguments: Any, **options: Any) -> Any:
        opened.append(original(*arguments, **options))
        return opened[-1]

    original = arrays.open_board_array
    with patch.object(arrays, "open_board_array", open_array):
        (document,) = run_procedures(plans, "emulator:", region, figure=figure)
    numbers = {
        key: (
            np.nan if one["value"] is None else one["value"],
            np.nan if one["error"] is None else one["error"],
        )
        for key, one in document["results"].items()
    }
    with h5py.File(path) as file:
        results = {key: item[()] for key, item in file["entry/result"].items()}
    untouched = EmulatedBoard(load_preset(chip).replace(**dotted), seed).chip
    return Analysed(path, numbers, results, opened[0].board, untouched)
