"""What a board must hold, line by line; each check names the lines that do not and what to do.

A column of many conducting cells shows every offset of the lines many times larger: an offset of
1 mV at its amplifier is 10 uA through 10 mS. So the allowed readings grow with the conductance that
was read, and what does not grow with it - leakage, the ADC's offset - is told by comparing rows.
Limits are several times what the data sheets allow, or what a calibration leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from memlab.numeric import BoolArray, FloatArray
from memlab.selftest.offsets import CONDUCTS, Offsets, find_offsets, median
from memlab.selftest.readings import Readings, in_volts

__all__ = ["CHECKS", "Bounds", "Check", "Item"]


NOISE = 12.0
"""ADC codes rms of a channel at gain 1 with all rows at 0 V."""
LEAKAGE = 50e-9
"""A; of a column, whatever the cells do."""
BENDING = 0.1
"""Largest deviation from I(-V) = -I(V) and from I(V) = 2 I(V/2), relative to the current."""
SUPERPOSITION = 0.2
"""Largest deviation of products from the sum of the cells, relative to their spread."""
UNSETTLED = 0.01
"""What may be left of a step at the next vector."""
_NEIGHBOURS = 6
"""Cells of both neighbours, side by side, from which on a line that conducts nowhere stands out."""
_CALIBRATE = "run memlab calibrate, and test again"
_PROGRAM = (
    "SET cells and test again: memlab program TARGET does it for some, memlab calibrate --program "
    "for all (what they hold is lost); cells of a new die must be formed before "
    "(memlab characterize forming)"
)
_DARK = "no cell conducts"


@dataclass(frozen=True)
class Item:
    """One checked property: what was measured, and what to do next.

    Parameters
    ----------
    passed
        Whether it holds; None where nothing could be told.
    detail
        What was measured, with the lines that miss.
    advice
        What to do; empty where there is nothing to do.
    """

    name: str
    passed: bool | None
    detail: str
    advice: str = ""


@dataclass(frozen=True)
class Bounds:
    """How far offsets (V) and gains may be off: wider where no calibration undoes them."""

    amplifier: float
    row: float
    adc: float
    gain: float

    @classmethod
    def of(cls, calibrated: bool) -> Bounds:
        """Return those of a board, or of one whose errors are undone."""
        if calibrated:
            return cls(amplifier=1e-3, row=3e-3, adc=10e-3, gain=0.01)
        return cls(amplifier=4e-3, row=10e-3, adc=10e-3, gain=0.04)


@dataclass(frozen=True, eq=False)
class Context:
    """What all checks look at."""

    seen: Readings
    rows: list[int]
    columns: list[int]
    transimpedance: tuple[float, ...]
    calibrated: bool

    @property
    def bounds(self) -> Bounds:
        """The allowed deviations."""
        return Bounds.of(self.calibrated)

    @property
    def by_row(self) -> FloatArray:
        """Conductance of the cells as read with their row alone, in S; NaN where it clipped."""
        _, plus, minus, _ = self.seen.alone
        cells: FloatArray = (plus - minus) / (2 * self.seen.volts)
        return cells

    @property
    def quiet_rows(self) -> BoolArray:
        """Rows of which no cell follows the driver."""
        quiet: BoolArray = np.asarray(~self.conducting.any(axis=1))
        return quiet

    @property
    def conducting(self) -> BoolArray:
        """Cells from which on something can be told, whatever the sign."""
        size: FloatArray = np.abs(np.nan_to_num(self.by_row))
        mask: BoolArray = np.asarray(size > CONDUCTS)
        return mask

    @cached_property
    def offsets(self) -> Offsets:
        """What the readings at 0 V, each row alone, are made of."""
        return find_offsets(self.by_row, self.seen.alone[0], self.quiet_rows)


Check = Callable[[Context], Item]


def adc(context: Context) -> Item:
    """Offset of each channel at gain 1, beyond what cells make of the offsets of lines."""
    seen, bounds = context.seen, context.bounds
    offset = np.abs(in_volts(seen.zero_code, seen.sense).mean(axis=0))
    cells = np.nan_to_num(seen.conductance)
    first = context.transimpedance[0]
    through = cells.sum(axis=0) * bounds.amplifier
    rows = np.sqrt((cells**2).sum(axis=0)) * bounds.row
    allowed = bounds.adc + first * (through + rows)
    worst = int((offset / allowed).argmax())
    bad = _names("column", context.columns, offset > allowed)
    detail = (
        f"offset at 0 V at most {offset[worst] * 1e3:.2g} mV in column {context.columns[worst]}, "
        f"one of {len(offset)}; allowed {allowed[worst] * 1e3:.2g} mV with the "
        f"{cells[:, worst].sum() * 1e3:.2g} mS of its cells"
    )
    return _item("zero", bad, detail, f"look at amplifier and ADC channel; if sound, {_CALIBRATE}")


def noise(context: Context) -> Item:
    """Noise of each channel with all rows at 0 V."""
    rms = context.seen.zero_code.std(axis=0)
    worst = int(rms.argmax())
    bad = _names("column", context.columns, rms > NOISE)
    detail = (
        f"at most {rms[worst]:.2g} codes rms in column {context.columns[worst]}, one of "
        f"{len(rms)}; allowed {NOISE:g} codes ({len(context.seen.zero_code)} readings each)"
    )
    return _item("noise", bad, detail, "look at supply, shield and ADC channel")


def leakage(context: Context) -> Item:
    """Current of each column that does not go with the conductance of its cells."""
    offsets = context.offsets
    found, error = np.abs(offsets.leakage), offsets.leakage_error
    worst = int(found.argmax())
    bad = _names("column", context.columns, found - 4 * error > LEAKAGE)
    detail = (
        f"at most {found[worst] * 1e9:.2g} ± {error[worst] * 1e9:.2g} nA in column "
        f"{context.columns[worst]}, one of {len(found)}, beside what goes with its cells; allowed "
        f"{LEAKAGE * 1e9:g} nA"
    )
    return _item("leakage", bad, detail, "clean and dry the socket; look at the column's amplifier")


def rows(context: Context) -> Item:
    """Each row: whether its cells follow its driver, and how far from 0 V it stands at 0 V."""
    silent, offset = _skipped(context.conducting), context.offsets.row
    known = np.isfinite(offset)
    if not known.any():
        return Item("rows", None, _DARK, _PROGRAM)
    large = np.abs(np.nan_to_num(offset)) > context.bounds.row
    worst = int(np.nanargmax(np.abs(offset)))
    detail = (
        f"{int(known.sum())} of {known.size} rows seen; offset at most "
        f"{abs(offset[worst]) * 1e3:.2g} mV in row {context.rows[worst]}, allowed "
        f"{context.bounds.row * 1e3:g} mV"
    )
    advice = f"look at the driver; if sound, {_CALIBRATE}"
    if silent.any():
        quiet = _names("row", context.rows, silent)
        detail += f"; {quiet} conducts nowhere although rows on both sides do"
        advice = f"look at the driver; a row whose cells are all RESET looks dead: {_PROGRAM}"
    return _item("rows", _names("row", context.rows, silent | large), detail, advice)


def columns(context: Context) -> Item:
    """Each column: whether it conducts where its neighbours do, and with the right sign."""
    cells = context.by_row
    conducting = cells > CONDUCTS
    if not conducting.any():
        return Item("columns", None, _DARK, _PROGRAM)
    inverted = (cells < -CONDUCTS).sum(axis=0) > 2 * conducting.sum(axis=0)
    silent = _skipped(context.conducting.T)
    clipped = np.isnan(cells).mean(axis=0) > 0.5
    silent &= ~clipped
    detail = f"{int(conducting.any(axis=0).sum())} of {cells.shape[1]} columns conduct"
    for mask, text in (
        (silent, "conducts nowhere although columns on both sides do"),
        (inverted, "has currents of the wrong sign"),
        (clipped, "is clipped at every row voltage"),
    ):
        if mask.any():
            detail += f"; {_names('column', context.columns, mask)} {text}"
    words = _names("column", context.columns, silent | inverted | clipped)
    advice = "look at gate line, amplifier and ADC channel"
    if silent.any():
        advice += f"; a column whose cells are all RESET looks dead: {_PROGRAM}"
    return _item("columns", words, detail, advice)


def known_voltages(context: Context) -> Item:
    """I(-V) = -I(V) and I(V) = 2 I(V/2) of each cell, relative to its current, by column."""
    zero, plus, minus, half = context.seen.alone
    plus, minus, half = plus - zero, minus - zero, half - zero
    floor = CONDUCTS * context.seen.volts
    with np.errstate(invalid="ignore", divide="ignore"):
        odd = np.where(np.abs(plus) > floor, np.abs(plus + minus) / np.abs(plus), np.nan)
        bent = np.where(np.abs(plus) > floor, np.abs(plus - 2 * half) / np.abs(plus), np.nan)
    worst = np.fmax(median(odd, axis=0), median(bent, axis=0))
    if not np.isfinite(worst).any():
        return Item("known voltages", None, _DARK, _PROGRAM)
    column = int(np.nanargmax(worst))
    bad = _names("column", context.columns, np.nan_to_num(worst) > BENDING)
    detail = (
        f"+V, -V and V/2 agree to {worst[column]:.2%} or better in {np.isfinite(worst).sum()} "
        f"columns (column {context.columns[column]}; medians of their cells), allowed {BENDING:.0%}"
    )
    return _item("known voltages", bad, detail, "look at the amplifier's supply and its clip level")


def gains(context: Context) -> Item:
    """Each gain against the one before: the same products must give the same currents."""
    seen = context.seen
    worst, where, bad = -np.inf, "", np.zeros(len(context.columns), bool)
    compared = 0
    for k in range(1, len(seen.current)):
        for j in range(len(context.columns)):
            good = ~seen.clipped[k - 1, :, j] & ~seen.clipped[k, :, j]
            low, high = seen.current[k - 1, good, j], seen.current[k, good, j]
            if good.sum() < 16 or np.ptp(seen.code[k - 1, good, j]) < 400:
                continue
            # Cells are as noisy at either gain: a ratio of spreads has no bias of one on the other.
            alike = float(np.corrcoef(low, high)[0, 1])
            uncertain = np.sqrt(max(0.0, 1.0 - alike**2) / good.sum())
            error = abs(high.std() / low.std() - 1.0)
            compared += 1
            bad[j] |= not error <= context.bounds.gain + 4 * uncertain
            # The worst is the one that errs most beyond what its noise explains.
            if error - 4 * uncertain > worst:
                worst = float(error - 4 * uncertain)
                where = f"{error:.2%} ± {uncertain:.2%} (column {context.columns[j]}, gain {k + 1})"
    if not where:
        return Item("gains", None, _too_dark(context, " at two gains"), _PROGRAM)
    detail = (
        f"gain and next gain of a column agree to {where}; of {compared} pairs this one is worst, "
        f"allowed {context.bounds.gain:.0%} and 4 errors"
    )
    names = _names("column", context.columns, bad)
    return _item("gains", names, detail, f"look at the feedback resistors; if sound, {_CALIBRATE}")


def superposition(context: Context) -> Item:
    """Random vectors: each column is the sum of its cells, up to where the amplifier clips."""
    seen = context.seen
    whole = np.isfinite(seen.conductance).all(axis=0)
    expected = seen.vectors @ np.nan_to_num(seen.conductance)
    spread = expected.std(axis=0)
    usable = whole & (spread * context.transimpedance[0] > 0.03)
    if not usable.any():
        return Item("products", None, _too_dark(context), _PROGRAM)
    found = np.where(seen.clipped[0], expected, seen.current[0])
    error = found - found.mean(axis=0) - (expected - expected.mean(axis=0))
    relative = np.where(usable, error.std(axis=0) / np.maximum(spread, 1e-12), 0.0)
    worst = int(relative.argmax())
    detail = (
        f"{len(found)} products of each of {usable.sum()} columns are the sums of their cells to "
        f"{relative[worst]:.2%} rms or better (column {context.columns[worst]}), allowed "
        f"{SUPERPOSITION:.0%}"
    )
    bad = _names("column", context.columns, relative > SUPERPOSITION)
    return _item("products", bad, detail, "look at the column's amplifier and at row wiring")


def settling(context: Context) -> Item:
    """What is left of a step of all rows at the next vector, relative to it."""
    high, after_high, low, after_low = (median(one, axis=0) for one in context.seen.after)
    step = high - low
    seen = np.abs(step) * context.transimpedance[0] > 0.1
    if not seen.any():
        return Item("settling", None, _too_dark(context), _PROGRAM)
    with np.errstate(invalid="ignore", divide="ignore"):
        left = np.where(seen, np.abs(after_high - after_low) / np.abs(step), 0.0)
    left = np.nan_to_num(left)
    worst = int(left.argmax())
    detail = (
        f"at most {left[worst]:.2%} of a step is left in {seen.sum()} columns (column "
        f"{context.columns[worst]})"
    )
    bad = _names("column", context.columns, left > UNSETTLED)
    return _item(
        "settling", bad, f"{detail}, allowed {UNSETTLED:.0%}", "let lines settle longer, look at it"
    )


def adc_codes(context: Context) -> Item:
    """Each bit of each channel is 0 about as often as 1 over random products."""
    bad = np.zeros(len(context.columns), bool)
    stuck, seen = "", 0
    for j in range(len(context.columns)):
        for k in range(len(context.seen.code)):
            code = (
                context.seen.code[k, ~context.seen.clipped[k, :, j], j]
                + context.seen.sense.zero_code
            )
            span = float(code.std()) if code.size >= 64 else 0.0
            if span < 32:
                continue
            seen += 1
            for bit in range(int(np.log2(span))):
                share = float((code >> bit & 1).mean())
                if not 0.1 < share < 0.9:
                    bad[j] = True
                    stuck = stuck or f"bit {bit} of column {context.columns[j]} is {share:.0%} ones"
    if not seen:
        return Item("adc codes", None, _too_dark(context), _PROGRAM)
    detail = stuck or (
        f"no bit is stuck in {seen} series of up to {len(context.seen.vectors)} readings, one for "
        "each column and gain that moves enough"
    )
    return _item(
        "adc codes", _names("column", context.columns, bad), detail, "look at the ADC's bus"
    )


CHECKS: tuple[Check, ...] = (
    adc,
    noise,
    leakage,
    rows,
    columns,
    known_voltages,
    gains,
    superposition,
    settling,
    adc_codes,
)


def _too_dark(context: Context, where: str = "") -> str:
    return f"no column has current enough{where}" if context.conducting.any() else _DARK


def _item(name: str, bad: str, detail: str, advice: str) -> Item:
    if not bad:
        return Item(name, True, detail)
    return Item(name, False, f"{bad}: {detail}", advice)


def _names(kind: str, lines: list[int], bad: BoolArray) -> str:
    """Return `row 3`, `rows 3, 5`, `rows 3, 5, 8 and 12 more`, or nothing."""
    numbers = [lines[k] for k in np.flatnonzero(bad)]
    if not numbers:
        return ""
    if len(numbers) == 1:
        return f"{kind} {numbers[0]}"
    more = f" and {len(numbers) - 4} more" if len(numbers) > 4 else ""
    return f"{kind}s {', '.join(map(str, numbers[:4]))}{more}"


def _skipped(conducting: BoolArray) -> BoolArray:
    """Return the lines that conduct nowhere although the next ones on both sides do, side by side.

    Lines outside a block of written cells are not among them, nor those of a chip on which single
    cells conduct.
    """
    silent = ~conducting.any(axis=1)
    active = np.flatnonzero(conducting.sum(axis=1) >= _NEIGHBOURS)
    skipped = np.zeros_like(silent)
    for line in np.flatnonzero(silent):
        before, after = active[active < line], active[active > line]
        if before.size and after.size:
            both = conducting[before[-1]] & conducting[after[0]]
            skipped[line] = both.sum() >= _NEIGHBOURS
    return skipped
