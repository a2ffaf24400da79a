"""Yield away from the defaults: many faults, other windows, parts of chips; by coverage."""

from __future__ import annotations

from memlab.regions import Region
from tests.memlab.characterize.off_grid.harness import Setting
from tests.memlab.characterize.off_grid.truths import BOARD

__all__ = ["SETTINGS"]


def _faults(on: float, off: float) -> dict[str, float]:
    return {"stuck_high": on, "stuck_low": off, "yield": 1.0 - on - off}


SETTINGS = [
    Setting(
        "a board nobody calibrated",
        _faults(0.04, 0.06),
        {**BOARD, "defects__stuck_on": 0.04, "defects__stuck_off": 0.06},
        settings={"rounds": 2, "repeats": 3, "groups": 5},
    ),
    Setting(
        "small windows",
        _faults(0.02, 0.1),
        {
            **BOARD,
            "set_slope": 50e-6,
            "set_offset": 20e-6,
            "reset_conductance": 25e-6,
            "defects__stuck_on": 0.02,
            "defects__stuck_off": 0.1,
            "defects__on_conductance": 0.4e-3,
        },
        settings={"gate_voltage": 1.8, "minimum_window": 30e-6, "rounds": 2},
    ),
    Setting(
        "no faults at all",
        _faults(0.0, 0.0),
        {"noise": 6e-6},
        settings={"rounds": 1, "repeats": 2},
        shape=(10, 14),
    ),
    Setting(
        "a single row",
        _faults(0.05, 0.05),
        {"defects__stuck_on": 0.05, "defects__stuck_off": 0.05},
        settings={"groups": 3},
        shape=(12, 40),
        region=Region(rows="4"),
    ),
    Setting(
        "many dead cells",
        {"stuck_low": 0.3, "yield": 0.7},
        {"non_responsive": 0.3, **BOARD},
        preset="pt-taox-ta",
        settings={"groups": 4, "rounds": 2},
        region=Region(rows="3:15", columns="1:11"),
    ),
    Setting(
        "cells differ, noisy reads",
        _faults(0.03, 0.03),
        {
            **BOARD,
            "defects__stuck_on": 0.03,
            "defects__stuck_off": 0.03,
            "spread__set_slope": 0.1,
            "spread__set_offset": 10e-6,
            "read_noise__white": 0.01,
            "reset_conductance": 10e-6,
            "spread__reset": 0.5,
        },
        settings={"rounds": 2},
    ),
]
