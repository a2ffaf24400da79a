"""What part of its way a pulse moves a cell, fitted to means over many cells.

The law of the emulator (`memlab.emulator.cells.switching`), in what can be seen of it at one pulse
width: a pulse of amplitude V does the part

    p(V) = exp(-steepness max(full_voltage - V, 0)),    0 below the threshold

of what a full pulse of this width does, and a RESET of full voltage the part `full_part` of the way
to its level. A RESET below the full voltage also stops higher,

    level(V) = reset_conductance + depth_slope max(full_voltage - V, 0).

`steepness` is width_exponent / voltage_scale.

A curved law may fit where its numbers are not determined. Each is asked for what tells it: the full
voltage for an end of the rise (a rise without an end must fit significantly worse), the steepness
for two amplitudes on the rise, the threshold for a step below it at which the law would have shown.
What is not told is NaN, and `why` says what the amplitudes lack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from memlab.analysis.statistics import CONVERTER_ERROR
from memlab.numeric import FloatArray

__all__ = ["PulseLaw", "fit_reset", "fit_set"]


_SEEN = 5.0
"""Standard errors from which a mean movement counts as seen."""

_SMALLEST = 1e-3
"""Part of the largest movement below which none counts: reads and SETs disturb a little."""

_RISES = "the cells still move further at the largest amplitude"

_WORSE = 9.0
"""By how much chi-squared must grow without an end of the rise: three standard errors."""


@dataclass(frozen=True, eq=False)
class PulseLaw:
    """A fitted law; `errors` are one standard error each, in the same order.

    What the data do not determine is NaN, with its error.

    Parameters
    ----------
    threshold, threshold_error
        Middle in V of the step within which movement begins; the error of an even distribution.
    threshold_range
        Ends of that step in V; the lower one is 0 where only the upper is known.
    full_voltage
        In V.
    steepness
        In 1/V.
    level
        Of SET: the levels (S) of a full pulse at each gate voltage, above the start. Of RESET: the
        level (S) of a full pulse, `depth_slope` (S/V), and `full_part`.
    errors
        Of full_voltage, steepness, and level.
    best
        The numbers of the best fit, determined or not.
    why
        What is missing, by the name of what is not determined.
    """

    threshold: float
    threshold_error: float
    threshold_range: tuple[float, float]
    full_voltage: float
    steepness: float
    level: FloatArray
    errors: FloatArray
    best: FloatArray
    why: dict[str, str] = field(default_factory=dict)

    @property
    def numbers(self) -> FloatArray:
        """Full voltage, steepness and levels."""
        return np.array([self.full_voltage, self.steepness, *self.level])


Model = Callable[[FloatArray, FloatArray], FloatArray]
"""Takes the numbers and the amplitudes (V); returns what is seen, shape (series, amplitudes)."""


def fit_set(
    voltage: FloatArray,
    moved: FloatArray,
    error: FloatArray,
    *,
    near: FloatArray | None = None,
) -> PulseLaw:
    """Fit mean movements (S) of SET pulses at rising amplitudes (V).

    Parameters
    ----------
    moved, error
        Means, and their standard errors, shape (gates, voltages).
    near
        Numbers of a law of nearly the same cells, to start from; it is then not asked what is
        determined, and every number given.
    """
    largest = moved.max(axis=1, keepdims=True)
    first = _first_seen(moved, error)
    if first is None:
        return _nothing(2 + len(moved), "no SET moves the cells")

    def model(x: FloatArray, v: FloatArray) -> FloatArray:
        return np.outer(x[2:], _part(v, x[0], x[1]))

    v = voltage[first:]
    guess = np.concatenate([_start(v, moved[:, first:].mean(axis=0)), largest[:, 0]])
    unit = np.array([1.0, 1.0, *np.full(len(moved), float(largest.max()))])
    law = _Fit(model, v, moved[:, first:], error[:, first:], guess, unit, near=near)
    if near is not None:
        return law.result()
    why = law.judge()
    if "steepness" in why:
        law.forget([0, 1])
    elif why:
        law.forget([0])  # of a rise without an end, the steepness is known
    if law.known and law.rises:
        law.forget([*range(2, 2 + len(moved))])
        why["level"] = _RISES
    seen = float(moved[:, -1].mean())
    return law.result(why, *_threshold(voltage, first, law, seen, error, "SET"))


def fit_reset(
    voltage: FloatArray,
    found: FloatArray,
    error: FloatArray,
    before: FloatArray,
    *,
    near: FloatArray | None = None,
) -> PulseLaw:
    """Fit mean conductances (S) after RESETs from several SET states, at rising amplitudes (V).

    Parameters
    ----------
    found, error
        Means, and their standard errors, shape (states, voltages). From a single state, a RESET
        that goes less far cannot be told from one that stops higher; two are needed for
        steepness, `depth_slope` and `full_part`.
    before
        Conductance of each state in S, shape (states,).
    near
        As for `fit_set`.
    """
    start = before[:, np.newaxis]
    first = _first_seen(start - found, error)
    if first is None:
        return _nothing(5, "no RESET moves the cells")
    differ = np.ptp(before) > _SEEN * float(np.abs(error).max())

    def model(x: FloatArray, v: FloatArray) -> FloatArray:
        level = x[2] + x[3] * np.maximum(x[0] - v, 0.0)
        seen: FloatArray = start + x[4] * _part(v, x[0], x[1]) * (level - start)
        return seen

    v = voltage[first:]
    relative = ((start - found) / (start - found).max(axis=1, keepdims=True)).mean(axis=0)
    guess = np.array([*_start(v, relative[first:]), found.min(), 0.0, 1.0])
    scale = float(before.max())
    unit = np.array([1.0, 1.0, scale, scale, 1.0])
    held = [] if differ else [3, 4]
    law = _Fit(model, v, found[:, first:], error[:, first:], guess, unit, held, near)
    if near is not None:
        return law.result()
    why = law.judge()
    if not differ:
        text = "the two SET states are the same: set second_gate_voltage apart"
        why |= dict.fromkeys(("steepness", "depth_slope", "full_part"), text)
        law.forget([1, 3, 4])
    if "full_voltage" in why:
        law.forget([0, 1, 3])
        why |= dict.fromkeys(("steepness", "depth_slope"), why["full_voltage"])
        if law.known and law.rises:
            law.forget([2, 4])
            why |= dict.fromkeys(("reset_conductance", "full_part"), _RISES)
    moved = float((start - found)[:, -1].mean())
    return law.result(why, *_threshold(voltage, first, law, moved, error, "RESET"))


def _nothing(numbers: int, why: str) -> PulseLaw:
    """Return the law of cells that no pulse has moved."""
    nothing = np.full(numbers, np.nan)
    names = ["threshold", "full_voltage", "steepness", "level"]
    names += ["reset_conductance", "depth_slope", "full_part"]
    whole = (0.0, np.inf)
    return PulseLaw(
        np.nan,
        np.nan,
        whole,
        np.nan,
        np.nan,
        nothing[2:],
        nothing,
        nothing,
        dict.fromkeys(names, why),
    )


class _Fit:
    """A law fitted by weighted least squares; where it does not hold, errors grow with the scatter.

    Parameters
    ----------
    model
        With full voltage and steepness as its first two numbers.
    voltage, data, error
        Amplitudes, and what was seen, shape (series, amplitudes).
    start, unit
        First guess, and the size of each number.
    hold
        Numbers that stay as they are in it.
    near
        A better guess, from which alone the law is looked for.

    Attributes
    ----------
    x, errors
        Numbers, and one standard error of each; NaN where `forget` made them.
    best
        Numbers of the best fit.
    """

    def __init__(
        self,
        model: Model,
        voltage: FloatArray,
        data: FloatArray,
        error: FloatArray,
        start: FloatArray,
        unit: FloatArray,
        hold: Sequence[int] = (),
        near: FloatArray | None = None,
    ):
        self._model, self.voltage, self._unit = model, voltage, unit
        self._data, self._weight = data, 1.0 / np.hypot(error, CONVERTER_ERROR)
        self._free = np.setdiff1d(np.arange(start.size), np.array(hold, np.intp))
        self.x = np.full(start.size, np.nan)
        self.best, self.errors = self.x.copy(), self.x.copy()
        self.known = data.size > self._free.size
        if not self.known:
            return
        step = voltage[-1] - voltage[-2] if voltage.size > 1 else 0.1
        # The law has a corner at the full voltage: from the wrong side of an amplitude it is not
        # found.
        if near is not None and np.isfinite(near).all():
            tries = [self._solve(near, near[0])]
        else:
            ends = start[0] - step * np.array([0.0, 0.5, 1.0])
            tries = [self._solve(start, full) for full in ends]
        self._cost, self.best, jacobian = min(tries, key=lambda one: one[0])
        self.x = self.best.copy()
        self._scatter = scatter = max(1.0, self._cost / (data.size - self._free.size))
        covariance = np.linalg.pinv(jacobian.T @ jacobian) * scatter
        variance = np.maximum(np.diag(covariance), 0.0)  # rounding, where nothing depends on one
        self.errors[self._free] = np.sqrt(variance)
        self.errors[list(hold)] = 0.0

    @property
    def has_end(self) -> bool:
        """Whether the law without an end within the amplitudes fits significantly worse."""
        return self._cost_with_end_at(self.voltage[-1]) - self._cost > _WORSE * self._scatter

    @property
    def rises(self) -> bool:
        """Whether the cells still move further from the last amplitude but one to the last."""
        if self.has_end or self.voltage.size < 2:
            return False
        return self._cost_with_end_at(self.voltage[-2]) - self._cost > _WORSE * self._scatter

    def judge(self) -> dict[str, str]:
        """Return why full voltage and steepness are not determined, where they are not."""
        if not self.known:
            return dict.fromkeys(("full_voltage", "steepness"), "too few amplitudes move the cells")
        below = int(np.count_nonzero(self.voltage < self.best[0]))
        if (
            below < 2
            or self._cost_with_end_at(self.voltage[1]) - self._cost < _WORSE * self._scatter
        ):
            why = "fewer than two amplitudes lie between the threshold and the full voltage"
            return dict.fromkeys(("full_voltage", "steepness"), why)
        if not self.has_end:
            return {"full_voltage": "no end of the rise is seen: larger amplitudes are needed"}
        return {}

    def forget(self, which: list[int]) -> None:
        """Make numbers unknown."""
        self.x[which] = self.errors[which] = np.nan

    def result(
        self,
        why: dict[str, str] | None = None,
        threshold: tuple[float, float] = (0.0, np.inf),
        missing: str = "",
    ) -> PulseLaw:
        """Return the law; `threshold` are the ends of its step, and `missing` why it has none."""
        low, high = threshold
        known = not missing
        return PulseLaw(
            0.5 * (low + high) if known else np.nan,
            (high - low) / 12**0.5 if known else np.nan,
            threshold,
            self.x[0],
            self.x[1],
            self.x[2:],
            self.errors,
            self.best,
            {**(why or {}), **({} if known else {"threshold": missing})},
        )

    def _cost_with_end_at(self, voltage: float) -> float:
        """Return chi-squared of the best law with this full voltage (V)."""
        return self._solve(self.best, voltage, self._free[self._free != 0])[0]

    def _solve(
        self, start: FloatArray, full: float, free: npt.NDArray[np.intp] | None = None
    ) -> tuple[float, FloatArray, FloatArray]:
        """Return chi-squared, numbers and Jacobian (free numbers) of the best fit near a guess."""
        free = self._free if free is None else free
        unit = self._unit
        whole = start.copy()
        whole[0] = full

        def residual(x: FloatArray) -> FloatArray:
            whole[free] = x * unit[free]
            return ((self._model(whole, self.voltage) - self._data) * self._weight).ravel()

        fit = least_squares(residual, whole[free] / unit[free], xtol=1e-12, ftol=1e-12)
        whole[free] = fit.x * unit[free]
        return 2.0 * float(fit.cost), whole.copy(), np.asarray(fit.jac) / unit[free]


def _first_seen(moved: FloatArray, error: FloatArray) -> int | None:
    """Return the first amplitude from which on the cells move, or None where they never do."""
    mean = moved.mean(axis=0)
    own = np.hypot(np.sqrt((error**2).sum(axis=0)) / len(error), CONVERTER_ERROR)
    largest = float(mean.max())
    seen = (mean > _SEEN * own) & (mean > _SMALLEST * largest)
    if not seen.any():
        return None
    unseen = np.flatnonzero(~seen)
    return int(unseen[-1]) + 1 if unseen.size and unseen[-1] + 1 < seen.size else int(seen.argmax())


def _threshold(
    voltage: FloatArray, first: int, law: _Fit, largest: float, error: FloatArray, operation: str
) -> tuple[tuple[float, float], str]:
    """Return the ends of the step in which movement begins, and why it is not known if it is not.

    At the step below, the law would have moved the cells by more than could be overlooked.
    """
    if first == 0:
        return (0.0, float(voltage[0])), f"the smallest {operation} moves the cells already"
    low, high = float(voltage[first - 1]), float(voltage[first])
    known = law.known and np.isfinite(law.x[1])
    full, steepness = law.best[:2]
    part = _part(np.array([low, voltage[-1]]), full, steepness) if known else np.array([0.0, 1.0])
    moved = largest * part[0] / part[1]
    own = float(np.hypot(np.sqrt((error[:, first - 1] ** 2).sum()) / len(error), CONVERTER_ERROR))
    if moved < 2.0 * max(_SEEN * own, _SMALLEST * largest):
        return (0.0, high), f"a {operation} below {high:.3g} V may move the cells unseen"
    return (low, high), ""


def _part(voltage: FloatArray, full_voltage: float, steepness: float) -> FloatArray:
    part: FloatArray = np.exp(-steepness * np.maximum(full_voltage - voltage, 0.0))
    return part


def _start(voltage: FloatArray, moved: FloatArray) -> list[float]:
    """Return a first guess of full voltage and steepness."""
    largest = moved.max()
    if not largest > 0.0:
        return [float(voltage[0]), 1.0]
    part = moved / largest
    full = float(voltage[np.argmax(part > 0.97)])
    below = (voltage < full) & (part > 0.0)
    if not below.any():
        return [full, 1.0]
    slope = np.log(part[below]) / (voltage[below] - full)
    return [full, max(float(slope.mean()), 0.1)]
