"""Linearity away from the defaults."""

from __future__ import annotations

from memlab.regions import Region
from tests.memlab.characterize.off_grid.harness import Setting
from tests.memlab.characterize.off_grid.truths import BOARD

__all__ = ["SETTINGS"]


def bent(voltage: float, ohmic: float = 0.0, **more: float) -> dict[str, float]:
    return {
        "nonlinearity__voltage": voltage,
        "nonlinearity__ohmic_conductance": ohmic,
        "spread__set_slope": 0.03,
        **more,
    }


SETTINGS = [
    Setting(
        "a small region with a branch",
        {"voltage": 0.7, "ohmic_resistance": 1e4},
        bent(0.7, 1e-4, read_noise__white=0.002),
        settings={"groups": 1},
        shape=(12, 10),
    ),
    Setting(
        "a true sinh, far up",
        {"voltage": 0.12, "ohmic_resistance": 0.0},
        bent(0.12, read_noise__white=0.001, **BOARD),
        settings={"points": 17, "gain": 1, "groups": 2},
        region=Region(rows="3:15"),
    ),
    Setting(
        "a single row",
        {"voltage": 0.5},
        bent(0.5, 2e-4, read_noise__white=0.003, **BOARD),
        settings={"groups": 1, "points": 9, "repeats": 5},
        shape=(6, 64),
        region=Region(rows="2"),
    ),
    Setting(
        "wires, transistors, slow noise",
        {"voltage": 0.6},
        bent(0.6, 1.5e-4),
        preset="ta-hfo2-full",
        settings={"groups": 3, "gate_voltage": 1.7},
        shape=(24, 20),
    ),
    Setting(
        "hardly bent",
        {},
        bent(3.0, read_noise__white=0.01),
        settings={"groups": 2},
        undetermined=("voltage",),
    ),
    Setting(
        "long wires, which are known",
        {"voltage": 0.5},
        bent(0.5, 1e-4, wires__resistance=2.5, read_noise__white=0.003),
        settings={"groups": 4, "wire_resistance": 2.5},
        shape=(32, 24),
        region=Region(rows="8:"),
    ),
    Setting(
        "other levels, noise of the ADC",
        {"voltage": 0.9, "ohmic_resistance": 1 / 6e-5},
        bent(0.9, 6e-5, board__adc__noise=1.5, read_noise__white=0.002),
        settings={"gate_voltage": 1.2, "reset_voltages": (1.1, 1.25, 1.4, 1.5), "groups": 1},
    ),
]
