"""Helpers: boards with single effects, and bounds from sample sizes.

Bounds are 4.5 standard errors: with fixed seeds they hold or do not, and a right model would fail
one of them for about one seed in 100,000.
"""

import math

import numpy as np

from drivers.board import Selection
from memlab.array.board_array import BoardArray
from memlab.chip.limits import Limits, OperatingPoint
from memlab.emulator import EmulatedBoard, load_preset
from memlab.emulator.cells.fluctuation import Deviation

CELLS = 128 * 64
SIGMAS = 4.5
ALL = Selection(np.arange(128), np.arange(64))
EVERY = np.ones((128, 64), bool)


def make(
    chip: str = "ideal",
    seed: int = 1,
    shape: tuple[int, int] = (128, 64),
    point: OperatingPoint | None = None,
    read_voltage: float = 0.2,
    **changes: float,
) -> tuple[BoardArray, EmulatedBoard]:
    """Open an array on a preset with parameters changed; `__` stands for the dot in a name."""
    dotted = {name.replace("__", "."): value for name, value in changes.items()}
    # Physics is looked at beyond what the driver of a row gives.
    driver = {f"board.driver.{name}_current": 1.0 for name in ("read", "set", "reset")}
    board = EmulatedBoard(load_preset(chip).replace(**driver, **dotted), seed, shape)
    limits = Limits(
        read_voltage=read_voltage, row_current=1.0, set_row_current=1.0, reset_row_current=1.0
    )
    return BoardArray(board, limits, point), board


def assert_mean(sample: np.ndarray, expected: float, *, extra: float = 0.0) -> None:
    error = float(sample.std() / math.sqrt(sample.size))
    assert abs(sample.mean() - expected) <= SIGMAS * error + extra


def assert_spread(sample: np.ndarray, expected: float, *, extra: float = 0.0) -> None:
    """Check a standard deviation of normal deviates; its standard error is sigma / sqrt(2 n)."""
    bound = SIGMAS * expected / math.sqrt(2 * sample.size) + extra
    assert abs(sample.std() - expected) <= bound


def assert_fraction(mask: np.ndarray, expected: float) -> None:
    bound = SIGMAS * math.sqrt(expected * (1 - expected) / mask.size)
    assert abs(mask.mean() - expected) <= bound


def relative_of(deviation: Deviation, shape: tuple[int, int]) -> np.ndarray:
    """Return the deviations of slow noise, relative to G, shape (moments, *shape)."""
    relative = np.zeros((len(deviation.drop), *shape))
    if deviation.number is not None:
        np.multiply(deviation.number, deviation.unit, out=relative)
    relative.reshape(len(relative), -1)[:, deviation.cell] -= deviation.drop
    return relative
