"""Wire resistance away from the defaults."""

from __future__ import annotations

from memlab.regions import Region
from tests.memlab.characterize.off_grid.harness import Setting
from tests.memlab.characterize.off_grid.truths import BOARD

__all__ = ["SETTINGS"]

SETTINGS = [
    Setting(
        "a corner far from the drivers",
        {"wire_resistance": 1.3},
        {"wires__resistance": 1.3, "read_noise__white": 0.005, **BOARD},
        settings={"groups": 8, "repeats": 5},
        shape=(48, 32),
        region=Region(rows="4:28", columns="14:"),
    ),
    Setting(
        "drivers and amplifiers resist, too",
        {"wire_resistance": 0.8, "driver_resistance": 3.0, "sense_resistance": 2.0},
        {
            "wires__resistance": 0.8,
            "wires__driver_resistance": 3.0,
            "wires__sense_resistance": 2.0,
            "read_noise__white": 0.004,
        },
        settings={"groups": 6, "gate_voltage": 1.9},
        shape=(40, 30),
    ),
    Setting(
        "four stages, slow noise",
        {"wire_resistance": 2.1},
        {"wires__resistance": 2.1, "read_noise__white": 0.004, "read_noise__flicker": 0.003},
        settings={"groups": 12, "stages": 4, "gain": 1},
        shape=(36, 28),
        region=Region(rows="0:30"),
    ),
    Setting(
        "a single row",
        {"wire_resistance": 1.5},
        {"wires__resistance": 1.5, "read_noise__white": 0.005, **BOARD},
        settings={"groups": 4},
        shape=(12, 64),
        region=Region(rows="7"),
        undetermined=("sense_resistance",),
    ),
    Setting(
        "all effects",
        {"wire_resistance": 1.0},
        {"wires__resistance": 1.0},
        preset="ta-hfo2-full",
        settings={"groups": 8, "repeats": 6},
        shape=(48, 32),
    ),
    Setting(
        "bent cells",
        {"wire_resistance": 1.2},
        {
            "wires__resistance": 1.2,
            "read_noise__white": 0.003,
            "nonlinearity__voltage": 0.5,
            "nonlinearity__ohmic_conductance": 1e-4,
        },
        settings={"groups": 8},
        shape=(40, 30),
    ),
    Setting(
        "eight by eight",
        {},
        {"wires__resistance": 0.4, "read_noise__white": 0.005, **BOARD},
        settings={"groups": 4},
        shape=(20, 16),
        region=Region(rows="4:12", columns="6:14"),
        undetermined=("wire_resistance", "driver_resistance", "sense_resistance"),
    ),
]
