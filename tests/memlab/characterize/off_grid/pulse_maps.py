"""SET and RESET maps away from the defaults: laws that are seen in part, or cut off at 0 S."""

from __future__ import annotations

from memlab.regions import Region
from tests.memlab.characterize.off_grid.harness import Setting
from tests.memlab.characterize.off_grid.truths import BOARD

__all__ = ["RESET", "SET"]

# A RESET that is not quite a full one leaves some of the state before it.
_BOARD = {**BOARD, "reset__full_voltage": 1.5}

# What the pulse timer makes of 0.4 us, in us: 0.16 us and 58 ticks of 240 MHz.
_MADE = 0.16 + 58 / 240

_LAW = {"set_slope": 98e-6, "set_offset": 120e-6}

SET = [
    Setting(
        "a board nobody calibrated",
        {"full_voltage": 2.13, "steepness": 1.0, **_LAW},
        {
            **_BOARD,
            "set__full_voltage": 2.13,
            "set__voltage_scale": 0.3,
            "reset_conductance": 15e-6,
            "spread__set_slope": 0.03,
        },
        settings={"voltages": 11, "gates": 3, "voltage_minimum": 0.7},
    ),
    Setting(
        "amplitudes below full switching",
        {"steepness": 1.5},
        {"set__full_voltage": 2.6},
        settings={"voltage_minimum": 0.9, "voltage_maximum": 2.2, "voltages": 8, "gates": 3},
        undetermined=("full_voltage",),
    ),
    Setting(
        "so steep that its threshold is not seen",
        {},
        {"set__full_voltage": 2.2, "set__voltage_scale": 0.02, "noise": 6e-6},
        settings={"voltage_minimum": 0.6, "voltages": 8},
        undetermined=("threshold",),
    ),
    Setting(
        "one gate, cells differ",
        {"full_voltage": 1.9, "steepness": 2.0},
        {
            "set__full_voltage": 1.9,
            "set__voltage_scale": 0.15,
            "spread__set_offset": 15e-6,
            "spread__cycle": 0.02,
        },
        settings={"gates": 1, "gate_minimum": 1.3, "gate_maximum": 1.3, "voltages": 12},
        shape=(24, 20),
        region=Region(rows="2:20", columns="3:17"),
    ),
    Setting(
        "a single row",
        {"full_voltage": 1.73, "steepness": 1.5},
        {**_BOARD, "set__full_voltage": 1.73, "noise": 3e-6},
        settings={"voltages": 15, "gates": 2, "voltage_minimum": 0.9},
        shape=(10, 40),
        region=Region(rows="4"),
    ),
    Setting(
        "a single column, dead cells",
        {"full_voltage": 1.6, "steepness": 1.2},
        {
            **_BOARD,
            "set__full_voltage": 1.6,
            "set__voltage_scale": 0.25,
            "defects__stuck_off": 0.05,
        },
        settings={"voltages": 12, "gates": 4},
        shape=(60, 6),
        region=Region(columns="2"),
    ),
    Setting(
        "a short pulse",
        {"full_voltage": 1.9, "steepness": 1.5},
        {"set__full_voltage": 1.9, "reset_conductance": 20e-6},
        settings={"voltages": 10, "gates": 2, "point": {"set_width": 0.5e-6}},
    ),
]

RESET = [
    Setting(
        "a board nobody calibrated",
        {
            "full_voltage": 1.43,
            "steepness": 1.5,
            "reset_conductance": 35e-6,
            "depth_slope": 40e-6,
            "full_part": 1.0,
        },
        {
            **BOARD,
            "reset__full_voltage": 1.43,
            "reset_conductance": 35e-6,
            "reset__depth_slope": 40e-6,
        },
        settings={"voltages": 12, "gates": 2, "voltage_minimum": 0.5},
    ),
    Setting(
        "a short pulse",
        {"full_voltage": 1.5, "reset_conductance": 20e-6, "full_part": _MADE**0.3},
        {"reset__full_voltage": 1.5, "reset_conductance": 20e-6},
        settings={"voltages": 11, "gates": 1, "point": {"reset_width": 0.4e-6}},
    ),
    Setting(
        "amplitudes below full switching",
        {},
        {"reset__full_voltage": 1.9, "reset_conductance": 20e-6},
        settings={"voltage_maximum": 1.6, "voltages": 9, "gates": 1, "gate_minimum": 5.0},
        undetermined=("full_voltage", "reset_conductance"),
    ),
    Setting(
        "half of the cells end at 0 S",
        {"reset_conductance": 0.0, "full_voltage": 1.45},
        {"reset__full_voltage": 1.45, "noise": 5e-6},
        settings={"voltages": 11, "gates": 1, "gate_minimum": 5.0},
    ),
    Setting(
        "cells differ",
        {"full_voltage": 1.6, "reset_conductance": 60e-6},
        {
            "reset__full_voltage": 1.6,
            "reset_conductance": 60e-6,
            "spread__reset": 0.3,
            "spread__set_offset": 10e-6,
            **BOARD,
        },
        settings={"voltages": 13, "gates": 2, "second_gate_voltage": 1.0},
        shape=(24, 20),
        region=Region(rows="2:20", columns="3:17"),
    ),
    Setting(
        "a single row",
        {"full_voltage": 1.38, "reset_conductance": 30e-6},
        {**BOARD, "reset__full_voltage": 1.38, "reset_conductance": 30e-6, "noise": 3e-6},
        settings={"voltages": 10, "gates": 1},
        shape=(10, 40),
        region=Region(rows="4"),
    ),
    Setting(
        "two SET states that are the same",
        {"reset_conductance": 25e-6},
        {"reset_conductance": 25e-6, "reset__full_voltage": 1.4},
        settings={"second_gate_voltage": 1.6, "gates": 1},
        undetermined=("steepness", "full_part"),
    ),
]
