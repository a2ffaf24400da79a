"""Variation away from the defaults: boards that nobody calibrated, few cycles, parts of chips."""

from __future__ import annotations

from support.known_chips import chip

from memlab.regions import Region
from tests.memlab.characterize.off_grid.harness import Setting
from tests.memlab.characterize.off_grid.truths import BOARD

__all__ = ["SETTINGS"]

SETTINGS = [
    Setting(
        "a board nobody calibrated",
        {"set_slope_spread": 0.05, "set_offset_spread": 5e-6, "noise": 5e-6, "cycle": 0.03},
        {
            **BOARD,
            "noise": 5e-6,
            "spread__set_slope": 0.05,
            "spread__set_offset": 5e-6,
            "spread__cycle": 0.03,
            "reset_conductance": 30e-6,
        },
        settings={"cycles": 6, "gate_low": 0.9, "gate_high": 2.1},
    ),
    Setting(
        "RESET levels of cells differ",
        {"reset_spread": 0.3, "noise": 2e-6, "reset_level": 50e-6},
        {**BOARD, "noise": 2e-6, "reset_conductance": 50e-6, "spread__reset": 0.3},
        settings={"cycles": 3, "gate_low": 1.0},
    ),
    Setting(
        "a RESET at 0 S",
        {"noise": 7e-6, "set_offset_spread": 8e-6},
        {"noise": 7e-6, "spread__set_offset": 8e-6, "read_noise__white": 0.01},
        settings={"cycles": 5},
        shape=(24, 20),
        region=Region(rows="2:20", columns="5:15"),
        undetermined=("reset_spread",),
    ),
    Setting(
        "a single row",
        {"set_slope_spread": 0.08, "noise": 4e-6, "set_high_level": 98e-6 * 1.7 + 120e-6},
        {**BOARD, "spread__set_slope": 0.08},
        settings={"cycles": 5, "gate_high": 1.7},
        shape=(12, 60),
        region=Region(rows="5"),
    ),
    Setting(
        "two cycles, dead cells",
        {"noise": 10e-6, "set_low_level": 1.1 * chip("pt-taox-ta").set_slope},
        {**BOARD, "defects__stuck_on": 0.02},
        preset="pt-taox-ta",
        settings={"cycles": 2, "gate_low": 1.1},
        shape=(32, 16),
    ),
    Setting(
        "the lower SET is lost in the RESET state",
        {},
        {"set_offset": -60e-6, "reset_conductance": 20e-6, "noise": 6e-6},
        settings={"cycles": 3, "gate_low": 0.8},
        undetermined=("set_slope_spread", "noise"),
    ),
]
