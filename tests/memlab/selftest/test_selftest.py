"""The self-test passes on each board that works as its parts do; else it names the bad line."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from drivers.board import AUTO_GAIN, BoardConfig, LineClass, Mode, Samples, Selection
from drivers.converter import CodeRange
from memlab.array.board_array import BoardArray
from memlab.calibration import Calibration, CalibrationRecord
from memlab.emulator import EmulatedBoard, load_preset
from memlab.selftest import Item, run_selftest

MID = 32768
REALISTIC = ("ideal", "ta-hfo2", "pt-taox-ta", "ta-hfo2-full", "pt-taox-ta-full", "worst-case")
SHAPE = (24, 16)

Codes = np.ndarray


@dataclass
class Fault:
    """What is wrong with one line.

    Parameters
    ----------
    line
        How it must be named.
    item
        The check that must fail.
    rows, codes
        What it does to row codes (vectors, rows of the chip), and to ADC codes (vectors, columns of
        the chip) at a gain.
    current
        What flows into a column besides: (column, A).
    """

    line: str
    item: str
    rows: Callable[[Codes], Codes] | None = None
    codes: Callable[[Codes, int], Codes] | None = None
    current: tuple[int, float] | None = None


def on_row(row: int, change: Callable[[Codes], Codes]) -> Callable[[Codes], Codes]:
    def changed(codes: Codes) -> Codes:
        codes = codes.copy()
        codes[:, row] = change(codes[:, row])
        return codes

    return changed


def on_column(column: int, change: Callable[[Codes, int], Codes]) -> Callable[[Codes, int], Codes]:
    def changed(codes: Codes, gain: int) -> Codes:
        codes = codes.copy()
        codes[:, column] = np.clip(change(codes[:, column].astype(int), gain), 0, 65535)
        return codes

    return changed


def _smeared(codes: Codes, gain: int) -> Codes:
    out = codes.astype(float)
    for k in range(1, len(out)):
        out[k] = 0.9 * out[k] + 0.1 * out[k - 1]
    return np.rint(out).astype(int)


def _noisy(codes: Codes, gain: int) -> Codes:
    return codes + np.random.default_rng(codes.size).normal(0, 40, codes.size).astype(int)


FAULTS = {
    "dead row driver": Fault("row 7", "rows", rows=on_row(7, lambda c: np.full_like(c, MID))),
    "row driver stuck": Fault(
        "row 9", "rows", rows=on_row(9, lambda c: np.full_like(c, MID + 400))
    ),
    "row driver offset": Fault("row 5", "rows", rows=on_row(5, lambda c: c + 200)),
    "leaking column": Fault("column 3", "leakage", current=(3, 2e-6)),
    "offset of a channel": Fault("column 4", "zero", codes=on_column(4, lambda c, g: c + 900)),
    "dead channel": Fault("column 6", "columns", codes=on_column(6, lambda c, g: 0 * c + MID)),
    "channel at its rail": Fault(
        "column 8", "zero", codes=on_column(8, lambda c, g: 0 * c + 65535)
    ),
    "inverted column": Fault("column 2", "columns", codes=on_column(2, lambda c, g: 2 * MID - c)),
    "feedback resistor": Fault(
        "column 10",
        "gains",
        codes=on_column(10, lambda c, g: MID + ((c - MID) * (1.12 if g == 2 else 1.0)).astype(int)),
    ),
    "noisy channel": Fault("column 11", "noise", codes=on_column(11, _noisy)),
    "slow column": Fault("column 12", "settling", codes=on_column(12, _smeared)),
    "stuck bit": Fault("column 13", "adc codes", codes=on_column(13, lambda c, g: c | 1 << 4)),
    "bit stuck at 0": Fault(
        "column 1", "adc codes", codes=on_column(1, lambda c, g: c & ~(1 << 6))
    ),
    "early clipping": Fault(
        "column 14",
        "known voltages",
        codes=on_column(14, lambda c, g: np.clip(c, MID - 600, MID + 600)),
    ),
}


class Faulty(EmulatedBoard):
    """An emulated board with one thing wrong, done to its codes and not in the emulator."""

    fault: Fault | None = None

    def configure(self, config: BoardConfig) -> None:
        if self.fault is not None and self.fault.rows is not None:
            # It drives lines beyond what was asked: the chip's own check must not mind.
            limits = {
                **config.limits,
                (LineClass.ROW, Mode.READ): CodeRange(MID - 2000, MID + 2000),
            }
            config = replace(config, limits=limits)
        super().configure(config)

    def vmm(self, selection: Selection, row_code: Codes, gain: int = AUTO_GAIN) -> Samples:
        fault = self.fault
        if fault is None:
            return super().vmm(selection, row_code, gain)
        if fault.rows is not None:
            whole = np.full((len(row_code), self.capabilities.rows), MID, np.uint16)
            whole[:, selection.rows] = row_code
            row_code = fault.rows(whole)[:, selection.rows]
        samples = super().vmm(selection, row_code, gain)
        if fault.codes is None:
            return samples
        code = samples.code.copy()
        for one in np.unique(samples.gain):
            whole = np.full((len(code), self.capabilities.columns), MID, np.int64)
            whole[:, selection.columns] = samples.code
            changed = fault.codes(whole, int(one))[:, selection.columns]
            code = np.where(samples.gain == one, changed, code)
        return Samples(code.astype(np.uint16), samples.gain)

    def read(self, selection: Selection, row_code: int, gain: int = AUTO_GAIN) -> Samples:
        one_hot = np.full((selection.rows.size,) * 2, MID, np.uint16)
        np.fill_diagonal(one_hot, row_code)
        return self.vmm(selection, one_hot, gain)


def make(
    chip: str, seed: int, state: str, *, fault: Fault | None = None, calibrated: bool = False
) -> BoardArray:
    """Return an array on a board whose cells are fresh, a block, or all at different levels."""
    board = Faulty(load_preset(chip), seed, SHAPE)
    board.fault = fault
    if fault is not None and fault.current is not None:
        board.inject(*fault.current)
    array = BoardArray(board)
    if state != "fresh":
        part = array[3:15, 2:12] if state == "block" else array
        gates = np.random.default_rng(seed).uniform(0.8, 1.6, part.shape)
        part.program(gates)
    if calibrated:
        record = board.calibration
        exact = CalibrationRecord(**{name: 0.0 * value for name, value in record.arrays().items()})
        serial = board.capabilities.calibrated_as
        return array.with_calibration(Calibration(record, exact, serial, "", "truth", ""))
    return array


def failed(items: list[Item]) -> dict[str, str]:
    return {item.name: item.detail for item in items if item.passed is False}


@pytest.mark.parametrize("state", ["fresh", "block", "written"])
@pytest.mark.parametrize("chip", REALISTIC)
def test_every_board_that_works_passes(chip: str, state: str) -> None:
    for seed in (1, 2, 3):
        array = make(chip, seed, state)
        before = array.counts.set, array.counts.reset
        items = run_selftest(array)
        assert not failed(items), seed
        assert (array.counts.set, array.counts.reset) == before
        if state == "written":
            assert all(item.passed for item in items)
        told = [item for item in items if item.passed is None]
        assert all(item.advice for item in told)


def test_a_ratio_of_gains_that_passes_lies_within_what_is_allowed() -> None:
    for seed in (1, 2, 3, 4):
        items = {item.name: item for item in run_selftest(make("worst-case", seed, "block"))}
        told = re.search(r"agree to (.*)% ± (.*)% .* allowed (.*)% and 4", items["gains"].detail)
        assert told is not None
        error, deviation, allowed = map(float, told.groups())
        assert error <= allowed + 4 * deviation


@pytest.mark.parametrize("chip", ["ta-hfo2-full", "pt-taox-ta-full"])
def test_a_calibrated_board_is_held_to_less(chip: str) -> None:
    for seed in (1, 2, 3):
        assert not failed(run_selftest(make(chip, seed, "written", calibrated=True))), seed
    small = replace(FAULTS["feedback resistor"], codes=on_column(10, _two_percent))
    for calibrated in (False, True):
        wrong = failed(run_selftest(make(chip, 4, "written", fault=small, calibrated=calibrated)))
        assert list(wrong) == (["gains"] if calibrated else [])
        if calibrated:
            assert wrong["gains"].startswith("column 10:")


def _two_percent(codes: Codes, gain: int) -> Codes:
    return MID + ((codes - MID) * (1.02 if gain == 2 else 1.0)).astype(int)


@pytest.mark.parametrize("chip", ["ta-hfo2", "ta-hfo2-full"])
@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_named(name: str, chip: str) -> None:
    fault = FAULTS[name]
    array = make(chip, 4, "written", fault=fault)
    wrong = {item.name: item for item in run_selftest(array) if item.passed is False}
    assert fault.item in wrong, failed(list(wrong.values()))
    assert wrong[fault.item].detail.startswith(f"{fault.line}:")
    assert wrong[fault.item].advice
    # No other line is blamed.
    for item in wrong.values():
        assert item.detail.startswith(f"{fault.line}:"), item
