"""Passports and pulses for tests: small and not square."""

from pathlib import Path

import numpy as np

from memlab.array.board_array import BoardArray
from memlab.passport import Passport, RowPulses

SHAPE = (5, 3)
SET, RESET = 0, 1


def row_pulses(*pulses: tuple[int, int, list[int]], columns: int = SHAPE[1]) -> RowPulses:
    """Return pulses from (kind, row, columns), with the published amplitudes and 1 us."""
    kind = np.array([kind for kind, _, _ in pulses], np.uint8)
    selected = np.zeros((len(pulses), columns), bool)
    for k, (_, _, which) in enumerate(pulses):
        selected[k, which] = True
    gate = np.where(kind == SET, 1.0, 5.0)
    return RowPulses(
        row=np.array([row for _, row, _ in pulses], np.intp),
        kind=kind,
        columns=selected,
        amplitude=np.where(kind == SET, 2.5, 1.7),
        width=np.full(len(pulses), 1e-6),
        gate_voltage=selected * gate[:, np.newaxis],
    )


def new_passport(directory: Path, **options: object) -> Passport:
    """Open a passport with a clock that counts calls."""
    ticks = iter(range(10**6))
    return Passport(
        directory / "chip.passport",
        SHAPE,
        clock=lambda: float(next(ticks)),
        **options,  # type: ignore[arg-type]
    )


def kill(array: BoardArray) -> None:
    """Let go of an array on a chip in a file as a kill does: nothing more is written."""
    array.board._file.close()  # type: ignore[attr-defined]
    array.board._file = None  # type: ignore[attr-defined]
    array.passport._store.close()  # type: ignore[union-attr]
