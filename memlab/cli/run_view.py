"""How `memlab runs watch` shows a run: a view of any width for terminals, and one plain line."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rich.columns import Columns
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from memlab.markup import plain
from memlab.runs.follower import Progress
from memlab.runs.reader import ConductanceMap, Run
from memlab.runs.vitals import duration

__all__ = ["RunView", "line"]

_STEPS = " ▁▂▃▄▅▆▇█"
_HIGH = 8
"""The most lines of a map."""

_IN_A_LINE = ("loss", "validation_loss", "accuracy", "sets", "pulses", "in_doubt", "saturated")
"""Numbers of the plain line, by name."""


class RunView:
    """A run as it was at a look; as wide as the terminal.

    Parameters
    ----------
    run, progress
        What was seen.
    trouble
        Why there is nothing newer to see; '' where there is.
    """

    def __init__(self, run: Run, progress: Progress, trouble: str = ""):
        self._run, self._progress, self._trouble = run, progress, trouble

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        run, progress, width = self._run, self._progress, options.max_width
        head = Text(plain(run.path.name), style="bold", overflow="ellipsis", no_wrap=True)
        yield head
        about = Text(f"{plain(run.title)}: {progress.status}")
        if what := run.origin:
            about.append(f"  {what}", style="bold reverse")
        yield about
        yield Text(_so_far(progress))
        if progress.losses.size:
            yield Text(_sparkline(progress.losses, width), no_wrap=True)
        vitals = progress.vitals.values()
        pairs: list[RenderableType] = [
            Text.assemble((f"{one.label} ", "dim"), one.words, no_wrap=True) for one in vitals
        ]
        if pairs:
            yield Columns(pairs, padding=(0, 2))
        high = _HIGH
        if console.is_terminal and progress.maps:  # all of them in one look
            high = min(_HIGH, max(1, (console.height - 12) // len(progress.maps) - 1))
        for name, one in progress.maps.items():
            for text in _map_lines(name, one, width, high):
                yield Text(text, no_wrap=True)
        if self._trouble:
            yield Text(plain(self._trouble), style="bold")


def line(run: Run, progress: Progress) -> str:
    """Return where a run is in one line without colours, for a pipe."""
    vitals = progress.vitals
    parts = [f"{vitals[k].label} {vitals[k].words}" for k in _IN_A_LINE if k in vitals]
    return ", ".join((f"{plain(run.path.name)}: {progress.status}", _so_far(progress), *parts))


def _so_far(progress: Progress) -> str:
    total = "" if progress.total is None else f" of {progress.total}"
    text = f"{progress.done}{total} {progress.what}"
    if progress.rate is not None and not progress.over:
        text += f", {progress.rate:.3g} a second"
    if progress.left is not None and not progress.over:
        text += f", {duration(progress.left)} left"
    return text


def _sparkline(values: np.ndarray, width: int) -> str:
    """Return a curve in one line: the mean of each part, between the least and the largest."""
    parts = [_mean(part) for part in np.array_split(values, min(width, values.size))]
    return "".join(_levels(np.array(parts)))


def _map_lines(name: str, one: ConductanceMap, width: int, high: int) -> Iterator[str]:
    """Yield what a map holds, and the map in a few lines of blocks."""
    with np.errstate(over="ignore"):  # shown as infinite
        values = 1e6 * one.conductance
    known = values[np.isfinite(values)]
    if not known.size:
        yield f"{plain(name)}: no cell has a value"
        return
    missing = f", {values.size - known.size} without a value" if known.size < values.size else ""
    least, middle, most = (float(f(known)) + 0.0 for f in (np.min, np.median, np.max))
    span = f"{least:.4g} to {most:.4g} uS, median {middle:.4g} uS"
    rows, columns = values.shape
    across = ""
    if 4 * columns < rows:  # a column stands on its side
        values, across = values.T, ", rows from left to right"
    yield f"{plain(name)}, {rows} x {columns}: {span}{missing}{across}"
    parts = np.array_split(values, min(high, len(values)))
    small = np.array([[_mean(part) for part in _across(part, width)] for part in parts])
    text, wide = _levels(small.ravel()), small.shape[1]
    for k in range(len(small)):
        yield "".join(text[k * wide : (k + 1) * wide])


def _across(part: np.ndarray, width: int) -> list[np.ndarray]:
    return np.array_split(part, min(width, part.shape[1]), axis=1)


def _mean(part: np.ndarray) -> float:
    known = part[np.isfinite(part)]
    # Divided first, as a sum of large values would be infinite.
    return float((known / known.size).sum()) if known.size else np.nan


def _levels(values: np.ndarray) -> list[str]:
    """Return a block for each value, empty where there is none; what is infinite is at the end."""
    known = values[np.isfinite(values)]
    if not known.size:
        return [" "] * values.size
    # In units of the largest, or the span of large values would be infinite.
    unit = max(float(np.abs(known).max()), np.finfo(float).tiny)
    low, high = float(known.min()) / unit, float(known.max()) / unit
    inside = np.clip(values / unit, low, high)
    share = (inside - low) / (high - low) if high > low else np.full(values.shape, 0.5)
    share[np.isnan(values)] = np.nan
    steps = 1 + np.nan_to_num(share * (len(_STEPS) - 2), nan=-1.0).round().astype(int)
    return [_STEPS[k] for k in steps]
