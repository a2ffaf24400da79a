"""The numbers by which a person tells how a run is doing, for a terminal and for a page alike.

Each has a name, a value in SI units, and words. What a file does not say is left out, and nothing
is guessed: of a real board there is no bill, and a procedure counts pulses, where a training
counts SETs and RESETs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import h5py
import numpy as np

from memlab.errors import DataError
from memlab.runs.last_currents import last_currents
from memlab.runs.reader import Run
from memlab.units import prefixed

__all__ = ["Vital", "duration", "in_digits", "vitals"]


@dataclass(frozen=True)
class Vital:
    """One number of a run under way.

    Parameters
    ----------
    name
        By which programs know it; it stays.
    label
        What it is, in a word or two.
    value
        In `units`; of a range both ends.
    units
        SI; "1" for counts and pure numbers.
    words
        The value as people read it, with its unit.
    """

    name: str
    label: str
    value: float | tuple[float, float]
    units: str
    words: str


def vitals(run: Run, entry: h5py.Group, now: datetime | None = None) -> dict[str, Vital]:
    """Return the numbers of a run by their names, those that matter most first.

    Parameters
    ----------
    run
        The run; of one that has ended, as it is now.
    entry
        Its entry, refreshed.
    now
        With a time zone; the moment by default.
    """
    found = (*_learning(entry), *_times(run, entry, now or datetime.now(UTC)), *_work(run, entry))
    return {one.name: one for one in (*found, *_signs(run, entry))}


def duration(seconds: float) -> str:
    """Return a time as people say it: 0.25 s, 42 s, 3 min 05 s, 2 h 07 min, 3 d 4 h."""
    if not np.isfinite(seconds):
        return in_digits(seconds)
    if seconds < 59.5:
        return f"{seconds:.2g} s" if seconds < 9.95 else f"{seconds:.0f} s"
    whole = round(seconds)
    for size, unit, part, below in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part:02d} {below}"
    return f"{whole // 60} min {whole % 60:02d} s"


def in_digits(value: float) -> str:
    """Return a pure number in five digits; of one that is NaN or infinite: not finite (nan)."""
    return f"{value:.5g}" if np.isfinite(value) else f"not finite ({value})"


def _learning(entry: h5py.Group) -> Iterator[Vital]:
    for name, label, path in (
        ("loss", "loss", "training/loss"),
        ("validation_loss", "held out", "validation/loss"),
        ("accuracy", "accuracy", "training/accuracy"),
    ):
        if (value := _last(entry, path, nan=True)) is None:
            continue
        is_share = name == "accuracy" and np.isfinite(value)
        words = f"{value:.1%} of a batch" if is_share else in_digits(value)
        yield Vital(name, label, value, "1", words)
    if restarts := _last(entry, "training/restarts"):
        yield _count("restarts", "begun anew", restarts)


def _times(run: Run, entry: h5py.Group, now: datetime) -> Iterator[Vital]:
    if (wall := _wall(run, now)) is not None:
        yield Vital("wall", "taken", wall, "s", duration(wall))
    spent = {name: _last(entry, f"spent/{name}") for name in ("seconds", "analogue_seconds")}
    stamps = [_last(entry, f"{group}/time") for group in ("map", "vmm")]
    simulated = run.on_board.get("analogue_seconds", spent["analogue_seconds"])
    if simulated is None and run.origin:
        simulated = max((one for one in stamps if one is not None), default=None)
    if simulated is not None:
        yield Vital("simulated", "simulated", simulated, "s", duration(simulated))
    if (board := run.on_board.get("seconds", spent["seconds"])) is not None:
        yield Vital("on_board", "on the board", board, "s", duration(board))
    if (energy := run.on_board.get("energy", _last(entry, "spent/energy"))) is not None:
        yield Vital("energy", "energy", energy, "J", _with_prefix(energy, "J"))


def _wall(run: Run, now: datetime) -> float | None:
    """Return the seconds that a run has taken; of a killed one nobody noted when it ended."""
    if run.seconds is not None:
        return run.seconds
    return max(0.0, (now - run.started).total_seconds()) if run.status == "running" else None


def _work(run: Run, entry: h5py.Group) -> Iterator[Vital]:
    for name, label, key in (
        ("vectors", "vectors", "vmm"),
        ("sets", "SETs", "set"),
        ("resets", "RESETs", "reset"),
    ):
        if (count := run.counts.get(key, _last(entry, f"spent/{key}"))) is not None:
            yield _count(name, label, count)
    if "programmed/fired" in entry:
        yield _count("pulses", "pulses", entry["programmed/fired"][()].sum())


def _signs(run: Run, entry: h5py.Group) -> Iterator[Vital]:
    """What may be wrong, and what the columns gave last."""
    if "programmed/unknown" in entry:
        if unknown := entry["programmed/unknown"][()].sum():
            yield _count("in_doubt", "pulses in doubt", unknown)
    elif unknown := run.attributes.get("unknown_pulses", 0):
        yield _count("in_doubt", "pulses in doubt", unknown)
    if (clipped := run.counts.get("saturated", _last(entry, "spent/saturated"))) is not None:
        yield _count("saturated", "saturated readings", clipped)
    if currents := last_currents(entry):
        known = np.concatenate([one[np.isfinite(one)].ravel() for one in currents.values()])
        if not known.size:
            return
        low, high = float(known.min()), float(known.max())
        factor, unit = prefixed(max(abs(low), abs(high)), "A")
        words = f"{low / factor:.3g} to {high / factor:.3g} {unit}"
        yield Vital("currents", "last currents", (low, high), "A", words)


def _last(entry: h5py.Group, path: str, *, nan: bool = False) -> float | None:
    """Return the last item of a growing dataset; None where there is none yet.

    NaN is none either, but for what is asked with `nan`.
    """
    if path not in entry or not len(entry[path]):
        return None
    if entry[path].ndim != 1:
        raise DataError(
            f"entry/{path} has {entry[path].ndim} dimensions, where one number for each step is "
            "expected: another program wrote it, or it is damaged"
        )
    value = float(entry[path][-1])
    return None if np.isnan(value) and not nan else value


def _count(name: str, label: str, count: float) -> Vital:
    if not np.isfinite(count):
        return Vital(name, label, float(count), "1", in_digits(count))
    return Vital(name, label, int(count), "1", f"{int(count):,}".replace(",", "\N{NO-BREAK SPACE}"))


def _with_prefix(value: float, units: str) -> str:
    if not np.isfinite(value):
        return in_digits(value)
    factor, unit = prefixed(abs(value), units)
    return f"{value / factor:.3g} {unit}"
