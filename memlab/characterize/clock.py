"""Real time of a run: the wall clock says when it began, a clock that nobody sets how long ago.

The wall clock of a computer steps: by NTP, by hand, by daylight saving on some instruments. Ages of
a retention test must not. So within a process only a monotonic clock counts; it goes on while the
computer sleeps, where the system has such a clock. A run that is resumed by another process asks
the same clock again, as long as the computer was not started anew in between; a wall clock that
disagrees has been set, and that is said. After a restart only the wall clock is left.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from memlab.array.board_array import BoardArray

__all__ = ["Instant", "RunClock", "board_clock"]

LOGGER = logging.getLogger("memlab.clock")

STEP = 1.0
"""Seconds by which clocks must differ to count as set, besides `DRIFT`."""
DRIFT = 2e-4
"""Two clocks of one computer drift apart by less than this part of the time (200 ppm)."""


@dataclass(frozen=True)
class Instant:
    """A moment, on the two clocks of a computer.

    Parameters
    ----------
    wall
        Seconds since 1970.
    steady
        Seconds on a clock that nobody sets, from an unknown beginning.
    host
        Names the computer and its life: only within one do `steady` times compare; '' where the
        system does not tell.
    """

    wall: float
    steady: float
    host: str

    @classmethod
    def now(cls) -> Instant:
        """Read both clocks."""
        return cls(time.time(), _steady(), _host())

    def attributes(self) -> dict[str, Any]:
        """Return what a run file keeps."""
        return {f"clock.{name}": value for name, value in asdict(self).items()}

    @classmethod
    def of_attributes(cls, attributes: Mapping[str, Any]) -> Instant | None:
        """Return the moment that a run file keeps; None in files that have none."""
        if "clock.steady" not in attributes:
            return None
        return cls(
            float(attributes["clock.wall"]),
            float(attributes["clock.steady"]),
            str(attributes["clock.host"]),
        )


class RunClock:
    """Seconds since a run began, never set back or forth; call it to read it.

    Parameters
    ----------
    origin
        When the run began, on the wall clock (s since 1970).
    began
        The same moment on both clocks; None in files of before, and for a run that begins now.
    last
        What this clock has shown last, in an earlier process.
    read
        Reads the clocks.

    Attributes
    ----------
    step
        Seconds by which the wall clock was set since the run began, as far as that can be told.
    """

    def __init__(
        self,
        origin: float,
        began: Instant | None = None,
        last: float = 0.0,
        read: Callable[[], Instant] = Instant.now,
    ) -> None:
        self._read = read
        here = self._here = read()
        self.step = 0.0
        elapsed = here.wall - origin
        if began is not None and began.host and began.host == here.host:
            true = here.steady - began.steady
            if abs(elapsed - true) > STEP + DRIFT * true:
                self.step = elapsed - true
                LOGGER.warning(
                    "the clock of this computer was set by %+.1f s since the run began; its times "
                    "go on as if it had not been",
                    self.step,
                )
            elapsed = true
        if elapsed < last:
            self.step = elapsed - last
            LOGGER.warning(
                "the clock of this computer is %.1f s behind the last reading of this run: it was "
                "set back. Times go on from that reading; how long the run stood still is unknown",
                last - elapsed,
            )
            elapsed = last
        self._elapsed = elapsed

    def __call__(self) -> float:
        """Return the seconds since the run began."""
        return self._elapsed + self._read().steady - self._here.steady


def _steady() -> float:
    """Return seconds that nobody sets and that go on in sleep, where the system has them."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def _host() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def board_clock(array: BoardArray) -> float:
    """Return what the bench's clock shows now: simulated on an emulator in process, else real."""
    return time.time() if array.simulation is None else array.simulation.clock
