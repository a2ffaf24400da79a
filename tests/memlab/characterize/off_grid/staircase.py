"""The staircase away from the defaults: boards that nobody calibrated, laws cut off near 0 S."""

from __future__ import annotations

from support.known_chips import chip

from memlab.regions import Region
from tests.memlab.characterize.off_grid.harness import Setting
from tests.memlab.characterize.off_grid.truths import BOARD

__all__ = ["SETTINGS"]

_LAW = {"set_slope": 98e-6, "set_offset": 120e-6}

SETTINGS = [
    Setting(
        "a board nobody calibrated",
        {**_LAW, "cycle_spread": 6e-6},
        {**BOARD, "noise": 6e-6},
        settings={"steps": 6, "gate_minimum": 1.1, "gate_maximum": 2.05},
    ),
    Setting(
        "cells differ, a board nobody calibrated",
        _LAW,
        {
            **BOARD,
            "spread__set_slope": 0.04,
            "spread__set_offset": 6e-6,
            "spread__cycle": 0.02,
            "reset_conductance": 15e-6,
            "read_noise__white": 0.01,
        },
        settings={"steps": 5, "gate_maximum": 1.9},
        shape=(24, 20),
        region=Region(rows="3:19", columns="2:20"),
    ),
    Setting(
        "the law begins near 0 S",
        {"set_slope": 110e-6, "set_offset": -100e-6, "cycle_spread": 5e-6},
        {"set_slope": 110e-6, "set_offset": -100e-6, "noise": 5e-6, "reset_conductance": 4e-6},
        settings={"steps": 9, "gate_minimum": 0.9, "gate_maximum": 2.3},
    ),
    Setting(
        "dead cells and few steps",
        {"set_slope": chip("pt-taox-ta").set_slope, "set_offset": 0.0, "cycle_spread": 10e-6},
        {"defects__stuck_on": 0.03, "defects__stuck_off": 0.03, **BOARD},
        preset="pt-taox-ta",
        settings={"steps": 3, "gate_minimum": 0.8, "gate_maximum": 1.7},
        shape=(32, 16),
    ),
    Setting(
        "a single row",
        _LAW,
        {**BOARD, "spread__set_slope": 0.05, "noise": 3e-6},
        settings={"steps": 4, "gate_minimum": 1.3},
        shape=(20, 40),
        region=Region(rows="7"),
    ),
    Setting(
        "a single column",
        _LAW,
        {**BOARD, "spread__set_offset": 4e-6},
        settings={"steps": 7},
        shape=(48, 9),
        region=Region(columns="4"),
    ),
    Setting(
        "an ideal board and hardly any noise",
        {**_LAW, "cycle_spread": 0.2e-6},
        {"noise": 0.2e-6},
        settings={"steps": 4, "gate_maximum": 2.2},
    ),
]
