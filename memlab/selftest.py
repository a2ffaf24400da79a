"""The self-test of a board: zero, known voltages, leakage and ADC codes. It only reads.

Cells are left as they are, and every voltage stays within the read limit, so the test may run at
any time. What it cannot tell from outside, a broken cell from a broken channel, it does not guess.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers import max11046, stopping
from drivers.board import LineClass
from drivers.errors import DeviceError
from drivers.ltc2668 import Span
from memlab.board_array import SPANS, BoardArray
from memlab.errors import SaturationWarning

__all__ = ["Item", "run_selftest"]

ZERO_CODES = 64
"""ADC codes (10 mV) by which a channel may miss zero at any gain but the highest."""
LEAKAGE = 50e-9
"""A; largest current of a column with every row at 0 V."""
ASYMMETRY, NONLINEARITY = 0.02, 0.02
"""Largest deviation from I(-V) = -I(V) and from I(V) = 2 I(V/2), relative to the current."""
FLOOR = 8
"""ADC codes of noise and rounding that a comparison of two readings allows."""
_MID = 32768


@dataclass(frozen=True)
class Item:
    """One checked property: whether it holds, what was measured, and what to look at if not."""

    name: str
    passed: bool
    detail: str


@stopping.stopped_in_order()
def run_selftest(array: BoardArray) -> list[Item]:
    """Check a board through an array on it; returns one item per property."""
    checks: list[tuple[str, Callable[[BoardArray], tuple[bool, str]]]] = [
        ("identity", _identity),
        ("ground", _ground),
        ("zero", _zero),
        ("leakage", _leakage),
        ("known voltages", _known_voltages),
        ("adc codes", _adc_codes),
    ]
    items = []
    for name, check in checks:
        try:
            passed, detail = check(array)
        except DeviceError as error:  # the board refused: that is this item's result
            passed, detail = False, str(error)
        items.append(Item(name, passed, detail))
    array.ground()
    return items


def _identity(array: BoardArray) -> tuple[bool, str]:
    able = array.board.capabilities
    gains = ", ".join(f"{r:g}" for r in able.transimpedance)
    text = f"{able.name} {able.serial}, {able.rows} x {able.columns}, {gains} V/A"
    return bool(able.name and able.transimpedance), text


def _ground(array: BoardArray) -> tuple[bool, str]:
    array.ground()
    return True, "all lines to 0 V on request"


def _zero(array: BoardArray) -> tuple[bool, str]:
    worst, where = 0, ""
    for gain in range(1, len(array.board.capabilities.transimpedance)):
        off = np.abs(_codes(array, np.zeros((1, array.shape[0])), gain)[0] - _MID)
        if off.max() >= worst:
            worst, where = int(off.max()), f"column {int(off.argmax())}, gain {gain}"
    text = f"largest offset {worst} codes at {where}; allowed {ZERO_CODES}"
    return worst <= ZERO_CODES, text


def _leakage(array: BoardArray) -> tuple[bool, str]:
    able = array.board.capabilities
    gain = len(able.transimpedance)
    code = _codes(array, np.zeros((1, array.shape[0])), gain)[0]
    current = np.abs(code - _MID) * max11046.STEP / able.transimpedance[-1]
    text = (
        f"largest current with every row at 0 V: {current.max() * 1e9:.2f} nA in column "
        f"{int(current.argmax())}; allowed {LEAKAGE * 1e9:g} nA"
    )
    return bool(current.max() <= LEAKAGE), text


def _known_voltages(array: BoardArray) -> tuple[bool, str]:
    # Four DAC steps are a whole multiple of every grid below, so that halves are exact halves.
    span: Span = SPANS[LineClass.ROW]
    full = np.floor(array.operating_point.read_voltage / (4 * span.step)) * 4 * span.step
    step = array.input_voltage_step
    full = np.floor(full / (2 * step) + 1e-9) * 2 * step if step else full
    worst, where = 0.0, "no cell conducts"
    for row in range(0, array.shape[0], max(1, array.shape[0] // 8)):
        vectors = np.zeros((4, array.shape[0]))
        vectors[:, row] = 0.0, full, -full, full / 2
        for gain in (1, 2):
            codes = _codes(array, vectors, gain)
            plus, minus, half = codes[1:] - codes[0]  # offsets are the item `zero`
            limit = array.board.capabilities.clip / max11046.STEP - FLOOR
            good = np.abs(plus) < limit
            size = np.maximum(np.abs(plus), 1)
            for name, error, allowed in (
                ("-V", np.abs(plus + minus), ASYMMETRY),
                ("V/2", np.abs(plus - 2 * half), NONLINEARITY),
            ):
                excess = np.where(good, np.maximum(error - 2 * FLOOR, 0) / size / allowed, 0.0)
                if excess.max() > worst:
                    worst = float(excess.max())
                    column = int(excess.argmax())
                    where = f"row {row}, column {column}, gain {gain}, {name}"
    text = f"+V, -V and V/2 on eight rows agree to {worst * ASYMMETRY:.2%} ({where})"
    return worst <= 1.0, f"{text}; allowed {ASYMMETRY:.0%}"


def _adc_codes(array: BoardArray) -> tuple[bool, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SaturationWarning)
        measured = array.measure_conductance(gain=2)
    assert measured.adc_code is not None
    code = measured.adc_code
    railed = np.isin(code, (0, 1, 65534, 65535))
    if railed.any():
        row, column = (int(k) for k in np.argwhere(railed)[0])
        return False, f"{int(railed.sum())} codes at the ADC's ends, first at [{row}, {column}]"
    levels = int(np.unique(code).size)
    return True, f"{code.size} codes between {code.min()} and {code.max()}, {levels} different"


def _codes(array: BoardArray, voltage: npt.NDArray[np.float64], gain: int) -> npt.NDArray[np.int64]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SaturationWarning)  # clipped readings are left out
        measurement = array.measure_vmm(voltage, gain=gain)
    assert measurement.adc_code is not None
    return measurement.adc_code.astype(np.int64)
