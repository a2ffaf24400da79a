"""Synthetic gait: made-up people whose silhouettes have the statistics of recorded ones.

SYNTHETIC - for tests and for trying the experiment out; its accuracies say nothing about people.
The numbers are measured on the KTH stand-in (experiments reference 7): 8 persons, two sessions in
different clothes, four passes in each, windows of 25 frames that overlap within a pass.

    width = mean shape + person + clothes + pass + step swing + twice its frequency + noise

Everything varies smoothly from row to row, and noise from frame to frame too: white noise would be
too easy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from memlab.datasets.gait import FRAMES, PERSONS, WIDTHS, Gait
from memlab.numeric import FloatArray

__all__ = ["STATISTICS", "STATISTICS_ROWS", "make_gait"]


STATISTICS_ROWS = np.array([0, 2, 5, 10, 15, 20, 25, 30, 35, 40, 45, 48])
"""Rows of the body, head first, at which the statistics are known."""

STATISTICS = {
    "mean": [0.075, 0.132, 0.126, 0.161, 0.199, 0.228, 0.228, 0.204, 0.229, 0.300, 0.382, 0.304],
    "step": [0.005, 0.002, 0.003, 0.006, 0.009, 0.023, 0.024, 0.039, 0.076, 0.126, 0.177, 0.099],
    "double": [0.004, 0.001, 0.002, 0.002, 0.003, 0.005, 0.006, 0.012, 0.017, 0.033, 0.027, 0.023],
    "noise": [0.013, 0.005, 0.006, 0.010, 0.011, 0.018, 0.019, 0.014, 0.017, 0.022, 0.025, 0.074],
    "person": [0.012, 0.017, 0.018, 0.026, 0.019, 0.023, 0.019, 0.022, 0.027, 0.016, 0.012, 0.046],
    "shift": [-0.005, -0.003, 0.003, 0.039, 0.037, 0.047, 0.063, 0.048, 0.017, 0.005, 0.003, 0.005],
    "clothes": [0.006, 0.002, 0.014, 0.012, 0.007, 0.012, 0.017, 0.017, 0.012, 0.011, 0.010, 0.008],
    "pass": [0.003, 0.006, 0.006, 0.007, 0.006, 0.011, 0.009, 0.006, 0.006, 0.007, 0.010, 0.023],
}
"""Mean width; amplitude at step frequency and at twice that; residual sd in a pass; sd between
persons; common shift by clothes; per-person sd of half the clothes difference; sd of passes."""

SESSIONS = (1, 3)
PASSES = 4
SEQUENCES_PER_PERSON = 83
TEST_RANDOM = 67
PERSON_PERIOD = (12.5, 14.5)
PASS_PERIOD_SD = 0.7
"""Frames per step: with persons uniform in their range, the sd over passes is 0.9."""
PASS_FRAMES = (38, 56)
BODY_SMOOTH, NOISE_SMOOTH, TIME_SMOOTH = 5.0, 1.0, 1.0
"""Standard deviations of the smoothing kernels: body shapes and noise in rows, noise in frames."""


@dataclass(frozen=True, eq=False)
class _Window:
    x: FloatArray
    group: int
    session: int


def make_gait(seed: int = 0) -> Gait:
    """Make up 664 sequences of 8 persons.

    Parameters
    ----------
    seed
        One seed gives one set of people.
    """
    rng = np.random.default_rng(seed)
    row = _statistics()
    persons = _standard_shapes(rng, PERSONS) * row["person"]
    clothes = _standard_shapes(rng, PERSONS) * row["clothes"]
    periods = rng.uniform(*PERSON_PERIOD, PERSONS)
    windows: list[_Window] = []
    for person in range(PERSONS):
        own: list[_Window] = []
        for k, session in enumerate(SESSIONS):
            side = 2.0 * k - 1.0
            body = row["mean"] + persons[person] + side * (row["shift"] / 2 + clothes[person])
            for number in range(PASSES):
                group = (person * len(SESSIONS) + k) * PASSES + number
                own += _make_pass(rng, row, body, periods[person], group, session)
        picked = np.linspace(0, len(own) - 1, SEQUENCES_PER_PERSON).round().astype(int)
        windows += [own[index] for index in picked]
    count = len(windows)
    groups = np.array([window.group for window in windows], np.int16)
    return Gait(
        x=np.stack([window.x for window in windows]),
        y=np.repeat(np.arange(PERSONS, dtype=np.uint8), SEQUENCES_PER_PERSON),
        test_random=rng.permutation(count) < TEST_RANDOM,
        # The last pass of each session.
        test_pass=groups % PASSES == PASSES - 1,
        group=groups,
        session=np.array([window.session for window in windows], np.uint8),
        source=f"SYNTHETIC gait, seed {seed} (made up, no people)",
    )


def _statistics() -> dict[str, FloatArray]:
    """Return every statistic at every row."""
    rows = np.arange(WIDTHS)
    return {name: np.interp(rows, STATISTICS_ROWS, values) for name, values in STATISTICS.items()}


def _shapes(rng: np.random.Generator, count: int) -> FloatArray:
    """Return random shapes, shape (count, rows), smooth along the body, of unit variance."""
    return _smooth(rng.standard_normal((count, WIDTHS)), BODY_SMOOTH, 1, "reflect")


def _standard_shapes(rng: np.random.Generator, count: int) -> FloatArray:
    """Return shapes whose mean and sd *over the count* are 0 and 1 in every row, not by luck."""
    shapes = _shapes(rng, count)
    return np.asarray((shapes - shapes.mean(axis=0)) / shapes.std(axis=0))


def _smooth(
    white: FloatArray, width: float, axis: int, mode: Literal["reflect", "wrap"]
) -> FloatArray:
    """Smooth white noise with a Gaussian kernel, and give back the variance that this takes."""
    # Loaded here: it takes a quarter of a second, and other data sets do not need it.
    from scipy.ndimage import gaussian_filter1d

    smooth = np.asarray(gaussian_filter1d(white, width, axis=axis, mode=mode), np.float64)
    return smooth * float(np.sqrt(2.0 * width * np.sqrt(np.pi)))


def _make_pass(
    rng: np.random.Generator,
    row: dict[str, FloatArray],
    body: FloatArray,
    period: float,
    group: int,
    session: int,
) -> list[_Window]:
    """Walk once through the picture, and return all its windows."""
    frames = int(rng.integers(*PASS_FRAMES, endpoint=True))
    period += PASS_PERIOD_SD * rng.standard_normal()
    phase = 2.0 * np.pi * (np.arange(frames) / period + rng.random())
    swing = np.cos(phase)[:, np.newaxis] * row["step"]
    swing += np.cos(2.0 * phase)[:, np.newaxis] * row["double"]
    noise = rng.standard_normal((frames, WIDTHS))
    for axis, kernel in ((0, TIME_SMOOTH), (1, NOISE_SMOOTH)):
        noise = _smooth(noise, kernel, axis, "wrap")
    width = body + _shapes(rng, 1) * row["pass"] + swing + noise * row["noise"]
    np.maximum(width, 0.0, out=width)
    return [
        _Window(width[start : start + FRAMES], group, session)
        for start in range(frames - FRAMES + 1)
    ]
