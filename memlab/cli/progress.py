"""Shows training as it goes: a bar in a terminal, plain lines anywhere else. Always on stderr."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from memlab.mapping import Block
from memlab.nn import Network
from memlab.training import EpochResult, Observer

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["TrainingProgress"]


class TrainingProgress(Observer):
    """Epoch, loss, epochs per second and time left; use as a context manager.

    Parameters
    ----------
    title
        Line to show when training starts.
    quiet
        Show nothing.
    interval
        Seconds between plain lines.
    clock
        Returns seconds; a test may bring its own.
    """

    def __init__(
        self,
        title: str = "",
        *,
        quiet: bool = False,
        interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._title = title
        self._quiet = quiet
        self._interval = interval
        self._clock = clock
        self._start = self._last = float("-inf")
        self._before: int | None = 0
        self._bar = None if quiet else _make_bar()
        if self._bar:
            self._task = self._bar.add_task("train", loss="", rate=0.0, total=None)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.end()

    def end(self) -> None:
        """Take the bar away: nothing more will come."""
        if self._bar:
            self._bar.stop()

    def started(self, network: Network) -> None:
        """Start the clock: the array is initialised. Say so where voltages are rounded."""
        self._start = self._clock()
        if self._quiet:
            return
        if self._title:
            print(self._title, file=sys.stderr)
        for gate_step, input_step in sorted({_steps(block) for block in network.blocks}):
            if gate_step:
                print(
                    f"this board takes gate voltages in steps of {gate_step:g} V and inputs in "
                    f"steps of {input_step:g} V; training rounds its own to them, and the run "
                    "file holds what was applied",
                    file=sys.stderr,
                )

    def resumed(self, network: Network) -> None:
        """Start the clock; the epochs before are none of its."""
        self.started(network)
        self._before = None

    def epoch_finished(self, result: EpochResult) -> None:
        """Show an epoch: always in the bar; as a line at most once per interval, and the last."""
        if self._quiet:
            return
        now = self._clock()
        done = result.epoch + 1
        if self._before is None:
            # How much of this epoch was done before, nobody knows: the pace is that of the next.
            self._before, self._start = done, now
        rate = (done - self._before) / max(now - self._start, 1e-9)
        loss = f"loss {result.loss:.5f}"
        if not math.isnan(result.validation):
            loss += f"  held out {result.validation:.5f}"
        if self._bar:
            self._bar.update(self._task, completed=done, total=result.epochs, loss=loss, rate=rate)
        elif now - self._last >= self._interval or done == result.epochs:
            self._last = now
            pace = ""
            if rate:  # of the first epoch after a resume it is not known
                pace = f"  {rate:.0f} epochs/s  {(result.epochs - done) / rate:.0f} s left"
            print(
                f"epoch {done}/{result.epochs}  {loss}{pace}",
                file=sys.stderr,
                flush=True,
            )

    def restarted(self, result: EpochResult, network: Network) -> None:
        """Say that training begins anew."""
        if not self._quiet:
            print(
                f"epoch {result.epoch + 1}: loss {result.loss:.5f}, not learnt: the array is "
                "initialised again, and training begins anew",
                file=sys.stderr,
                flush=True,
            )


def _make_bar() -> Progress | None:
    """Return a bar on stderr; None where that is no terminal, and loads no bar."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        return None
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("{task.fields[loss]}  {task.fields[rate]:.0f} epochs/s  left"),
        TimeRemainingColumn(),
        console=console,
    )


def _steps(block: Block) -> tuple[float, float]:
    """Return the steps in V of gate and input voltages of a block's array."""
    return block.array.gate_voltage_step, block.array.input_voltage_step
