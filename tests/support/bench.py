"""A simulated bench under its URL, and limits for its slow pulses."""

from pathlib import Path

import pytest
from support.arc2 import new_chip
from support.virtual_bench import ID_MATRIX, ID_SMU, Bench

from drivers import smu_matrix
from memlab.chip.limits import Limits, OperatingPoint
from memlab.emulator import EmulatedBoard, load_preset

LIMITS = Limits(minimum_width=1e-3, maximum_width=5e-3, pulse_energy=2e-5)
POINT = OperatingPoint(set_width=1e-3, reset_width=2e-3)


def write_wiring(file: Path, rows: int = 5, columns: int = 7) -> smu_matrix.Wiring:
    """Write a wiring of so many lines, and return it."""
    names = [f"1{{}}{k + 1:02d}" for k in range(rows + columns)]
    file.write_text(
        'smu = "SMU"\nmatrix = "MATRIX"\nforce = "A"\nsense = "B"\nground = "C"\n'
        f"rows = {names[:rows]}\ncolumns = {names[rows:]}\n"
    )
    return smu_matrix.read_wiring(str(file))


def set_up(patch: pytest.MonkeyPatch, directory: Path) -> tuple[Bench, str]:
    """Put a simulated bench in the place of PyVISA; return it, and the URL that opens it."""
    file = directory / "bench.toml"
    wiring = write_wiring(file)
    bench = Bench(EmulatedBoard(load_preset("ideal").replace(shape="5x7"), 0), wiring)
    there = {"SMU": (bench.smu, ID_SMU), "MATRIX": (bench.matrix, ID_MATRIX)}
    patch.setattr(smu_matrix, "_open", lambda resource, *_: there[resource])
    return bench, f"smu-matrix:?wiring={file}&chip={new_chip()}"
