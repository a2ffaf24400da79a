"""Write-and-verify: pulse, read, correct, until every cell is where it should be.

A round is one read of the array and one batch of pulses, at most two per cell. A cell that is too
high is RESET first: a SET takes the maximum of what is there and what the gate allows (Li 2019,
Wang 2019). The gate voltage comes from the law of the chip, aimed at target - bias, where the bias
of each cell is what its own SETs have missed the law by, learnt as a running mean:

    bias <- bias + correction (read - law(gate_voltage) - bias)

so that spread from cell to cell goes away, while most of the noise of single pulses stays out. A
cell is done when it reads within the tolerance, is left alone until it leaves a band that is wider
by the factor `release`, and fails after so many attempts: a stuck cell is not pulsed for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from memlab.array import Array, nearest_step
from memlab.array.arguments import as_numbers
from memlab.array.switching_law import SwitchingLaw
from memlab.errors import LimitError, SettingError
from memlab.mapping.views import read_in_use
from memlab.numeric import BoolArray, FloatArray
from memlab.storage import State
from memlab.units import statistic

__all__ = [
    "PULSE_UNITS",
    "Round",
    "WriteVerify",
    "WriteVerifyResult",
    "check_target",
    "merged",
    "summarise",
    "write_verify",
]

CountArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class WriteVerify:
    """How write-and-verify goes about it.

    Parameters
    ----------
    tolerance
        Largest allowed deviation in S.
    relative_tolerance
        The same as a fraction of the target; the wider of both counts.
    release
        A cell that is done is pulsed again when it deviates by more than this many tolerances,
        at least 1.
    attempts
        Times that one cell is pulsed, before it is given up.
    rounds
        Batches of pulses in all.
    correction
        Part of a cell's last miss that its next SET makes up for, 0 to 1. 0 suits cells that
        differ only by the noise of the pulses, 1 cells that only differ from each other.
    gate_minimum, gate_maximum
        Range of gate voltages of a SET in V.
    set_minimum, set_maximum
        Range of SET amplitudes in V, where cells have no gates; 0 as for `Array.control_range`.
    """

    tolerance: float = 5e-6
    relative_tolerance: float = 0.0
    release: float = 2.0
    attempts: int = 20
    rounds: int = 60
    correction: float = 0.5
    gate_minimum: float = 0.5
    gate_maximum: float = 2.5
    set_minimum: float = 0.0
    set_maximum: float = 0.0

    def __post_init__(self) -> None:
        if not (self.tolerance >= 0.0 and self.relative_tolerance >= 0.0):
            raise ValueError("tolerances must be at least 0")
        if self.tolerance == 0.0 == self.relative_tolerance:
            raise ValueError("a tolerance above 0 is needed: absolute (S), relative, or both")
        if not self.release >= 1.0:
            raise ValueError(f"release must be at least 1, got {self.release}")
        if self.attempts < 1 or self.rounds < 1:
            raise ValueError("at least one attempt and one round are needed")
        if not 0.0 <= self.correction <= 1.0:
            raise ValueError(f"correction must lie within 0..1, got {self.correction}")
        if not 0.0 <= self.gate_minimum < self.gate_maximum:
            raise ValueError("0 <= gate_minimum < gate_maximum must hold (V)")

    def control_range(self, array: Array) -> tuple[float, float]:
        """Return lowest and highest voltage (V) that chooses where SETs end on an array.

        Raises
        ------
        SettingError
            If they are no range.
        """
        gates, amplitudes = (
            (self.gate_minimum, self.gate_maximum),
            (self.set_minimum, self.set_maximum),
        )
        low, high = array.control_range(gates, amplitudes)
        if not low < high:
            raise SettingError(
                f"SET amplitudes of {low:g} to {high:g} V choose no levels: set_minimum must lie "
                "below set_maximum (0: point.set_voltage)"
            )
        return low, high

    def reach(self, array: Array, law: SwitchingLaw) -> tuple[float, float]:
        """Return lowest and highest conductance (S) at which SETs end, by the law of the chip."""
        low, high = map(float, law.conductance(self.control_range(array)))
        return (low if array.control.gates else max(low, law.reset_conductance)), high

    def band(self, target: FloatArray) -> FloatArray:
        """Return the allowed deviation (S) from each target."""
        return np.maximum(self.tolerance, self.relative_tolerance * target)


@dataclass(frozen=True)
class Round:
    """What was found at one read, and what was done about it.

    Parameters
    ----------
    done, failed
        Cells that are done, and cells given up, so far. A cell that is done was within tolerance,
        and is within `release` tolerances still.
    median_error
        Median magnitude of the deviation in S, over all cells asked for.
    set, reset
        Pulses of the batch that followed; 0 in the last entry.
    """

    done: int
    failed: int
    median_error: float
    set: int
    reset: int


@dataclass(frozen=True, eq=False)
class WriteVerifyResult:
    """Where every cell ended, and what it took; arrays have the array's shape.

    Parameters
    ----------
    target
        In S; NaN for the cells that were left alone.
    conductance
        The last reading in S.
    set, reset
        Pulses that each cell got.
    band
        Tolerance of each cell in S.
    done, failed
        Cells that got within tolerance and were left alone from then on, and cells that did not:
        they used up their attempts, or the rounds came to an end. A cell that was not asked for is
        neither.
    history
        One entry for each read, the first before any pulse.
    """

    target: FloatArray
    conductance: FloatArray
    set: CountArray
    reset: CountArray
    band: FloatArray
    done: BoolArray
    failed: BoolArray
    history: tuple[Round, ...]

    @property
    def error(self) -> FloatArray:
        """Conductance minus target in S; NaN for the cells that were left alone."""
        return self.conductance - self.target

    @property
    def within(self) -> BoolArray:
        """Cells that read within tolerance at the end.

        Not all that are done: one that was may have left its band since, by less than `release`.
        """
        with np.errstate(invalid="ignore"):
            within: BoolArray = np.abs(self.error) <= self.band
        return within

    @property
    def cells(self) -> int:
        """How many cells were asked for."""
        return int(np.count_nonzero(~np.isnan(self.target)))

    @property
    def rounds(self) -> int:
        """How many batches of pulses it took."""
        return len(self.history) - 1

    def state(self) -> State:
        """Return everything as plain values and arrays."""
        return {
            field.name: [asdict(one) for one in self.history]
            if field.name == "history"
            else getattr(self, field.name)
            for field in fields(self)
        }

    @classmethod
    def of_state(cls, state: State) -> Self:
        """Return the result of a `state`."""
        return cls(**{**state, "history": tuple(Round(**one) for one in state["history"])})


def check_target(
    array: Array, target: FloatArray, law: SwitchingLaw, settings: WriteVerify
) -> None:
    """Raise `LimitError` unless pulses can reach every target (S), by the law of the chip.

    A target is reached by a SET within the gate voltages, or, near the conductance after a RESET,
    by a RESET alone. NaN asks for nothing.
    """
    asked = ~np.isnan(target)
    first, last = settings.control_range(array)
    array.check_set_to(last, asked)
    low, high = settings.reach(array, law)
    with np.errstate(invalid="ignore"):  # an infinite target is beyond any band
        band = settings.band(target)
    by_set = (target >= low - band) & (target <= high + band)
    by_reset = np.abs(target - law.reset_conductance) <= band
    beyond = asked & ~(by_set | by_reset)
    if beyond.any():
        row, column = np.argwhere(beyond)[0]
        raise LimitError(
            f"{np.count_nonzero(beyond)} of the targets cannot be reached, the first is "
            f"{target[row, column]:.4g} S at [{row}, {column}]: with {first:g} to {last:g} V "
            f"{array.control.words} a SET ends at {low:.4g} to {high:.4g} S, a RESET at "
            f"{law.reset_conductance:.4g} S. Nothing was programmed"
        )


def write_verify(
    array: Array,
    target: npt.ArrayLike,
    law: SwitchingLaw,
    settings: WriteVerify | None = None,
    *,
    cells: BoolArray | None = None,
    observer: Callable[[Round, FloatArray], None] | None = None,
    views: Sequence[Array] = (),
    keeper: Callable[[State], None] | None = None,
    resumed: State | None = None,
) -> WriteVerifyResult:
    """Bring cells to target conductances, by pulses and reads in turn.

    Each round pulses every cell that is not done at most twice (RESET where it is too high, or has
    no gate, then SET) in one batch, and reads the whole array, under its load: give the view, or
    the views, under whose load the cells will be used.

    Parameters
    ----------
    array
        The array, or a view of one.
    target
        Conductances in S, shape (rows, columns), or one for all; NaN leaves a cell alone.
    law
        What a SET does, the starting point of every cell.
    settings
        Tolerances, limits and voltages.
    cells
        Boolean mask, shape (rows, columns), of the cells to program; all of them by default.
    observer
        Told after every read what was found, and the conductances in S.
    views
        Views of the array that are read in its place, each under its own load; all cells that are
        programmed lie in one of them, others are NaN.
    keeper
        Told after every read where it stands, before the observer is.
    resumed
        Where it goes on, as the keeper was told; with the same target, law and settings.

    Raises
    ------
    LimitError
        If a target cannot be reached, or a gate voltage is not allowed; nothing is pulsed.
    """
    settings = settings or WriteVerify()
    advice = "put NaN where a cell shall be left alone (`.filled(numpy.nan)`)"
    wanted = as_numbers(target, "target", array.shape, advice=advice).copy()
    if cells is not None:
        wanted[~cells] = np.nan
    check_target(array, wanted, law, settings)
    work = _Work(array, wanted, law, settings, views, resumed)
    while True:
        if keeper is not None:
            keeper(work.state())
        reset, set_ = work.judge()
        work.note(reset, set_)
        if observer is not None:
            observer(work.history[-1], work.conductance)
        if not (reset | set_).any():
            return work.result()
        work.pulse(reset, set_)


def merged(results: Sequence[WriteVerifyResult]) -> WriteVerifyResult:
    """Return what became of an array that was written in several goes, no cell in two of them."""
    first, *others = results
    if not others:
        return first
    asked = [~np.isnan(result.target) for result in results]

    def of(name: str) -> npt.NDArray[Any]:
        whole: npt.NDArray[Any] = getattr(first, name).copy()
        for result, cells in zip(others, asked[1:], strict=True):
            whole[cells] = getattr(result, name)[cells]
        return whole

    names = ("target", "conductance", "set", "reset", "band", "done", "failed")
    # The first entry of each history comes before any of its pulses.
    later = [one for result in others for one in result.history[1:]]
    return WriteVerifyResult(**{name: of(name) for name in names}, history=(*first.history, *later))


PULSE_UNITS = dict.fromkeys(("set_per_cell", "reset_per_cell"), "pulses, mean of `cells`")
"""Of the plain numbers of `summarise`."""


def summarise(results: Sequence[WriteVerifyResult]) -> dict[str, Any]:
    """Return the statistics of one write-and-verify, or of several arrays, as plain values.

    Cells asked for, done and failed; how many read within tolerance; rounds; mean SETs and RESETs
    per cell; root mean square error of all cells asked for, and of those that are done.
    """
    cells = sum(result.cells for result in results)
    error = np.concatenate([result.error[~np.isnan(result.target)] for result in results])
    done = np.concatenate([result.error[result.done] for result in results])
    pulses = {name: sum(int(getattr(r, name).sum()) for r in results) for name in ("set", "reset")}
    return {
        "cells": cells,
        "within_tolerance": sum(int(np.count_nonzero(result.within)) for result in results),
        "done": done.size,
        "failed": cells - done.size,
        "rounds": max(result.rounds for result in results),
        "set_per_cell": pulses["set"] / max(cells, 1),
        "reset_per_cell": pulses["reset"] / max(cells, 1),
        "rms_error": _rms(error, "cells asked for"),
        "rms_error_done": _rms(done, "cells that are done"),
    }


def _rms(error: FloatArray, of: str) -> dict[str, Any]:
    rms = float(np.sqrt(np.mean(error**2))) if error.size else None
    return statistic(rms, "S", int(error.size), of)


class _Work:
    """The state of every cell between two rounds."""

    def __init__(
        self,
        array: Array,
        target: FloatArray,
        law: SwitchingLaw,
        settings: WriteVerify,
        views: Sequence[Array],
        resumed: State | None = None,
    ):
        self._array, self._target, self._law, self._settings = array, target, law, settings
        self._views = views
        self._asked = ~np.isnan(target)
        self._band = settings.band(target)
        self._range = settings.control_range(array)
        self._by_set = target >= settings.reach(array, law)[0] - self._band
        """Cells that a SET brings to their target; the others are only RESET."""
        self._bias = np.zeros(array.shape)
        self._done = np.zeros(array.shape, bool)
        self._attempts, self._sets, self._resets = np.zeros((3, *array.shape), np.int64)
        self.history: list[Round] = []
        if resumed is None:
            self.conductance = read_in_use(array, views)
        else:
            self._restore(resumed)

    def state(self) -> State:
        """Return what was learnt of every cell so far, before it is judged; copies."""
        return {
            "conductance": self.conductance.copy(),
            "bias": self._bias.copy(),
            "done": self._done.copy(),
            "attempts": self._attempts.copy(),
            "sets": self._sets.copy(),
            "resets": self._resets.copy(),
            "history": [asdict(one) for one in self.history],
        }

    def _restore(self, state: State) -> None:
        self.conductance, self._bias = state["conductance"], state["bias"]
        self._done, self._attempts = state["done"], state["attempts"]
        self._sets, self._resets = state["sets"], state["resets"]
        self.history = [Round(**one) for one in state["history"]]

    def judge(self) -> tuple[BoolArray, BoolArray]:
        """Return which cells the next batch RESETs and SETs; none when there is nothing to do."""
        deviation = self.conductance - self._target
        size = np.abs(deviation)
        self._done = (size <= self._band) | (
            self._done & (size <= self._settings.release * self._band)
        )
        due = self._asked & ~self._done & (self._attempts < self._settings.attempts)
        if len(self.history) == self._settings.rounds:
            due[...] = False
        # Without a gate a SET ends at a level only if it begins at the RESET state.
        anew = not self._array.control.gates
        return due & ((deviation > 0.0) | ~self._by_set | anew), due & self._by_set

    def note(self, reset: BoolArray, set_: BoolArray) -> None:
        """Write the history."""
        size = np.abs(self.conductance - self._target)[self._asked]
        self.history.append(
            Round(
                done=int(np.count_nonzero(self._done)),
                failed=int(np.count_nonzero(self._asked & ~self._done & ~(reset | set_))),
                median_error=float(np.median(size)) if size.size else 0.0,
                set=int(np.count_nonzero(set_)),
                reset=int(np.count_nonzero(reset)),
            )
        )

    def pulse(self, reset: BoolArray, set_: BoolArray) -> None:
        """Pulse the cells, read them, and learn what each SET missed the law by."""
        array, settings = self._array, self._settings
        voltage = self._law.gate_voltage(np.where(set_, self._target - self._bias, 0.0))
        voltage = nearest_step(np.clip(voltage, *self._range), array.control_step)
        array.program_to(voltage, reset=reset, set=set_)
        self._attempts += reset | set_
        self._sets += set_
        self._resets += reset
        self.conductance = read_in_use(array, self._views)
        missed = self.conductance - self._law.conductance(voltage) - self._bias
        self._bias += np.where(set_, settings.correction * missed, 0.0)

    def result(self) -> WriteVerifyResult:
        """Return where everything ended."""
        return WriteVerifyResult(
            target=self._target,
            conductance=self.conductance,
            set=self._sets,
            reset=self._resets,
            band=self._band,
            done=self._done,
            failed=self._asked & ~self._done,
            history=tuple(self.history),
        )
